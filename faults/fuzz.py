"""``make fuzz``: hostile files against every reader, in a child with limits.

    python -m faults.fuzz [--minutes 2] [--cases N] [--seed S]

A reader may take a file or refuse it with a message for its sender; it may not crash, not take
longer or more memory than the limit, and not open any file for writing. Exit code 1 when one does;
each finding names seed and number, and ``--only NUMBER`` does it again.

Belongs here: the child, its limits, what counts as a finding. Does not belong here: the files
(``hostile``), or files that grow by what they reach (``guided``).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from faults import hostile

SEED = 20200226
SECONDS = 20
MEMORY = 3 << 30
"""Address space of the child: DuckDB and Arrow reserve one, the largest sample needs 40 MB."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_DONE = struct.Struct("<q")


class Wrote(RuntimeError):
    """A reader opened a file for writing."""


def attempt(case: hostile.Case) -> str:
    """Read ``case`` to its end: ``taken``, or the rule under which it was refused.

    Raises:
        Exception: anything that a reader should not raise.
    """
    import duckdb

    from via_pipeline.intake import archive, names, readers, recognise
    from via_pipeline.intake.content import Content
    from via_pipeline.intake.trouble import Refused

    contract, codes = _agreed(case.source)
    content = Content(case.name, data=case.data)
    try:
        names.shown_file(case.name, "0" * 64, contract)
        if contract.kept_in is None:
            recognise.recognise(contract, case.name)
        kind = readers.format_of(content)
        contents = archive.members(content) if kind == "zip" else [content]
        for table in contract.tables:
            pattern = contract.delivery.members[table.name]
            for one in contents:
                fits = re.fullmatch(pattern, one.name) or re.fullmatch(pattern, one.base_name)
                if len(contract.tables) > 1 and not fits:
                    continue
                inner = readers.format_of(one)
                raw = readers.read([one], inner, contract, table, codes, pattern)
                with duckdb.connect(config={"memory_limit": "512MB"}) as connection:
                    _drain(connection, raw)
    except Refused as refused:
        return refused.rule
    return "taken"


def _drain(connection, raw) -> None:
    """As ``intake.conform`` does: the next way where one does not work."""
    import duckdb

    from via_pipeline.intake.trouble import Refused

    for number, attach in enumerate(raw.attempts):
        try:
            with attach(connection, "ruw"):
                connection.execute('SELECT count(*), max(_row) FROM "ruw"').fetchall()
        except (duckdb.Error, UnicodeDecodeError):
            if number + 1 == len(raw.attempts):
                raise
            continue
        if raw.tally.refused is not None:
            raise Refused(raw.tally.refused.rule, raw.tally.refused.explanation)
        return


@cache
def _agreed(source: str):
    from via_pipeline.contracts import codelists
    from via_pipeline.contracts.model import load
    from via_pipeline.contracts.rules import needs_codelists

    contract = load(source)
    reference = Path(__file__).parent.parent / "data" / "reference"
    wanted = {name for table in contract.tables for name in needs_codelists(table)}
    return contract, {name: codelists.load(name, reference) for name in sorted(wanted)}


def run(
    seed: int,
    numbers: Iterator[int],
    until: float,
    attempt: Callable[[hostile.Case], str] = attempt,
    seconds: float = SECONDS,
) -> tuple[Counter[str], list[str]]:
    """Outcomes counted, and findings in words, for the cases ``numbers`` of ``seed``.

    A child does one after another; when one ends or hangs it, the next child goes on behind it.
    """
    counts: Counter[str] = Counter()
    findings: list[str] = []
    waiting = next(numbers, None)
    while waiting is not None and time.monotonic() < until:
        waiting = _child(seed, waiting, numbers, until, attempt, seconds, counts, findings)
    return counts, findings


def _child(seed, first, numbers, until, attempt, seconds, counts, findings) -> int | None:
    """Do ``first`` and on in one child; the number to go on with in another, None at the end."""
    ask, asked = os.pipe()
    answer, answered = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(asked)
        os.close(answer)
        _work(seed, os.fdopen(ask, "rb"), os.fdopen(answered, "wb"), attempt)
    os.close(ask)
    os.close(answered)
    number: int | None = first
    with os.fdopen(asked, "wb") as out, os.fdopen(answer, "rb") as back:
        while number is not None and time.monotonic() < until:
            out.write(_DONE.pack(number))
            out.flush()
            kind = hostile.KINDS[number % len(hostile.KINDS)]
            said = _line(back, seconds)
            if said is None or not said:
                os.kill(pid, signal.SIGKILL)
                _, status = os.waitpid(pid, 0)
                what = (
                    f"hangs for {seconds:g} s" if said is None else f"ends the process ({status})"
                )
                findings.append(f"{kind}: {what} (seed {seed}, --only {number})")
                return next(numbers, None)
            outcome, _, more = said.partition(" ")
            counts[
                f"{kind} {'taken' if outcome == 'taken' else 'refused' if not more else 'X'}"
            ] += 1
            if more:
                findings.append(f"{kind}: {said} (seed {seed}, --only {number})")
            number = next(numbers, None)
    os.waitpid(pid, 0)
    return None


def _line(back, seconds: float) -> str | None:
    """One answer; empty at the end of the child, None when it takes too long."""
    import select

    ready, _, _ = select.select([back], [], [], seconds)
    return back.readline().decode("utf-8", "replace").rstrip("\n") if ready else None


def _work(seed: int, ask, answered, attempt: Callable[[hostile.Case], str]) -> None:
    """The child: read numbers, answer each with a line."""
    with contextlib.suppress(BaseException):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        _agreed("p5_behoud")
        sys.addaudithook(no_writing)
        while said := ask.read(_DONE.size):
            (number,) = _DONE.unpack(said)
            try:
                told = attempt(hostile.case(seed, number)).split()[0]
            except BaseException as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                told = f"raises {type(error).__name__} in {Path(last.filename).name}:{last.lineno}"
            answered.write(told.encode() + b"\n")
            answered.flush()
    os._exit(0)


def no_writing(event: str, arguments: tuple) -> None:
    """An audit hook: raise ``Wrote`` where a file is opened for writing."""
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path, mode, flags = arguments
        is_writing = bool(flags & _WRITING) or any(sign in (mode or "") for sign in "wax+")
        if is_writing and os.fsdecode(path) != os.devnull:
            raise Wrote(os.fsdecode(path))


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when every file was taken or refused."""
    parser = argparse.ArgumentParser(prog="faults.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--cases", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", type=int, help="one case, its exception shown")
    given = parser.parse_args(arguments)
    if given.only is not None:
        print(attempt(hostile.case(given.seed, given.only)))
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="via-fuzz-") as empty, contextlib.chdir(empty):
        counts, findings = run(given.seed, iter(range(given.cases)), began + 60 * given.minutes)
        left = sorted(str(path) for path in Path(empty).rglob("*"))
    for name, count in sorted(counts.items()):
        print(f"{name:<20} {count:>8}")
    kinds = sorted({re.sub(r" \(seed.*", "", line): line for line in findings}.values())
    for line in kinds + [f"left behind: {path}" for path in left]:
        print(f"    WRONG {line}")
    print(f"{counts.total()} files, {len(findings)} findings. {time.monotonic() - began:.0f} s")
    return 1 if findings or left or not counts else 0


if __name__ == "__main__":
    sys.exit(main())
