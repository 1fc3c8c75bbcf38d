"""Which names of a WITH a part of a query sees, and what two sides of a UNION are on their own.

DuckDB and Spark look a name up in other places where a WITH has the name of a table, or of another
WITH. And a UNION of a text and a number is a text in DuckDB and a number in Spark; only DuckDB can
say what each side gives, so each is told as a query of its own.

Belongs here: following names through a query's tree. Does not belong here: asking an engine
(``spark``), single words (``words``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from via_pipeline.engine.words import NotPortable

DUCKDB = "duckdb"


def check(tree: Any, where: str) -> None:
    """Look at every name of ``tree``, a query as sqlglot reads it; ``where`` names it in an error.

    Raises:
        NotPortable: a WITH has the name of a table that is read, or of another WITH.
    """
    from sqlglot import exp

    every = [_name(one) for one in tree.find_all(exp.CTE)]
    if len(set(every)) < len(every):
        # For Spark sqlglot moves those of a part to the top.
        raise NotPortable(f"{where}: two WITH of one name are not known to mean the same")
    for table in tree.find_all(exp.Table):
        name = table.name.lower()
        if name in every and name not in {_name(one) for one in _seen(table)}:
            raise NotPortable(f"{where}: a WITH of the name of a table, {table.name}, is not known "
                              "to mean the same")  # fmt: skip


@dataclass(frozen=True)
class Sides:
    """Both sides of a UNION, each as a query of its own in DuckDB's words.

    ``empty`` are the places of columns that one side gives as a bare NULL, which is of any type.
    """

    one: str
    two: str
    empty: frozenset[int]


def unions(tree: Any) -> tuple[Sides, ...]:
    """Every UNION of ``tree``."""
    from sqlglot import exp

    return tuple(
        Sides(
            _alone(union.this, _seen(union)),
            _alone(union.expression, _seen(union)),
            frozenset(
                place
                for side in (union.this, union.expression)
                for place, column in enumerate(side.selects)
                if isinstance(column.unalias(), exp.Null)
            ),
        )
        for union in tree.find_all(exp.Union)
    )


def _alone(side: Any, seen: list[Any]) -> str:
    text = f"SELECT * FROM ({side.sql(dialect=DUCKDB)})"
    named = ", ".join(one.sql(dialect=DUCKDB) for one in seen)
    return f"WITH {named} {text}" if named else text


def _name(cte: Any) -> str:
    return str(cte.alias).lower()


def _seen(node: Any) -> list[Any]:
    """Every CTE that ``node`` sees by name, the outermost first; not the one that it is."""
    from sqlglot import exp

    found: list[Any] = []
    came: Any = None
    while node is not None:
        own = node.args.get("with_")
        if isinstance(node, exp.With):
            found = [*node.expressions[: came.index], *found]
        elif own is not None and own is not came:
            found = [*own.expressions, *found]
        came, node = node, node.parent
    return found
