"""Outcome tables in the lake: one a source, and all of them together.

Belongs here: connecting ``compute`` to the lake. Does not belong here: SQL of a measure.
"""

from __future__ import annotations

from via_pipeline.contracts.model import load
from via_pipeline.outcomes import compute, model
from via_pipeline.pilots import catalog
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home

REGISTER = "register"
RESULT = "outcomes__result"


def table_of(source: str) -> str:
    """The outcome table of a source."""
    return f"outcomes__{source}"


def refresh(home: Home, source: str) -> int:
    """Write ``outcomes__<source>`` over what is in force now; return the number of rows.

    Raises:
        FileNotFoundError: the source has no measures or no contract.
        MeasureError: its file of measures is not valid.
        NotPortable: on Spark, a measure has a word that is not known to mean the same there.
        EngineError: Spark was chosen, and cannot be reached or failed.
    """
    contract = load(source)
    with work(home.scratch) as connection:
        catalog.register(connection, home, [contract, load(REGISTER)])
        query = compute.on(connection, model.load(source), contract)
        return lake.replace_table(home.lake, table_of(source), connection, query).rows


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
