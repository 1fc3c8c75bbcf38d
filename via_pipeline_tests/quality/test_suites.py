from __future__ import annotations

import re
from pathlib import Path

import pytest

from via_pipeline.contracts import model
from via_pipeline.contracts.model import Severity
from via_pipeline.contracts.rules import Rule
from via_pipeline.quality.run import rules_by_table
from via_pipeline.quality.suites import SEVERITIES, columns_of, kwargs_of, suite_of
from via_pipeline.storage.duck import work
from via_pipeline_tests.quality.staged import REFERENCE

SOURCES = model.source_names()


def _rule(expectation: str, **kwargs: object) -> Rule:
    return Rule("x__y", "t", None, "raw", Severity.REJECT_ROW, expectation, dict(kwargs), "Uitleg.")


@pytest.mark.parametrize("source", SOURCES)
def test_every_rule_has_exactly_one_expectation(source: str) -> None:
    for table, rules in rules_by_table(model.load(source), REFERENCE).items():
        suite = suite_of(table, rules)
        assert [item.meta["rule"] for item in suite.expectations] == [rule.id for rule in rules]
        for item, rule in zip(suite.expectations, rules, strict=True):
            assert item.expectation_type == rule.expectation
            assert item.severity == SEVERITIES[rule.severity]
            assert item.meta["outcome"] == rule.severity
            assert {name: getattr(item, name) for name in rule.kwargs} == rule.kwargs


def test_two_rules_with_equal_arguments_are_both_kept() -> None:
    rules = [
        _rule("expect_column_values_to_not_be_null", column="a"),
        Rule("z", "t", None, "raw", Severity.WARN, "expect_column_values_to_not_be_null",
             {"column": "a"}, "Uitleg."),
    ]  # fmt: skip
    assert len(suite_of("s", rules).expectations) == 2


def test_the_three_outcomes_keep_their_order_of_weight() -> None:
    assert SEVERITIES == {"reject_file": "critical", "reject_row": "warning", "warn": "info"}


def test_an_unknown_expectation_is_named_with_its_rule() -> None:
    with pytest.raises(ValueError, match=re.escape("t.x__y: expect_wonders")):
        suite_of("s", [_rule("expect_wonders", column="a")])


def test_arguments_that_gx_refuses_are_named_with_their_rule() -> None:
    with pytest.raises(ValueError, match=re.escape("t.x__y")):
        suite_of("s", [_rule("expect_column_values_to_be_between", kolom="a")])


def test_a_bound_that_a_float_cannot_hold_is_refused() -> None:
    kwargs_of(_rule("expect_column_values_to_be_between", column="a", max_value=2**53 - 1))
    with pytest.raises(ValueError, match="max_value"):
        kwargs_of(_rule("expect_column_values_to_be_between", column="a", max_value=2**53))


def test_columns_of() -> None:
    assert columns_of(_rule("expect_compound_columns_to_be_unique", column_list=["a", "b"])) == (
        "a",
        "b",
    )
    assert columns_of(_rule("expect_table_row_count_to_be_between", min_value=1)) == ()
    assert columns_of(_rule("expect_table_columns_to_match_set", column_set=["a"])) == ()


@pytest.mark.parametrize("source", SOURCES)
def test_every_pattern_is_one_that_duckdb_and_python_both_know(source: str) -> None:
    patterns = {
        kwargs_of(rule, python_regex=python)["regex"]
        for rules in rules_by_table(model.load(source), REFERENCE).values()
        for rule in rules
        if "regex" in rule.kwargs
        for python in (True,)
    }
    for pattern in patterns:
        re.compile(pattern)
    with work() as connection:
        for rules in rules_by_table(model.load(source), REFERENCE).values():
            for rule in rules:
                if "regex" in rule.kwargs:
                    assert rule.kwargs["regex"].endswith("$")
                    connection.execute("SELECT regexp_matches('', ?)", [rule.kwargs["regex"]])


def test_importing_the_room_does_not_import_great_expectations() -> None:
    import subprocess
    import sys

    code = (
        "import sys, via_pipeline.quality.run, via_pipeline.quality.checks, "
        "via_pipeline.quality.template; "
        "assert 'great_expectations' not in sys.modules, 'GX'; "
        "assert 'pandas' not in sys.modules, 'pandas'; "
        "assert 'dagster' not in sys.modules, 'dagster'"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
