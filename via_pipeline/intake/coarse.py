"""Make quasi-identifiers coarse before they are written, as far as the contract says.

What no outcome needs is not kept: a day becomes its month or year, an amount its step, and of free
text only what many rows of the delivery share, for a text that one row has may be anything, a name
too. The rules of the contract have seen the full value before (predicates) or hold for the coarse
one as well (form, bounds). Belongs here: the SQL over a staged query. Does not belong here: what is
coarse (the contract's ``coarsen``).
"""

from __future__ import annotations

from collections.abc import Iterator

from via_pipeline.contracts.model import Column, Table
from via_pipeline.storage.duck import literal, quoted

RARE = "(zeldzaam)"


def looks_across_rows(table: Table) -> bool:
    """Whether a column is kept by how many rows share its value."""
    return any(kind == "frequent" for kind, _ in map(_parts, _coarse(table)))


def counting(table: Table, relation: str) -> Iterator[str]:
    """SQL, a statement a column, that remembers which texts many rows of ``relation`` share.

    What ``applied`` needs on the same connection, once. As a type and not as a subquery: a join
    would take the rows out of their order.
    """
    for column in _coarse(table):
        kind, number = _parts(column)
        if kind == "frequent":
            name = quoted(column.name)
            yield (
                f"CREATE TYPE {_shared(table, column)} AS ENUM (SELECT {name} FROM {relation} "
                f"WHERE {name} IS NOT NULL GROUP BY ALL HAVING count(*) >= {number})"
            )


def applied(table: Table, query: str) -> str:
    """``query`` with its coarse columns; after ``counting`` where it ``looks_across_rows``."""
    replaced = [part for column in _coarse(table) for part in _replaced(table, column)]
    return f"SELECT * REPLACE ({', '.join(replaced)}) FROM ({query})" if replaced else query


def _coarse(table: Table) -> list[Column]:
    return [column for column in table.stored_columns if column.coarsen]


def _parts(column: Column) -> tuple[str, int]:
    kind, _, number = (column.coarsen or "").partition(":")
    return kind, int(number or 0)


def _shared(table: Table, column: Column) -> str:
    return quoted(f"via_vaak_{table.name}_{column.name}")


def _replaced(table: Table, column: Column) -> list[str]:
    name, text = quoted(column.name), quoted(f"{column.name}__tekst")
    kind, number = _parts(column)
    if kind == "frequent":
        # A text that is too long stays too long, so that its rule still fails.
        rare = (
            f"CASE WHEN length({name}) > {column.max_length} THEN "
            f"repeat('x', {column.max_length + 1}) ELSE {literal(RARE)} END"
        )
        return [
            f"CASE WHEN {name} IS NULL OR TRY_CAST({name} AS {_shared(table, column)}) "
            f"IS NOT NULL THEN {name} ELSE {rare} END AS {name}"
        ]
    if kind == "step":
        value = f"CAST(floor({name} / {number}) * {number} AS {column.duckdb_type})"
        said = f"replace(CAST({value} AS VARCHAR), '.', {literal(column.decimal_mark)})"
    else:
        value = f"CAST(date_trunc({literal(kind)}, {name}) AS DATE)"
        said = f"strftime({value}, {literal(column.strptime)})"
    return [
        f"{value} AS {name}",
        f"CASE WHEN {name} IS NULL THEN {text} ELSE {said} END AS {text}",
    ]
