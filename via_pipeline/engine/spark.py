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

from via_pipeline.engine.dialect import Compiled, compiled, view_query
from via_pipeline.engine.session import EngineError, session
from via_pipeline.storage.duck import quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SENT_ROWS = 2_000_000
"""A table of more rows than this is not sent to Spark: it should be a view over files."""

_lock = threading.RLock()


def fetch(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> str:
    """Run ``query`` on Spark, keep its rows as temporary table ``name``; SQL that gives them.

    Raises:
        NotPortable: the query, or a view that it reads, cannot be put in Spark's words.
        EngineError: Spark cannot be reached, or failed.
    """
    plan = compiled(query, name)
    with running(connection, plan) as frame:
        rows = frame.toArrow()
    connection.register("via_van_spark", rows)
    try:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS SELECT * FROM via_van_spark"
        )
    finally:
        connection.unregister("via_van_spark")
    return f"SELECT * FROM {quoted(name)}{plan.order}"


@contextmanager
def running(connection: duckdb.DuckDBPyConnection, plan: Compiled) -> Iterator[DataFrame]:
    """A frame of Spark over ``plan``; what it reads is visible to Spark while the context is open.

    Raises:
        EngineError: Spark cannot be reached, or failed, here or inside the context.
    """
    with _lock, _told():
        spark = session()
        made: list[str] = []
        try:
            _show(spark, connection, plan, made)
            yield spark.sql(plan.sql)
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
    for name, paths in plan.files.items():
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
            inner = compiled(view_query(statement), table)
            # A view has its own files: their names must not meet those of another.
            files = {f"{table}_{name}": paths for name, paths in inner.files.items()}
            sql = inner.sql
            for name in inner.files:
                sql = sql.replace(name, f"{table}_{name}")
            _show(spark, connection, Compiled(sql, inner.tables, files, ""), made)
            spark.sql(sql).createOrReplaceTempView(table)
        made.append(table)


def _view(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """The statement that made view ``name``; None where it is a table."""
    found = connection.execute(
        "SELECT sql FROM duckdb_views() WHERE view_name = ? AND NOT internal", [name]
    ).fetchall()
    return str(found[-1][0]) if found else None


def _sent(spark: SparkSession, connection: duckdb.DuckDBPyConnection, name: str) -> None:
    rows = connection.execute(f"SELECT count(*) FROM {quoted(name)}").fetchall()[0][0]
    if rows > SENT_ROWS:
        raise EngineError(
            f"table {name} has {rows} rows, too many to send to Spark; it should be a view over "
            "files of the lake"
        )
    sent = connection.execute(f"SELECT * FROM {quoted(name)}").to_arrow_table()
    spark.createDataFrame(sent).createOrReplaceTempView(name)


@contextmanager
def _told() -> Iterator[None]:
    """Errors of Spark and its gateway without their text, which may hold a value."""
    try:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException
    except ImportError:
        session()  # says what is missing
        raise
    try:
        yield
    except PySparkException as error:
        condition = error.getCondition() or "no condition"
        raise EngineError(f"Spark failed: {type(error).__name__}, {condition}") from None
    except (Py4JError, ConnectionError) as error:
        raise EngineError(f"Spark is gone: {type(error).__name__}") from None
