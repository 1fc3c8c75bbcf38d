"""Run rules with Great Expectations: on pandas for small tables, inside DuckDB or Spark for large.

Belongs here: everything that touches GX at run time. Does not belong here: what follows from a
result (``verdict.py``). All engines give the same verdict and the same failing rows for every
expectation in use; tests compare them. ``VIA_ENGINE`` says which of the two takes large tables.
Only row numbers come back, all of them, never a value: GX's context is ephemeral and silent, and
what it collects of values is dropped with it.
"""

from __future__ import annotations

import gc
import logging
import os
import re
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from via_pipeline.contracts.rules import SHAPE, Rule
from via_pipeline.quality.once import ask_once
from via_pipeline.quality.results import RuleResult
from via_pipeline.quality.suites import columns_of, suite_of
from via_pipeline.storage import settings
from via_pipeline.storage.duck import literal, quoted, work
from via_pipeline.storage.place import Place

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.data_context import EphemeralDataContext  # type: ignore[attr-defined]
    from great_expectations.data_context.types.base import DataContextConfig
    from great_expectations.datasource.fluent.interfaces import Batch

PANDAS_LIMIT_ROWS = 50_000
"""Tables up to this many rows are validated in pandas, larger ones inside DuckDB (or on Spark)."""

ROW = "_row"
_VIEW = "staged"
_EXCEPTION = re.compile(r"\b(\w+(?:Error|Exception))\b")
_COMPOUND_KEY = "expect_compound_columns_to_be_unique"
_NO_ROWS = "RowListIncomplete"
_VERDICT_ONLY = {"result_format": "BOOLEAN_ONLY"}
_Columns = tuple[tuple[str, str], ...]

last_import_seconds = 0.0
"""How long this process waited for the import of Great Expectations; 0.0 where it never did."""


class RuleNotRun(RuntimeError):
    """A rule was not answered: nothing is known of the table, and its sender is not to blame.

    The message has the rule's name and the class of what went wrong, never a value.
    """


@dataclass(frozen=True)
class Outcome:
    """What GX said of one rule: ``rows`` is None for a rule about the whole table."""

    passed: bool
    failed: int
    rows: tuple[int, ...] | None
    error: str | None


def run_on_file(
    rules: Sequence[Rule],
    parquet: Place,
    *,
    threshold_rows: int = PANDAS_LIMIT_ROWS,
    scratch: Path | None = None,
) -> list[RuleResult]:
    """The result of every rule on one staged table, in the order of ``rules``.

    A rule on a column that the file lacks is not run: it is not passed and says so.

    Raises:
        RuleNotRun: another rule could not be run, or its failing rows could not be listed.
        EngineError: Spark cannot be reached, or failed.
    """
    with work(scratch) as connection:
        (results,) = run_on_each(connection, rules, [parquet], threshold_rows)
    return results


def run_on_each(
    connection: duckdb.DuckDBPyConnection,
    rules: Sequence[Rule],
    tables: Iterable[Place],
    threshold_rows: int = PANDAS_LIMIT_ROWS,
) -> Iterator[list[RuleResult]]:
    """``run_on_file`` on one table after another, where GX is told of tables of a shape once."""
    told: dict[_Columns, Any] = {}
    for parquet in tables:
        source = f"read_parquet({literal(parquet)})"
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        types = {name: kind for name, kind, *_ in described}
        rows = connection.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0]
        runnable = [rule for rule in rules if set(columns_of(rule)) <= set(types)]
        needed = sorted({name for rule in runnable for name in columns_of(rule)} | {ROW})
        columns = {name: types[name] for name in needed}
        if not runnable:
            outcomes: list[Outcome] = []
        elif rows <= threshold_rows:
            outcomes = on_pandas(runnable, frame(connection, source, columns))
        elif settings.engine() == settings.SPARK:
            outcomes = on_spark(runnable, connection, source, columns, rows)
        else:
            outcomes = in_duckdb(runnable, connection, source, columns, rows, told)
        _answered(runnable, outcomes)
        found = dict(zip((rule.id for rule in runnable), outcomes, strict=True))
        absent = Outcome(False, 0, (), "kolom ontbreekt")
        yield [result_of(rule, found.get(rule.id, absent), rows) for rule in rules]


def run_on_header(rules: Sequence[Rule], header: Sequence[str]) -> list[RuleResult]:
    """The result of the shape rules on a file's header: an empty table of those columns."""
    return list(_header_results(tuple(rules), tuple(header)))


@cache
def _header_results(rules: tuple[Rule, ...], header: tuple[str, ...]) -> tuple[RuleResult, ...]:
    """Most files of a source have the same header: the same answer, found once."""
    import pandas as pd

    if not rules:
        return ()
    empty = pd.DataFrame(columns=pd.Index(list(header), dtype=object))
    outcomes = on_pandas(rules, empty)
    return tuple(result_of(rule, found, 1) for rule, found in zip(rules, outcomes, strict=True))


def on_pandas(rules: Sequence[Rule], frame: pd.DataFrame) -> list[Outcome]:
    """Run ``rules`` on a frame; unless they are shape rules it has the column ``_row``.

    Raises:
        RuleNotRun: a rule could not be run.
    """
    with _quiet():
        batch = _pandas_definition().get_batch({"dataframe": frame})
        return _validate(batch, rules, len(frame), python_regex=True)


def on_spark(
    rules: Sequence[Rule],
    connection: duckdb.DuckDBPyConnection,
    source: str,
    columns: dict[str, str],
    rows: int,
) -> list[Outcome]:
    """Run ``rules`` on Spark on ``columns`` of ``source`` (DuckDB's SQL over staged files).

    What comes back is the numbers of the rows that fail.

    Raises:
        EngineError: Spark cannot be reached, or is gone.
        RuleNotRun: Spark failed under a rule; GX keeps Spark's own error to itself.
    """
    from via_pipeline.engine import spark

    names = ", ".join(quoted(name) for name in columns)
    with _quiet(), spark.rows_of(connection, f"SELECT {names} FROM {source}") as frame:
        asset = _context().data_sources.add_spark("spark").add_dataframe_asset(_VIEW)
        batch = asset.add_batch_definition_whole_dataframe(_VIEW).get_batch({"dataframe": frame})
        try:
            return _validate(batch, [_in_java(rule) for rule in rules], rows, python_regex=False)
        finally:
            frame.unpersist()  # GX holds the frame for all of its questions


def _in_java(rule: Rule) -> Rule:
    """A pattern of RE2 in Java's words, where ``$`` leaves a last line end and ``.`` stops at more
    kinds of those than one."""
    if "regex" not in rule.kwargs:
        return rule
    pattern = "(?d)" + re.sub(r"(?<!\\)\$$", r"\\z", rule.kwargs["regex"])
    return replace(rule, kwargs=rule.kwargs | {"regex": pattern})


def in_duckdb(
    rules: Sequence[Rule],
    connection: duckdb.DuckDBPyConnection,
    source: str,
    columns: dict[str, str],
    rows: int,
    told: dict[_Columns, Any] | None = None,
) -> list[Outcome]:
    """Run ``rules`` inside DuckDB on ``columns`` of ``source`` (SQL); no row leaves the engine.

    ``told`` keeps what GX was told of ``connection``: it asks for the columns of a view for half of
    the time that a few rules take.

    Raises:
        RuleNotRun: DuckDB failed under a rule.
    """
    names = ", ".join(quoted(name) for name in columns)
    connection.execute(f"CREATE OR REPLACE VIEW {_VIEW} AS SELECT {names} FROM {source}")
    shape = tuple(columns.items())
    known = {} if told is None else told
    with _quiet():
        if shape not in known:
            known[shape] = _duckdb_definition(connection)
        outcomes = _validate(known[shape].get_batch(), rules, rows, python_regex=False)
    return [
        _with_rows(outcome, _duplicates(connection, rule))
        if rule.expectation == _COMPOUND_KEY and outcome.error == _NO_ROWS
        else outcome
        for rule, outcome in zip(rules, outcomes, strict=True)
    ]


def _duckdb_definition(connection: duckdb.DuckDBPyConnection) -> Any:
    from sqlalchemy.pool import NullPool

    from via_pipeline.quality.dialect import SCHEME

    datasource = _context().data_sources.add_sql(  # type: ignore[call-arg]
        "duckdb",
        connection_string=f"{SCHEME}:///memory",
        create_temp_table=False,
        kwargs={"poolclass": NullPool, "connect_args": {"source": connection}},
    )
    asset = datasource.add_table_asset(_VIEW, table_name=_VIEW)
    return asset.add_batch_definition_whole_table(_VIEW)


def _validate(
    batch: Batch, rules: Sequence[Rule], rows: int, *, python_regex: bool
) -> list[Outcome]:
    """Which rules fail (GX bundles that into few scans), then the rows of those that do.

    On SQL engines GX lists as many row ids as ``partial_unexpected_count`` says; its
    ``unexpected_index_query`` would be complete too, but its text is not always valid SQL
    (bound values unfilled, a question mark in a pattern taken for a parameter).

    GX swallows what goes wrong below it (a disk that does not answer, memory that is full) and
    calls the rule failed. That is no answer, so it is raised.
    """
    complete = {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": [ROW],
        "partial_unexpected_count": max(rows, 1),
        "exclude_unexpected_values": True,
        "include_unexpected_rows": False,
        "return_unexpected_index_query": False,
    }
    first = _results(batch, rules, _VERDICT_ONLY, python_regex)
    with_rows = [rule for rule in rules if rule.suite != SHAPE and not first[rule.id].success]
    second = _results(batch, with_rows, complete, python_regex) if with_rows else {}
    final = [second.get(rule.id, first[rule.id]) for rule in rules]
    for rule, result in zip(rules, final, strict=True):
        if error := _error(result.exception_info):
            raise RuleNotRun(f"{rule.id}: {error}")
    return [_outcome(result) for result in final]


def _answered(rules: Sequence[Rule], outcomes: Sequence[Outcome]) -> None:
    """Nothing, where every rule has an answer; half a list of rows is none."""
    for rule, outcome in zip(rules, outcomes, strict=True):
        if outcome.error is not None:
            raise RuleNotRun(f"{rule.id}: {outcome.error}")


def _results(
    batch: Batch, rules: Sequence[Rule], result_format: dict[str, Any], python_regex: bool
) -> dict[str, Any]:
    suite = suite_of("regels", rules, python_regex=python_regex)
    validated = batch.validate(suite, result_format=result_format)
    by_rule = {
        result.expectation_config.meta["rule"]: result  # type: ignore[union-attr]
        for result in validated.results
    }
    if set(by_rule) != {rule.id for rule in rules}:
        raise RuntimeError("Great Expectations did not answer for every rule")
    return by_rule


def _outcome(result: Any) -> Outcome:
    details = result.result or {}
    if result.success:
        return Outcome(True, 0, (), None)
    count = details.get("unexpected_count")
    if count is None:
        return Outcome(False, 1, None, None)
    unlisted = Outcome(False, int(count), (), _NO_ROWS)
    # Without values GX gives one mapping of column to list, or nothing at all.
    listed = details.get("unexpected_index_list") or []
    return _with_rows(unlisted, (row for lists in listed for row in lists[ROW]))


def _with_rows(outcome: Outcome, rows: Iterable[int]) -> Outcome:
    """``outcome`` with its failing rows; half a list is no answer, so it keeps its error."""
    found = tuple(sorted({int(row) for row in rows}))
    if len(found) != outcome.failed:
        return replace(outcome, error=_NO_ROWS)
    return replace(outcome, rows=found, error=None)


def _duplicates(connection: duckdb.DuckDBPyConnection, rule: Rule) -> list[int]:
    """Rows whose compound key stands there more than once.

    GX counts these in SQL but cannot list them; the list must agree with its count.
    """
    key = [quoted(name) for name in columns_of(rule)]
    same = " AND ".join(f"alle.{name} = dubbel.{name}" for name in key)
    rows = connection.execute(
        f"SELECT alle.{ROW} FROM {_VIEW} alle JOIN (SELECT {', '.join(key)} FROM {_VIEW} "
        f"GROUP BY ALL HAVING count(*) > 1) dubbel ON {same}"
    )
    return [row for (row,) in rows.fetchall()]


def _error(info: dict[str, Any]) -> str | None:
    """The class of the exception that GX caught: its message may hold a cell's value."""
    if not info:
        return None
    details = [info] if "raised_exception" in info else list(info.values())
    for detail in details:
        if detail.get("raised_exception"):
            lines = str(detail.get("exception_traceback") or "").strip().splitlines()
            for line in reversed(lines):
                if found := _EXCEPTION.match(line.split(":")[0].split(".")[-1]):
                    return found.group(1)
            return "Exception"
    return None


def result_of(rule: Rule, outcome: Outcome, rows: int) -> RuleResult:
    """The result of ``rule`` on a table of ``rows`` rows, with all that the rule itself says."""
    return RuleResult(
        rule=rule.id,
        table=rule.table,
        column=rule.column,
        suite=rule.suite,
        severity=rule.severity,
        expectation=rule.expectation,
        passed=outcome.passed,
        evaluated=0 if outcome.error else rows if columns_of(rule) else 1,
        failed=outcome.failed,
        rows=outcome.rows or (),
        explanation=rule.explanation,
        error=outcome.error,
    )


def frame(
    connection: duckdb.DuckDBPyConnection, source: str, columns: dict[str, str]
) -> pd.DataFrame:
    """``columns`` of ``source`` as pandas, NULL kept apart and integers exact.

    Decimals become floats, as the bound that GX compares them with is one in SQL too: Python
    finds ``Decimal('1.20') > 1.2``. Dates stay dates: nanoseconds end in 2262 and start in 1677.
    """
    import pandas as pd
    import pyarrow as pa

    nullable = {
        pa.int8(): pd.Int64Dtype(),
        pa.int16(): pd.Int64Dtype(),
        pa.int32(): pd.Int64Dtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
        pa.string(): pd.StringDtype(na_value=float("nan")),
    }
    selected = ", ".join(
        f"{quoted(name)}::DOUBLE AS {quoted(name)}" if kind.startswith("DECIMAL") else quoted(name)
        for name, kind in columns.items()
    )
    query = f"SELECT {selected} FROM {source} ORDER BY {quoted(ROW)}"
    return connection.execute(query).to_arrow_table().to_pandas(types_mapper=nullable.get)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep GX from logging and warning: what it would say may hold a cell's value."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _context() -> EphemeralDataContext:
    """A GX context that writes no file and opens no connection."""
    found: EphemeralDataContext = imported().get_context(
        mode="ephemeral", project_config=_project()
    )
    return found


@cache
def _pandas_definition() -> Any:
    """One context for all frames: making one costs as much as four rules. It keeps no frame."""
    asset = _context().data_sources.add_pandas("pandas").add_dataframe_asset(_VIEW)
    return asset.add_batch_definition_whole_dataframe(_VIEW)


def _project() -> DataContextConfig:
    """GX's defaults in memory, less its docs site: that is a folder in /tmp for every context."""
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )


def imported() -> Any:
    """Import GX without its telemetry, and remember how long that took."""
    global last_import_seconds
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    started = time.perf_counter()
    # Making its classes leaves nothing to collect: looking for it takes a sixth of the import.
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        import great_expectations

        ask_once()
    finally:
        if is_collecting:
            gc.enable()
    elapsed = time.perf_counter() - started
    if elapsed > last_import_seconds:
        last_import_seconds = elapsed
    return great_expectations
