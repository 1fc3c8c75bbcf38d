"""Every shipped plan on the sample deliveries, spoilt one way: a figure or a reason, no third."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from via_pipeline.contracts.model import load_all
from via_pipeline.outcomes import exploration, plan, wording
from via_pipeline.outcomes.methods.analyse import analyse
from via_pipeline.pilots import catalog
from via_pipeline.storage import duck
from via_pipeline_tests.journeys import house

PLANS = {f"{one.pilot_id} {one.locatie}": one for one in plan.load_all()}
TARGETS = {"vaste_baan_2021": 30.0, "leerwerkplekken": 30.0}


@pytest.fixture(scope="module")
def frames(sample_run: house.Ran) -> Iterator[dict[str, pd.DataFrame]]:
    """Per plan the frame that its last reading sees."""
    with duck.work() as connection:
        found = {}
        for name, one in PLANS.items():
            own = [contract for contract in load_all() if contract.pilot == one.pilot_id]
            catalog.register(connection, sample_run.home, own, one.readings[-1].date)
            found[name] = connection.sql(f"SELECT * FROM ({one.relation}) ORDER BY ALL").df()
        yield found


def one_arm(frame: pd.DataFrame, one: plan.AnalysisPlan) -> pd.DataFrame:
    return frame.assign(**{one.arm.column: one.arm.intervention[0]}) if one.arm else frame[:0]


def equal_outcomes(frame: pd.DataFrame, one: plan.AnalysisPlan) -> pd.DataFrame:
    columns = {outcome.column for outcome in one.outcomes}
    first = {name: frame[name].dropna().iloc[0] for name in columns}
    return frame.assign(**{name: first[name] for name in columns})


def clusters_of_one(frame: pd.DataFrame, one: plan.AnalysisPlan) -> pd.DataFrame:
    return frame.assign(**{name: [f"c{n}" for n in range(len(frame))] for name in one.cluster})


def moments_out_of_order(frame: pd.DataFrame, one: plan.AnalysisPlan) -> pd.DataFrame:
    if one.moments is None or one.moments.date is None:
        return frame.iloc[::-1]
    day = pd.to_datetime(frame[one.moments.date])
    return frame.assign(**{one.moments.date: day.max() - (day - day.min())})


def a_person_in_both_arms(frame: pd.DataFrame, one: plan.AnalysisPlan) -> pd.DataFrame:
    # Everybody is one person, at one moment: the worst that two merged files can do.
    return frame.assign(**{name: frame[name].iloc[0] for name in one.unit})


def few_rows(frame: pd.DataFrame, one: plan.AnalysisPlan) -> pd.DataFrame:
    return frame.iloc[np.linspace(0, len(frame) - 1, 25).astype(int)]


def nothing_known(frame: pd.DataFrame, one: plan.AnalysisPlan) -> pd.DataFrame:
    return frame.assign(**{name: None for name in {outcome.column for outcome in one.outcomes}})


SPOILT: tuple[Callable[[pd.DataFrame, plan.AnalysisPlan], pd.DataFrame], ...] = (
    one_arm,
    equal_outcomes,
    clusters_of_one,
    moments_out_of_order,
    a_person_in_both_arms,
    few_rows,
    nothing_known,
)


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize("name", PLANS)
def test_a_figure_or_a_reason(frames: dict[str, pd.DataFrame], name: str, spoil: Callable) -> None:
    one = PLANS[name]
    got = analyse(
        one,
        spoil(frames[name], one),
        reading_date=one.readings[-1].date,
        targets=TARGETS,
        unplanned=[outcome for more in exploration.of(one) for outcome in more.outcomes],
    )
    assert got.effects or one.outcomes[0].by
    for row in got.effects:
        numbers = [value for value in asdict(row).values() if isinstance(value, float)]
        assert all(math.isfinite(value) for value in numbers), row
        assert wording.causal_words(wording.sentence(row)) == []
        if row.estimate is None:
            assert row.waarde_status in ("u", "x") and row.reden
            assert not numbers
    for table in (got.attrition, got.balance, got.heterogeneity, got.missing):
        for row in table:
            values = [value for value in asdict(row).values() if isinstance(value, float)]
            assert all(math.isfinite(value) for value in values), row


@pytest.mark.parametrize("name", [name for name, one in PLANS.items() if one.arm])
def test_what_cannot_be_compared_is_not(frames: dict[str, pd.DataFrame], name: str) -> None:
    one = PLANS[name]
    for spoil in (one_arm, nothing_known):
        got = analyse(
            one, spoil(frames[name], one), reading_date=one.readings[-1].date, targets=TARGETS
        )
        compared = [row for row in got.effects if row.contrast]
        assert compared and all(row.estimate is None for row in compared)
