"""Releases of what BI reads: one folder each, and the link ``latest`` to the one in force.

Belongs here: which releases there are, in what order they came, which one readers get, going back
to an earlier one. Does not belong here: making a release (``publish``), what is in it
(``content``).

``serve/<release>/`` is named after its content and never changes; ``serve/latest`` is a relative
link, replaced in one rename: who connects gets all of one release, DuckDB file and twins alike, and
who holds an older one keeps it. ``serve/uitgaven.json`` says in which order they came into force
and whether somebody has fixed the one that readers get. Nothing in it depends on the clock.
"""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from via_pipeline.storage import settings, sums
from via_pipeline.storage.atomic import write_json, writer_lock
from via_pipeline.storage.home import Home

LOCK = "serve"
_STATE = "uitgaven.json"


class ReleaseError(LookupError):
    """There is no such release, or it is damaged; the message says what to do."""


@dataclass(frozen=True)
class Pin:
    """Readers stay on ``release`` until somebody lets them follow again, and why."""

    release: str
    reason: str


@dataclass(frozen=True)
class Releases:
    """What is published: ``order`` has the release that came into force last at the end."""

    order: tuple[str, ...] = ()
    pin: Pin | None = None

    @classmethod
    def read(cls, home: Home) -> Releases:
        """What ``serve/uitgaven.json`` says; nothing where it is not there."""
        try:
            said = json.loads((home.serve / _STATE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()
        pin = said["vastgezet"]
        return cls(tuple(said["volgorde"]), Pin(pin["uitgave"], pin["reden"]) if pin else None)

    def write(self, home: Home) -> None:
        """Keep it."""
        pin = {"uitgave": self.pin.release, "reden": self.pin.reason} if self.pin else None
        write_json(home.serve / _STATE, {"volgorde": list(self.order), "vastgezet": pin})

    @property
    def in_force(self) -> str | None:
        """The release that readers should get."""
        if self.pin:
            return self.pin.release
        return self.order[-1] if self.order else None


def came_into_force(home: Home, release: str) -> None:
    """``release`` (its folder is there) is the newest now; readers get it unless one is fixed.

    Removes releases beyond the number to keep, and all else that is no release: what a killed
    process left unlisted, and files of the layout before there were releases. Call it while
    holding the lock ``serve``.
    """
    known = Releases.read(home)
    there = {folder.name for folder in home.serve.iterdir() if folder.is_dir()}
    order = tuple(one for one in (*known.order, release) if one in there)
    order = (*(one for one in order if one != release), release)
    kept = order[-_keep() :]
    # A fixed release whose folder is gone fixes nothing: readers must get something.
    pin = known.pin if known.pin and known.pin.release in order else None
    if pin and pin.release not in kept:
        kept = (pin.release, *kept)
    now = Releases(kept, pin)
    now.write(home)
    _point(home, now)
    for path in sorted(home.serve.iterdir()):
        if path.name in (*kept, _STATE, home.latest.name):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def roll_back(home: Home, reason: str, release: str | None = None) -> str:
    """Give readers ``release`` (default: the one before the one in force) and fix it; its name.

    New releases are made and kept meanwhile, but readers stay here until ``follow``.

    Raises:
        ReleaseError: there is no such release, none before, or its files were changed.
        BusyError: another process is publishing.
    """
    with writer_lock(home.locks, LOCK):
        known = Releases.read(home)
        if release is None:
            place = known.order.index(known.in_force) if known.in_force else 0
            if place == 0:
                raise ReleaseError("there is no release before the one in force")
            release = known.order[place - 1]
        if release not in known.order:
            raise ReleaseError(
                f"no release {release}; there are {', '.join(known.order) or 'none'}"
            )
        if damaged := changed(home.serve / release):
            raise ReleaseError(f"release {release} was changed: {', '.join(damaged)}")
        now = Releases(known.order, Pin(release, reason))
        now.write(home)
        _point(home, now)
        return release


def follow(home: Home) -> str:
    """Let readers get the newest release again; its name.

    Raises:
        ReleaseError: nothing was published yet.
        BusyError: another process is publishing.
    """
    with writer_lock(home.locks, LOCK):
        now = Releases(Releases.read(home).order)
        if now.in_force is None:
            raise ReleaseError("nothing was published yet")
        now.write(home)
        _point(home, now)
        return now.in_force


def changed(folder: Path) -> list[str]:
    """Files of a release that are missing, extra or not what ``SHA256SUMS`` says, sorted."""
    return [problem.file for problem in sums.problems(folder)]


def _point(home: Home, releases: Releases) -> None:
    assert releases.in_force is not None
    temporary = home.serve / f".tmp-{uuid.uuid4().hex}-{home.latest.name}"
    temporary.symlink_to(releases.in_force, target_is_directory=True)
    if home.latest.is_dir() and not home.latest.is_symlink():
        # Somebody copied the folder without keeping the link.
        shutil.rmtree(home.latest)
    temporary.replace(home.latest)


def _keep() -> int:
    return settings.releases_kept()
