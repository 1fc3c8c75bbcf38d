"""The lake: a table is a manifest over immutable Parquet files.

``lake/<table>/_manifest.json`` lists the files that make up the table now; replacing it is one
``os.replace``, so a table changes at once or not at all. Files may lie in another table's folder
(a conformed table selects the accepted parts of deliveries without copying them).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from via_pipeline.storage.atomic import replacing, write_json
from via_pipeline.storage.duck import literal, quoted
from via_pipeline.storage.hashing import sha256_of

MANIFEST = "_manifest.json"
PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
"""How working tables are written. Of a level that squeezes more, writing takes twice as long."""


@dataclass(frozen=True, order=True)
class Part:
    """One immutable Parquet file of a table. ``file`` is relative to the lake's root."""

    name: str
    file: str
    rows: int
    sha256: str


class NoSuchTable(LookupError):
    """The lake has no table of that name yet."""


def write_part(
    lake: Path, table: str, name: str, connection: duckdb.DuckDBPyConnection, query: str
) -> Part:
    """Write the rows of ``query`` as one Parquet file and describe it; the manifest is untouched.

    The query must order its rows: the same rows in the same order give the same bytes.
    """
    path = lake / table / f"{name}.parquet"
    with replacing(path) as temporary:
        connection.execute(f"COPY ({query}) TO {literal(temporary)} ({PARQUET})")
    return describe(lake, path, name)


def describe(lake: Path, path: Path, name: str) -> Part:
    """The ``Part`` of a Parquet file that lies below ``lake``."""
    import pyarrow.parquet as pq

    rows = pq.read_metadata(path).num_rows
    return Part(name, str(path.relative_to(lake)), rows, sha256_of(path))


def commit(lake: Path, table: str, parts: Iterable[Part]) -> None:
    """Make ``parts`` the content of ``table``, at once."""
    write_json(
        lake / table / MANIFEST,
        {"table": table, "parts": [asdict(part) for part in sorted(parts)]},
    )


def replace_table(
    lake: Path, table: str, connection: duckdb.DuckDBPyConnection, query: str
) -> Part:
    """Write the rows of ``query`` as the whole of ``table``, then remove what it replaces."""
    written = write_part(lake, table, "data", connection, query)
    path = lake / written.file
    final = path.with_name(f"data-{written.sha256[:16]}.parquet")
    path.replace(final)
    part = Part("data", str(final.relative_to(lake)), written.rows, written.sha256)
    commit(lake, table, [part])
    for older in (lake / table).glob("data-*.parquet"):
        if older != final:
            older.unlink()
    return part


def parts(lake: Path, table: str) -> list[Part]:
    """The files that make up ``table`` now.

    Raises:
        NoSuchTable: the table was never written.
    """
    path = lake / table / MANIFEST
    if not path.exists():
        raise NoSuchTable(f"table '{table}' is not in the lake yet")
    return [Part(**part) for part in json.loads(path.read_text(encoding="utf-8"))["parts"]]


def tables(lake: Path) -> list[str]:
    """Names of all tables that have a manifest, sorted."""
    return sorted(path.parent.name for path in lake.glob(f"*/{MANIFEST}"))


def scan(lake: Path, files: Iterable[Part], empty: Mapping[str, str] | None = None) -> str:
    """SQL that reads ``files`` together, in the order of their names.

    ``empty`` maps column to DuckDB type and gives the shape when there is no file.
    """
    paths = [literal(lake / part.file) for part in sorted(files)]
    if paths:
        return f"SELECT * FROM read_parquet([{', '.join(paths)}])"
    if not empty:
        raise NoSuchTable("a table without files needs its columns told")
    columns = ", ".join(f"NULL::{kind} AS {quoted(name)}" for name, kind in empty.items())
    return f"SELECT {columns} WHERE false"


def view(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    table: str,
    empty: Mapping[str, str] | None = None,
) -> None:
    """Make ``table`` readable under its own name on ``connection``."""
    query = scan(lake, parts(lake, table), empty)
    connection.execute(f"CREATE OR REPLACE VIEW {quoted(table)} AS {query}")
