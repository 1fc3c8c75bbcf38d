"""From measures to SQL: the long table of counts, shares and means.

Belongs here: one query a source, made of its ``Plan``. Does not belong here: reading files
(``run``), and any figure written down by hand.

The groups, which look at every person, are counted by the engine that was chosen (``heavy``): one
text for both. What follows is made of few rows, in DuckDB.

All arithmetic is on integers and decimals, so that no order of rows changes a digit: a share is
rounded (half away from zero, four decimals) from whole counts, a mean from a whole number of
ten-thousandths. The query reads the views of ``pilots.catalog``: only accepted rows of deliveries
in force are there, and every figure names the deliveries that were among its rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from via_pipeline.contracts.model import SOURCES, Contract
from via_pipeline.contracts.model import load as load_contract
from via_pipeline.engine import heavy
from via_pipeline.outcomes.model import MEASURES, Kind, Measure, Plan
from via_pipeline.outcomes.model import load as load_plan
from via_pipeline.pilots.catalog import DELIVERIES
from via_pipeline.storage.duck import literal, quoted

WHOLE = "alle"
TOTAL = "totaal"
UNKNOWN = "onbekend"
JOINED = "×"
# Counts and shares describe; only an estimate by the site's design may say more.
CLAIM = "beschrijvend"

COLUMNS: dict[str, str] = {
    "pilot_id": "VARCHAR",
    "bron": "VARCHAR",
    "locatie": "VARCHAR",
    "periode": "VARCHAR",
    "groep_soort": "VARCHAR",
    "groep": "VARCHAR",
    "maat": "VARCHAR",
    "maat_label": "VARCHAR",
    "soort": "VARCHAR",
    "eenheid": "VARCHAR",
    "n": "BIGINT",
    "teller": "BIGINT",
    "waarde": "DECIMAL(18,4)",
    "design": "VARCHAR",
    "claim": "VARCHAR",
    "peildatum": "DATE",
    "leveringen": "VARCHAR",
    "is_synthetisch": "BOOLEAN",
    # For disclosure control only: the largest contributions of a row to the sum behind a mean, by
    # absolute size. Columns with _ are never published.
    "_grootste": "DECIMAL(18,4)",
    "_tweede_grootste": "DECIMAL(18,4)",
}
"""Columns of every outcome table and their DuckDB types, in order."""

_FIELD = re.compile(r"\blevering\['(\w+)'\]")

KEY = ("pilot_id", "bron", "locatie", "periode", "groep_soort", "groep", "maat")
"""Columns that together are unique, and by which every outcome table is ordered."""


def results(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    *,
    measures: Path = MEASURES,
    sources: Path = SOURCES,
) -> duckdb.DuckDBPyRelation:
    """The long table of one source, over the views registered on ``connection``.

    The catalog must hold the source and ``register`` (for the design). Columns: ``COLUMNS``.

    Raises:
        MeasureError: the file of measures is not valid.
        KeyError: the measures name a table that the contract does not have.
    """
    return connection.sql(
        on(connection, load_plan(source, measures), load_contract(source, sources))
    )


def on(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    contract: Contract,
    deliveries: Sequence[str] | None = None,
) -> str:
    """``query`` with its groups counted by the engine that was chosen (``engine.heavy``).

    What it gives reads a table that the next call for the same source replaces.

    Raises:
        NotPortable: a measure has a word that is not known to mean the same on Spark.
        EngineError: Spark cannot be reached, or failed.
    """
    name = f"via_groepen_{plan.source}"
    counted = heavy.counted(connection, name, groups(plan, contract, deliveries))
    return query(plan, contract, deliveries, counted)


def groups(plan: Plan, contract: Contract, deliveries: Sequence[str] | None = None) -> str:
    """SQL of the part that looks at every person: sums and counts per group, site and period.

    One row a group of ``plan.groups``; per measure ``n<i>`` and, where it has them, ``s<i>`` (its
    sum, whole) and ``m<i>`` (its two largest contributions). With ``deliveries`` over the rows of
    those alone.
    """
    dimensions = list(plan.dimensions)
    sets = ", ".join(f"({', '.join(columns)})" for columns in _grouping_sets(plan))
    computed = [_aggregates(measure, index) for index, measure in enumerate(plan.measures)]
    apart = [f"x{index}" for index, measure in enumerate(plan.measures) if measure.distinct]
    # Every group is of one period.
    marks = f",\n{marked(apart, 'periode')}" if apart else ""
    return f"""
WITH rijen AS NOT MATERIALIZED ({_rows(plan, contract, deliveries)}){marks}
SELECT {_or_null("locatie", plan.locatie is not None)}, periode,
    {_named(dimensions)} AS groep_soort,
    {_joined(dimensions)} AS groep,
    max(l_peildatum) AS peildatum,
    string_agg(DISTINCT _delivery, ' ' ORDER BY _delivery) AS leveringen,
    bool_or(l_synthetisch) AS is_synthetisch,
    {", ".join(computed)}
FROM {"gemerkt" if apart else "rijen"} GROUP BY GROUPING SETS ({sets})
"""


def query(
    plan: Plan,
    contract: Contract,
    deliveries: Sequence[str] | None = None,
    counted: str | None = None,
) -> str:
    """SQL that computes every measure of ``plan`` for every group, site and period.

    With ``deliveries`` over the rows of those alone. ``counted`` is SQL that gives the rows of
    ``groups``, where they were counted already.
    """
    figures = ",\n    ".join(_figure(measure, i) for i, measure in enumerate(plan.measures))
    cast = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in COLUMNS.items())
    return f"""
WITH groepen AS ({counted or groups(plan, contract, deliveries)}),
lang AS (
    SELECT * EXCLUDE (cijfer), unnest(cijfer)
    FROM (SELECT locatie, periode, groep_soort, groep, peildatum, leveringen, is_synthetisch,
        unnest([{figures}]) AS cijfer FROM groepen)
),
volledig AS (
    SELECT {literal(plan.pilot_id)} AS pilot_id, {literal(plan.source)} AS bron,
        coalesce(r.locatie, {literal(WHOLE)}) AS locatie, r.periode,
        coalesce(nullif(r.groep_soort, ''), {literal(TOTAL)}) AS groep_soort,
        coalesce(nullif(r.groep, ''), {literal(TOTAL)}) AS groep,
        r.maat, r.maat_label, r.soort, r.eenheid, r.n, r.teller,
        CASE WHEN r.soort = {literal(Kind.COUNT)} THEN CAST(r.n AS DECIMAL(18,4))
             WHEN r.n = 0 THEN NULL
             ELSE {_ratio("r.som", "r.n")} END AS waarde,
        coalesce(s.design, w.design) AS design, {literal(CLAIM)} AS claim,
        r.peildatum, r.leveringen, r.is_synthetisch,
        {_amount("r.grootste[1]")} AS _grootste, {_amount("r.grootste[2]")} AS _tweede_grootste
    FROM lang r
    LEFT JOIN register__locatie s ON s.pilot_id = {literal(plan.pilot_id)} AND s.locatie = r.locatie
    LEFT JOIN register__locatie w
        ON w.pilot_id = {literal(plan.pilot_id)} AND w.locatie = {literal(WHOLE)}
)
SELECT {cast} FROM volledig ORDER BY {", ".join(KEY)}
"""


def _grouping_sets(plan: Plan) -> list[list[str]]:
    """Every group for the pilot as a whole and, where it has sites, for each of them."""
    levels = [["periode"]] + ([["locatie", "periode"]] if plan.locatie else [])
    return [
        level + [_dimension(name) for name in group] for level in levels for group in plan.groups
    ]


def _rows(plan: Plan, contract: Contract, deliveries: Sequence[str] | None) -> str:
    """Each row with site, period, dimensions, and per measure what it adds."""
    source = f"({plan.relation})" if plan.relation else quoted(plan.table)
    person = _person(plan, contract)
    columns = [
        "r._delivery",
        "r.l_peildatum",
        "r.l_synthetisch",
        f"coalesce(CAST({plan.periode} AS VARCHAR), {literal(UNKNOWN)}) AS periode",
    ]
    if plan.locatie:
        columns.append(f"coalesce(CAST({plan.locatie} AS VARCHAR), {literal(UNKNOWN)}) AS locatie")
    columns += [
        f"coalesce(CAST({sql} AS VARCHAR), {literal(UNKNOWN)}) AS {_dimension(name)}"
        for name, sql in plan.dimensions.items()
    ]
    for index, measure in enumerate(plan.measures):
        columns += _contribution(measure, index, person)
    wanted = " AND ".join(f"({sql})" for sql in plan.filters) or "true"
    return of_rows(source, columns, wanted, deliveries)


def of_rows(
    source: str,
    columns: Sequence[str],
    wanted: str = "true",
    deliveries: Sequence[str] | None = None,
) -> str:
    """SQL: ``columns`` of each row ``r`` of ``source`` (a table, or SQL in brackets) as ``wanted``.

    Beside the columns of the row there are those of its delivery: ``l_peildatum``,
    ``l_synthetisch``, and the fields of its key, ``levering['periode']``. Those are looked up once
    a delivery, and not for each of its millions of rows. With ``deliveries`` rows of those alone.
    """
    chosen = ", ".join(columns)
    fields = sorted(set(_FIELD.findall(chosen + wanted)))
    keys = "".join(f", sleutel[{literal(field)}] AS l_sleutel_{field}" for field in fields)
    delivered = (
        "SELECT r.*, v.* FROM "
        f"{source} r JOIN (SELECT delivery_id AS l_delivery_id, peildatum AS l_peildatum, "
        f"is_synthetisch AS l_synthetisch{keys} FROM {DELIVERIES}) v "
        "ON v.l_delivery_id = r._delivery"
    )
    if deliveries is not None:
        # On the rows themselves: files of other deliveries are passed over without reading them.
        # A plain IN, and not the list function of `among`: Parquet's statistics answer it.
        wanted_here = ", ".join(literal(one) for one in deliveries)
        delivered += f" WHERE r._delivery IN ({wanted_here})"
    chosen, wanted = (_FIELD.sub(r"r.l_sleutel_\1", sql) for sql in (chosen, wanted))
    return f"SELECT {chosen} FROM ({delivered}) r WHERE {wanted}"


def _person(plan: Plan, contract: Contract) -> str:
    """The pseudonym pair of the table's person as one text; NULL where it has none."""
    for table in contract.tables:
        if table.lake_table == plan.table:
            if not table.persons:
                return "NULL"
            name = table.persons[0].name
            pair = f"r.{quoted(name + '_id_soort')}, r.{quoted(name + '_id')}"
            return f"concat_ws(chr(31), {pair})"
    raise KeyError(f"{contract.source} has no table {plan.table}")


def _contribution(measure: Measure, index: int, person: str) -> list[str]:
    """What one row adds to a measure: ``x<i>`` is NULL where the row is no part of it."""
    if measure.kind is Kind.SHARE:
        value = f"CASE WHEN ({measure.predicate}) THEN 1 WHEN NOT ({measure.predicate}) THEN 0 END"
    elif measure.kind is Kind.MEAN:
        # Whole ten-thousandths: their sum is exact, whatever the order of the rows.
        value = f"CAST(CAST(({measure.expression}) AS DECIMAL(18,4)) * 10000 AS HUGEINT)"
    else:
        value = (measure.distinct or "1").replace("{persoon}", person)
    return [f"CASE WHEN ({measure.of}) THEN {value} END AS x{index}"]


def marked(columns: Sequence[str], within: str) -> str:
    """SQL of common tables that end in ``gemerkt``: ``rijen`` with ``is_los_<x>`` per column ``x``.

    That is true where no other row of the same ``within`` (a column) has the value. Over groups
    that each lie in one ``within``, ``distinct`` then counts such rows as they are, and looks apart
    at the others only. Most persons stand in one row of a period, and the set that a distinct count
    keeps for every group costs more than all else. Candidates are found by a hash: two values that
    share one are both among the others, where they are told apart by what they are.
    """
    more = "".join(
        f"""meer_{x} AS MATERIALIZED (
    SELECT {within} AS waarin, hash({x}) AS h FROM rijen WHERE {x} IS NOT NULL
    GROUP BY {within}, hash({x}) HAVING count(*) > 1
),
"""
        for x in columns
    )
    marks = ", ".join(f"meer_{x}.h IS NULL AS is_los_{x}" for x in columns)
    joins = " ".join(
        f"LEFT JOIN meer_{x} ON meer_{x}.waarin = r.{within} AND meer_{x}.h = hash(r.{x})"
        for x in columns
    )
    return f"{more}gemerkt AS NOT MATERIALIZED (SELECT r.*, {marks} FROM rijen r {joins})"


def distinct(x: str) -> str:
    """SQL: how many values of column ``x`` of ``gemerkt`` (``marked``) a group has."""
    return (
        f"count({x}) FILTER (WHERE is_los_{x}) + count(DISTINCT {x}) FILTER (WHERE NOT is_los_{x})"
    )


def _aggregates(measure: Measure, index: int) -> str:
    if measure.distinct:
        return f"{distinct(f'x{index}')} AS n{index}"
    count = f"count(x{index}) AS n{index}"
    if measure.kind is Kind.COUNT:
        return count
    total = f"{count}, CAST(sum(x{index}) AS HUGEINT) AS s{index}"
    return f"{total}, max(abs(x{index}), 2) AS m{index}" if measure.kind is Kind.MEAN else total


def _figure(measure: Measure, index: int) -> str:
    """One element of the list that a group is unnested into."""
    share = measure.kind is Kind.SHARE
    total = {
        # A share of 1 is 100 per cent, in ten-thousandths.
        Kind.SHARE: f"s{index} * 1000000",
        Kind.MEAN: f"s{index}",
        Kind.COUNT: "NULL::HUGEINT",
    }[measure.kind]
    teller = f"coalesce(CAST(s{index} AS BIGINT), 0)" if share else "NULL::BIGINT"
    largest = f"m{index}" if measure.kind is Kind.MEAN else "NULL"
    return (
        f"{{'maat': {literal(measure.id)}, 'maat_label': {literal(measure.label)}, "
        f"'soort': {literal(measure.kind)}, 'eenheid': {literal(measure.unit)}, "
        f"'n': n{index}, 'teller': {teller}, 'som': CAST({total} AS HUGEINT), "
        f"'grootste': CAST({largest} AS HUGEINT[])}}"
    )


def _amount(units: str) -> str:
    """Ten-thousandths as an amount with four decimals."""
    return f"CAST(CAST({units} AS DECIMAL(18,0)) * 0.0001 AS DECIMAL(18,4))"


def _ratio(total: str, count: str) -> str:
    """``total`` ten-thousandths over ``count``, rounded half away from zero to four decimals."""
    whole = f"sign({total}) * ((2 * abs({total}) + {count}) // (2 * {count}))"
    return f"CAST(CAST({whole} AS DECIMAL(18,0)) * 0.0001 AS DECIMAL(18,4))"


def _dimension(name: str) -> str:
    """The column of a dimension; prefixed, so that it never meets a column of the table."""
    return quoted(f"g_{name}")


def _named(dimensions: list[str]) -> str:
    """Names of the dimensions that a grouping set holds, joined; a rolled up one is NULL."""
    parts = [
        f"CASE WHEN {_dimension(name)} IS NOT NULL THEN {literal(name)} END" for name in dimensions
    ]
    return f"concat_ws({literal(JOINED)}, {', '.join(parts) or 'NULL'})"


def _joined(dimensions: list[str]) -> str:
    columns = ", ".join(_dimension(name) for name in dimensions)
    return f"concat_ws({literal(JOINED)}, {columns or 'NULL'})"


def _or_null(name: str, is_there: bool) -> str:
    return name if is_there else f"NULL::VARCHAR AS {name}"
