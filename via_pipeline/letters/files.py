"""The data files of a package: one CSV and one Parquet file per dataset, the same rows in both.

CSV is RFC 4180: commas, CRLF line ends (in a cell an LF stays an LF), quotes where needed; UTF-8
without a byte order mark, decimal point, ISO dates, ``true``/``false``; an empty cell is a missing
value. Belongs here: writing and describing those files. Does not belong here: which rows.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import yaml

from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.model import Dataset, load_dataset
from via_pipeline.disclosure.protect import SYNTHETIC, order_by
from via_pipeline.storage.duck import literal, quoted

_CONTENTS = Path(__file__).parent / "contents.yaml"


@dataclass(frozen=True)
class File:
    """One file of a package."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Content:
    """One dataset of a package: the rows of a published dataset, or some of them."""

    name: str
    title: str
    dataset: Dataset
    only: Mapping[str, str]
    but: Mapping[str, str]

    @property
    def query(self) -> str:
        """SQL over ``disclosure__<dataset>``, in the dataset's order."""
        conditions = [f"{quoted(name)} = {literal(value)}" for name, value in self.only.items()]
        conditions += [f"{quoted(name)} <> {literal(value)}" for name, value in self.but.items()]
        return (
            f"SELECT * FROM {quoted(self.dataset.table)} "
            f"WHERE {' AND '.join(conditions) or 'true'} ORDER BY {order_by(self.dataset)}"
        )


@dataclass(frozen=True)
class Written:
    """A dataset as it was written. ``types`` are columns with their DuckDB types, in order."""

    name: str
    title: str
    dataset: Dataset
    types: tuple[tuple[str, str], ...]
    rows: int
    hidden: int
    is_synthetic: bool
    csv: File
    parquet: File


def contents(path: Path = _CONTENTS) -> list[Content]:
    """The datasets of a package, in order."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [
        Content(
            name=name,
            title=item.get("title", dictionary.title(item["from"])),
            dataset=load_dataset(item["from"]),
            only=item.get("only", {}),
            but=item.get("except", {}),
        )
        for name, item in raw.items()
    ]


def write(connection: duckdb.DuckDBPyConnection, content: Content, folder: Path) -> Written:
    """Write one dataset from the protected table on ``connection`` into ``folder``."""
    relation = connection.sql(content.query)
    columns = [name for name, *_ in relation.description]
    types = tuple(zip(columns, (str(kind) for kind in relation.types), strict=True))
    rows = relation.fetchall()
    flat = folder / f"{content.name}.csv"
    with flat.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows([_text(value) for value in row] for row in rows)
    columnar = folder / f"{content.name}.parquet"
    connection.execute("SET threads = 1")
    connection.execute(
        f"COPY ({content.query}) TO {literal(columnar)} (FORMAT parquet, COMPRESSION zstd)"
    )
    status, synthetic = columns.index("waarde_status"), columns.index(SYNTHETIC)
    return Written(
        name=content.name,
        title=content.title,
        dataset=content.dataset,
        types=types,
        rows=len(rows),
        hidden=sum(row[status] is not None for row in rows),
        is_synthetic=any(row[synthetic] for row in rows),
        csv=describe(flat),
        parquet=describe(columnar),
    )


def describe(path: Path) -> File:
    """Name, size and hash of a file."""
    content = path.read_bytes()
    return File(path.name, len(content), hashlib.sha256(content).hexdigest())


def sums(files: Iterable[File]) -> str:
    """``SHA256SUMS`` as ``sha256sum --check`` reads it."""
    return "".join(f"{file.sha256}  {file.name}\n" for file in sorted(files, key=lambda f: f.name))


def _text(value: Any) -> str:
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
