"""``make trouble``: a machine in trouble, on purpose; the message, and the one command afterwards.

    python -m faults.trouble [NAME ...]

Each trouble befalls an installation with one delivery done and a second just arrived. ``via run``
must leave with exit code 1 and a line that says what is wrong (or end well where the trouble is
none of its business), without a traceback; a reader must still get a whole release; after the one
command of docs/bad-nights.md all must be as after a night without trouble. Exit code 1 when not.

Belongs here: the troubles. Does not belong here: their words in the handbook. A small file system
of its own (tmpfs) stands in for a full and for a read-only disk; only root can mount one, and
without it those two are left out, and said so. So is the clock, without Debian's ``faketime``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from faults import house, state
from via_pipeline.storage.home import Home

EDITION = "slot"
RUN = ("run", "--edition", EDITION)
ROOM_BYTES = 200 << 20


@dataclass(frozen=True)
class Trouble:
    """``harm`` is done before, ``around`` lasts as long as, the run that must say ``says``.

    ``code`` is the run's exit code; ``then`` the command that puts it right. ``settings`` are of
    the run with the trouble only. Where it is all over by itself ``then`` is None.
    """

    name: str
    code: int
    says: str
    then: tuple[str, ...] | None = RUN
    harm: Callable[[Home], None] = lambda home: None
    settings: tuple[tuple[str, str], ...] = ()
    around: Callable[[Home], object] = lambda home: nullcontext()
    needs: Callable[[], bool] = lambda: True


def _first(home: Home, pattern: str) -> Path:
    return sorted(home.lake.glob(pattern))[0]


def _spoil(path: Path) -> None:
    path.write_bytes(b"\0" * 200)


@contextmanager
def _read_only(home: Home) -> Iterator[None]:
    place = str(home.root.parent)
    _system("mount", "-o", "remount,ro", place)
    try:
        yield
    finally:
        _system("mount", "-o", "remount,rw", place)


@contextmanager
def _full(home: Home) -> Iterator[None]:
    """Take the room there is, but for some MB, so that the night ends in its midst."""
    ballast = home.root.parent / "ballast"
    room = shutil.disk_usage(home.root).free - (5 << 20)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room)
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def _growing(home: Home) -> Iterator[None]:
    """The second delivery has half of its rows, and a copier that still writes to it."""
    path = home.landing / house.SECOND
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    copier = subprocess.Popen([sys.executable, "-c", _COPIER, str(path)])  # noqa: S603
    time.sleep(1)
    try:
        yield
    finally:
        copier.kill()
        copier.wait()
        path.write_bytes(whole)
        os.utime(path, (time.time() - 3600,) * 2)


_COPIER = """
import sys, time
while True:
    with open(sys.argv[1], "ab") as file:
        file.write(b"x")
    time.sleep(0.2)
"""


def _mounts() -> bool:
    with tempfile.TemporaryDirectory() as place:
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place]
        if subprocess.run(command, capture_output=True, check=False).returncode:  # noqa: S603
            return False
        _system("umount", place)
    return True


TROUBLES = (
    Trouble("no key", 1, "there is no pseudonym key", settings=(("VIA_PSEUDONYM_KEY", ""),)),
    Trouble(
        "another key", 1, "the pseudonym key differs", settings=(("VIA_PSEUDONYM_KEY", "ab" * 32),)
    ),
    Trouble("a full disk", 1, "the disk", around=_full, needs=_mounts),
    Trouble("a read-only disk", 1, "Read-only file system", around=_read_only, needs=_mounts),
    Trouble(
        "damaged rows of a delivery",
        1,
        "Mend them with: via mend",
        then=("mend",),
        harm=lambda home: _spoil(_first(home, "accepted/*/p5_behoud*.parquet")),
    ),
    Trouble(
        "lost rows of a delivery",
        1,
        "Mend them with: via mend",
        then=("mend",),
        harm=lambda home: _first(home, "accepted/*/p5_behoud*.parquet").unlink(),
    ),
    Trouble(
        "a damaged table",
        0,
        "",
        harm=lambda home: _spoil(_first(home, "outcomes__result/data-*.parquet")),
    ),
    Trouble(
        "a deleted landing file",
        0,
        "2 accepted",
        harm=lambda home: (home.landing / house.FIRST).unlink(),
    ),
    Trouble(
        "a file that still grows",
        0,
        "still changing and wait for the next run",
        around=_growing,
        settings=(("VIA_SETTLE_SECONDS", "5"),),
    ),
    Trouble(
        "a clock set back",
        0,
        "2 accepted",
        settings=(("FAKETIME", "-40d"),),
        needs=lambda: shutil.which("faketime") is not None,
    ),
)


def suffer(trouble: Trouble, before: Home, after: Home, folder: Path) -> list[str]:
    """What did not hold under ``trouble``, in words; ``after`` is a night without it."""
    if trouble.needs is _mounts:
        folder.mkdir()
        size = _size(before) + ROOM_BYTES
        _system("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        return list(_suffered(trouble, house.copied(before, folder), after))
    finally:
        if trouble.needs is _mounts:
            _system("umount", str(folder))


def _suffered(trouble: Trouble, home: Home, after: Home) -> Iterator[str]:
    logs = Path(tempfile.mkdtemp(dir=after.root.parent))
    old, new = state.seen_by_a_reader(home), state.seen_by_a_reader(after)
    trouble.harm(home)
    with trouble.around(home):
        ran = _run(trouble, home, logs / "first")
        seen = state.seen_by_a_reader(home)
    if ran.code != trouble.code:
        yield f"exit code {ran.code} and not {trouble.code}: {ran.output[-1500:]}"
    if trouble.says not in " ".join(ran.output.split()):
        yield f"does not say '{trouble.says}': {ran.output[-1500:]}"
    if "Traceback" in ran.output:
        yield f"shows a traceback: {ran.output[-1500:]}"
    if seen is None or seen not in (old, new):
        yield "a reader gets neither the old release nor the new one"
    if trouble.then is not None:
        put_right = house.run(home, house.via(*trouble.then), logs / "then")
        if put_right.code:
            yield f"via {' '.join(trouble.then)} ends with {put_right.code}: {put_right.output}"
    wanted, there = state.bytes_of(after), state.bytes_of(home)
    # `via mend` ends with a run of every edition; the night without trouble made one.
    rooms = ("lake/accepted", "lake/pilots", "lake/disclosure", "quarantine", "serve/latest")
    differ = [
        name
        for name in sorted(wanted.keys() | there.keys())
        if name.startswith(rooms) and wanted.get(name) != there.get(name)
    ]
    if differ:
        yield f"not as after a night without trouble: {', '.join(differ[:5])}"


def _run(trouble: Trouble, home: Home, log: Path) -> house.Ended:
    settings = dict(trouble.settings)
    if when := settings.pop("FAKETIME", None):
        return _under_faketime(home, when, log)

    def work() -> int:
        os.environ.update(settings)
        if settings.get("VIA_PSEUDONYM_KEY") == "":
            os.environ["VIA_PSEUDONYM_KEY_FILE"] = str(home.root.parent / "nowhere")
        return house.via(*RUN)()

    return house.run(home, work, log)


def _under_faketime(home: Home, when: str, log: Path) -> house.Ended:
    """A process of its own: the clock is set back by a library that it loads when it starts."""

    def work() -> int:
        command = [sys.executable, "-m", "via_pipeline.cli", *RUN]
        done = subprocess.run(["faketime", "-f", when, *command], check=False)  # noqa: S603, S607
        return done.returncode

    return house.run(home, work, log)


def _size(home: Home) -> int:
    return sum(
        path.stat().st_size + 4096
        for root in (home.root, home.data)
        for path in root.rglob("*")
        if not path.is_symlink()
    )


def _system(*command: str) -> None:
    subprocess.run(command, check=True)  # noqa: S603


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when every trouble was told and put right."""
    from faults import kill

    parser = argparse.ArgumentParser(prog="faults.trouble", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    given = parser.parse_args(arguments)
    chosen = [one for one in TROUBLES if not given.names or one.name in given.names]
    bad, left_out = 0, []
    with tempfile.TemporaryDirectory(prefix="via-trouble-") as scratch:
        night = kill.prepare(Path(scratch))
        for number, trouble in enumerate(chosen):
            if not trouble.needs():
                left_out.append(trouble.name)
                continue
            wrong = suffer(trouble, night.before, night.after, Path(scratch) / str(number))
            bad += bool(wrong)
            then = "via " + " ".join(trouble.then) if trouble.then else "-"
            print(f"{trouble.name:<28} {'WRONG' if wrong else 'ok':<6} {then}", flush=True)
            for line in wrong:
                print(f"    {line}", flush=True)
    done = len(chosen) - len(left_out)
    print(f"{done} troubles, {bad} not told or put right; left out here: {left_out or 'none'}")
    return 1 if bad or not done else 0


if __name__ == "__main__":
    sys.exit(main())
