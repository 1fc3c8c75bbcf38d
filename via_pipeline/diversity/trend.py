"""Change over time: the Barometer's three shares per population, with every break marked.

Belongs here: ``diversity__trend`` as SQL over ``diversity__groep``. Does not belong here: moves of
people (``flow``).

The general variant: jobs. A series is one population, one classification. It breaks, and no change
is given across, where

- ``indeling_2022``: CBS made the Barometer in the old classification before and in that of 2022
  since. Both are recomputed from birth countries, so each has its own values on either side; a
  change across would tell, with what is published, both classifications of one day;
- ``sbi_versie``: the sector is a section of another version of the SBI;
- ``samenstelling``: a sector, a region or the whole is not made of the same organisations (one
  came, left, changed its sector). ``diversity__flow`` compares the same people;
- ``gemeentelijst``: an organisation of the region has another municipality code.

``reeks`` numbers the stretches between breaks. A change of more than the expected order of one
percentage point a year (CBS, older version of the Barometer's FAQ on identification) is a question
about the delivery first: ``is_sprong``, status ``u`` on the change, and a reason.
"""

from __future__ import annotations

from via_pipeline.diversity import columns, counts, populations
from via_pipeline.diversity.barometer import NOT_ALLOWED, share
from via_pipeline.diversity.origin import GROUPS, UNKNOWN, in_use
from via_pipeline.diversity.wording import labels, n_class, versions
from via_pipeline.storage.duck import literal

TABLE = "diversity__trend"
EXPECTED_PP = 1.0
"""The expected order of change, in percentage points a year."""

JUMP = (
    "Groter dan de verwachte orde van {limit} procentpunt per jaar: eerst de levering nagaan, dan "
    "pas duiden."
)

COLUMNS: dict[str, str] = {
    **columns.POPULATION,
    "regio": "VARCHAR",
    "regio_label": "VARCHAR",
    "peildatum": "DATE",
    **columns.CLASSIFICATION,
    "is_gangbaar": "BOOLEAN",
    **columns.GROUP,
    "organisaties": "BIGINT",
    **columns.SHARE,
    "reeks": "BIGINT",
    "is_breuk": "BOOLEAN",
    "breuk_reden": "VARCHAR",
    "vorige_peildatum": "DATE",
    "vorig_aandeel_pct": "DECIMAL(18,4)",
    "verschil_pp": "DECIMAL(18,4)",
    "verschil_pp_jaar": "DECIMAL(18,4)",
    "is_sprong": "BOOLEAN",
    "verschil_status": "VARCHAR",
    "verschil_reden": "VARCHAR",
    **columns.CLOSING,
    **columns.INSIDE,
    **columns.COMPARED,
}
"""Columns of ``diversity__trend`` and their DuckDB types. Those with _ are never published."""

KEY = (*columns.POPULATION_KEY, "peildatum", "indeling", "categorie")
"""Columns that together are unique, and by which the table is ordered."""


def mart(expected_pp: float = EXPECTED_PP) -> str:
    """SQL of ``diversity__trend`` over ``diversity__groep``. Columns: ``COLUMNS``.

    A population that may not be shown on a day is one row per classification without figures. The
    first day after it is compared with the last day shown.
    """
    categories = ", ".join(
        f"({literal(name)}, {literal(group)})" for name, found in GROUPS.items() for group in found
    )
    series = "populatie_soort, populatie, indeling"
    days = "date_diff('day', vorige_peildatum, peildatum)"
    # Within a year a share may move as much as in a year: one person more weighs the same.
    limit = f"{float(expected_pp)!r}e0 * greatest(1, {days} / 365.25)"
    reason = JUMP.format(limit=f"{expected_pp:g}".replace(".", ","))
    return f"""
WITH naam(categorie, categorie_label) AS (VALUES {labels()},
    ({literal(NOT_ALLOWED)}, 'Niet toegestaan')),
versie(indeling, indeling_versie) AS (VALUES {versions()}),
soort(indeling, categorie) AS (VALUES {categories}),
rij AS (
    SELECT * EXCLUDE (kenmerk, subgroep, categorie, banen, werknemers, _rest_banen,
            _rest_werknemers),
        map_from_entries(list((categorie, banen))) AS aantal,
        map_from_entries(list((categorie, _rest_banen))) AS rest
    FROM {populations.TABLE} WHERE kenmerk = {literal(counts.TOTAL)} GROUP BY ALL
),
getoond AS (SELECT * FROM rij WHERE is_toegestaan),
eerder AS (
    SELECT populatie_soort, populatie, sbi_versie, indeling, peildatum,
        lag(peildatum) OVER reeks AS vorige_peildatum,
        nullif(concat_ws(' ',
            CASE WHEN {in_use("peildatum")} <> {in_use("lag(peildatum) OVER reeks")}
                THEN 'indeling_2022' END,
            CASE WHEN populatie_soort = 'sector' AND lag(sbi_versie) OVER reeks <> sbi_versie
                THEN 'sbi_versie' END,
            CASE WHEN lag(samenstelling) OVER reeks <> samenstelling THEN 'samenstelling'
                WHEN populatie_soort = 'regio' AND lag(gemeenten) OVER reeks <> gemeenten
                THEN 'gemeentelijst' END), '') AS breuk_reden
    FROM getoond WINDOW reeks AS (PARTITION BY {series} ORDER BY peildatum, sbi_versie)
),
genummerd AS (
    SELECT *, 1 + count(breuk_reden) OVER (PARTITION BY {series} ORDER BY peildatum, sbi_versie)
        AS reeks
    FROM eerder
),
met_n AS (
    SELECT r.* EXCLUDE (aantal, rest), s.categorie, coalesce(aantal[s.categorie], 0) AS teller,
        coalesce(rest[s.categorie], 0) AS rest_teller,
        CAST(list_sum(map_values(aantal)) - coalesce(aantal[{literal(UNKNOWN)}], 0) AS BIGINT)
            AS n,
        list_sum(map_values(rest)) - coalesce(rest[{literal(UNKNOWN)}], 0) AS rest_n
    FROM getoond r JOIN soort s USING (indeling)
),
aandeel AS (
    SELECT *, {share("teller", "n")} AS aandeel_pct,
        CASE WHEN n > 0 THEN 100 * teller / n::DOUBLE END AS precies FROM met_n
),
naast AS (
    SELECT a.*, g.vorige_peildatum, g.breuk_reden, g.breuk_reden IS NOT NULL AS is_breuk, g.reeks,
        CASE WHEN g.breuk_reden IS NULL AND v.categorie IS NOT NULL THEN
            concat_ws('/', v.populatie_soort, v.populatie, v.sbi_versie, v.peildatum, v.indeling,
                v.categorie) END AS _vergeleken,
        CASE WHEN g.breuk_reden IS NULL THEN v.aandeel_pct END AS vorig_aandeel_pct,
        CASE WHEN g.breuk_reden IS NULL THEN a.precies - v.precies END AS verschil
    FROM aandeel a
    JOIN genummerd g USING (populatie_soort, populatie, sbi_versie, indeling, peildatum)
    LEFT JOIN aandeel v ON v.populatie_soort = a.populatie_soort AND v.populatie = a.populatie
        AND v.sbi_versie = CASE WHEN a.populatie_soort = 'organisatie' THEN v.sbi_versie
            ELSE a.sbi_versie END
        AND v.indeling = a.indeling AND v.categorie = a.categorie
        AND v.peildatum = g.vorige_peildatum
),
volledig AS (
    SELECT *, verschil AS verschil_pp, verschil / ({days} / 365.25) AS verschil_pp_jaar,
        CASE WHEN verschil IS NOT NULL THEN abs(verschil) > {limit} END AS is_sprong,
        CASE WHEN abs(verschil) > {limit} THEN 'u'
            WHEN verschil IS NULL THEN 'x' END AS verschil_status,
        CASE WHEN abs(verschil) > {limit} THEN {literal(reason)}
            WHEN vorige_peildatum IS NULL THEN 'Er is geen eerdere peildatum.'
            WHEN is_breuk THEN 'Breuk in de reeks; over een breuk heen is er geen verandering.'
        END AS verschil_reden, NULL::VARCHAR AS waarde_status
    FROM naast
    UNION ALL BY NAME
    SELECT * EXCLUDE (aantal, rest), {literal(NOT_ALLOWED)} AS categorie, 'x' AS waarde_status
    FROM rij WHERE NOT is_toegestaan
),
klaar AS (
    SELECT * EXCLUDE (rest_n, rest_teller), {n_class("n")} AS n_klasse,
        'banen' AS eenheid_statistiek,
        indeling = {in_use("peildatum")} AS is_gangbaar, rest_n AS _rest_n,
        rest_teller AS _rest_teller
    FROM volledig JOIN naam USING (categorie) JOIN versie USING (indeling)
)
SELECT {columns.cast(COLUMNS)} FROM klaar ORDER BY {columns.listed(KEY)}
"""
