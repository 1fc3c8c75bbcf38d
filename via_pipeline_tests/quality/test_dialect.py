"""One test per behaviour of DuckDB, duckdb-sqlalchemy and GX that the dialect leans on."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from via_pipeline.quality.dialect import SCHEME, GxDuckDBDialect
from via_pipeline.storage.duck import work


@pytest.fixture
def source() -> Iterator[duckdb.DuckDBPyConnection]:
    with work() as connection:
        connection.execute(
            "CREATE VIEW staged AS SELECT * FROM (VALUES (1, 'a'), (2, 'ab'), (3, NULL)) t(_row, v)"
        )
        yield connection


@pytest.fixture
def engine(source: duckdb.DuckDBPyConnection) -> sa.Engine:
    return sa.create_engine(
        f"{SCHEME}:///memory", poolclass=NullPool, connect_args={"source": source}
    )


def test_gx_sees_postgresql(engine: sa.Engine) -> None:
    from great_expectations.execution_engine.sqlalchemy_dialect import GXSqlDialect

    assert engine.dialect.name == GXSqlDialect.POSTGRESQL.value
    assert isinstance(engine.dialect, GxDuckDBDialect)


def test_duckdbs_own_tilde_is_a_full_match(source: duckdb.DuckDBPyConnection) -> None:
    # If this ever changes, the compiler's detour can go.
    assert source.execute("SELECT 'ab' ~ 'a'").fetchall() == [(False,)]
    assert source.execute("SELECT regexp_matches('ab', 'a')").fetchall() == [(True,)]


def test_tilde_searches_as_postgresql_does(engine: sa.Engine) -> None:
    column = sa.column("v")
    query = sa.select(
        column.op("~")("^a$"), column.op("~")("a"), column.op("!~")("^a$")
    ).select_from(sa.table("staged"))
    with engine.connect() as connection:
        rows = connection.execute(query).fetchall()
    assert rows == [(True, True, False), (False, True, True), (None, None, None)]


def test_other_operators_are_left_alone(engine: sa.Engine) -> None:
    query = sa.select(sa.column("v").op("||")("!")).select_from(sa.table("staged"))
    with engine.connect() as connection:
        assert connection.execute(query).fetchall() == [("a!",), ("ab!",), (None,)]


def test_rows_can_be_read_after_the_connection_was_given_back(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        result = connection.execute(sa.text("SELECT _row FROM staged ORDER BY _row"))
    assert result.fetchall() == [(1,), (2,), (3,)]


def test_every_connection_sees_the_views_and_leaves_the_source_open(
    engine: sa.Engine, source: duckdb.DuckDBPyConnection
) -> None:
    for _ in range(3):
        with engine.connect() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM staged")).scalar() == 3
    assert source.execute("SELECT count(*) FROM staged").fetchall() == [(3,)]


@pytest.mark.parametrize(
    "kind", ["VARCHAR", "BIGINT", "DECIMAL(18,2)", "DATE", "BOOLEAN", "TINYINT"]
)
def test_column_types_are_reflected(engine: sa.Engine, kind: str, source: object) -> None:
    assert isinstance(source, duckdb.DuckDBPyConnection)
    source.execute(f"CREATE OR REPLACE VIEW typed AS SELECT NULL::{kind} AS c")
    columns = sa.inspect(engine).get_columns("typed")
    assert [column["name"] for column in columns] == ["c"]
    assert not isinstance(columns[0]["type"], sa.types.NullType)


@pytest.mark.parametrize("text", ["50%", "it's", "a:b", "a?b", "a\\d", "$1", "%(x)s"])
def test_awkward_values_are_bound_not_spliced(engine: sa.Engine, text: str) -> None:
    query = sa.select(sa.literal(text) == sa.literal(text), sa.literal(text))
    with engine.connect() as connection:
        assert connection.execute(query).fetchall() == [(True, text)]


def test_a_long_list_of_texts_means_what_in_means(engine: sa.Engine) -> None:
    """It is written as a list, for speed; also where two lists differ in length only."""
    column = sa.column("v")
    for others in (12, 30, 2):
        values = ["ab", "o'k", "50%", *(f"c{number}" for number in range(others))]
        query = sa.select(
            column.in_(values), column.notin_(values), sa.not_(column.in_(values))
        ).select_from(sa.table("staged"))
        is_list = "list_contains" in str(query.compile(engine))
        assert is_list == (len(values) >= 10)
        with engine.connect() as connection:
            rows = connection.execute(query).fetchall()
        assert rows == [(False, True, True), (True, False, False), (None, None, None)]


def test_a_long_list_of_numbers_is_left_alone(engine: sa.Engine) -> None:
    query = sa.select(sa.column("_row").in_(list(range(2, 40)))).select_from(sa.table("staged"))
    assert "list_contains" not in str(query.compile(engine))
    with engine.connect() as connection:
        assert connection.execute(query).fetchall() == [(False,), (True,), (True,)]
