"""Conformed tables: which accepted parts make up each table now.

Belongs here: turning the ledger's choice of deliveries into manifests. No row is copied: a
conformed table is a list of accepted parts. Does not belong here: reading those tables
(``catalog``), deciding what is accepted (``quality``).
"""

from __future__ import annotations

from pathlib import Path

from via_pipeline.contracts.model import Contract, Table
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.storage import lake
from via_pipeline.storage.home import Home

_ACCEPTED = "accepted"


class PartMissing(LookupError):
    """The ledger holds a delivery in force whose accepted rows are not in the lake."""


def accepted_path(home: Home, table: Table, delivery_id: str) -> Path:
    """Where quality leaves the accepted rows of one delivery for one table."""
    return home.lake / _ACCEPTED / table.lake_table / f"{delivery_id}.parquet"


def accepted_part(home: Home, table: Table, row: LedgerRow) -> lake.Part:
    """The accepted rows of one delivery, as a part named after the delivery.

    Raises:
        PartMissing: the file is not there; judging the delivery again writes it.
    """
    path = accepted_path(home, table, row.delivery_id)
    if not path.exists():
        raise PartMissing(
            f"{row.delivery_id} counts for '{table.lake_table}' but its accepted rows are not in "
            "the lake; judge the delivery again"
        )
    return lake.describe(home.lake, path, row.delivery_id)


def refresh(home: Home, contract: Contract) -> dict[str, int]:
    """Commit each conformed table of ``contract`` over the deliveries in force; rows per table.

    All parts are looked up before the first manifest is replaced: a missing part changes nothing.

    Raises:
        PartMissing: a delivery in force has no accepted rows in the lake.
    """
    rows = Ledger(home.ledger).current(contract.source)
    chosen = {
        table.lake_table: [accepted_part(home, table, row) for row in rows]
        for table in contract.tables
        if table.conformed
    }
    for name, parts in chosen.items():
        lake.commit(home.lake, name, parts)
    return {name: sum(part.rows for part in parts) for name, parts in chosen.items()}
