"""The delivery calendar: what a contract expects, and what has come, as of a day.

Belongs here: comparing ``contract.calendar`` with the ledger. Does not belong here: reminding
anyone of it (``defs/``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from via_pipeline.contracts.model import Contract
from via_pipeline.intake.ledger import LedgerRow
from via_pipeline.intake.status import Status


class Arrival(StrEnum):
    """How an expected delivery stands."""

    EXPECTED = "expected"
    RECEIVED = "received"
    RECEIVED_LATE = "received_late"
    REJECTED = "rejected"
    LATE = "late"


LABELS = {
    Arrival.EXPECTED: "verwacht",
    Arrival.RECEIVED: "ontvangen",
    Arrival.RECEIVED_LATE: "te laat ontvangen",
    Arrival.REJECTED: "afgekeurd, wacht op herstel",
    Arrival.LATE: "te laat",
}


@dataclass(frozen=True)
class CalendarLine:
    """One expected delivery. ``received`` is the day of the first usable file, else None."""

    source: str
    key: tuple[tuple[str, str], ...]
    due: date
    arrival: Arrival
    received: date | None
    delivery_id: str | None


def lines(contract: Contract, rows: Iterable[LedgerRow], as_of: date) -> list[CalendarLine]:
    """Every expected delivery of ``contract`` as of a day, ordered by due date and key.

    A delivery is in time when its first file that was not rejected came on or before the due date.
    Where only rejected files came, the line says so until the due date has passed.
    """
    names = set(contract.delivery.key)
    by_key: dict[tuple[tuple[str, str], ...], list[LedgerRow]] = {}
    for row in rows:
        if row.source == contract.source and (row.received is None or row.received <= as_of):
            found = tuple(sorted((name, row.fields[name]) for name in names & set(row.fields)))
            by_key.setdefault(found, []).append(row)
    result = []
    for expected in contract.calendar:
        came = by_key.get(expected.key, [])
        usable = [row for row in came if row.status not in (Status.REJECTED, Status.DUPLICATE)]
        first = min(usable, key=lambda row: (row.received or date.min, row.path), default=None)
        if first is not None:
            in_time = first.received is None or first.received <= expected.due
            arrival = Arrival.RECEIVED if in_time else Arrival.RECEIVED_LATE
        elif as_of > expected.due:
            arrival = Arrival.LATE
        else:
            arrival = Arrival.REJECTED if came else Arrival.EXPECTED
        result.append(
            CalendarLine(
                contract.source,
                expected.key,
                expected.due,
                arrival,
                first.received if first else None,
                first.delivery_id if first else None,
            )
        )
    return sorted(result, key=lambda line: (line.due, line.key))
