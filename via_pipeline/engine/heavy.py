"""A heavy query as one that DuckDB can go on with, whoever counts.

Belongs here: the one call that other rooms make. Does not belong here: how Spark is spoken to
(``spark``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from via_pipeline.storage import settings

if TYPE_CHECKING:
    import duckdb


def counted(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> str:
    """SQL that gives the rows of ``query``, in its order, from the engine that was chosen.

    ``query`` is DuckDB's SQL over tables and views of ``connection``. For DuckDB it is returned as
    it is, and runs as part of what it is put into. On Spark it runs now; its rows, which must be
    few, become the temporary table ``name``.

    Raises:
        SettingError: ``VIA_ENGINE`` or ``VIA_SPARK_MASTER`` is not what it must be.
        NotPortable: the query has a word that is not known to mean the same on Spark.
        EngineError: Spark cannot be reached, or failed.
    """
    if settings.engine() == settings.DUCKDB:
        return query
    from via_pipeline.engine import spark

    return spark.fetch(connection, name, query)


def label() -> str:
    """The engine in words for metadata and summaries: ``duckdb``, or Spark with its master.

    Raises:
        SettingError: a setting of the engine is not what it must be.
    """
    if settings.engine() == settings.DUCKDB:
        return settings.DUCKDB
    # What follows a semicolon in the address of a Spark Connect server may be a token.
    return f"{settings.SPARK} ({settings.spark_master().split('/;')[0]})"
