"""A DuckDB file made from scratch, that is the same bytes for the same tables.

Belongs here: how such a file is written (decisions 5 and 6), for whoever publishes one. Does not
belong here: which tables stand in it, or putting it in the place of another file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from via_pipeline.storage.duck import literal
from via_pipeline.storage.scrub import scrub

STORAGE_VERSION = "v1.0.0"
"""Opens in DuckDB 1.0 and later; newer versions write a random identifier into the header."""

_CATALOG = "bouw"


@contextmanager
def building(connection: duckdb.DuckDBPyConnection, path: Path) -> Iterator[str]:
    """Attach a new file at ``path`` to ``connection`` and yield the name of its catalog.

    Fill it with ``CREATE TABLE <catalog>.<table> AS ...`` whose query orders its rows. On leaving
    the block the file is closed and old memory is scrubbed from it. The connection works with one
    thread and without compression from then on.

    Raises:
        ScrubError: old memory in the file cannot be cleared; do not publish it.
    """
    connection.execute("SET threads = 1")
    # FSST, which the automatic choice takes for text, is not stable from run to run.
    connection.execute("SET force_compression = 'uncompressed'")
    connection.execute(
        f"ATTACH {literal(path)} AS {_CATALOG} (STORAGE_VERSION {literal(STORAGE_VERSION)})"
    )
    try:
        # One transaction: a statement by itself is flushed to disk by itself.
        connection.execute("BEGIN")
        yield _CATALOG
        connection.execute("COMMIT")
        connection.execute(f"CHECKPOINT {_CATALOG}")
    finally:
        connection.execute(f"DETACH {_CATALOG}")
    scrub(path)
