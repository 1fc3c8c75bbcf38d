"""The closed list: which words of DuckDB's SQL are known to mean the same on Spark, and where.

A word is a node of sqlglot's tree, with the parts that it may have: ``DISTINCT`` is listed, its
``ON`` is not. Where the place or the contents of a word matter too, a look below says so. What is
not listed is refused by name, and never with a literal of the query, which may be somebody's
pseudonym.

Belongs here: the list, and refusing. Does not belong here: what differs and is put right
(``dialect``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

LARGEST = 2
"""How many of the largest values ``max(x, n)`` may keep."""

FILTERS = frozenset({"SEMI", "ANTI"})
"""Joins that give columns of the left side only."""

_TWO = "this expression"
WORDS: Mapping[str, str] = {
    # Relations.
    "Select": "with_ expressions from_ where group having joins order distinct",
    "From": "this", "Table": "this alias", "TableAlias": "this", "Identifier": "this quoted",
    "Column": "this table", "Alias": "this alias", "With": "expressions",
    "CTE": "this alias materialized", "Subquery": "this alias", "Where": "this", "Having": "this",
    "Group": "expressions all", "GroupingSets": "expressions",
    "Grouping": "expressions", "Join": "this on using kind side",
    "Union": "with_ this expression distinct order",
    "Order": "this expressions", "Ordered": "this desc nulls_first", "Star": "",
    "Tuple": "expressions", "Distinct": "expressions",
    # Windows and aggregates.
    "Window": "this partition_by order over", "RowNumber": "", "Lag": "this offset default",
    "Filter": _TWO, "Count": "this big_int", "Sum": "this", "Max": "this count", "Min": "this",
    "LogicalOr": "this", "GroupConcat": "this separator",
    # Values and types.
    "Literal": "this is_string", "Boolean": "this", "Null": "", "Cast": "this to",
    "DataType": "this expressions", "DataTypeParam": "this", "Interval": "this unit", "Var": "this",
    "Array": "expressions", "Struct": "expressions", "PropertyEQ": _TWO,
    "Bracket": "this expressions", "Explode": "this",
    # Logic, arithmetic, text, days.
    "And": _TWO, "Or": _TWO, "Not": "this", "Paren": "this", "EQ": _TWO, "NEQ": _TWO, "LT": _TWO,
    "LTE": _TWO, "GT": _TWO, "GTE": _TWO, "Is": _TWO, "In": "this expressions query",
    "Between": "this low high", "Case": "ifs default", "If": "this true false",
    "Coalesce": "this expressions", "Nullif": _TWO, "Add": _TWO, "Sub": _TWO, "Mul": _TWO,
    "Neg": "this", "Abs": "this", "ConcatWs": "expressions safe coalesce", "Chr": "expressions",
    "Year": "this", "Month": "this", "Day": "this",
    "DateDiff": "this expression unit date_part_boundary",
}  # fmt: skip
"""Every word by its class in sqlglot, with the arguments that it may have."""

FUNCTIONS: Mapping[str, int] = {"hash": 1, "md5_number": 1, "date_sub": 3}
"""What sqlglot has no class for: by name, with how many arguments."""

_TYPES = frozenset({"VARCHAR", "TEXT", "BIGINT", "INT", "INT128", "DECIMAL", "DATE", "BOOLEAN"})
_TEXT = frozenset({"VARCHAR", "TEXT"})
_TRUTH = frozenset({"t", "f", "true", "false"})
_UNITS = frozenset({"YEAR", "MONTH", "DAY"})
_DIGITS = 38
_BYTE = 255
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class NotPortable(ValueError):
    """A query has a word that is not known to mean the same on both engines; it is named."""


def check(tree: Any, where: str) -> None:
    """Look at every word of ``tree``, a query as sqlglot reads it; ``where`` names it in an error.

    Raises:
        NotPortable: a word, or a part of one, is not listed, or stands in another place.
    """
    for node in tree.walk():
        if found := _refused(node):
            raise NotPortable(f"{where}: {found} is not known to mean the same")


def many(node: Any) -> int | None:
    """How many values ``max(x, n)`` keeps; None without n, 0 where it is no plain number."""
    found = node.args.get("count")
    if found is None:
        return None
    return int(found.name) if found.is_int else 0


def set_of(node: Any) -> Any | None:
    """x of ``string_agg(DISTINCT x, ' ' ORDER BY x)``; None for any other."""
    from sqlglot import exp

    order = node.this
    if not isinstance(order, exp.Order) or len(order.expressions) != 1:
        return None
    by, distinct = order.expressions[0], order.this
    if by.args.get("desc") or not isinstance(distinct, exp.Distinct):
        return None
    return by.this if [one.sql() for one in distinct.expressions] == [by.this.sql()] else None


def on_for_using(join: Any) -> bool:
    """Whether ``USING`` of this join has to be said with ``ON`` for Spark."""
    if not join.args.get("using"):
        return False
    return join.kind in FILTERS or any(one.is_star for one in join.parent.expressions)


def _refused(node: Any) -> str | None:
    """What of ``node`` is not known; None where all is."""
    from sqlglot import exp

    if isinstance(node, exp.Anonymous):
        name = node.name.lower()
        if len(node.expressions) != FUNCTIONS.get(name):
            return f"the function {node.name}"
        return _date_sub(node) if name == "date_sub" else _digest(node)
    word = type(node).__name__
    if word not in WORDS:
        return word
    known = WORDS[word].split()
    if more := [name for name, value in node.args.items() if value and name not in known]:
        return f"{word} with {more[0]}"
    look = _LOOKS.get(word)
    return look(node) if look is not None else None


def _date_sub(node: Any) -> str | None:
    part = node.expressions[0]
    is_year = part.is_string and part.name.lower() == "year"
    return None if is_year else "date_sub of anything but whole years"


def _digest(node: Any) -> str | None:
    """Equal values have equal digests, and that is all that two engines agree on."""
    is_known = node.parent.key in ("eq", "group", "alias")
    return None if is_known else f"{node.name} elsewhere than beside =, in GROUP BY or as a column"


def _cast(node: Any) -> str | None:
    kind, value = node.to.this.name, node.this
    if kind not in _TYPES:
        return f"a cast to {kind}"
    if bool(node.to.expressions) != (kind == "DECIMAL"):
        return f"{kind} with a length" if node.to.expressions else f"{kind} without its digits"
    text = value.is_string or (value.key == "cast" and value.to.this.name in _TEXT)
    if kind == "BOOLEAN" and text and not (value.is_string and value.name in _TRUTH):
        return "a cast of text to BOOLEAN"
    if kind == "DATE" and text and not (value.is_string and _is_day(value.name)):
        return "a cast of text to DATE"
    if (
        kind not in _TEXT | {"DATE", "BOOLEAN"}
        and value.is_string
        and not _NUMBER.fullmatch(value.name)
    ):
        return "a cast of text that is no plain number"
    return None


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _literal(node: Any) -> str | None:
    if node.is_string:
        return None
    if not node.name.replace(".", "", 1).isdecimal():
        return "a number with an exponent"
    digits = len(node.name.replace(".", "").lstrip("0"))
    return f"a number of more than {_DIGITS} digits" if digits > _DIGITS else None


def _interval(node: Any) -> str | None:
    parent = node.parent
    if parent.key not in ("add", "sub") or node.arg_key != "expression":
        return "an interval elsewhere than right of + or -"
    if _unit(node) not in _UNITS:
        return "an interval in other units than years, months and days"
    is_whole = (
        node.this.is_string and _NUMBER.fullmatch(node.this.name) and "." not in node.this.name
    )
    return None if is_whole else "an interval that is no whole number"


def _unit(node: Any) -> str:
    unit = node.args.get("unit")
    return unit.name.upper().removesuffix("S") if unit is not None else ""


def _tuple(node: Any) -> str | None:
    if not node.expressions:
        return "the empty grouping set ()"
    parent = node.parent
    is_counted = parent.key == "distinct" and parent.parent.key == "count"
    if parent.key not in ("in", "groupingsets") and not is_counted:
        return "a row of values outside IN, grouping sets and count(DISTINCT)"
    return None


def _list(node: Any) -> str | None:
    """A list is unnested where it is made: as a value, or in text, it is written in other ways."""
    above = node.parent
    while above.key in ("case", "if"):
        above = above.parent
    return None if above.key == "explode" else "a list that is not unnested at once"


def _star(node: Any) -> str | None:
    parent = node.parent
    select = parent.parent if parent.key == "column" else parent
    return None if parent.key == "count" or select.key == "select" else "* in that place"


def _select(node: Any) -> str | None:
    """With USING a star gives the columns in another order, so that it is said with ON instead."""
    joins = node.args.get("joins") or []
    said = [join for join in joins if on_for_using(join)]
    if not said:
        return None
    source = node.args.get("from_")
    name = source.this.alias_or_name if source is not None else ""
    stars = [one for one in node.expressions if one.is_star]
    is_filter = said[0].kind in FILTERS
    if len(joins) > 1 or not name or said[0].side not in ("", "LEFT"):
        return "* or a filter beside a join with USING and other joins"
    if any(star.text("table") != name and not (is_filter and star.key == "star") for star in stars):
        return "* of more than the left side of a join with USING"
    if not is_filter and _bare(node, {column.name for column in said[0].args["using"]}):
        return "a column of USING without its table, beside *,"
    return None


def _bare(select: Any, names: set[str]) -> bool:
    from sqlglot import exp

    return any(
        not column.table and column.name in names and column.find_ancestor(exp.Select) is select
        for column in select.find_all(exp.Column)
    )


def _max(node: Any) -> str | None:
    kept = many(node)
    if kept is None:
        return None
    if kept != LARGEST:
        return f"max(x, n) but for n = {LARGEST}"
    column = node.parent if node.parent.key == "alias" else node
    if column.parent.key != "select" or column.arg_key != "expressions":
        return f"max(x, {LARGEST}) inside another expression"
    return "max(DISTINCT x, n)" if node.this.key == "distinct" else None


def _one_of(node: Any, *known: str) -> str | None:
    of = node.this
    is_known = of.key in known and not (of.key == "max" and many(of) is not None)
    return None if is_known else f"{type(node).__name__} of {type(of).__name__}"


_LOOKS: Mapping[str, Callable[[Any], str | None]] = {
    "Cast": _cast,
    "Literal": _literal,
    "Interval": _interval,
    "Tuple": _tuple,
    "Array": _list,
    "Star": _star,
    "Select": _select,
    "Max": _max,
    "Struct": lambda n: None if n.parent.key == "array" else "a struct outside a list",
    "DateDiff": lambda n: None if _unit(n) == "DAY" else "date_diff in other units than days",
    # Places in a list start at one in the one engine and at zero in the other.
    "Bracket": lambda n: (
        None
        if len(n.expressions) == 1 and n.expressions[0].is_string
        else "anything but one text between [ and ]"
    ),
    "GroupConcat": lambda n: (
        None
        if set_of(n) is not None and n.parent.key not in ("filter", "window")
        else "string_agg but of DISTINCT x ORDER BY x"
    ),
    "Chr": lambda n: (
        None
        if n.expressions[0].is_int and int(n.expressions[0].name) <= _BYTE
        else f"chr of anything but a number to {_BYTE}"
    ),
    "Distinct": lambda n: "DISTINCT of several values" if len(n.expressions) > 1 else None,
    "Filter": lambda n: _one_of(n, "count", "sum", "max", "min", "logicalor"),
    "Window": lambda n: _one_of(n, "rownumber", "lag", "count", "sum", "max", "min", "logicalor"),
}
"""What of a word's place or contents matters: each says what is not known, or None."""
