"""Outcome tables in the lake: one a source, and all of them together.

Where the deliveries of a source hold one period each, the figures of a period are counted once:
they are kept under a digest of all that they rest on, so that one corrected delivery costs its
period and not the history.

Belongs here: connecting ``compute`` to the lake. Does not belong here: SQL of a measure.
"""

from __future__ import annotations

from functools import partial

import duckdb

from via_pipeline.contracts.model import Contract, load
from via_pipeline.outcomes import compute, model
from via_pipeline.pilots import catalog
from via_pipeline.pilots.basis import Basis, taken_up
from via_pipeline.pilots.catalog import DELIVERIES
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home

REGISTER = "register"
RESULT = "outcomes__result"


def table_of(source: str) -> str:
    """The outcome table of a source."""
    return f"outcomes__{source}"


def pieces_of(source: str) -> str:
    """The folder below the lake with the figures of single periods; no table."""
    return f"{table_of(source)}__periode"


def refresh(home: Home, source: str) -> int:
    """Write ``outcomes__<source>`` over what is in force now; return the number of rows.

    Raises:
        FileNotFoundError: the source has no measures or no contract.
        MeasureError: its file of measures is not valid.
        NotPortable: on Spark, a measure has a word that is not known to mean the same there.
        EngineError: Spark was chosen, and cannot be reached or failed.
    """
    contract, plan = load(source), model.load(source)
    register = load(REGISTER)
    basis = Basis(home, [contract], [register]) if plan.is_per_delivery_period else None
    with work(home.scratch) as connection:
        catalog.register(connection, home, [contract, register])
        if basis is not None:
            query = _of_periods(connection, home, plan, contract, basis)
        else:
            query = compute.on(connection, plan, contract)
        return lake.replace_table(home.lake, table_of(source), connection, query).rows


def _of_periods(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    plan: model.Plan,
    contract: Contract,
    basis: Basis,
) -> str:
    """SQL of the whole table, put together from the figures of each period.

    Writes those of a period whose digest is new, and removes what no period has any more.
    """
    asked = {}
    periods = connection.execute(
        f"SELECT coalesce(sleutel['periode'], '{compute.UNKNOWN}') AS periode, "
        f"list(delivery_id ORDER BY delivery_id) FROM {DELIVERIES} "
        "WHERE bron = ? AND is_in_gebruik GROUP BY ALL ORDER BY ALL",
        [plan.source],
    ).fetchall()
    for _, deliveries in periods:
        query = compute.query(plan, contract, deliveries)
        name = basis.name(connection, contract, query, deliveries)
        asked[name] = partial(compute.on, connection, plan, contract, deliveries)
    parts = taken_up(connection, home, pieces_of(plan.source), asked)
    every = lake.scan(home.lake, parts, compute.COLUMNS)
    return f"SELECT * FROM ({every}) ORDER BY {', '.join(compute.KEY)}"


def combine(home: Home) -> int:
    """Write ``outcomes__result``: the tables of all sources, one after another; rows written.

    A source without a table yet is left out; with none at all the result is empty.
    """
    columns = ", ".join(compute.COLUMNS)
    with work(home.scratch) as connection:
        queries = []
        for source in model.names():
            try:
                lake.view(connection, home.lake, table_of(source))
            except lake.NoSuchTable:
                continue
            queries.append(f"SELECT {columns} FROM {table_of(source)}")
        union = " UNION ALL ".join(queries) or lake.scan(home.lake, [], compute.COLUMNS)
        ordered = f"SELECT * FROM ({union}) ORDER BY {', '.join(compute.KEY)}"
        return lake.replace_table(home.lake, RESULT, connection, ordered).rows
