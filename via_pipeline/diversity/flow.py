"""Moves on the ladder: who came, rose, went down, stayed or left between two peildata.

Belongs here: ``diversity__flow`` as SQL over ``diversity__overgang``. Does not belong here:
comparing people on two days (``counts``).

Two peildata are compared where they follow one another for the same organisation. Rows are by
origin group, ``onbekend`` too:

- from a rung to a rung or to ``uitstroom``: ``n`` is the group on the rung at the start. Whose
  origin was given differently on the later day goes to ``herzien``, and comes from it;
- ``hoger`` and ``lager`` put the rungs above and below together; the share of ``hoger`` is the
  share of a group that moved up, in a year where ``is_jaar`` says so;
- from ``instroom`` (or ``herzien``) to a rung: ``n`` is the group on the rung at the end;
- ``van_trede`` ``totaal``: all rungs, also for ``hoger``. Without the highest, from which nobody
  goes up, the two denominators would tell who is there.

``trede`` is the rung whose people are ``n``, at the start or the end, and ``stroom`` what became of
them: what is published goes by these two.

So for each rung and group, what goes adds up to the stock of the first day, and what comes to that
of the second: those are the stocks of ``diversity__ladder``. An organisation whose sector changed
between the two days is in no sector here. People leave an organisation when they come to another:
nobody is followed between organisations. A rung shown has 250 employees at the end it is counted
at, under the same rules as the ladder (``populations``).
"""

from __future__ import annotations

from via_pipeline.diversity import columns, counts, populations
from via_pipeline.diversity.barometer import MINIMUM_EMPLOYEES, NOT_ALLOWED, share
from via_pipeline.diversity.ladder import wilson
from via_pipeline.diversity.organisations import TABLE as ORGANISATIONS
from via_pipeline.diversity.wording import labels, levels, n_class, versions
from via_pipeline.storage.duck import literal

TABLE = "diversity__flow"
UP, DOWN, SAME = "hoger", "lager", "gelijk"
YEAR_DAYS = (351, 379)
"""A pair of peildata is a year apart from so many days to so many days, both included."""

COLUMNS: dict[str, str] = {
    **columns.POPULATION,
    "peildatum_van": "DATE",
    "peildatum": "DATE",
    "dagen": "BIGINT",
    "is_jaar": "BOOLEAN",
    "ladder": "VARCHAR",
    "trede": "VARCHAR",
    "van_trede": "VARCHAR",
    "van_trede_label": "VARCHAR",
    "naar_trede": "VARCHAR",
    "naar_trede_label": "VARCHAR",
    "stroom": "VARCHAR",
    **columns.CLASSIFICATION,
    **columns.GROUP,
    **columns.SHARE,
    **columns.SHARE_INTERVAL,
    **columns.CLOSING,
    **columns.INSIDE,
}
"""Columns of ``diversity__flow`` and their DuckDB types. Those with _ are never published."""

KEY = (
    *columns.POPULATION_KEY,
    "peildatum_van",
    "peildatum",
    "van_trede",
    "naar_trede",
    "indeling",
    "categorie",
)
"""Columns that together are unique, and by which the table is ordered."""

_LABELS = {
    counts.TOTAL: "Alle treden",
    counts.INFLOW: "Instroom (eerder niet in dienst)",
    counts.OUTFLOW: "Uitstroom (niet meer in dienst)",
    counts.REVISED: "Herkomst anders opgegeven",
    UP: "Alle hogere treden",
    DOWN: "Alle lagere treden",
}


def mart(
    minimum: int = MINIMUM_EMPLOYEES, organisations: int = populations.MINIMUM_ORGANISATIONS
) -> str:
    """SQL of ``diversity__flow`` over ``diversity__overgang`` and ``diversity__organisatie``.

    Columns: ``COLUMNS``. A rung that may not be shown is one row per classification and way (up,
    out, in), with ``categorie`` ``niet_toegestaan``, status ``x`` and the reason.
    """
    moment = "peildatum_van, peildatum"
    order = ", ".join(f"({literal(code)}, {place})" for place, code in enumerate(levels(), 1))
    rungs = ", ".join(f"({literal(c)}, {literal(n)})" for c, n in (levels() | _LABELS).items())
    outside = f"{literal(counts.INFLOW)}, {literal(counts.OUTFLOW)}, {literal(counts.REVISED)}"
    total = literal(counts.TOTAL)
    population = "populatie_soort, populatie, sbi_versie, peildatum_van, peildatum"
    start, end = "'begin'", "'eind'"

    def at(other: str) -> str:
        """SQL: ``other`` tells of the same days, end and rung as a row ``r``."""
        same = " AND ".join(f"{other}.{name} = r.{name}" for name in moment.split(", "))
        return f"{same} AND {other}.kenmerk = r.zijde AND {other}.subgroep = r.trede"

    low, high = YEAR_DAYS
    return f"""
WITH paar AS ({counts.consecutive()}),
bron AS (
    SELECT b.organisatie, p.peildatum_van, p.peildatum, b.naam,
        b.levering || ' ' || a.levering AS levering, NULL::VARCHAR AS gemeentecode,
        a.is_synthetisch OR b.is_synthetisch AS is_synthetisch,
        a.is_genoemd AND b.is_genoemd AS is_genoemd,
        CASE WHEN a.sector = b.sector AND a.sbi_versie = b.sbi_versie THEN b.sector END AS sector,
        b.sector_label, b.sbi_versie, NULL::VARCHAR AS regio, NULL::VARCHAR AS regio_label
    FROM paar p
    JOIN {ORGANISATIONS} a ON a.organisatie = p.organisatie AND a.peildatum = p.peildatum_van
    JOIN {ORGANISATIONS} b ON b.organisatie = p.organisatie AND b.peildatum = p.peildatum
),
lid AS ({populations.members("bron", moment)}),
volgorde(trede, plaats) AS (VALUES {order}),
-- The whole of either end as well, so that a group must be allowed as a whole first.
omvang AS (
    SELECT organisatie, {moment}, kenmerk, subgroep, sum(werknemers) AS omvang FROM (
        SELECT *, {start} AS kenmerk, unnest([van_trede, {total}]) AS subgroep
        FROM {counts.MOVES} WHERE van_trede NOT IN ({outside})
        UNION ALL BY NAME
        SELECT *, {end} AS kenmerk, unnest([naar_trede, {total}]) AS subgroep
        FROM {counts.MOVES} WHERE naar_trede NOT IN ({outside})
        UNION ALL BY NAME
        SELECT *, {total} AS kenmerk, {total} AS subgroep
        FROM {counts.MOVES} WHERE van_trede NOT IN ({outside})
    ) WHERE indeling = 'oud' GROUP BY ALL
),
{populations.verdicts(moment, minimum, organisations)},
-- Those in the sector's ladder on either day and not compared here could be had by subtraction.
buiten AS (
    SELECT l.sector, l.sbi_versie, l.peildatum_van, l.peildatum, count(*) AS aantal
    FROM (SELECT DISTINCT sector, sbi_versie, {moment} FROM lid WHERE populatie_soort = 'sector') l
    JOIN {ORGANISATIONS} o ON o.sector = l.sector AND o.sbi_versie = l.sbi_versie
        AND o.peildatum IN (l.peildatum_van, l.peildatum)
        AND NOT o.is_genoemd
    WHERE NOT EXISTS (
        SELECT 1 FROM lid x WHERE x.populatie_soort = 'sector' AND x.organisatie = o.organisatie
            AND x.sector = l.sector AND x.sbi_versie = l.sbi_versie
            AND x.peildatum_van = l.peildatum_van AND x.peildatum = l.peildatum)
    GROUP BY ALL
),
uitspraak AS (
    SELECT {", ".join("o." + name for name in population.split(", "))}, o.kenmerk, o.subgroep,
        coalesce(o.reden, h.reden,
            CASE WHEN b.aantal < {int(organisations)} THEN {literal(populations.REST)} END) AS reden
    FROM oordeel o JOIN oordeel h USING ({population})
    LEFT JOIN buiten b ON o.populatie_soort = 'sector' AND b.sector = o.populatie
        AND b.sbi_versie = o.sbi_versie AND b.peildatum_van = o.peildatum_van
        AND b.peildatum = o.peildatum
    WHERE h.kenmerk = {total} AND o.kenmerk <> {total}
),
wie AS (
    SELECT {population}, any_value(populatie_label) AS populatie_label,
        any_value(sector) AS sector, any_value(sector_label) AS sector_label,
        CASE WHEN populatie_soort = 'organisatie' THEN min(levering)
            ELSE 2 * count(*) || ' leveringen' END AS leveringen,
        bool_or(is_synthetisch) AS is_synthetisch
    FROM lid WHERE populatie_soort <> 'regio' GROUP BY {population}
),
stap AS (
    -- Whether the organisation is shown on its own in the group that a step is counted in.
    SELECT l.populatie_soort, l.populatie, l.sbi_versie, m.*,
        coalesce(b.is_eigen, false) AS eigen_begin, coalesce(e.is_eigen, false) AS eigen_eind,
        coalesce(bt.is_eigen, false) AS eigen_begin_totaal,
        coalesce(et.is_eigen, false) AS eigen_eind_totaal
    FROM {counts.MOVES} m JOIN lid l USING (organisatie, {moment})
    LEFT JOIN eigen b ON {_same("b")} AND b.kenmerk = {start} AND b.subgroep = m.van_trede
    LEFT JOIN eigen e ON {_same("e")} AND e.kenmerk = {end} AND e.subgroep = m.naar_trede
    LEFT JOIN eigen bt ON {_same("bt")} AND bt.kenmerk = {start} AND bt.subgroep = {total}
    LEFT JOIN eigen et ON {_same("et")} AND et.kenmerk = {end} AND et.subgroep = {total}
    WHERE l.populatie_soort <> 'regio'
),
opgeteld AS MATERIALIZED (
    SELECT {population}, indeling, categorie, van_trede, naar_trede, sum(werknemers) AS teller,
        coalesce(sum(werknemers) FILTER (WHERE NOT eigen_begin), 0) AS rest_begin,
        coalesce(sum(werknemers) FILTER (WHERE NOT eigen_eind), 0) AS rest_eind,
        coalesce(sum(werknemers) FILTER (WHERE NOT eigen_begin_totaal), 0) AS rest_begin_totaal,
        coalesce(sum(werknemers) FILTER (WHERE NOT eigen_eind_totaal), 0) AS rest_eind_totaal
    FROM stap GROUP BY ALL
),
uitgebreid AS (
    SELECT {population}, indeling, categorie, teller, unnest(CASE
        WHEN van_trede IN ({outside}) THEN [
            {{'v': van_trede, 'n': naar_trede, 'r': rest_eind}},
            {{'v': van_trede, 'n': {total}, 'r': rest_eind_totaal}}]
        WHEN naar_trede IN ({outside}) THEN [
            {{'v': van_trede, 'n': naar_trede, 'r': rest_begin}},
            {{'v': {total}, 'n': naar_trede, 'r': rest_begin_totaal}}]
        WHEN b.plaats > a.plaats THEN [
            {{'v': van_trede, 'n': naar_trede, 'r': rest_begin}},
            {{'v': van_trede, 'n': {literal(UP)}, 'r': rest_begin}},
            {{'v': {total}, 'n': {literal(UP)}, 'r': rest_begin_totaal}}]
        WHEN b.plaats < a.plaats THEN [
            {{'v': van_trede, 'n': naar_trede, 'r': rest_begin}},
            {{'v': van_trede, 'n': {literal(DOWN)}, 'r': rest_begin}},
            {{'v': {total}, 'n': {literal(DOWN)}, 'r': rest_begin_totaal}}]
        ELSE [{{'v': van_trede, 'n': naar_trede, 'r': rest_begin}}] END) AS weg
    FROM opgeteld s
    LEFT JOIN volgorde a ON a.trede = s.van_trede LEFT JOIN volgorde b ON b.trede = s.naar_trede
),
telling AS (
    SELECT * EXCLUDE (weg, teller), weg.v AS van_trede, weg.n AS naar_trede,
        CAST(sum(teller) AS BIGINT) AS teller, CAST(sum(weg.r) AS BIGINT) AS rest_teller
    FROM uitgebreid GROUP BY ALL
),
hoogste AS (SELECT max_by(trede, plaats) AS trede FROM volgorde),
stand AS (
    SELECT {population}, indeling, categorie, zijde, plek.t AS trede, sum(teller) AS n,
        sum(plek.r) AS rest_n
    FROM (
        SELECT *, {start} AS zijde, unnest([{{'t': van_trede, 'r': rest_begin}},
                {{'t': {total}, 'r': rest_begin_totaal}}]) AS plek
        FROM opgeteld WHERE van_trede NOT IN ({outside})
        UNION ALL
        SELECT *, {end} AS zijde, unnest([{{'t': naar_trede, 'r': rest_eind}},
                {{'t': {total}, 'r': rest_eind_totaal}}]) AS plek
        FROM opgeteld WHERE naar_trede NOT IN ({outside})
    ) GROUP BY ALL
),
-- Every way that could be taken is a row, also where nobody took it.
wegen AS (
    SELECT s.* EXCLUDE (n, rest_n), unnest(CASE
        WHEN zijde = {start} AND trede = {total} THEN [{literal(UP)}, {literal(DOWN)},
            {literal(counts.OUTFLOW)}, {literal(counts.REVISED)}]
        WHEN zijde = {start} THEN (SELECT list(trede ORDER BY plaats) FROM volgorde)
            || [{literal(UP)}, {literal(DOWN)}, {literal(counts.OUTFLOW)},
                {literal(counts.REVISED)}]
        ELSE [{literal(counts.INFLOW)}, {literal(counts.REVISED)}] END) AS andere, n, rest_n
    FROM stand s
),
rij AS (
    SELECT w.* EXCLUDE (andere),
        CASE WHEN zijde = {start} THEN trede ELSE andere END AS van_trede,
        CASE WHEN zijde = {start} THEN andere ELSE trede END AS naar_trede
    FROM wegen w
    -- Nobody goes up from the highest rung.
    WHERE NOT (zijde = {start} AND andere = {literal(UP)} AND trede = (SELECT trede FROM hoogste))
),
mag AS (SELECT * FROM uitspraak WHERE reden IS NULL),
getoond AS (
    SELECT r.* EXCLUDE (zijde), u.reden, coalesce(t.teller, 0) AS teller,
        coalesce(t.rest_teller, 0) AS rest_teller,
        {populations.part_of("s.populatie IS NOT NULL", "a.populatie IS NOT NULL")} AS _deel_van
    FROM rij r
    JOIN uitspraak u USING ({population})
    JOIN wie g USING ({population})
    LEFT JOIN mag s ON s.populatie_soort = 'sector' AND s.populatie = g.sector
        AND s.sbi_versie = g.sbi_versie AND {at("s")}
    LEFT JOIN mag a ON a.populatie_soort = 'alle' AND {at("a")}
    LEFT JOIN telling t USING ({population}, indeling, categorie, van_trede, naar_trede)
    WHERE u.kenmerk = r.zijde AND u.subgroep = r.trede AND u.reden IS NULL
),
verboden AS (
    SELECT {population}, u.reden, i.indeling, {literal(NOT_ALLOWED)} AS categorie,
        u.subgroep AS trede, 'x' AS waarde_status,
        CASE WHEN u.kenmerk = {start} THEN u.subgroep ELSE w.stroom END AS van_trede,
        CASE WHEN u.kenmerk = {start} THEN w.stroom ELSE u.subgroep END AS naar_trede
    FROM uitspraak u CROSS JOIN (VALUES ('oud'), ('2022')) i(indeling)
    JOIN (VALUES ({start}, {literal(UP)}), ({start}, {literal(counts.OUTFLOW)}),
        ({end}, {literal(counts.INFLOW)})) w(kenmerk, stroom) USING (kenmerk)
    WHERE u.reden IS NOT NULL AND u.populatie_soort <> 'regio'
        AND NOT (w.stroom = {literal(UP)} AND u.subgroep = (SELECT trede FROM hoogste))
),
trede(trede, trede_label) AS (VALUES {rungs}),
naam(categorie, categorie_label) AS (VALUES {labels()},
    ({literal(NOT_ALLOWED)}, 'Niet toegestaan')),
versie(indeling, indeling_versie) AS (VALUES {versions()}),
klaar AS (
    SELECT s.*, w.* EXCLUDE ({population}), v.indeling_versie, c.categorie_label,
        coalesce(a.trede_label, s.van_trede) AS van_trede_label,
        coalesce(b.trede_label, s.naar_trede) AS naar_trede_label,
        CASE s.trede WHEN {total} THEN {total} ELSE 'functieniveau' END AS ladder,
        date_diff('day', s.peildatum_van, s.peildatum) AS dagen,
        date_diff('day', s.peildatum_van, s.peildatum) BETWEEN {low} AND {high} AS is_jaar,
        CASE WHEN s.van_trede IN ({outside}) THEN s.van_trede
            WHEN s.naar_trede IN ({outside}, {literal(UP)}, {literal(DOWN)}) THEN s.naar_trede
            WHEN q.plaats > p.plaats THEN {literal(UP)}
            WHEN q.plaats < p.plaats THEN {literal(DOWN)}
            ELSE {literal(SAME)} END AS stroom,
        'werknemers' AS eenheid_statistiek, {share("teller", "n")} AS aandeel_pct,
        100 * {wilson("teller", "n", "-")} AS aandeel_laag_pct,
        100 * {wilson("teller", "n", "+")} AS aandeel_hoog_pct, {n_class("n")} AS n_klasse,
        rest_n AS _rest_n, rest_teller AS _rest_teller, s.waarde_status IS NULL AS is_toegestaan
    FROM (SELECT *, NULL::VARCHAR AS waarde_status FROM getoond
        UNION ALL BY NAME SELECT * FROM verboden) s
    JOIN wie w USING ({population})
    JOIN naam c USING (categorie) JOIN versie v USING (indeling)
    LEFT JOIN trede a ON a.trede = s.van_trede LEFT JOIN trede b ON b.trede = s.naar_trede
    LEFT JOIN volgorde p ON p.trede = s.van_trede LEFT JOIN volgorde q ON q.trede = s.naar_trede
)
SELECT {columns.cast(COLUMNS)} FROM klaar ORDER BY {columns.listed(KEY)}
"""


def _same(other: str) -> str:
    """SQL: ``other`` is of the same organisation and pair of peildata as the move ``m``."""
    return " AND ".join(
        f"{other}.{name} = m.{name}" for name in ("organisatie", "peildatum_van", "peildatum")
    )
