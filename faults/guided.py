"""``make fuzz``, its second half: files that grow by what they reach in the readers (atheris).

    python -m faults.guided [--minutes 2]       every kind in turn, each in its own process
    python -m faults.guided KIND --seconds 600  one kind
    python -m faults.guided KIND --file FOUND   what was found once more, its exception shown

Files that reach something new are kept in ``build/fuzz/corpus/`` and are where the next time
begins; what is found lies in ``build/fuzz/found/``. Where atheris has no wheel for this Python the
command says so, and the seeded files (``fuzz``) are all there is. Exit code 1 when something is
found.

Belongs here: the engine. Does not belong here: how a file of a kind is spoiled (``hostile``), what
a reader may do (``fuzz``).
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from faults import fuzz, hostile

PROJECT = Path(__file__).parent.parent
PLACE = PROJECT / "build" / "fuzz"
# SPSS is opened in a process of its own, into which the engine cannot see; `fuzz` tries it.
KINDS = tuple(kind for kind in hostile.KINDS if kind not in ("name", "sav"))
_READ = ("via_pipeline.intake", "zipfile", "csv", "frontmatter", "yaml")
_MEMORY_MB = 3072
_LONGEST = 1 << 20
_LINE = re.compile(r"#(\d+)\s.*?cov: (\d+) ft: (\d+) corp: (\d+)/")


def fuzz_one(kind: str, seconds: int) -> None:
    """Until ``seconds`` are over or something is found; does not return.

    An exception that a reader may not raise, a hang and an ended process are findings of the
    engine: it writes the file and leaves with another exit code than 0.
    """
    import atheris

    with atheris.instrument_imports(include=list(_READ)):
        from via_pipeline.intake import archive, names, readers, recognise  # noqa: F401

    found = hostile.sample(kind)

    def one(data: bytes) -> None:
        fuzz.attempt(replace(found, data=data))

    def other(data: bytes, size: int, seed: int) -> bytes:
        draw = random.Random(seed)  # noqa: S311 - chance, not secrecy
        return hostile.mutated(
            draw, kind, data, lambda _, part: atheris.Mutate(part, max(len(part), 64))
        )[:size]

    corpus, results = PLACE / "corpus" / kind, PLACE / "found"
    for folder in (corpus, results):
        folder.mkdir(parents=True, exist_ok=True)
    (corpus / "sample").write_bytes(found.data)
    fuzz.attempt(found)
    sys.addaudithook(fuzz.no_writing)
    options = (
        f"-max_total_time={seconds}",
        f"-timeout={fuzz.SECONDS}",
        f"-rss_limit_mb={_MEMORY_MB}",
        f"-max_len={max(_LONGEST, 2 * len(found.data))}",
        f"-artifact_prefix={results}/{kind}-",
        "-len_control=0",
    )
    atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=other)
    atheris.Fuzz()


def told(kind: str, code: int, output: str, seconds: float) -> tuple[str, str | None]:
    """A line for the table, and what was found, from what the engine said."""
    lines = _LINE.findall(output)
    runs, coverage, features, corpus = lines[-1] if lines else ("0", "0", "0", "0")
    first = lines[0][1] if lines else "0"
    line = (
        f"{kind:<10} {runs:>8} files {first:>6} -> {coverage:>5} places in the code, "
        f"{features:>6} ways, {corpus:>5} kept, {seconds:>4.0f} s"
    )
    if code == 0 and lines:
        return line, None
    what = re.findall(
        r"^(?: === Uncaught Python exception: ===\n.*|==\d+== ?ERROR: .*|SUMMARY: .*)$",
        output,
        re.M,
    )
    file = re.findall(r"Test unit written to (\S+)", output)
    said = " ".join(what[-1].split()) if what else output[-400:]
    return line, f"{kind}: {said[:300]} ({file[-1] if file else f'exit code {code}'})"


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when nothing was found, or where there is no engine."""
    parser = argparse.ArgumentParser(prog="faults.guided", description=__doc__)
    parser.add_argument("kind", nargs="?", choices=KINDS)
    parser.add_argument("--minutes", type=float, default=2.0, help="for all kinds together")
    parser.add_argument("--seconds", type=int, default=60, help="for one kind")
    parser.add_argument("--file", type=Path, help="read this file only")
    given = parser.parse_args(arguments)
    if given.file:
        print(fuzz.attempt(replace(hostile.sample(given.kind), data=given.file.read_bytes())))
        return 0
    if importlib.util.find_spec("atheris") is None:
        version = ".".join(map(str, sys.version_info[:2]))
        print(
            f"Not guided by what is reached: atheris has no wheel for Python {version} here "
            "(make .venv/.fuzz tells why). The seeded files above are all that was tried."
        )
        return 0
    if given.kind:
        fuzz_one(given.kind, given.seconds)
    findings = []
    for kind in KINDS:
        seconds = max(5, round(60 * given.minutes / len(KINDS)))
        began = time.monotonic()
        done = subprocess.run(  # noqa: S603 - this module
            [sys.executable, "-m", "faults.guided", kind, "--seconds", str(seconds)],
            cwd=PROJECT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=seconds + 300,
            check=False,
        )
        said = done.stderr.decode("utf-8", "replace")
        line, finding = told(kind, done.returncode, said, time.monotonic() - began)
        print(line, flush=True)
        findings += [finding] if finding else []
    for finding in findings:
        print(f"    WRONG {finding}")
    print(f"guided: {len(KINDS)} kinds, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
