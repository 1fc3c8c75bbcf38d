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

from via_pipeline.contracts.model import load
from via_pipeline.diversity import counts
from via_pipeline.engine import heavy, session
from via_pipeline.engine.session import EngineError
from via_pipeline.outcomes import compute, model
from via_pipeline_tests.engine import worlds
from via_pipeline_tests.quality import test_planted_faults as planted

pytest.importorskip("pyspark", reason="Spark is not installed: make .venv/.spark")
pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="no Java: Spark cannot run"),
    pytest.mark.xdist_group("spark"),
]

WORDS = {
    "interval": "a + INTERVAL 6 MONTH < b",
    # Before the year 1 and after 9999 a day is written in other ways.
    "interval_text": "CASE WHEN year(a) BETWEEN 2 AND 9998 THEN CAST(a - INTERVAL 1 DAY AS "
    "VARCHAR) END",
    "days": "date_diff('day', a, b) + 1",
    "years": "date_sub('year', a, b)",
    "parts": "year(a) * 10000 + month(a) * 100 + day(a)",
    "date_text": "CAST(a AS VARCHAR)",
    "between": "a BETWEEN DATE '1999-01-01' AND b",
    "decimal_text": "CAST(d AS VARCHAR) || CAST(e AS VARCHAR)",
    "whole": "CAST(d AS BIGINT)",
    "units": "CAST(CAST((d) AS DECIMAL(18,4)) * 10000 AS HUGEINT)",
    "hundreds": "CAST(e AS DECIMAL(18,4))",
    "bool_text": "CAST(p AS VARCHAR)",
    "three_values": "CASE WHEN (p AND q) THEN 1 WHEN NOT (p AND q) THEN 0 END",
    "or_null": "p OR q IS NULL",
    "in_null": "s IN ('a', t)",
    "not_in": "s NOT IN ('a', '')",
    "compare": "s < t",
    "joined": "concat_ws(chr(31), s, t)",
    "nullif": "coalesce(nullif(s, ''), t, 'leeg')",
    "key": "m['periode']",
    "sums": "i - j + 2 * nr",
    "absolute": "abs(i)",
}


@pytest.fixture(scope="module", autouse=True)
def _one_session() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIA_SPARK_MASTER", "local[1]")
        yield
        session.stop()


def both(
    monkeypatch: pytest.MonkeyPatch, connection: duckdb.DuckDBPyConnection, query: str
) -> tuple[list[Any], list[Any]]:
    """The rows of ``query`` as DuckDB gives them, and as Spark does, both in the query's order."""
    answers = []
    for engine in ("duckdb", "spark"):
        monkeypatch.setenv("VIA_ENGINE", engine)
        text = heavy.counted(connection, "antwoord", query)
        answers.append(connection.execute(text).fetchall())
    return answers[0], answers[1]


def test_every_word_means_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect() as connection:
        worlds.words(connection)
        chosen = ", ".join(f"{sql} AS {name}" for name, sql in WORDS.items())
        query = f"SELECT nr, {chosen} FROM woorden ORDER BY nr"
        query = query.replace(WORDS["decimal_text"], "concat_ws('/', d::VARCHAR, e::VARCHAR)")
        one, two = both(monkeypatch, connection, query)
    assert len(one) > 400
    wrong = {
        name: (left[0], left[place], right[place])
        for left, right in zip(one, two, strict=True)
        for place, name in enumerate(WORDS, 1)
        if left[place] != right[place]
    }
    assert wrong == {}


def test_every_way_to_group_means_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    query = """
SELECT g, h, grouping(g) AS kind, count(*) AS n, count(s) AS texts, count(DISTINCT t) AS kinds,
    count(*) FILTER (WHERE p) AS yes, sum(i) AS total, CAST(sum(j) AS HUGEINT) AS whole,
    CAST(sum(d) AS DECIMAL(38,4)) AS amount, max(a) AS last, min(s) AS least, bool_or(q) AS any_q,
    string_agg(DISTINCT s, ' ' ORDER BY s) AS listed, max(abs(j), 2) AS largest
FROM woorden GROUP BY GROUPING SETS ((g), (h), (g, h)) ORDER BY n"""
    with duckdb.connect() as connection:
        worlds.words(connection)
        one, two = both(monkeypatch, connection, query)
    told = [sorted([str(value) for value in row] for row in rows) for rows in (one, two)]
    assert told[0] == told[1]
    assert any(row[-1] and row[-1][0] == row[-1][-1] for row in one)  # two equal largest


@pytest.mark.parametrize("source", ["p7_ww", "p4_barometer"])
def test_outcomes_are_the_same(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    made = []
    with duckdb.connect() as connection:
        worlds.programme(connection)
        for engine in ("duckdb", "spark"):
            monkeypatch.setenv("VIA_ENGINE", engine)
            made.append(connection.execute(
                compute.on(connection, model.load(source), load(source))).fetchall())  # fmt: skip
    assert made[0] == made[1] and len(made[0]) > 20


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
    spark = session.session()
    for name, value in (session.CONFIDENTIAL | session.MEANING).items():
        assert spark.conf.get(name) == value, name
    assert session._folder is not None and session._folder.stat().st_mode & 0o077 == 0
    assert not (session._folder / "via.conf").exists()
    assert spark.sparkContext.uiWebUrl is None
