"""The editions of the letter, as the register's file names them: the partitions.

Belongs here: the names, which Dagster needs when definitions load, before anything ran. Does not
belong here: what an edition contains (``letters``). Imports nothing heavy.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date

from via_pipeline.storage.home import Home


@dataclass(frozen=True, order=True)
class Edition:
    """One edition: it reads what was known on ``reading_date``."""

    reading_date: date
    name: str


def editions(home: Home) -> list[Edition]:
    """Every edition in ``register/brief.csv``, by date; none where there is no register yet.

    Raises:
        KeyError: the file lacks a column ``editie`` or ``datum``.
        ValueError: a date is not ISO.
    """
    path = home.data / "register" / "brief.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter=";"))
    return sorted(
        Edition(date.fromisoformat(row["datum"]), row["editie"]) for row in rows if row["editie"]
    )
