"""``make faults``: SIGKILL at many points of a nightly run, and what is left each time.

    python -m faults.kill [--points N] [--moments M] [--seed S]

Half of the points lie just before a rename, a replacement or an unlink (each place in the code that
does one, its first and its last time, then others by chance), the others at moments drawn over the
processor time of the night. After each kill a reader must get the release before or the one after,
whole; the next run must end with exit code 0 and leave the bytes of a night that nobody disturbed;
ledger and lake must agree; nothing may be left that a later night does not remove. Exit code 1 when
any of this fails. Everything is drawn from the seed.

Belongs here: choosing points, the table, the verdict. Does not belong here: how a night is started
(``house``), looked at (``state``) or stopped (``events``).
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from faults import events, house, state
from via_pipeline.storage.home import Home

SEED = 20200226
POINTS, MOMENTS = 44, 16
EDITION = "slot"
_NEXT_NIGHT_HOURS = 24


@dataclass(frozen=True)
class Point:
    """Where to kill: before the event ``number``, or after ``cpu`` seconds of processor time."""

    where: str
    number: int | None = None
    cpu: float | None = None


@dataclass(frozen=True)
class Found:
    """What one kill led to; ``wrong`` is empty when all held."""

    point: Point
    in_force: str
    next_run: str
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class Night:
    """A night that nobody disturbs: before it, after it, and where it could be killed."""

    before: Home
    after: Home
    events: list[tuple[str, str]]
    cpu_seconds: float
    old: dict
    new: dict


def prepare(folder: Path) -> Night:
    """An installation with one delivery done and a second just arrived, and its quiet night.

    Raises:
        Gone: the night does not end well by itself.
    """
    start = house.place(folder / "start", house.FIRST)
    house.warm(start, only=None)
    house.well(house.run(start, house.via("run", "--edition", EDITION), folder / "start.log"))
    # A night of the smaller job once, so that the night under test differs by the delivery alone.
    house.warm(start)
    house.well(
        house.run(start, house.via("run", "--edition", EDITION, "--force"), folder / "start.log")
    )
    old = state.seen_by_a_reader(start)
    house.deliver(start, house.SECOND)
    quiet = house.copied(start, folder / "quiet")
    log = folder / "quiet.events"

    def work() -> int:
        events.record(log)
        return house.via("run", "--edition", EDITION)()

    ended = house.well(house.run(quiet, work, folder / "quiet.log"))
    new = state.seen_by_a_reader(quiet)
    if old is None or new is None or old == new:
        raise house.Gone("the second delivery did not change what is published")
    return Night(start, quiet, events.recorded(log), ended.cpu_seconds, old, new)


def points(night: Night, count: int, moments: int, seed: int) -> list[Point]:
    """``count`` events (every place first and last, then by chance) and ``moments``."""
    draw = random.Random(seed)  # noqa: S311 - chance, not secrecy
    by_place: dict[tuple[str, str], list[int]] = {}
    for number, event in enumerate(night.events):
        by_place.setdefault(event, []).append(number)
    firsts = [numbers[0] for numbers in by_place.values()]
    lasts = [numbers[-1] for numbers in by_place.values() if len(numbers) > 1]
    others = sorted(set(range(len(night.events))) - {*firsts, *lasts})
    draw.shuffle(firsts)
    draw.shuffle(lasts)
    draw.shuffle(others)
    chosen = [*firsts, *lasts, *others][:count]
    found = [
        Point(f"{event} #{number} {place}", number=number)
        for number in sorted(chosen)
        for event, place in [night.events[number]]
    ]
    for share in sorted(draw.uniform(0.02, 0.98) for _ in range(moments)):
        found.append(Point(f"at {share:.0%} of the night", cpu=share * night.cpu_seconds))
    return found


def strike(night: Night, point: Point, folder: Path) -> Found | None:
    """Kill one night at ``point`` and look; None where the night ended before it came there."""
    home = house.copied(night.before, folder)
    log = folder / "log"

    def work() -> int:
        if point.number is not None:
            events.kill_at(point.number)
        return house.via("run", "--edition", EDITION)()

    ended = house.wait(house.fork(home, work, log), log, kill_at_cpu=point.cpu)
    if ended.code != -9:
        return None
    wrong = []
    seen = state.seen_by_a_reader(home)
    in_force = "old" if seen == night.old else "new" if seen == night.new else "neither"
    if in_force == "neither":
        wrong.append("a reader gets neither the old file nor the new one")
    state.age(home, _NEXT_NIGHT_HOURS)
    log.unlink()
    after = house.run(home, house.via("run", "--edition", EDITION), log)
    if after.code != 0:
        wrong.append(f"the next run ends with {after.code}: {after.output[-600:]}")
    told = house.run(home, lambda: _tell(home), folder / "told")
    wrong += told.output.splitlines() if told.code else []
    if house.run(night.after, lambda: _same_facts(home, night.after), folder / "facts").code:
        wrong.append("the ledger holds other facts than after a quiet night")
    wrong += _differences(night.after, home)
    return Found(point, in_force, "ok" if after.code == 0 else f"exit {after.code}", tuple(wrong))


def _tell(home: Home) -> int:
    found = state.disagreements(home)
    found += [
        f"Dagster says that run {run} is still at work" for run in state.runs_without_end(home)
    ]
    print("\n".join(found))
    return bool(found)


def _same_facts(one: Home, other: Home) -> int:
    return state.facts_of(one) != state.facts_of(other)


def _differences(quiet: Home, home: Home) -> Iterator[str]:
    wanted, there = state.bytes_of(quiet), state.bytes_of(home)
    for name in sorted(wanted.keys() | there.keys()):
        if wanted.get(name) != there.get(name):
            what = (
                "missing" if name not in there else "left" if name not in wanted else "other bytes"
            )
            yield f"{what}: {name}"
    for name in state.unfinished_in(home):
        yield f"unfinished, and still there after the next night: {name}"
    for name in sorted(state.files_of(home) - state.files_of(quiet) - there.keys()):
        yield f"left: {name}"


def faults(
    folder: Path,
    *,
    count: int,
    moments: int,
    seed: int,
    share: tuple[int, int] = (0, 1),
    tell: Callable[[Found], None] = lambda found: None,
) -> list[Found]:
    """All of it, below ``folder``; one ``Found`` a point. ``share`` (i, n): every n-th from i."""
    night = prepare(folder)
    found = []
    for number, point in enumerate(points(night, count, moments, seed)):
        if number % share[1] != share[0]:
            continue
        place = folder / f"point{number}"
        one = strike(night, point, place)
        if one is None:
            one = Found(point, "-", "not killed: the night was over", ())
        found.append(one)
        tell(one)
        if not one.wrong:
            shutil.rmtree(place)
    return found


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when all held at every point."""
    parser = argparse.ArgumentParser(prog="faults.kill", description=__doc__)
    parser.add_argument("--points", type=int, default=POINTS, help="kills before an event")
    parser.add_argument("--moments", type=int, default=MOMENTS, help="kills at a moment")
    parser.add_argument("--share", default="0/1", help="i/n: every n-th point from the i-th")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--keep", type=Path, help="work here, and leave what failed")
    given = parser.parse_args(arguments)
    began = time.monotonic()

    def tell(one: Found) -> None:
        print(f"{one.point.where:<88} {one.in_force:<8} {one.next_run}", flush=True)
        for line in one.wrong[:12]:
            print(f"    WRONG {line}", flush=True)

    print(f"{'killed':<88} {'reader':<8} next run", flush=True)
    with tempfile.TemporaryDirectory(prefix="via-faults-") as scratch:
        folder = given.keep or Path(scratch)
        index, of = map(int, given.share.split("/"))
        found = faults(
            folder,
            count=given.points,
            moments=given.moments,
            seed=given.seed,
            share=(index, of),
            tell=tell,
        )
    killed = [one for one in found if one.in_force != "-"]
    bad = [one for one in found if one.wrong]
    print(
        f"{len(killed)} kills (seed {given.seed}): reader had the old release "
        f"{sum(one.in_force == 'old' for one in killed)} times, the new one "
        f"{sum(one.in_force == 'new' for one in killed)} times; next run ok "
        f"{sum(one.next_run == 'ok' for one in killed)} times; {len(bad)} points with something "
        f"wrong. {time.monotonic() - began:.0f} s"
    )
    return 1 if bad or not killed else 0


if __name__ == "__main__":
    sys.exit(main())
