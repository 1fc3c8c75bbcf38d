"""The conformed tables as views on a DuckDB connection, now or as an edition sees them.

Belongs here: which parts and which register rows a reader sees, and ``pilots__levering``, the facts
of every delivery behind them. Later rooms write SQL against these names and never look for files.
Does not belong here: any figure.

Now (``as_of`` None) the committed manifests are read; an edition (``as_of`` a day) reads what the
ledger says was in force on that day's evening, and of every table with a column ``bekend_op`` only
the rows known by then. A register row without a known day is in no edition.

Persons and organisations that object are left out here, before anything is counted; of an edition
those that did so by its day. Of a delivery of an organisation that objected (``objections``) there
is no row in any view and none in ``pilots__levering``: no room after this can tell that it came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

import duckdb

from via_pipeline.contracts.model import Contract, Table
from via_pipeline.intake import exclusions
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.pilots import objections
from via_pipeline.pilots.conform import accepted_part
from via_pipeline.pilots.objections import Objections
from via_pipeline.storage import lake
from via_pipeline.storage.duck import quoted
from via_pipeline.storage.home import Home

DELIVERIES = "pilots__levering"
KNOWN_ON = "bekend_op"
SYNTHETIC = "synthetisch"

_DELIVERIES_TABLE = f"""
CREATE OR REPLACE TABLE {DELIVERIES} (
    delivery_id VARCHAR, bron VARCHAR, bestand VARCHAR, ontvangen DATE, peildatum DATE,
    sleutel MAP(VARCHAR, VARCHAR), is_synthetisch BOOLEAN, is_in_gebruik BOOLEAN)
"""


@dataclass(frozen=True)
class _Seen:
    """What one source shows: every delivery once, those in force, and the parts of each table."""

    deliveries: list[LedgerRow]
    in_force: frozenset[str]
    parts: dict[str, list[lake.Part]]


def register(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    contracts: Iterable[Contract],
    as_of: date | None = None,
) -> None:
    """Make every conformed table of ``contracts`` a view, and ``pilots__levering`` a table.

    A table of which nothing was accepted is an empty view with its columns and types.
    ``pilots__levering`` has one row per delivery received, duplicates and objections left out:
    ``sleutel`` maps the key's fields (``werkgever``, ``periode``, ...), ``is_in_gebruik`` tells
    whether its rows are in the views.

    Raises:
        RetentionEnded: an edition needs a delivery whose rows were deleted for good.
        PartMissing: an edition needs a delivery whose accepted rows are not in the lake.
    """
    ledger = Ledger(home.ledger)
    left_out = exclusions.pairs(home, as_of)
    contracts = list(contracts)
    objected = objections.known(home, contracts, as_of)
    rows: list[tuple[object, ...]] = []
    for contract in contracts:
        seen = _seen(home, ledger, contract, as_of, objected)
        for table in _conformed(contract):
            _view(connection, home, table, seen.parts[table.lake_table], as_of, left_out)
        rows += [_facts(row, row.delivery_id in seen.in_force) for row in seen.deliveries]
    connection.execute(_DELIVERIES_TABLE)
    if rows:
        connection.executemany(
            f"INSERT INTO {DELIVERIES} VALUES "
            "(?, ?, ?, ?, ?, map(?::VARCHAR[], ?::VARCHAR[]), ?, ?)",
            rows,
        )


def is_synthetic(row: LedgerRow) -> bool:
    """Whether a delivery is made up: its file name says so, as every sample's must."""
    return SYNTHETIC in row.file_name.lower()


def _conformed(contract: Contract) -> list[Table]:
    return [table for table in contract.tables if table.conformed]


def _seen(
    home: Home, ledger: Ledger, contract: Contract, as_of: date | None, objected: Objections
) -> _Seen:
    every = ledger.rows(contract.source, as_of)
    rows = objected.without(contract, every)
    gone = {row.delivery_id for row in every} - {row.delivery_id for row in rows}
    originals = {row.delivery_id: row for row in rows if row.duplicate_of is None}
    tables = _conformed(contract)
    if as_of is None:
        parts = {
            table.lake_table: [part for part in _committed(home, table) if part.name not in gone]
            for table in tables
        }
        in_force = frozenset(part.name for found in parts.values() for part in found)
    else:
        current = objected.without(contract, ledger.current(contract.source, as_of))
        parts = {
            table.lake_table: [accepted_part(home, table, row) for row in current]
            for table in tables
        }
        in_force = frozenset(row.delivery_id for row in current)
    return _Seen([originals[name] for name in sorted(originals)], in_force, parts)


def _committed(home: Home, table: Table) -> list[lake.Part]:
    try:
        return lake.parts(home.lake, table.lake_table)
    except lake.NoSuchTable:
        return []


def _view(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    table: Table,
    parts: list[lake.Part],
    as_of: date | None,
    left_out: Collection[tuple[str, str]],
) -> None:
    query = lake.scan(home.lake, parts, table.conformed_types)
    if as_of is not None and KNOWN_ON in table.conformed_types:
        query = f"SELECT * FROM ({query}) WHERE {KNOWN_ON} <= DATE '{as_of.isoformat()}'"
    if left_out and table.persons:
        query = f"SELECT * FROM ({query}) WHERE {exclusions.not_of(table, left_out)}"
    connection.execute(f"CREATE OR REPLACE VIEW {quoted(table.lake_table)} AS {query}")


def _facts(row: LedgerRow, in_force: bool) -> tuple[object, ...]:
    key = dict(row.key or ())
    return (
        row.delivery_id,
        row.source,
        row.file_name,
        row.received,
        date.fromisoformat(row.peildatum) if row.peildatum else None,
        list(key),
        list(key.values()),
        is_synthetic(row),
        in_force,
    )
