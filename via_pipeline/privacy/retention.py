"""Delete what has been kept for its term: rows, reports and the partner's own file.

The term stands in the contract (``slaProperties: retention``, years from the day of receipt). A
file in a folder that no contract names was agreed with nobody and is kept ``UNKNOWN_DAYS``.
Synthetic deliveries are nobody's data and have no term. Belongs here: what is due, and the order of
deleting: first everything goes, then the ledger says so, so that a killed run does the rest later.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from via_pipeline.contracts.model import Contract
from via_pipeline.intake import discover, names
from via_pipeline.intake.discover import Found
from via_pipeline.intake.ledger import Ledger, LedgerRow, Removal, stamp
from via_pipeline.intake.run import hash_rows
from via_pipeline.pilots import conform
from via_pipeline.pilots.catalog import is_synthetic
from via_pipeline.privacy import traces
from via_pipeline.storage.atomic import writer_lock
from via_pipeline.storage.home import Home

REASON = "bewaartermijn"
UNKNOWN_DAYS = 28
"""Our own choice: long enough to ask the sender, short enough for what nobody agreed to."""

_ZONE = ZoneInfo("Europe/Amsterdam")


@dataclass(frozen=True)
class Due:
    """A delivery whose term is over. ``paths`` are where it was seen; the first receipt counts."""

    row: LedgerRow
    contract: Contract | None
    paths: frozenset[str]
    until: date


def ends_on(received: date, years: int) -> date:
    """The last day of a term of ``years`` that began on ``received`` (29 February: the 28th)."""
    try:
        return received.replace(year=received.year + years)
    except ValueError:
        return received.replace(year=received.year + years, day=28)


def due(home: Home, contracts: Iterable[Contract], today: date) -> list[Due]:
    """Deliveries whose term was over before ``today``, ordered by source, day and path."""
    known = {contract.source: contract for contract in contracts}
    seen: dict[str, list[LedgerRow]] = {}
    for row in Ledger(home.ledger).rows():
        if row.received is not None and row.removed is None and not is_synthetic(row):
            seen.setdefault(row.delivery_id, []).append(row)
    found = []
    for rows in seen.values():
        row, contract = rows[0], known.get(rows[0].source)
        assert row.received is not None
        # Rows that a person resolved came with the delivery that they were sent in.
        first = seen.get(row.corrects or "", rows)[0].received or row.received
        until = (
            ends_on(first, contract.retention_years)
            if contract is not None
            else row.received + timedelta(days=UNKNOWN_DAYS)
        )
        if until < today:
            found.append(Due(row, contract, frozenset(one.path for one in rows), until))
    return found


def enforce(
    home: Home, contracts: Sequence[Contract], *, now: datetime, run_id: str
) -> list[Removal]:
    """Delete what is due on the day of ``now``, record it, refresh the tables; what was recorded.

    A second call on the same day finds nothing. A file that was deleted and is sent again is
    deleted again: its term is over.

    Raises:
        OSError: a kept file cannot be deleted; every other was, and it is tried again next time.
        BusyError: another process takes in or judges a source.
    """
    today = now.astimezone(_ZONE).date()
    ledger = Ledger(home.ledger)
    known = {contract.source: contract for contract in contracts}
    by_source: dict[str, list[Due]] = {}
    for removal in ledger.removals():
        by_source.setdefault(removal.source, [])
    for item in due(home, contracts, today):
        by_source.setdefault(item.row.source, []).append(item)
    removals: list[Removal] = []
    trouble: list[OSError] = []
    for source, items in sorted(by_source.items()):
        with (
            writer_lock(home.locks, f"intake-{source}"),
            writer_lock(home.locks, f"judge-{source}"),
        ):
            kept = _kept(home, ledger, source, known.get(source), contracts, today)
            gone = {one.sha256 for one in ledger.removals() if one.source == source}
            for sha256, place, found in kept:
                mine = [one for one in items if one.row.sha256 == sha256 and place in one.paths]
                if sha256 in gone and not mine:
                    _try(found, trouble)
            for item in items:
                files = [
                    found
                    for sha256, place, found in kept
                    if sha256 == item.row.sha256 and place in item.paths
                ]
                if all([_try(found, trouble) for found in files]):
                    removals.append(_record(home, ledger, item, bool(files), stamp(now), run_id))
            if items and items[0].contract is not None:
                conform.refresh(home, items[0].contract)
    if trouble:
        raise trouble[0]
    return removals


def _kept(
    home: Home,
    ledger: Ledger,
    source: str,
    contract: Contract | None,
    contracts: Sequence[Contract],
    today: date,
) -> list[tuple[str, str, Found]]:
    """The source's files in landing, of a contract or of a folder that none names."""
    known = [one.source for one in contracts if one.kept_in is None]
    strange = [
        one
        for one in discover.of_unknown(home, known, today)
        if contract is None and names.shown(one.source) == source
    ]
    return traces.kept_files(home, ledger, contract, strange)


def _try(found: Found, trouble: list[OSError]) -> bool:
    """Delete a partner's file, and its folder of the day when that is empty then."""
    try:
        if found.is_folder:
            shutil.rmtree(found.absolute)
        else:
            found.absolute.unlink(missing_ok=True)
        day = found.absolute.parent
        is_of_day = found.received is not None and day.name == found.received.isoformat()
        if is_of_day and not any(day.iterdir()):
            day.rmdir()
    except OSError as error:
        trouble.append(error)
        return False
    return True


def _record(home: Home, ledger: Ledger, item: Due, had_file: bool, at: str, run_id: str) -> Removal:
    row = item.row
    if item.contract is not None and row.key is not None and row.content_sha256 is None:
        # While its rows are there: sent again in other bytes they are known, and stay out.
        hash_rows(
            home, ledger, item.contract, row.delivery_id, row.key, run_id=run_id, recorded_at=at
        )
    removal = Removal(
        delivery_id=row.delivery_id,
        source=row.source,
        reason=REASON,
        sha256=row.sha256,
        files=traces.delete(home, item.contract, row),
        rows=row.rows_in,
        kept_file="verwijderd" if had_file else "afwezig",
        run_id=run_id,
        recorded_at=at,
    )
    ledger.record_removal(removal)
    return removal
