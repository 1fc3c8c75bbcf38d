"""The concept of an edition, as the gate stands: a first one, or a correction of what is out.

Belongs here: telling ``letters.package`` which revision it makes, what to compare it with and the
public note. Does not belong here: making the package.
"""

from __future__ import annotations

from typing import Any

from via_pipeline.letters.package import Package, emit
from via_pipeline.letters.release import freeze, gate, log
from via_pipeline.letters.release.dossier import Dossier, Published, replay
from via_pipeline.storage.home import Home


def make(home: Home, edition: str, run: str | None = None) -> Package:
    """Make ``letters/<edition>/``: the next revision while one is open, else the edition itself.

    Raises what ``letters.package.emit`` does.
    """
    found, _ = replay(edition, log.read(log.path_of(home, edition)).records)
    correction = _correcting(home, edition, found.revision, found.note, list(found.published))
    return emit(home, edition, run=run, **correction)


def revise(home: Home, edition: str, reason: str, who: str, at: str) -> Dossier:
    """Begin a correction (``gate.revise``) and make its concept, which carries the reason.

    Raises what both do; where only the second fails, a run with ``--force`` makes the concept.
    """
    found = gate.revise(home, edition, reason, who, at)
    make(home, edition)
    return found


def again(home: Home, scratch: Home, edition: str, chosen: Published) -> Package:
    """Make a published revision of ``home`` once more in ``scratch``.

    Raises what ``letters.package.emit`` does.
    """
    every = [item for _, item in freeze.published(home, edition)]
    correction = _correcting(home, edition, chosen.revision, chosen.note, every)
    return emit(scratch, edition, stays_inside=True, **correction)


def _correcting(
    home: Home, edition: str, revision: int, note: str, published: list[Published]
) -> dict[str, Any]:
    """Arguments of ``emit``; its revisions count corrections, those of the gate count packages."""
    earlier = [item for item in published if item.revision < revision]
    if not earlier:
        return {}
    previous = freeze.folder_of(home, edition, earlier[-1].revision)
    return {"revision": revision - 1, "previous": previous, "correction": note}
