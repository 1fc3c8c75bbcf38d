"""The published tables of an edition as texts, from its package or fresh from memory.

Belongs here: reading a package back. Does not belong here: comparing two (``changes``), looking up
one figure (``lookup``).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from via_pipeline.letters.address import CELL
from via_pipeline.letters.content import Table
from via_pipeline.letters.files import text

DESCRIPTOR = "datapackage.json"
ORIGIN = "herkomst.json"


class PackageError(ValueError):
    """A folder that is no package, or not a whole one; the message names the file."""


@dataclass(frozen=True)
class Rows:
    """One table: rows by their key's cells, each a mapping of column to text."""

    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Mapping[tuple[str, ...], Mapping[str, str]]

    def without_rows(self) -> Rows:
        """The table, empty."""
        return replace(self, rows={})


@dataclass(frozen=True)
class Snapshot:
    """An edition's tables of figures and its provenance (``herkomst.json``)."""

    release: str
    tables: Mapping[str, Rows]
    origin: Mapping[str, Any]


def of_tables(release: str, tables: Iterable[Table], origin: Mapping[str, Any]) -> Snapshot:
    """The snapshot of tables in memory."""
    return Snapshot(
        release,
        {
            table.content.name: _rows(
                table.content.key,
                table.columns,
                ([text(value) for value in row] for row in table.rows),
            )
            for table in tables
        },
        origin,
    )


def of_package(folder: Path) -> Snapshot:
    """The snapshot of a package: the tables whose rows have an address.

    Raises:
        PackageError: there is no package, or a file of it is missing or cannot be read.
    """
    described = load_json(folder / DESCRIPTOR)
    tables = {}
    for resource in described.get("resources", []):
        columns, rows = load_csv(folder / resource["path"])
        key = tuple(resource.get("schema", {}).get("primaryKey", ()))
        if "cijfers" in resource and CELL in columns:
            tables[resource["name"]] = _rows(key, columns, rows)
    return Snapshot(described.get("uitgave", folder.name), tables, load_json(folder / ORIGIN))


def load_json(path: Path) -> dict[str, Any]:
    """A JSON file of a package.

    Raises:
        PackageError: it is missing or cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PackageError(
            f"{path.name} ontbreekt of is onleesbaar (missing or unreadable)"
        ) from error
    return found


def load_csv(path: Path) -> tuple[tuple[str, ...], list[list[str]]]:
    """Columns and rows of a CSV file of a package, as texts.

    Raises:
        PackageError: it is missing or cannot be read.
    """
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            columns, *rows = csv.reader(handle)
    except (OSError, ValueError) as error:
        raise PackageError(
            f"{path.name} ontbreekt of is onleesbaar (missing or unreadable)"
        ) from error
    return tuple(columns), rows


def _rows(key: tuple[str, ...], columns: tuple[str, ...], rows: Iterable[list[str]]) -> Rows:
    named = (dict(zip(columns, row, strict=True)) for row in rows)
    return Rows(key, columns, {tuple(row[name] for name in key): row for row in named})
