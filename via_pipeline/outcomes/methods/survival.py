"""Time until the end of a spell (P7): restricted mean time, and incidence per reason of exit.

Belongs here: estimators that respect spells still running at the reading date and competing
reasons of exit. Does not belong here: shares of finished spells, which are biased towards short
ones.

The estimators need no person: of spells that are equal in all that counts they take one and how
many there are. So spells of a whole country are a few thousand rows.

A spell's services are not compared here: they are used *during* the spell, so whoever stays
longer has more chance to use them (immortal time).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from via_pipeline.outcomes.methods.rows import Estimate
from via_pipeline.outcomes.methods.trial import (
    MINIMUM_PER_ARM,
    Withholding,
    codes,
    withholding,
)

WEIGHT = "_aantal"
"""Column of a counted frame: how many spells a row stands for. Without it a row is one spell."""

RMST = "beperkte_gemiddelde_duur"
INCIDENCE = "cumulatieve_incidentie"
_Z = 1.959963984540054


@dataclass(frozen=True)
class Spells:
    """Spells of two groups: ``duration`` > 0, ``event`` 0 for still running, 1.. for a reason.

    ``frame`` has one row for all that are equal, and in ``WEIGHT`` how many those are.
    """

    frame: pd.DataFrame
    has_strata: bool

    @property
    def counts(self) -> tuple[int, int]:
        """Spells in the intervention group and in the comparison group."""
        n = int(self.frame.loc[self.frame["d"] == 1, WEIGHT].sum())
        return n, int(self.frame[WEIGHT].sum()) - n


def spells(
    frame: pd.DataFrame,
    *,
    duration: str,
    event: str,
    arm: str,
    intervention: Sequence[object],
    comparison: Sequence[object],
    unit: Sequence[str] = (),
    strata: Sequence[str] = (),
    minimum_per_arm: int = MINIMUM_PER_ARM,
) -> Spells:
    """Two groups of spells from a tidy frame; ``event`` holds integers, 0 for censored.

    A frame that was counted (``WEIGHT``) has no ``unit``: who counts must know that nobody is there
    twice.

    Raises:
        Withholding: a group is empty or too small, a person is in both, a duration is not
            positive, or all durations are equal.
    """
    known = frame[frame[arm].isin([*intervention, *comparison])]
    tidy = pd.DataFrame(
        {
            "duration": pd.to_numeric(known[duration]).astype(float),
            "event": known[event].astype(int),
            "d": known[arm].isin(list(intervention)).astype(int),
            "stratum": codes(known, strata) if strata else 0,
            WEIGHT: weights(known),
        }
    )
    if unit and known[[*unit, arm]].drop_duplicates().duplicated(list(unit)).any():
        raise Withholding("minstens één persoon komt in beide groepen voor")
    same = ["duration", "event", "d", "stratum"]
    tidy = tidy.dropna().groupby(same, sort=True, as_index=False)[WEIGHT].sum()
    result = Spells(tidy, bool(strata))
    if min(result.counts) == 0:
        raise Withholding("één van de twee groepen is leeg", *result.counts)
    if min(result.counts) < minimum_per_arm:
        raise Withholding(
            f"te weinig waarnemingen: minder dan {minimum_per_arm} in één van de groepen",
            *result.counts,
        )
    if (tidy["duration"] <= 0).any():
        raise Withholding("een periode eindigt op of vóór haar begin", *result.counts)
    if tidy["duration"].nunique() < 2:
        raise Withholding("alle uitkomsten zijn gelijk", *result.counts)
    return result


@withholding(RMST)
def restricted_mean_difference(data: Spells, horizon: float) -> Estimate:
    """Difference in mean time until the end, counted up to ``horizon``; negative is sooner.

    Area under the Kaplan-Meier curve; variance by Greenwood's formula (Klein and Moeschberger
    2003, section 4.5). With strata: per stratum, weighted by the stratum's share of all spells.
    """
    return _standardised(data, RMST, lambda part: restricted_mean(part, horizon))


@withholding(INCIDENCE)
def incidence_difference(data: Spells, horizon: float, reason: int, scale: float = 100) -> Estimate:
    """Difference in the share that left for ``reason`` within ``horizon``, in percentage points.

    Aalen-Johansen, so other reasons of exit compete instead of being censored (statsmodels'
    ``CumIncidenceRight``, which takes tied days as they are).
    """
    return _standardised(
        data, INCIDENCE, lambda part: _scaled(incidence(part, horizon, reason), scale)
    )


def restricted_mean(frame: pd.DataFrame, horizon: float) -> tuple[float, float]:
    """Restricted mean time of one group, and its standard error.

    Raises:
        Withholding: nobody is followed as long as ``horizon`` while some are still running.
    """
    times, at_risk, events = _table(frame, horizon)
    last = frame["duration"].max()
    if last < horizon and (frame.loc[frame["duration"] == last, "event"] == 0).any():
        raise Withholding("de periodes zijn nog niet lang genoeg gevolgd voor deze horizon")
    survival = np.cumprod(1 - events / at_risk)
    edges = np.concatenate([[0.0], times, [horizon]])
    areas = np.diff(edges) * np.concatenate([[1.0], survival])
    after = np.cumsum(areas[::-1])[::-1][1:]  # area from each event time to the horizon
    gap = at_risk - events
    greenwood = np.where(gap > 0, events / np.where(gap > 0, at_risk * gap, 1), 0.0)
    return float(areas.sum()), float(np.sqrt(np.sum(after**2 * greenwood)))


def incidence(frame: pd.DataFrame, horizon: float, reason: int) -> tuple[float, float]:
    """Cumulative incidence of ``reason`` at ``horizon`` for one group, and its standard error."""
    from statsmodels.duration.survfunc import CumIncidenceRight

    last = frame["duration"].max()
    if last < horizon and (frame.loc[frame["duration"] == last, "event"] == 0).any():
        raise Withholding("de periodes zijn nog niet lang genoeg gevolgd voor deze horizon")
    if not (frame.loc[frame["duration"] <= horizon, "event"] == reason).any():
        return 0.0, 0.0
    # The reason asked for is put first; the others only matter as exits.
    status = np.where(frame["event"] == reason, 1, np.where(frame["event"] > 0, 2, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        # With weights it gives no standard error: the two columns are written out, for one group.
        many = weights(frame).to_numpy()
        curve = CumIncidenceRight(
            np.repeat(frame["duration"].to_numpy(), many), np.repeat(status, many)
        )
    place = np.searchsorted(curve.times, horizon, side="right") - 1
    return float(curve.cinc[0][place]), float(curve.cinc_se[0][place])


def weights(frame: pd.DataFrame) -> pd.Series:
    """How many spells each row of ``frame`` stands for."""
    if WEIGHT in frame:
        return frame[WEIGHT].astype(int)
    return pd.Series(1, index=frame.index, dtype=int)


def _table(frame: pd.DataFrame, horizon: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Event times up to the horizon, with the number at risk just before and of events at each."""
    duration, event = frame["duration"].to_numpy(), frame["event"].to_numpy() > 0
    many = weights(frame).to_numpy()
    ends = event & (duration <= horizon)
    times, place = np.unique(duration[ends], return_inverse=True)
    events = np.bincount(place, weights=many[ends], minlength=len(times))
    order = np.argsort(duration, kind="stable")
    before = np.concatenate([[0], np.cumsum(many[order])])
    at_risk = many.sum() - before[np.searchsorted(duration[order], times, side="left")]
    return times, at_risk.astype(float), events.astype(float)


def _standardised(
    data: Spells, method: str, of_group: Callable[[pd.DataFrame], tuple[float, float]]
) -> Estimate:
    frame, total = data.frame, sum(data.counts)
    difference, variance, comparison = 0.0, 0.0, 0.0
    for _, part in frame.groupby("stratum"):
        groups = [part[part["d"] == arm] for arm in (1, 0)]
        if min(len(group) for group in groups) == 0:
            raise Withholding("niet in elk stratum komen beide groepen voor", *data.counts)
        (one, error_one), (zero, error_zero) = (of_group(group) for group in groups)
        weight = int(part[WEIGHT].sum()) / total
        difference += weight * (one - zero)
        comparison += weight * zero
        variance += weight**2 * (error_one**2 + error_zero**2)
    if variance <= 0:
        raise Withholding("alle uitkomsten zijn gelijk", *data.counts)
    error = float(np.sqrt(variance))
    return Estimate(
        method=method + ("_gestandaardiseerd" if data.has_strata else ""),
        estimate=difference,
        se=error,
        ci_low=difference - _Z * error,
        ci_high=difference + _Z * error,
        p=_normal_p(difference / error),
        n_intervention=data.counts[0],
        n_comparison=data.counts[1],
        mean_comparison=comparison,
    )


def _scaled(pair: tuple[float, float], scale: float) -> tuple[float, float]:
    return scale * pair[0], scale * pair[1]


def _normal_p(z: float) -> float:
    from scipy.stats import norm

    return float(2 * norm.sf(abs(z)))
