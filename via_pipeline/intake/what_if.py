"""A copy of the ledger in which some deliveries came in earlier than they did.

Belongs here: making that copy, for the question "what if this had been here in time?". Does not
belong here: what follows from it; nothing in the real ledger changes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import date
from pathlib import Path


def as_if_received(ledger: Path, copy: Path, deliveries: Iterable[str], day: date) -> None:
    """Write a copy of ``ledger`` to ``copy``, with ``deliveries`` (ids) received on ``day``.

    Among themselves they keep the order of their paths, which is that of their receipt.

    Raises:
        sqlite3.DatabaseError: the ledger cannot be read.
    """
    copy.parent.mkdir(parents=True, exist_ok=True)
    with (
        closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(copy, isolation_level=None)) as target,
    ):
        source.backup(target)
        # The triggers guard the ledger; this is not the ledger.
        for (name,) in target.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            target.execute(f'DROP TRIGGER "{name}"')
        target.executemany(
            "UPDATE sighting SET received = ? WHERE delivery_id = ?",
            [(day.isoformat(), name) for name in deliveries],
        )
