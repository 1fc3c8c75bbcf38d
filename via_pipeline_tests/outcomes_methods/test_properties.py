"""What must not matter does not, and a constant moves only what it should."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from via_pipeline.outcomes.methods import did, itt, ladder, panel, survival, wild
from via_pipeline.outcomes.methods.rows import Estimate
from via_pipeline_tests.outcomes_methods import worlds

Method = Callable[[pd.DataFrame], Estimate]
EMPLOYERS = worlds.employers(clusters=8, size=16)
MEASURED = worlds.measured()
SPELLS = worlds.spells()


def _within(method: Callable, outcome: str = "score") -> Method:
    return lambda frame: method(worlds.within(frame, outcome, covariates=["leeftijd"]))


CROSS_SECTION: dict[str, Method] = {
    "itt_crv1": lambda f: itt.fixed_effects(worlds.within(f), "CRV1"),
    "itt_crv3": _within(itt.fixed_effects),
    "lin": lambda f: itt.lin(worlds.build(f, covariates=["leeftijd"])),
    "wild": _within(wild.bootstrap),
    "ladder": lambda f: ladder.proportional_odds(worlds.build(f, "ladder")),
    "risk": lambda f: panel.adjusted_risk_difference(
        worlds.build(f, "uitgenodigd", covariates=["leeftijd"], scale=100)
    ),
}
OTHERS: dict[str, tuple[pd.DataFrame, Method]] = {
    "did": (MEASURED, lambda f: did.estimate(did.changes(f, **worlds.DID))),
    "did_wild": (
        MEASURED,
        lambda f: did.bootstrap(did.changes(f, **worlds.DID, cluster=["wijk"])),
    ),
    "across": (MEASURED, lambda f: did.estimate(did.across(f, **worlds.ACROSS), did.AROUND)),
    "sides": (EMPLOYERS, lambda f: did.estimate_sides(did.sides(f, **worlds.SIDES))),
    "sides_wild": (EMPLOYERS, lambda f: did.bootstrap_sides(did.sides(f, **worlds.SIDES))),
    "rmst": (
        SPELLS,
        lambda f: survival.restricted_mean_difference(
            survival.spells(f, **worlds.SPELLS, strata=["leeftijd"]), 180
        ),
    ),
    "incidence": (
        SPELLS,
        lambda f: survival.incidence_difference(survival.spells(f, **worlds.SPELLS), 180, 1),
    ),
}
ALL = {name: (EMPLOYERS, method) for name, method in CROSS_SECTION.items()} | OTHERS
REFERENCE = {}


def _numbers(result: Estimate) -> tuple:
    assert isinstance(result, Estimate), result
    return (
        result.estimate,
        result.se or 0.0,
        result.ci_low,
        result.ci_high,
        result.p,
        result.mean_comparison or 0.0,
        result.n_intervention,
        result.n_comparison,
    )


def _reference(name: str) -> tuple:
    if name not in REFERENCE:
        frame, method = ALL[name]
        REFERENCE[name] = _numbers(method(frame))
    return REFERENCE[name]


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_changes_not_a_bit(name: str, seed: int) -> None:
    frame, method = ALL[name]
    shuffled = frame.sample(frac=1, random_state=np.random.default_rng(seed))
    assert _numbers(method(shuffled)) == _reference(name)


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(share=st.floats(0.1, 0.9))
def test_a_delivery_split_in_two_changes_not_a_bit(name: str, share: float) -> None:
    frame, method = ALL[name]
    place = int(share * len(frame))
    halves = pd.concat([frame.iloc[place:], frame.iloc[:place]], ignore_index=True)
    assert _numbers(method(halves)) == _reference(name)


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_other_names_for_units_and_clusters_change_nothing(name: str, seed: int) -> None:
    frame, method = ALL[name]
    rng = np.random.default_rng(seed)
    renamed = frame.copy()
    for column in ("persoon", "werkgever", "wijk"):
        if column in renamed:
            old = sorted(renamed[column].unique())
            renamed[column] = renamed[column].map(
                dict(zip(old, [f"n{i:05d}" for i in rng.permutation(len(old))], strict=True))
            )
    assert _numbers(method(renamed)) == pytest.approx(_reference(name), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", ["itt_crv1", "itt_crv3", "lin", "wild", "did", "did_wild"])
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(constant=st.floats(-1000, 1000))
def test_a_constant_moves_levels_but_no_difference(name: str, constant: float) -> None:
    frame, method = ALL[name]
    moved = _numbers(method(frame.assign(score=frame["score"] + constant)))
    reference = _reference(name)
    assert moved[:5] == pytest.approx(reference[:5], rel=1e-6, abs=1e-8)
    # In a change since the start the constant is in both terms.
    shift = 0.0 if name.startswith("did") else constant
    assert moved[5] - reference[5] == pytest.approx(shift, abs=1e-8)


@pytest.mark.parametrize("name", ["itt_crv3", "did"])
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(extra=st.floats(-5, 5))
def test_what_is_added_to_one_arm_is_added_to_the_estimate(name: str, extra: float) -> None:
    frame, method = ALL[name]
    if name == "did":
        here = (frame["arm"] == "interventie") & (frame["moment"] == 3)
    else:
        here = frame["fase"] == "met"
    moved = _numbers(method(frame.assign(score=frame["score"] + extra * here)))
    reference = _reference(name)
    assert moved[0] - reference[0] == pytest.approx(extra, abs=1e-8)
    assert moved[1] == pytest.approx(reference[1], rel=1e-6)


@pytest.mark.parametrize("name", ["itt_crv1", "itt_crv3", "lin", "did", "did_wild", "wild", "rmst"])
def test_swapping_the_arms_turns_the_sign(name: str) -> None:
    frame, method = ALL[name]
    column = {"rmst": "groep", "did": "arm", "did_wild": "arm"}.get(name, "fase")
    one, zero = frame[column].unique()
    swapped = _numbers(method(frame.assign(**{column: frame[column].map({one: zero, zero: one})})))
    reference = _reference(name)
    assert swapped[0] == pytest.approx(-reference[0], rel=1e-7)
    assert (swapped[2], swapped[3]) == pytest.approx((-reference[3], -reference[2]), rel=1e-6)
    assert swapped[4] == pytest.approx(reference[4], rel=1e-7)
