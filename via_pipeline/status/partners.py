"""Quality of the deliveries per partner, from the published table, the ledger and kept results.

Belongs here: bringing the three together, with every count of people as it may be told. Does not
belong here: judging, rounding (``disclosure`` did that: rows come from its table only).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from via_pipeline.contracts.model import Contract
from via_pipeline.disclosure.small import told_count
from via_pipeline.intake.ledger import LedgerRow
from via_pipeline.intake.status import Status
from via_pipeline.pilots.objections import Objections
from via_pipeline.quality.page import path_of as page_of
from via_pipeline.quality.report import VERDICTS
from via_pipeline.quality.results import path_of, read_result
from via_pipeline.quality.run import results_in_force
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home

TABLE = "disclosure__leveringskwaliteit"
STATUSES = {
    Status.RECEIVED: "ontvangen, nog niet beoordeeld",
    Status.DUPLICATE: "dubbel",
    Status.REJECTED: "afgekeurd",
    Status.ACCEPTED: "in gebruik",
    Status.ACCEPTED_WITH_WARNINGS: "in gebruik, met opmerkingen",
    Status.SUPERSEDED: "vervangen",
}
OBJECTED = "telt niet mee: bezwaar van de organisatie"


@dataclass(frozen=True)
class File:
    """One file: ``page`` is its validation page below ``reports/``, None where there is none."""

    name: str
    received: str
    status: str
    verdict: str
    page: str | None


@dataclass(frozen=True)
class BrokenRule:
    """A rule that fails in the deliveries looked at; ``rows`` as may be told."""

    table: str
    column: str
    rule: str
    explanation: str
    files: int
    rows: str


@dataclass(frozen=True)
class Partner:
    """One source. ``rows`` and ``quarantine_told`` are as published, "" where nothing is."""

    source: str
    title: str
    owner: str
    files_seen: int
    in_force: int
    rejected: int
    duplicates: int
    rows: str
    quarantine_told: str
    rules: int
    rules_broken: int
    broken: tuple[BrokenRule, ...]
    files: tuple[File, ...]


def partners(
    home: Home, contracts: Iterable[Contract], rows: Sequence[LedgerRow], objected: Objections
) -> list[Partner]:
    """Every partner's source, by name; what people keep themselves is left out.

    Files of an organisation that ``objected`` are listed and counted as received, and say so; their
    rows count nowhere.
    """
    published = _published(home)
    return [
        _partner(
            home,
            contract,
            [row for row in rows if row.source == contract.source],
            published,
            objected,
        )
        for contract in sorted(contracts, key=lambda one: one.source)
        if contract.kept_in is None
    ]


def _partner(
    home: Home,
    contract: Contract,
    rows: Sequence[LedgerRow],
    published: dict[str, dict[str, Any]],
    objected: Objections,
) -> Partner:
    counted = {row.delivery_id for row in objected.without(contract, rows)}
    results = [one for one in results_in_force(home, contract) if one.delivery_id in counted]
    names = {(item.table, item.rule) for result in results for item in result.rules}
    failing: dict[tuple[str, str], list] = {}
    for result in results:
        for item in result.rules:
            if not item.passed:
                failing.setdefault((item.table, item.rule), []).append(item)
    told = published.get(contract.source, {})
    return Partner(
        source=contract.source,
        title=contract.title,
        owner=contract.owner,
        files_seen=len(rows),
        in_force=sum(row.is_in_force and row.delivery_id in counted for row in rows),
        rejected=sum(row.status is Status.REJECTED for row in rows),
        duplicates=sum(row.status is Status.DUPLICATE for row in rows),
        rows=_number(told.get("rijen")),
        quarantine_told=_at_most(told.get("quarantaine_pct")),
        rules=len(names),
        rules_broken=len(failing),
        broken=tuple(
            BrokenRule(
                table=table,
                column=items[0].column or "",
                rule=rule,
                explanation=items[0].explanation,
                files=len(items),
                rows=told_count(sum(item.failed for item in items)),
            )
            for (table, rule), items in sorted(failing.items())
        ),
        files=tuple(_file(home, row, row.delivery_id in counted) for row in reversed(rows)),
    )


def _file(home: Home, row: LedgerRow, counts: bool) -> File:
    page = page_of(home.reports, row.delivery_id)
    is_judged = path_of(home.reports, row.delivery_id).exists()
    verdict = VERDICTS[read_result(home.reports, row.delivery_id).verdict] if is_judged else ""
    return File(
        name=f"{row.file_name} (met correcties)" if row.corrects else row.file_name,
        received=row.received.isoformat() if row.received else "",
        status=STATUSES[row.status] if counts else OBJECTED,
        verdict=verdict,
        page=page.relative_to(home.reports).as_posix() if page.exists() else None,
    )


def _published(home: Home) -> dict[str, dict[str, Any]]:
    try:
        with work(home.scratch) as connection:
            lake.view(connection, home.lake, TABLE)
            found = connection.execute(f"SELECT bron, rijen, quarantaine_pct FROM {TABLE}")
            names = [name for name, *_ in found.description]
            return {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}
    except lake.NoSuchTable:
        return {}


def _at_most(share: Decimal | None) -> str:
    if share is None:
        return ""
    if not share:
        return "geen"
    return f"hoogstens {_number(int(share) if share == int(share) else share)}%"


def _number(value: Any) -> str:
    """Dutch: points between thousands, a decimal comma; "" for what is not told."""
    if value is None:
        return ""
    told = f"{value:,}" if isinstance(value, Decimal) else f"{int(value):,}"
    return told.replace(",", "x").replace(".", ",").replace("x", ".")
