"""Staged tables made by hand from a contract: clean rows, and rows with one planted fault each.

They follow what ``contracts/rules.py`` says of a staged table, so that quality can be tested
without intake.
"""

from __future__ import annotations

import datetime
import decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st

from via_pipeline.contracts import codelists
from via_pipeline.contracts.model import Column, Contract, Table
from via_pipeline.contracts.rules import Rule, needs_codelists
from via_pipeline.quality.suites import columns_of
from via_pipeline.storage.duck import literal, quoted

REFERENCE = Path(__file__).parents[2] / "data" / "reference"
ROW_COUNT = "expect_table_row_count_to_be_between"
AGGREGATES = {
    "expect_column_distinct_values_to_contain_set",
    "expect_column_proportion_of_non_null_values_to_be_between",
    "expect_column_mean_to_be_between",
}
UNIQUE = {"expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"}

_AT_ONCE = 50

Row = dict[str, Any]


def types_of(table: Table, rules: list[Rule]) -> dict[str, str]:
    """Columns of the staged table and their DuckDB types."""
    types = dict(table.conformed_types)
    for column in table.columns:
        if column.is_identifying:
            types[f"{column.name}__fout"] = "VARCHAR"
        elif not column.is_text:
            types[f"{column.name}__tekst"] = "VARCHAR"
    for rule in rules:
        if rule.predicate is not None:
            types[rule.flag] = "TINYINT"
    return types


def clean_rows(contract: Contract, table: Table, rules: list[Rule], count: int) -> list[Row]:
    """``count`` rows that break no rule; row numbers start at 2, below a header."""
    lists = {name: codelists.load(name, REFERENCE).values for name in needs_codelists(table)}
    for column in table.columns:
        if column.codelist:
            unwanted = _unwanted(column, rules)
            codes = lists[column.codelist.name]
            lists[column.codelist.name] = tuple(code for code in codes if code not in unwanted)
    rows = []
    for index in range(count):
        row: Row = {"_delivery": f"{contract.source}-test", "_row": index + 2}
        for person in table.persons:
            row[f"{person.name}_id"] = f"{index:064x}"
            row[f"{person.name}_id_soort"] = person.id_type
        for column in table.stored_columns:
            row |= _cells(column, lists, index)
        for rule in rules:
            if rule.predicate is not None:
                row[rule.flag] = 1
        rows.append(row)
    return rows


def broken(rule: Rule, row: Row) -> Row:
    """A copy of ``row`` that breaks ``rule``, a rule about single rows."""
    kwargs = rule.kwargs
    name = kwargs.get("column")
    match rule.expectation:
        case "expect_column_values_to_not_be_null":
            return row | {name: None}
        case "expect_column_values_to_not_be_in_set":
            return row | {name: kwargs["value_set"][0]}
        case "expect_column_values_to_be_in_set":
            return row | {name: 0 if kwargs["value_set"] == [1] else "~bestaat niet~"}
        case "expect_column_value_lengths_to_be_between":
            return row | {name: "x" * (kwargs["max_value"] + 1)}
        case "expect_column_values_to_match_regex":
            return row | {name: "~~~"}
        case "expect_column_values_to_be_between":
            out = kwargs["max_value"] + 1 if "max_value" in kwargs else kwargs["min_value"] - 1
            return row | {name: out}
    raise AssertionError(f"no fault is known for {rule.expectation}: plant one here")


def is_aggregate(rule: Rule) -> bool:
    """Whether the rule judges a column as a whole (``mostly`` allows a share of bad rows)."""
    return rule.expectation in AGGREGATES or "mostly" in rule.kwargs


def spoiled(rule: Rule, rows: list[Row]) -> list[Row]:
    """``rows`` with the column of an aggregate rule spoiled throughout."""
    name = rule.kwargs["column"]
    if "mostly" in rule.kwargs:
        return [broken(rule, row) for row in rows]
    match rule.expectation:
        case "expect_column_distinct_values_to_contain_set":
            return [row | {name: rule.kwargs["value_set"][0]} for row in rows]
        case "expect_column_proportion_of_non_null_values_to_be_between":
            return [row | {name: None} for row in rows]
        case "expect_column_mean_to_be_between":
            return [row | {name: rule.kwargs["max_value"] * 10} for row in rows]
    raise AssertionError(f"no fault is known for {rule.expectation}: plant one here")


def write(path: Path, types: dict[str, str], rows: list[Row]) -> Path:
    """Write ``rows`` as a staged Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in types.items())
    connection = _writer()
    connection.execute(f"CREATE OR REPLACE TABLE t ({columns})")
    marks = "(" + ", ".join("?" for _ in types) + ")"
    # Many rows at once: an INSERT a row takes most of what such a test takes.
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        connection.execute(
            f"INSERT INTO t VALUES {', '.join([marks] * len(some))}",
            [row.get(name) for row in some for name in types],
        )
    connection.execute(f"COPY (SELECT * FROM t ORDER BY _row) TO {literal(path)}")
    return path


@cache
def _writer() -> duckdb.DuckDBPyConnection:
    """One for all files: opening one takes longer than writing them."""
    return duckdb.connect()


def is_about_rows(rule: Rule) -> bool:
    """Whether the rule's result names single rows."""
    return bool(columns_of(rule)) and not is_aggregate(rule)


def _unwanted(column: Column, rules: list[Rule]) -> set[str]:
    """Codes that a rule on the column's text does not want, though the list has them."""
    return {
        code
        for rule in rules
        if rule.expectation == "expect_column_values_to_not_be_in_set"
        and rule.kwargs["column"] == column.name
        for code in rule.kwargs["value_set"]
    }


def _cells(column: Column, lists: dict[str, Any], index: int) -> Row:
    value, text = _value(column, lists, index)
    cells: Row = {column.name: value}
    if column.has_missing_kinds:
        cells[f"{column.name}__ontbreekt"] = None
    if not column.is_text:
        cells[f"{column.name}__tekst"] = text
    return cells


def _value(column: Column, lists: dict[str, Any], index: int) -> tuple[Any, str]:
    if column.codelist:
        codes = lists[column.codelist.name]
        code = codes[index % len(codes)]
        return (int(code) if column.logical_type == "integer" else code), code
    match column.logical_type:
        case "boolean":
            return True, "J"
        case "date":
            day = datetime.date(2020, 1, 15) + datetime.timedelta(days=index)
            return day, day.strftime(column.strptime)
        case "integer":
            low = int(column.minimum if column.minimum is not None else 1)
            high = int(column.maximum if column.maximum is not None else low + 10**6)
            number = low + index % (high - low + 1)
            return number, str(number)
        case "number":
            low = column.minimum if column.minimum is not None else 0
            high = column.maximum if column.maximum is not None else 100
            number = decimal.Decimal("12.5" if low <= 12.5 <= high else str((low + high) / 2))
            return number, str(number).replace(".", column.decimal_mark)
    text = _matching(column.pattern)[index % 3] if column.pattern else f"tekst {index}"
    return text, text


@cache
def _matching(pattern: str) -> list[str]:
    """Three texts (or as many as there are, repeated) that match ``pattern``."""
    found = st.from_regex(pattern, fullmatch=True)
    quiet = settings(
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    for size in (3, 1):
        try:
            texts = find(
                st.lists(found, min_size=size, max_size=size, unique=True),
                lambda _: True,
                settings=quiet,
            )
            return (texts * 3)[:3]
        except Exception:
            if size == 1:
                raise
    raise AssertionError("unreachable")
