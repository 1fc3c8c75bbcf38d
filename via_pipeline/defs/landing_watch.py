"""When do new deliveries start a run? The landing sensor's decision, as a pure function.

Belongs here: the rule. Does not belong here: reading folders (``fingerprint.py``), Dagster.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Cursor:
    """What the sensor remembers: the listing at its last tick, the content it last asked for.

    Two digests, however many files there are.
    """

    listing: str = ""
    requested: str = ""

    @classmethod
    def from_json(cls, text: str | None) -> Cursor:
        """The cursor that ``to_json`` wrote; a fresh one where there is none or it is foreign."""
        try:
            found = json.loads(text or "{}")
            return cls(str(found.get("listing", "")), str(found.get("requested", "")))
        except (ValueError, AttributeError):
            return cls()

    def to_json(self) -> str:
        """Small JSON."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class Decision:
    """What to do now: start a run under ``run_key``, or wait for ``reason``."""

    cursor: Cursor
    run_key: str | None
    reason: str


def decide(cursor: Cursor, listing: str, content: Callable[[], str]) -> Decision:
    """Start a run when the folders have been still for a whole tick and hold something new.

    ``listing`` is a digest of names, sizes and times now; ``content`` reads the files and is called
    only when they are still. A file that is being written or copied changes the listing at every
    tick, so it is never taken half.
    """
    if listing != cursor.listing:
        return Decision(
            Cursor(listing, cursor.requested),
            None,
            "files are new or still changing; waiting for one quiet tick",
        )
    digest = content()
    if digest == cursor.requested:
        return Decision(cursor, None, "nothing new")
    return Decision(Cursor(listing, digest), digest, "new content")
