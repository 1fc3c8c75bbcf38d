"""An organisation or a sector beside others: as counted, and as if it had their mix of levels.

Belongs here: ``diversity__benchmark`` as SQL over ``diversity__groep`` and the published figures of
``data/reference``. Does not belong here: a judgement on the difference. No interval is given: an
organisation is part of its sector, and counts are complete.

- Beside: the sector, the region, all organisations that take part (each as a whole, the
  organisation included, as in CBS' dashboard); the published share among employees in the
  Netherlands; the published share of the sector (dashboard).
- ``ongestandaardiseerd``: two shares of employees with a known origin.
- ``gestandaardiseerd``: direct standardisation (for example Breslow and Day 1987, IARC Scientific
  Publications 82, chapter 2): the shares by function level of the population, weighted with the mix
  of levels of what it is held against. It answers what the share would be with that mix. A level
  that the other has and where the population has fewer than ``MINIMUM_STRATUM`` employees with a
  known origin makes it unavailable, with the reason. Published figures have no mix of levels.
- Figures of two classifications, or of two vintages, are never put in one row. A published figure
  of the dashboard is taken from the latest vintage, in the year of the peildatum.
- ``gepubliceerd``: the published figures themselves, with their mark (V-2nd: read in a second
  source). A row of the dashboard that is made up says so.
"""

from __future__ import annotations

from via_pipeline.diversity import columns, counts, populations
from via_pipeline.diversity.barometer import NOT_ALLOWED, share
from via_pipeline.diversity.ladder import KNOWN, SUPPLY, SUPPLY_YEARS
from via_pipeline.diversity.origin import GROUPS, UNKNOWN
from via_pipeline.diversity.wording import labels, levels, n_class, versions
from via_pipeline.storage.duck import literal

TABLE = "diversity__benchmark"
MINIMUM_STRATUM = 10
"""Employees with a known origin that a level must have to be weighted. Ours: a parameter."""

COLUMNS: dict[str, str] = {
    **columns.POPULATION,
    "peildatum": "DATE",
    "periode": "VARCHAR",
    **columns.CLASSIFICATION,
    **columns.GROUP,
    "vergelijking": "VARCHAR",
    "vergelijking_met": "VARCHAR",
    "vergelijking_label": "VARCHAR",
    "methode": "VARCHAR",
    **columns.SHARE,
    "n_vergelijking": "BIGINT",
    "teller_vergelijking": "BIGINT",
    "aandeel_vergelijking_pct": "DECIMAL(18,4)",
    "verschil_pp": "DECIMAL(18,4)",
    "vergelijking_periode": "VARCHAR",
    "vintage": "VARCHAR",
    "merk": "VARCHAR",
    "bron": "VARCHAR",
    **columns.CLOSING,
    **columns.COMPARED,
}
"""Columns of ``diversity__benchmark`` and their DuckDB types. Those with _ are never published."""

PUBLISHED = "diversity__gepubliceerd"
"""The published figures themselves, apart: nothing in them is ours to protect."""

PUBLISHED_COLUMNS: dict[str, str] = {
    "code": "VARCHAR",
    "label": "VARCHAR",
    "periode": "VARCHAR",
    "vintage": "VARCHAR",
    **columns.CLASSIFICATION,
    **columns.GROUP,
    "aandeel_pct": "DECIMAL(18,4)",
    "merk": "VARCHAR",
    "bron": "VARCHAR",
    "is_synthetisch": "BOOLEAN",
    "reden": "VARCHAR",
}
"""Columns of ``diversity__gepubliceerd`` and their DuckDB types, in order."""

PUBLISHED_KEY = ("code", "periode", "vintage", "indeling", "categorie")

KEY = (
    *columns.POPULATION_KEY,
    "peildatum",
    "periode",
    "indeling",
    "vergelijking",
    "vergelijking_met",
    "methode",
    "vintage",
    "categorie",
)
"""Columns that together are unique, and by which the table is ordered."""

COMPARISON_KEY = tuple(name for name in KEY if name not in ("periode", "vintage"))
"""The key of rows that compare: with one published figure, of one period and the latest vintage."""


def mart(minimum_stratum: int = MINIMUM_STRATUM) -> str:
    """SQL of ``diversity__benchmark``. Columns: ``COLUMNS``.

    Reads ``diversity__groep``, ``reference__barometer_benchmark``,
    ``reference__barometer_dashboard``. ``peildatum`` is NULL for published figures themselves,
    ``periode`` is theirs.
    """
    categories = ", ".join(
        f"({literal(name)}, {literal(group)})" for name, found in GROUPS.items() for group in found
    )
    who = "populatie_soort, populatie, sbi_versie, peildatum, indeling"
    rungs = ", ".join(f"({literal(code)}, {literal(name)})" for code, name in levels().items())
    lacking = (
        f"'Minder dan {int(minimum_stratum)} werknemers met bekende herkomst op niveau ' || "
        "string_agg(niveau_label, ', ' ORDER BY trede)"
    )
    return f"""
WITH naam(categorie, categorie_label) AS (VALUES {labels()},
    ({literal(NOT_ALLOWED)}, 'Niet toegestaan')),
versie(indeling, indeling_versie) AS (VALUES {versions()}),
soort(indeling, categorie) AS (VALUES {categories}),
cel AS (
    SELECT * EXCLUDE (categorie, banen, werknemers, _rest_banen, _rest_werknemers,
            _deel_van),
        map_from_entries(list((categorie, werknemers))) AS mensen,
        CAST(coalesce(sum(werknemers) FILTER (WHERE categorie <> {literal(UNKNOWN)}), 0) AS BIGINT)
            AS n
    FROM {populations.TABLE} WHERE kenmerk IN ({literal(counts.TOTAL)}, 'functieniveau')
    GROUP BY ALL
),
geheel AS (
    SELECT c.*, s.categorie, CAST(coalesce(mensen[s.categorie], 0) AS BIGINT) AS teller
    FROM cel c JOIN soort s USING (indeling) WHERE kenmerk = {literal(counts.TOTAL)}
),
niveau AS (
    SELECT c.*, subgroep AS trede, niveau_naam.niveau_label, s.categorie,
        coalesce(mensen[s.categorie], 0) AS teller
    FROM cel c JOIN soort s USING (indeling) JOIN (VALUES {rungs}) niveau_naam(code, niveau_label)
        ON niveau_naam.code = c.subgroep
    WHERE kenmerk = 'functieniveau'
),
-- Each population with what it is held against on the same day.
paar AS (
    SELECT DISTINCT a.populatie_soort, a.populatie, a.sbi_versie, a.peildatum, a.indeling,
        b.populatie_soort AS vergelijking, b.populatie AS vergelijking_met,
        b.sbi_versie AS sbi_vergelijking, b.populatie_label AS vergelijking_label
    FROM geheel a JOIN geheel b USING (peildatum, indeling)
    WHERE a.is_toegestaan AND a.populatie_soort IN ('organisatie', 'sector') AND (
        b.populatie_soort = 'alle'
        OR (a.populatie_soort = 'organisatie' AND b.populatie_soort = 'sector'
            AND b.populatie = a.sector AND b.sbi_versie = a.sbi_versie
            AND a.sector <> {literal(UNKNOWN)})
        OR (a.populatie_soort = 'organisatie' AND b.populatie_soort = 'regio'
            AND b.populatie = a.regio AND a.regio <> {literal(UNKNOWN)}))
),
gewicht AS (
    SELECT populatie_soort AS vergelijking, populatie AS vergelijking_met,
        sbi_versie AS sbi_vergelijking, peildatum, indeling, trede, niveau_label, n AS n_niveau
    FROM niveau WHERE n > 0
    QUALIFY row_number() OVER (PARTITION BY {who}, trede ORDER BY categorie) = 1
),
gewogen AS (
    SELECT p.populatie_soort, p.populatie, p.sbi_versie, p.peildatum, p.indeling, p.vergelijking,
        p.vergelijking_met, g.trede, g.niveau_label, g.n_niveau, s.categorie,
        coalesce(e.n, 0) AS n_eigen, coalesce(e.teller, 0) AS teller_eigen
    FROM paar p JOIN gewicht g USING (vergelijking, vergelijking_met, sbi_vergelijking, peildatum,
        indeling)
    JOIN soort s USING (indeling)
    LEFT JOIN niveau e ON e.populatie_soort = p.populatie_soort AND e.populatie = p.populatie
        AND e.sbi_versie = p.sbi_versie AND e.peildatum = p.peildatum
        AND e.indeling = p.indeling AND e.trede = g.trede AND e.categorie = s.categorie
),
standaard AS (
    SELECT {who}, vergelijking, vergelijking_met, categorie,
        CASE WHEN min(n_eigen) >= {int(minimum_stratum)} THEN
            100 * sum(n_niveau * teller_eigen / nullif(n_eigen, 0)::DOUBLE) / sum(n_niveau) END
            AS gestandaardiseerd,
        {lacking} FILTER (WHERE n_eigen < {int(minimum_stratum)}) AS ontbreekt
    FROM gewogen GROUP BY ALL
),
onderling AS (
    SELECT a.* EXCLUDE (n, teller), a.n, a.teller, p.vergelijking, p.vergelijking_met,
        p.vergelijking_label, b.is_toegestaan AS mag, b.reden AS waarom_niet, m.methode,
        CASE WHEN mag THEN b.n END AS n_vergelijking,
        CASE WHEN mag THEN b.teller END AS teller_vergelijking,
        CASE WHEN m.methode = 'ongestandaardiseerd' THEN 100 * a.teller / nullif(a.n, 0)::DOUBLE
            WHEN mag THEN s.gestandaardiseerd END AS precies,
        CASE WHEN mag THEN 100 * b.teller / nullif(b.n, 0)::DOUBLE END AS ander,
        s.ontbreekt, strftime(a.peildatum, '%Y-%m-%d') AS vergelijking_periode,
        concat_ws('/', p.vergelijking, p.vergelijking_met, p.sbi_vergelijking, a.peildatum,
            {literal(counts.TOTAL)}, {literal(counts.TOTAL)}, a.indeling, {literal(KNOWN)},
            a.categorie) AS _vergeleken
    FROM paar p JOIN geheel a USING ({who})
    JOIN geheel b ON b.populatie_soort = p.vergelijking AND b.populatie = p.vergelijking_met
        AND b.sbi_versie = p.sbi_vergelijking AND b.peildatum = p.peildatum
        AND b.indeling = p.indeling AND b.categorie = a.categorie
    LEFT JOIN standaard s ON s.populatie_soort = a.populatie_soort AND s.populatie = a.populatie
        AND s.sbi_versie = a.sbi_versie AND s.peildatum = a.peildatum AND s.indeling = a.indeling
        AND s.vergelijking = p.vergelijking AND s.vergelijking_met = p.vergelijking_met
        AND s.categorie = a.categorie
    CROSS JOIN (VALUES ('ongestandaardiseerd'), ('gestandaardiseerd')) m(methode)
),
gelezen AS (
    SELECT 'landelijk' AS vergelijking, code AS vergelijking_met, label AS vergelijking_label,
        NULL::VARCHAR AS sector, NULL::VARCHAR AS sbi_versie, periode, periode AS vintage, indeling,
        categorie, aandeel_pct, merk, bron, false AS is_verzonnen, 'werknemers' AS eenheid
    FROM reference__barometer_benchmark WHERE code = {literal(SUPPLY)}
    UNION ALL
    SELECT 'dashboard_sector', tabel || ' ' || sbi_sectie, 'Dashboard van de Barometer, de sector',
        sbi_sectie, sbi_versie, periode, vintage, indeling, categorie, aandeel_pct, merk, bron,
        merk = 'synthetisch', eenheid
    FROM reference__barometer_dashboard
    WHERE tabel = 'sector_regio' AND arbeidsmarktregio = 'totaal'
    QUALIFY vintage = max(vintage) OVER (PARTITION BY sbi_versie, sbi_sectie, periode, indeling)
),
gepubliceerd AS (
    SELECT a.* EXCLUDE (is_synthetisch), g.vergelijking, g.vergelijking_met, g.vergelijking_label,
        g.periode AS vergelijking_periode, g.vintage, g.merk, g.bron, g.aandeel_pct AS ander,
        100 * a.teller / nullif(a.n, 0)::DOUBLE AS precies, 'ongestandaardiseerd' AS methode,
        a.is_synthetisch OR g.is_verzonnen AS is_synthetisch
    FROM geheel a JOIN gelezen g USING (indeling, categorie)
    WHERE a.is_toegestaan AND a.populatie_soort IN ('organisatie', 'sector') AND CASE g.vergelijking
        WHEN 'landelijk'
            THEN abs(CAST(g.periode[1:4] AS INTEGER) - year(a.peildatum)) <= {SUPPLY_YEARS}
        ELSE g.sector = a.sector AND g.sbi_versie = a.sbi_versie
            AND CAST(g.periode[1:4] AS INTEGER) = year(a.peildatum) END
    QUALIFY g.vergelijking <> 'landelijk' OR row_number() OVER (
        PARTITION BY a.populatie_soort, a.populatie, a.sbi_versie, a.peildatum, indeling,
            g.vergelijking, categorie
        ORDER BY abs(CAST(g.periode[1:4] AS INTEGER) - year(a.peildatum)), g.periode) = 1
),
zelf AS (
    SELECT 'gepubliceerd' AS populatie_soort, code AS populatie, label AS populatie_label, periode,
        periode AS vintage, indeling, categorie, aandeel_pct AS precies, merk, bron,
        'barometer_benchmark' AS vergelijking_met, 'werknemers' AS eenheid, false AS is_synthetisch
    FROM reference__barometer_benchmark
    UNION ALL
    SELECT 'gepubliceerd', concat_ws(' ', tabel, nullif(sbi_versie, 'nvt'),
            nullif(sbi_sectie, 'nvt'), nullif(arbeidsmarktregio, 'nvt'),
            nullif(provinciecode, 'nvt'), nullif(beroep, 'nvt'), nullif(uurloonklasse, 'nvt'),
            nullif(bedrijfsgrootte, 'nvt'), nullif(opleiding, 'nvt'),
            nullif(studierichting, 'nvt')), 'Dashboard van de Barometer', periode, vintage,
        indeling, categorie, aandeel_pct, merk, bron, tabel, eenheid, merk = 'synthetisch'
    FROM reference__barometer_dashboard
),
samen AS (
    SELECT *, CASE WHEN methode = 'gestandaardiseerd' AND mag THEN ontbreekt
            WHEN NOT mag THEN 'De vergelijking is niet toegestaan. ' || waarom_niet END AS waarom,
        'werknemers' AS eenheid_statistiek, '' AS periode FROM onderling
    UNION ALL BY NAME
    SELECT *, NULL::VARCHAR AS waarom, 'werknemers' AS eenheid_statistiek, '' AS periode
    FROM gepubliceerd
    UNION ALL BY NAME
    SELECT * EXCLUDE (eenheid), eenheid AS eenheid_statistiek, 'geen' AS vergelijking,
        'ongestandaardiseerd' AS methode, true AS is_toegestaan, '' AS sbi_versie,
        CASE WHEN precies IS NULL THEN 'Niet gepubliceerd of geheim.' END AS waarom FROM zelf
),
klaar AS (
    SELECT * EXCLUDE (reden, n, teller),
        CASE WHEN methode = 'gestandaardiseerd' THEN NULL ELSE n END AS n,
        CASE WHEN methode = 'gestandaardiseerd' THEN NULL ELSE teller END AS teller,
        {n_class("n")} AS n_klasse,
        CASE WHEN methode = 'ongestandaardiseerd' AND n > 0 THEN {share("teller", "n")}
            ELSE precies END AS aandeel_pct, ander AS aandeel_vergelijking_pct,
        precies - ander AS verschil_pp, waarom AS reden,
        CASE WHEN waarom IS NOT NULL THEN 'x' END AS waarde_status
    FROM samen
)
SELECT {columns.cast(COLUMNS)} FROM klaar JOIN naam USING (categorie) JOIN versie USING (indeling)
ORDER BY {columns.listed(KEY)}
"""


def published() -> str:
    """SQL of ``diversity__gepubliceerd``: the rows of the mart that are published figures.

    Columns: ``PUBLISHED_COLUMNS``.
    """
    return f"""
SELECT {columns.cast(PUBLISHED_COLUMNS)}
FROM (SELECT *, populatie AS code, populatie_label AS label FROM ({mart()}))
WHERE populatie_soort = 'gepubliceerd' ORDER BY {columns.listed(PUBLISHED_KEY)}
"""
