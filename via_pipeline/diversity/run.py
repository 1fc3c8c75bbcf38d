"""Diversity tables in the lake. Belongs here: connecting ``barometer`` to the lake, no rule."""

from __future__ import annotations

from via_pipeline.contracts.model import load
from via_pipeline.diversity import barometer
from via_pipeline.pilots import catalog
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home

TABLE = "diversity__barometer"


def refresh(home: Home) -> int:
    """Write ``diversity__barometer`` over what is in force now; return the number of rows."""
    with work(home.scratch) as connection:
        catalog.register(connection, home, [load(barometer.SOURCE), load("reference")])
        return lake.replace_table(home.lake, TABLE, connection, barometer.query()).rows
