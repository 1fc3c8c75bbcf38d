"""Run the rules of many tables at once, on values and not on rows.

A rule about one column says the same of equal values. So the tables of one contract are put
together, every column is brought down to the values that stand in it, Great Expectations judges
each value once, and DuckDB finds the rows that hold a value that failed. GX's cost is per
expectation: it is paid once, however many deliveries and rows there are, and no large table comes
into pandas. Whether a key is unique is asked of the rows whose key stands there more than once.
A rule about a whole table (a mean, a number of rows) is run on each table alone.

Belongs here: bringing down, and taking the answers apart again. Does not belong here: what GX does
(``engines.py``). The results are those of ``engines.run_on_file``, table by table; a test compares
them. See docs/decisions/0030-values-not-rows.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from via_pipeline.contracts.rules import Rule
from via_pipeline.quality import engines
from via_pipeline.quality.results import RuleResult
from via_pipeline.quality.suites import columns_of
from via_pipeline.storage import settings
from via_pipeline.storage.duck import literal, quoted, work
from via_pipeline.storage.place import Place

MOST_VALUES = 50_000
"""A column with more values than this is judged table by table."""

MOST_ROWS = 5_000_000
"""Rows that are judged together: the numbers of those that fail are held in memory, a rule."""

_FEW = 100
"""Values that are looked for one after another; more are looked up by hash."""

_ABOUT_A_VALUE = {
    "expect_column_values_to_not_be_null",
    "expect_column_values_to_be_null",
    "expect_column_values_to_match_regex",
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_not_be_in_set",
    "expect_column_values_to_be_between",
    "expect_column_value_lengths_to_be_between",
}
_ABOUT_A_KEY = {
    "expect_column_values_to_be_unique",
    "expect_compound_columns_to_be_unique",
}

_ABOUT_MORE = {"mostly", "row_condition", "ignore_row_if"}
"""What makes a rule depend on more than the value or the key: it is judged on the rows."""

_One = TypeVar("_One")
_Rows = list[tuple[int, ...]]
"""The rows that break one rule, ascending, a table."""


@dataclass(frozen=True)
class _Tables:
    """Staged tables of one shape: their files, how many rows each has, and their columns."""

    paths: Sequence[Place]
    sizes: Sequence[int]
    types: Mapping[str, str]

    @property
    def scan(self) -> str:
        """SQL of all their rows; ``file_index`` says of which table a row is."""
        return f"read_parquet([{', '.join(literal(path) for path in self.paths)}])"


def about_a_value(rule: Rule) -> bool:
    """Whether a row's outcome depends on the value of one column, and the verdict on the rows."""
    return rule.expectation in _ABOUT_A_VALUE and not _ABOUT_MORE & rule.kwargs.keys()


def about_a_key(rule: Rule) -> bool:
    """Whether a row's outcome depends on the rows of its table that have the same key."""
    return rule.expectation in _ABOUT_A_KEY and not _ABOUT_MORE & rule.kwargs.keys()


def run_on_files(
    rules: Sequence[Rule],
    tables: Sequence[Place],
    scratch: Path | None = None,
    threshold_rows: int = engines.PANDAS_LIMIT_ROWS,
    connection: duckdb.DuckDBPyConnection | None = None,
) -> list[list[RuleResult]]:
    """Per staged table of one contract, the result of every rule in the order of ``rules``.

    Of a table of more than ``threshold_rows`` rows no row leaves DuckDB, or the cluster, but for
    keys that stand there more than once, ``MOST_VALUES`` rows of them at most. ``connection`` is
    one that is open already: opening one takes a tenth of the time of a small table.
    """
    with ExitStack() as stack:
        opened = connection or stack.enter_context(work(scratch))
        described = _described(opened, rules, tables, threshold_rows)
        if described is None:
            return list(engines.run_on_each(opened, rules, tables, threshold_rows))
    with work(scratch) as opened:
        found: dict[str, _Rows] = {}
        found |= _of_values(opened, [rule for rule in rules if about_a_value(rule)], described)
        found |= _of_keys(opened, [rule for rule in rules if about_a_key(rule)], described)
    alone = [rule for rule in rules if rule.id not in found]
    with work(scratch) as opened:
        rest = list(engines.run_on_each(opened, alone, tables, threshold_rows))
    results = []
    for place, (others, rows) in enumerate(zip(rest, described.sizes, strict=True)):
        by_rule = {result.rule: result for result in others}
        for rule in rules:
            if rule.id in found:
                bad = found[rule.id][place]
                outcome = engines.Outcome(not bad, len(bad), bad if bad else (), None)
                by_rule[rule.id] = engines.result_of(rule, outcome, rows)
        results.append([by_rule[rule.id] for rule in rules])
    return results


def batches(sizes: Sequence[tuple[_One, int]], most: int = MOST_ROWS) -> Iterator[list[_One]]:
    """What has so many rows each, in groups of at most ``most`` rows, in the order given.

    One of more rows is alone.
    """
    group: list[_One] = []
    rows = 0
    for one, size in sizes:
        if group and rows + size > most:
            yield group
            group, rows = [], 0
        group.append(one)
        rows += size
    if group:
        yield group


def _described(
    connection: duckdb.DuckDBPyConnection,
    rules: Sequence[Rule],
    paths: Sequence[Place],
    threshold_rows: int,
) -> _Tables | None:
    """The tables, where they are of one shape and it pays; None where each is run alone."""
    listed = f"[{', '.join(literal(path) for path in paths)}]"
    counted = connection.execute(
        f"SELECT file_name, num_rows FROM parquet_file_metadata({listed})"
    ).fetchall()
    sizes = dict(counted)
    if settings.engine() == settings.SPARK and max(sizes.values(), default=0) > threshold_rows:
        return None  # the rows stay where they are: Spark judges them there, table by table
    if len(paths) == 1 and sum(sizes.values()) <= threshold_rows:
        return None
    shapes = connection.execute(
        "SELECT DISTINCT list((name, type, converted_type, logical_type)) "
        f"FROM parquet_schema({listed}) WHERE num_children IS NULL GROUP BY file_name"
    ).fetchall()
    if len(shapes) != 1:
        return None
    described = connection.execute(f"DESCRIBE FROM read_parquet({literal(paths[0])})").fetchall()
    types = {name: kind for name, kind, *_ in described}
    if not {name for rule in rules for name in columns_of(rule)} <= set(types):
        return None
    return _Tables(paths, [sizes[str(path)] for path in paths], types)


def _of_values(
    connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], tables: _Tables
) -> dict[str, _Rows]:
    """Rows that break a rule about a value, by rule; a rule that is not there is run otherwise."""
    sizes: dict[str, int] = {}
    for name in sorted({column for rule in rules for column in columns_of(rule)}):
        # A number of its own for every value, so that what failed need not be spelled out.
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {_values_of(name)} AS "
            "SELECT row_number() OVER () - 1 AS plaats, waarde FROM "
            f"(SELECT DISTINCT {quoted(name)} AS waarde FROM {tables.scan})"
        )
        size = connection.execute(f"SELECT count(*) FROM {_values_of(name)}").fetchall()[0][0]
        if size <= MOST_VALUES:
            sizes[name] = size
    wanted = [rule for rule in rules if set(columns_of(rule)) <= set(sizes)]
    if not wanted:
        return {}
    found = engines.on_pandas(wanted, _frame_of_values(connection, sizes, tables))
    bad: dict[str, list[tuple[int, int]]] = {}
    rows: dict[str, _Rows] = {}
    for number, (rule, outcome) in enumerate(zip(wanted, found, strict=True)):
        if outcome.error or (outcome.failed and outcome.rows is None):
            continue
        (name,) = columns_of(rule)
        rows[rule.id] = [()] * len(tables.paths)
        # Beyond the values of a column one of them is repeated, see _frame_of_values.
        failed = [(number, place) for place in outcome.rows or () if place < sizes[name]]
        if failed:
            bad.setdefault(name, []).extend(failed)
    for number, index, numbers in _rows_with(connection, bad, tables):
        rows[wanted[number].id][index] = tuple(numbers)
    return rows


def _frame_of_values(
    connection: duckdb.DuckDBPyConnection, sizes: Mapping[str, int], tables: _Tables
) -> Any:
    """One frame with the values of every column below each other.

    Where a column has fewer than another one of its values is repeated: it says nothing new. That
    of the first row it is, for most values pass: a value that fails is told of every time.
    """
    joins, cells = [], []
    for number, (name, size) in enumerate(sizes.items()):
        again = connection.execute(
            f"SELECT plaats FROM {_values_of(name)} WHERE waarde IS NOT DISTINCT FROM "
            f"(SELECT {quoted(name)} FROM {tables.scan} LIMIT 1)"
        ).fetchall()
        place = again[0][0] if again else 0
        joins.append(
            f"LEFT JOIN {_values_of(name)} AS v{number} ON v{number}.plaats = "
            f"CASE WHEN teller.plaats < {size} THEN teller.plaats ELSE {place} END"
        )
        cells.append(f"v{number}.waarde AS {quoted(name)}")
    source = (
        f"(SELECT teller.plaats AS {engines.ROW}, {', '.join(cells)} "
        f"FROM range({max(sizes.values())}) AS teller(plaats) {' '.join(joins)})"
    )
    kinds = {name: tables.types[name] for name in sizes} | {engines.ROW: "BIGINT"}
    return engines.frame(connection, source, kinds)


def _rows_with(
    connection: duckdb.DuckDBPyConnection,
    bad: Mapping[str, Sequence[tuple[int, int]]],
    tables: _Tables,
) -> Iterator[tuple[int, int, list[int]]]:
    """Rows that hold a value that failed: number of the rule, of the table, and of the rows.

    ``bad`` has per column the rules and the places of the values that failed.
    """
    sieves = {}
    for number, (name, failed) in enumerate(bad.items()):
        rules, places = zip(*failed, strict=True)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {_failed_of(name)} AS SELECT regel, waarde FROM "
            "(SELECT unnest($1::BIGINT[]) AS regel, unnest($2::BIGINT[]) AS plaats) "
            f"JOIN {_values_of(name)} USING (plaats)",
            [list(rules), list(places)],
        )
        if len(set(places)) <= _FEW:
            sieves[name] = _sieve(connection, name, number)
    if sieves:
        # One reading for all of those columns: the number of a row is what is dear to read.
        kept = ", ".join(["file_index", engines.ROW, *map(quoted, sieves)])
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE via_verdacht AS SELECT {kept} "
            f"FROM {tables.scan} WHERE {' OR '.join(sieves.values())}"
        )
    for name in bad:
        source = "via_verdacht" if name in sieves else tables.scan
        yield from connection.execute(
            f"SELECT regel, tabel, list({engines.ROW} ORDER BY {engines.ROW}) FROM "
            f"(SELECT file_index AS tabel, {engines.ROW}, {quoted(name)} AS waarde FROM {source}) "
            f"AS rij JOIN {_failed_of(name)} AS slecht "
            "ON rij.waarde IS NOT DISTINCT FROM slecht.waarde GROUP BY ALL"
        ).fetchall()


def _sieve(connection: duckdb.DuckDBPyConnection, name: str, number: int) -> str:
    """SQL: whether a row holds one of the values of a column that failed.

    DuckDB asks that once per value of the dictionary in which a Parquet file keeps a column.
    """
    variable = f"via_slecht_{number}"
    connection.execute(
        f"SET VARIABLE {variable} = (SELECT list(DISTINCT waarde) FROM {_failed_of(name)})"
    )
    listed = f"list_contains(getvariable('{variable}'), {quoted(name)})"
    empty = connection.execute(
        f"SELECT count(*) FROM {_failed_of(name)} WHERE waarde IS NULL"
    ).fetchall()[0][0]
    return f"({listed} OR {quoted(name)} IS NULL)" if empty else listed


def _of_keys(
    connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], tables: _Tables
) -> dict[str, _Rows]:
    """Rows that break a rule about a key, by rule; a rule that is not there is run otherwise."""
    rows: dict[str, _Rows] = {}
    for rule in rules:
        held = _frame_of_keys(connection, columns_of(rule), tables)
        if held is None:
            continue
        frame, owners = held
        (outcome,) = engines.on_pandas([rule], frame)
        if outcome.error or (outcome.failed and outcome.rows is None):
            continue
        found: list[list[int]] = [[] for _ in tables.paths]
        for place in outcome.rows or ():
            index, row = owners[place]
            found[index].append(row)
        rows[rule.id] = [tuple(sorted(numbers)) for numbers in found]
    return rows


def _frame_of_keys(
    connection: duckdb.DuckDBPyConnection, key: Sequence[str], tables: _Tables
) -> tuple[Any, list[tuple[int, int]]] | None:
    """A frame of the rows whose key their table has more than once; of each its table and row.

    None where they are too many for a frame: a file that was sent twice over.

    A key may stand in two tables: the first of its columns is a number that differs by table.
    """
    names = ", ".join(quoted(name) for name in key)
    filled = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in key)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE dubbel AS SELECT 0 AS tabel, "
        f"{engines.ROW}, {names} FROM {tables.scan} LIMIT 0"
    )
    for index, path in enumerate(tables.paths):
        # Table by table, so that no more than the keys of one are held; and by their hash, which
        # is half the work. Should two keys have the same, GX sees that they are not.
        scan = f"(FROM read_parquet({literal(path)}) WHERE {filled})"
        connection.execute(
            f"INSERT INTO dubbel SELECT {index}, {engines.ROW}, {names} FROM {scan} "
            f"WHERE hash({names}) IN (SELECT gelijk FROM (SELECT hash({names}) AS gelijk "
            f"FROM {scan}) GROUP BY gelijk HAVING count(*) > 1)"
        )
    many = connection.execute("SELECT count(*) FROM dubbel").fetchall()[0][0]
    if many > MOST_VALUES:
        return None
    first, *others = (quoted(name) for name in key)
    more = "".join(f", {name}" for name in others)
    source = (
        f"(SELECT row_number() OVER (ORDER BY tabel, {engines.ROW}) - 1 AS {engines.ROW}, "
        f"dense_rank() OVER (ORDER BY tabel, {first}) AS {first}{more} FROM dubbel)"
    )
    kinds = {key[0]: "BIGINT", engines.ROW: "BIGINT"} | {
        name: tables.types[name] for name in key[1:]
    }
    owners = connection.execute(
        f"SELECT tabel, {engines.ROW} FROM dubbel ORDER BY tabel, {engines.ROW}"
    ).fetchall()
    return engines.frame(connection, source, kinds), owners


def _values_of(name: str) -> str:
    return quoted(f"via_waarden_{name}")


def _failed_of(name: str) -> str:
    return quoted(f"via_fout_{name}")
