"""pandas and DuckDB give the same verdict and the same rows, for every expectation in use."""

from __future__ import annotations

import datetime
import decimal
import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from via_pipeline.contracts import model
from via_pipeline.contracts.model import Severity
from via_pipeline.contracts.rules import RAW, Rule
from via_pipeline.quality import engines
from via_pipeline.quality.results import RuleResult
from via_pipeline.quality.run import rules_by_table
from via_pipeline.storage.duck import work
from via_pipeline_tests.quality import staged

pytestmark = pytest.mark.long(3)

TYPES = {
    "_row": "BIGINT",
    "tekst": "VARCHAR",
    "code": "VARCHAR",
    "geheel": "BIGINT",
    "getal": "DECIMAL(18,2)",
    "dag": "DATE",
    "ja": "BOOLEAN",
    "regel__x": "TINYINT",
}


def _rule(name: str, expectation: str, **kwargs: Any) -> Rule:
    return Rule(name, "t", None, RAW, Severity.REJECT_ROW, expectation, kwargs, "Uitleg.")


RULES = [
    _rule("null_tekst", "expect_column_values_to_not_be_null", column="tekst"),
    _rule("null_geheel", "expect_column_values_to_not_be_null", column="geheel"),
    _rule("null_getal", "expect_column_values_to_not_be_null", column="getal"),
    _rule("null_dag", "expect_column_values_to_not_be_null", column="dag"),
    _rule("null_ja", "expect_column_values_to_not_be_null", column="ja"),
    _rule("regex", "expect_column_values_to_match_regex", column="tekst", regex="^(?:a?b|c%)$"),
    _rule("cijfers", "expect_column_values_to_match_regex", column="tekst", regex=r"^(?:\d{1,3})$"),
    _rule("woord", "expect_column_values_to_match_regex", column="tekst", regex=r"^(?:\w+)$"),
    _rule("lengte", "expect_column_value_lengths_to_be_between", column="tekst", max_value=2),
    _rule("in", "expect_column_values_to_be_in_set", column="code", value_set=["x", "y's", "01"]),
    _rule("vlag", "expect_column_values_to_be_in_set", column="regel__x", value_set=[1]),
    _rule("niet_in", "expect_column_values_to_not_be_in_set", column="code", value_set=["leeg"]),
    _rule("bereik", "expect_column_values_to_be_between", column="geheel", min_value=-1,
          max_value=2**31),
    _rule("bereik_laag", "expect_column_values_to_be_between", column="geheel", min_value=0),
    _rule("bereik_getal", "expect_column_values_to_be_between", column="getal", min_value=0.1,
          max_value=1.2),
    _rule("bereik_dag", "expect_column_values_to_be_between", column="dag",
          min_value="2018-03-01", max_value="2021-12-31"),
    _rule("uniek", "expect_column_values_to_be_unique", column="code"),
    _rule("uniek_geheel", "expect_column_values_to_be_unique", column="geheel"),
    _rule("uniek_samen", "expect_compound_columns_to_be_unique", column_list=["code", "geheel"]),
    _rule("uniek_drie", "expect_compound_columns_to_be_unique", column_list=["tekst", "ja", "dag"]),
    _rule("rijen", "expect_table_row_count_to_be_between", min_value=1, max_value=5),
    _rule("kolommen", "expect_table_columns_to_match_set", column_set=["_row", "tekst"],
          exact_match=True),
    _rule("beide", "expect_column_distinct_values_to_contain_set", column="code",
          value_set=["x", "01"]),
    _rule("gevuld", "expect_column_proportion_of_non_null_values_to_be_between", column="dag",
          min_value=0.5),
    _rule("gevuld_ja", "expect_column_proportion_of_non_null_values_to_be_between", column="ja",
          min_value=0.5),
    _rule("meestal", "expect_column_values_to_not_be_in_set", column="code", value_set=["leeg"],
          mostly=0.75),
    _rule("gemiddeld", "expect_column_mean_to_be_between", column="getal", min_value=0.5,
          max_value=10),
]  # fmt: skip

# Where the two libraries differ in what text is: line ends, other scripts, combining marks, quotes.
TEXTS = st.one_of(
    st.sampled_from(
        ["", "a", "b", "ab", "c%", "ab\n", "\n", "٣", "é", "e\u0301", "1", "12", "leeg"]
    ),
    st.text(max_size=4).filter(lambda text: "\x00" not in text and text.isprintable()),
)
CODES = st.sampled_from(["x", "y's", "01", "1", "leeg", "z"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "tekst": st.none() | TEXTS,
            "code": st.none() | CODES,
            "geheel": st.none()
            | st.sampled_from([-1, 0, 1, 2, 2**53, 2**53 + 1, 10**18 - 1, -(10**18) + 1]),
            "getal": st.none()
            | st.sampled_from(["0.10", "0.09", "1.20", "1.21", "-0.00", "9999999999999999.99"]).map(
                decimal.Decimal
            ),
            "dag": st.none()
            | st.sampled_from(
                [
                    datetime.date(1, 1, 1),
                    datetime.date(2018, 2, 28),
                    datetime.date(2018, 3, 1),
                    datetime.date(2021, 12, 31),
                    datetime.date(9999, 12, 31),
                ]
            ),
            "ja": st.none() | st.booleans(),
            "regel__x": st.sampled_from([0, 1]),
        }
    ),
    max_size=12,
)


def _both(path: Path, rules: list[Rule]) -> tuple[list[RuleResult], list[RuleResult]]:
    return (
        engines.run_on_file(rules, path, threshold_rows=10**9),
        engines.run_on_file(rules, path, threshold_rows=-1),
    )


def test_the_rules_here_are_every_expectation_in_use() -> None:
    in_use = {
        rule.expectation
        for contract in model.load_all()
        for rules in rules_by_table(contract, staged.REFERENCE).values()
        for rule in rules
    }
    assert in_use <= {rule.expectation for rule in RULES}


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=ROWS)
def test_both_engines_agree_on_anything(rows: list[staged.Row], tmp_path: Path) -> None:
    numbered = [row | {"_row": index + 2} for index, row in enumerate(rows)]
    path = staged.write(tmp_path / "any.parquet", TYPES, numbered)
    pandas, duckdb = _both(path, RULES)
    assert pandas == duckdb
    assert [result.rule for result in pandas if result.error] == []


def test_bounds_are_those_of_the_contract_on_both(tmp_path: Path) -> None:
    values = ["0.09", "0.10", "1.20", "1.21"]
    rows = [{"_row": i + 2, "getal": decimal.Decimal(v)} for i, v in enumerate(values)]
    path = staged.write(tmp_path / "b.parquet", TYPES, rows)
    rule = [rule for rule in RULES if rule.id == "bereik_getal"]
    for (result,) in _both(path, rule):
        assert result.rows == (2, 5)


def test_text_is_matched_as_re2_does_on_both(tmp_path: Path) -> None:
    texts = ["12", "12\n", "٣", "é", "w"]
    rows = [{"_row": i + 2, "tekst": text} for i, text in enumerate(texts)]
    path = staged.write(tmp_path / "t.parquet", TYPES, rows)
    wanted = {"cijfers": (3, 4, 5, 6), "woord": (3, 4, 5)}
    for results in _both(path, [rule for rule in RULES if rule.id in wanted]):
        assert {result.rule: result.rows for result in results} == wanted


def test_a_key_with_an_empty_part_is_no_key(tmp_path: Path) -> None:
    rows = [{"_row": i, "code": "x", "geheel": None} for i in (2, 3)]
    rows += [{"_row": i, "code": "x", "geheel": 1} for i in (4, 5)]
    path = staged.write(tmp_path / "k.parquet", TYPES, rows)
    for (result,) in _both(path, [rule for rule in RULES if rule.id == "uniek_samen"]):
        assert result.rows == (4, 5)


def test_the_list_of_rows_is_never_cut(tmp_path: Path) -> None:
    count = 1_500
    rows = [
        {"_row": i + 2, "tekst": "zzz", "code": "z", "geheel": 7, "regel__x": 0}
        for i in range(count)
    ]
    path = staged.write(tmp_path / "many.parquet", TYPES, rows)
    names = {"regex", "lengte", "in", "vlag", "uniek", "uniek_samen", "null_dag"}
    for results in _both(path, [rule for rule in RULES if rule.id in names]):
        assert {len(result.rows) for result in results} == {count}
        assert {result.failed for result in results} == {count}


def test_results_hold_rows_and_never_a_value(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    canary = "KANARIE-817263"
    rows = [
        {"_row": i + 2, "tekst": canary, "code": canary, "geheel": 817263, "regel__x": 0}
        for i in range(3)
    ]
    path = staged.write(tmp_path / "canary.parquet", TYPES, rows)
    with caplog.at_level(logging.DEBUG):
        both = _both(path, RULES)
    told = json.dumps([vars(result) for results in both for result in results], default=str)
    assert "817263" not in told
    captured = capfd.readouterr()
    assert "817263" not in captured.out + captured.err
    assert captured.out + captured.err == ""


def test_a_rule_on_a_column_that_is_not_there_fails_and_says_so(tmp_path: Path) -> None:
    path = staged.write(tmp_path / "e.parquet", TYPES, [{"_row": 2, "tekst": "a"}])
    rules = [
        _rule("weg", "expect_column_values_to_not_be_null", column="bestaat_niet"),
        _rule("goed", "expect_column_values_to_not_be_null", column="tekst"),
    ]
    for absent, good in _both(path, rules):
        assert (absent.passed, absent.error) == (False, "kolom ontbreekt")
        assert good.passed


@pytest.mark.parametrize("threshold", [10**9, -1], ids=["pandas", "duckdb"])
def test_a_rule_that_great_expectations_cannot_run_is_no_verdict(
    tmp_path: Path, threshold: int
) -> None:
    rows = [{"_row": 2, "tekst": "KANARIE-817263"}]
    path = staged.write(tmp_path / "e.parquet", TYPES, rows)
    rules = [
        _rule("goed", "expect_column_values_to_not_be_null", column="tekst"),
        _rule("soort", "expect_column_mean_to_be_between", column="tekst", min_value=1),
    ]
    with pytest.raises(engines.RuleNotRun, match=r"^soort: \w+$") as caught:
        engines.run_on_file(rules, path, threshold_rows=threshold)
    assert "817263" not in str(caught.value)


@pytest.mark.parametrize("threshold", [10**9, -1], ids=["pandas", "duckdb"])
def test_half_a_list_of_rows_is_no_verdict(
    tmp_path: Path, threshold: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"_row": row, "tekst": None} for row in (2, 3)]
    path = staged.write(tmp_path / "h.parquet", TYPES, rows)
    rules = [_rule("leeg", "expect_column_values_to_not_be_null", column="tekst")]
    listed = engines._with_rows
    monkeypatch.setattr(engines, "_with_rows", lambda outcome, rows: listed(outcome, [*rows][1:]))
    with pytest.raises(engines.RuleNotRun, match="leeg"):
        engines.run_on_file(rules, path, threshold_rows=threshold)


def test_one_table_after_another_is_each_on_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GX is told once of tables of one shape, and remembers nothing of the last one."""
    paths = [
        staged.write(tmp_path / f"{size}.parquet", TYPES, [
            {"_row": place + 2, "code": "xz"[place % 2], "geheel": size * place, "ja": size == 3}
            for place in range(size)
        ])
        for size in (3, 40, 1)
    ]  # fmt: skip
    fewer = {name: kind for name, kind in TYPES.items() if name != "tekst"}
    paths.insert(2, staged.write(tmp_path / "odd.parquet", fewer, [{"_row": 2, "code": "x"}]))
    alone = [engines.run_on_file(RULES, path, threshold_rows=-1) for path in paths]
    told: list[object] = []
    define = engines._duckdb_definition
    monkeypatch.setattr(
        engines, "_duckdb_definition", lambda connection: told.append(1) or define(connection)
    )
    with work() as connection:
        assert list(engines.run_on_each(connection, RULES, paths, -1)) == alone
    assert len(told) == 2
    assert len({tuple(results) for results in alone}) == 4


def test_no_rules_no_great_expectations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "imported", lambda: pytest.fail("GX was imported for nothing"))
    path = staged.write(tmp_path / "n.parquet", TYPES, [])
    assert engines.run_on_file([], path) == []
    assert engines.run_on_header([], ["a"]) == []


def test_the_wait_for_the_import_is_reported(tmp_path: Path) -> None:
    path = staged.write(tmp_path / "i.parquet", TYPES, [])
    engines.run_on_file(RULES[:1], path)
    assert 0 < engines.last_import_seconds < 120


def test_no_connection_is_made_and_no_file_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was made")

    path = staged.write(tmp_path / "data" / "s.parquet", TYPES, [{"_row": 2, "tekst": "a"}])
    import tempfile

    work = tmp_path / "cwd"
    work.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(work))
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(work))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    _both(path, RULES)
    assert list(work.rglob("*")) == []


def test_analytics_are_off() -> None:
    import os

    context = engines._context()
    assert context.config.analytics_enabled is False
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
    assert not context.variables.progress_bars["globally"]


def test_pandas_gets_sql_types(tmp_path: Path) -> None:
    rows = [
        {"_row": 2, "geheel": 2**53 + 1, "ja": True, "tekst": "01", "dag": datetime.date(1, 1, 1)},
        {"_row": 3},
    ]
    path = staged.write(tmp_path / "p.parquet", TYPES, rows)

    with work() as connection:
        frame = engines.frame(connection, f"read_parquet('{path}')", TYPES)
    assert frame["geheel"].tolist() == [2**53 + 1, pd.NA]
    assert frame["ja"].dtype == "boolean"
    assert frame["tekst"].iloc[0] == "01"
    assert frame["dag"].iloc[0] == datetime.date(1, 1, 1)
    assert frame[["geheel", "ja", "tekst", "dag", "getal"]].iloc[1].isna().all()
