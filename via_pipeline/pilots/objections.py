"""Organisations that objected: which deliveries count nowhere, now or as an edition knows.

Belongs here: reading who objected from the register, and whether that covers a delivery. Does not
belong here: leaving one out. The catalog does that once, for every room after it; what counts
deliveries by another way (``dekking``, provenance, the status site) asks the same question here.

A contract says which field of its key is the code of an organisation (``Delivery.organisation``).
An objection (``bezwaar``) is against any use of what the organisation delivered about the peildata
that it names, until the organisation takes it back (``intrekking_bezwaar``). The last word about a
peildatum counts; of two on one day the objection. A consent to appear by name takes nothing back.
The code alone decides: an organisation of which the register knows nothing else may object too.

Persons who objected are another list (``intake.exclusions``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from via_pipeline.contracts.model import Contract, load
from via_pipeline.intake import calendar
from via_pipeline.intake.calendar import CalendarLine
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.pilots.conform import accepted_part
from via_pipeline.storage import lake
from via_pipeline.storage.duck import literal, work
from via_pipeline.storage.home import Home

OBJECTED, TAKEN_BACK = "bezwaar", "intrekking_bezwaar"
_REGISTER, _TABLE = "register", "organisatie_verklaring"


@dataclass(frozen=True)
class Statement:
    """What an organisation said about the peildata ``first`` to ``last``, both included.

    None is open. ``known_on`` is the day on which it was received.
    """

    organisation: str
    kind: str
    first: date | None
    last: date | None
    known_on: date

    def covers(self, organisation: str, day: date | None) -> bool:
        """Whether it is about that organisation on ``day``; a day that is not known is covered."""
        return self.organisation == organisation and (
            day is None
            or (
                (self.first is None or self.first <= day)
                and (self.last is None or day <= self.last)
            )
        )


@dataclass(frozen=True)
class Objections:
    """Every objection, and what was taken back, that counts at one moment."""

    statements: tuple[Statement, ...] = ()

    def against(self, organisation: str, day: date | None) -> bool:
        """Whether the organisation's last word about the peildatum ``day`` is an objection."""
        said = [one for one in self.statements if one.covers(organisation, day)]
        last = max(said, key=lambda one: (one.known_on, one.kind == OBJECTED), default=None)
        return last is not None and last.kind == OBJECTED

    def cover(self, contract: Contract, key: Mapping[str, str]) -> bool:
        """Whether a delivery of ``contract`` with this key counts nowhere."""
        field = contract.delivery.organisation
        if not self.statements or field is None or field not in key:
            return False
        try:
            day = contract.delivery.peildatum_of(key)
        except (KeyError, ValueError):
            day = None
        return self.against(key[field], day)

    def without(self, contract: Contract, rows: Iterable[LedgerRow]) -> list[LedgerRow]:
        """``rows`` of the ledger but those of ``contract`` that are covered, in the same order."""
        return [
            row
            for row in rows
            if row.source != contract.source
            or not self.cover(contract, dict(row.key or row.fields))
        ]

    def expected(
        self, contract: Contract, rows: Iterable[LedgerRow], day: date
    ) -> list[CalendarLine]:
        """The calendar of ``contract`` as of ``day``: nothing is expected of who objected."""
        return [
            line
            for line in calendar.lines(contract, rows, day)
            if not self.cover(contract, dict(line.key))
        ]


def known(home: Home, contracts: Iterable[Contract], as_of: date | None = None) -> Objections:
    """What the register in force says of objections: now, or known by the evening of ``as_of``.

    The register is not read where none of ``contracts`` is about organisations that may object.

    Raises:
        PartMissing: the register of then is not in the lake.
    """
    if all(contract.delivery.organisation is None for contract in contracts):
        return Objections()
    table = load(_REGISTER).table(_TABLE)
    if as_of is None:
        try:
            parts = lake.parts(home.lake, table.lake_table)
        except lake.NoSuchTable:
            return Objections()
    else:
        rows = Ledger(home.ledger).current(_REGISTER, as_of)
        parts = [accepted_part(home, table, row) for row in rows]
    said = f"soort IN ({literal(OBJECTED)}, {literal(TAKEN_BACK)})"
    if as_of is not None:
        said += f" AND bekend_op <= {literal(as_of.isoformat())}::DATE"
    with work(home.scratch) as connection:
        found = connection.execute(
            "SELECT organisatie, soort, peildatum_van, peildatum_tot, bekend_op "
            f"FROM ({lake.scan(home.lake, parts, table.conformed_types)}) "
            f"WHERE {said} ORDER BY ALL"
        ).fetchall()
    return Objections(tuple(Statement(*row) for row in found))
