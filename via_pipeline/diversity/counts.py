"""Counting people: jobs and employees per organisation, characteristic and origin; moves of people.

Belongs here: the two relations that look at persons, ``diversity__telling`` and
``diversity__overgang``, as SQL over ``pilots__p4_baan``. Everything after them sees counts only.
Does not belong here: who may be shown (``populations``), what an origin is (``origin``).

- An employee with several jobs in an organisation counts once, where the job with the highest
  function level is (then the highest salary scale, then the lowest job number). So subgroups of a
  characteristic add up to the employees of the organisation.
- A person is the pair of kind and pseudonym. Who comes under another kind of number on a later day
  is not recognised: that is one who left and one who came.
- On two days persons are compared by the MD5 (128 bits) of that pair: fixed width, and with 10
  million persons the chance that any two meet is some 1 in 10^24.

Made to run in little memory: jobs are read from their files, not held; only persons with several
jobs are looked at one by one. The SQL takes a list of deliveries, so that one peildatum can be done
alone (``run``), or all at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from via_pipeline.contracts.model import SOURCES, load
from via_pipeline.diversity.organisations import SOURCE
from via_pipeline.diversity.organisations import TABLE as ORGANISATIONS
from via_pipeline.diversity.origin import GROUPS, UNKNOWN, with_origin
from via_pipeline.storage.duck import literal, quoted

COUNTS = "diversity__telling"
MOVES = "diversity__overgang"
TOTAL = "totaal"
LINK = "koppeling"
LINKED, NOT_LINKED = "gekoppeld", "niet_gekoppeld"
INFLOW, OUTFLOW, REVISED = "instroom", "uitstroom", "herzien"
SALARY_BANDS = (1, 6, 9, 12, 15)
"""First scale of each salary band, of the 18 scales of the contract. Ours: a parameter."""
HIGHEST_SCALE = 18

COUNT_COLUMNS: dict[str, str] = {
    "organisatie": "VARCHAR",
    "peildatum": "DATE",
    "kenmerk": "VARCHAR",
    "subgroep": "VARCHAR",
    "indeling": "VARCHAR",
    "categorie": "VARCHAR",
    "banen": "BIGINT",
    "werknemers": "BIGINT",
}
"""``diversity__telling``. ``kenmerk`` ``koppeling`` tells per kind of number how many jobs were
linked to the population register; its ``indeling`` is ``koppeling`` too."""

MOVE_COLUMNS: dict[str, str] = {
    "organisatie": "VARCHAR",
    "peildatum_van": "DATE",
    "peildatum": "DATE",
    "indeling": "VARCHAR",
    "categorie": "VARCHAR",
    "van_trede": "VARCHAR",
    "naar_trede": "VARCHAR",
    "werknemers": "BIGINT",
}
"""``diversity__overgang``: employees by function level on two consecutive peildata. ``van_trede``
is a level, ``instroom`` or ``herzien``; ``naar_trede`` a level, ``uitstroom`` or ``herzien``: whose
origin was given differently leaves the one group and enters the other, so that both ends add up."""


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


def salary_band(scale: str) -> str:
    """SQL for the band of a salary scale: ``1-5``, ..., ``15-18``; NULL stays NULL."""
    ends = (*SALARY_BANDS[1:], HIGHEST_SCALE + 1)
    cases = " ".join(
        f"WHEN {scale} < {end} THEN '{start}-{end - 1}'"
        for start, end in zip(SALARY_BANDS, ends, strict=True)
    )
    return f"CASE {cases} END"


# The characteristics, as SQL over a job ``b`` and its organisation ``o``. Only the year of birth is
# kept, so age is that reached in the year of the peildatum. The classes are ours: an organisation
# chooses its own when it asks for the Barometer.
CHARACTERISTICS: dict[str, str] = {
    "onderdeel": "b.onderdeel",
    "functieniveau": "b.functieniveau",
    "salarisschaal": "CAST(b.salarisschaal AS VARCHAR)",
    "salarisband": salary_band("b.salarisschaal"),
    "leeftijdsklasse": in_classes("year(o.peildatum) - b.geboortejaar", (25, 35, 45, 55)),
    "diensttijdklasse": in_classes(
        "date_sub('year', b.datum_in_dienst, o.peildatum)", (2, 5, 10, 20)
    ),
}


def counts(deliveries: Iterable[str] | None = None, sources: Path = SOURCES) -> str:
    """SQL of ``diversity__telling`` (``COUNT_COLUMNS``) over ``deliveries`` (None: all in force).

    The catalog must hold ``p4_barometer``, ``reference`` and ``register``, and
    ``diversity__organisatie`` must be readable.
    """
    origins = {name: f"herkomst_{name}" for name in GROUPS}
    sets = [
        f"(organisatie, peildatum, {characteristic + ', ' if characteristic else ''}{column})"
        for column in origins.values()
        for characteristic in ("", *CHARACTERISTICS)
    ]
    sets.append("(organisatie, peildatum, sleutel_soort, is_gekoppeld)")
    kind = " ".join(f"WHEN grouping({name}) = 0 THEN {literal(name)}" for name in CHARACTERISTICS)
    group = " ".join(f"WHEN grouping({name}) = 0 THEN {name}" for name in CHARACTERISTICS)
    scheme = " ".join(
        f"WHEN grouping({column}) = 0 THEN {literal(name)}" for name, column in origins.items()
    )
    category = " ".join(f"WHEN grouping({column}) = 0 THEN {column}" for column in origins.values())
    is_link = "grouping(sleutel_soort) = 0"
    return f"""
WITH {_people(deliveries, sources)},
geteld AS (
    SELECT organisatie, peildatum,
        CASE WHEN {is_link} THEN {literal(LINK)} {kind} ELSE {literal(TOTAL)} END AS kenmerk,
        CASE WHEN {is_link} THEN sleutel_soort {group} ELSE {literal(TOTAL)} END AS subgroep,
        CASE WHEN {is_link} THEN {literal(LINK)} {scheme} END AS indeling,
        CASE WHEN {is_link} THEN
                CASE WHEN is_gekoppeld THEN {literal(LINKED)} ELSE {literal(NOT_LINKED)} END
            {category} END AS categorie,
        count(*) AS banen, count(*) FILTER (WHERE is_hoofdbaan) AS werknemers
    FROM persoon GROUP BY GROUPING SETS ({", ".join(sets)})
)
SELECT {_cast(COUNT_COLUMNS)} FROM geteld WHERE subgroep IS NOT NULL
ORDER BY organisatie, peildatum, kenmerk, subgroep, indeling, categorie
"""


def moves(
    deliveries: Iterable[str] | None = None, pairs: str | None = None, sources: Path = SOURCES
) -> str:
    """SQL of ``diversity__overgang`` (``MOVE_COLUMNS``).

    ``deliveries`` are those of both days (None: all in force); ``pairs`` is SQL for a relation of
    (organisatie, peildatum_van, peildatum), by default ``consecutive()``. Needs the same as
    ``counts``.
    """
    both = ", ".join(f"a.herkomst_{n} AS van_{n}, b.herkomst_{n} AS naar_{n}" for n in GROUPS)
    expanded = " UNION ALL ".join(
        f"""
    SELECT organisatie, peildatum_van, peildatum, {literal(name)} AS indeling,
        unnest(CASE
            WHEN van_{name} IS NULL THEN [{{'c': naar_{name}, 'v': {literal(INFLOW)}, 'n': naar}}]
            WHEN naar_{name} IS NULL THEN [{{'c': van_{name}, 'v': van, 'n': {literal(OUTFLOW)}}}]
            WHEN van_{name} = naar_{name} THEN [{{'c': van_{name}, 'v': van, 'n': naar}}]
            ELSE [{{'c': van_{name}, 'v': van, 'n': {literal(REVISED)}}},
                  {{'c': naar_{name}, 'v': {literal(REVISED)}, 'n': naar}}]
        END) AS stap, mensen
    FROM samen"""
        for name in GROUPS
    )
    return f"""
WITH {_people(deliveries, sources)},
paar AS ({pairs or consecutive()}),
plaats AS (
    SELECT organisatie, peildatum,
        md5_number(concat_ws(chr(31), sleutel_soort, sleutel)) AS persoon,
        coalesce(functieniveau, {literal(UNKNOWN)}) AS trede,
        {", ".join(f"herkomst_{name}" for name in GROUPS)}
    FROM persoon WHERE is_hoofdbaan
),
eerst AS (
    SELECT p.*, paar.peildatum AS tot FROM plaats p
    JOIN paar ON paar.organisatie = p.organisatie AND paar.peildatum_van = p.peildatum
),
later AS (
    SELECT p.*, paar.peildatum_van AS vanaf FROM plaats p
    JOIN paar ON paar.organisatie = p.organisatie AND paar.peildatum = p.peildatum
),
samen AS (
    SELECT coalesce(a.organisatie, b.organisatie) AS organisatie,
        coalesce(a.peildatum, b.vanaf) AS peildatum_van, coalesce(a.tot, b.peildatum) AS peildatum,
        a.trede AS van, b.trede AS naar, {both}, count(*) AS mensen
    FROM eerst a FULL JOIN later b
        ON a.persoon = b.persoon AND a.organisatie = b.organisatie AND a.tot = b.peildatum
    GROUP BY ALL
),
stappen AS ({expanded})
SELECT organisatie, peildatum_van, peildatum, indeling, stap.c AS categorie, stap.v AS van_trede,
    stap.n AS naar_trede, CAST(sum(mensen) AS BIGINT) AS werknemers
FROM stappen GROUP BY ALL
ORDER BY organisatie, peildatum_van, peildatum, indeling, categorie, van_trede, naar_trede
"""


def consecutive() -> str:
    """SQL: the pairs (organisatie, peildatum_van, peildatum) of peildata next to each other."""
    return (
        "SELECT * FROM (SELECT organisatie, lag(peildatum) OVER (PARTITION BY organisatie "
        f"ORDER BY peildatum) AS peildatum_van, peildatum FROM {ORGANISATIONS}) "
        "WHERE peildatum_van IS NOT NULL"
    )


def _people(deliveries: Iterable[str] | None, sources: Path) -> str:
    """CTEs that end in ``persoon``: every job, with whether it is the person's main one.

    Who may have several is found by a hash: two persons that share one are both among ``meer``, and
    are told apart there.
    """
    keys = "organisatie, peildatum, sleutel_hash"
    person = "organisatie, peildatum, sleutel_soort, sleutel"
    order = (
        "functieniveau DESC NULLS LAST, schaal DESC NULLS LAST, baan_nr, "
        "herkomst_oud, herkomst_2022"
    )
    return f"""
baan AS NOT MATERIALIZED ({_jobs(deliveries, sources)}),
meer AS MATERIALIZED (
    SELECT {keys} FROM ({_keys(deliveries, sources)}) GROUP BY {keys} HAVING count(*) > 1
),
persoon AS NOT MATERIALIZED (
    SELECT b.*, true AS is_hoofdbaan FROM baan b ANTI JOIN meer USING ({keys})
    UNION ALL
    SELECT b.*, row_number() OVER (PARTITION BY {person} ORDER BY {order}) = 1 AS is_hoofdbaan
    FROM baan b SEMI JOIN meer USING ({keys})
)"""


def _delivered(deliveries: Iterable[str] | None, sources: Path) -> tuple[str, str, str]:
    """SQL of the rows of ``deliveries``, and the columns with the kind and number of a person."""
    table = load(SOURCE, sources).table("baan")
    name = table.persons[0].name
    source = quoted(table.lake_table)
    if deliveries is not None:
        listed = ", ".join(literal(one) for one in sorted(deliveries))
        source = f"(SELECT * FROM {source} WHERE _delivery IN ({listed}))"
    return source, quoted(f"{name}_id_soort"), quoted(f"{name}_id")


def _keys(deliveries: Iterable[str] | None, sources: Path) -> str:
    """Organisation, peildatum and hash of the person of every job; nothing else is read."""
    source, _, number = _delivered(deliveries, sources)
    return (
        f"SELECT o.organisatie, o.peildatum, hash(b.{number}) AS sleutel_hash "
        f"FROM {source} b JOIN {ORGANISATIONS} o ON o.levering = b._delivery"
    )


def _jobs(deliveries: Iterable[str] | None, sources: Path) -> str:
    """Jobs with organisation, peildatum, person, characteristics and both origin groups."""
    source, kind, number = _delivered(deliveries, sources)
    countries = ("geboorteland", "geboorteland_moeder", "geboorteland_vader")
    origin = with_origin(source, *countries)
    columns = ", ".join(f"{sql} AS {column}" for column, sql in CHARACTERISTICS.items())
    known = " OR ".join(f"b.{country} IS NOT NULL" for country in countries)
    return (
        "SELECT o.organisatie, o.peildatum, "
        f"b.{kind} AS sleutel_soort, b.{number} AS sleutel, hash(b.{number}) AS sleutel_hash, "
        f"({known}) AS is_gekoppeld, b.baan_nr, "
        f"b.salarisschaal AS schaal, {columns}, b.herkomst_oud, b.herkomst_2022 "
        f"FROM ({origin}) b JOIN {ORGANISATIONS} o ON o.levering = b._delivery"
    )


def _cast(columns: dict[str, str]) -> str:
    return ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in columns.items())
