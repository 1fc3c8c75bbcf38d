"""DuckDB's SQL in Spark's words, out of a closed list of words that mean the same on both.

sqlglot reads DuckDB and writes Spark, and is silently wrong at times (a day of the week that starts
on another day, ``date_sub`` that becomes a subtraction, a cast that cuts instead of rounding). So
it is not trusted: a query with a word that is not listed in ``words`` is refused, a listed word
that differs is put right below, and tests compare the results of both engines on generated data.
Values are what conformed tables hold: VARCHAR, BIGINT, DECIMAL, DATE, BOOLEAN.

Known to differ, and not seen by anything here: a day before the year 1 or after 9999 as text.

Belongs here: what is put right. Does not belong here: which words there are (``words``), running
anything (``spark``).

Put right, beyond what sqlglot does well (order of NULL, quotes, intervals, arrays and structs):

- ``CAST`` to an integer rounds half away from zero, as DuckDB does with decimals; Spark cuts. It
  goes by way of DECIMAL(38,0). HUGEINT is DECIMAL(38,0) itself: sums to 38 digits are exact.
- ``CAST`` to text, a day or a truth value asks Spark for the type of what is cast, once, when it
  plans: days between days are an interval there, and ``2020`` is a day.
- ``date_sub('year', a, b)``, whole years between two days, is counted from years, months and days.
- a date plus an interval is a timestamp in DuckDB and stays a date in Spark.
- ``md5_number``: the same 128 bits, as bytes. It may be compared for equality only.
- ``hash``: 64 bits of another function, as bytes, so that nobody takes them for DuckDB's. It may be
  compared for equality only, with that of a value of the same type; that of NULL is a value.
- ``max(x, 2)``, the two largest: rows beyond the two largest of the finest group cannot be among
  them, so only those are gathered. Spark has no aggregate that keeps two.
- ``string_agg(DISTINCT x, ' ' ORDER BY x)`` is a set, sorted and joined.
- ``BETWEEN`` and ``nullif`` are said with a comparison: what Spark casts inside those words it
  does not tell (``floats``).
- ``USING`` beside ``x.*`` becomes ``ON``: with USING Spark puts the columns of it first.
- hints of DuckDB on what to hold in memory are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from via_pipeline.engine import scopes
from via_pipeline.engine.words import (
    FILTERS,
    LARGEST,
    NotPortable,
    check,
    many,
    on_for_using,
    set_of,
)

DUCKDB, SPARK = "duckdb", "spark"
WHOLE = "DECIMAL(38, 0)"
_INTEGERS = frozenset({"BIGINT", "INT"})
_CASTABLE: Mapping[str, str] = {
    "VARCHAR": "string|bigint|int|decimal.*|date|timestamp_ntz|boolean|void",
    "TEXT": "string|bigint|int|decimal.*|date|timestamp_ntz|boolean|void",
    "DATE": "date|timestamp_ntz|void",
    "BOOLEAN": "boolean|bigint|int|void",
}
"""Per type what may be cast to it, in the words of Spark's ``typeof``."""


@dataclass(frozen=True)
class Compiled:
    """A query in Spark's words; ``where`` names it in an error.

    ``tables`` are the tables and views that it reads, ``files`` what it reads as Parquet, by the
    name of the view that stands for them in ``sql``. ``order`` is its own last ORDER BY, in
    DuckDB's words: rows that come back are put in order there. The types of both sides of
    each of its ``unions`` have yet to be compared.
    """

    sql: str
    tables: tuple[str, ...]
    files: dict[str, list[str]]
    order: str
    unions: tuple[scopes.Sides, ...]
    where: str


def compiled(query: str, where: str = "query", prefix: str = "") -> Compiled:
    """``query`` (DuckDB's SQL) in Spark's words; ``where`` names it in an error.

    ``prefix`` begins the names of ``files``, so that those of several queries do not meet.

    Raises:
        NotPortable: it has a word that is not listed in ``words``, or is not SQL.
    """
    from sqlglot import exp
    from sqlglot.errors import ErrorLevel, SqlglotError

    tree = _read(query, where)
    unions = scopes.unions(tree)
    files = _taken_files(tree, where, prefix)
    check(tree, where)
    scopes.check(tree, where)
    order = _taken_order(tree, where)
    for select in list(tree.find_all(exp.Select)):
        _keep_largest(select, where)
    tree = _put_right(tree)
    common = {cte.alias for cte in tree.find_all(exp.CTE)}
    tables = {table.name for table in tree.find_all(exp.Table)} - common - set(files)
    try:
        sql = tree.sql(dialect=SPARK, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise NotPortable(f"{where}: Spark has no word for it ({type(error).__name__})") from None
    return Compiled(sql, tuple(sorted(tables)), files, order, unions, where)


def view_query(statement: str, where: str = "view") -> str:
    """The query of a DuckDB ``CREATE VIEW`` statement, in DuckDB's words; ``where`` names it.

    Raises:
        NotPortable: it is no such statement.
    """
    from sqlglot import exp

    tree = _read(statement, where)
    if not isinstance(tree, exp.Create) or tree.expression is None:
        raise NotPortable(f"{where}: a view of DuckDB that cannot be read")
    for dotted in list(tree.find_all(exp.Dot)):
        # DuckDB writes rows of values down as calls of a function, main.row(a, b).
        if dotted.this.name == "main" and dotted.expression.name == "row":
            dotted.replace(exp.Tuple(expressions=dotted.expression.expressions))
    return str(tree.expression.sql(dialect=DUCKDB))


def _read(text: str, where: str) -> Any:
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        return sqlglot.parse_one(text, read=DUCKDB)
    except SqlglotError:
        # The message quotes the text.
        raise NotPortable(f"{where}: not SQL that can be read") from None


def _taken_order(tree: Any, where: str) -> str:
    """The last ORDER BY, taken out of the tree: where rows come back it has to be done again.

    There is nothing there but the columns that come back, so it may name only those.
    """
    order = tree.args.get("order")
    if order is None:
        return ""
    names = {name.lower() for name in tree.named_selects}
    for one in order.expressions:
        by = one.this
        is_column = by.key == "column" and not by.table
        is_there = is_column and (by.name.lower() in names or tree.is_star)
        if not (is_there or by.is_int or (by.key == "var" and by.name.upper() == "ALL")):
            raise NotPortable(
                f"{where}: a last ORDER BY of anything but columns of the result is not known to "
                "mean the same"
            )
    tree.set("order", None)
    return " " + str(order.sql(dialect=DUCKDB)).strip()


def _taken_files(tree: Any, where: str, prefix: str) -> dict[str, list[str]]:
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
        name = f"{prefix}via_files_{len(files)}"
        files[name] = paths
        table.set("this", exp.to_identifier(name))
    return files


def _keep_largest(select: Any, where: str) -> None:
    """``max(x, 2)`` by group, over the two largest rows of the finest group there is.

    NULL where a group has no x, as in DuckDB.
    """
    from sqlglot import exp

    found = [
        one for one in select.find_all(exp.Max)
        if many(one) is not None and one.find_ancestor(exp.Select) is select
    ]  # fmt: skip
    if not found:
        return
    group, source = select.args.get("group"), select.args.get("from_")
    is_plain = group is not None and source is not None and not group.args.get("all")
    if not is_plain or select.args.get("joins") or select.args.get("where"):
        raise NotPortable(f"{where}: max(x, {LARGEST}) but over one grouped relation is not known "
                          "to mean the same")  # fmt: skip
    columns = {column.sql(dialect=DUCKDB): column for column in group.find_all(exp.Column)}
    if not columns or any(group.find_all(exp.Literal)):
        raise NotPortable(f"{where}: max(x, {LARGEST}) by anything but columns is not known to "
                          "mean the same")  # fmt: skip
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
        first = exp.Anonymous(
            this="slice", expressions=[ordered, exp.Literal.number(1), exp.Literal.number(LARGEST)]
        )
        some = exp.GT(this=exp.Count(this=exp.column(kept)), expression=exp.Literal.number(0))
        largest.replace(exp.Case().when(some, first))
    name = source.this.alias_or_name or "via_gegroepeerd"
    inner = exp.select(*wide).from_(source.this.copy())
    source.this.replace(inner.subquery(name))


def _put_right(tree: Any) -> Any:
    """Every word put right, the innermost first: what is inside another word is put right too."""
    for node in reversed(list(tree.walk(bfs=True))):
        made = _right(node)
        if node is tree:
            tree = made
        elif made is not node:
            node.replace(made)
    return tree


def _right(node: Any) -> Any:
    from sqlglot import exp

    if isinstance(node, exp.CTE):
        node.set("materialized", None)
    elif isinstance(node, exp.Join):
        if node.kind in FILTERS:
            node.set("side", "LEFT")
        if on_for_using(node):
            _say_equal(node)
    elif isinstance(node, exp.Between):
        return _between(node)
    elif isinstance(node, exp.Nullif):
        same = exp.EQ(this=_apart(node.this), expression=_apart(node.expression))
        return exp.Case().when(same, exp.null()).else_(node.this)
    elif isinstance(node, exp.Cast):
        return _cast(node)
    elif isinstance(node, exp.ConcatWs):
        node.set("expressions", [node.expressions[0], *map(_as_text, node.expressions[1:])])
    elif isinstance(node, exp.GroupConcat):
        return _joined_set(set_of(node), node.args.get("separator"))
    elif isinstance(node, exp.Bracket):
        return exp.Anonymous(this="try_element_at", expressions=[node.this, *node.expressions])
    elif isinstance(node, (exp.Add, exp.Sub)) and isinstance(node.expression, exp.Interval):
        moment = exp.Anonymous(this="to_timestamp_ntz", expressions=[node.this])
        node.set("this", moment)
    elif isinstance(node, exp.Anonymous) and node.name.lower() == "md5_number":
        return exp.Unhex(this=exp.MD5(this=node.expressions[0]))
    elif isinstance(node, exp.Anonymous) and node.name.lower() == "hash":
        number = exp.Anonymous(this="xxhash64", expressions=node.expressions)
        return exp.Unhex(this=exp.Hex(this=number))
    elif isinstance(node, exp.Anonymous) and node.name.lower() == "date_sub":
        return _years_between(*node.expressions[1:])
    return node


def _between(node: Any) -> Any:
    from sqlglot import exp

    least = exp.GTE(this=_apart(node.this), expression=_apart(node.args["low"]))
    most = exp.LTE(this=_apart(node.this), expression=_apart(node.args["high"]))
    return exp.Paren(this=exp.And(this=least, expression=most))


def _apart(value: Any) -> Any:
    """A copy of ``value`` that may stand beside a sign: what binds less is put in parentheses."""
    from sqlglot import exp

    is_one = isinstance(value, (exp.Column, exp.Literal, exp.Null, exp.Paren, exp.Cast))
    return value.copy() if is_one else exp.Paren(this=value.copy())


def _say_equal(join: Any) -> None:
    from sqlglot import exp

    left = join.parent.args["from_"].this.alias_or_name
    for column in join.args["using"]:
        join.on(
            exp.EQ(
                this=exp.column(column.copy(), left),
                expression=exp.column(column.copy(), join.alias_or_name),
            ),
            copy=False,
        )
    join.set("using", None)


def _cast(node: Any) -> Any:
    from sqlglot import exp

    kind, value = node.to.this.name, node.this
    if kind == "INT128":
        return exp.Cast(this=value, to=exp.DataType.build(WHOLE))
    if kind in _INTEGERS:
        node.set("this", exp.Cast(this=value, to=exp.DataType.build(WHOLE)))
    if kind in _CASTABLE and not isinstance(value, (exp.Literal, exp.Null, exp.Boolean, exp.Cast)):
        return _if_castable(value, _CASTABLE[kind], node)
    return node


def _as_text(value: Any) -> Any:
    """An argument of ``concat_ws``: Spark would take the elements of a list one by one."""
    from sqlglot import exp

    if isinstance(value, (exp.Literal, exp.Null, exp.Chr, exp.Cast)):
        return value
    return _if_castable(value, _CASTABLE["VARCHAR"], value)


def _if_castable(value: Any, kinds: str, made: Any) -> Any:
    """``made`` where ``value`` is one of ``kinds``, else an error. Spark decides when it plans."""
    from sqlglot import exp

    kind = exp.Anonymous(this="typeof", expressions=[value.copy()])
    is_known = exp.RegexpLike(this=kind, expression=exp.Literal.string(f"^({kinds})$"))
    refused = exp.Anonymous(this="raise_error", expressions=[exp.Literal.string("a cast")])
    return exp.Case().when(is_known, made.copy()).else_(refused)


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
    from sqlglot import exp

    months = "((year(b) * 12 + month(b)) - (year(a) * 12 + month(a)))"
    made = sqlglot.parse_one(
        f"CAST(CASE WHEN b >= a THEN ({months} - CASE WHEN day(b) < day(a) "
        f"AND b <> last_day(b) THEN 1 ELSE 0 END) DIV 12 ELSE ({months} + CASE WHEN "
        "day(b) > day(a) AND a <> last_day(a) THEN 1 ELSE 0 END) DIV 12 END AS BIGINT)",
        read=SPARK,
    )
    given = {"a": start, "b": end}
    for column in list(made.find_all(exp.Column)):
        column.replace(exp.Paren(this=given[column.name].copy()))
    return made
