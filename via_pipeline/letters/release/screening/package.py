"""A package as the screener sees it: files, descriptor, tables as texts.

Belongs here: reading, and nothing that a broken package can stop. Does not belong here: a
judgement.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from via_pipeline import letters
from via_pipeline.contracts.declared import read
from via_pipeline.disclosure.model import Dataset, load_dataset

DESCRIPTOR = "datapackage.json"
ORIGIN = "herkomst.json"
_CONTENTS = Path(letters.__file__).parent / "contents.yaml"


class ContentsError(ValueError):
    """``contents.yaml`` does not say what it must."""


@dataclass(frozen=True)
class Table:
    """One CSV of the package with what the descriptor says of it.

    ``rows`` are texts, one list a row, as long as they are in the file. ``dataset`` is the
    published dataset that it comes from, None where ``contents.yaml`` does not know it.
    """

    name: str
    file: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    resource: Mapping[str, Any]
    dataset: Dataset | None

    @property
    def fields(self) -> list[Mapping[str, Any]]:
        """The descriptor's fields, in order."""
        schema = self.resource.get("schema")
        found = schema.get("fields", []) if isinstance(schema, Mapping) else []
        return [field for field in found if isinstance(field, Mapping)]

    @property
    def key(self) -> list[str]:
        """The columns that together are unique, as the descriptor says."""
        schema = self.resource.get("schema")
        found = schema.get("primaryKey", []) if isinstance(schema, Mapping) else []
        return [found] if isinstance(found, str) else list(found)

    @cached_property
    def records(self) -> list[dict[str, str]]:
        """Rows by column name; a row of another length than the header is left out."""
        return [
            dict(zip(self.header, row, strict=True))
            for row in self.rows
            if len(row) == len(self.header)
        ]


@dataclass(frozen=True)
class Package:
    """A folder with its tables, descriptor and provenance ({} where they cannot be read)."""

    folder: Path
    edition: str
    files: tuple[str, ...]
    descriptor: Mapping[str, Any]
    origin: Mapping[str, Any]
    tables: tuple[Table, ...]

    @property
    def resources(self) -> list[Mapping[str, Any]]:
        """The descriptor's resources."""
        found = self.descriptor.get("resources", [])
        return [item for item in found if isinstance(item, Mapping)]

    def texts(self, *suffixes: str) -> Iterator[tuple[str, str]]:
        """Name and content of every file with one of ``suffixes`` that is UTF-8."""
        for name in self.files:
            if Path(name).suffix.lower() in suffixes:
                try:
                    yield name, (self.folder / name).read_text(encoding="utf-8-sig")
                except UnicodeDecodeError:
                    continue


def load(folder: Path, edition: str) -> Package:
    """The package in ``folder``; what cannot be read is absent, and a check says so.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"er is geen pakket van editie '{edition}'")
    files = tuple(
        sorted(
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() or path.is_symlink()
        )
    )
    descriptor = _json(folder / DESCRIPTOR)
    datasets = _datasets()
    tables = []
    found = descriptor.get("resources", [])
    for resource in found if isinstance(found, list) else []:
        if not isinstance(resource, dict) or resource.get("path") not in files:
            continue
        if str(resource["path"]).endswith(".csv"):
            tables.append(_table(folder, resource, datasets.get(str(resource.get("name")))))
    return Package(
        folder, edition, files, descriptor, _json(folder / ORIGIN), tuple(filter(None, tables))
    )


@cache
def _datasets() -> dict[str, Dataset]:
    """Table of a package -> the published dataset that it comes from, by ``contents.yaml``."""
    said = read(_CONTENTS, dict[str, dict[str, Any]], ContentsError)
    return {name: load_dataset(item["from"]) for name, item in said.items()}


def _table(folder: Path, resource: Mapping[str, Any], dataset: Dataset | None) -> Table | None:
    name = str(resource["path"])
    dialect = resource.get("dialect")
    delimiter = dialect.get("delimiter", ",") if isinstance(dialect, Mapping) else ","
    try:
        with (folder / name).open(encoding="utf-8-sig", newline="") as handle:
            header, *rows = csv.reader(handle, delimiter=delimiter)
    except (UnicodeDecodeError, ValueError, csv.Error):
        return None
    return Table(
        str(resource.get("name", name)),
        name,
        tuple(header),
        tuple(map(tuple, rows)),
        resource,
        dataset,
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
