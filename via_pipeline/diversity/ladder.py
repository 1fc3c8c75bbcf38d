"""The ladder: who works at which function level and in which salary band, up to subtop and top.

Belongs here: ``diversity__ladder`` as SQL over ``diversity__groep``: shares per rung, and how they
relate to the rung below and to the supply. Does not belong here: moves between rungs (``flow``).

- The origin groups of a rung are parts of those with a known origin, as in the Barometer
  (``noemer`` ``bekend``). How many are not known stands beside it, as a part of all
  (``noemer`` ``alle``).
- The ratio is the share of a group on this rung over its share on the rung below: 1 is as many as
  one would expect if rungs were filled from the rung below without regard to origin. Its interval
  is Katz' on the log scale (Katz and others 1978, Biometrics 34, 469-474, doi 10.2307/2530610); the
  people of two rungs are different people. The share has Wilson's interval (1927). Both are 95% and
  say how far chance alone could carry a count of this size; the counts themselves are complete.
- The relevant supply of the lowest rung comes from outside, so every rung is also held against the
  published share among employees in the Netherlands, of the same classification, of the nearest
  year and at most ``SUPPLY_YEARS`` away. That share is taken as it is: the interval is Wilson's of
  the rung, over the published share.
- A board or supervisory board has fewer than 250 people. The Barometer can never show one, and a
  row says so. There is no quota for culture; figures for gender stand in
  ``reference__streefcijfer`` and are joined to nothing here.
"""

from __future__ import annotations

from via_pipeline.diversity import columns, counts, populations
from via_pipeline.diversity.barometer import NOT_ALLOWED, share
from via_pipeline.diversity.origin import GROUPS, UNKNOWN
from via_pipeline.diversity.wording import labels, levels, n_class, versions
from via_pipeline.storage.duck import literal

TABLE = "diversity__ladder"
KINDS = ("organisatie", "sector", "alle")
SUPPLY = "werknemers_nederland"
SUPPLY_YEARS = 2
BOARD = "bestuur"
NEVER_ALLOWED = "nooit_toegestaan"
"""In place of the origin groups of a board: unlike a small rung it is no part of the ladder's sums,
since its members stand on their own rungs."""
BOARD_REASON = (
    "Een bestuur of raad van commissarissen telt minder dan 250 mensen; de Barometer kan er nooit "
    "aandelen van tonen."
)
KNOWN = "bekend"
Z = 1.959963984540054  # two-sided 95%
_Z = f"{Z!r}e0"  # in SQL a number without exponent is a DECIMAL, and overflows
_Z2 = f"{Z**2!r}e0"

COLUMNS: dict[str, str] = {
    **columns.POPULATION,
    "peildatum": "DATE",
    "ladder": "VARCHAR",
    "trede": "VARCHAR",
    "trede_label": "VARCHAR",
    "trede_volgorde": "BIGINT",
    **columns.CLASSIFICATION,
    "noemer": "VARCHAR",
    **columns.GROUP,
    **columns.SHARE,
    **columns.SHARE_INTERVAL,
    "ratio_lager": "DECIMAL(18,4)",
    "ratio_lager_laag": "DECIMAL(18,4)",
    "ratio_lager_hoog": "DECIMAL(18,4)",
    "ratio_lager_reden": "VARCHAR",
    "ratio_aanbod": "DECIMAL(18,4)",
    "ratio_aanbod_laag": "DECIMAL(18,4)",
    "ratio_aanbod_hoog": "DECIMAL(18,4)",
    "ratio_aanbod_reden": "VARCHAR",
    "aanbod_code": "VARCHAR",
    "aanbod_periode": "VARCHAR",
    **columns.CLOSING,
    **columns.INSIDE,
    **columns.COMPARED,
}
"""Columns of ``diversity__ladder`` and their DuckDB types. Those with _ are never published."""

KEY = (
    *columns.POPULATION_KEY,
    "peildatum",
    "ladder",
    "trede",
    "indeling",
    "noemer",
    "categorie",
)
"""Columns that together are unique, and by which the table is ordered."""


def rungs() -> str:
    """SQL VALUES (ladder, trede, trede_label, trede_volgorde) of both ladders and the whole."""
    rows = [(counts.TOTAL, counts.TOTAL, "Alle werknemers", 0)]
    rows += [("functieniveau", code, name, n) for n, (code, name) in enumerate(levels().items(), 1)]
    ends = (*counts.SALARY_BANDS[1:], counts.HIGHEST_SCALE + 1)
    rows += [
        ("salarisband", f"{low}-{end - 1}", f"Schaal {low} tot en met {end - 1}", number)
        for number, (low, end) in enumerate(zip(counts.SALARY_BANDS, ends, strict=True), 1)
    ]
    return ", ".join(
        f"({literal(one)}, {literal(two)}, {literal(three)}, {four})"
        for one, two, three, four in rows
    )


def wilson(count: str, n: str, sign: str) -> str:
    """SQL for a bound (``sign`` - or +) of Wilson's 95% interval of ``count`` / ``n``."""
    root = f"sqrt(({count}) * (1 - ({count}) / ({n})::DOUBLE) + {_Z2} / 4)"
    inner = f"(({count}) + {_Z2} / 2 {sign} {_Z} * {root}) / (({n}) + {_Z2})"
    # At 0 and n the bound is exactly 0 or 1; floating point leaves it a hair outside.
    return f"CASE WHEN ({n}) > 0 THEN greatest(0, least(1, {inner})) END"


def katz(a: str, n: str, b: str, m: str, sign: str) -> str:
    """SQL for a bound of Katz' 95% interval of the ratio (a / n) / (b / m); NULL at a zero."""
    return (
        f"CASE WHEN {a} > 0 AND {b} > 0 THEN exp(ln(({a} / {n}::DOUBLE) / ({b} / {m}::DOUBLE)) "
        f"{sign} {_Z} * sqrt(1 / {a}::DOUBLE - 1 / {n}::DOUBLE "
        f"+ 1 / {b}::DOUBLE - 1 / {m}::DOUBLE)) END"
    )


def mart() -> str:
    """SQL of ``diversity__ladder`` over ``diversity__groep`` and the published benchmark.

    Columns: ``COLUMNS``. A rung below the minimum is one row per classification with ``categorie``
    ``niet_toegestaan``, status ``x`` and the reason, without figures; a board one with
    ``nooit_toegestaan`` and status ``z``.
    """
    kinds = ", ".join(literal(kind) for kind in KINDS)
    whole = f"{literal(counts.TOTAL)}"
    categories = ", ".join(
        f"({literal(name)}, {literal(group)})" for name, found in GROUPS.items() for group in found
    )
    cell = (
        "populatie_soort, populatie, populatie_label, sector, sector_label, sbi_versie, peildatum, "
        "ladder, trede, indeling"
    )
    ratio = "(teller / n::DOUBLE) / (lager_teller / lager_n::DOUBLE)"
    a, n, b, m = "teller", "n", "lager_teller", "lager_n"
    is_group = f"noemer = {literal(KNOWN)} AND ladder <> {whole} AND is_toegestaan"
    return f"""
WITH trede(ladder, trede, trede_label, trede_volgorde) AS (VALUES {rungs()}),
naam(categorie, categorie_label) AS (VALUES {labels()},
    ({literal(KNOWN)}, 'Herkomst bekend'), ({literal(NOT_ALLOWED)}, 'Niet toegestaan'),
    ({literal(NEVER_ALLOWED)}, 'Nooit toegestaan')),
versie(indeling, indeling_versie) AS (VALUES {versions()}),
groep(indeling, categorie) AS (VALUES {categories}),
cel AS (
    SELECT g.* EXCLUDE (kenmerk, subgroep), kenmerk AS ladder, subgroep AS trede
    FROM {populations.TABLE} g WHERE populatie_soort IN ({kinds})
),
rij AS (
    SELECT {cell}, is_toegestaan, any_value(reden) AS reden, any_value(leveringen) AS leveringen,
        bool_or(is_synthetisch) AS is_synthetisch, any_value(_deel_van) AS _deel_van,
        map_from_entries(list((categorie, werknemers))) AS mensen,
        map_from_entries(list((categorie, _rest_werknemers))) AS rest
    FROM cel GROUP BY ALL
),
telling AS (
    SELECT r.* EXCLUDE (mensen, rest), {literal(KNOWN)} AS noemer, g.categorie,
        coalesce(mensen[g.categorie], 0) AS teller, coalesce(rest[g.categorie], 0) AS rest_teller
    FROM rij r JOIN groep g ON g.indeling = r.indeling WHERE r.is_toegestaan
    UNION ALL
    SELECT r.* EXCLUDE (mensen, rest), 'alle', c.categorie,
        CASE WHEN c.categorie = {literal(UNKNOWN)} THEN coalesce(mensen[{literal(UNKNOWN)}], 0)
            ELSE list_sum(map_values(mensen)) - coalesce(mensen[{literal(UNKNOWN)}], 0) END,
        CASE WHEN c.categorie = {literal(UNKNOWN)} THEN coalesce(rest[{literal(UNKNOWN)}], 0)
            ELSE list_sum(map_values(rest)) - coalesce(rest[{literal(UNKNOWN)}], 0) END
    FROM rij r CROSS JOIN (VALUES ({literal(KNOWN)}), ({literal(UNKNOWN)})) c(categorie)
    WHERE r.is_toegestaan
),
met_n AS (
    SELECT *, sum(teller) OVER (PARTITION BY {cell}, noemer) AS n,
        sum(rest_teller) OVER (PARTITION BY {cell}, noemer) AS rest_n
    FROM telling
),
aanbod AS (
    SELECT code, periode, indeling, categorie, aandeel_pct, CAST(periode[1:4] AS INTEGER) AS jaar
    FROM reference__barometer_benchmark WHERE code = {literal(SUPPLY)}
),
naast AS (
    SELECT t.*, tr.trede_label, tr.trede_volgorde, lager.teller AS lager_teller,
        lager.n AS lager_n, lager.trede IS NOT NULL AS heeft_lager,
        CASE WHEN lager.trede IS NOT NULL THEN
            concat_ws('/', t.populatie_soort, t.populatie, t.sbi_versie, t.peildatum, t.ladder,
                lager.trede, t.indeling, t.noemer, t.categorie) END AS _vergeleken,
        s.code AS aanbod_code, s.periode AS aanbod_periode, s.aandeel_pct AS aanbod_pct
    FROM met_n t
    JOIN trede tr USING (ladder, trede)
    LEFT JOIN trede onder ON onder.ladder = tr.ladder
        AND onder.trede_volgorde = tr.trede_volgorde - 1
    LEFT JOIN met_n lager ON lager.trede = onder.trede AND lager.ladder = t.ladder
        AND lager.populatie_soort = t.populatie_soort AND lager.populatie = t.populatie
        AND lager.sbi_versie = t.sbi_versie AND lager.peildatum = t.peildatum
        AND lager.indeling = t.indeling AND lager.noemer = t.noemer
        AND lager.categorie = t.categorie
    LEFT JOIN aanbod s ON s.indeling = t.indeling AND s.categorie = t.categorie
        AND abs(s.jaar - year(t.peildatum)) <= {SUPPLY_YEARS}
    QUALIFY row_number() OVER (PARTITION BY {", ".join("t." + name for name in KEY)}
        ORDER BY abs(s.jaar - year(t.peildatum)) NULLS LAST, s.jaar) = 1
),
verboden AS (
    SELECT r.*, tr.trede_label, tr.trede_volgorde, {literal(NOT_ALLOWED)} AS categorie,
        'x' AS waarde_status
    FROM rij r JOIN trede tr USING (ladder, trede) WHERE NOT r.is_toegestaan
    UNION ALL BY NAME
    SELECT DISTINCT {cell.replace("ladder, trede, ", "")}, leveringen, is_synthetisch,
        'functieniveau' AS ladder, {literal(BOARD)} AS trede,
        'Bestuur of raad van commissarissen' AS trede_label, 99 AS trede_volgorde,
        false AS is_toegestaan, {literal(BOARD_REASON)} AS reden,
        {literal(NEVER_ALLOWED)} AS categorie, 'z' AS waarde_status
    FROM rij WHERE populatie_soort = 'organisatie'
),
volledig AS (
    SELECT *, {share("teller", "n")} AS aandeel_pct,
        100 * {wilson(a, n, "-")} AS aandeel_laag_pct,
        100 * {wilson(a, n, "+")} AS aandeel_hoog_pct,
        CASE WHEN {is_group} AND {b} > 0 AND {n} > 0 THEN {ratio} END AS ratio_lager,
        CASE WHEN {is_group} THEN {katz(a, n, b, m, "-")} END AS ratio_lager_laag,
        CASE WHEN {is_group} THEN {katz(a, n, b, m, "+")} END AS ratio_lager_hoog,
        CASE WHEN NOT ({is_group}) THEN NULL
            WHEN trede_volgorde = 1 THEN 'Dit is de laagste trede.'
            WHEN NOT heeft_lager THEN 'De trede eronder is niet getoond.'
            WHEN {b} = 0 THEN 'Op de trede eronder is deze groep er niet.'
            WHEN {a} = 0 THEN 'Op deze trede is deze groep er niet; een interval is er dan niet.'
        END AS ratio_lager_reden,
        CASE WHEN noemer = {literal(KNOWN)} AND n > 0
            THEN (teller / n::DOUBLE) / (aanbod_pct / 100.0) END AS ratio_aanbod,
        CASE WHEN noemer = {literal(KNOWN)} THEN {wilson(a, n, "-")} / (aanbod_pct / 100.0) END
            AS ratio_aanbod_laag,
        CASE WHEN noemer = {literal(KNOWN)} THEN {wilson(a, n, "+")} / (aanbod_pct / 100.0) END
            AS ratio_aanbod_hoog,
        CASE WHEN noemer = {literal(KNOWN)} AND aanbod_pct IS NULL
            THEN 'Er is geen gepubliceerd aandeel van hoogstens {SUPPLY_YEARS} jaar ervoor of erna.'
        END AS ratio_aanbod_reden, NULL AS waarde_status
    FROM naast
    UNION ALL BY NAME
    SELECT * EXCLUDE (mensen, rest), {literal(KNOWN)} AS noemer FROM verboden
),
klaar AS (
    SELECT * EXCLUDE (rest_n, rest_teller), {n_class("n")} AS n_klasse,
        rest_n AS _rest_n, rest_teller AS _rest_teller, 'werknemers' AS eenheid_statistiek
    FROM volledig JOIN naam USING (categorie) JOIN versie USING (indeling)
)
SELECT {columns.cast(COLUMNS)} FROM klaar ORDER BY {columns.listed(KEY)}
"""
