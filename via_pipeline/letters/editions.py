"""Editions, and the published tables as an edition sees them.

Belongs here: which letters are editions, and making ``disclosure__*`` on a connection over what was
received and known by an edition's reading date. Does not belong here: files (``package``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import duckdb

from via_pipeline.context import werkloosheid
from via_pipeline.contracts.model import Contract, load_all
from via_pipeline.disclosure import record
from via_pipeline.disclosure.proof import NotSafe
from via_pipeline.disclosure.protect import Release
from via_pipeline.disclosure.run import protect_on
from via_pipeline.diversity import run as diversity
from via_pipeline.letters import published
from via_pipeline.letters.address import release
from via_pipeline.outcomes import compute, covid, effects, reach
from via_pipeline.outcomes import model as measures
from via_pipeline.pilots import catalog, dekking, stand
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home

REGISTER = "register__brief"
_NAME = re.compile(r"[a-z0-9_]+")


class UnknownEdition(LookupError):
    """The register has no letter with that edition, or the edition's name makes no folder."""


@dataclass(frozen=True, order=True)
class Edition:
    """One edition of the letter. It sees what was received or known on ``reading_date``.

    ``parliament`` is the Kamerstuk (dossier and number) where it has one. ``revision`` counts
    corrections of what was published.
    """

    reading_date: date
    name: str
    title: str
    parliament: str | None
    source: str | None
    revision: int = 0

    @property
    def release(self) -> str:
        """The first part of the addresses of its figures."""
        return release(self.name, self.revision)


def editions(home: Home) -> list[Edition]:
    """Every edition in the register, by date.

    Raises:
        NoSuchTable: the register was never taken in.
    """
    with work() as connection:
        lake.view(connection, home.lake, REGISTER)
        rows = connection.execute(
            "SELECT datum, editie, titel, kamerstuk_dossier, kamerstuk_nr, bron "
            f"FROM {REGISTER} WHERE editie IS NOT NULL ORDER BY datum, editie"
        ).fetchall()
    return [
        Edition(day, name, title, f"{dossier}, nr. {number}" if number else None, source)
        for day, name, title, dossier, number, source in rows
    ]


def edition(home: Home, name: str) -> Edition:
    """The edition of that name.

    Raises:
        UnknownEdition: the register has none.
        NoSuchTable: the register was never taken in.
    """
    known = {found.name: found for found in editions(home)}
    if name not in known or not _NAME.fullmatch(name):
        raise UnknownEdition(f"no edition '{name}' in the register; there are {sorted(known)}")
    return known[name]


def see(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    reading_date: date,
    stays_inside: bool = False,
    is_alone: bool = False,
) -> Release:
    """Make ``disclosure__*`` on ``connection`` as known on ``reading_date``.

    Figures are computed anew from the deliveries in force on that day's evening, and the register
    rows known by then; estimates are those of the plans' reading dates up to that day. Then they
    are protected like tonight's, with all that is published already known to outsiders;
    ``is_alone``: as if nothing were. ``stays_inside``: see ``disclosure.protect``.

    Raises:
        PartMissing: a delivery of then is no longer in the lake.
        TableError: see ``disclosure``.
        NotSafe: see ``disclosure``.
    """
    contracts = load_all()
    catalog.register(connection, home, contracts, as_of=reading_date)
    for table, query in _computed(connection, contracts).items():
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")
    diversity.see(connection)
    effects.see(connection, home, reading_date)
    covid.see_events(connection, contracts, reading_date)
    dekking.see(connection, home, contracts, reading_date)
    earlier = [] if is_alone else published.earlier(home)
    try:
        return protect_on(connection, earlier, stays_inside, record.truths(home))
    except NotSafe:
        if not stays_inside:
            raise
        # Other deliveries than those of what is out: seen by themselves they can be compared.
        return protect_on(connection, stays_inside=True)


def _computed(connection: duckdb.DuckDBPyConnection, contracts: list[Contract]) -> dict[str, str]:
    """The sources of the published datasets, as SQL over the catalog."""
    by_name = {contract.source: contract for contract in contracts}
    outcomes = [
        f"({compute.on(connection, measures.load(source), by_name[source])})"
        for source in measures.names()
        if source in by_name
    ]
    return {
        "outcomes__result": " UNION ALL ".join(outcomes),
        "context__werkloosheid": werkloosheid.query(),
        stand.TABLE: stand.query(contracts),
        reach.TABLE: reach.query(contracts),
    }
