"""A made-up world straight on a DuckDB connection: for tests that need many of them, and fast.

The catalog's tables are filled as ``pilots.catalog`` would show them; the reference data are the
repository's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import pyarrow as pa

from via_pipeline.contracts.model import load
from via_pipeline.diversity import run
from via_pipeline.storage import duck
from via_pipeline_tests.diversity.organisations import _KNOWN, job
from via_pipeline_tests.pilots import house

_LEVERING = {
    "delivery_id": "VARCHAR",
    "bron": "VARCHAR",
    "bestand": "VARCHAR",
    "ontvangen": "DATE",
    "peildatum": "DATE",
    "organisatie": "VARCHAR",
    "is_synthetisch": "BOOLEAN",
    "is_in_gebruik": "BOOLEAN",
}
Jobs = Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]


@contextmanager
def world(jobs: Jobs, register: Mapping[str, Iterable[Mapping[str, Any]]]):
    """A connection with the catalog: ``jobs`` by (organisation, day), rows of the register."""
    with duck.work() as connection:
        for table in load("reference").tables:
            rows = house.plain_csv(house.REPOSITORY / f"data/reference/{table.name}.csv")
            typed = [house._typed(load("reference"), table.name, row) for row in rows]
            _fill(connection, table.lake_table, table.conformed_types, typed)
        for table in load("register").tables:
            rows = [dict(row) for row in register.get(table.name, ())]
            _fill(connection, table.lake_table, table.conformed_types, rows)
        baan = load("p4_barometer").table("baan")
        people, deliveries = [], []
        for (organisation, day), found in jobs.items():
            name = f"p4_barometer-{organisation}-{day}"
            deliveries.append(
                {
                    "delivery_id": name,
                    "bron": "p4_barometer",
                    "bestand": name,
                    "ontvangen": day,
                    "peildatum": day,
                    "organisatie": organisation,
                    "is_synthetisch": True,
                    "is_in_gebruik": True,
                }
            )
            people += [{"_delivery": name, "_row": n} | dict(row) for n, row in enumerate(found, 2)]
        _fill(connection, baan.lake_table, baan.conformed_types, people)
        _fill(connection, "geleverd", _LEVERING, deliveries)
        connection.execute(
            "CREATE TABLE pilots__levering AS SELECT * EXCLUDE (organisatie), "
            "MAP {'organisatie': organisatie, 'periode': peildatum::VARCHAR} AS sleutel "
            "FROM geleverd"
        )
        yield connection


@contextmanager
def seen(jobs: Jobs, register: Mapping[str, Iterable[Mapping[str, Any]]]):
    """The same, with every table of the room on it."""
    with world(jobs, register) as connection:
        run.see(connection)
        yield connection


def table(connection: Any, name: str, where: str = "true") -> list[dict[str, Any]]:
    """Rows of a table, in its order."""
    found = connection.sql(f"SELECT * FROM {name} WHERE {where}")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def query(connection: Any, sql: str) -> list[dict[str, Any]]:
    """Rows of a query."""
    found = connection.sql(sql)
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def registered(
    named: Iterable[str] = (),
    unnamed: Iterable[str] = (),
    sectors: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    statements: Iterable[Mapping[str, Any]] = (),
) -> dict[str, list[dict[str, Any]]]:
    """Rows of the register; see ``organisations.know``."""
    named, unnamed = list(named), list(unnamed)
    default = {"sbi_sectie": "O", "sbi_versie": "SBI 2008", "geldig_van": "2018-01-01"}
    said = [{"organisatie": one, "soort": "toestemming"} for one in named] + list(statements)
    return {
        "organisatie": [
            {"organisatie": one, "naam": f"Naam {one}"} | _KNOWN for one in [*named, *unnamed]
        ],
        "organisatie_indeling": [
            default | {"organisatie": one} | _KNOWN | dict(row)
            for one in [*named, *unnamed]
            for row in (sectors or {}).get(one, [{}])
        ],
        "organisatie_verklaring": [
            {"vastlegging": "test", "bekend_op": date(2019, 1, 1)} | dict(row) for row in said
        ],
    }


def people(first: int, count: int, **more: Any) -> list[dict[str, Any]]:
    """``count`` persons with a job each, numbered from ``first``."""
    return [job(number, **more) for number in range(first, first + count)]


def _fill(
    connection: Any, name: str, types: Mapping[str, str], rows: Sequence[Mapping[str, Any]]
) -> None:
    texts = pa.table(
        {
            column: pa.array(
                [None if row.get(column) is None else str(row[column]) for row in rows],
                pa.string(),
            )
            for column in types
        }
    )
    connection.register("texts", texts)
    cast = ", ".join(
        f"CAST({duck.quoted(column)} AS {kind}) AS {duck.quoted(column)}"
        for column, kind in types.items()
    )
    connection.execute(f"CREATE OR REPLACE TABLE {duck.quoted(name)} AS SELECT {cast} FROM texts")
    connection.unregister("texts")
