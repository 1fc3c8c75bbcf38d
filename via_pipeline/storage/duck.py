"""DuckDB connections: in-memory for work, read-only for looking at a file.

``dagster-duckdb``'s resource opens read-write only and leaks a connection on failure, so this
module has contexts of its own. See docs/decisions/0001-lake.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from via_pipeline.storage import settings

_OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


@contextmanager
def work(scratch: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory connection for transformations.

    Time zone is UTC and nothing is fetched from the network. ``scratch`` is the spill folder;
    memory limit and threads come from ``VIA_DUCKDB_MEMORY`` (e.g. ``2GB``) and
    ``VIA_DUCKDB_THREADS`` where set.
    """
    config = _OFFLINE | settings.duckdb_limits()
    if scratch is not None:
        config["temp_directory"] = str(scratch)
    connection = duckdb.connect(":memory:", config=config)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def reader(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to a DuckDB file, as a BI tool opens it."""
    connection = duckdb.connect(str(path), read_only=True, config=_OFFLINE)
    try:
        yield connection
    finally:
        connection.close()


def quoted(identifier: str) -> str:
    """An identifier in double quotes, safe to place in SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str | Path) -> str:
    """A string literal in single quotes, safe to place in SQL."""
    return "'" + str(text).replace("'", "''") + "'"
