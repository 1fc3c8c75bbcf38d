"""The Barometer's tables: three shares per organisation, and per subgroup that is large enough.

Belongs here: CBS' rules on who may be shown, as SQL over ``pilots__p4_baan``. Does not belong here:
how origin is found (``origin``), hiding a small origin group (``disclosure``).

Rules (CBS, https://www.cbs.nl/nl-nl/faq/culturele-diversiteit):

- an organisation takes part from 250 employees, inclusive; by rule of thumb every subgroup shown
  has that many too. What is smaller is told as not allowed and not computed;
- the general variant counts jobs: someone with two contracts counts twice. The zoomed variant (per
  subgroup) counts employees: someone counts once in each subgroup they work in;
- the size that the 250 are held against is employees, in both;
- whoever's origin is not known is left out of the shares, so that three shares add up to 100.

Both classifications are made from the same birth countries and never mixed in one row.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import duckdb

from via_pipeline.contracts.model import SOURCES, load
from via_pipeline.diversity.origin import GROUPS, UNKNOWN, Classification, with_origin
from via_pipeline.pilots.catalog import DELIVERIES
from via_pipeline.storage.duck import literal, quoted


def in_classes(years: str, bounds: tuple[int, ...]) -> str:
    """SQL for the class of a number of years: ``<25``, ``25-34``, ..., ``55+`` for these bounds.

    NULL stays NULL: whoever's year is not known is in no class.
    """
    first, last = bounds[0], bounds[-1]
    between = " ".join(
        f"WHEN {years} < {high} THEN '{low}-{high - 1}'" for low, high in pairwise(bounds)
    )
    return (
        f"CASE WHEN {years} < {first} THEN '<{first}' {between} "
        f"WHEN {years} >= {last} THEN '{last}+' END"
    )


SOURCE = "p4_barometer"
MINIMUM_EMPLOYEES = 250
TOTAL = "totaal"
# The characteristics of the zoomed variant, as SQL over a job ``b`` and its delivery ``v``. Only
# the year of birth is kept, so age is that reached in the year of the peildatum. The classes are
# ours: an organisation chooses its own when it asks for the Barometer.
SUBGROUPS: dict[str, str] = {
    "onderdeel": "b.onderdeel",
    "functieniveau": "b.functieniveau",
    "salarisschaal": "b.salarisschaal",
    "leeftijdsklasse": in_classes("year(v.peildatum) - b.geboortejaar", (25, 35, 45, 55)),
    "diensttijdklasse": in_classes(
        "date_sub('year', b.datum_in_dienst, v.peildatum)", (2, 5, 10, 20)
    ),
}
NOT_ALLOWED = "niet_toegestaan"

COLUMNS: dict[str, str] = {
    "organisatie": "VARCHAR",
    "sector": "VARCHAR",
    "peildatum": "DATE",
    "kenmerk": "VARCHAR",
    "subgroep": "VARCHAR",
    "indeling": "VARCHAR",
    "categorie": "VARCHAR",
    "n": "BIGINT",
    "teller": "BIGINT",
    "aandeel_pct": "DECIMAL(18,4)",
    "eenheid_statistiek": "VARCHAR",
    "leveringen": "VARCHAR",
    "is_synthetisch": "BOOLEAN",
    "is_toegestaan": "BOOLEAN",
    "reden": "VARCHAR",
}
"""Columns of ``diversity__barometer`` and their DuckDB types, in order."""

KEY = ("organisatie", "peildatum", "kenmerk", "subgroep", "indeling", "categorie")
"""Columns that together are unique, and by which the table is ordered."""


def results(
    connection: duckdb.DuckDBPyConnection,
    *,
    minimum: int = MINIMUM_EMPLOYEES,
    sources: Path = SOURCES,
) -> duckdb.DuckDBPyRelation:
    """``diversity__barometer`` over the views registered on ``connection``. Columns: ``COLUMNS``.

    The catalog must hold ``p4_barometer`` and ``reference``. A (sub)group below ``minimum``
    employees is one row per classification with ``categorie`` ``niet_toegestaan``, no counts and
    the reason; others are three rows per classification, of which ``n`` (those with a known
    origin) is the same and ``teller`` adds up to it.
    """
    return connection.sql(query(minimum, sources))


def query(minimum: int = MINIMUM_EMPLOYEES, sources: Path = SOURCES) -> str:
    """SQL of ``diversity__barometer``."""
    cast = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in COLUMNS.items())
    reason = f"Minder dan {minimum} werknemers; de Barometer toont dan geen aandelen."
    return f"""
WITH baan AS ({_jobs(sources)}),
deel AS ({_parts()}),
omvang AS (
    SELECT organisatie, peildatum, kenmerk, subgroep,
        count(DISTINCT persoon) >= {int(minimum)} AS is_toegestaan,
        string_agg(DISTINCT _delivery, ' ' ORDER BY _delivery) AS leveringen,
        bool_or(is_synthetisch) AS is_synthetisch
    FROM deel GROUP BY organisatie, peildatum, kenmerk, subgroep
),
herkomst AS ({_by_classification()}),
geteld AS (
    SELECT organisatie, peildatum, kenmerk, subgroep, indeling, categorie,
        CASE WHEN kenmerk = {literal(TOTAL)} THEN count(*)
             ELSE count(DISTINCT persoon) END AS teller
    FROM herkomst WHERE categorie <> {literal(UNKNOWN)}
    GROUP BY organisatie, peildatum, kenmerk, subgroep, indeling, categorie
),
categorie(indeling, categorie) AS (VALUES {_categories()}),
indeling AS (SELECT DISTINCT indeling FROM categorie),
toegestaan AS (
    SELECT o.organisatie, o.peildatum, o.kenmerk, o.subgroep, c.indeling, c.categorie,
        CAST(sum(coalesce(g.teller, 0)) OVER groep AS BIGINT) AS n,
        coalesce(g.teller, 0) AS teller, o.leveringen, o.is_synthetisch, true AS is_toegestaan,
        NULL::VARCHAR AS reden
    FROM omvang o CROSS JOIN categorie c
    LEFT JOIN geteld g USING (organisatie, peildatum, kenmerk, subgroep, indeling, categorie)
    WHERE o.is_toegestaan
    WINDOW groep AS (
        PARTITION BY o.organisatie, o.peildatum, o.kenmerk, o.subgroep, c.indeling)
),
verboden AS (
    SELECT o.organisatie, o.peildatum, o.kenmerk, o.subgroep, i.indeling,
        {literal(NOT_ALLOWED)} AS categorie, NULL::BIGINT AS n, NULL::BIGINT AS teller,
        o.leveringen, o.is_synthetisch, false AS is_toegestaan, {literal(reason)} AS reden
    FROM omvang o CROSS JOIN indeling i WHERE NOT o.is_toegestaan
),
samen AS (SELECT * FROM toegestaan UNION ALL SELECT * FROM verboden),
volledig AS (
    -- The sector of an organisation is not delivered: unknown, never guessed from its name.
    SELECT *, {literal(UNKNOWN)} AS sector,
        CASE kenmerk WHEN {literal(TOTAL)} THEN 'banen' ELSE 'werknemers' END AS eenheid_statistiek,
        CASE WHEN n > 0 THEN CAST(CAST((2000000 * teller + n) // (2 * n) AS DECIMAL(18,0)) * 0.0001
            AS DECIMAL(18,4)) END AS aandeel_pct
    FROM samen
)
SELECT {cast} FROM volledig ORDER BY {", ".join(KEY)}
"""


def _jobs(sources: Path) -> str:
    """Jobs with organisation, peildatum, person and both origin groups."""
    table = load(SOURCE, sources).table("baan")
    name = table.persons[0].name
    person = f"concat_ws(chr(31), b.{quoted(name + '_id_soort')}, b.{quoted(name + '_id')})"
    origin = with_origin(
        quoted(table.lake_table), "geboorteland", "geboorteland_moeder", "geboorteland_vader"
    )
    columns = ", ".join(f"CAST({sql} AS VARCHAR) AS {name}" for name, sql in SUBGROUPS.items())
    return (
        f"SELECT v.sleutel['organisatie'] AS organisatie, v.peildatum, {person} AS persoon, "
        f"b._delivery, v.is_synthetisch, {columns}, b.herkomst_oud, b.herkomst_2022 "
        f"FROM ({origin}) b JOIN {DELIVERIES} v ON v.delivery_id = b._delivery"
    )


def _parts() -> str:
    """Each job in its organisation and in every subgroup that it belongs to."""
    selects = [f"SELECT *, {literal(TOTAL)} AS kenmerk, {literal(TOTAL)} AS subgroep FROM baan"]
    selects += [
        f"SELECT *, {literal(column)} AS kenmerk, {column} AS subgroep "
        f"FROM baan WHERE {column} IS NOT NULL"
        for column in SUBGROUPS
    ]
    return " UNION ALL ".join(selects)


def _by_classification() -> str:
    return " UNION ALL ".join(
        f"SELECT organisatie, peildatum, kenmerk, subgroep, persoon, {literal(name)} AS indeling, "
        f"herkomst_{name} AS categorie FROM deel"
        for name in _classifications()
    )


def _categories() -> str:
    return ", ".join(
        f"({literal(name)}, {literal(group)})"
        for name in _classifications()
        for group in GROUPS[name]
    )


def _classifications() -> list[Classification]:
    return list(GROUPS)
