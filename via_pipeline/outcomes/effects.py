"""The analysis plans over the catalog: estimates, at reading dates and at no other moment.

Belongs here: which readings have passed, what each may see, and the long tables. Does not belong
here: a method (``methods``), a question (``plans``), a sentence (``wording``).

A reading sees the deliveries received, and the register rows known, on its own day: what comes
later changes nothing, so looking every night is not peeking. The result of a reading is one part of
each table, named after the hash of all that went in (plan, accepted rows, targets, code): with the
same inputs it is there already, and the statistics libraries are not even imported.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from via_pipeline.contracts import codelists
from via_pipeline.contracts.model import Contract, load_all
from via_pipeline.intake import exclusions
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.outcomes import exploration
from via_pipeline.outcomes import plan as plans
from via_pipeline.outcomes.methods.registry import Method
from via_pipeline.outcomes.methods.rows import Effect
from via_pipeline.outcomes.plan import AnalysisPlan, Outcome, Reading
from via_pipeline.outcomes.wording import PERCENT, PERCENTAGE_POINTS, sentence
from via_pipeline.pilots import catalog, objections
from via_pipeline.pilots.conform import accepted_part
from via_pipeline.storage import lake
from via_pipeline.storage.duck import quoted, work
from via_pipeline.storage.home import Home

if TYPE_CHECKING:
    import pandas as pd

    from via_pipeline.outcomes.methods.analyse import Analysis

EFFECT = "outcomes__effect"
PUBLISHABLE = "outcomes__schatting"
WHOLE = "alle"
TOTAL = "totaal"
_REGISTER = "register"
_TARGETS = ("target", "target_minimum")
_FIGURE = "DECIMAL(18,6)"
_OF_CHANGES = (Method.VERSCHIL_IN_VERSCHILLEN, Method.ROND_GEBEURTENIS)
_READING = {
    "pilot_id": "VARCHAR",
    "locatie": "VARCHAR",
    "reading_date": "DATE",
    "status": "VARCHAR",
    "plan_hash": "VARCHAR",
    "vastgelegd_op": "DATE",
}
_DELIVERED = {"leveringen": "VARCHAR", "is_synthetisch": "BOOLEAN"}

TABLES: dict[str, dict[str, str]] = {
    "outcomes__plan": _READING
    | {
        "titel": "VARCHAR",
        "design": "VARCHAR",
        "toewijzing": "VARCHAR",
        "toewijzing_toelichting": "VARCHAR",
        "claim": "VARCHAR",
        "uitkomsten": "BIGINT",
        "rijen_in": "BIGINT",
        "ontbrekend": "VARCHAR",
        "plan": "VARCHAR",
    }
    | _DELIVERED,
    "outcomes__flow": _READING
    | {
        "arm": "VARCHAR",
        "volgorde": "BIGINT",
        "stap": "VARCHAR",
        "n": "BIGINT",
        "n_lost": "BIGINT",
    }
    | _DELIVERED,
    "outcomes__attrition": _READING
    | {
        "arm": "VARCHAR",
        "n": "BIGINT",
        "n_lost": "BIGINT",
        "lost_pct": _FIGURE,
        "ci_low": _FIGURE,
        "ci_high": _FIGURE,
        "reden": "VARCHAR",
    }
    | _DELIVERED,
    "outcomes__balance": _READING
    | {
        "kenmerk": "VARCHAR",
        "categorie": "VARCHAR",
        "n_intervention": "BIGINT",
        "n_comparison": "BIGINT",
        "mean_intervention": _FIGURE,
        "mean_comparison": _FIGURE,
        "smd": _FIGURE,
        "p_joint": _FIGURE,
        "reden": "VARCHAR",
    }
    | _DELIVERED,
    "outcomes__missing": _READING
    | {
        "kolom": "VARCHAR",
        "arm": "VARCHAR",
        "n": "BIGINT",
        "n_missing": "BIGINT",
        "missing_pct": _FIGURE,
    }
    | _DELIVERED,
    "outcomes__heterogeneity": _READING
    | {
        "uitkomst": "VARCHAR",
        "kenmerk": "VARCHAR",
        "groepen": "VARCHAR",
        "n_groups": "BIGINT",
        "f_statistic": _FIGURE,
        "p_interaction": _FIGURE,
        "reden": "VARCHAR",
    }
    | _DELIVERED,
    EFFECT: _READING
    | {
        "volgorde": "BIGINT",
        "uitkomst": "VARCHAR",
        "uitkomst_label": "VARCHAR",
        "horizon": "VARCHAR",
        "groep_soort": "VARCHAR",
        "groep": "VARCHAR",
        "reeks": "BIGINT",
        "contrast": "VARCHAR",
        "n_intervention": "BIGINT",
        "n_comparison": "BIGINT",
        "n_clusters": "BIGINT",
        "mean_comparison": _FIGURE,
        "estimate": _FIGURE,
        "se": _FIGURE,
        "ci_low": _FIGURE,
        "ci_high": _FIGURE,
        "p": _FIGURE,
        "p_adjusted": _FIGURE,
        "minimaal_aantoonbaar": _FIGURE,
        "eenheid": "VARCHAR",
        "method": "VARCHAR",
        "design": "VARCHAR",
        "claim": "VARCHAR",
        "rol": "VARCHAR",
        "familie": "VARCHAR",
        "is_planned": "BOOLEAN",
        "waarde_status": "VARCHAR",
        "reden": "VARCHAR",
        "zin": "VARCHAR",
        # For disclosure control only: how many of each arm have the outcome, where it is a share.
        "_teller_intervention": "BIGINT",
        "_teller_comparison": "BIGINT",
    }
    | _DELIVERED,
}
"""Columns and DuckDB types of every table; the estimates come last, and mark a reading as done."""

PUBLISHABLE_COLUMNS: dict[str, str] = {
    "pilot_id": "VARCHAR",
    "locatie": "VARCHAR",
    "leesdatum": "DATE",
    "status": "VARCHAR",
    "uitkomst": "VARCHAR",
    "uitkomst_label": "VARCHAR",
    "horizon": "VARCHAR",
    "groep_soort": "VARCHAR",
    "groep": "VARCHAR",
    "reeks": "BIGINT",
    "contrast": "VARCHAR",
    "eenheid": "VARCHAR",
    "n_interventie": "BIGINT",
    "n_vergelijking": "BIGINT",
    "schatting": "DECIMAL(18,4)",
    "interval_laag": "DECIMAL(18,4)",
    "interval_hoog": "DECIMAL(18,4)",
    "p_waarde": "DECIMAL(18,4)",
    "p_aangepast": "DECIMAL(18,4)",
    "minimaal_aantoonbaar": "DECIMAL(18,4)",
    "methode": "VARCHAR",
    "design": "VARCHAR",
    "claim": "VARCHAR",
    "rol": "VARCHAR",
    "is_gepland": "BOOLEAN",
    "reden": "VARCHAR",
    "zin": "VARCHAR",
    "plan_hash": "VARCHAR",
    "vastgelegd_op": "DATE",
    "leveringen": "VARCHAR",
    "is_synthetisch": "BOOLEAN",
    "waarde_status": "VARCHAR",
    "_teller_interventie": "BIGINT",
    "_teller_vergelijking": "BIGINT",
}
"""What may be put up for publication, once ``disclosure`` has looked; columns with _ never are."""

KEY = (
    "pilot_id",
    "locatie",
    "leesdatum",
    "uitkomst",
    "horizon",
    "groep_soort",
    "groep",
    "reeks",
)
"""Columns of ``outcomes__schatting`` that together are unique, and by which it is ordered."""


@dataclass(frozen=True)
class Refreshed:
    """What a look at the plans did: rows per table, and how many readings were computed anew."""

    rows: dict[str, int]
    computed: int


@dataclass(frozen=True)
class _Task:
    """One reading of one plan, with what it may see.

    ``unplanned`` are the questions asked later, by that day; ``labels`` maps column and code to
    what readers call it. ``seen`` is the hash of plan, questions, rows, targets and labels: two
    readings that see the same share it.
    """

    plan: AnalysisPlan
    reading: Reading
    contracts: tuple[Contract, ...]
    deliveries: tuple[LedgerRow, ...]
    targets: dict[str, float]
    unplanned: tuple[Outcome, ...]
    labels: Mapping[tuple[str, str], str]
    seen: str
    kept: str | None = None
    """Name of the parts as they were, where rows that they were made of are deleted for good."""

    @property
    def name(self) -> str:
        """Name of the parts: the same inputs give the same name."""
        return (
            self.kept
            or f"{self.plan.pilot_id}-{self.plan.locatie}-{self.reading.date}-{self.seen[:16]}"
        )

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Every question by name, planned or not."""
        return {outcome.name: outcome for outcome in (*self.plan.outcomes, *self.unplanned)}


def refresh(home: Home, today: date, folder: Path = plans.PLANS) -> Refreshed:
    """Write ``outcomes__effect`` and its companions for every reading before ``today``.

    A reading date must be over: a delivery may still arrive during it.

    Raises:
        PlanError: a plan is wrong.
        KeyError: a plan names a column that its relation does not have.
        PartMissing: the ledger counts a delivery whose accepted rows are not in the lake.
    """
    tasks = [task for task in _tasks(home, folder) if task.reading.date < today]
    computed = _ensure(home, tasks)
    rows = {}
    for table in TABLES:
        parts = _parts(home, table, tasks)
        lake.settle(home.lake, table, parts)
        rows[table] = sum(part.rows for part in parts)
    with work(home.scratch) as connection:
        lake.view(connection, home.lake, EFFECT, TABLES[EFFECT])
        written = lake.replace_table(home.lake, PUBLISHABLE, connection, publishable())
        rows[PUBLISHABLE] = written.rows
    return Refreshed(rows, computed)


def next_reading(today: date, folder: Path = plans.PLANS) -> date | None:
    """The first reading date that is not over on ``today``; None where no plan has one left."""
    days = (reading.date for plan in plans.load_all(folder) for reading in plan.readings)
    return min((day for day in days if day >= today), default=None)


def publishable() -> str:
    """SQL over ``outcomes__effect``: the comparisons, as ``outcomes__schatting`` has them.

    Shares and progress of one group stay inside: they are about the very cells of
    ``outcomes__result``, and figures of one cell in two tables cannot be protected apart. So do the
    comparison's mean and the standard error, from which counts could be worked out.
    """
    return f"""
    SELECT pilot_id, locatie, reading_date AS leesdatum, status, uitkomst, uitkomst_label, horizon,
        groep_soort, groep, reeks, contrast, eenheid,
        nullif(n_intervention, 0) AS n_interventie, nullif(n_comparison, 0) AS n_vergelijking,
        {_rounded("estimate")} AS schatting, {_rounded("ci_low")} AS interval_laag,
        {_rounded("ci_high")} AS interval_hoog, {_rounded("p")} AS p_waarde,
        {_rounded("p_adjusted")} AS p_aangepast,
        {_rounded("minimaal_aantoonbaar")} AS minimaal_aantoonbaar,
        method AS methode, design, claim, rol, is_planned AS is_gepland, reden, zin, plan_hash,
        vastgelegd_op, leveringen, is_synthetisch, waarde_status,
        _teller_intervention AS _teller_interventie, _teller_comparison AS _teller_vergelijking
    FROM {EFFECT} WHERE contrast IS NOT NULL ORDER BY {", ".join(KEY)}
    """


def _rounded(column: str) -> str:
    return f"CAST({column} AS DECIMAL(18,4))"


def see(
    connection: duckdb.DuckDBPyConnection, home: Home, day: date, folder: Path = plans.PLANS
) -> None:
    """Make every table a view on ``connection``, with the readings up to and including ``day``.

    An edition of a day shows the readings of then, and those never change with what came later.

    Raises:
        PlanError, KeyError, PartMissing: see ``refresh``.
    """
    tasks = [task for task in _tasks(home, folder) if task.reading.date <= day]
    _ensure(home, tasks)
    for table, columns in TABLES.items():
        query = lake.scan(home.lake, _parts(home, table, tasks), columns)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(table)} AS {query}")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {PUBLISHABLE} AS {publishable()}")


def _tasks(home: Home, folder: Path) -> list[_Task]:
    """Every reading of every plan, with the name that its inputs give it."""
    contracts = load_all()
    register = [contract for contract in contracts if contract.source == _REGISTER]
    ledger = Ledger(home.ledger)
    code = _code()
    found = []
    known = plans.load_all(folder)
    if lost := exploration.without_plan(known, folder):
        raise plans.PlanError(f"{', '.join(lost)}: the site has no analysis plan")
    for plan in known:
        own = [contract for contract in contracts if contract.pilot == plan.pilot_id]
        explorations = exploration.of(plan, folder)
        labels = _labels(home, own)
        for reading in plan.readings:
            deliveries, content = [], []
            gone = False
            objected = objections.known(home, own, reading.date)
            for contract in own:
                current = ledger.current(contract.source, reading.date)
                for row in objected.without(contract, current):
                    if _is_of_site(row, plan.locatie):
                        deliveries.append(row)
                        if row.removed is not None:
                            gone = True
                            continue
                        content += [
                            (row.delivery_id, table.lake_table, _sha256(home, table, row))
                            for table in contract.tables
                            if table.conformed
                        ]
            targets = _targets(home, register, plan, reading.date)
            asked = [one for one in explorations if one.asked_on <= reading.date]
            questions = [plan.sha256, *(one.sha256 for one in asked)]
            said = [questions, code, sorted(content), targets, sorted(labels.items())]
            if left_out := sorted(exclusions.pairs(home, reading.date)):
                said.append(left_out)
            kept = _kept(home, plan, reading) if gone else None
            if gone and kept is None:
                continue
            found.append(
                _Task(
                    plan,
                    reading,
                    tuple(own),
                    tuple(deliveries),
                    targets,
                    tuple(outcome for one in asked for outcome in one.outcomes),
                    labels,
                    hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest(),
                    kept,
                )
            )
    return found


def _kept(home: Home, plan: AnalysisPlan, reading: Reading) -> str | None:
    """The name of a reading's present parts; None where it was never made."""
    start = f"{plan.pilot_id}-{plan.locatie}-{reading.date}-"
    try:
        names = [part.name for part in lake.parts(home.lake, EFFECT)]
    except lake.NoSuchTable:
        return None
    return next((name for name in names if name.startswith(start)), None)


def _is_of_site(row: LedgerRow, site: str) -> bool:
    """Whether a delivery is about the plan's site; one that names no site is about all of them."""
    return site in (WHOLE, dict(row.key or ()).get("locatie", site))


def _sha256(home: Home, table: Any, row: LedgerRow) -> str:
    return accepted_part(home, table, row).sha256


def _code() -> str:
    """Hash of the code that makes the figures and the words, so that a change computes anew."""
    here = Path(__file__).parent
    files = [
        Path(__file__),
        here / "wording.py",
        here / "plan.py",
        here / "exploration.py",
        *(here / "methods").glob("*.py"),
    ]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _targets(
    home: Home, register: Sequence[Contract], plan: AnalysisPlan, day: date
) -> dict[str, float]:
    """``maat`` to value of the register's targets for the site, as known on ``day``."""
    if not any(outcome.target for outcome in plan.outcomes):
        return {}
    with work(home.scratch) as connection:
        catalog.register(connection, home, register, day)
        rows = connection.execute(
            "SELECT maat, waarde FROM register__doel "
            "WHERE pilot_id = ? AND locatie = ? AND soort IN (?, ?) ORDER BY maat, onderdeel",
            [plan.pilot_id, plan.locatie, *_TARGETS],
        ).fetchall()
    return {measure: float(value) for measure, value in rows}


def _parts(home: Home, table: str, tasks: Iterable[_Task]) -> list[lake.Part]:
    known = lake.listed(home.lake, table)
    return [
        # The manifest's word stands, see ``lake.remembered``.
        known.get(task.name)
        or lake.describe(home.lake, home.lake / table / f"{task.name}.parquet", task.name)
        for task in tasks
    ]


def _ensure(home: Home, tasks: Iterable[_Task]) -> int:
    """Compute the readings that are not in the lake yet; how many there were."""
    missing = [task for task in tasks if not _is_done(home, task)]
    if not missing:
        return 0
    done: dict[str, tuple[Analysis, int]] = {}
    with work(home.scratch) as connection:
        for task in missing:
            if task.seen not in done:
                done[task.seen] = _analysed(connection, home, task)
            _keep(connection, home, task, *done[task.seen])
    return len(missing)


def _is_done(home: Home, task: _Task) -> bool:
    return all((home.lake / table / f"{task.name}.parquet").exists() for table in TABLES)


def _analysed(
    connection: duckdb.DuckDBPyConnection, home: Home, task: _Task
) -> tuple[Analysis, int]:
    """The plan over what its reading may see, and how many rows that were."""
    from via_pipeline.outcomes.methods.analyse import analyse

    catalog.register(connection, home, task.contracts, task.reading.date)
    frame, rows = _frame(connection, task)
    found = analyse(
        task.plan,
        frame,
        reading_date=task.reading.date,
        deliveries=[row.delivery_id for row in task.deliveries],
        targets=task.targets,
        unplanned=task.unplanned,
    )
    return found, rows


def _frame(connection: duckdb.DuckDBPyConnection, task: _Task) -> tuple[pd.DataFrame, int]:
    """What an analysis looks at of the plan's relation, and how many rows the relation has.

    A relation may have millions of rows: columns that no question is about stay in DuckDB, and so
    do the persons where it is enough to know how many are alike.
    """
    from via_pipeline.outcomes.methods.analyse import columns_of, counts_suffice
    from via_pipeline.outcomes.methods.survival import WEIGHT

    plan = task.plan
    asked = columns_of(plan, task.unplanned)
    there = connection.sql(plan.relation).columns
    chosen = [name for name in there if name in asked]
    listed = ", ".join(map(quoted, chosen)) or "*"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE te_analyseren AS SELECT {listed} FROM ({plan.relation})"
    )
    rows: int = connection.execute("SELECT count(*) FROM te_analyseren").fetchall()[0][0]
    if counts_suffice(plan, task.unplanned) and asked <= set(there):
        unit = ", ".join(map(quoted, plan.unit))
        twice = f"SELECT 1 FROM te_analyseren GROUP BY {unit} HAVING count(*) > 1 LIMIT 1"
        if not connection.execute(twice).fetchall():
            alike = f"* EXCLUDE ({unit}), count(*) AS {quoted(WEIGHT)}"
            query = f"SELECT {alike} FROM te_analyseren GROUP BY ALL ORDER BY ALL"
            return connection.sql(query).df(), rows
    # In a fixed order: sums of floats, and so the last digits, depend on it.
    return connection.sql("SELECT * FROM te_analyseren ORDER BY ALL").df(), rows


def _keep(
    connection: duckdb.DuckDBPyConnection, home: Home, task: _Task, found: Analysis, rows_in: int
) -> None:
    """Write the parts of one reading; ``found`` may be of another reading that saw the same."""
    plan, reading = task.plan, task.reading
    effects = [
        replace(row, reading_date=reading.date, status=str(reading.status)) for row in found.effects
    ]
    common = {
        "pilot_id": plan.pilot_id,
        "locatie": plan.locatie,
        "reading_date": reading.date,
        "status": str(reading.status),
        "plan_hash": plan.sha256,
        "vastgelegd_op": plan.locked_on,
        "leveringen": " ".join(sorted(row.delivery_id for row in task.deliveries)),
        "is_synthetisch": any(catalog.is_synthetic(row) for row in task.deliveries),
    }
    least: dict[tuple[str, float | None], float | None] = {
        (row.uitkomst, row.se): row.minimum_detectable for row in found.detectable
    }
    rows: dict[str, list[dict[str, Any]]] = {
        "outcomes__plan": [_said(plan, rows_in, found.missing_statement)],
        "outcomes__flow": [asdict(row) for row in found.flow],
        "outcomes__attrition": [asdict(row) for row in found.attrition],
        "outcomes__balance": [asdict(row) for row in found.balance],
        "outcomes__missing": [asdict(row) for row in found.missing],
        "outcomes__heterogeneity": [asdict(row) for row in found.heterogeneity],
        EFFECT: [
            asdict(row)
            | _beside(task, row)
            | {"volgorde": place, "reeks": rank}
            | {"minimaal_aantoonbaar": least.get((row.uitkomst, row.se))}
            for place, (rank, row) in enumerate(_ranked(effects), start=1)
        ],
    }
    for table in TABLES:
        _write(connection, home, table, task.name, [row | common for row in rows[table]])


def _ranked(rows: Iterable[Effect]) -> Iterator[tuple[int, Effect]]:
    """Each row with its rank among those of one figure: 1 the plan's method, then those beside."""
    seen: dict[tuple[str, str, str], int] = {}
    for row in rows:
        figure = (row.uitkomst, row.horizon, row.groep)
        seen[figure] = seen.get(figure, 0) + 1
        yield seen[figure], row


def _said(plan: AnalysisPlan, rows_in: int, missing: str) -> dict[str, Any]:
    return {
        "titel": plan.title,
        "design": str(plan.design),
        "toewijzing": str(plan.assignment),
        "toewijzing_toelichting": plan.assignment_note,
        "claim": str(plan.claim),
        "uitkomsten": len(plan.outcomes),
        "rijen_in": rows_in,
        "ontbrekend": missing,
        "plan": json.dumps(plan.model_dump(mode="json"), sort_keys=True, ensure_ascii=False),
    }


def _labels(home: Home, contracts: Iterable[Contract]) -> dict[tuple[str, str], str]:
    """(column, code) to the code list's label, for the words of a sentence."""
    found: dict[tuple[str, str], str] = {}
    for contract in contracts:
        for column in (column for table in contract.tables for column in table.stored_columns):
            if column.codelist is not None:
                listed = codelists.load(column.codelist.name, home.data / "reference")
                found |= {(column.name, code): text for code, text in listed.labels.items()}
    return found


def _beside(task: _Task, row: Effect) -> dict[str, Any]:
    """What a row says of itself in words, its kind of group, and the counts behind its shares."""
    one, zero = _numerators(task, row)
    kind = _kind_of_group(task, row)
    return {
        "zin": sentence(row, task.labels.get((kind, row.groep))),
        "groep_soort": kind,
        "_teller_intervention": one,
        "_teller_comparison": zero,
        "waarde_status": row.waarde_status or None,
        "reden": row.reden or None,
        "familie": row.familie or None,
        "contrast": row.contrast or None,
    }


def _kind_of_group(task: _Task, row: Effect) -> str:
    plan = task.plan
    if row.groep == TOTAL:
        return TOTAL
    if row.uitkomst == "overgang" and plan.transitions is not None:
        return plan.transitions.group
    outcome = task.outcomes.get(row.uitkomst)
    if outcome is not None and outcome.by:
        return outcome.by[0]
    return next(group.column for group in plan.subgroups if row.groep in group.values)


def _numerators(task: _Task, row: Effect) -> tuple[int | None, int | None]:
    """About how many of each arm have the outcome; None where the outcome is not a share.

    Disclosure control needs them: a share of 3% of 40 people is one person. Of an adjusted
    difference they are what the published numbers let a reader work out.
    """
    if row.estimate is None or row.eenheid not in (PERCENT, PERCENTAGE_POINTS):
        return None, None
    if not row.contrast:
        whole = (row.mean_comparison or 0.0) if row.method.startswith("doelbereik") else None
        return _count(row.estimate, row.n_intervention, whole), None
    outcome = task.outcomes.get(row.uitkomst)
    if (outcome and outcome.method in _OF_CHANGES) or row.mean_comparison is None:
        return None, None  # a mean of changes, not a share
    return (
        _count(row.mean_comparison + row.estimate, row.n_intervention),
        _count(row.mean_comparison, row.n_comparison),
    )


def _count(percent: float, n: int, whole: float | None = None) -> int:
    return min(max(round(percent / 100 * (n if whole is None else whole)), 0), n)


def _write(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    table: str,
    name: str,
    rows: Sequence[Mapping[str, Any]],
) -> None:
    columns = TABLES[table]
    defined = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE te_schrijven ({defined})")
    if rows:
        connection.executemany(
            f"INSERT INTO te_schrijven VALUES ({', '.join('?' * len(columns))})",
            [[row[column] for column in columns] for row in rows],
        )
    # In the order of insertion: the order of the plan's outcomes.
    lake.write_part(home.lake, table, name, connection, "SELECT * FROM te_schrijven ORDER BY rowid")
