"""What an expectation answers when it is asked once: what GX's own methods answer, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from via_pipeline.quality import engines, once
from via_pipeline.quality.suites import suite_of
from via_pipeline_tests.quality.test_planted_faults import CASES, Case

_METHODS = ("_get_domain_kwargs", "_get_success_kwargs", "_get_runtime_kwargs")
_COMPLETE = {"result_format": "COMPLETE", "partial_unexpected_count": 7}


@pytest.fixture
def gx() -> dict[str, Any]:
    """GX's own three methods, by name; ours stand in the class."""
    engines.imported()
    return once.OWN


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("asked", [{}, {"result_format": _COMPLETE, "catch_exceptions": False}])
def test_every_rule_answers_as_gx_itself_does(case: Case, asked: dict, gx: dict[str, Any]) -> None:
    for expectation in suite_of("regels", case.rules).expectations:
        for name in _METHODS:
            ours = getattr(type(expectation), name)
            assert ours is not gx[name]
            more = (asked,) if name == "_get_runtime_kwargs" else ()
            assert ours(expectation, *more) == gx[name](expectation, *more), expectation


def test_its_configuration_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    gx = engines.imported()
    expectation = gx.expectations.ExpectColumnValuesToBeInSet(column="a", value_set=["x"])
    own, made = type(expectation).configuration, []
    counted = property(lambda self: made.append(1) or own.fget(self))
    monkeypatch.setattr(type(expectation), "configuration", counted)
    expectation._get_runtime_kwargs()
    assert len(made) == 1, "GX asks again: once.py is not at work"
