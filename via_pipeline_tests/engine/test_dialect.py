"""DuckDB's SQL in Spark's words: what we count can be said, and what differs is refused."""

from __future__ import annotations

import duckdb
import pytest

from via_pipeline.contracts.model import load
from via_pipeline.diversity import counts
from via_pipeline.engine import heavy
from via_pipeline.engine.dialect import NotPortable, compiled, view_query
from via_pipeline.intake import exclusions
from via_pipeline.outcomes import compute, model


@pytest.mark.parametrize("source", model.names())
def test_every_shipped_measure_can_be_counted_on_spark(source: str) -> None:
    found = compiled(compute.groups(model.load(source), load(source)), source)
    own = {table.lake_table for table in load(source).tables}
    assert set(found.tables) <= own | {"pilots__levering"} and found.files == {}


def test_the_counts_of_people_can_be_counted_on_spark() -> None:
    read = ("diversity__organisatie", "pilots__p4_baan", "reference__land")
    for query in (counts.counts(["een"]), counts.moves()):
        found = compiled(query)
        assert found.tables == read
        assert found.order.startswith(" ORDER BY organisatie, peildatum")


# What sqlglot would put in other words, or leave, without a warning: never by chance, but by name.
@pytest.mark.parametrize(
    "query",
    [
        "SELECT isodow(a) FROM t",
        "SELECT dayofweek(a) FROM t",
        "SELECT weekofyear(a) FROM t",
        "SELECT date_trunc('week', a) FROM t",
        "SELECT date_diff('month', a, b) FROM t",
        "SELECT date_sub('month', a, b) FROM t",
        "SELECT a + INTERVAL 3 HOUR FROM t",
        "SELECT i / j FROM t",
        "SELECT i // j FROM t",
        "SELECT i % j FROM t",
        "SELECT round(d, 1) FROM t",
        "SELECT x[1] FROM t",
        "SELECT CAST(d AS DOUBLE) FROM t",
        "SELECT TRY_CAST(s AS BIGINT) FROM t",
        "SELECT upper(s) FROM t",
        "SELECT s LIKE 'a%' FROM t",
        "SELECT regexp_matches(s, 'a') FROM t",
        "SELECT hash(s) FROM t",
        "SELECT avg(i) FROM t",
        "SELECT max(i, 3) FROM t GROUP BY g",
        "SELECT string_agg(s, ' ') FROM t",
        "SELECT string_agg(DISTINCT s, ' ' ORDER BY t) FROM t",
        "SELECT first(s) FROM t",
        "SELECT g, count(*) FROM t GROUP BY ROLLUP (g)",
        "SELECT * FROM t LIMIT 5",
        "SELECT * EXCLUDE (a) FROM t",
        "SELECT * FROM t ASOF JOIN u ON t.a >= u.a",
        "SELECT a FROM t UNION ALL BY NAME SELECT a FROM u",
        "SELECT sum(i) OVER (ORDER BY a ROWS 2 PRECEDING) FROM t",
        "SELECT * FROM read_csv('x.csv')",
        "SELECT * FROM read_parquet(['x.parquet'], union_by_name = true)",
    ],
)
def test_words_that_are_not_known_to_mean_the_same_are_refused(query: str) -> None:
    with pytest.raises(NotPortable, match=r"^plan: .*not known to mean the same"):
        compiled(query, "plan")


def test_what_differs_is_put_right() -> None:
    said = compiled("SELECT CAST(d AS BIGINT) AS d FROM t").sql
    assert said == "SELECT CAST(CAST(d AS DECIMAL(38, 0)) AS BIGINT) AS d FROM t"
    said = compiled("SELECT m['periode'], b < a + INTERVAL 6 MONTH FROM t").sql
    assert "TRY_ELEMENT_AT(m, 'periode')" in said and "TO_TIMESTAMP_NTZ(a) + INTERVAL" in said
    said = compiled("SELECT g, max(i, 2) FROM t GROUP BY GROUPING SETS ((g), (g, h))").sql
    assert "PARTITION BY g, h ORDER BY i DESC" in said and "<= 2 THEN i END" in said


def test_a_view_of_the_catalog_with_who_objected_is_read_from_its_files() -> None:
    table = load("p7_ww").table("ww_periode")
    with duckdb.connect() as connection:
        for name in ("een", "twee"):
            connection.execute(f"CREATE TABLE {name} AS SELECT 1")
        sql = exclusions.not_of(table, {("bsn", "ab"), ("bsn", "cd")})
        found = compiled(
            f"SELECT * FROM (SELECT * FROM read_parquet(['/lake/a.parquet', '/lake/b.parquet'])) "
            f"WHERE {sql}"
        )
        connection.execute("CREATE VIEW blik AS SELECT * FROM een WHERE 1 = 1")
        text = connection.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'blik'")
        assert compiled(view_query(text.fetchall()[0][0])).tables == ("een",)
    assert found.files == {"via_files_0": ["/lake/a.parquet", "/lake/b.parquet"]}
    assert "'ab'" in found.sql and found.tables == ()


def test_duckdb_gets_the_text_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIA_ENGINE", raising=False)
    with duckdb.connect() as connection:
        assert heavy.counted(connection, "x", "SELECT isodow(a) FROM t") == (
            "SELECT isodow(a) FROM t"
        )
    assert heavy.label() == "duckdb"


def test_a_token_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIA_ENGINE", "spark")
    monkeypatch.setenv("VIA_SPARK_MASTER", "sc://elders:15002/;use_ssl=true;token=geheim")
    assert heavy.label() == "spark (sc://elders:15002)"
