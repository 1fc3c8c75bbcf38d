"""COVID-19 and the pilots' own series: before, during, and the dated events beside them.

Belongs here: monthly series of some measures, the jump at the first corona measures where a series
can say anything about one, interruptions of delivery. Does not belong here: CBS unemployment
(``context``), estimates by a site's design (``effects``).

Honest about short series: a pilot has some tens of months at most, and no interval covers what it
should at that length (``methods.its``, docs/methods.md). A short series gets its jump without an
interval, and the reason; one that is shorter still gets none. The month of the event counts as
during. Nothing here says that COVID-19 changed anything: other things happened in that month too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Any

import duckdb

from via_pipeline.contracts.model import Contract, load_all
from via_pipeline.outcomes import plan as plans
from via_pipeline.pilots import catalog
from via_pipeline.pilots.basis import Basis, taken_up
from via_pipeline.storage import lake
from via_pipeline.storage.duck import literal, work
from via_pipeline.storage.home import Home

TABLE = "outcomes__covid"
PIECES = "outcomes__covid__reeks"
"""The folder below the lake with the months of each series; no table."""
EVENTS = "outcomes__covid_gebeurtenis"
# First national measures that closed workplaces and schools: Monday after the press conference of
# Sunday 15 March 2020, as the plans' events have it.
FIRST_MEASURES = date(2020, 3, 16)
# A month with fewer people says nothing, and may say something of somebody.
MINIMUM = 10
# Later than this many times the usual interval between a source's reference dates: interrupted.
LATE = 1.5

COLUMNS: dict[str, str] = {
    "pilot_id": "VARCHAR",
    "bron": "VARCHAR",
    "reeks": "VARCHAR",
    "reeks_label": "VARCHAR",
    "eenheid": "VARCHAR",
    "maand": "DATE",
    "fase": "VARCHAR",
    "n": "BIGINT",
    "teller": "BIGINT",
    "waarde": "DECIMAL(18,4)",
    "maanden_voor": "BIGINT",
    "maanden_tijdens": "BIGINT",
    "gemiddelde_fase": "DECIMAL(18,4)",
    "sprong": "DECIMAL(18,4)",
    "sprong_ci_low": "DECIMAL(18,4)",
    "sprong_ci_high": "DECIMAL(18,4)",
    "methode": "VARCHAR",
    "voorbehoud": "VARCHAR",
    "is_synthetisch": "BOOLEAN",
}
EVENT_COLUMNS: dict[str, str] = {
    "pilot_id": "VARCHAR",
    "bron": "VARCHAR",
    "datum": "DATE",
    "tot": "DATE",
    "soort": "VARCHAR",
    "omschrijving": "VARCHAR",
    "is_synthetisch": "BOOLEAN",
}


@dataclass(frozen=True)
class Series:
    """One monthly share: of the rows of ``table`` with a ``day``, those for which ``predicate``."""

    source: str
    table: str
    name: str
    label: str
    day: str
    predicate: str
    unit: str = "procent"


SERIES = (
    Series(
        "p3_nudging",
        "pilots__p3_sollicitatie",
        "uitgenodigd",
        "Sollicitanten die voor een gesprek zijn uitgenodigd",
        "datum_sollicitatie",
        "uitgenodigd",
    ),
    Series(
        "p7_ww",
        "pilots__p7_ww_periode",
        "werk_binnen_6_maanden",
        "WW-perioden die binnen zes maanden door werkhervatting eindigden, naar begindatum (wat "
        "vanaf oktober 2019 begon, liep in maart 2020 nog)",
        "begindatum",
        "einddatum IS NOT NULL AND einddatum < begindatum + INTERVAL 6 MONTH "
        "AND reden_einde = 'werk'",
    ),
    Series(
        "p8_begeleiding",
        "pilots__p8_meting",
        "contact_telefoon",
        "Metingen waarbij het contact vooral per telefoon was",
        "datum",
        "contactvorm = 'telefoon'",
    ),
)


def refresh(home: Home, contracts: Iterable[Contract] | None = None) -> int:
    """Write ``outcomes__covid`` for now; return the number of rows.

    The months of a series are counted once, until something of its source changes.
    """
    chosen = list(contracts) if contracts is not None else load_all()
    sources = {contract.source: contract for contract in chosen}
    series = [one for one in SERIES if one.source in sources]
    basis = Basis(home, chosen)
    with work(home.scratch) as connection:
        catalog.register(connection, home, chosen)
        asked = {}
        for one in series:
            name = basis.name(connection, sources[one.source], _months(one))
            asked[f"{one.source}-{one.name}-{name}"] = partial(_months, one)
        parts = taken_up(connection, home, PIECES, asked)
        rows = []
        for one, part in zip(series, parts, strict=True):
            months = connection.execute(f"{lake.scan(home.lake, [part])} ORDER BY maand").fetchall()
            rows += _series(sources[one.source], one, months)
        return _write(connection, home, TABLE, COLUMNS, rows)


def refresh_events(home: Home, contracts: Iterable[Contract] | None = None) -> int:
    """Write ``outcomes__covid_gebeurtenis`` for now; return the number of rows."""
    chosen = list(contracts) if contracts is not None else load_all()
    with work(home.scratch) as connection:
        catalog.register(connection, home, chosen)
        rows = _events(connection, chosen, None)
        return _write(connection, home, EVENTS, EVENT_COLUMNS, rows)


def see_events(
    connection: duckdb.DuckDBPyConnection,
    contracts: Iterable[Contract],
    as_of: date | None = None,
) -> None:
    """Make ``outcomes__covid_gebeurtenis`` (``EVENT_COLUMNS``) on a connection with the catalog.

    ``as_of`` leaves out what had not happened, or stood in no plan, on that day. No sender is
    named: who delivers may not always be told, and that somebody did not is enough.
    """
    _fill(connection, EVENTS, EVENT_COLUMNS, _events(connection, contracts, as_of))


def _months(one: Series) -> str:
    """SQL of a series: maand, n, teller and whether it is synthetic, oldest month first."""
    return f"""
SELECT date_trunc('month', {one.day})::DATE AS maand, count({_known(one)}) AS n,
    count(*) FILTER ({one.predicate}) AS teller, bool_or(v.is_synthetisch) AS is_synthetisch
FROM {one.table} t JOIN {catalog.DELIVERIES} v ON v.delivery_id = t._delivery
WHERE {one.day} IS NOT NULL GROUP BY ALL HAVING n >= {MINIMUM} ORDER BY maand
"""


def _series(
    contract: Contract, one: Series, months: Sequence[tuple[date, int, int, bool]]
) -> list[dict[str, Any]]:
    """The months of one series, oldest first, each with what the whole series says."""
    during = [month >= FIRST_MEASURES.replace(day=1) for month, *_ in months]
    jump = _jump([month for month, *_ in months], [100 * t / n for _, n, t, _ in months], during)
    rows = []
    for (month, n, count, synthetic), is_during in zip(months, during, strict=True):
        phase = [m for m, flag in zip(months, during, strict=True) if flag == is_during]
        rows.append(
            {
                "pilot_id": contract.pilot,
                "bron": one.source,
                "reeks": one.name,
                "reeks_label": one.label,
                "eenheid": one.unit,
                "maand": month,
                "fase": "tijdens" if is_during else "voor",
                "n": n,
                "teller": count,
                "waarde": 100 * count / n,
                "maanden_voor": during.count(False),
                "maanden_tijdens": during.count(True),
                "gemiddelde_fase": 100 * sum(m[2] for m in phase) / sum(m[1] for m in phase),
                "is_synthetisch": synthetic,
            }
            | jump
        )
    return rows


def _known(one: Series) -> str:
    """SQL that is NULL where the row does not tell whether the predicate holds."""
    return f"CASE WHEN ({one.predicate}) THEN 1 WHEN NOT ({one.predicate}) THEN 0 END"


def _jump(months: list[date], values: list[float], during: list[bool]) -> dict[str, Any]:
    """The jump of the series at the event, with the caveat that belongs to its length."""
    from via_pipeline.outcomes.methods import its
    from via_pipeline.outcomes.methods.rows import Withheld

    has_gaps = any(
        (later.year - earlier.year) * 12 + later.month - earlier.month != 1
        for earlier, later in pairwise(months)
    )
    series = [*values, float("nan")] if has_gaps else values
    result = its.level_change(series, during.count(False))
    if isinstance(result, Withheld):
        return {
            "sprong": None,
            "sprong_ci_low": None,
            "sprong_ci_high": None,
            "methode": result.method,
            "voorbehoud": result.reason,
        }
    return {
        "sprong": result.estimate,
        "sprong_ci_low": result.ci_low,
        "sprong_ci_high": result.ci_high,
        "methode": result.method,
        "voorbehoud": result.note or None,
    }


def _events(
    connection: duckdb.DuckDBPyConnection, contracts: Iterable[Contract], as_of: date | None
) -> list[dict[str, Any]]:
    """Dated events: what the plans name, and what the ledger shows of interrupted delivery."""
    found = [
        {
            "pilot_id": plan.pilot_id,
            "bron": f"analyseplan {plan.locatie}",
            "datum": event.date,
            "tot": None,
            "soort": "gebeurtenis",
            "omschrijving": event.label,
            "is_synthetisch": False,
        }
        for plan in plans.load_all()
        for event in plan.events
        if as_of is None or max(event.date, plan.locked_on) <= as_of
    ]
    for contract in contracts:
        if contract.pilot:
            found += _interruptions(connection, contract)
    return sorted(found, key=lambda row: (row["pilot_id"], row["datum"], row["bron"]))


def _interruptions(
    connection: duckdb.DuckDBPyConnection, contract: Contract
) -> list[dict[str, Any]]:
    """Gaps between a sender's reference dates, well beyond the usual one of the source."""
    senders = [name for name in contract.delivery.key if name not in ("periode", "schooljaar")]
    sender = ", ".join(f"sleutel[{literal(name)}]" for name in senders)
    rows = connection.execute(
        f"""
        SELECT coalesce(concat_ws(' ', {sender or "NULL"}), '') AS afzender, peildatum,
            bool_or(is_synthetisch)
        FROM {catalog.DELIVERIES} WHERE bron = ? AND is_in_gebruik AND peildatum IS NOT NULL
        GROUP BY ALL ORDER BY ALL
        """,
        [contract.source],
    ).fetchall()
    gaps = [
        (earlier, later, made_up)
        for (one, earlier, _), (other, later, made_up) in pairwise(rows)
        if one == other
    ]
    if not gaps:
        return []
    days = sorted((later - earlier).days for earlier, later, _ in gaps)
    usual = days[(len(days) - 1) // 2]
    long = Counter(gap for gap in gaps if (gap[1] - gap[0]).days > LATE * usual)
    return [
        {
            "pilot_id": contract.pilot,
            "bron": contract.source,
            "datum": earlier,
            "tot": later,
            "soort": "levering_onderbroken",
            "omschrijving": (
                f"Van {count} leverende {'partij' if count == 1 else 'partijen'} is er geen "
                f"levering met een peildatum tussen {earlier} en {later}; gewoonlijk zitten er "
                f"{usual} dagen tussen"
            ),
            "is_synthetisch": made_up,
        }
        for (earlier, later, made_up), count in long.items()
    ]


def _write(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    table: str,
    columns: Mapping[str, str],
    rows: list[dict[str, Any]],
) -> int:
    _fill(connection, table, columns, rows)
    return lake.replace_table(
        home.lake, table, connection, f"SELECT * FROM {table} ORDER BY rowid"
    ).rows


def _fill(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, str],
    rows: list[dict[str, Any]],
) -> None:
    defined = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({defined})")
    if rows:
        connection.executemany(
            f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})",
            [[row[name] for name in columns] for row in rows],
        )
