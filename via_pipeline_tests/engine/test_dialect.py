"""DuckDB's SQL in Spark's words: what we count can be said, and what differs is refused."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from via_pipeline.contracts.model import load
from via_pipeline.diversity import counts
from via_pipeline.engine import heavy, words
from via_pipeline.engine.dialect import compiled, view_query
from via_pipeline.engine.words import NotPortable
from via_pipeline.intake import exclusions
from via_pipeline.outcomes import compute, model
from via_pipeline_tests.engine import asked


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
        "SELECT s FROM t ORDER BY hash(s) + 1",
        "SELECT s FROM t WHERE hash(s) > hash(g)",
        "SELECT concat_ws('', md5_number(s)) AS x FROM t",
        "SELECT row_number() OVER (ORDER BY md5_number(s)) AS x FROM t",
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
        "SELECT DISTINCT ON (g) g, h FROM t",
        "SELECT count(*) FROM t GROUP BY GROUPING SETS ((g), ())",
        "SELECT count(*) FROM t GROUP BY ()",
        "SELECT chr(256)",
        "SELECT chr(i) FROM t",
        "SELECT a FROM t WHERE INTERVAL 1 DAY + a > b",
        "SELECT INTERVAL 1 DAY AS x",
        "SELECT a + INTERVAL (i) DAY FROM t",
        "SELECT * FROM t JOIN u USING (a)",
        "SELECT u.* FROM t JOIN u USING (a)",
        "SELECT t.*, a FROM t JOIN u USING (a)",
        "SELECT t.* FROM t JOIN u USING (a) JOIN v USING (b)",
        "SELECT (a, b) < (b, a) FROM t",
        "SELECT count(DISTINCT a, b) FROM t",
        "SELECT CAST('2020' AS DATE)",
        "SELECT CAST('2020-02-30' AS DATE)",
        "SELECT CAST(CAST(a AS VARCHAR) AS DATE) FROM t",
        "SELECT CAST('yes' AS BOOLEAN)",
        "SELECT CAST('0x1F' AS BIGINT)",
        "SELECT 1e2 AS x",
        "WITH t AS (SELECT a FROM t) SELECT a FROM t",
        "WITH T AS (SELECT a FROM t WHERE a > 1) SELECT a FROM T",
        "WITH x AS (SELECT a FROM y), y AS (SELECT a FROM t) SELECT a FROM x JOIN y USING (a)",
        "SELECT a FROM (WITH t AS (SELECT 1 AS a) SELECT a FROM t) x JOIN t USING (a)",
        "WITH x AS (SELECT 1 AS a) SELECT a FROM (WITH x AS (SELECT 2 AS a) SELECT a FROM x)",
        "SELECT a FROM (WITH x AS (SELECT 1 AS a) SELECT a FROM x) y "
        "JOIN (WITH x AS (SELECT 2 AS a) SELECT a FROM x) z USING (a)",
        "SELECT 0.123456789012345678901234567890123456789 AS x",
        "SELECT i BETWEEN SYMMETRIC 5 AND j FROM t",
        "SELECT g FROM t ORDER BY i + j",
        "SELECT g AS x FROM t ORDER BY g",
        "SELECT t.g FROM t ORDER BY t.g",
        "SELECT concat_ws('/', [s, t]) FROM t",
        "SELECT {'c': s} AS x FROM t",
        "SELECT g, max(i, 2) FROM t GROUP BY ALL",
        "SELECT g, max(i, 2) FROM t GROUP BY 1",
        "SELECT g, max(i, 2) FROM t WHERE i > 0 GROUP BY g",
        "SELECT g, max(DISTINCT i, 2) FROM t GROUP BY g",
        "SELECT g, max(i, 2) FILTER (WHERE p) FROM t GROUP BY g",
        "SELECT g, concat_ws('/', max(i, 2)) FROM t GROUP BY g",
        "SELECT string_agg(DISTINCT s, ' ' ORDER BY s) FILTER (WHERE p) FROM t",
        "SELECT first_value(s) OVER (ORDER BY a) FROM t",
        "SELECT date_sub('year', a) FROM t",
        "SELECT a.b.c.d FROM t",
        "WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM x) SELECT n FROM x",
        "SELECT * FROM read_csv('x.csv')",
        "SELECT * FROM read_parquet(['x.parquet'], union_by_name = true)",
    ],
)
def test_words_that_are_not_known_to_mean_the_same_are_refused(query: str) -> None:
    with pytest.raises(NotPortable, match=r"^plan: .*not known to mean the same"):
        compiled(query, "plan")


def test_every_listed_word_is_asked_of_both_engines() -> None:
    """What is listed is proved, word by word and part by part; what nobody asks is not listed."""
    used: dict[str, set[str]] = {}
    functions = set()
    for query in asked.every():
        for node in sqlglot.parse_one(query, read="duckdb").walk():
            if isinstance(node, exp.Anonymous):
                functions.add(node.name)
                continue
            parts = used.setdefault(type(node).__name__, set())
            parts |= {name for name, value in node.args.items() if value}
    assert used == {name: set(parts.split()) for name, parts in words.WORDS.items()}
    assert functions == set(words.FUNCTIONS)


def test_a_refusal_tells_no_literal() -> None:
    for query in (
        "SELECT s LIKE 'p5e3ud0niem' FROM t",
        "SELECT x['a', 'p5e3ud0niem'] FROM t",
        "SELECT CAST('p5e3ud0niem' AS DATE)",
        "SELECT date_sub('p5e3ud0niem', a, b) FROM t",
        "SELECT a + INTERVAL '1 p5e3ud0niem' FROM t",
        "SELECT g FROM t GROUP BY ROLLUP (g, 'p5e3ud0niem')",
        "SELECT 'p5e3ud0niem' AS x FROM t ORDER BY s = 'p5e3ud0niem'",
        "SELECT 'p5e3ud0niem' FROM FROM",
    ):
        with pytest.raises(NotPortable) as caught:
            compiled(query, "plan")
        assert "p5e3" not in str(caught.value)
    for statement in ("CREATE VIEW v AS SELECT 'p5e3ud0niem' FROM FROM", "SELECT 'p5e3ud0niem'"):
        with pytest.raises(NotPortable, match=r"^plan: ") as caught:
            view_query(statement, "plan")
        assert "p5e3" not in str(caught.value)


def test_what_differs_is_put_right() -> None:
    said = compiled("SELECT CAST(d AS BIGINT) AS d FROM t").sql
    assert said == "SELECT CAST(CAST(d AS DECIMAL(38, 0)) AS BIGINT) AS d FROM t"
    said = compiled("SELECT CAST(CAST(d AS DECIMAL(18,2)) AS BIGINT) AS d FROM t").sql
    assert "CAST(CAST(CAST(d AS DECIMAL(18, 2)) AS DECIMAL(38, 0)) AS BIGINT)" in said
    said = compiled("SELECT date_sub('year', a, CAST(d AS BIGINT)) FROM t").sql
    assert "CAST(CAST(d AS DECIMAL(38, 0)) AS BIGINT)" in said
    said = compiled("SELECT m['periode'], b < a + INTERVAL 6 MONTH FROM t").sql
    assert "TRY_ELEMENT_AT(m, 'periode')" in said and "TO_TIMESTAMP_NTZ(a) + INTERVAL" in said
    said = compiled("SELECT g, max(i, 2) FROM t GROUP BY GROUPING SETS ((g), (g, h))").sql
    assert "PARTITION BY g, h ORDER BY i DESC" in said and "<= 2 THEN i END" in said
    assert "CASE WHEN COUNT(via_grootste_0) > 0 THEN SLICE(" in said


def test_a_view_of_the_catalog_with_who_objected_is_read_from_its_files(tmp_path: Path) -> None:
    """As DuckDB writes the view down, which is not as its maker did."""
    table = load("p7_ww").table("ww_periode")
    columns = ", ".join(f"NULL::{kind} AS {name}" for name, kind in table.conformed_types.items())
    sql = exclusions.not_of(table, {("bsn", "ab"), ("bsn", "via_files_0")})
    files = [str(tmp_path / name) for name in ("een deel.parquet", "twee.parquet")]
    with duckdb.connect() as connection:
        for file in files:
            connection.execute(f"COPY (SELECT {columns}) TO '{file}' (FORMAT parquet)")
        connection.execute(
            f"CREATE VIEW blik AS SELECT * FROM (SELECT * FROM read_parquet({files})) WHERE {sql}"
        )
        text = connection.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'blik'")
        found = compiled(view_query(text.fetchall()[0][0]), "blik", "blik_")
    assert found.files == {"blik_via_files_0": files} and found.tables == ()
    assert "('bsn', 'ab'), ('bsn', 'via_files_0')" in found.sql
    assert "FROM blik_via_files_0" in found.sql


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
