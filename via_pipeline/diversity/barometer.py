"""The Barometer's tables: three shares per organisation, and per subgroup that is large enough.

Belongs here: CBS' rules on who may be shown, as SQL over ``diversity__telling``. Does not belong
here: how people are counted (``counts``), hiding a small origin group (``disclosure``).

Rules (CBS, https://www.cbs.nl/nl-nl/faq/culturele-diversiteit):

- an organisation takes part from 250 employees, inclusive; by rule of thumb every subgroup shown
  has that many too. What is smaller is told as not allowed and not computed;
- the general variant counts jobs: someone with two contracts counts twice. The zoomed variant (per
  subgroup) counts employees: someone counts once, in the subgroup of the main job (``counts``);
- the size that the 250 are held against is employees, in both;
- whoever's origin is not known is left out of the shares, so that three shares add up to 100.

An organisation that objected is in no count; one without a recorded consent has no row of its own
(``organisations``). Both classifications are made from the same birth countries and never mixed in
one row.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from via_pipeline.contracts.model import SOURCES
from via_pipeline.diversity import columns, counts, organisations
from via_pipeline.diversity.origin import GROUPS
from via_pipeline.diversity.wording import labels, level_labels, n_class, versions
from via_pipeline.storage.duck import literal

TABLE = "diversity__barometer"
MINIMUM_EMPLOYEES = 250
TOTAL = counts.TOTAL
SUBGROUPS = ("onderdeel", "functieniveau", "salarisschaal", "leeftijdsklasse", "diensttijdklasse")
"""The characteristics of the zoomed variant, one table each."""
NOT_ALLOWED = "niet_toegestaan"

COLUMNS: dict[str, str] = {
    "organisatie": "VARCHAR",
    "organisatie_label": "VARCHAR",
    "sector": "VARCHAR",
    "sector_label": "VARCHAR",
    "sbi_versie": "VARCHAR",
    "peildatum": "DATE",
    "kenmerk": "VARCHAR",
    "subgroep": "VARCHAR",
    "subgroep_label": "VARCHAR",
    **columns.CLASSIFICATION,
    **columns.GROUP,
    **columns.SHARE,
    **columns.CLOSING,
}
"""Columns of ``diversity__barometer`` and their DuckDB types, in order."""

KEY = ("organisatie", "peildatum", "kenmerk", "subgroep", "indeling", "categorie")
"""Columns that together are unique, and by which the table is ordered."""


def too_small(minimum: int) -> str:
    """Why a (sub)group is not shown, in Dutch."""
    return f"Minder dan {minimum} werknemers; de Barometer toont dan geen aandelen."


def share(numerator: str, denominator: str) -> str:
    """SQL for a share in percent, rounded half up to four decimals; NULL over nothing."""
    return (
        f"CASE WHEN {denominator} > 0 THEN CAST(CAST((2000000 * {numerator} + {denominator}) "
        f"// (2 * {denominator}) AS DECIMAL(18,0)) * 0.0001 AS DECIMAL(18,4)) END"
    )


def results(
    connection: duckdb.DuckDBPyConnection,
    *,
    minimum: int = MINIMUM_EMPLOYEES,
    sources: Path = SOURCES,
) -> duckdb.DuckDBPyRelation:
    """``diversity__barometer`` over the views registered on ``connection``. Columns: ``COLUMNS``.

    The catalog must hold ``p4_barometer``, ``reference`` and ``register``. A (sub)group below
    ``minimum`` employees is one row per classification with ``categorie`` ``niet_toegestaan``, no
    counts and the reason; others are three rows per classification, of which ``n`` (those with a
    known origin) is the same and ``teller`` adds up to it.
    """
    return connection.sql(query(minimum, sources))


def query(minimum: int = MINIMUM_EMPLOYEES, sources: Path = SOURCES) -> str:
    """SQL of ``diversity__barometer`` straight from the catalog: an edition reads it so."""
    return f"""
WITH {organisations.TABLE} AS ({organisations.query()}),
{counts.COUNTS} AS ({counts.counts(None, sources)})
SELECT * FROM ({mart(minimum)}) ORDER BY {", ".join(KEY)}
"""


def mart(minimum: int = MINIMUM_EMPLOYEES) -> str:
    """SQL of ``diversity__barometer`` over the counts and what is known of organisations."""
    cast = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in COLUMNS.items())
    kinds = ", ".join(literal(name) for name in (TOTAL, *SUBGROUPS))
    group = "organisatie, peildatum, kenmerk, subgroep"
    categories = ", ".join(
        f"({literal(name)}, {literal(group)})"
        for name, groups in GROUPS.items()
        for group in groups
    )
    return f"""
WITH telling AS (
    SELECT t.*, CASE kenmerk WHEN {literal(TOTAL)} THEN banen ELSE werknemers END AS eenheden
    FROM {counts.COUNTS} t WHERE kenmerk IN ({kinds})
),
omvang AS (
    SELECT {group}, sum(werknemers) >= {int(minimum)} AS is_toegestaan
    FROM telling WHERE indeling = 'oud' GROUP BY {group}
),
categorie(indeling, categorie) AS (VALUES {categories}),
indeling AS (SELECT DISTINCT indeling FROM categorie),
toegestaan AS (
    SELECT o.organisatie, o.peildatum, o.kenmerk, o.subgroep, c.indeling, c.categorie,
        CAST(sum(coalesce(g.eenheden, 0)) OVER groep AS BIGINT) AS n,
        coalesce(g.eenheden, 0) AS teller, true AS is_toegestaan, NULL::VARCHAR AS reden
    FROM omvang o CROSS JOIN categorie c
    LEFT JOIN telling g USING (organisatie, peildatum, kenmerk, subgroep, indeling, categorie)
    WHERE o.is_toegestaan
    WINDOW groep AS (
        PARTITION BY o.organisatie, o.peildatum, o.kenmerk, o.subgroep, c.indeling)
),
verboden AS (
    SELECT o.organisatie, o.peildatum, o.kenmerk, o.subgroep, i.indeling,
        {literal(NOT_ALLOWED)} AS categorie, NULL::BIGINT AS n, NULL::BIGINT AS teller,
        false AS is_toegestaan, {literal(too_small(minimum))} AS reden
    FROM omvang o CROSS JOIN indeling i WHERE NOT o.is_toegestaan
),
volledig AS (
    SELECT s.*, w.sector, w.levering AS leveringen, w.is_synthetisch,
        CASE kenmerk WHEN {literal(TOTAL)} THEN 'banen' ELSE 'werknemers' END AS eenheid_statistiek,
        {share("teller", "n")} AS aandeel_pct,
        coalesce(w.naam, w.organisatie) AS organisatie_label,
        w.sector_label, w.sbi_versie,
        v.indeling_versie,
        coalesce(t.subgroep_label, s.subgroep) AS subgroep_label,
        coalesce(c.categorie_label, 'Niet toegestaan') AS categorie_label,
        {n_class("n")} AS n_klasse,
        CASE WHEN NOT s.is_toegestaan OR n = 0 THEN 'x' END AS waarde_status
    FROM (SELECT * FROM toegestaan UNION ALL SELECT * FROM verboden) s
    JOIN {organisations.TABLE} w USING (organisatie, peildatum)
    JOIN (VALUES {versions()}) v(indeling, indeling_versie) USING (indeling)
    LEFT JOIN (VALUES {labels()}) c(categorie, categorie_label) USING (categorie)
    LEFT JOIN (VALUES {level_labels()}) t(kenmerk, subgroep, subgroep_label)
        USING (kenmerk, subgroep)
    WHERE w.is_genoemd
)
SELECT {cast} FROM volledig ORDER BY {", ".join(KEY)}
"""
