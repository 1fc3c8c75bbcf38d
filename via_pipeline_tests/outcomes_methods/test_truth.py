"""The small version of ``benchmarks/truth.py``: enough seeds to catch a wrong error or sign."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import truth

# Seeds a case, by what a fit costs; the full table is ``make truth``.
SEEDS = {
    "ladder": 12,
    "CRV3": 20,
    "ITT": 25,
    "did": 25,
    "Lin": 25,
    "Holm": 40,
    "share": 200,
    "10 ins": 80,
}


def _seeds(name: str) -> int:
    return next((count for key, count in SEEDS.items() if key in name), 40)


USED = [case for case in truth.CASES if not case.is_warning]


@pytest.mark.parametrize("case", USED, ids=lambda case: case.name)
def test_what_is_planted_is_found(case: truth.Case) -> None:
    _hold(case, _seeds(case.name))


def _hold(case: truth.Case, seeds: int) -> None:
    got = truth.run(case, seeds)
    low, high = case.expected or (0.05, 0.05)

    def far(share: float, expected: float) -> float:
        return abs(share - expected) / math.sqrt(expected * (1 - expected) / got.seeds)

    if got.bias is not None and got.bias_error is not None:
        assert abs(got.bias) < 3.5 * got.bias_error
    # Within 3.5 binomial errors of what is promised: wide, but an error that is off by half fails.
    if got.coverage is not None:
        assert far(got.coverage, 0.95) < 3.5
    if got.rejections is not None:
        assert far(got.rejections, (low + high) / 2) < 3.5


def test_short_series_are_why_they_get_no_interval() -> None:
    case = next(case for case in truth.CASES if case.name == "interrupted series, HAC, 12 a side")
    assert truth.run(case, 200).coverage < 0.9


def test_a_case_that_is_wrong_fails() -> None:
    def biased(rng, is_null: bool) -> truth.Draw:
        value = float(rng.normal(0.5))
        return truth.Draw(0.0, value, value - 1.96, value + 1.96, 0.5)

    assert not truth.run(truth.Case("wrong", biased), 200).passed


BROKEN = ["progress to target", "adjusted risk difference, 10 institutions"]


@pytest.mark.parametrize("name", BROKEN)
def test_half_the_error_fails(name: str) -> None:
    case = next(case for case in truth.CASES if case.name == name)

    def halved(rng: np.random.Generator, is_null: bool) -> truth.Draw:
        drawn = case.world(rng, is_null)
        middle = drawn.estimate
        return replace(
            drawn, low=middle - (middle - drawn.low) / 2, high=middle + (drawn.high - middle) / 2
        )

    with pytest.raises(AssertionError):
        _hold(replace(case, world=halved), _seeds(name))


def test_a_bias_of_half_the_interval_fails() -> None:
    case = next(case for case in truth.CASES if case.name == "progress to target")

    def moved(rng: np.random.Generator, is_null: bool) -> truth.Draw:
        drawn = case.world(rng, is_null)
        return replace(drawn, estimate=drawn.estimate + (drawn.high - drawn.low) / 2)

    with pytest.raises(AssertionError):
        _hold(replace(case, world=moved), _seeds(case.name))
