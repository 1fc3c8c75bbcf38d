"""Find files of the lake that are damaged or gone, and make them anew from what partners delivered.

A part of a table is what its manifest says (SHA-256); a part that no manifest names, such as a
staged delivery, must be readable from its first row to its last. What belongs to a delivery is read
and judged again from landing; any other table is taken away, and the next run makes it.

Belongs here: looking, and that order of work. Does not belong here: making a derived table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from via_pipeline.contracts.model import Contract
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.intake.pseudonym import Key
from via_pipeline.intake.records import staging
from via_pipeline.intake.run import take_in
from via_pipeline.intake.status import Status
from via_pipeline.pilots import conform
from via_pipeline.quality import results
from via_pipeline.quality.run import judge
from via_pipeline.storage import lake
from via_pipeline.storage.home import Home
from via_pipeline.storage.place import Place, below, fetched, sha256_of, within


@dataclass(frozen=True)
class Damage:
    """What is wrong. ``deliveries`` by source; ``tables`` are those that a run makes anew."""

    deliveries: dict[str, tuple[str, ...]]
    tables: tuple[str, ...]

    @property
    def count(self) -> int:
        """Deliveries and tables together."""
        return sum(map(len, self.deliveries.values())) + len(self.tables)


@dataclass(frozen=True)
class Mended:
    """What was done. ``lost`` deliveries are in landing no more: only a backup has them."""

    deliveries: int
    tables: int
    lost: tuple[str, ...]


def damaged(home: Home, contracts: Sequence[Contract]) -> Damage:
    """Look at every file of the lake.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    told = _told(home)
    deliveries = {}
    mine: set[Place] = set()
    for contract in contracts:
        bad = []
        for row in Ledger(home.ledger).rows(contract.source):
            if row.removed is not None or row.status is Status.DUPLICATE or not row.is_readable:
                continue
            files = _files(home, contract, row)
            mine |= {*files}
            if any(not _is_whole(path, told.get(path)) for path in files):
                bad.append(row.delivery_id)
        if bad:
            deliveries[contract.source] = tuple(sorted(bad))
    tables = {
        _room(home, path)
        for path, digest in told.items()
        if path not in mine and _room(home, path) != "accepted" and not _is_whole(path, digest)
    }
    return Damage(deliveries, tuple(sorted(tables)))


def mend(
    home: Home, contracts: Sequence[Contract], key: Key, *, now: datetime, run_id: str
) -> Mended:
    """Make good what ``damaged`` finds; derived tables are only taken away.

    Raises:
        LedgerError: the ledger cannot be read, or the key is another.
        BusyError: a run is at work.
    """
    ledger = Ledger(home.ledger)
    ledger.check_key(key.fingerprint)
    found = damaged(home, contracts)
    lost: list[str] = []
    for contract in contracts:
        bad = found.deliveries.get(contract.source, ())
        if not bad:
            continue
        taken = take_in(home, contract, run_id=run_id, now=now, settle_seconds=0, again=True)
        there = {*taken.new, *taken.known}
        for delivery_id in bad:
            if delivery_id not in there:
                lost.append(delivery_id)
                continue
            results.path_of(home.reports, delivery_id).unlink(missing_ok=True)
        judge(home, contract, run_id=run_id)
        if not set(bad) & set(lost):
            conform.refresh(home, contract)
    for table in found.tables:
        for path in within(home.lake / table, "*.parquet"):
            path.unlink()
        (home.lake / table / lake.MANIFEST).unlink(missing_ok=True)
    done = sum(map(len, found.deliveries.values())) - len(lost)
    return Mended(done, len(found.tables), tuple(sorted(lost)))


def _told(home: Home) -> dict[Place, str]:
    """Every part that a manifest names, with its hash."""
    return {
        home.lake / part.file: part.sha256
        for table in lake.tables(home.lake)
        for part in lake.parts(home.lake, table)
    }


def _files(home: Home, contract: Contract, row: LedgerRow) -> list[Place]:
    """What the lake must hold of a delivery."""
    files = below(staging(home.lake, row.delivery_id), "*.parquet")
    if row.is_in_force or row.status is Status.SUPERSEDED:
        files += [
            conform.accepted_path(home, table, row.delivery_id)
            for table in contract.tables
            if table.conformed
        ]
    return files


def _room(home: Home, path: Place) -> str:
    """The first folder below the lake."""
    return str(path).removeprefix(f"{home.lake}/").split("/")[0]


def _is_whole(path: Place, sha256: str | None) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if sha256 is not None:
            return sha256_of(path) == sha256
        with fetched(path) as local, pq.ParquetFile(local) as file:
            for _ in file.iter_batches():
                pass
    except (OSError, ValueError, pa.ArrowException):
        return False
    return True
