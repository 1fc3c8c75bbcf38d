"""A checksum over a table's values, that a reader can work out with the SQL of any DuckDB.

Belongs here: the expression. It is over values and not over bytes, so that a reader of the file, on
whatever version of DuckDB, can see that no table is torn or changed.
"""

from __future__ import annotations

from collections.abc import Iterable

from via_pipeline.storage.duck import quoted

_NULL = "\x02"
_CELL = "\x1f"
_ROW = "\x1e"


def query(table: str, columns: Iterable[str]) -> str:
    """SQL that gives one VARCHAR: the SHA-256 (hex) of all rows of ``table`` as text, sorted.

    ``table`` is the SQL name of the table; an empty table has the checksum of the empty text.
    """
    cells = ", ".join(
        f"coalesce(CAST({quoted(column)} AS VARCHAR), chr({ord(_NULL)}))" for column in columns
    )
    row = f"concat_ws(chr({ord(_CELL)}), {cells})"
    return (
        f"SELECT sha256(coalesce(string_agg(rij, chr({ord(_ROW)}) ORDER BY rij), '')) "
        f"FROM (SELECT {row} AS rij FROM {table})"
    )
