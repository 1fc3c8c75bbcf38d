"""Context tables in the lake. Belongs here: connecting them to the lake, no figure."""

from __future__ import annotations

from via_pipeline.context import werkloosheid
from via_pipeline.contracts.model import load
from via_pipeline.pilots import catalog
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home

TABLE = "context__werkloosheid"


def refresh(home: Home) -> int:
    """Write ``context__werkloosheid`` from the reference in force; return the number of rows."""
    with work(home.scratch) as connection:
        catalog.register(connection, home, [load("reference")])
        return lake.replace_table(home.lake, TABLE, connection, werkloosheid.query()).rows
