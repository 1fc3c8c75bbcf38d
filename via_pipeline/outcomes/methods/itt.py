"""Intention to treat: the difference between two arms as assigned, within strata.

Belongs here: linear models on ``Trial`` (fixed effects of the strata, Lin's interacted
adjustment) with errors that respect the clusters. Does not belong here: inference by resampling
(``wild``), changes over time (``did``).

A linear model of a 0/1 outcome estimates the difference in shares; with strata as fixed effects it
is the precision-weighted mean of the differences within strata.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from via_pipeline.outcomes.methods.rows import Estimate
from via_pipeline.outcomes.methods.trial import (
    FEW_CLUSTERS,
    NOT_ESTIMABLE,
    Trial,
    Withholding,
    withholding,
)

if TYPE_CHECKING:
    from pyfixest.estimation.models.feols_ import Feols

FIXED_EFFECTS = "itt_vaste_effecten"
LIN = "itt_lin"


@withholding(FIXED_EFFECTS)
def fixed_effects(trial: Trial, variance: str | None = None) -> Estimate:
    """Difference between the arms with fixed effects of the strata and linear covariates.

    ``variance`` is ``CRV1``, ``CRV3`` (clusters) or ``HC1``, ``HC3`` (independent rows); by
    default CRV3 below 40 clusters, CRV1 from there, HC1 without clusters. Intervals use t with
    G - 1 degrees of freedom (MacKinnon, Nielsen and Webb 2023, doi 10.1016/j.jeconom.2022.04.001).
    """
    _needs_variation(trial)
    kind = variance or default_variance(trial)
    if kind == "HC3":
        _needs_company(trial)
    model = within_strata(trial.frame, ["d", *trial.covariates], trial.has_strata, kind)
    return estimate_of(model, trial, f"{FIXED_EFFECTS}_{kind.lower()}")


@withholding(LIN)
def lin(trial: Trial, variance: str | None = None) -> Estimate:
    """Lin's estimator: covariates and strata centred and interacted with the arm.

    Consistent for the average difference without a model of the outcome (Lin 2013, doi
    10.1214/12-AOAS583). By default HC2 without clusters, CRV3 with.

    With clusters the strata stay fixed effects and only the covariates are interacted: a model
    saturated in strata that are the clusters leaves every cluster a score of zero, and nothing to
    judge the spread between clusters by (its intervals covered 98%).
    """
    are_interacted = trial.has_strata and not trial.has_clusters
    _needs_variation(trial, every_stratum=are_interacted)
    kind = variance or ("CRV3" if trial.has_clusters else "HC2")
    frame = trial.frame[["y", "d", "cluster", "stratum"]].copy()
    adjusters = [trial.frame[name] for name in trial.covariates]
    if are_interacted:
        strata = sorted(trial.frame["stratum"].unique())[1:]
        adjusters += [(trial.frame["stratum"] == value).astype(float) for value in strata]
    terms = ["d"]
    for index, values in enumerate(adjusters):
        frame[f"z{index}"] = values - values.mean()
        frame[f"dz{index}"] = frame["d"] * frame[f"z{index}"]
        terms += [f"z{index}", f"dz{index}"]
    model = within_strata(frame, terms, trial.has_strata and not are_interacted, kind)
    return estimate_of(model, trial, f"{LIN}_{kind.lower()}")


def default_variance(trial: Trial) -> str:
    """The error estimator that the number of clusters asks for."""
    if not trial.has_clusters:
        return "HC1"
    return "CRV3" if (trial.n_clusters or 0) < FEW_CLUSTERS else "CRV1"


def within_strata(
    frame: pd.DataFrame, terms: Sequence[str], has_strata: bool, variance: str, needs: str = "d"
) -> Feols:
    """Fit ``y`` on ``terms`` with fixed effects of ``stratum``.

    Raises:
        Withholding: as ``fit``.
    """
    formula = f"y ~ {' + '.join(terms)}"
    if not has_strata:
        return fit(formula, frame, variance, needs)
    if variance != "CRV3" or (frame.groupby("stratum")["cluster"].nunique() > 1).any():
        return fit(f"{formula} | stratum", frame, variance, needs)
    # Strata that lie within clusters: leaving a cluster out leaves the others' means as they are,
    # so CRV3 on deviations from them is the same number, without a refit per cluster (20x faster;
    # a test compares the two).
    deviations = frame.copy()
    columns = ["y", *terms]
    deviations[columns] = frame[columns] - frame.groupby("stratum")[columns].transform("mean")
    # What is constant within strata leaves rounding noise, which must not pass for variation.
    flat = deviations[columns].abs().max() < 1e-9 * frame[columns].abs().max().clip(lower=1.0)
    deviations.loc[:, [name for name in columns if flat[name]]] = 0.0
    return fit(formula, deviations, variance, needs)


def fit(formula: str, frame: pd.DataFrame, variance: str, needs: str = "d") -> Feols:
    """Fit by pyfixest.

    Raises:
        Withholding: the model has no solution, or ``needs`` was dropped for collinearity.
    """
    import warnings

    from pyfixest import feols, ssc

    vcov = {variance: "cluster"} if variance.startswith("CRV") else variance
    with warnings.catch_warnings():
        # Collinear covariates are dropped with a warning; whether ``needs`` was is checked below.
        warnings.simplefilter("ignore")
        try:
            # HC2, HC3 and CRV3 see to leverage themselves: pyfixest's factors would come twice.
            is_corrected = variance in ("HC2", "HC3", "CRV3")
            small = ssc(k_adj=False, G_adj=False) if is_corrected else ssc()
            model: Feols = feols(formula, frame, vcov=vcov, ssc=small)
        except (ValueError, np.linalg.LinAlgError) as error:
            raise Withholding(NOT_ESTIMABLE) from error
    if needs not in model.coef().index:
        raise Withholding("de groepen vallen samen met de strata: er is geen vergelijking binnen")
    if variance == "CRV3":
        # pyfixest sums the squared jackknife deviations; the estimator is (G - 1) / G of that
        # (MacKinnon, Nielsen and Webb 2023, their CV3).
        groups = frame["cluster"].nunique()
        model._vcov = model._vcov * (groups - 1) / groups
        model.get_inference()
    return model


def wald(model: Feols, names: Sequence[str], frame: pd.DataFrame) -> tuple[float, float]:
    """F-statistic and p-value of the null that all coefficients of ``names`` are 0.

    F with (names, clusters - 1) degrees of freedom, or (names, rows - parameters) without
    clusters: pyfixest's own ``wald_test`` falls back on chi-squared, which is too eager here.

    Raises:
        Withholding: a coefficient was dropped, or the statistic is no number.
    """
    from scipy.stats import f

    kept = list(model.coef().index)
    if not set(names) <= set(kept):
        raise Withholding(NOT_ESTIMABLE)
    places = [kept.index(name) for name in names]
    beta = model.coef().to_numpy()[places]
    covariance = np.asarray(model._vcov)[np.ix_(places, places)]
    statistic = float(beta @ np.linalg.pinv(covariance) @ beta) / len(places)
    is_clustered = str(model._vcov_type) == "CRV"
    free = frame["cluster"].nunique() - 1 if is_clustered else len(frame) - len(kept)
    if not np.isfinite(statistic) or free < 1:
        raise Withholding(NOT_ESTIMABLE)
    return statistic, float(f.sf(statistic, len(places), free))


def estimate_of(model: Feols, trial: Trial, method: str, term: str = "d") -> Estimate:
    """The row of ``term`` as an ``Estimate``."""
    row = model.tidy().loc[term]
    return Estimate(
        method=method,
        estimate=float(row["Estimate"]),
        se=float(row["Std. Error"]),
        ci_low=float(row["2.5%"]),
        ci_high=float(row["97.5%"]),
        p=float(row["Pr(>|t|)"]),
        n_intervention=trial.n_intervention,
        n_comparison=trial.n_comparison,
        mean_comparison=trial.mean_comparison,
        n_clusters=trial.n_clusters,
    )


def _needs_company(trial: Trial) -> None:
    """HC3 divides by one less the leverage: nobody may be alone in what is adjusted for.

    The reason does not say that somebody is alone: that would be about one person.
    """
    x = np.column_stack(
        [np.ones(len(trial.frame)), *(trial.frame[name] for name in ("d", *trial.covariates))]
    )
    if trial.has_strata:
        x = np.column_stack([x, pd.get_dummies(trial.frame["stratum"], dtype=float)])
    basis, sizes, _ = np.linalg.svd(x, full_matrices=False)
    kept = basis[:, sizes > 1e-9 * sizes[0]]
    if np.square(kept).sum(axis=1).max() > 1 - 1e-9:
        raise Withholding("te weinig waarnemingen voor de kenmerken waarvoor gecorrigeerd wordt")


def _needs_variation(trial: Trial, *, every_stratum: bool = False) -> None:
    if not trial.has_strata:
        return
    arms = trial.frame.groupby("stratum")["d"].nunique()
    counts = (trial.n_intervention, trial.n_comparison)
    if (arms < 2).all():
        raise Withholding("in geen enkel stratum komen beide groepen voor", *counts)
    if every_stratum and (arms < 2).any():
        raise Withholding("niet in elk stratum komen beide groepen voor", *counts)
