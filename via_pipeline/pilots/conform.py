"""Conformed tables: which accepted parts make up each table now.

Belongs here: turning the ledger's choice of deliveries into manifests. No row is copied: a
conformed table is a list of accepted parts. Does not belong here: reading those tables
(``catalog``), deciding what is accepted (``quality``).
"""

from __future__ import annotations

from via_pipeline.contracts.model import Contract, Table
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.storage import lake
from via_pipeline.storage.home import Home
from via_pipeline.storage.place import Place

_ACCEPTED = "accepted"


class PartMissing(LookupError):
    """The ledger holds a delivery in force whose accepted rows are not in the lake."""


class RetentionEnded(PartMissing):
    """The rows were deleted because their retention term ended, or were erased; for good."""


def accepted_path(home: Home, table: Table, delivery_id: str) -> Place:
    """Where quality leaves the accepted rows of one delivery for one table."""
    return home.lake / _ACCEPTED / table.lake_table / f"{delivery_id}.parquet"


def accepted_part(home: Home, table: Table, row: LedgerRow) -> lake.Part:
    """The accepted rows of one delivery, as a part named after the delivery.

    Raises:
        RetentionEnded: the rows were deleted for good.
        PartMissing: the file is not there; judging the delivery again writes it.
    """
    if row.removed is not None:
        raise RetentionEnded(
            f"the rows of {row.delivery_id} were deleted ({row.removed}); what was made of them "
            "cannot be made again. A package that was written before stays as it is"
        )
    path = accepted_path(home, table, row.delivery_id)
    if not path.exists():
        raise PartMissing(
            f"{row.delivery_id} counts for '{table.lake_table}' but its accepted rows are not in "
            "the lake; judge the delivery again"
        )
    return lake.describe(home.lake, path, row.delivery_id)


def refresh(home: Home, contract: Contract) -> dict[str, int]:
    """Commit each conformed table of ``contract`` over the deliveries in force; rows per table.

    Deliveries whose rows were deleted for good are left out.

    All parts are looked up before the first manifest is replaced: a missing part changes nothing.

    Raises:
        PartMissing: a delivery in force has no accepted rows in the lake.
    """
    current = Ledger(home.ledger).current(contract.source)
    rows = [row for row in current if row.removed is None]
    chosen = {
        table.lake_table: [accepted_part(home, table, row) for row in rows]
        for table in contract.tables
        if table.conformed
    }
    for name, parts in chosen.items():
        lake.commit(home.lake, name, parts)
    return {name: sum(part.rows for part in parts) for name, parts in chosen.items()}
