"""`make compat`: one published file, read by every reader that is installed; all must agree.

    python compat/matrix.py serve/latest/via.duckdb .venv/compat

Belongs here: which readers there are, running each in a process of its own, comparing what they
say. Does not belong here: what is asked (``read_release.py``).

Readers lie in folders below the second argument, made by the Makefile from
``requirements/compat/``: ``duckdb-<version>`` and ``sqlalchemy`` as ``pip --target`` leaves them,
``node`` as npm does. One that is not there (no wheel for this Python, no Node) is told, not failed.
Exit code 1: one could not read the file, found a table that is not what the file says of it, or
answered otherwise than the others.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from read_release import QUERIES

HERE = Path(__file__).parent
SECONDS = 120


@dataclass(frozen=True)
class Reader:
    """What one reader said of the file: ``said`` is None where it could not read it."""

    name: str
    said: dict | None
    trouble: str = ""


def installed(folder: Path) -> list[Path]:
    """Readers that lie below ``folder``, by name."""
    there = sorted(folder.glob("duckdb-*"), key=lambda path: _version(path.name))
    others = [path for path in (folder / "sqlalchemy", folder / "node") if path.is_dir()]
    return [*there, *(path for path in others if path.name != "node" or shutil.which("node"))]


def ask(reader: Path, file: Path) -> Reader:
    """Let one reader read ``file``, in a process of its own with nothing else of Python."""
    with tempfile.TemporaryDirectory() as scratch:
        queries = Path(scratch) / "queries.json"
        queries.write_text(json.dumps(QUERIES), encoding="utf-8")
        plain = {"PATH": os.environ["PATH"], "HOME": scratch, "VIA_COMPAT_NODE": str(reader)}
        python = [sys.executable, "-S"]
        command = {
            "node": ["node", str(HERE / "read_by_node.mjs"), str(file), str(queries)],
            "sqlalchemy": [*python, str(HERE / "read_by_sqlalchemy.py"), str(file)],
        }.get(reader.name, [*python, str(HERE / "read_release.py"), str(file)])
        done = subprocess.run(  # noqa: S603 - our own scripts
            command,
            env=plain | {"PYTHONPATH": str(reader)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    if done.returncode:
        return Reader(reader.name, None, _trouble(done.stderr))
    return Reader(reader.name, json.loads(done.stdout))


def differences(readers: list[Reader]) -> list[str]:
    """What is wrong, a line each: who could not read, found a wrong table, or answers otherwise."""
    found = [f"{one.name}: {one.trouble}" for one in readers if one.said is None]
    read = [one for one in readers if one.said is not None]
    for one in read:
        found += [
            f"{one.name}: table {table} is not as told" for table in one.said.get("wrong", [])
        ]
        found += [
            f"{one.name}: another answer than {read[0].name} to '{question}'"
            for question, answer in read[0].said["answers"].items()
            if one.said["answers"].get(question) != answer
        ]
    return found


def main(file: Path, folder: Path) -> int:
    """Ask all, print a line each, and what is wrong."""
    readers = [ask(reader, file) for reader in installed(folder)]
    if not readers:
        print(f"no reader is installed below {folder}")
        return 1
    for one in readers:
        told = f"{len(one.said['answers'])} answers" if one.said else "cannot read it"
        print(f"{one.name:16}{(one.said or {}).get('duckdb', ''):44}{told}")
    wrong = differences(readers)
    print("\n".join(wrong) if wrong else f"{len(readers)} readers, one answer")
    return 1 if wrong else 0


def _trouble(told: str) -> str:
    """The line that names the error; an explanation may follow it."""
    lines = told.strip().splitlines() or ["no word of why"]
    return next(
        (line for line in reversed(lines) if re.match(r"\S*(Error|Exception)", line)), lines[-1]
    )


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.removeprefix("duckdb-").split("."))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
