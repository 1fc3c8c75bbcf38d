"""Reach: how many schools, employers, municipalities and participants, per pilot and period.

Belongs here: counts over deliveries beside the register's own numbers, one long table. Does not
belong here: subtracting one from the other. What was planned, aimed at, realised (all three from
the register, with their source) and delivered stand in rows of their own: 20 planned employers and
19 that took part are two facts, and 30 places is a target, not a result.

Organisations that adopted an approach afterwards are rows of the register (``overname``).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from via_pipeline.contracts.model import Contract, load_all
from via_pipeline.outcomes import compute, model
from via_pipeline.outcomes.model import Plan
from via_pipeline.pilots import catalog
from via_pipeline.pilots.basis import Basis, taken_up
from via_pipeline.storage import lake
from via_pipeline.storage.duck import literal, quoted, work
from via_pipeline.storage.home import Home

TABLE = "outcomes__bereik"
PIECES = "outcomes__bereik__bron"
"""The folder below the lake with what each source delivered; no table."""
COLUMNS: dict[str, str] = {
    "pilot_id": "VARCHAR",
    "locatie": "VARCHAR",
    "periode": "VARCHAR",
    "soort": "VARCHAR",
    "stand": "VARCHAR",
    "omschrijving": "VARCHAR",
    "n": "BIGINT",
    "bron": "VARCHAR",
    "bekend_op": "DATE",
    "leveringen": "VARCHAR",
    "is_synthetisch": "BOOLEAN",
}
KEY = ("pilot_id", "locatie", "periode", "soort", "stand", "bron")

# Per source: what is counted -> SQL over a row; `levering` is the delivery's key.
UNITS: dict[str, dict[str, str]] = {
    "p1_studiekeuze": {"scholen": "school"},
    "p2_mbo": {"instellingen": "instelling", "gemeenten": "gemeentecode"},
    "p3_nudging": {
        "werkgevers": "levering['werkgever']",
        "vacatures": "levering['werkgever'] || chr(31) || vacature",
    },
    "p4_barometer": {"organisaties": "levering['organisatie']"},
    "p5_behoud": {"werkgevers": "levering['werkgever']"},
    "p6_leren_werken": {"aanpakken": "levering['locatie']"},
    "p7_ww": {"gemeenten": "gemeentecode"},
    "p8_begeleiding": {"locaties": "levering['locatie']"},
}
PARTICIPANTS = "deelnemers"
# The kinds of figure in register__doel that are about reach, and how the table calls them.
_STANDS = {
    "planned": "gepland",
    "target": "doel",
    "target_minimum": "doel_minimaal",
    "realised": "gerealiseerd",
}
_WORDS = {
    "scholen": "scholen met een levering",
    "instellingen": "mbo-instellingen in de leveringen",
    "gemeenten": "woongemeenten in de leveringen",
    "werkgevers": "werkgevers met een levering",
    "vacatures": "vacatures in de leveringen",
    "organisaties": "organisaties met een levering",
    "aanpakken": "aanpakken met een levering",
    "locaties": "locaties met een levering",
    PARTICIPANTS: "verschillende personen in de leveringen",
}


def query(contracts: Iterable[Contract]) -> str:
    """SQL of the table over the views that ``catalog.register`` made; columns: ``COLUMNS``.

    ``periode`` and ``locatie`` are ``alle`` where all are taken together: somebody who is in two
    periods counts once there.
    """
    return _together([_register(), *(sql for _, sql in _of_sources(contracts))])


def refresh(home: Home, contracts: Iterable[Contract] | None = None) -> int:
    """Write ``outcomes__bereik`` for now; return the number of rows.

    Who delivered is counted once a source, until something of it changes: everybody has to be
    looked at for it.
    """
    chosen = list(contracts) if contracts is not None else load_all()
    basis = Basis(home, chosen)
    with work(home.scratch) as connection:
        catalog.register(connection, home, chosen)
        asked = {
            f"{contract.source}-{basis.name(connection, contract, sql)}": partial(_together, [sql])
            for contract, sql in _of_sources(chosen)
        }
        parts = taken_up(connection, home, PIECES, asked)
        delivered = lake.scan(home.lake, parts, COLUMNS)
        every = _together([_register(), delivered])
        return lake.replace_table(home.lake, TABLE, connection, every).rows


def _of_sources(contracts: Iterable[Contract]) -> list[tuple[Contract, str]]:
    by_name = {contract.source: contract for contract in contracts}
    return [
        (by_name[source], _delivered(model.load(source), by_name[source]))
        for source in model.names()
        if source in by_name
    ]


def _together(queries: Iterable[str]) -> str:
    cast = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in COLUMNS.items())
    return f"SELECT {cast} FROM ({' UNION ALL '.join(queries)}) ORDER BY {', '.join(KEY)}"


def _register() -> str:
    words = " ".join(f"WHEN {literal(k)} THEN {literal(v)}" for k, v in _STANDS.items())
    kinds = ", ".join(map(literal, _STANDS))
    return f"""
SELECT pilot_id, locatie, 'alle' AS periode, maat AS soort, CASE soort {words} END AS stand,
    maat_label || ' (' || onderdeel || ')' AS omschrijving, waarde AS n, bron, bekend_op,
    NULL AS leveringen, false AS is_synthetisch
FROM register__doel WHERE soort IN ({kinds})"""


def _delivered(plan: Plan, contract: Contract) -> str:
    """What deliveries show: units per delivery and cell, persons per row, put beside each other."""
    site = f"coalesce(CAST({plan.locatie} AS VARCHAR), {literal(compute.UNKNOWN)})"
    period = f"coalesce(CAST({plan.periode} AS VARCHAR), {literal(compute.UNKNOWN)})"
    units = UNITS.get(plan.source, {})
    names = {name: f"e{index}" for index, name in enumerate(units)}
    rows = compute.of_rows(
        quoted(plan.table),
        [
            "r._delivery",
            "r.l_synthetisch",
            f"{site if plan.locatie else literal(compute.WHOLE)} AS locatie",
            f"{period} AS periode",
            *(f"CAST({sql} AS VARCHAR) AS {names[name]}" for name, sql in units.items()),
            f"{_person(plan, contract)} AS persoon",
        ],
    )
    cell = ", ".join(["_delivery", "l_synthetisch", "locatie", "periode", *names.values()])
    counts = "".join(f"count(DISTINCT {one}) AS n_{one}, " for one in names.values())
    listed = ", ".join(
        f"{{'soort': {literal(name)}, 'omschrijving': {literal(_WORDS[name])}, 'n': n_{column}}}"
        for name, column in (names | {PARTICIPANTS: "persoon"}).items()
    )
    whole, parts = "(), (locatie)", "(periode), (locatie, periode)"
    if not plan.locatie:
        whole, parts = "()", "(periode)"
    place = f"{'locatie' if plan.locatie else 'NULL::VARCHAR AS locatie'}, periode"
    return f"""
SELECT {literal(plan.pilot_id)} AS pilot_id, locatie, periode, f.soort, 'geleverd' AS stand,
    f.omschrijving, f.n, {literal(plan.source)} AS bron, NULL AS bekend_op, leveringen,
    is_synthetisch
FROM (
    WITH rijen AS NOT MATERIALIZED ({rows}),
    {compute.marked(["persoon"], "periode")},
    eenheid AS (
        SELECT {place}, {counts}
            string_agg(DISTINCT _delivery, ' ' ORDER BY _delivery) AS leveringen,
            bool_or(l_synthetisch) AS is_synthetisch
        FROM (SELECT DISTINCT {cell} FROM rijen)
        GROUP BY GROUPING SETS ({whole}, {parts}) HAVING count(*) > 0
    ),
    mens AS (
        SELECT {place}, {compute.distinct("persoon")} AS n_persoon
        FROM gemerkt GROUP BY GROUPING SETS ({parts})
        UNION ALL
        SELECT {place.replace("periode", "NULL AS periode")}, count(DISTINCT persoon) AS n_persoon
        FROM rijen GROUP BY GROUPING SETS ({whole})
    )
    SELECT coalesce(e.locatie, {literal(compute.WHOLE)}) AS locatie,
        coalesce(e.periode, {literal(compute.WHOLE)}) AS periode, leveringen, is_synthetisch,
        unnest([{listed}]) AS f
    FROM eenheid e JOIN mens m ON e.locatie IS NOT DISTINCT FROM m.locatie
        AND e.periode IS NOT DISTINCT FROM m.periode
)"""


def _person(plan: Plan, contract: Contract) -> str:
    table = next(table for table in contract.tables if table.lake_table == plan.table)
    if not table.persons:
        return "NULL"
    name = table.persons[0].name
    return f"concat_ws(chr(31), r.{quoted(name + '_id_soort')}, r.{quoted(name + '_id')})"
