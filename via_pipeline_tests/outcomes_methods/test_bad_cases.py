"""Data that cannot carry an estimate give a reason in Dutch: no exception, no NaN, no infinity."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from via_pipeline.outcomes.methods import (
    did,
    its,
    itt,
    ladder,
    panel,
    shares,
    survival,
    target,
    wild,
)
from via_pipeline.outcomes.methods.rows import Estimate, Withheld
from via_pipeline.outcomes.methods.trial import Withholding
from via_pipeline_tests.outcomes_methods import worlds

METHODS = (
    itt.fixed_effects,
    itt.lin,
    wild.bootstrap,
    ladder.proportional_odds,
    panel.adjusted_risk_difference,
)


def _reason(**change) -> str:
    frame = worlds.employers()
    for column, value in change.items():
        frame[column] = value(frame)
    with pytest.raises(Withholding) as stop:
        worlds.within(frame)
    return stop.value.reason


def test_an_empty_arm() -> None:
    assert _reason(fase=lambda f: "met") == "één van de twee groepen is leeg"


def test_a_small_arm() -> None:
    assert "minder dan 10" in _reason(fase=lambda f: np.where(f.index < 9, "met", "voor"))


def test_equal_outcomes() -> None:
    assert _reason(score=lambda f: 1.0) == "alle uitkomsten zijn gelijk"


def test_a_cluster_of_one() -> None:
    def alone(frame: pd.DataFrame) -> np.ndarray:
        return np.where(frame.index == 0, "W99", frame["werkgever"])

    assert _reason(werkgever=alone) == "minstens één cluster telt maar één waarneming"
    frame = worlds.employers()
    kept = worlds.within(frame.assign(werkgever=alone(frame)), drops_singletons=True)
    assert len(kept.frame) == len(frame) - 1


def test_too_few_clusters() -> None:
    reason = _reason(werkgever=lambda f: np.where(f.index % 2 == 0, "W01", "W02"))
    assert reason == "te weinig clusters: 2, nodig zijn er minstens 6"


def test_a_person_in_both_arms() -> None:
    reason = _reason(
        persoon=lambda f: np.where(f["persoon"].isin(["p0", "p1"]), "p0", f["persoon"])
    )
    frame = worlds.employers()
    assert frame.loc[:1, "fase"].nunique() == 2, "the test needs one of each"
    assert reason == "minstens één persoon komt in beide groepen voor"


def test_moments_out_of_order() -> None:
    frame = worlds.measured()
    third = (frame["moment"] == 3) & (frame["persoon"] == "p0")
    frame.loc[third, "datum"] = pd.Timestamp("2019-01-01")
    with pytest.raises(Withholding, match="niet op volgorde"):
        did.changes(frame, **worlds.DID)


def test_an_event_with_nobody_on_one_side() -> None:
    frame = worlds.employers().assign(datum=worlds.EVENT)
    with pytest.raises(Withholding, match="vóór of na de gebeurtenis") as stop:
        did.sides(frame, **worlds.SIDES)
    assert min(stop.value.counts) > 10
    with pytest.raises(Withholding, match="groepen is leeg"):
        did.across(worlds.measured().assign(datum=worlds.EVENT), **worlds.ACROSS)


def test_a_person_in_both_arms_around_an_event() -> None:
    frame = worlds.employers()
    frame.loc[frame["werkgever"] == "W01", "persoon"] = "p0"
    with pytest.raises(Withholding, match="komt in beide groepen voor"):
        did.sides(frame, **worlds.SIDES)


def test_too_many_characteristics_for_the_rows_is_told_with_the_counts() -> None:
    """HC3 has no number for somebody who is alone in a category; the reason names no person."""
    frame = worlds.employers(clusters=2, size=14)
    frame["soort"] = np.where(np.arange(len(frame)) == 0, "anders", "gewoon")
    got = itt.fixed_effects(worlds.build(frame, covariates=["soort"]), "HC3")
    assert isinstance(got, Withheld)
    assert got.reason == "te weinig waarnemingen voor de kenmerken waarvoor gecorrigeerd wordt"
    assert got.n_intervention + got.n_comparison == len(frame)


def test_a_moment_measured_twice() -> None:
    frame = worlds.measured()
    with pytest.raises(Withholding, match="dubbel gemeten"):
        did.changes(pd.concat([frame, frame.iloc[:1]]), **worlds.DID)


def test_a_person_who_changes_arm_between_moments() -> None:
    frame = worlds.measured()
    frame.loc[(frame["moment"] == 3) & (frame["persoon"] == "p0"), "arm"] = "interventie"
    frame.loc[(frame["moment"] == 1) & (frame["persoon"] == "p0"), "arm"] = "vergelijking"
    with pytest.raises(Withholding, match="beide groepen"):
        did.changes(frame, **worlds.DID)


def test_arms_that_coincide_with_strata() -> None:
    frame = worlds.employers()
    frame["fase"] = np.where(frame["werkgever"] < "W10", "met", "voor")
    data = worlds.within(frame)
    for method in (itt.fixed_effects, itt.lin, wild.bootstrap):
        assert isinstance(method(data), Withheld)


def test_a_ladder_without_overlap() -> None:
    frame = worlds.employers()
    frame["ladder"] = np.where(frame["fase"] == "met", 5, 2)
    got = ladder.proportional_odds(worlds.build(frame, "ladder"))
    assert isinstance(got, Withheld)


def test_a_covariate_that_tells_the_outcome() -> None:
    frame = worlds.employers()
    frame["antwoord"] = frame["uitgenodigd"].astype(float)
    data = worlds.build(frame, "uitgenodigd", covariates=["antwoord"])
    assert isinstance(panel.adjusted_risk_difference(data), Withheld)


def test_a_year_as_covariate_is_no_separation_and_a_constant_one_is_left_out() -> None:
    frame = worlds.employers()
    frame["cohort"] = 2018 + frame.index % 2
    frame["altijd"] = 2020
    plain = panel.adjusted_risk_difference(
        worlds.build(frame.assign(cohort=frame.index % 2), "uitgenodigd", covariates=["cohort"])
    )
    got = panel.adjusted_risk_difference(
        worlds.build(frame, "uitgenodigd", covariates=["cohort", "altijd"])
    )
    assert isinstance(got, Estimate)
    assert (got.estimate, got.se) == pytest.approx((plain.estimate, plain.se), rel=1e-7)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"groep": "nederlands"}, "leeg"),
        ({"dagen": 30}, "gelijk"),
        ({"dagen": 0}, "op of vóór haar begin"),
        ({"persoon": "p0"}, "beide groepen"),
    ],
)
def test_spells(change: dict, reason: str) -> None:
    with pytest.raises(Withholding, match=reason):
        survival.spells(worlds.spells().assign(**change), **worlds.SPELLS)


def test_spells_not_followed_long_enough() -> None:
    frame = worlds.spells()
    frame = frame.assign(dagen=frame["dagen"].clip(upper=100))
    frame["reden"] = frame["reden"].where(frame["dagen"] < 100, 0)
    data = survival.spells(frame, **worlds.SPELLS)
    for got in (
        survival.restricted_mean_difference(data, 180),
        survival.incidence_difference(data, 180, 1),
    ):
        assert isinstance(got, Withheld)
        assert "niet lang genoeg" in got.reason


def test_a_reason_that_does_not_occur() -> None:
    got = survival.incidence_difference(survival.spells(worlds.spells(), **worlds.SPELLS), 180, 9)
    assert isinstance(got, Withheld)


def test_shares_and_targets() -> None:
    assert isinstance(shares.share(0, 0), Withheld)
    assert isinstance(shares.difference(0, 20, 0, 20), Withheld)
    assert isinstance(target.progress(3, 5, 30), Withheld)
    assert isinstance(target.progress(30, 50, 0), Withheld)
    nobody, everybody = shares.share(0, 40), shares.share(40, 40)
    assert nobody.ci_low == 0
    assert everybody.ci_high == 100
    with pytest.raises(ValueError, match="impossible"):
        shares.share(5, 4)


def test_series() -> None:
    assert isinstance(its.level_change([1, 2, 3, 4], 2), Withheld)
    assert isinstance(its.level_change([1.0] * 60, 30), Withheld)
    assert isinstance(its.level_change([1.0, float("nan"), *range(10)], 6), Withheld)
    short = its.level_change([1, 2, 3, 2, 5, 4, 6, 9], 4)
    assert short.ci_low is None and short.p is None
    assert "te kort" in short.note


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_the_data_the_answer_is_finite_or_a_reason(data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 60))
    number = st.sampled_from([0.0, 1.0, 1.0, 2.0, 1e9, float("nan")])
    frame = pd.DataFrame(
        {
            "score": data.draw(st.lists(number, min_size=n, max_size=n)),
            "fase": data.draw(st.lists(st.sampled_from(["met", "voor"]), min_size=n, max_size=n)),
            "werkgever": data.draw(st.lists(st.integers(0, 8), min_size=n, max_size=n)),
            "persoon": range(n),
        }
    )
    try:
        built = worlds.within(frame, drops_singletons=True)
    except Withholding as stop:
        assert stop.reason
        return
    for method in METHODS:
        got = method(built)
        if isinstance(got, Withheld):
            assert got.reason
            continue
        assert isinstance(got, Estimate)
        for value in dataclasses.astuple(got):
            assert not isinstance(value, float) or math.isfinite(value)
