"""DuckDB's SQL in Spark's words, out of a closed list of words that mean the same on both.

sqlglot reads DuckDB and writes Spark, and is silently wrong at times (a day of the week that starts
on another day, ``date_sub`` that becomes a subtraction, a cast that cuts instead of rounding). So
it is not trusted: a query with a word that is not listed here is refused, a listed word that
differs is put right below, and tests compare the results of both engines on generated data.
Values are what conformed tables hold: VARCHAR, BIGINT, DECIMAL, DATE, BOOLEAN.

Belongs here: the list and what is put right. Does not belong here: running anything (``spark``).

Put right, beyond what sqlglot does well (order of NULL, quotes, intervals, arrays and structs):

- ``CAST`` to an integer rounds half away from zero, as DuckDB does with decimals; Spark cuts. It
  goes by way of DECIMAL(38,0). HUGEINT is DECIMAL(38,0) itself: sums to 38 digits are exact.
- ``date_sub('year', a, b)``, whole years between two days, is counted from years, months and days.
- a date plus an interval is a timestamp in DuckDB and stays a date in Spark.
- ``md5_number``: the same 128 bits, as bytes. It may be compared for equality only.
- ``max(x, 2)``, the two largest: rows beyond the two largest of the finest group cannot be among
  them, so only those are gathered. Spark has no aggregate that keeps two.
- ``string_agg(DISTINCT x, ' ' ORDER BY x)`` is a set, sorted and joined.
- hints of DuckDB on what to hold in memory are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DUCKDB, SPARK = "duckdb", "spark"
WHOLE = "DECIMAL(38, 0)"
LARGEST = 2
"""How many of the largest values ``max(x, n)`` may keep."""

_NODES = frozenset((
    # Relations.
    "Select", "From", "Table", "TableAlias", "Identifier", "Column", "Alias", "With", "CTE",
    "Subquery", "Where", "Having", "Group", "GroupingSets", "Grouping", "Join", "Union",
    "Order", "Ordered", "Star", "Tuple", "Distinct",
    # Windows and aggregates.
    "Window", "RowNumber", "Lag", "Filter", "Count", "Sum", "Max", "Min",
    "LogicalOr", "GroupConcat",
    # Values and types.
    "Literal", "Boolean", "Null", "Cast", "DataType", "DataTypeParam", "Interval", "Var",
    "Array", "Struct", "PropertyEQ", "Dot", "Bracket", "Explode",
    # Logic, arithmetic, text, days.
    "And", "Or", "Not", "Paren", "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "Is", "In", "Between",
    "Case", "If", "Coalesce", "Nullif", "Add", "Sub", "Mul", "Neg", "Abs", "ConcatWs", "Chr",
    "Year", "Month", "Day", "DateDiff",
))  # fmt: skip
_FUNCTIONS = frozenset({"md5_number", "date_sub"})
_TYPES = frozenset({"VARCHAR", "TEXT", "BIGINT", "INT", "INT128", "DECIMAL", "DATE", "BOOLEAN"})
_INTEGERS = frozenset({"BIGINT", "INT"})
_UNITS = frozenset({"YEAR", "MONTH", "DAY"})


class NotPortable(ValueError):
    """A query has a word that is not known to mean the same on both engines; it is named."""


@dataclass(frozen=True)
class Compiled:
    """A query in Spark's words.

    ``tables`` are the tables and views that it reads, ``files`` what it reads as Parquet, by the
    name of the view that stands for them in ``sql``. ``order`` is its own last ORDER BY, in
    DuckDB's words: rows that come back are put in order there.
    """

    sql: str
    tables: tuple[str, ...]
    files: dict[str, list[str]]
    order: str


def compiled(query: str, where: str = "query") -> Compiled:
    """``query`` (DuckDB's SQL) in Spark's words; ``where`` names it in an error.

    Raises:
        NotPortable: it has a word that is not listed here, or is not SQL.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import ErrorLevel, SqlglotError

    try:
        tree = sqlglot.parse_one(query, read=DUCKDB)
    except SqlglotError:
        # The message quotes the text.
        raise NotPortable(f"{where}: not SQL that can be read") from None
    files = _taken_files(tree, where)
    for node in tree.walk():
        _check(node, where)
    order = _taken_order(tree)
    for select in list(tree.find_all(exp.Select)):
        _keep_largest(select)
    tree = tree.transform(_put_right)
    common = {cte.alias for cte in tree.find_all(exp.CTE)}
    tables = {table.name for table in tree.find_all(exp.Table)} - common - set(files)
    try:
        sql = tree.sql(dialect=SPARK, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise NotPortable(f"{where}: Spark has no word for it ({type(error).__name__})") from None
    return Compiled(sql, tuple(sorted(tables)), files, order)


def view_query(statement: str) -> str:
    """The query of a DuckDB ``CREATE VIEW`` statement, in DuckDB's words.

    Raises:
        NotPortable: it is no such statement.
    """
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(statement, read=DUCKDB)
    if not isinstance(tree, exp.Create) or tree.expression is None:
        raise NotPortable("a view of DuckDB that cannot be read")
    return str(tree.expression.sql(dialect=DUCKDB))


def _check(node: Any, where: str) -> None:
    from sqlglot import exp

    if isinstance(node, exp.Anonymous):
        if node.name.lower() not in _FUNCTIONS:
            raise NotPortable(f"{where}: the function {node.name} is not known to mean the same")
    elif type(node).__name__ not in _NODES:
        raise NotPortable(f"{where}: {type(node).__name__} is not known to mean the same")
    looks: dict[str, Callable[[Any], str | None]] = {
        "Cast": lambda n: n.to.sql() if n.to.this.name not in _TYPES else None,
        "Interval": lambda n: _unit(n) if _unit(n) not in _UNITS else None,
        "DateDiff": lambda n: _unit(n) if _unit(n) != "DAY" else None,
        "Anonymous": _date_part,
        "Bracket": lambda n: n.sql() if not _is_key(n) else None,
        "Max": lambda n: "max(x, n)" if _many(n) not in (None, LARGEST) else None,
        "Min": lambda n: "min(x, n)" if _many(n) is not None else None,
        "GroupConcat": lambda n: (
            "string_agg but of DISTINCT x ORDER BY x" if _set(n) is None else None
        ),
        "Star": lambda n: "* with EXCLUDE or REPLACE" if any(n.args.values()) else None,
        "Join": lambda n: "a join of that kind" if n.args.get("method") else None,
        "Union": lambda n: "UNION BY NAME" if n.args.get("by_name") else None,
        "Group": lambda n: n.sql() if n.args.get("rollup") or n.args.get("cube") else None,
    }
    look = looks.get(type(node).__name__)
    if look is not None and (found := look(node)):
        raise NotPortable(f"{where}: {found} is not known to mean the same")


def _unit(node: Any) -> str:
    unit = node.args.get("unit")
    return unit.name.upper().removesuffix("S") if unit is not None else "DAY"


def _date_part(node: Any) -> str | None:
    """``date_sub`` is known for whole years only."""
    if node.name.lower() != "date_sub":
        return None
    part = node.expressions[0]
    is_year = part.is_string and part.name.lower() == "year" and len(node.expressions) == 3
    return None if is_year else f"date_sub of {part.name or 'something else'}"


def _is_key(node: Any) -> bool:
    """``map['key']``: places in a list start at one in the one engine and at zero in the other."""
    return len(node.expressions) == 1 and bool(node.expressions[0].is_string)


def _many(node: Any) -> int | None:
    """How many values ``max(x, n)`` keeps; None without n, 0 where it is no plain number."""
    found = node.args.get("count") or next(iter(node.expressions), None)
    if found is None:
        return None
    return int(found.name) if found.is_int else 0


def _set(node: Any) -> Any | None:
    """x of ``string_agg(DISTINCT x, ' ' ORDER BY x)``; None for any other."""
    from sqlglot import exp

    order = node.this
    if not isinstance(order, exp.Order) or len(order.expressions) != 1:
        return None
    by, distinct = order.expressions[0], order.this
    if by.args.get("desc") or not isinstance(distinct, exp.Distinct):
        return None
    return by.this if [one.sql() for one in distinct.expressions] == [by.this.sql()] else None


def _taken_order(tree: Any) -> str:
    """The last ORDER BY, taken out of the tree: where rows come back it has to be done again."""
    order = tree.args.get("order")
    if order is None:
        return ""
    tree.set("order", None)
    return " " + str(order.sql(dialect=DUCKDB)).strip()


def _taken_files(tree: Any, where: str) -> dict[str, list[str]]:
    """Every ``read_parquet([...])``, replaced by the name of a view to be."""
    from sqlglot import exp

    files: dict[str, list[str]] = {}
    for table in list(tree.find_all(exp.Table)):
        if not isinstance(table.this, exp.ReadParquet):
            continue
        if any(table.this.find_all(exp.EQ, exp.PropertyEQ)):
            raise NotPortable(f"{where}: an option of read_parquet is not known to mean the same")
        # A view of DuckDB says main.list_value('a', 'b') where its maker said ['a', 'b'].
        paths = [one.name for one in table.this.find_all(exp.Literal) if one.is_string]
        name = f"via_files_{len(files)}"
        files[name] = paths
        alias = table.args.get("alias")
        table.replace(exp.to_table(name) if alias is None else exp.alias_(
            exp.to_table(name), alias.name, table=True))  # fmt: skip
    return files


def _keep_largest(select: Any) -> None:
    """``max(x, 2)`` by group, over the two largest rows of the finest group there is."""
    from sqlglot import exp

    found = [
        one for one in select.find_all(exp.Max)
        if _many(one) is not None and one.find_ancestor(exp.Select) is select
    ]  # fmt: skip
    if not found:
        return
    group, source = select.args.get("group"), select.args.get("from_") or select.args.get("from")
    if group is None or source is None or select.args.get("joins") or select.args.get("where"):
        raise NotPortable(f"max(x, {LARGEST}) is known over one grouped relation only")
    columns = {column.sql(dialect=DUCKDB): column for column in group.find_all(exp.Column)}
    wide: list[Any] = [exp.Star()]
    for place, largest in enumerate(found):
        value, kept = largest.this, f"via_grootste_{place}"
        number = exp.Window(
            this=exp.RowNumber(),
            partition_by=[column.copy() for column in columns.values()],
            order=exp.Order(
                expressions=[exp.Ordered(this=value.copy(), desc=True, nulls_first=False)]
            ),
        )
        case = exp.Case().when(exp.LTE(this=number, expression=exp.Literal.number(LARGEST)), value)
        wide.append(exp.alias_(case, kept))
        gathered = exp.func("collect_list", exp.column(kept), dialect=SPARK)
        ordered = exp.Anonymous(this="sort_array", expressions=[gathered, exp.false()])
        largest.replace(
            exp.Anonymous(
                this="slice",
                expressions=[ordered, exp.Literal.number(1), exp.Literal.number(LARGEST)],
            )
        )
    inner = exp.select(*wide).from_(source.this.copy())
    source.this.replace(inner.subquery("via_gegroepeerd"))


def _put_right(node: Any) -> Any:
    from sqlglot import exp

    if isinstance(node, exp.CTE):
        node.set("materialized", None)
    elif isinstance(node, exp.Join) and node.kind in ("ANTI", "SEMI"):
        node.set("side", "LEFT")
    elif isinstance(node, exp.Cast):
        return _cast(node)
    elif isinstance(node, exp.GroupConcat):
        return _joined_set(_set(node), node.args.get("separator"))
    elif isinstance(node, exp.Bracket):
        return exp.Anonymous(this="try_element_at", expressions=[node.this, *node.expressions])
    elif isinstance(node, (exp.Add, exp.Sub)) and isinstance(node.expression, exp.Interval):
        moment = exp.Anonymous(this="to_timestamp_ntz", expressions=[node.this])
        node.set("this", moment)
    elif isinstance(node, exp.Anonymous) and node.name.lower() == "md5_number":
        return exp.Unhex(this=exp.MD5(this=node.expressions[0]))
    elif isinstance(node, exp.Anonymous) and node.name.lower() == "date_sub":
        return _years_between(*node.expressions[1:])
    return node


def _cast(node: Any) -> Any:
    from sqlglot import exp

    if node.to.this.name == "INT128":
        return exp.cast(node.this, WHOLE)
    if node.to.this.name in _INTEGERS and not isinstance(node.this, exp.Cast):
        node.set("this", exp.cast(node.this, WHOLE))
    return node


def _joined_set(value: Any, separator: Any) -> Any:
    """``listagg(DISTINCT)`` beside another distinct count ends Spark 4.0: a set, sorted, joined."""
    from sqlglot import exp

    gathered = exp.Anonymous(this="collect_set", expressions=[value.copy()])
    ordered = exp.Anonymous(this="sort_array", expressions=[gathered])
    joined = exp.Anonymous(
        this="array_join", expressions=[ordered, separator or exp.Literal.string(",")]
    )
    some = exp.GT(this=exp.Count(this=value.copy()), expression=exp.Literal.number(0))
    return exp.Case().when(some, joined)


def _years_between(start: Any, end: Any) -> Any:
    """Whole years from ``start`` to ``end``, towards zero, as DuckDB's ``date_sub`` counts them.

    A month is whole on the same day of a later one, or on its last day where that day is not there.
    """
    import sqlglot

    text = (
        "CAST(CASE WHEN {b} >= {a} THEN floor(({m} - CASE WHEN day({b}) < day({a}) "
        "AND {b} <> last_day({b}) THEN 1 ELSE 0 END) / 12) ELSE ceil(({m} + CASE WHEN "
        "day({b}) > day({a}) AND {a} <> last_day({a}) THEN 1 ELSE 0 END) / 12) END AS BIGINT)"
    )
    months = "((year({b}) * 12 + month({b})) - (year({a}) * 12 + month({a})))"
    names = {"a": start.sql(dialect=SPARK), "b": end.sql(dialect=SPARK)}
    return sqlglot.parse_one(text.format(m=months.format(**names), **names), read=SPARK)
