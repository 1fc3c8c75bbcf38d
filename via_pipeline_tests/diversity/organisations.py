"""Organisations for tests of diversity: jobs, deliveries, and what the register knows of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from via_pipeline.contracts.model import load
from via_pipeline.diversity import run
from via_pipeline.storage import duck, lake
from via_pipeline.storage.home import Home
from via_pipeline_tests.pilots import house

FIRST, SECOND, THIRD = "2019-12-31", "2020-12-31", "2021-12-31"
DUTCH = ("NL", "NL", "NL")
MOROCCAN = ("MA", "MA", "MA")
GERMAN = ("DE", "DE", "DE")
INDONESIAN = ("ID", "ID", "ID")
_KNOWN = {"merk": "synthetisch", "bron": "test", "bekend_op": "2019-01-01"}


def home_in(folder: Any) -> Home:
    """An installation with the repository's reference data and an empty register."""
    home = house.home_in(folder)
    house.keep(home, "reference")
    return home


def job(person: int, countries: Sequence[str | None] = DUTCH, **more: Any) -> dict[str, Any]:
    """A job of the ``person``-th made-up person; ``number`` is that of the job."""
    own, mother, father = countries
    return (
        house.persons("persoon", person, more.pop("kind", "gba_sleutel"))
        | {
            "baan_nr": more.pop("number", 1),
            "onderdeel": "Hoofdkantoor",
            "salarisschaal": 5,
            "functieniveau": "1",
            "geboorteland": own,
            "geboorteland_moeder": mother,
            "geboorteland_vader": father,
        }
        | more
    )


def deliver(
    home: Home,
    jobs: Sequence[Mapping[str, Any]],
    organisation: str = "O01",
    day: str = SECOND,
    **more: Any,
) -> str:
    """One accepted delivery of jobs."""
    return house.deliver(
        home,
        "p4_barometer",
        {"organisatie": organisation, "periode": day},
        {"baan": jobs},
        received=date.fromisoformat(day).replace(year=int(day[:4]) + 1),
        **more,
    )


def know(
    home: Home,
    named: Iterable[str] = (),
    *,
    unnamed: Iterable[str] = (),
    objected: Iterable[str] = (),
    sectors: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    statements: Iterable[Mapping[str, Any]] = (),
    revision: int = 1,
) -> None:
    """Fill the register. Without ``sectors`` all are in section O of SBI 2008, since 2018.

    ``sectors`` maps an organisation to rows of (sbi_sectie, sbi_versie, gemeentecode, geldig_van,
    geldig_tot) of which what is left out is that default.
    """
    named, unnamed, objected = list(named), list(unnamed), list(objected)
    everybody = sorted({*named, *unnamed, *objected})
    default = {"sbi_sectie": "O", "sbi_versie": "SBI 2008", "geldig_van": "2018-01-01"}
    said = [{"organisatie": one, "soort": "toestemming"} for one in named]
    said += [{"organisatie": one, "soort": "bezwaar"} for one in objected]
    said += list(statements)
    house.deliver(
        home,
        "register",
        {},
        {table.name: [] for table in load("register").tables}
        | {
            "organisatie": [
                {"organisatie": one, "naam": f"Naam {one}"} | _KNOWN for one in everybody
            ],
            "organisatie_indeling": [
                default | {"organisatie": one} | _KNOWN | dict(row)
                for one in everybody
                for row in (sectors or {}).get(one, [{}])
            ],
            "organisatie_verklaring": [
                {"vastlegging": "test", "bekend_op": "2019-01-01"} | dict(row) for row in said
            ],
        },
        received=None,
        synthetic=False,
        revision=revision,
    )


def refreshed(home: Home) -> run.Done:
    """Refresh the room."""
    return run.refresh(home)


def rows(home: Home, table: str, where: str = "true") -> list[dict[str, Any]]:
    """Rows of a table in the lake, in its order."""
    with duck.work() as connection:
        lake.view(connection, home.lake, table)
        found = connection.sql(f"SELECT * FROM {table} WHERE {where}")
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
