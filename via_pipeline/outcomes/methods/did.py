"""Difference in differences over measurement moments (P8: three; P1: before and after).

Belongs here: change since the first moment, compared between arms. Does not belong here:
comparisons at one moment (``itt``).

With one base moment and one later moment per estimate, the regression of the change on the arm
equals the model with fixed effects of person and moment on the persons seen at both. It rests on
parallel trends, which a single moment before the start cannot test; that is why its claim is
association (``registry``).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from via_pipeline.outcomes.methods import itt, wild
from via_pipeline.outcomes.methods.rows import Result, Withheld
from via_pipeline.outcomes.methods.trial import MINIMUM_PER_ARM, Trial, Withholding, build

METHOD = "verschil_in_verschillen"
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


def estimate(trial: Trial) -> Result:
    """Difference between the arms in the change; HC3, or CRV3/CRV1 with clusters.

    ``mean_comparison`` is the mean change of the comparison arm.
    """
    variance = itt.default_variance(trial) if trial.has_clusters else "HC3"
    return _named(itt.fixed_effects(trial, variance))


def bootstrap(trial: Trial) -> Result:
    """The same with the wild cluster bootstrap, for few clusters."""
    return _named(wild.bootstrap(trial))


def _named(result: Result) -> Result:
    from dataclasses import replace

    suffix = result.method.rsplit("_", 1)[-1]
    name = f"{METHOD}_wild" if suffix == "bootstrap" else f"{METHOD}_{suffix}"
    return replace(result, method=METHOD if isinstance(result, Withheld) else name)
