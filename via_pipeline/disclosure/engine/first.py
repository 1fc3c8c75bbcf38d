"""A first pattern for one table, by tau-ARGUS: OPT for small tables, MOD for hierarchies.

Belongs here: handing a table of counts to ``pytauargus`` and reading back what it hid. Does not
belong here: linked tables, and any trust in the answer: ``protect`` takes it as a start, repairs it
on the joint system and shows again what is not needed.

The engine is global to a process, writes logs with original values into the current directory and
can run long. So it works in a process of its own, in a private temporary directory that is removed
afterwards, within limits of time and memory. No answer within the limits is no pattern, and no
error: the repair needs none. Measured on generated tables (``benchmarks/disclosure.py``): the
repair alone hides fewer cells and less value than MOD, so that this is worth its time only where
OPT can be had.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from via_pipeline.disclosure.engine.problem import Name
from via_pipeline.disclosure.engine.tables import Table
from via_pipeline.storage import child

OPTIMAL = "OPT(1)"
MODULAR = "MOD(1,5,1,1,1)"
_MEMORY = 1_000_000_000
_SMALL = 200
"""Cells up to which the optimum is asked for; it is seconds there and hours beyond."""
_WITHHELD = ("U", "M")


def first_pattern(
    table: Table, minimum: int, seconds: float = 10.0, method: str = ""
) -> frozenset[Name]:
    """Names of what tau-ARGUS hides of a table of counts under a minimum frequency.

    ``method`` is OPTIMAL or MODULAR, by size and shape unless given. Empty when it gave no answer
    within ``seconds``.
    """
    cells = 1
    for dimension in table.dimensions:
        cells *= len(dimension.parent) + 1
    flat = all(len(dimension.children) == 1 for dimension in table.dimensions)
    asked = {
        "minimum": minimum,
        "method": method or (OPTIMAL if flat and cells <= _SMALL else MODULAR),
        "parents": [dict(dimension.parent) for dimension in table.dimensions],
        "counts": [[list(codes), count] for codes, count in sorted(table.counts.items())],
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o700)
        try:
            done = subprocess.run(  # noqa: S603 - this interpreter and this module
                [sys.executable, "-m", __name__, folder],
                input=json.dumps(asked),
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
                env=child.environment(),
            )
        except subprocess.TimeoutExpired:
            return frozenset()
        answer = Path(folder) / "answer.json"
        if done.returncode != 0 or not answer.exists():
            return frozenset()
        hidden = json.loads(answer.read_text(encoding="utf-8"))
    return frozenset((table.name, *codes) for codes in hidden)


def _solve(asked: Mapping, folder: Path) -> list[list[str]]:
    """In the process of its own: the codes of every cell that tau-ARGUS hides."""
    from pytauargus import protect

    # Codes of our own: short, without characters that its file formats give a meaning.
    codes: list[dict[str, str]] = []
    back: list[dict[str, str]] = []
    lines: dict[str, str] = {}
    names = [f"V{place}" for place in range(len(asked["parents"]))]
    for place, parent in enumerate(asked["parents"]):
        whole = next(iter(set(parent.values()) - set(parent)))
        short = {code: f"c{number:05d}" for number, code in enumerate(sorted(parent))}
        codes.append(short)
        back.append({**{new: old for old, new in short.items()}, "": whole, "Total": whole})
        if any(code in parent.values() for code in parent):
            path = folder / f"{names[place]}.hrc"
            path.write_text("\n".join(_tree(parent, whole, short)) + "\n", encoding="utf-8")
            lines[names[place]] = str(path)
    rows: dict[str, list] = {name: [] for name in (*names, "telling")}
    for of, count in asked["counts"]:
        for place, code in enumerate(of):
            rows[names[place]] += [codes[place][code]] * count
        rows["telling"] += [1] * count
    result = protect(
        rows,
        names,
        response="telling",
        safety_rules=f"FREQ({asked['minimum']},1)",
        suppress=asked["method"],
        hrc=lines or None,
        hierleadstring="@",
        workdir=str(folder),
    )
    return [
        [back[place][row[name]] for place, name in enumerate(names)]
        for row in result.tables[0].rows
        if row["status"] in _WITHHELD
    ]


def _tree(parent: Mapping[str, str], code: str, short: Mapping[str, str], depth: int = 0) -> list:
    found: list[str] = []
    for below in sorted(one for one, above in parent.items() if above == code):
        found.append("@" * depth + short[below])
        found += _tree(parent, below, short, depth + 1)
    return found


def _main() -> None:
    import os

    child.limit(_MEMORY)
    folder = Path(sys.argv[1])
    os.chdir(folder)
    answer = _solve(json.load(sys.stdin), folder)
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    _main()
