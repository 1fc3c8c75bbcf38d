"""``make readers``: readers during refreshes, two runs at once, a run beside a publication.

    python -m faults.readers [--readers 20] [--refreshes 20]

First act: readers query without a pause while two different contents are published in turn; a read
may not fail, and no reader may see anything but one whole release. Second act: two ``via run`` at
once; the second waits or leaves with a message. Third act: an edition is published while a run
makes all concepts anew; what is published is what was submitted. Exit code 1 when any of it fails.

Belongs here: those three acts. Does not belong here: a reader (``read_on``).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from faults import house
from via_pipeline.storage.home import Home

READER = Path(__file__).parent / "read_on.py"
EDITION = "slot"
BUSY = "another run is writing"


@dataclass
class Read:
    """What all readers together saw."""

    reads: int = 0
    failed: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    releases: set[str] = field(default_factory=set)


@contextmanager
def reading(home: Home, readers: int, folder: Path) -> Iterator[Read]:
    """``readers`` processes read as long as the block lasts; its end fills in the counts."""
    stop = folder / "stop"
    command = [sys.executable, str(READER), str(home.latest), str(stop)]
    at_work = [
        subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE)  # noqa: S603
        for seed in range(readers)
    ]
    read = Read()
    try:
        yield read
    finally:
        stop.touch()
        for process in at_work:
            out, _ = process.communicate(timeout=house.LIMIT_SECONDS)
            if process.returncode != 0:
                read.failed.append(f"a reader ended with {process.returncode}")
                continue
            told = json.loads(out)
            read.reads += told["reads"]
            read.failed += told["failed"]
            read.torn += told["torn"]
            read.releases |= {*told["releases"]}


def refreshed(home: Home, lakes: list[Path], refreshes: int) -> list[str]:
    """Publish the content of ``lakes`` in turn; the releases in the order they were made.

    ``home.lake`` must be a link: it is pointed at one after the other.
    """
    from via_pipeline.serving.publish import publish

    made = []
    for number in range(refreshes):
        home.lake.unlink()
        home.lake.symlink_to(lakes[number % len(lakes)], target_is_directory=True)
        made.append(publish(home).release)
    return made


def first_act(home: Home, lakes: list[Path], readers: int, refreshes: int, folder: Path) -> bool:
    """Readers during refreshes; prints the counts."""
    began = time.monotonic()
    with reading(home, readers, folder) as read:
        log = folder / "refreshes.log"

        def work() -> int:
            print(json.dumps(refreshed(home, lakes, refreshes)))
            return 0

        made = json.loads(house.well(house.run(home, work, log)).output.splitlines()[-1])
    print(
        f"{readers} readers, {len(made)} refreshes with {len({*made})} contents: "
        f"{read.reads} reads, {len(read.failed)} failed, {len(read.torn)} torn, "
        f"{len(read.releases)} releases seen. {time.monotonic() - began:.0f} s"
    )
    for line in sorted({*read.failed, *read.torn})[:12]:
        print(f"    WRONG {line}")
    return (
        not read.failed
        and not read.torn
        and len({*made}) == len(lakes)
        and read.releases <= {*made}
        and read.reads >= readers
    )


def second_act(home: Home, folder: Path) -> bool:
    """Two runs at once."""
    work = house.via("run", "--edition", EDITION, "--force")
    logs = [folder / f"run{number}.log" for number in (1, 2)]
    pids = [house.fork(home, work, log) for log in logs]
    ended = [house.wait(pid, log) for pid, log in zip(pids, logs, strict=True)]
    codes = sorted(one.code for one in ended)
    refused = [one for one in ended if one.code == 1]
    told = all(BUSY in one.output and "Traceback" not in one.output for one in refused)
    print(f"two runs at once: exit codes {codes}" + (f", told: '{BUSY} ...'" if refused else ""))
    return told and codes in ([0, 0], [0, 1])


def third_act(home: Home, folder: Path) -> bool:
    """A publication beside a run."""
    ready = house.run(home, lambda: _voted(home), folder / "gate.log")
    house.well(ready)
    submitted = _files(home.candidates)
    log, other = folder / "beside.log", folder / "publish.log"
    run = house.fork(home, house.via("run", "--edition", EDITION, "--force"), log)
    published = house.run(home, house.via("release", "publish", EDITION, "--as", "anna"), other)
    ran = house.wait(run, log)
    verified = house.run(home, house.via("verify", EDITION), folder / "verify.log")
    kept = _files(home.releases)
    lost = {name: text for name, text in submitted.items() if kept.get(name) != text}
    print(
        f"a run beside a publication: run {ran.code}, publish {published.code}, verify "
        f"{verified.code}; {len(submitted)} files submitted, {len(lost)} of them not as published"
    )
    if published.code:
        print(published.output[-1500:])
    return not (ran.code or published.code or verified.code or lost) and bool(submitted)


def _voted(home: Home) -> int:
    """Take the edition's concept through the gate, up to the vote, as three people would."""
    from via_pipeline.letters.release import checklist, gate
    from via_pipeline.letters.release.ballot import Vote
    from via_pipeline.letters.release.states import Role

    author, first, second = "anna", "bram", "chris"
    at = iter(f"2023-07-01T09:{minute:02}:00Z" for minute in range(60))
    gate.submit(home, EDITION, author, next(at))
    gate.assign(home, EDITION, [first, second], author, next(at))
    for name in (first, second):
        gate.check(home, EDITION, name, next(at))
    for name, item in checklist.items().items():
        who = author if item.by is Role.AUTHOR else first
        gate.tick(home, EDITION, name, "ja", "", who, next(at))
    vote = gate.vote(home, EDITION, Vote.YES, "gezien", first, next(at), salt="00" * 16)
    gate.vote(home, EDITION, Vote.YES, "", second, next(at), salt="11" * 16)
    gate.open_vote(home, EDITION, vote.code, first, next(at))
    return 0


def _files(folder: Path) -> dict[str, bytes]:
    """Tables by name: the same in a candidate and in what was published of it."""
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.csv"))}


def prepare(folder: Path) -> tuple[Home, list[Path]]:
    """An installation that ran twice, and its lakes of both nights."""
    home = house.place(folder / "house", house.FIRST)
    house.warm(home, only=None)
    work, log = house.via("run", "--edition", EDITION), folder / "prepare.log"
    house.well(house.run(home, work, log))
    lakes = [folder / "lake-a", folder / "lake-b"]
    subprocess.run(["cp", "-r", str(home.lake), str(lakes[0])], check=True)  # noqa: S603, S607
    house.deliver(home, house.SECOND)
    house.well(house.run(home, work, log))
    subprocess.run(["cp", "-r", str(home.lake), str(lakes[1])], check=True)  # noqa: S603, S607
    return home, lakes


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when all three acts end well."""
    parser = argparse.ArgumentParser(prog="faults.readers", description=__doc__)
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--refreshes", type=int, default=20)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="via-readers-") as scratch:
        folder = Path(scratch)
        home, lakes = prepare(folder)
        real = folder / "lake-real"
        ok = second_act(home, folder)
        ok &= third_act(home, folder)
        home.lake.rename(real)
        home.lake.symlink_to(real, target_is_directory=True)
        ok &= first_act(home, lakes, given.readers, given.refreshes, folder)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
