"""Ordered outcomes: the rungs of the participation ladder (P8).

Belongs here: the proportional odds model. Does not belong here: treating rungs as numbers
(``did`` and ``itt`` may, where the plan says so).
"""

from __future__ import annotations

import warnings

import numpy as np

from via_pipeline.outcomes.methods.rows import Estimate
from via_pipeline.outcomes.methods.trial import Trial, Withholding, withholding

METHOD = "proportionele_kansverhoudingen"
# Beyond e^10 the likelihood has no maximum inside: the arms do not overlap on some rung.
_SEPARATED = 10.0


@withholding(METHOD)
def proportional_odds(trial: Trial) -> Estimate:
    """Log odds ratio of standing on a higher rung, intervention against comparison.

    One coefficient for all rungs (McCullagh 1980). With repeated units or clusters the errors are
    cluster-robust. The interval is on the log scale; ``wording`` prints odds ratios.
    """
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    frame = trial.frame
    rungs = np.unique(frame["y"].to_numpy(), return_inverse=True)[1]
    exog = frame[["d", *trial.covariates]].to_numpy(dtype=float)
    counts = (trial.n_intervention, trial.n_comparison)
    if np.linalg.matrix_rank(np.column_stack([np.ones(len(exog)), exog])) <= exog.shape[1]:
        raise Withholding("het model is met deze gegevens niet te schatten", *counts)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        model = OrderedModel(rungs, exog, distr="logit")
        first = model.fit(method="bfgs", disp=False, maxiter=500)
        options = {}
        if trial.has_clusters:
            options = {"cov_type": "cluster", "cov_kwds": {"groups": frame["cluster"].to_numpy()}}
        fitted = model.fit(
            start_params=first.params, method="newton", disp=False, maxiter=50, **options
        )
        gradient = np.abs(model.score(fitted.params)).max()
        low, high = np.asarray(fitted.conf_int())[0]
        error, p = float(fitted.bse[0]), float(fitted.pvalues[0])
    beta = float(fitted.params[0])
    if not gradient < 1e-4 * len(frame) or not abs(beta) < _SEPARATED or not error < _SEPARATED:
        raise Withholding("de groepen overlappen niet op de ladder: het model past niet", *counts)
    return Estimate(
        method=METHOD,
        estimate=beta,
        se=error,
        ci_low=float(low),
        ci_high=float(high),
        p=p,
        n_intervention=counts[0],
        n_comparison=counts[1],
        n_clusters=trial.n_clusters,
    )
