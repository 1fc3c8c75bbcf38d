"""Judge every staged delivery of a source that has no verdict yet, and leave all traces of it.

Belongs here: the order of the work, and what is written where. Does not belong here: any of the
work itself. Content-addressed: a delivery judged under this very contract is never judged again,
and when nothing is new Great Expectations is not imported.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from queue import SimpleQueue

import duckdb

from via_pipeline.contracts import codelists
from via_pipeline.contracts.binding import bound
from via_pipeline.contracts.model import Contract, Severity
from via_pipeline.contracts.rules import RAW, SHAPE, TYPED, Rule, needs_codelists, rules_of
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.intake.records import StagedDelivery, StagedTable, read_record, staging
from via_pipeline.intake.status import Status
from via_pipeline.quality import engines, page, quarantine, report, together
from via_pipeline.quality.results import (
    RuleResult,
    TableCounts,
    ValidationResult,
    Verdict,
    path_of,
    read_result,
)
from via_pipeline.quality.verdict import (
    INTAKE,
    Judgement,
    finding_results,
    judge_delivery,
)
from via_pipeline.storage.atomic import writer_lock
from via_pipeline.storage.duck import at_once, in_order, literal, work
from via_pipeline.storage.home import Home
from via_pipeline.storage.place import Place

JUDGED = "levering__beoordeeld"
"""Rule of a result that stands for a delivery that could not be judged; it is not kept."""

_log = logging.getLogger(__name__)


def rules_by_table(contract: Contract, reference: Path) -> dict[str, list[Rule]]:
    """Every rule of every table of ``contract``; ``reference`` is the folder of code lists.

    Raises:
        UnknownCodeList: the contract names a list that is nowhere.
    """
    return {
        table.name: rules_of(
            contract,
            table,
            {name: codelists.load(name, reference) for name in needs_codelists(table)},
        )
        for table in contract.tables
    }


def judge(
    home: Home,
    contract: Contract,
    *,
    run_id: str,
    threshold_rows: int = engines.PANDAS_LIMIT_ROWS,
    again: Collection[str] = (),
) -> list[ValidationResult]:
    """Judge the staged deliveries of ``contract`` that have no verdict under it; return theirs.

    ``again`` are deliveries (ids) that are judged whether or not they have one.

    Writes per delivery: accepted parts, quarantine, result JSON and page, report to the partner,
    and last the verdict in the ledger. A delivery whose judging fails for a technical reason gets
    no verdict: its rows stay out, its result says which kind of failure it was, and it is tried
    again next time; it stops no other. One of ``again`` then keeps the verdict and the result that
    it had; what is returned says that it was not judged. Of tables of more than ``threshold_rows``
    rows no row leaves DuckDB.

    Raises:
        BusyError: another process is judging this source.
    """
    contract = bound(contract, home.data / "reference")
    ledger = Ledger(home.ledger)
    with writer_lock(home.locks, f"judge-{contract.source}"):
        waiting = _waiting(home, contract, ledger.rows(contract.source), again)
        if not waiting:
            if _index_is_behind(home):
                _write_index(home)
            return []
        rules = rules_by_table(contract, home.data / "reference")
        results = []
        for batch in together.batches([(row, row.rows_in) for row in waiting]):
            for row, judged in _side_by_side(home, contract, rules, batch, threshold_rows):
                try:
                    result = judged()
                    _record(ledger, result, run_id)
                except Exception as error:
                    # The message may hold a cell's value, but for ours; the class may not.
                    is_ours = isinstance(error, engines.RuleNotRun)
                    told = str(error) if is_ours else type(error).__name__
                    _log.error("%s could not be judged: %s", row.delivery_id, told)
                    result = _not_judged(contract, row, told)
                    if row.verdict is None:
                        result.write(home.reports)
                results.append(result)
        _write_index(home)
    return results


def _side_by_side(
    home: Home,
    contract: Contract,
    rules: Mapping[str, Sequence[Rule]],
    batch: Sequence[LedgerRow],
    threshold_rows: int,
) -> Iterator[tuple[LedgerRow, Callable[[], ValidationResult]]]:
    """Every delivery in its order, with what gives its result or raises what went wrong.

    Rules are run here, one delivery after another: Great Expectations is not made for threads. What
    follows from their results is written by one thread a processor.
    """
    ready = _run_together(home, rules, [row.delivery_id for row in batch], threshold_rows)
    many = min(at_once(), len(batch))
    connections = SimpleQueue[duckdb.DuckDBPyConnection]()
    begun: deque[tuple[LedgerRow, Future[ValidationResult]]] = deque()

    def judged(staged: StagedDelivery, results: Sequence[RuleResult]) -> ValidationResult:
        connection = connections.get()
        try:
            return _judge_one(home, contract, staged, results, connection)
        finally:
            connections.put(connection)

    with ExitStack() as stack:
        for _ in range(many):
            connections.put(stack.enter_context(in_order(home.scratch, many)))
        writers = stack.enter_context(ThreadPoolExecutor(many, thread_name_prefix="quality"))
        for row in batch:
            future = Future[ValidationResult]()
            try:
                staged = read_record(staging(home.lake, row.delivery_id))
                results = [
                    result
                    for table in staged.tables
                    for result in _run_table(home, rules[table.table], table, ready, threshold_rows)
                ]
                future = writers.submit(judged, staged, results)
            except Exception as error:
                future.set_exception(error)
            begun.append((row, future))
            if len(begun) > many:
                first, done = begun.popleft()
                yield first, done.result
        for first, done in begun:
            yield first, done.result


def results_in_force(home: Home, contract: Contract) -> list[ValidationResult]:
    """The results that a checker should look at, ordered by received date and path.

    Per delivery key that of the newest file, accepted or rejected, duplicates aside. A file whose
    key no contract recognised counts until the partner sends one that is recognised.
    """
    rows = [
        row
        for row in Ledger(home.ledger).rows(contract.source)
        if row.status is not Status.DUPLICATE and path_of(home.reports, row.delivery_id).exists()
    ]
    order = sorted(rows, key=lambda row: (row.received or date.min, row.path))
    newest: dict[object, LedgerRow] = {}
    for row in order:
        if row.key is not None:
            newest = {key: kept for key, kept in newest.items() if kept.key is not None}
        key = row.key if row.key is not None else ("", row.path)
        newest.pop(key, None)
        newest[key] = row
    return [read_result(home.reports, row.delivery_id) for row in newest.values()]


def _waiting(
    home: Home, contract: Contract, rows: Sequence[LedgerRow], again: Collection[str] = ()
) -> list[LedgerRow]:
    """Deliveries staged under this contract without a verdict or kept result, and ``again``."""
    found: dict[str, LedgerRow] = {}
    for row in rows:
        is_staged = row.contract_sha256 == contract.sha256
        is_done = row.verdict is not None and path_of(home.reports, row.delivery_id).exists()
        if row.removed is not None:
            continue
        is_asked = row.delivery_id in again
        if is_staged and (is_asked or not is_done) and row.status is not Status.DUPLICATE:
            found.setdefault(row.delivery_id, row)
    return list(found.values())


def _judge_one(
    home: Home,
    contract: Contract,
    staged: StagedDelivery,
    results: Sequence[RuleResult],
    connection: duckdb.DuckDBPyConnection,
) -> ValidationResult:
    """The result of one delivery, kept with everything that follows from it."""
    judgement = judge_delivery(
        staged,
        results,
        max_quarantine_pct=contract.delivery.max_quarantine_pct,
        rows_with_findings=_rows_with_findings(home, staged),
    )
    judgement = _split(home, contract, staged, results, judgement, connection)
    result = ValidationResult(
        delivery_id=staged.delivery_id,
        source=contract.source,
        file_name=staged.file_name,
        contract_version=contract.version,
        contract_sha256=contract.sha256,
        verdict=judgement.verdict,
        reasons=judgement.reasons,
        rules=(*finding_results(staged.findings), *results),
        counts=judgement.counts,
    )
    report.write(report.path_of(home.reports, staged), contract, staged, result)
    page.write(home.reports, contract, staged, result)
    result.write(home.reports)
    return result


def _run_table(
    home: Home,
    rules: Sequence[Rule],
    table: StagedTable,
    ready: Mapping[Place, list[RuleResult]],
    threshold_rows: int,
) -> list[RuleResult]:
    """Shape rules on the header, the others on the staged rows; a table not staged has none."""
    results = []
    if table.header:
        shape = [rule for rule in rules if rule.suite == SHAPE]
        results += engines.run_on_header(shape, table.header)
    if table.parquet is not None:
        path = home.lake / table.parquet
        results += ready.get(path) or engines.run_on_file(
            _on_rows(rules), path, threshold_rows=threshold_rows, scratch=home.scratch
        )
    return results


def _on_rows(rules: Sequence[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.suite in (RAW, TYPED)]


def _run_together(
    home: Home,
    rules: Mapping[str, Sequence[Rule]],
    delivery_ids: Sequence[str],
    threshold_rows: int,
) -> dict[Place, list[RuleResult]]:
    """Results of tables that are run together, by the path of their Parquet file.

    What fails here is left out: it is run again on its own, where it harms no other delivery.
    """
    files: dict[str, list[Place]] = {}
    for delivery_id in delivery_ids:
        for table in read_record(staging(home.lake, delivery_id)).tables:
            if table.parquet is not None:
                files.setdefault(table.table, []).append(home.lake / table.parquet)
    ready: dict[Place, list[RuleResult]] = {}
    with work(home.scratch) as connection:
        for name, paths in files.items():
            try:
                found = together.run_on_files(
                    _on_rows(rules[name]), paths, home.scratch, threshold_rows, connection
                )
            except Exception as error:
                _log.warning("%s: one by one after %s", name, type(error).__name__)
                continue
            ready |= dict(zip(paths, found, strict=True))
    return ready


def _rows_with_findings(home: Home, staged: StagedDelivery) -> dict[str, frozenset[int]]:
    """Staged rows that intake itself calls unfit, per table."""
    unfit: dict[str, frozenset[int]] = {}
    for table in staged.tables:
        named = {
            finding.row
            for finding in staged.findings
            if finding.table == table.table
            and finding.severity is Severity.REJECT_ROW
            and finding.row is not None
        } - set(table.malformed_rows)
        if named and table.parquet is not None:
            with work(home.scratch) as connection:
                source = f"read_parquet({literal(home.lake / table.parquet)})"
                found = connection.execute(
                    f"SELECT _row FROM {source} WHERE list_contains(?, _row)", [sorted(named)]
                ).fetchall()
            unfit[table.table] = frozenset(row for (row,) in found)
    return unfit


def _split(
    home: Home,
    contract: Contract,
    staged: StagedDelivery,
    results: Sequence[RuleResult],
    judgement: Judgement,
    connection: duckdb.DuckDBPyConnection,
) -> Judgement:
    """Write accepted parts and quarantine; the judgement with the counts of what was written.

    Should they not close, the platform itself lost or made up a row: nothing is accepted then.
    """
    counts = [
        _split_table(home, contract, staged, table, results, judgement, connection)
        for table in staged.tables
    ]
    torn = [count for count in counts if count.rows_in != count.accepted + count.quarantined]
    if not torn:
        return replace(judgement, counts=tuple(counts))
    reason = (
        "De telling van de rijen sluit niet: dit is een fout van het platform, niet van u. De "
        "levering is niet overgenomen."
    )
    return replace(
        judgement,
        verdict=Verdict.REJECTED,
        reasons=(reason, *judgement.reasons),
        counts=tuple(counts),
    )


def _split_table(
    home: Home,
    contract: Contract,
    staged: StagedDelivery,
    staged_table: StagedTable,
    results: Sequence[RuleResult],
    judgement: Judgement,
    connection: duckdb.DuckDBPyConnection,
) -> TableCounts:
    table = contract.table(staged_table.table)
    expected = next(item for item in judgement.counts if item.table == table.name)
    parquet = home.lake / staged_table.parquet if staged_table.parquet else None
    bad = judgement.set_aside[table.name]
    written = quarantine.write_quarantine(
        home.quarantine,
        table,
        parquet,
        staged.delivery_id,
        _notes(staged, staged_table, results),
        staged_table.malformed_rows,
        None if judgement.is_rejected else bad,
        connection,
    )
    if parquet is None:
        # What could not be staged has no rows to write; all of it counts as set aside.
        return expected
    if judgement.is_rejected:
        return replace(expected, quarantined=written)
    if not table.conformed:
        return replace(expected, quarantined=written)
    part = quarantine.write_accepted(home.lake, table, parquet, staged.delivery_id, bad, connection)
    return replace(expected, accepted=part.rows, quarantined=written)


def _notes(
    staged: StagedDelivery, table: StagedTable, results: Sequence[RuleResult]
) -> list[quarantine.Note]:
    """Why rows of ``table`` are set aside: intake's findings first, then the contract's rules."""
    return [
        quarantine.Note(result.rule, result.explanation, result.rows)
        for result in (*finding_results(staged.findings), *results)
        if result.table == table.table and result.rows and result.severity is not Severity.WARN
    ]


def _record(ledger: Ledger, result: ValidationResult, run_id: str) -> None:
    ledger.record_verdict(
        result.delivery_id,
        result.contract_sha256,
        result.verdict.value,
        rows_in=sum(count.rows_in for count in result.counts),
        accepted=sum(count.accepted for count in result.counts),
        quarantined=sum(count.quarantined for count in result.counts),
        run_id=run_id,
    )


def _not_judged(contract: Contract, row: LedgerRow, error: str) -> ValidationResult:
    explanation = (
        f"De levering kon niet worden beoordeeld ({error}); dat ligt aan het platform. Zij wordt "
        "bij de volgende verwerking opnieuw geprobeerd."
    )
    return ValidationResult(
        delivery_id=row.delivery_id,
        source=contract.source,
        file_name=row.file_name,
        contract_version=contract.version,
        contract_sha256=contract.sha256,
        verdict=Verdict.REJECTED,
        reasons=(explanation,),
        rules=(
            RuleResult(
                rule=JUDGED,
                table="",
                column=None,
                suite=INTAKE,
                severity=Severity.REJECT_FILE,
                expectation=INTAKE,
                passed=False,
                evaluated=0,
                failed=1,
                rows=(),
                explanation=explanation,
                error=error,
            ),
        ),
        counts=(),
    )


def _index_is_behind(home: Home) -> bool:
    """Whether a judging ended after a verdict and before the list of all of them."""
    folder = home.reports / "validation"
    newest = max((path.stat().st_mtime_ns for path in folder.glob("*.json")), default=None)
    index = folder / page.INDEX
    return newest is not None and (not index.exists() or index.stat().st_mtime_ns < newest)


def _write_index(home: Home) -> None:
    folder = home.reports / "validation"
    ids = sorted(path.stem for path in folder.glob("*.json"))
    results = [read_result(home.reports, delivery_id) for delivery_id in ids]
    page.write_index(home.reports, results)
