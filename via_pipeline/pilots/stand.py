"""The state of each pilot and site: what was planned, aimed at and realised, and who was reached.

Belongs here: the register's words and figures beside counts over deliveries, one row a pilot and
site. Planned, target and realised stand in columns of their own and are never subtracted here.
Does not belong here: outcomes, and hiding small counts (``deelnemers_n`` is a count of persons and
passes ``disclosure`` before anyone outside sees it).

``alle`` is the pilot as a whole. A site's row counts the deliveries whose key names that site.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from via_pipeline.contracts.model import Contract, load_all
from via_pipeline.pilots import catalog
from via_pipeline.pilots.basis import Basis, taken_up
from via_pipeline.storage import lake
from via_pipeline.storage.duck import literal, quoted, work
from via_pipeline.storage.home import Home

TABLE = "pilots__stand"
COLUMNS: dict[str, str] = {
    "pilot_id": "VARCHAR",
    "locatie": "VARCHAR",
    "locatie_naam": "VARCHAR",
    "locatie_soort": "VARCHAR",
    "thema": "VARCHAR",
    "korte_naam": "VARCHAR",
    "pilotlijn": "VARCHAR",
    "design": "VARCHAR",
    "claim": "VARCHAR",
    "fase": "VARCHAR",
    "status": "VARCHAR",
    "statustekst": "VARCHAR",
    "statustekst_bekend_op": "DATE",
    "gepland": "VARCHAR",
    "doel": "VARCHAR",
    "gerealiseerd": "VARCHAR",
    "ontwerp": "VARCHAR",
    "budget": "VARCHAR",
    "voorwaarde": "VARCHAR",
    "evaluator": "VARCHAR",
    "leveringen_ontvangen": "BIGINT",
    "leveringen_in_gebruik": "BIGINT",
    "bronhouders": "BIGINT",
    "deelnemers_n": "BIGINT",
    "leveringen": "VARCHAR",
    "is_synthetisch": "BOOLEAN",
}
"""Columns of the table and their DuckDB types, in order."""

PIECES = "pilots__stand__deelnemers"
"""The folder below the lake with the number of persons of each pilot; no table."""
_COUNTED = {"pilot_id": "VARCHAR", "locatie": "VARCHAR", "deelnemers_n": "BIGINT"}

WHOLE = "alle"
_SITE = "locatie"
# Fields of a delivery's key that name who it is about; the others name a period or a moment.
_SENDERS = frozenset({"werkgever", "organisatie", "school", "instelling", _SITE})

# Column of pilots__stand <- kinds of figure in register__doel.
_FIGURES = {
    "gepland": ("planned",),
    "doel": ("target", "target_minimum"),
    "gerealiseerd": ("realised",),
    "ontwerp": ("design",),
    "budget": ("budget",),
    "voorwaarde": ("eligibility",),
}


def query(contracts: Iterable[Contract], participants: str | None = None) -> str:
    """SQL of the state, over the views that ``catalog.register`` made for ``contracts``.

    The contracts must include ``register``. Columns, in order: pilot_id, locatie, locatie_naam,
    locatie_soort, thema, korte_naam, pilotlijn, design, claim, fase, status, statustekst,
    statustekst_bekend_op, gepland, doel, gerealiseerd, ontwerp, budget, voorwaarde (texts),
    evaluator, leveringen_ontvangen, leveringen_in_gebruik, bronhouders (distinct
    employers, organisations or sites; NULL where deliveries name none),
    deelnemers_n (distinct persons), leveringen (ids), is_synthetisch. ``participants`` is SQL of
    the persons (``_COUNTED``) where they were counted before.
    """
    sources = [contract for contract in contracts if contract.pilot]
    figures = ",\n".join(_figures(name, kinds) for name, kinds in _FIGURES.items())
    return f"""
WITH levering AS ({_deliveries(sources)}),
deelnemers AS ({participants or _every(sources)}),
stand AS (
    SELECT pilot_id, arg_max(struct_pack(brief, fase, status, tekst, bekend_op), bekend_op) AS s
    FROM register__status GROUP BY pilot_id
),
doel AS (
    SELECT pilot_id, locatie, {figures}
    FROM register__doel GROUP BY pilot_id, locatie
),
evaluator AS (
    SELECT pilot_id, locatie, string_agg(partner, ', ' ORDER BY partner) AS evaluator
    FROM register__partner WHERE rol = 'evaluator' GROUP BY pilot_id, locatie
),
bereik AS (
    SELECT l.pilot_id, l.locatie,
        count(DISTINCT v.delivery_id) AS leveringen_ontvangen,
        count(DISTINCT v.delivery_id) FILTER (v.is_in_gebruik) AS leveringen_in_gebruik,
        nullif(count(DISTINCT v.bronhouder) FILTER (v.is_in_gebruik), 0) AS bronhouders,
        string_agg(DISTINCT v.delivery_id, ' ' ORDER BY v.delivery_id)
            FILTER (v.is_in_gebruik) AS leveringen,
        bool_or(v.is_synthetisch) FILTER (v.is_in_gebruik) AS is_synthetisch
    FROM register__locatie l
    LEFT JOIN levering v
        ON v.pilot_id = l.pilot_id AND l.locatie IN ({literal(WHOLE)}, v.locatie)
    GROUP BY l.pilot_id, l.locatie
)
SELECT l.pilot_id, l.locatie, l.naam AS locatie_naam, l.soort AS locatie_soort, t.thema,
    t.korte_naam, t.pilotlijn, l.design, l.claim, s.s.fase AS fase, s.s.status AS status,
    s.s.tekst AS statustekst, s.s.bekend_op AS statustekst_bekend_op,
    {", ".join(f"d.{name}" for name in _FIGURES)}, e.evaluator,
    b.leveringen_ontvangen, b.leveringen_in_gebruik, b.bronhouders,
    coalesce(n.deelnemers_n, 0) AS deelnemers_n, b.leveringen,
    coalesce(b.is_synthetisch, false) AS is_synthetisch
FROM register__locatie l
JOIN register__thema t USING (pilot_id)
JOIN bereik b USING (pilot_id, locatie)
LEFT JOIN deelnemers n USING (pilot_id, locatie)
LEFT JOIN stand s USING (pilot_id)
LEFT JOIN doel d USING (pilot_id, locatie)
LEFT JOIN evaluator e USING (pilot_id, locatie)
ORDER BY l.pilot_id, l.locatie
"""


def refresh(home: Home, contracts: Iterable[Contract] | None = None) -> int:
    """Write ``pilots__stand`` for now; return the number of rows.

    Persons are counted once a pilot, until something of it changes.
    """
    chosen = list(contracts) if contracts is not None else load_all()
    basis = Basis(home, chosen)
    with work(home.scratch) as connection:
        catalog.register(connection, home, chosen)
        asked = {
            "-".join([pilot, *(basis.name(connection, one, sql) for one in sources)]): partial(
                str, sql
            )
            for pilot, (sources, sql) in _participants(chosen).items()
        }
        parts = taken_up(connection, home, PIECES, asked)
        counted = lake.scan(home.lake, parts, _COUNTED)
        return lake.replace_table(home.lake, TABLE, connection, query(chosen, counted)).rows


def _figures(name: str, kinds: tuple[str, ...]) -> str:
    """A text such as ``30 statushouders met een vaste baan in 2021``, figures joined by ``; ``."""
    wanted = ", ".join(literal(kind) for kind in kinds)
    # A minimum is said as one: 30 at least is another promise than 30.
    text = "CASE soort WHEN 'target_minimum' THEN 'minimaal ' ELSE '' END"
    text += " || CASE eenheid WHEN 'EUR' THEN '€ ' ELSE '' END"
    text += " || replace(format('{:,}', waarde), ',', '.') || ' ' || maat_label"
    return (
        f"string_agg({text}, '; ' ORDER BY onderdeel, maat, soort) "
        f"FILTER (soort IN ({wanted})) AS {name}"
    )


def _deliveries(sources: list[Contract]) -> str:
    """pilot_id, locatie (NULL where the key has none), bronhouder and facts of every delivery."""
    selects = []
    for contract in sources:
        senders = [name for name in contract.delivery.key if name in _SENDERS]
        sender = ", ".join(f"sleutel[{literal(name)}]" for name in senders)
        selects.append(
            f"SELECT {literal(contract.pilot or '')} AS pilot_id, "
            f"sleutel[{literal(_SITE)}] AS locatie, "
            f"{f'concat_ws(chr(31), {sender})' if sender else 'NULL::VARCHAR'} AS bronhouder, "
            f"delivery_id, is_synthetisch, is_in_gebruik "
            f"FROM {catalog.DELIVERIES} WHERE bron = {literal(contract.source)}"
        )
    return "\nUNION ALL\n".join(selects) or _none("locatie, bronhouder, delivery_id")


def _every(sources: list[Contract]) -> str:
    """``_COUNTED`` of all pilots."""
    selects = [f"SELECT * FROM ({sql})" for _, sql in _participants(sources).values()]
    return "\nUNION ALL\n".join(selects) or _none("locatie, deelnemers_n")


def _participants(contracts: list[Contract]) -> dict[str, tuple[list[Contract], str]]:
    """By pilot its sources that have persons, and SQL of how many there are (``_COUNTED``).

    Of the first table of every source that has persons. Sites are those in the deliveries' keys;
    ``alle`` is the whole.
    """
    rows: dict[str, list[tuple[Contract, str]]] = {}
    for contract in contracts:
        for table in contract.tables:
            if contract.pilot and table.conformed and table.persons:
                person = table.persons[0].name
                pair = f"r.{quoted(person + '_id_soort')}, r.{quoted(person + '_id')}"
                sql = (
                    f"SELECT v.sleutel[{literal(_SITE)}] AS locatie, "
                    f"concat_ws(chr(31), {pair}) AS persoon FROM {quoted(table.lake_table)} r "
                    f"JOIN {catalog.DELIVERIES} v ON v.delivery_id = r._delivery"
                )
                rows.setdefault(contract.pilot, []).append((contract, sql))
                break
    found = {}
    for pilot, selects in rows.items():
        united = " UNION ALL ".join(sql for _, sql in selects)
        place = f"SELECT {literal(pilot)} AS pilot_id"
        counted = (
            f"{place}, {literal(WHOLE)} AS locatie, count(*) AS deelnemers_n "
            f"FROM (SELECT DISTINCT persoon FROM ({united}))"
        )
        if any(_SITE in contract.delivery.key for contract, _ in selects):
            counted += (
                f"\nUNION ALL\n{place}, locatie, count(DISTINCT persoon) AS deelnemers_n "
                f"FROM ({united}) WHERE locatie <> {literal(WHOLE)} GROUP BY locatie"
            )
        ordered = f"SELECT * FROM ({counted}) ORDER BY ALL"
        found[pilot] = [contract for contract, _ in selects], ordered
    return {pilot: found[pilot] for pilot in sorted(found)}


def _none(columns: str) -> str:
    """An empty relation, for a house without pilots (a test, a new installation)."""
    texts = ", ".join(f"NULL::VARCHAR AS {name.strip()}" for name in columns.split(","))
    return (
        f"SELECT NULL::VARCHAR AS pilot_id, {texts}, NULL::BOOLEAN AS is_synthetisch, "
        "NULL::BOOLEAN AS is_in_gebruik WHERE false"
    )
