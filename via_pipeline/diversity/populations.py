"""Who is shown together: one organisation, a sector, a region, all; and what may be shown of them.

Belongs here: ``diversity__groep``, counts per population, level and origin, with the verdict per
group. Does not belong here: counting people (``counts``), any share.

Rules, each a parameter of ours where CBS does not give it:

- an organisation is a population of its own only with a recorded consent (``organisations``);
- every group has at least 250 employees (the Barometer's rule of thumb);
- what can be had by subtraction counts as shown. Of a sector, the organisations that are not shown
  on their own in that group are its rest: none, or at least three organisations with at least 250
  employees together. Of all organisations, the rest are those neither on their own nor in a sector
  that is shown. Regions are held against organisations only, not against sectors.

A sector is a section of one version of the SBI. Counts of the rest stand in columns that begin with
_: they are never published, and disclosure control needs them.
"""

from __future__ import annotations

from via_pipeline.diversity import counts
from via_pipeline.diversity.barometer import MINIMUM_EMPLOYEES, too_small
from via_pipeline.diversity.organisations import TABLE as ORGANISATIONS
from via_pipeline.storage.duck import literal

TABLE = "diversity__groep"
MINIMUM_ORGANISATIONS = 3
KINDS = ("organisatie", "sector", "regio", "alle")
CHARACTERISTICS = (counts.TOTAL, "functieniveau", "salarisband")
REST = (
    "Wat overblijft na aftrek van wat elders is getoond, gaat over te weinig organisaties of "
    "werknemers."
)


def query(minimum: int = MINIMUM_EMPLOYEES, organisations: int = MINIMUM_ORGANISATIONS) -> str:
    """SQL of ``diversity__groep`` over ``diversity__telling`` and ``diversity__organisatie``.

    One row per population, peildatum, characteristic, subgroup, classification and origin
    (``onbekend`` too): ``banen`` and ``werknemers``, ``_rest_banen`` and ``_rest_werknemers``, the
    ``omvang`` of the subgroup in employees, ``is_toegestaan`` and ``reden``, and what makes a
    series: ``sbi_versie``, ``samenstelling`` (which organisations) and ``gemeenten`` (which codes).
    ``_deel_van`` is the larger population that it can be subtracted from (``part_of``).
    """
    kinds = ", ".join(literal(name) for name in CHARACTERISTICS)
    return f"""
WITH lid AS ({members(ORGANISATIONS, "peildatum")}),
telling AS (SELECT * FROM {counts.COUNTS} WHERE kenmerk IN ({kinds})),
omvang AS (
    SELECT organisatie, peildatum, kenmerk, subgroep, sum(werknemers) AS omvang
    FROM telling WHERE indeling = 'oud' GROUP BY ALL
),
{verdicts("peildatum", minimum, organisations)},
reeks AS (
    SELECT populatie_soort, populatie, sbi_versie, peildatum, count(*) AS organisaties,
        md5(string_agg(organisatie, ' ' ORDER BY organisatie)) AS samenstelling,
        md5(string_agg(coalesce(gemeentecode, ''), ' ' ORDER BY organisatie)) AS gemeenten,
        CASE WHEN populatie_soort = 'organisatie' THEN min(levering)
            WHEN count(*) = 1 THEN '1 levering' ELSE count(*) || ' leveringen' END AS leveringen,
        bool_or(is_synthetisch) AS is_synthetisch,
        any_value(populatie_label) AS populatie_label, any_value(sector) AS sector,
        any_value(sector_label) AS sector_label, any_value(regio) AS regio,
        any_value(regio_label) AS regio_label
    FROM lid GROUP BY populatie_soort, populatie, sbi_versie, peildatum
),
geteld AS (
    SELECT l.populatie_soort, l.populatie, l.sbi_versie, t.peildatum, t.kenmerk, t.subgroep,
        t.indeling, t.categorie, sum(t.banen) AS banen, sum(t.werknemers) AS werknemers,
        coalesce(sum(t.banen) FILTER (WHERE NOT e.is_eigen), 0) AS _rest_banen,
        coalesce(sum(t.werknemers) FILTER (WHERE NOT e.is_eigen), 0) AS _rest_werknemers
    FROM telling t JOIN lid l USING (organisatie, peildatum)
    JOIN eigen e USING (organisatie, peildatum, kenmerk, subgroep)
    GROUP BY ALL
),
groep AS (
SELECT g.populatie_soort, g.populatie, r.populatie_label, g.sbi_versie, r.sector, r.sector_label,
    r.regio, r.regio_label, g.peildatum, g.kenmerk, g.subgroep, g.indeling, g.categorie,
    CAST(g.banen AS BIGINT) AS banen, CAST(g.werknemers AS BIGINT) AS werknemers,
    CAST(g._rest_banen AS BIGINT) AS _rest_banen,
    CAST(g._rest_werknemers AS BIGINT) AS _rest_werknemers,
    CAST(o.omvang AS BIGINT) AS omvang, o.is_toegestaan AND h.is_toegestaan AS is_toegestaan,
    coalesce(o.reden, h.reden) AS reden, r.organisaties, r.samenstelling, r.gemeenten, r.leveringen,
    r.is_synthetisch
FROM geteld g JOIN reeks r USING (populatie_soort, populatie, sbi_versie, peildatum)
JOIN oordeel o USING (populatie_soort, populatie, sbi_versie, peildatum, kenmerk, subgroep)
JOIN oordeel h ON h.populatie_soort = g.populatie_soort AND h.populatie = g.populatie
    AND h.sbi_versie = g.sbi_versie AND h.peildatum = g.peildatum
    AND h.kenmerk = {literal(counts.TOTAL)}
),
getoond AS (
    SELECT DISTINCT populatie_soort, populatie, sbi_versie, peildatum, kenmerk, subgroep
    FROM groep WHERE is_toegestaan
)
SELECT g.*, {part_of("s.populatie IS NOT NULL", "a.populatie IS NOT NULL")} AS _deel_van
FROM groep g
LEFT JOIN getoond s ON s.populatie_soort = 'sector' AND s.populatie = g.sector
    AND s.sbi_versie = g.sbi_versie AND s.peildatum = g.peildatum AND s.kenmerk = g.kenmerk
    AND s.subgroep = g.subgroep
LEFT JOIN getoond a ON a.populatie_soort = 'alle' AND a.peildatum = g.peildatum
    AND a.kenmerk = g.kenmerk AND a.subgroep = g.subgroep
ORDER BY ALL
"""


def part_of(has_sector: str, has_all: str) -> str:
    """SQL for the larger population that a row ``g`` is counted in and can be subtracted from.

    ``soort/populatie/sbi_versie``, or nothing: the sector where it is shown in that group
    (``has_sector``, SQL), else all organisations where they are (``has_all``). Regions are not
    published beside sectors, so they are part of nothing.
    """
    return (
        f"CASE WHEN g.populatie_soort = 'organisatie' AND {has_sector} "
        "THEN 'sector/' || g.sector || '/' || g.sbi_versie "
        f"WHEN g.populatie_soort IN ('organisatie', 'sector') AND {has_all} "
        "THEN 'alle/alle/alle' END"
    )


def members(source: str, moment: str) -> str:
    """SQL: each organisation of ``source`` in every population that it belongs to, per ``moment``.

    ``source`` has the columns of ``diversity__organisatie`` (a sector or region that is NULL gives
    no population); ``moment`` names its columns that tell when. Organisations without a consent
    are in no population of their own.
    """
    sector, region = ("sector, sector_label", "regio, regio_label")
    every = "'alle' AS {0}, 'alle' AS {0}_label"
    all_sectors, all_regions = every.format("sector"), every.format("regio")
    kinds = (
        ("organisatie", "organisatie", "coalesce(naam, organisatie)", "sbi_versie", sector, region),
        ("sector", "sector", "sector_label", "sbi_versie", sector, all_regions),
        ("regio", "regio", "regio_label", "'alle'", all_sectors, region),
        ("alle", "'alle'", "'Alle deelnemende organisaties'", "'alle'", all_sectors, all_regions),
    )
    return " UNION ALL ".join(
        f"SELECT {literal(kind)} AS populatie_soort, {code} AS populatie, "
        f"{label} AS populatie_label, {version} AS sbi_versie, {in_sector}, {in_region}, "
        f"organisatie, {moment}, levering, gemeentecode, is_synthetisch FROM {source} "
        f"WHERE {code} IS NOT NULL" + (" AND is_genoemd" if kind == "organisatie" else "")
        for kind, code, label, version, in_sector, in_region in kinds
    )


def verdicts(moment: str, minimum: int, organisations: int) -> str:
    """CTEs ``eigen`` and ``oordeel``, from ``lid`` and ``omvang`` (kenmerk, subgroep, omvang).

    ``moment`` names the columns that tell when. ``eigen`` says of each organisation's group whether
    it is shown on its own; ``oordeel`` of each population's group whether it may be shown.
    """
    group = f"{moment}, kenmerk, subgroep"
    whole = f"kenmerk = {literal(counts.TOTAL)}"
    partition = f"PARTITION BY organisatie, {moment}"
    return f"""
genoemd AS (
    SELECT DISTINCT organisatie, {moment} FROM lid WHERE populatie_soort = 'organisatie'
),
eigen AS (
    SELECT o.*, g.organisatie IS NOT NULL AND o.omvang >= {int(minimum)}
        AND bool_and(NOT ({whole}) OR o.omvang >= {int(minimum)}) OVER ({partition}) AS is_eigen
    FROM omvang o
    LEFT JOIN genoemd g USING (organisatie, {moment})
),
som AS (
    SELECT l.populatie_soort, l.populatie, l.sbi_versie, {group}, sum(e.omvang) AS omvang,
        count(*) FILTER (WHERE NOT e.is_eigen AND e.omvang > 0) AS rest_organisaties,
        coalesce(sum(e.omvang) FILTER (WHERE NOT e.is_eigen), 0) AS rest_omvang
    FROM eigen e JOIN lid l USING (organisatie, {moment})
    WHERE l.populatie_soort <> 'alle' GROUP BY ALL
),
deelsom AS (
    SELECT *, CASE WHEN omvang < {int(minimum)} THEN {literal(too_small(minimum))}
        WHEN populatie_soort <> 'organisatie' AND rest_organisaties > 0
            AND (rest_organisaties < {int(organisations)} OR rest_omvang < {int(minimum)})
        THEN {literal(REST)} END AS reden
    FROM som
),
in_sector AS (
    SELECT e.organisatie, {", ".join("e." + name for name in group.split(", "))},
        bool_or(d.reden IS NULL) AS is_sector
    FROM eigen e JOIN lid l USING (organisatie, {moment})
    JOIN deelsom d ON d.populatie_soort = 'sector' AND l.populatie_soort = 'sector'
        AND d.populatie = l.populatie AND d.sbi_versie = l.sbi_versie
        {" ".join(f"AND d.{name} = e.{name}" for name in group.split(", "))}
    GROUP BY ALL
),
geheel AS (
    SELECT 'alle' AS populatie_soort, 'alle' AS populatie, 'alle' AS sbi_versie, {group},
        sum(omvang) AS omvang,
        count(*) FILTER (WHERE NOT is_eigen AND is_sector IS NOT TRUE AND omvang > 0)
            AS rest_organisaties,
        coalesce(sum(omvang) FILTER (WHERE NOT is_eigen AND is_sector IS NOT TRUE), 0)
            AS rest_omvang
    FROM eigen LEFT JOIN in_sector USING (organisatie, {group}) GROUP BY {group}
),
oordeel AS (
    SELECT *, reden IS NULL AS is_toegestaan FROM (
        SELECT * FROM deelsom
        UNION ALL BY NAME
        SELECT *, CASE WHEN omvang < {int(minimum)} THEN {literal(too_small(minimum))}
            WHEN rest_organisaties > 0
                AND (rest_organisaties < {int(organisations)} OR rest_omvang < {int(minimum)})
            THEN {literal(REST)} END AS reden
        FROM geheel)
)"""
