"""A heavy query on Spark: its tables made readable there, its few rows brought back to DuckDB.

Belongs here: what of a DuckDB connection Spark sees, and how. Does not belong here: the dialect
(``dialect``), how a session is made (``session``).

A view of the catalog is read by Spark from the same Parquet files, objections and erasures left
out as in DuckDB: its own SQL is put in Spark's words too. A table, which is small (the register,
code lists, facts of deliveries), travels in memory. Spark reads files where the driver reads them:
``VIA_HOME`` lies on storage that every worker has at the same place.

An error of Spark may quote a cell's value, so only its class and condition are told.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from via_pipeline.engine import floats
from via_pipeline.engine.dialect import Compiled, compiled, view_query
from via_pipeline.engine.session import EngineError, session, stop
from via_pipeline.engine.words import NotPortable
from via_pipeline.storage.duck import quoted

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb.sqltypes import DuckDBPyType
    from pyspark.sql import DataFrame, SparkSession

SENT_ROWS = 2_000_000
"""A table of more rows than this is not sent to Spark: it should be a view over files."""

_CAME = "via_van_spark"
_NESTED = frozenset({"list", "struct", "map"})
_WHOLE = frozenset({"integer", "bigint", "hugeint", "smallint", "tinyint"})

_lock = threading.RLock()


def fetch(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> str:
    """Run ``query`` on Spark, keep its rows as temporary table ``name``; SQL that gives them.

    Raises:
        NotPortable: the query, or a view that it reads, cannot be put in Spark's words.
        EngineError: Spark cannot be reached, or failed.
    """
    plan = compiled(query, name)
    columns = _columns(connection, query, name)
    with running(connection, plan) as frame:
        rows = frame.toArrow()
    _keep(connection, name, columns, rows)
    return f"SELECT * FROM {quoted(name)}{plan.order}"


def _columns(
    connection: duckdb.DuckDBPyConnection, query: str, name: str
) -> list[tuple[str, DuckDBPyType]]:
    """Names and types of what ``query`` gives in DuckDB, which reads it and does not run it."""
    try:
        told = connection.sql(query)
    except duckdb.Error as error:  # its message quotes the text
        raise NotPortable(f"{name}: DuckDB cannot read it ({type(error).__name__})") from None
    names = [column.lower() for column in told.columns]
    if len(set(names)) < len(names):
        raise NotPortable(f"{name}: two columns of one name are not known to mean the same")
    return list(zip(told.columns, told.types, strict=True))


def _keep(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: list[tuple[str, DuckDBPyType]],
    rows: pa.Table,
) -> None:
    """Make ``rows`` temporary table ``name``, by place, in the types that DuckDB would give."""
    if len(columns) != rows.num_columns:
        raise EngineError(f"{name}: Spark gave {rows.num_columns} columns, not {len(columns)}")
    places = [f"c{place}" for place in range(len(columns))]
    connection.register(_CAME, rows.rename_columns(places))
    try:
        came = connection.table(_CAME).types
        for (column, wanted), found, values in zip(columns, came, rows.columns, strict=True):
            # DuckDB forgets the type of a NULL that it is told: no value, no difference.
            is_empty = values.null_count == rows.num_rows
            if not same_kind(found, wanted) and not is_empty:
                raise EngineError(f"{name}: Spark gave {found} for {column}, not {wanted}")
        chosen = ", ".join(
            f"CAST({place} AS {wanted}) AS {quoted(column)}"
            for place, (column, wanted) in zip(places, columns, strict=True)
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS SELECT {chosen} FROM {_CAME}"
        )
    except duckdb.Error:  # its message quotes the value
        raise EngineError(f"{name}: Spark gave a number that DuckDB's type cannot hold") from None
    finally:
        connection.unregister(_CAME)


def same_kind(found: DuckDBPyType, wanted: DuckDBPyType) -> bool:
    """Whether a cast from the one type to the other keeps every value, or is an error.

    Whole numbers and decimals are of one kind where no decimal would be cut.
    """
    if found == wanted or '"NULL"' in (str(found), str(wanted)):
        return True
    one, two = _scale(found), _scale(wanted)
    if one is not None and two is not None:
        return one <= two
    if found.id != wanted.id or found.id not in _NESTED:
        return False
    inner, outer = _parts(found), _parts(wanted)
    return inner.keys() == outer.keys() and all(
        same_kind(inner[part], outer[part]) for part in inner
    )


def _parts(kind: DuckDBPyType) -> dict[str, Any]:
    return dict(kind.children)


def _scale(kind: DuckDBPyType) -> int | None:
    """Decimals of a number; None for what is no number."""
    if kind.id == "decimal":
        return int(_parts(kind)["scale"])
    return 0 if kind.id in _WHOLE else None


@contextmanager
def running(connection: duckdb.DuckDBPyConnection, plan: Compiled) -> Iterator[DataFrame]:
    """A frame of Spark over ``plan``; what it reads is visible to Spark while the context is open.

    Raises:
        NotPortable: Spark would count in floating numbers.
        EngineError: Spark cannot be reached, or failed, here or inside the context.
    """
    with _lock, _told():
        spark = session()
        made: list[str] = []
        try:
            _show(spark, connection, plan, made)
            frame = spark.sql(plan.sql)
            floats.refuse(spark, frame, plan.where)
            yield frame
        finally:
            for view in made:
                spark.catalog.dropTempView(view)


def rows_of(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    """The same for a query as it stands: ``running`` over its compiled form."""
    return running(connection, compiled(query))


def _show(
    spark: SparkSession, connection: duckdb.DuckDBPyConnection, plan: Compiled, made: list[str]
) -> None:
    """Every relation of ``plan`` as a temporary view of Spark, those behind views first."""
    _same_sides(connection, plan)
    for name, paths in plan.files.items():
        _seen_by_spark(paths)
        # Hadoop's name for the same bucket.
        found = [f"s3a{path[2:]}" if path.startswith("s3://") else path for path in paths]
        spark.read.parquet(*found).createOrReplaceTempView(name)
        made.append(name)
    for table in plan.tables:
        if table in made:
            continue
        statement = _view(connection, table)
        if statement is None:
            _sent(spark, connection, table)
        else:
            # A view has its own files: their names must not meet those of another.
            inner = compiled(view_query(statement, table), table, f"{table}_")
            _show(spark, connection, inner, made)
            spark.sql(inner.sql).createOrReplaceTempView(table)
        made.append(table)


def _seen_by_spark(paths: list[str]) -> None:
    """Refuse a file of which Spark, without a word, reads no row: it takes its name for hidden."""
    for path in paths:
        name = path.rpartition("/")[2]
        if name.startswith(("_", ".")):
            raise EngineError(f"Spark does not read a file of the name {name}")


def _same_sides(connection: duckdb.DuckDBPyConnection, plan: Compiled) -> None:
    """Refuse a UNION of a text and something else: Spark makes the text a number, or a day."""
    for union in plan.unions:
        sides = zip(_types(connection, union.one), _types(connection, union.two), strict=True)
        for place, (left, right) in enumerate(sides):
            if left != right and "VARCHAR" in (left, right) and place not in union.empty:
                raise NotPortable(f"{plan.where}: a UNION of a text and another type is not known "
                                  "to mean the same; cast it")  # fmt: skip


def _types(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    try:
        return [str(kind) for kind in connection.sql(query).types]
    except duckdb.Error as error:  # its message quotes the text
        raise NotPortable(
            f"DuckDB cannot read one side of a UNION by itself ({type(error).__name__})"
        ) from None


def _view(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """The statement that made view ``name``; None where it is a table."""
    found = connection.execute(
        "SELECT sql FROM duckdb_views() WHERE view_name = ? AND NOT internal", [name]
    ).fetchall()
    return str(found[-1][0]) if found else None


def _sent(spark: SparkSession, connection: duckdb.DuckDBPyConnection, name: str) -> None:
    import pyarrow as pa

    rows = connection.execute(f"SELECT count(*) FROM {quoted(name)}").fetchall()[0][0]
    if rows > SENT_ROWS:
        raise EngineError(
            f"table {name} has {rows} rows, too many to send to Spark; it should be a view over "
            "files of the lake"
        )
    sent = connection.execute(f"SELECT * FROM {quoted(name)}").to_arrow_table()
    if rows:
        frame = spark.createDataFrame(sent)
    else:  # pyspark does not take a table of no rows, least of all to a server
        columns = [pa.nulls(1, column.type) for column in sent.schema]
        frame = spark.createDataFrame(pa.table(columns, schema=sent.schema)).where("false")
    frame.createOrReplaceTempView(name)


@contextmanager
def _told() -> Iterator[None]:
    """Errors of Spark and its gateway without their text, which may hold a value."""
    try:
        from py4j.protocol import Py4JError, Py4JNetworkError
        from pyspark.errors import PySparkException
    except ImportError:
        session()  # says what is missing
        raise
    try:
        yield
    except PySparkException as error:
        condition = error.getCondition() or "no condition"
        if condition == "USER_RAISED_EXCEPTION":  # by what ``dialect`` put around a cast
            raise NotPortable(
                "a cast of a value of this type is not known to mean the same on Spark"
            ) from None
        raise EngineError(f"Spark failed: {type(error).__name__}, {condition}") from None
    except (Py4JError, ConnectionError) as error:
        if isinstance(error, (Py4JNetworkError, ConnectionError)):
            stop()  # the next query gets a new one
        raise EngineError(f"Spark is gone: {type(error).__name__}") from None
