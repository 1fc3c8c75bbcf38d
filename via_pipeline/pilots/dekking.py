"""Coverage of the deliveries: what was expected and what came, per source, and how much was usable.

Belongs here: counting deliveries from the ledger and the contracts' calendars, one row a source.
Does not belong here: rules for rows (``quality``), and hiding small counts: ``rijen`` counts rows
about persons and passes ``disclosure`` before anyone outside sees it.

Who objected is left out here too: of an organisation its deliveries, and what the calendar expects
of it; of a person the rows, also those in quarantine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date
from decimal import ROUND_CEILING, Decimal

import duckdb

from via_pipeline.contracts.model import Contract, load_all
from via_pipeline.intake import exclusions
from via_pipeline.intake.calendar import Arrival
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.intake.status import Status
from via_pipeline.pilots import objections
from via_pipeline.pilots.catalog import is_synthetic
from via_pipeline.pilots.conform import accepted_path
from via_pipeline.pilots.objections import Objections
from via_pipeline.storage import lake
from via_pipeline.storage.duck import literal, work
from via_pipeline.storage.home import Home

TABLE = "pilots__dekking"
COLUMNS: dict[str, str] = {
    "pilot_id": "VARCHAR",
    "bron": "VARCHAR",
    "omschrijving": "VARCHAR",
    "verwacht": "BIGINT",
    "op_tijd": "BIGINT",
    "te_laat": "BIGINT",
    "ontbreekt": "BIGINT",
    "nog_niet_verwacht": "BIGINT",
    "bestanden": "BIGINT",
    "afgekeurd": "BIGINT",
    "dubbel": "BIGINT",
    "vervangen": "BIGINT",
    "in_gebruik": "BIGINT",
    "rijen": "BIGINT",
    "quarantaine_pct": "DECIMAL(18,1)",
    "leveringen": "VARCHAR",
    "is_synthetisch": "BOOLEAN",
}
"""Columns of the table and their DuckDB types, in order; one row a source of a pilot."""

MINIMUM_ROWS = 100
"""Below this many rows there is no share: with few rows a share tells how many there are."""
FEW = 10
"""As many rows as a step of the share spans at least: the least count that is published."""
STEPS = (Decimal("0.1"), Decimal(1), Decimal(5), Decimal(10))
"""Percents to which a share may be rounded, finest first."""


def see(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    contracts: Iterable[Contract],
    as_of: date | None = None,
) -> None:
    """Make ``pilots__dekking`` on ``connection``: ``COLUMNS``, ordered by pilot and source.

    ``as_of`` is the day on whose evening is looked; None is the day on which the last file came, so
    that the same deliveries give the same table. ``rijen`` counts the rows of the deliveries in
    force, before quarantine and without who objected; ``quarantaine_pct`` is at most which share of
    them is in quarantine (``at_most``).
    """
    ledger = Ledger(home.ledger)
    pilots = sorted((c for c in contracts if c.pilot), key=lambda c: (c.pilot or "", c.source))
    objected = objections.known(home, pilots, as_of)
    seen = {
        contract.source: objected.without(contract, ledger.rows(contract.source, as_of))
        for contract in pilots
    }
    persons = exclusions.pairs(home, as_of)
    last = max(
        (row.received for rows in seen.values() for row in rows if row.received), default=None
    )
    day = as_of or last or date.min
    defined = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {TABLE} ({defined})")
    rows = [
        _source(
            contract,
            seen[contract.source],
            day,
            objected,
            _left_out(connection, home, contract, seen[contract.source], persons),
        )
        for contract in pilots
    ]
    if rows:
        connection.executemany(
            f"INSERT INTO {TABLE} VALUES ({', '.join('?' * len(COLUMNS))})", rows
        )


def refresh(home: Home, contracts: Iterable[Contract] | None = None) -> int:
    """Write ``pilots__dekking`` for now; return the number of rows."""
    with work(home.scratch) as connection:
        see(connection, home, load_all() if contracts is None else contracts)
        query = f"SELECT * FROM {TABLE} ORDER BY pilot_id, bron"
        return lake.replace_table(home.lake, TABLE, connection, query).rows


def _source(
    contract: Contract,
    rows: list[LedgerRow],
    day: date,
    objected: Objections,
    left_out: tuple[int, int],
) -> tuple[object, ...]:
    lines = objected.expected(contract, rows, day)
    arrived = Counter(line.arrival for line in lines)
    standing = Counter(row.status for row in rows)
    in_force = [row for row in rows if row.is_in_force]
    accepted, quarantined = left_out
    counted = sum(row.rows_in for row in in_force) - accepted - quarantined
    aside = sum(row.rows_quarantined or 0 for row in in_force) - quarantined
    return (
        *(contract.pilot, contract.source, contract.title),
        *(len(lines), arrived[Arrival.RECEIVED], arrived[Arrival.RECEIVED_LATE]),
        arrived[Arrival.LATE],
        # A rejected file is an expected one still, until its day has passed.
        arrived[Arrival.EXPECTED] + arrived[Arrival.REJECTED],
        *(len(rows), standing[Status.REJECTED], standing[Status.DUPLICATE]),
        *(standing[Status.SUPERSEDED], len(in_force), counted if in_force else None),
        at_most(aside, counted),
        " ".join(sorted({row.delivery_id for row in in_force})) or None,
        any(is_synthetic(row) for row in in_force),
    )


def _left_out(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    contract: Contract,
    rows: list[LedgerRow],
    persons: Collection[tuple[str, str]],
) -> tuple[int, int]:
    """Of the deliveries in force, rows about ``persons``: accepted, and in quarantine."""
    if not persons:
        return 0, 0
    found = [0, 0]
    for table in (table for table in contract.tables if table.persons):
        for row in (row for row in rows if row.is_in_force):
            accepted = accepted_path(home, table, row.delivery_id)
            aside = home.quarantine / table.lake_table / accepted.name
            for place, path in enumerate((accepted, aside)):
                if path.exists():
                    found[place] += connection.execute(
                        f"SELECT count(*) FROM read_parquet({literal(path)}) "
                        f"WHERE NOT ({exclusions.not_of(table, persons)})"
                    ).fetchall()[0][0]
    return found[0], found[1]


def at_most(aside: int, counted: int) -> Decimal | None:
    """The share of ``aside`` in ``counted`` rows, in percents, rounded up; NULL below
    ``MINIMUM_ROWS``.

    "0,2% of 1.800" says that there are three or four. So the step is the finest of ``STEPS`` that
    spans ``FEW`` rows or more: any number from one to ``FEW`` gives the same share, and 0 is none.
    """
    if counted < MINIMUM_ROWS:
        return None
    step = next(step for step in STEPS if step * counted >= 100 * FEW)
    return (Decimal(100 * aside) / counted / step).quantize(Decimal(1), ROUND_CEILING) * step
