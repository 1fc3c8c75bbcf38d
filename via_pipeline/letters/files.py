"""The data files of a package: the same rows as CSV, as CSV for Dutch Excel and as Parquet.

``<table>.csv`` is RFC 4180: commas, CRLF line ends (in a cell an LF stays an LF), quotes where
needed; UTF-8 without a byte order mark, decimal point, ISO dates, ``true``/``false``; an empty cell
is a missing value. ``csv-excel/<table>.csv`` is what a Dutch Excel opens by a double click:
semicolons, decimal comma, dd-mm-jjjj, WAAR/ONWAAR, a byte order mark. In both a text that a
spreadsheet would take for a formula has an apostrophe in front; no code list or figure has one.

Belongs here: writing and describing those files. Does not belong here: which rows (``content``).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from via_pipeline.letters.content import Content, Table, contents, read
from via_pipeline.storage.duck import literal
from via_pipeline.storage.hashing import sha256_of
from via_pipeline.storage.spreadsheet import harmless

__all__ = ["Content", "File", "Written", "contents", "describe", "text", "write"]

EXCEL_FOLDER = "csv-excel"


@dataclass(frozen=True)
class File:
    """One file of a package; ``name`` is its path in the package."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Written:
    """A table as it was written."""

    table: Table
    csv: File
    excel: File
    parquet: File

    @property
    def name(self) -> str:
        """The table's name in the package."""
        return self.table.content.name

    @property
    def title(self) -> str:
        """The table's title, in Dutch."""
        return self.table.content.title

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.table.rows)

    @property
    def hidden(self) -> int:
        """Number of rows without their figure."""
        return self.table.hidden

    @property
    def is_synthetic(self) -> bool:
        """Whether any row rests on made-up deliveries."""
        return self.table.is_synthetic


def write(connection: duckdb.DuckDBPyConnection, content: Content, folder: Path) -> Written:
    """Write one table from ``connection`` into ``folder``, in three formats.

    Raises:
        CellClash: two rows have one address.
    """
    table = read(connection, content)
    flat = folder / f"{content.name}.csv"
    with flat.open("w", encoding="utf-8", newline="") as handle:
        _write_csv(handle, table, ",", csv_text)
    dutch = folder / EXCEL_FOLDER / flat.name
    dutch.parent.mkdir(exist_ok=True)
    with dutch.open("w", encoding="utf-8-sig", newline="") as handle:
        _write_csv(handle, table, ";", dutch_text)
    columnar = folder / f"{content.name}.parquet"
    connection.execute("SET threads = 1")
    connection.execute(
        f"COPY ({content.query}) TO {literal(columnar)} (FORMAT parquet, COMPRESSION zstd)"
    )
    return Written(
        table, describe(flat, folder), describe(dutch, folder), describe(columnar, folder)
    )


def describe(path: Path, folder: Path | None = None) -> File:
    """Name (relative to ``folder``, the package), size and hash of a file."""
    name = path.relative_to(folder or path.parent).as_posix()
    return File(name, path.stat().st_size, sha256_of(path))


def text(value: Any) -> str:
    """A value in plain text: decimal point, ISO dates, ``true``/``false``."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)


def csv_text(value: Any) -> str:
    """A value as it stands in the CSV, and as a spreadsheet may open it."""
    return harmless(value) if isinstance(value, str) else text(value)


def dutch_text(value: Any) -> str:
    """A value as a Dutch Excel reads it from a CSV."""
    match value:
        case bool():
            return "WAAR" if value else "ONWAAR"
        case date():
            return f"{value:%d-%m-%Y}"
        case Decimal():
            return format(value, "f").replace(".", ",")
        case str():
            return harmless(value)
        case _:
            return text(value)


def _write_csv(handle: Any, table: Table, delimiter: str, as_text: Any) -> None:
    writer = csv.writer(handle, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(table.columns)
    writer.writerows([as_text(value) for value in row] for row in table.rows)
