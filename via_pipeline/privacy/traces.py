"""All that the house holds of one delivery, and of one person in it.

Belongs here: where that lies, and taking it away. Does not belong here: why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from pathlib import Path

import duckdb

from via_pipeline.contracts.model import Contract, Table
from via_pipeline.intake import discover
from via_pipeline.intake.discover import Found
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.intake.records import staging
from via_pipeline.intake.run import first_hash, place_of
from via_pipeline.pilots.conform import accepted_path
from via_pipeline.quality import page, results
from via_pipeline.storage import lake
from via_pipeline.storage.duck import literal, quoted, work
from via_pipeline.storage.home import Home
from via_pipeline.storage.place import Place, below, remove_tree, replacing

_AT_ONCE = 10_000

Pairs = Collection[tuple[str, str]]


def tables_of(home: Home, contract: Contract, delivery_id: str) -> Iterator[tuple[Table, Place]]:
    """Every Parquet file that holds rows of the delivery, with its table."""
    for table in contract.tables:
        for path in (
            staging(home.lake, delivery_id) / f"{table.name}.parquet",
            accepted_path(home, table, delivery_id),
            home.quarantine / table.lake_table / f"{delivery_id}.parquet",
        ):
            if path.exists():
                yield table, path


def delete(home: Home, contract: Contract | None, row: LedgerRow) -> int:
    """Delete rows and reports of a delivery; the number of files. Safe to repeat."""
    found: list[Place] = []
    if contract is not None:
        found += [path for _, path in tables_of(home, contract, row.delivery_id)]
    found += reports_of(home, row)
    for path in found:
        path.unlink(missing_ok=True)
    folder = staging(home.lake, row.delivery_id)
    if folder.exists():
        found += [path for path in folder.iterdir() if path not in found]
        remove_tree(folder)
    return len(found)


def reports_of(home: Home, row: LedgerRow) -> list[Path]:
    """The kept result, its page, and the workbook for the partner."""
    tail = row.delivery_id.rsplit("-", 1)[-1]
    named = [
        results.path_of(home.reports, row.delivery_id),
        page.path_of(home.reports, row.delivery_id),
    ]
    return [path for path in named if path.exists()] + sorted(
        (home.reports / "partners" / row.source).glob(f"*.{tail}.xlsx")
    )


def kept_files(
    home: Home, ledger: Ledger, contract: Contract | None, found: Iterable[Found] | None = None
) -> list[tuple[str, str, Found]]:
    """The partner's own files: hash as they first came, path as the ledger has it, and the file.

    ``found`` are files that no contract names. Reads every byte of them.
    """
    if contract is not None:
        found = discover.deliveries(home, contract.source, date.min)
    told = []
    for one in found or []:
        sha256 = first_hash(ledger, one, one.measure()[1], contract)
        told.append((sha256, place_of(one, sha256, contract), one))
    return told


def rows_about(path: Place, table: Table, pairs: Pairs) -> list[int]:
    """Row numbers (the sender's) of those of ``pairs`` in a Parquet file, ascending."""
    with work() as connection:
        return [
            row
            for (row,) in connection.execute(
                f"SELECT _row FROM read_parquet({literal(path)}) WHERE {_about(table, pairs)} "
                "ORDER BY _row"
            ).fetchall()
        ]


def others(path: Place, table: Table, pairs: Pairs) -> str:
    """A hash of all rows of a Parquet file but those about ``pairs``, in the sender's order.

    Row numbers are left out: they move up when a row before them goes.
    """
    digest = hashlib.sha256()
    with work() as connection:
        found = connection.execute(
            f"SELECT * EXCLUDE (_row) FROM read_parquet({literal(path)}) "
            f"WHERE NOT ({_about(table, pairs)}) ORDER BY _row"
        )
        while rows := found.fetchmany(_AT_ONCE):
            digest.update(repr(rows).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def without(path: Place, table: Table, pairs: Pairs) -> None:
    """Write a Parquet file again without the rows about ``pairs``, in the same order."""
    with work() as connection, replacing(path) as temporary:
        connection.execute(
            f"COPY (SELECT * FROM read_parquet({literal(path)}) WHERE NOT ({_about(table, pairs)}) "
            f"ORDER BY _row) TO {literal(temporary)} ({lake.PARQUET})"
        )


def holding(folder: Place, pseudonyms: Collection[str]) -> list[Place]:
    """Parquet files below ``folder`` in which one of ``pseudonyms`` stands, in any column."""
    found: list[Place] = []
    for path in below(folder, "*.parquet"):
        with work() as connection:
            scan = f"read_parquet({literal(path)})"
            names = [
                name
                for name, kind, *_ in connection.execute(
                    f"DESCRIBE SELECT * FROM {scan}"
                ).fetchall()
                if kind == "VARCHAR"
            ]
            tests = " OR ".join(f"list_contains($1, {quoted(name)})" for name in names)
            if names and _any(
                connection, f"SELECT 1 FROM {scan} WHERE {tests} LIMIT 1", pseudonyms
            ):
                found.append(path)
    return found


def pseudonyms_in(folder: Place) -> set[str]:
    """Every pseudonym in the Parquet files below ``folder``: values of columns ``…_id``."""
    found: set[str] = set()
    for path in below(folder, "*.parquet"):
        with work() as connection:
            scan = f"read_parquet({literal(path)})"
            described = connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
            names = {name for name, *_ in described}
            for name in sorted(names):
                if f"{name}_soort" in names:
                    query = f"SELECT DISTINCT {quoted(name)} FROM {scan}"
                    found |= {value for (value,) in connection.execute(query).fetchall() if value}
    return found


def _any(connection: duckdb.DuckDBPyConnection, query: str, values: Collection[str]) -> bool:
    return bool(connection.execute(query, [sorted(values)]).fetchall())


def _about(table: Table, pairs: Pairs) -> str:
    listed = ", ".join(f"({literal(kind)}, {literal(name)})" for kind, name in sorted(pairs))
    tests = [
        f"coalesce(({quoted(person.name + '_id_soort')}, {quoted(person.name + '_id')}) "
        f"IN ({listed}), false)"
        for person in table.persons
    ]
    return " OR ".join(tests) or "false"
