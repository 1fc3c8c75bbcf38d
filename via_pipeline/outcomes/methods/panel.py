"""Who moves on (P5) and what differs between groups after adjustment (P2, P5).

Belongs here: transitions between states from year to year, and risk differences standardised over
a model. Does not belong here: comparisons as assigned (``itt``).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from via_pipeline.outcomes.methods import shares
from via_pipeline.outcomes.methods.rows import Estimate, Result
from via_pipeline.outcomes.methods.trial import MINIMUM_PER_ARM, Trial, Withholding, withholding

METHOD = "gestandaardiseerd_risicoverschil"
EXIT = "uit dienst"
_SEPARATED = 15.0


@dataclass(frozen=True)
class Transition:
    """Share of those in ``van`` that is in ``naar`` the next period, for one group."""

    groep: str
    van: str
    naar: str
    result: Result


def transitions(
    frame: pd.DataFrame,
    *,
    unit: Sequence[str],
    period: str,
    state: str,
    group: str,
    has_left: str,
    minimum: int = MINIMUM_PER_ARM,
) -> list[Transition]:
    """Shares of each state's people per state one period later, pooled over periods.

    ``has_left`` is true in the last period of somebody who leaves; somebody who is neither seen
    again nor has left is unknown and counts nowhere. Sorted by group, from, to.
    """
    rows = frame[[*unit, period, state, group, has_left]].dropna(subset=[state, group])
    later = rows[[*unit, period, state]].assign(**{period: rows[period] - 1})
    joined = rows.merge(later, on=[*unit, period], how="left", suffixes=("", "_next"))
    left = joined[has_left].fillna(False).astype(bool)
    to = joined[f"{state}_next"].astype("string").mask(left, EXIT)
    known = joined.assign(_to=to, _from=joined[state].astype("string")).dropna(subset=["_to"])
    found = []
    for (name, origin), part in known.groupby([group, "_from"]):
        for destination, count in part["_to"].value_counts().sort_index().items():
            result = shares.share(int(count), len(part), minimum)
            found.append(Transition(str(name), str(origin), str(destination), result))
    return sorted(found, key=lambda row: (row.groep, row.van, row.naar))


@withholding(METHOD)
def adjusted_risk_difference(trial: Trial) -> Estimate:
    """Difference in the risk of a 0/1 outcome if everybody were in the one group or the other.

    Logistic model with strata and covariates, averaged over all rows (standardisation); variance
    by the delta method, robust to clusters or repeated units (sandwich as in Stata's ``margins``).
    The outcome of ``trial`` is 0 or its scale (100 for percentage points).
    """
    import statsmodels.api as sm
    from scipy.stats import t

    frame = trial.frame
    scale = float(frame["y"].max())
    y = frame["y"].to_numpy() / scale
    counts = (trial.n_intervention, trial.n_comparison)
    if not np.isin(np.round(y, 12), (0.0, 1.0)).all():
        raise Withholding("de uitkomst is geen ja of nee", *counts)
    strata = sorted(frame["stratum"].unique())[1:] if trial.has_strata else []
    x = np.column_stack(
        [
            np.ones(len(frame)),
            frame["d"].to_numpy(dtype=float),
            *[(frame["stratum"] == value).to_numpy(dtype=float) for value in strata],
            *[_standardised(values) for values in _varying(frame, trial.covariates)],
        ]
    )
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise Withholding("de groepen vallen samen met de kenmerken: geen vergelijking", *counts)
    # HC0: statsmodels has no small-sample factor for GLM ("HC1" gives the same number).
    options: dict[str, object] = {"cov_type": "HC0"}
    if trial.has_clusters:
        groups = frame["cluster"].to_numpy()
        options = {"cov_type": "cluster", "cov_kwds": {"groups": groups}}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            model = sm.GLM(y, x, family=sm.families.Binomial()).fit(maxiter=100, **options)
        except sm.tools.sm_exceptions.PerfectSeparationError as error:
            raise Withholding("de kenmerken voorspellen de uitkomst volledig", *counts) from error
    if not model.converged or np.abs(model.params).max() > _SEPARATED:
        raise Withholding("de kenmerken voorspellen de uitkomst volledig", *counts)
    means, gradients = [], []
    for arm in (1.0, 0.0):
        as_if = x.copy()
        as_if[:, 1] = arm
        risk = 1 / (1 + np.exp(-as_if @ model.params))
        means.append(float(risk.mean()))
        gradients.append((as_if * (risk * (1 - risk))[:, None]).mean(axis=0))
    gradient = gradients[0] - gradients[1]
    difference = scale * (means[0] - means[1])
    se = scale * float(np.sqrt(gradient @ model.cov_params() @ gradient))
    if not se > 0:
        raise Withholding("alle uitkomsten zijn gelijk", *counts)
    # With clusters the errors rest on so many scores: t, as for the linear models.
    free = trial.n_clusters - 1 if trial.n_clusters else math.inf
    half = float(t.ppf(0.975, free)) * se
    return Estimate(
        method=METHOD,
        estimate=difference,
        se=se,
        ci_low=difference - half,
        ci_high=difference + half,
        p=float(2 * t.sf(abs(difference / se), free)),
        n_intervention=counts[0],
        n_comparison=counts[1],
        mean_comparison=trial.mean_comparison,
        n_clusters=trial.n_clusters,
    )


def _varying(frame: pd.DataFrame, names: Sequence[str]) -> list[np.ndarray]:
    """Covariates that are not the same for everybody (a cohort, where only one came in)."""
    return [frame[name].to_numpy() for name in names if frame[name].nunique() > 1]


def _standardised(values: np.ndarray) -> np.ndarray:
    """In standard deviations, so that a coefficient's size says whether it runs off to infinity."""
    found: np.ndarray = (values - values.mean()) / values.std()
    return found
