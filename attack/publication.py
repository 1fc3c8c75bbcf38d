"""What is published, read as an outsider reads it: files and columns, no schema of the house.

Belongs here: finding the tables of a VIA_HOME's letters and BI file, and of the editions that were
frozen beside it, and reading them as texts.
Does not belong here: ``lake``, ``quarantine``, ``ledger``: they are not published and never opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

Row = dict[str, str | None]


@dataclass(frozen=True)
class Table:
    """One published table. ``where`` names edition (or BI) and file; ``rows`` keep their order.

    ``width``: what its publication promises for what it hides, see ``_held``.
    """

    where: str
    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...] = field(repr=False)
    key: tuple[str, ...] = ()
    width: int = 1


def read(home: Path, releases: Path | None = None) -> list[Table]:
    """Every table under ``home``: CSV and Parquet of each letter, the BI file and its Parquet.

    ``releases`` is the folder of frozen editions, ``<edition>/r<revision>/``: what was published
    once, withdrawn or not, somebody has. Editions are read in the order of their reading date,
    frozen ones before what the last run made of the same, the BI file last.

    Raises:
        FileNotFoundError: nothing is published there.
    """
    made = sorted((path.name, path) for path in home.glob("letters/*/"))
    tables = [*_letters([*_frozen(releases), *made]), *_served(home / "serve")]
    if not tables:
        raise FileNotFoundError(f"nothing is published under {home.name}")
    return tables


def _frozen(releases: Path | None) -> Iterator[tuple[str, Path]]:
    """Name and folder of every revision that lies among the releases."""
    if releases is not None:
        for folder in sorted(releases.glob("*/r*/")):
            yield f"{folder.parent.name}@{folder.name}", folder


def _letters(editions: Iterable[tuple[str, Path]]) -> Iterator[Table]:
    found = []
    for place, (name, edition) in enumerate(editions):
        described = edition / "datapackage.json"
        package = json.loads(described.read_text("utf-8")) if described.is_file() else {}
        found.append((str(package.get("leesdatum", "")), place, name, edition, package))
    for _, _, name, edition, package in sorted(found, key=lambda one: one[:2]):
        keys = {
            resource["name"]: tuple(resource.get("schema", {}).get("primaryKey", ()))
            for resource in package.get("resources", [])
        }
        rules = {one["name"]: one.get("regelset", "") for one in package.get("resources", [])}
        paths = sorted([*edition.glob("*.csv"), *edition.glob("*.parquet")])
        yield from _held([_file(path, name, keys.get(path.stem, ())) for path in paths], rules)


def _served(folder: Path) -> Iterator[Table]:
    """Every release that is still there, the one in force last: ``latest`` links to it."""
    in_force = (folder / "latest").resolve().name
    there = [path for path in folder.glob("*/") if not path.is_symlink()]
    for release in sorted(there, key=lambda path: (path.name == in_force, path.name)):
        place = "bi" if release.name == in_force else f"bi/{release.name}"
        yield from _held(list(_release(release, place)), {})


def _held(tables: Sequence[Table], rules: Mapping[str, str]) -> Iterator[Table]:
    """Each table of a publication with the width that it is held to.

    The publication says so itself, per dataset or per rule set (``beveiliging``); ``rules`` is the
    rule set of a table, by its name. Where nothing is said a hidden figure may not be known
    exactly, and that is all.
    """
    promised = {
        said[name]: int(said["breedte"] or 1)
        for table in tables
        if {"dataset", "regelset", "breedte"} <= set(table.columns)
        for said in table.rows
        for name in ("dataset", "regelset")
    }
    for table in tables:
        yield replace(table, width=promised.get(rules.get(table.name, table.name), 1))


def _release(folder: Path, place: str) -> Iterator[Table]:
    for path in sorted(folder.glob("*.duckdb")):
        with duckdb.connect(str(path), read_only=True) as connection:
            names = connection.execute(
                "SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL"
            ).fetchall()
            for schema, name in names:
                source = f'"{schema}"."{name}"'
                yield _table(connection, source, f"{place}/{path.name}", name, ())
    for path in sorted([*folder.glob("parquet/*.parquet"), *folder.glob("csv/*.csv")]):
        yield _file(path, place, ())


def _file(path: Path, place: str, key: tuple[str, ...]) -> Table:
    quoted = str(path).replace("'", "''")
    source = (
        f"read_csv('{quoted}', all_varchar = true, header = true, delim = ',')"
        if path.suffix == ".csv"
        else f"read_parquet('{quoted}')"
    )
    with duckdb.connect() as connection:
        return _table(connection, source, f"{place}/{path.name}", path.stem, key)


def _table(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    where: str,
    name: str,
    key: tuple[str, ...],
) -> Table:
    found = connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {source}")
    columns = tuple(name for name, *_ in found.description)
    rows = tuple(dict(zip(columns, values, strict=True)) for values in found.fetchall())
    return Table(where, name, columns, rows, key)
