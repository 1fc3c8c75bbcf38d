"""DuckDB connections: in-memory for work, read-only for looking at a file.

``dagster-duckdb``'s resource opens read-write only and leaks a connection on failure, so this
module has contexts of its own. See docs/decisions/0001-lake.md.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import duckdb

from via_pipeline.storage import bucket, machine, settings
from via_pipeline.storage.bucket import BucketPath
from via_pipeline.storage.home import Home

_Config = dict[str, str | bool | int | float | list[str]]
_LONG_LIST = 16
_LEAST_BYTES = 400 << 20
_OFFLINE: _Config = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


@contextmanager
def work(scratch: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory connection for transformations.

    Time zone is UTC and nothing is fetched from the network. Memory is half of what the machine
    gives and threads are its processors, unless ``VIA_DUCKDB_MEMORY`` (e.g. ``2GB``) and
    ``VIA_DUCKDB_THREADS`` say otherwise. What does not fit is spilled below ``scratch`` (default:
    that of ``VIA_HOME``), in a folder of this connection's own that goes with it; where there is
    no such place nothing is spilled. DuckDB's own default is ``.tmp`` in the current folder, which
    is no place for person-level data. Where a bucket was opened its Parquet files can be read.

    Raises:
        SettingError: one of the two variables cannot be used.
        BucketError: object storage did not give what a query reads.
    """
    place = scratch or Home.from_env().scratch
    spill = machine.spill_folder(place)
    config: _Config = _limits() | {"temp_directory": str(spill) if place.is_dir() else ""}
    connection = duckdb.connect(":memory:", config=config)
    # What a query reads twice it reads twice: kept in between, a table would be held whole, and
    # with all that either reading needs.
    connection.execute("SET disabled_optimizers = 'common_subplan'")
    if bucket.all_opened():
        from via_pipeline.storage.bucket_files import BucketFiles

        connection.register_filesystem(BucketFiles())
    try:
        yield connection
    except duckdb.Error as error:
        if trouble := bucket.trouble_in(error):
            raise trouble from None
        raise
    finally:
        connection.close()
        if spill.exists():
            shutil.rmtree(spill, ignore_errors=True)


@contextmanager
def in_order(scratch: Path | None = None, at_once: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """``work`` with one thread: rows are written in the order in which they are read.

    With more, a table is cut into row groups as the threads come by them, so that without sorting
    the same rows may give other bytes. Of ``at_once`` such connections side by side each has its
    share of the memory.
    """
    with work(scratch) as connection:
        connection.execute("SET threads = 1")
        if at_once > 1:
            share = connection.execute(
                "SELECT parse_formatted_bytes(current_setting('memory_limit')) // $1", [at_once]
            ).fetchall()[0][0]
            connection.execute(f"SET memory_limit = '{share >> 20}MiB'")
        yield connection


def at_once() -> int:
    """How many deliveries are worked on side by side, see ``in_order``.

    One a processor that DuckDB may use, as long as each has 400 MB of its memory.
    """
    return _at_once(tuple(sorted(_limits().items())))


@cache
def _at_once(_limits: tuple[tuple[str, str], ...]) -> int:
    """The same, asked of DuckDB once as long as its limits are the same."""
    with work() as connection:
        threads, memory = connection.execute(
            "SELECT current_setting('threads'), "
            "parse_formatted_bytes(current_setting('memory_limit'))"
        ).fetchall()[0]
    return max(1, min(int(threads), int(memory) // _LEAST_BYTES))


@contextmanager
def reader(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to a DuckDB file, as a BI tool opens it."""
    config: _Config = _limits()
    connection = duckdb.connect(str(path), read_only=True, config=config)
    try:
        yield connection
    finally:
        connection.close()


def _limits() -> _Config:
    return _OFFLINE | {"memory_limit": machine.memory_limit()} | settings.duckdb_limits()


def quoted(identifier: str) -> str:
    """An identifier in double quotes, safe to place in SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def among(value: str, texts: Iterable[str]) -> str:
    """SQL: whether ``value`` (SQL, VARCHAR) is one of ``texts``; NULL where it is NULL.

    What ``IN`` means, but outside a WHERE DuckDB 1.5 compares with every element of an IN in turn.
    A short list is looked through as a list, which is faster; a long one is an ENUM, which is
    looked up by hash: with the 350 codes of a list ten times faster than IN.
    """
    listed = list(dict.fromkeys(texts))
    codes = ", ".join(literal(text) for text in listed)
    if len(listed) < _LONG_LIST:
        return f"list_contains([{codes}]::VARCHAR[], {value})"
    return f"CASE WHEN {value} IS NOT NULL THEN TRY_CAST({value} AS ENUM({codes})) IS NOT NULL END"


def literal(text: str | Path | BucketPath) -> str:
    """A string literal in single quotes, safe to place in SQL."""
    return "'" + str(text).replace("'", "''") + "'"
