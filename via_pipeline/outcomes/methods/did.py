"""Difference in differences: over measurement moments, and around a dated event.

Belongs here: change since the first moment (P8: three; P1: before and after), or across an event
such as the first corona measures, compared between arms. Does not belong here: comparisons at one
moment (``itt``), a series without a comparison (``its``).

With one base moment and one later moment per estimate, the regression of the change on the arm
equals the model with fixed effects of person and moment on the persons seen at both. It rests on
parallel trends, which a single moment before the start cannot test; that is why its claim is
association (``registry``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date as Day
from typing import Any

import pandas as pd

from via_pipeline.outcomes.methods import itt, wild
from via_pipeline.outcomes.methods.rows import Estimate, Result, Withheld
from via_pipeline.outcomes.methods.trial import MINIMUM_PER_ARM, Trial, Withholding, build

METHOD = "verschil_in_verschillen"
AROUND = "verschil_rond_gebeurtenis"
AT_BASE = "_eerste"
AT_LAST = "_laatste"


def changes(
    frame: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    intervention: Sequence[object],
    comparison: Sequence[object],
    unit: Sequence[str],
    moment: str,
    base: object,
    last: object,
    date: str | None = None,
    cluster: Sequence[str] = (),
    covariates: Sequence[str] = (),
    scale: float = 1.0,
    minimum_per_arm: int = MINIMUM_PER_ARM,
) -> Trial:
    """One row per unit seen at both moments: the change of the outcome from ``base`` to ``last``.

    Arm, cluster and covariates are taken at ``base``.

    Raises:
        Withholding: a unit is in both arms, is measured twice at one moment, or has moments whose
            dates are not in order; and everything in ``trial.check``.
    """
    both = paired(
        frame,
        outcome=outcome,
        arm=arm,
        values=[*intervention, *comparison],
        unit=unit,
        moment=moment,
        base=base,
        last=last,
        date=date,
    )
    return build(
        both.assign(_change=both[AT_LAST] - both[AT_BASE]),
        outcome="_change",
        arm=arm,
        intervention=intervention,
        comparison=comparison,
        unit=unit,
        cluster=cluster,
        covariates=covariates,
        scale=scale,
        minimum_per_arm=minimum_per_arm,
    )


def paired(
    frame: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    values: Sequence[object],
    unit: Sequence[str],
    moment: str,
    base: object,
    last: object,
    date: str | None = None,
) -> pd.DataFrame:
    """One row per unit measured at ``base``, with the outcome at both moments.

    The columns ``AT_BASE`` and ``AT_LAST`` hold the outcome; NaN at ``last`` is lost to follow-up.

    Raises:
        Withholding: as ``changes`` says.
    """
    keys = list(unit)
    known = frame[frame[arm].isin(list(values))]
    used = known[known[moment].isin([base, last])]
    if (known.groupby(keys, dropna=False)[arm].nunique() > 1).any():
        raise Withholding("minstens één persoon komt in beide groepen voor")
    if used.duplicated([*keys, moment]).any():
        raise Withholding("minstens één persoon is op één meetmoment dubbel gemeten")
    if date is not None:
        dated = known.dropna(subset=[date]).sort_values([*keys, moment], kind="stable")
        taken = pd.to_datetime(dated[date])
        step = taken.groupby([dated[key] for key in keys], dropna=False).diff()
        if (step.dropna() <= pd.Timedelta(0)).any():
            raise Withholding("de data van de meetmomenten staan niet op volgorde")
    value = pd.to_numeric(used[outcome]).astype("Float64").astype(float)
    used = used.assign(**{AT_BASE: value})
    start = used[used[moment] == base].set_index(keys)
    end = used[used[moment] == last].set_index(keys)[AT_BASE].rename(AT_LAST)
    return start.join(end, how="left").reset_index()


def across(
    frame: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    intervention: Sequence[object],
    comparison: Sequence[object],
    unit: Sequence[str],
    date: str,
    event: Day,
    cluster: Sequence[str] = (),
    covariates: Sequence[str] = (),
    scale: float = 1.0,
    minimum_per_arm: int = MINIMUM_PER_ARM,
) -> Trial:
    """One row per unit measured on both sides of ``event``: the change across it.

    Of each side the measurement nearest to the event is taken; the day itself counts as after.

    Raises:
        Withholding: as ``changes``.
    """
    dated = frame.dropna(subset=[outcome, date])
    day = pd.to_datetime(dated[date])
    is_after = day >= pd.Timestamp(event)
    away = (day - pd.Timestamp(event)).abs()
    dated = dated.assign(_side=is_after.astype(int), _away=away)
    nearest = dated.sort_values([*unit, "_side", "_away", outcome], kind="stable")
    return changes(
        nearest.drop_duplicates([*unit, "_side"]),
        outcome=outcome,
        arm=arm,
        intervention=intervention,
        comparison=comparison,
        unit=unit,
        moment="_side",
        base=0,
        last=1,
        cluster=cluster,
        covariates=covariates,
        scale=scale,
        minimum_per_arm=minimum_per_arm,
    )


def sides(
    frame: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    intervention: Sequence[object],
    comparison: Sequence[object],
    unit: Sequence[str],
    date: str,
    event: Day,
    cluster: Sequence[str] = (),
    strata: Sequence[str] = (),
    covariates: Sequence[str] = (),
    scale: float = 1.0,
    minimum_per_arm: int = MINIMUM_PER_ARM,
    drops_singletons: bool = False,
) -> Trial:
    """Other people before ``event`` than after it: the interaction of arm and side, as a trial.

    ``d`` is the interaction; ``x0`` is the arm and ``x1`` the side, before the other covariates.

    Raises:
        Withholding: an arm has too few rows on one side of the event, a unit is in both arms, or
            twice where there are no clusters to hold the errors; and everything in ``trial.check``.
    """
    known = frame[frame[arm].isin([*intervention, *comparison])].dropna(subset=[outcome, date])
    in_arm = known[arm].isin(list(intervention)).astype(int)
    after = (pd.to_datetime(known[date]) >= pd.Timestamp(event)).astype(int)
    cells = pd.crosstab(in_arm, after).reindex(index=[0, 1], columns=[0, 1], fill_value=0)
    counts = (int(cells.loc[1].sum()), int(cells.loc[0].sum()))
    if cells.to_numpy().min() < minimum_per_arm:
        raise Withholding(
            f"te weinig waarnemingen: minder dan {minimum_per_arm} in één van de groepen, vóór of "
            "na de gebeurtenis",
            *counts,
        )
    if (in_arm.groupby([known[name] for name in unit], dropna=False).nunique() > 1).any():
        raise Withholding("minstens één persoon komt in beide groepen voor", *counts)
    if not cluster and known.duplicated(list(unit)).any():
        raise Withholding("minstens één persoon is vaker gemeten", *counts)
    return build(
        known.assign(_arm=in_arm, _after=after, _both=in_arm * after),
        outcome=outcome,
        arm="_both",
        intervention=[1],
        comparison=[0],
        cluster=cluster,
        strata=strata,
        covariates=["_arm", "_after", *covariates],
        scale=scale,
        minimum_per_arm=minimum_per_arm,
        drops_singletons=drops_singletons,
    )


def estimate_sides(trial: Trial) -> Result:
    """Did the difference between the arms change across the event? ``trial`` is of ``sides``.

    ``mean_comparison`` is the change of the comparison arm's mean.
    """
    return _by_arm(estimate(trial, AROUND), trial)


def bootstrap_sides(trial: Trial, seed: int = wild.SEED) -> Result:
    """The same with the wild cluster bootstrap, for few clusters."""
    return _by_arm(bootstrap(trial, seed, AROUND), trial)


def estimate(trial: Trial, name: str = METHOD) -> Result:
    """Difference between the arms in the change; HC3, or CRV3/CRV1 with clusters.

    ``mean_comparison`` is the mean change of the comparison arm.
    """
    variance = itt.default_variance(trial) if trial.has_clusters else "HC3"
    return _renamed(itt.fixed_effects(trial, variance), name)


def bootstrap(trial: Trial, seed: int = wild.SEED, name: str = METHOD) -> Result:
    """The same with the wild cluster bootstrap, for few clusters."""
    return _renamed(wild.bootstrap(trial, seed=seed), name)


def _renamed(result: Result, name: str) -> Result:
    suffix = result.method.rsplit("_", 1)[-1].replace("bootstrap", "wild")
    return replace(result, method=name if isinstance(result, Withheld) else f"{name}_{suffix}")


def _by_arm(result: Result, trial: Trial) -> Result:
    """Counts by arm instead of by interaction, and the change of the comparison arm's mean."""
    in_arm = trial.frame["x0"] == 1
    counts: dict[str, Any] = {
        "n_intervention": int(in_arm.sum()),
        "n_comparison": int((~in_arm).sum()),
    }
    if isinstance(result, Estimate):
        means = trial.frame[~in_arm].groupby("x1")["y"].mean()
        return replace(result, mean_comparison=float(means.loc[1] - means.loc[0]), **counts)
    return replace(result, **counts)
