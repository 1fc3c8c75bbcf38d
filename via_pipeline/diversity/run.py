"""Diversity tables in the lake: people are counted once per peildatum, marts are made of counts.

Belongs here: connecting the room to the lake, and skipping what has not changed. Does not belong
here: any rule.

``diversity__telling`` has a part per peildatum, ``diversity__overgang`` one per pair of peildata. A
part's name ends in a hash of what went in: the accepted rows of its deliveries (file, count and a
fingerprint of the people in view, so that an objection counts), the register's facts, the list of
countries and the SQL itself. A part of the same name is kept; nothing of it is read again. The SQL
that looks at people runs on the engine that was chosen (``engine.heavy``); the part is the same.

So the peildata can be counted one by one and elsewhere: ``count`` writes the parts of one, and the
next ``refresh`` finds them there. Only ``refresh`` says what a table is made of.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import duckdb

from via_pipeline.contracts.model import load
from via_pipeline.diversity import (
    barometer,
    benchmark,
    counts,
    flow,
    ladder,
    linkage,
    organisations,
    populations,
    trend,
)
from via_pipeline.engine import heavy
from via_pipeline.pilots import catalog
from via_pipeline.storage import lake
from via_pipeline.storage.duck import among, literal, quoted, work
from via_pipeline.storage.hashing import sha256_of
from via_pipeline.storage.home import Home

TABLE = barometer.TABLE
SOURCES = (organisations.SOURCE, "reference", "register")
MARTS = {
    barometer.TABLE: barometer.mart,
    ladder.TABLE: ladder.mart,
    flow.TABLE: flow.mart,
    benchmark.TABLE: benchmark.mart,
    benchmark.PUBLISHED: benchmark.published,
    trend.TABLE: trend.mart,
    linkage.TABLE: linkage.mart,
}
"""Each table made of counts, with what gives its SQL."""

_PEOPLE = "pilots__p4_baan"
_LAND = "reference__land"
_WORK = "via_"
"""Before the name of a table: what Spark counted of it, on the way to its place."""


@dataclass
class Done:
    """What a refresh did: rows of each mart, and the parts that were computed or kept."""

    rows: dict[str, int] = field(default_factory=dict)
    computed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Piece:
    """A part to be: its table, the days it is of, the deliveries it reads and its SQL."""

    table: str
    days: tuple[date, ...]
    deliveries: tuple[str, ...]
    query: str

    @property
    def name(self) -> str:
        """Its days, as people read them."""
        return "_".join(day.isoformat() for day in self.days)


def refresh(home: Home) -> Done:
    """Write every table of the room over what is in force now."""
    with work(home.scratch) as connection:
        catalog.register(connection, home, [load(source) for source in SOURCES])
        return refresh_on(connection, home)


def refresh_on(connection: duckdb.DuckDBPyConnection, home: Home) -> Done:
    """The same over a connection on which the catalog is registered already."""
    done = Done()
    _table(connection, organisations.TABLE, organisations.query())
    seen = _fingerprints(connection, home)
    for table, columns in (
        (counts.COUNTS, counts.COUNT_COLUMNS),
        (counts.MOVES, counts.MOVE_COLUMNS),
    ):
        _parts(connection, home, _pieces(connection, table), seen, done, table)
        lake.view(connection, home.lake, table, columns)
    _table(connection, populations.TABLE, populations.query())
    for table, mart in MARTS.items():
        done.rows[table] = lake.replace_table(home.lake, table, connection, mart()).rows
    return done


def count(home: Home, peildatum: date) -> Done:
    """Write the parts of one peildatum: its counts, and the moves to it from the peildatum before.

    No table changes: the parts are left for ``refresh``, which takes what has the right name. Safe
    beside other peildata in other processes, and beside a ``refresh``: a part comes whole or not
    at all, and the same part has the same bytes whoever writes it. What nobody takes up (something
    changed in between) the next ``refresh`` clears away. A day without deliveries has no parts.
    """
    done = Done()
    with work(home.scratch) as connection:
        catalog.register(connection, home, [load(source) for source in SOURCES])
        _table(connection, organisations.TABLE, organisations.query())
        wanted = {
            table: [one for one in _pieces(connection, table) if one.days[-1] == peildatum]
            for table in (counts.COUNTS, counts.MOVES)
        }
        deliveries = {
            name for pieces in wanted.values() for one in pieces for name in one.deliveries
        }
        seen = _fingerprints(connection, home, deliveries)
        for table, pieces in wanted.items():
            known = lake.listed(home.lake, table)
            for piece in pieces:
                _written(connection, home, piece, seen, done, known)
    return done


def peildata(home: Home) -> dict[date, str]:
    """The peildata with deliveries in force, oldest first, each with a digest of what they rest on.

    The digest changes with an accepted file, the list of who objected, the register and the
    reference data; nothing of a person is read for it.
    """
    with work(home.scratch) as connection:
        catalog.register(connection, home, [load(source) for source in SOURCES])
        _table(connection, organisations.TABLE, organisations.query())
        files = _accepted(home)
        around = [
            (name, part.sha256)
            for name in lake.tables(home.lake)
            if name.split("__")[0] in ("register", "reference")
            for part in lake.parts(home.lake, name)
        ]
        if home.exclusions.exists():
            around.append((home.exclusions.name, sha256_of(home.exclusions)))
        found = {}
        for piece in _pieces(connection, counts.COUNTS):
            text = json.dumps([around, [(one, files.get(one)) for one in piece.deliveries]])
            found[piece.days[-1]] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return found


def see(connection: duckdb.DuckDBPyConnection) -> None:
    """Make every table of the room a temporary one on ``connection``: what an edition reads.

    The catalog must be registered on it, as of the edition's day.
    """
    _table(connection, organisations.TABLE, organisations.query())
    for table, query in ((counts.COUNTS, counts.counts()), (counts.MOVES, counts.moves())):
        _table(connection, table, heavy.counted(connection, _WORK + table, query))
    for table, query in (
        (populations.TABLE, populations.query()),
        *((table, mart()) for table, mart in MARTS.items()),
    ):
        _table(connection, table, query)


@dataclass(frozen=True)
class Questions:
    """What a refresh gives rise to ask: no figure of an origin group.

    ``by_key``: kind of number, jobs, percentage not linked, maximum. ``jumped``: populations and
    days of a change above the expected order. ``open_ends``: rungs of which the flows do not add up
    to the stock, which is our own fault.
    """

    links: int
    links_over: int
    by_key: list[tuple[str, int, float, float]]
    jumps: int
    largest_jump_pp: float
    jumped: list[tuple[str, date]]
    open_ends: int


def questions(home: Home) -> Questions:
    """The questions of the tables in the lake now.

    Raises:
        NoSuchTable: they were never written.
    """
    with work(home.scratch) as connection:
        for table in (linkage.TABLE, trend.TABLE, counts.COUNTS, counts.MOVES):
            columns = {counts.COUNTS: counts.COUNT_COLUMNS, counts.MOVES: counts.MOVE_COLUMNS}
            lake.view(connection, home.lake, table, columns.get(table))
        links, over = connection.execute(
            f"SELECT count(*), count(*) FILTER (WHERE NOT is_binnen) FROM {linkage.TABLE}"
        ).fetchall()[0]
        by_key = connection.execute(
            "SELECT sleutel_soort, sum(n)::BIGINT, round(100 * sum(teller) / sum(n)::DOUBLE, 3), "
            f"max(maximum_pct)::DOUBLE FROM {linkage.TABLE} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        jumps, largest = connection.execute(
            "SELECT count(*) FILTER (WHERE is_sprong), "
            "coalesce(max(abs(verschil_pp_jaar)) FILTER (WHERE is_sprong), 0)::DOUBLE "
            f"FROM {trend.TABLE}"
        ).fetchall()[0]
        jumped = connection.execute(
            "SELECT DISTINCT populatie_soort || ' ' || populatie, peildatum "
            f"FROM {trend.TABLE} WHERE is_sprong ORDER BY ALL"
        ).fetchall()
        open_ends = connection.execute(_OPEN_ENDS).fetchall()[0][0]
    return Questions(links, over, by_key, jumps, largest, jumped, open_ends)


# The stocks come from counting one day, the flows from comparing two: two ways to one number.
_OPEN_ENDS = f"""
WITH stroom AS (
    SELECT organisatie, peildatum_van AS peildatum, indeling, categorie, van_trede AS trede,
        peildatum_van, peildatum AS tot, sum(werknemers) AS n
    FROM {counts.MOVES} WHERE van_trede NOT IN ('{counts.INFLOW}', '{counts.REVISED}') GROUP BY ALL
    UNION ALL
    SELECT organisatie, peildatum, indeling, categorie, naar_trede, peildatum_van, peildatum,
        sum(werknemers)
    FROM {counts.MOVES} WHERE naar_trede NOT IN ('{counts.OUTFLOW}', '{counts.REVISED}')
    GROUP BY ALL
),
paar AS (SELECT DISTINCT organisatie, peildatum_van, peildatum AS tot FROM {counts.MOVES}),
stand AS (
    SELECT t.organisatie, t.peildatum, t.indeling, t.categorie, t.subgroep AS trede,
        p.peildatum_van, p.tot, t.werknemers AS n
    FROM {counts.COUNTS} t JOIN paar p ON p.organisatie = t.organisatie
        AND t.peildatum IN (p.peildatum_van, p.tot)
    WHERE t.kenmerk = 'functieniveau' AND t.werknemers > 0
)
SELECT count(*) FROM stroom s
FULL JOIN stand d USING (organisatie, peildatum, indeling, categorie, trede, peildatum_van, tot)
WHERE s.n IS DISTINCT FROM d.n
"""


def _table(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS {query}")


def _pieces(connection: duckdb.DuckDBPyConnection, table: str) -> list[_Piece]:
    if table == counts.COUNTS:
        found = connection.execute(
            "SELECT peildatum, list(levering ORDER BY levering) "
            f"FROM {organisations.TABLE} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        return [_piece(table, [day], deliveries) for day, deliveries in found]
    found = connection.execute(
        f"SELECT p.peildatum_van, p.peildatum, list(o.levering ORDER BY o.levering) "
        f"FROM ({counts.consecutive()}) p JOIN {organisations.TABLE} o "
        "ON o.organisatie = p.organisatie AND o.peildatum IN (p.peildatum_van, p.peildatum) "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [_piece(table, days, deliveries) for *days, deliveries in found]


def _piece(table: str, days: Iterable[date], deliveries: list[str]) -> _Piece:
    days = tuple(days)
    if table == counts.COUNTS:
        return _Piece(table, days, tuple(deliveries), counts.counts(deliveries))
    first, last = (literal(day.isoformat()) for day in days)
    pairs = (
        f"SELECT * FROM ({counts.consecutive()}) "
        f"WHERE peildatum_van = DATE {first} AND peildatum = DATE {last}"
    )
    return _Piece(table, days, tuple(deliveries), counts.moves(deliveries, pairs))


def _parts(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    pieces: list[_Piece],
    seen: Mapping[str, str],
    done: Done,
    table: str,
) -> None:
    known = lake.listed(home.lake, table)
    made = [_written(connection, home, piece, seen, done, known) for piece in pieces]
    lake.settle(home.lake, table, made)


def _written(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    piece: _Piece,
    seen: Mapping[str, str],
    done: Done,
    known: Mapping[str, lake.Part],
) -> lake.Part:
    """The part of ``piece``: the one that is there under its name, else written now."""
    text = "\n".join([piece.query, seen[_LAND], *(seen[one] for one in piece.deliveries)])
    name = f"{piece.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    kept = lake.remembered(home.lake, piece.table, name, known)
    if kept is not None:
        done.kept.append(f"{piece.table}/{piece.name}")
        return kept
    done.computed.append(f"{piece.table}/{piece.name}")
    query = heavy.counted(connection, _WORK + piece.table, piece.query)
    return lake.write_part(home.lake, piece.table, name, connection, query)


def _accepted(home: Home) -> dict[str, str]:
    """Per delivery of people in force the hash of its accepted file."""
    return {name: part.sha256 for name, part in lake.listed(home.lake, _PEOPLE).items()}


def _fingerprints(
    connection: duckdb.DuckDBPyConnection, home: Home, deliveries: Iterable[str] | None = None
) -> dict[str, str]:
    """Per delivery (of ``deliveries``; None is all) what its people look like from here, and the
    countries.

    The accepted file's own hash, and the people through the view: who is left out there, by an
    objection, is left out of the sum.
    """
    land = connection.execute(f"SELECT count(*), sum(hash(l)) FROM {_LAND} l").fetchone()
    files = _accepted(home)
    chosen = "true" if deliveries is None else among("o.levering", sorted(deliveries))
    found = connection.execute(
        "SELECT o.levering, count(b._delivery), sum(hash(b.persoon_id)) "
        f"FROM {organisations.TABLE} o LEFT JOIN {_PEOPLE} b ON b._delivery = o.levering "
        f"WHERE {chosen} GROUP BY ALL"
    ).fetchall()
    return {_LAND: str(land)} | {
        levering: f"{levering} {files.get(levering)} {people} {total}"
        for levering, people, total in found
    }
