"""The same questions to DuckDB and to Spark, with the same answers to the last digit.

Runs where Spark is installed (``make spark``): one session of one core for the whole file.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings

from via_pipeline.contracts.model import load
from via_pipeline.diversity import counts
from via_pipeline.engine import heavy, session, spark
from via_pipeline.engine.dialect import compiled
from via_pipeline.engine.session import EngineError
from via_pipeline.engine.words import NotPortable
from via_pipeline.outcomes import compute, model
from via_pipeline.pilots import catalog
from via_pipeline_tests.engine import asked, grown, worlds
from via_pipeline_tests.quality import test_planted_faults as planted

pytest.importorskip("pyspark", reason="Spark is not installed: make .venv/.spark")
pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="no Java: Spark cannot run"),
    pytest.mark.xdist_group("spark"),
]


@pytest.fixture(scope="module", autouse=True)
def _one_session() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIA_SPARK_MASTER", "local[1]")
        yield
        session.stop()


def both(
    monkeypatch: pytest.MonkeyPatch, connection: duckdb.DuckDBPyConnection, query: str
) -> tuple[list[Any], list[Any]]:
    """The rows of ``query`` as DuckDB gives them, and as Spark does, both in the query's order.

    Names and types of the columns are asserted here.
    """
    answers, columns = [], []
    for engine in ("duckdb", "spark"):
        monkeypatch.setenv("VIA_ENGINE", engine)
        found = connection.sql(heavy.counted(connection, "antwoord", query))
        columns.append(list(zip(found.columns, map(str, found.types), strict=True)))
        answers.append(found.fetchall())
    assert columns[0] == columns[1]
    return answers[0], answers[1]


def wrong(one: list[Any], two: list[Any], names: list[str]) -> dict[str, tuple[Any, ...]]:
    """Of each column that differs its name, with the last row in which it does."""
    assert len(one) == len(two)
    return {
        name: (left[0], left[place], right[place])
        for left, right in zip(one, two, strict=True)
        for place, name in enumerate(names)
        if left[place] != right[place]
    }


def test_every_word_means_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect() as connection:
        worlds.words(connection)
        chosen = ", ".join(f"{sql} AS {name}" for name, sql in asked.VALUES.items())
        query = f"SELECT nr, {chosen} FROM woorden ORDER BY nr"
        one, two = both(monkeypatch, connection, query)
    assert len(one) > 400
    assert wrong(one, two, ["nr", *asked.VALUES]) == {}


def test_every_way_to_group_means_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect() as connection:
        worlds.words(connection)
        one, two = both(monkeypatch, connection, asked.GROUPED)
    told = [sorted([str(value) for value in row] for row in rows) for rows in (one, two)]
    assert told[0] == told[1]
    assert any(row[-2] and row[-2][0] == row[-2][-1] for row in one)  # two equal largest
    assert any(row[-1] is None for row in one)  # a group without a value


def test_every_question_has_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect() as connection:
        worlds.words(connection)
        for name, query in asked.QUERIES.items():
            one, two = both(monkeypatch, connection, query)
            assert sorted(map(str, one)) == sorted(map(str, two)), name
            assert one or "FROM leeg" in query, name


@settings(derandomize=True, max_examples=10, deadline=None, database=None,
          phases=[Phase.generate],  # what differs is named; to make it smaller takes minutes
          suppress_health_check=list(HealthCheck))  # fmt: skip
@given(found=grown.columns())
def test_expressions_that_nobody_thought_of_mean_the_same(found: list[str]) -> None:
    chosen = ", ".join(f"{sql} AS c{place}" for place, sql in enumerate(found))
    query = f"SELECT nr, {chosen} FROM woorden WHERE nr < 400 ORDER BY nr"
    with duckdb.connect() as connection, pytest.MonkeyPatch.context() as patch:
        worlds.words(connection)
        try:
            connection.execute(query).fetchall()
        except (duckdb.OutOfRangeException, duckdb.ConversionException):
            reject()  # no value to compare
        one, two = both(patch, connection, query)
    assert wrong(one, two, ["nr", *found]) == {}


def test_what_spark_takes_for_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only the types of columns tell: Spark knows them, the words do not."""
    monkeypatch.setenv("VIA_ENGINE", "spark")
    with duckdb.connect() as connection:
        worlds.words(connection)
        for query, error in (
            ("SELECT CAST(s AS DATE) AS x FROM woorden", NotPortable),
            ("SELECT CAST(s AS BOOLEAN) AS x FROM woorden", NotPortable),
            ("SELECT CAST(a - b AS VARCHAR) AS x FROM woorden", NotPortable),
            ("SELECT concat_ws('', a - b) AS x FROM woorden", NotPortable),
            ("SELECT CAST(md5_number(s) AS VARCHAR) AS x FROM woorden", NotPortable),
            ("SELECT md5_number(s) AS x FROM woorden", EngineError),
            ("SELECT a - b AS x FROM woorden", EngineError),
            ("SELECT '01' AS x UNION ALL SELECT 1", NotPortable),
            ("SELECT coalesce(s, t) AS x FROM woorden UNION SELECT a FROM woorden", NotPortable),
            ("SELECT x.g, y.g FROM woorden x JOIN woorden y USING (nr)", NotPortable),
        ):
            with pytest.raises(error):
                heavy.counted(connection, "antwoord", query)


DECIMALS = "SELECT * FROM (VALUES (1, 0.0001::DECIMAL(18,4)), (2, 7), (3, NULL)) v(nr, d)"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT nr FROM v WHERE d = '0.00005'",
        "SELECT nr FROM v WHERE d > '99999999999999.9998'",
        "SELECT nr FROM v WHERE d IN ('0.00005', '7')",
        "SELECT nr FROM v WHERE d BETWEEN '0.00005' AND '1'",
        "SELECT nr FROM v WHERE nr * 1.5 <> '1.5'",
        "SELECT nr FROM v WHERE nr IN (SELECT nr FROM v WHERE d < '0.00005')",
        "SELECT nr FROM v WHERE d = (SELECT '0.00005')",
        "WITH x AS (SELECT nr FROM v WHERE d <> '0.00005') SELECT nr FROM x",
        "SELECT nr FROM kijk",
        "SELECT x.nr FROM v x JOIN v y ON x.nr = y.nr AND y.d >= '0.00005'",
        "SELECT nr, count(*) FILTER (WHERE d <= '0.00005') AS n FROM v GROUP BY nr",
        "SELECT nr FROM v GROUP BY nr HAVING sum(d) > '0.00005'",
        "SELECT coalesce(d, '0.00005') = d AS x FROM v",
        "SELECT if(nr = 1, d, '0.00005') = d AS x FROM v",
        "SELECT nullif(nr * 0.5, '0.5') IS NULL AS x FROM v",
        "SELECT x FROM (SELECT unnest([d, '0.00005']) AS x FROM v)",
    ],
)
def test_a_decimal_beside_a_text_is_refused(monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    """DuckDB makes the text that decimal, rounded; Spark makes both a floating number."""
    monkeypatch.setenv("VIA_ENGINE", "spark")
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE v AS {DECIMALS}")
        connection.execute("CREATE VIEW kijk AS SELECT nr FROM v WHERE d = '0.00005'")
        assert connection.execute(query).fetchall() is not None  # DuckDB has an answer
        with pytest.raises(NotPortable, match=r"^antwoord: .*floating") as caught:
            heavy.counted(connection, "antwoord", query)
    assert "0.00005" not in str(caught.value)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT nr FROM (SELECT nr, t AS x FROM v UNION ALL SELECT 5, 5) WHERE x = '1'",
        "WITH y AS (SELECT nr, t FROM v), z AS (SELECT t FROM y UNION ALL SELECT nr FROM y) "
        "SELECT count(*) AS n FROM z WHERE t = '1'",
        "SELECT nr FROM kijk WHERE x = '1'",
        "SELECT t AS x FROM v UNION SELECT DATE '2020-01-01'",
        "SELECT nr FROM (SELECT nr, 0.5 AS d FROM v UNION SELECT 3, '0.5') WHERE d IS NOT NULL",
    ],
)
def test_a_union_of_a_text_and_a_number_is_refused(
    monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """DuckDB makes both a text, in which 01 is not 1; Spark makes both a number."""
    monkeypatch.setenv("VIA_ENGINE", "spark")
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE v AS SELECT * FROM (VALUES (1, '01'), (2, '1')) v(nr, t)")
        connection.execute("CREATE VIEW kijk AS SELECT nr, t AS x FROM v UNION ALL SELECT 5, nr "
                           "FROM v")  # fmt: skip
        assert connection.execute(query).fetchall()
        with pytest.raises(NotPortable, match=r"^(antwoord|kijk): .*UNION"):
            heavy.counted(connection, "antwoord", query)


@pytest.mark.parametrize("source", asked.SOURCES)
def test_outcomes_are_the_same(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    made = []
    with duckdb.connect() as connection:
        worlds.programme(connection)
        for engine in ("duckdb", "spark"):
            monkeypatch.setenv("VIA_ENGINE", engine)
            made.append(connection.execute(
                compute.on(connection, model.load(source), load(source))).fetchall())  # fmt: skip
    assert made[0] == made[1] and len(made[0]) > 20


@pytest.mark.parametrize("source", model.names())
def test_every_shipped_measure_is_taken_by_spark(source: str) -> None:
    """By its types too, which the list of words does not look at: Spark analyses it, on no rows."""
    with duckdb.connect() as connection:
        connection.execute(catalog._DELIVERIES_TABLE)
        for table in load(source).tables:
            columns = table.conformed_types.items()
            described = ", ".join(f"{name} {kind}" for name, kind in columns)
            connection.execute(f"CREATE TABLE {table.lake_table} ({described})")
        query = compute.groups(model.load(source), load(source))
        with spark.running(connection, compiled(query, source)) as frame:
            assert frame.columns == connection.sql(query).columns


def test_counts_and_moves_of_people_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect() as connection:
        worlds.programme(connection)
        for query in (counts.counts(), counts.moves()):
            one, two = both(monkeypatch, connection, query)
            assert one == two and len(one) > 20


@pytest.mark.parametrize(
    "case", [one for one in planted.PILOTS if one.id in ("p7_ww.ww_periode", "p4_barometer.baan")]
)
def test_every_rule_of_the_contract_fails_on_its_fault_on_spark(
    case: planted.Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIA_ENGINE", "spark")
    rows, _ = planted._dirty(case)
    path = case.write(tmp_path, "dirty.parquet", rows)
    on_spark = planted.engines.run_on_file(case.staged_rules, path, threshold_rows=0)
    monkeypatch.setenv("VIA_ENGINE", "duckdb")
    assert on_spark == planted.engines.run_on_file(case.staged_rules, path, threshold_rows=0)
    assert sum(not result.passed for result in on_spark) >= len(case.on_rows)


def test_a_hiccup_of_spark_under_a_rule_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Great Expectations swallows what Spark says and calls every rule failed."""
    monkeypatch.setenv("VIA_ENGINE", "spark")
    case = next(one.values[0] for one in planted.PILOTS if one.id == "p7_ww.ww_periode")
    path = case.write(tmp_path, "clean.parquet", case.clean())
    real = planted.engines._validate

    def unreadable(*given: Any, **how: Any) -> Any:
        path.unlink()
        return real(*given, **how)

    monkeypatch.setattr(planted.engines, "_validate", unreadable)
    with pytest.raises(planted.engines.RuleNotRun):
        planted.engines.run_on_file(case.staged_rules, path, threshold_rows=0)


def test_an_error_tells_no_value(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VIA_ENGINE", "spark")
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 'p5e3ud0niem' AS s")
        with pytest.raises(EngineError, match="CAST_INVALID_INPUT") as caught:
            heavy.counted(connection, "x", "SELECT CAST(s AS BIGINT) AS i FROM t")
    said = capfd.readouterr()
    assert "p5e3" not in f"{caught.value} {said.out} {said.err}"


def test_what_lies_on_disk_is_encrypted_and_nothing_shows_rows() -> None:
    made = session.session()
    for name, value in (session.CONFIDENTIAL | session.MEANING).items():
        assert made.conf.get(name) == value, name
    assert session._folder is not None and session._folder.stat().st_mode & 0o077 == 0
    assert not (session._folder / "via.conf").exists()
    assert made.sparkContext.uiWebUrl is None
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 'p5e3ud0niem' || range AS s FROM range(2000)")
        query = compiled("SELECT s, count(*) AS n FROM t GROUP BY s")
        with spark.running(connection, query) as frame:
            assert frame.toArrow().num_rows == 2000
            written = [path for path in session._folder.rglob("*") if path.is_file()]
            told = {path.name: path.read_bytes() for path in written}
    assert sum(len(text) for name, text in told.items() if name.startswith("shuffle_")) > 2000
    assert [name for name, text in told.items() if b"p5e3ud0niem" in text] == []


def test_a_file_that_spark_would_pass_over_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spark takes _een.parquet for hidden: of two rows it would count one."""
    with duckdb.connect() as connection:
        for name in ("_een", ".een", "twee"):
            connection.execute(f"COPY (SELECT 1 AS n) TO '{tmp_path}/{name}.parquet'")
        for name in ("_een", ".een"):
            query = (
                f"SELECT n FROM read_parquet(['{tmp_path}/{name}.parquet', "
                f"'{tmp_path}/twee.parquet'])"
            )
            assert len(connection.execute(query).fetchall()) == 2
            monkeypatch.setenv("VIA_ENGINE", "spark")
            with pytest.raises(EngineError, match=f"name {name}.parquet"):
                heavy.counted(connection, "antwoord", query)
