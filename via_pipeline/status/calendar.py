"""The delivery calendar as people read it: per source and month what was expected and what came.

Belongs here: grouping ``intake.calendar`` by month. Does not belong here: when something is late.
Deliveries are counted, not people: nothing here is small in the sense of disclosure control.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from via_pipeline.contracts.model import Contract
from via_pipeline.intake.calendar import Arrival, CalendarLine
from via_pipeline.intake.ledger import LedgerRow
from via_pipeline.pilots.objections import Objections

_NOBODY = Objections()

MONTHS = (
    *("januari", "februari", "maart", "april", "mei", "juni"),
    *("juli", "augustus", "september", "oktober", "november", "december"),
)


@dataclass(frozen=True)
class Month:
    """What was due in one month: counts of deliveries by how they stand."""

    year: int
    month: int
    counts: dict[Arrival, int]

    @property
    def name(self) -> str:
        """``maart 2020``."""
        return f"{MONTHS[self.month - 1]} {self.year}"

    @property
    def expected(self) -> int:
        """How many were due."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class SourceCalendar:
    """One source: its months in order, and every line of it."""

    source: str
    title: str
    months: tuple[Month, ...]
    lines: tuple[CalendarLine, ...]


def calendars(
    contracts: Iterable[Contract],
    rows: Sequence[LedgerRow],
    day: date,
    objected: Objections = _NOBODY,
) -> list[SourceCalendar]:
    """The calendar of every contract that has one, as of ``day``, by source.

    Nothing is expected of organisations that ``objected``.
    """
    found = []
    for contract in sorted(contracts, key=lambda one: one.source):
        lines = objected.expected(contract, rows, day)
        if not lines:
            continue
        by_month: dict[tuple[int, int], Counter[Arrival]] = {}
        for line in lines:
            by_month.setdefault((line.due.year, line.due.month), Counter())[line.arrival] += 1
        months = tuple(
            Month(year, month, {arrival: counts[arrival] for arrival in Arrival})
            for (year, month), counts in sorted(by_month.items())
        )
        found.append(SourceCalendar(contract.source, contract.title, months, tuple(lines)))
    return found
