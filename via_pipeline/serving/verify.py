"""The last look at a built file, opened as a BI tool opens it, before it becomes the live one.

Belongs here: what must hold of any file that is published, asked of the file itself. Does not
belong here: repairing it.
"""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from via_pipeline.serving.content import PLAIN_TYPES, allowed, checksum, words
from via_pipeline.storage.duck import quoted, reader

# Names of columns that have no place in a file of aggregates. Keys of the programme itself have.
_FORBIDDEN = re.compile(
    r"(_id(_soort)?$|^_|persoon|bsn|onderwijsnummer|geboorte|postcode|huisnummer|email|telefoon)"
)
_KEYS = {"pilot_id", "maatregel_id", "overname_id"}


class VerificationError(RuntimeError):
    """A built file is not as it must be; the live one stays."""


def verify(path: Path) -> dict[str, int]:
    """Check the file at ``path``; rows per table.

    Raises:
        VerificationError: tables, columns, types, comments, counts or checksums are not right.
    """
    with reader(path) as connection:
        _tables(connection)
        for table, columns in allowed().items():
            _columns(connection, table, columns)
        return _content(connection)


def _tables(connection: duckdb.DuckDBPyConnection) -> None:
    there = {
        (schema, name)
        for schema, name in connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
        ).fetchall()
    }
    wanted = {("main", name) for name in allowed()}
    if there != wanted:
        names = sorted(name for _, name in there ^ wanted)
        raise VerificationError(f"tables that are missing or may not be there: {names}")
    comments = connection.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall()
    for name, comment in comments:
        if not (comment or "").startswith(words(name)[0]):
            raise VerificationError(f"table {name} has no comment")


def _columns(connection: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> None:
    found = connection.execute(
        "SELECT column_name, data_type, comment FROM duckdb_columns() "
        "WHERE table_name = ? AND NOT internal ORDER BY column_index",
        [table],
    ).fetchall()
    if [name for name, *_ in found] != columns:
        raise VerificationError(f"columns of {table} are not those that are described")
    for name, kind, comment in found:
        if _FORBIDDEN.search(name) and name not in _KEYS:
            raise VerificationError(f"column {table}.{name} may not be published")
        if not kind.startswith(PLAIN_TYPES) or kind.endswith("]"):
            raise VerificationError(f"column {table}.{name} has type {kind}")
        if not comment:
            raise VerificationError(f"column {table}.{name} has no comment")


def _content(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    told = {
        table: (rows, digest)
        for table, rows, digest in connection.execute(
            "SELECT tabel, rijen, sha256 FROM publicatie"
        ).fetchall()
    }
    rows = {}
    for table in allowed():
        if table == "publicatie":
            continue
        found = checksum(connection, quoted(table))
        if told.get(table) != found:
            raise VerificationError(f"table {table} is not what the release says of it")
        rows[table] = found[0]
    return rows
