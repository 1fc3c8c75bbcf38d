"""Take another pseudonym key: read every kept delivery again under it.

Identifiers are not kept, so an old pseudonym cannot be turned into a new one by itself; the
partners' files still hold them, for as long as the rows may be kept. Everything person-level is
made anew from them, in place, and the same person gets the same new pseudonym everywhere. The
alternative, an HMAC of the old pseudonym, would need the old key for ever.

Crash-safe: from the first step to the last the ledger says that a change is under way, nothing is
taken in meanwhile, and running it again does it again. Belongs here: that order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from via_pipeline.contracts.model import Contract
from via_pipeline.intake import exclusions
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.intake.pseudonym import Key
from via_pipeline.intake.run import take_in
from via_pipeline.pilots import conform
from via_pipeline.privacy import traces
from via_pipeline.quality import results
from via_pipeline.quality.run import judge
from via_pipeline.storage.home import Home
from via_pipeline.storage.place import within


class NotKept(RuntimeError):
    """Deliveries with persons whose file is no longer in landing: they cannot get a new key."""


class OldKeyLeft(RuntimeError):
    """A pseudonym under the old key is still there; the change is not finished."""


@dataclass(frozen=True)
class Rekeyed:
    """How much was done. ``persons`` are distinct pseudonyms, before and after."""

    deliveries: int
    persons_before: int
    persons_after: int


def rekey(
    home: Home, contracts: Sequence[Contract], old: Key, new: Key, *, now: datetime, run_id: str
) -> Rekeyed:
    """Replace every pseudonym under ``old`` by one under ``new``.

    Raises:
        NotKept: see there; nothing was changed.
        OldKeyLeft: a part of the lake was not made anew; nothing may be taken in until it is.
        ValueError: the lake was made with neither key, or both keys are the same.
        OSError: trouble with disk or file; run it again.
    """
    ledger = Ledger(home.ledger)
    known = ledger.key_fingerprint()
    if old.fingerprint == new.fingerprint:
        raise ValueError("the new key is the old one")
    if known is not None and known != old.fingerprint:
        raise ValueError("the lake was made with another key than the one given as the old one")
    chosen = [one for one in contracts if any(table.persons for table in one.tables)]
    _all_kept(home, ledger, chosen)
    before = len(traces.pseudonyms_in(home.lake) | traces.pseudonyms_in(home.quarantine))
    ledger.begin_key(new.fingerprint)
    exclusions.rekey(home, old, new)
    deliveries, done = 0, set[str]()
    for contract in chosen:
        taken = take_in(
            home, contract, run_id=run_id, now=now, settle_seconds=0, key=new, again=True
        )
        done |= {*taken.new}
        rows = [row for row in ledger.rows(contract.source) if row.removed is None]
        deliveries += len(rows)
        for row in rows:
            # Without its kept result a delivery is judged again: accepted rows and quarantine.
            results.path_of(home.reports, row.delivery_id).unlink(missing_ok=True)
        judge(home, contract, run_id=run_id)
        _drop_what_does_not_count(home, contract, ledger.rows(contract.source))
        conform.refresh(home, contract)
    after = _all_new(home, chosen, done)
    ledger.replace_key(new.fingerprint)
    return Rekeyed(deliveries, before, after)


def _all_new(home: Home, contracts: Sequence[Contract], done: set[str]) -> int:
    """The number of pseudonyms, after proving that each was made in this very call.

    Raises:
        OldKeyLeft: a staged delivery was not read again, or another place has other pseudonyms.
    """
    staged = home.lake / "staging"
    fresh: set[str] = set()
    old = []
    for contract in contracts:
        for folder in within(staged, f"{contract.source}-*"):
            found = traces.pseudonyms_in(folder)
            if found and folder.name not in done:
                old.append(folder.name)
            fresh |= found
    rest = traces.pseudonyms_in(home.lake) | traces.pseudonyms_in(home.quarantine)
    if old or rest - fresh:
        raise OldKeyLeft(
            f"{len(rest - fresh)} pseudonyms and {len(old)} deliveries of the old key are still "
            "in the lake; run it again"
        )
    return len(fresh)


def _all_kept(home: Home, ledger: Ledger, contracts: Sequence[Contract]) -> None:
    lost = []
    for contract in contracts:
        rows = [
            row
            for row in ledger.rows(contract.source)
            if row.is_readable and row.removed is None and _has_rows(home, contract, row)
        ]
        kept = {sha256 for sha256, _, _ in traces.kept_files(home, ledger, contract)}
        lost += [row.file_name for row in rows if row.sha256 not in kept]
    if lost:
        raise NotKept(
            f"{len(lost)} deliveries are no longer in landing and would keep the old key: "
            f"{', '.join(sorted(set(lost)))}. Lay them back, or let their rows be deleted"
        )


def _has_rows(home: Home, contract: Contract, row: LedgerRow) -> bool:
    return any(True for _ in traces.tables_of(home, contract, row.delivery_id))


def _drop_what_does_not_count(home: Home, contract: Contract, rows: Sequence[LedgerRow]) -> None:
    """Accepted rows and quarantine of deliveries that were judged under the old key only.

    A duplicate is not judged again; a delivery that is rejected now leaves its accepted rows.
    """
    for row in rows:
        duplicate = row.duplicate_of not in (None, row.delivery_id)
        for table, path in traces.tables_of(home, contract, row.delivery_id):
            is_accepted = path == conform.accepted_path(home, table, row.delivery_id)
            is_staged = path.parent.name == row.delivery_id
            if (duplicate and not is_staged) or (
                is_accepted and row.verdict == "rejected" and row.held_verdict is None
            ):
                path.unlink()
