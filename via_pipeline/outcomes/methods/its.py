"""A series before and after an event (COVID-19): interrupted time series.

Belongs here: segmented regression of one series. Does not belong here: a comparison series
(``did``), and the dated events themselves (register and ledger).

HAC errors are consistent in long series and too small in short ones. So a short series gives no
interval and no p-value: the level change is shown as a description, and says why.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from via_pipeline.outcomes.methods.rows import Estimate
from via_pipeline.outcomes.methods.trial import Withholding, withholding

METHOD = "onderbroken_tijdreeks_hac"
MINIMUM_POINTS = 3
# Under 24 points a side the 95% interval covers well below 95% with mild autocorrelation
# (benchmarks/truth.py prints the figure for a short series).
LONG_ENOUGH = 24


@withholding(METHOD)
def level_change(
    values: Sequence[float], first_after: int, long_enough: int = LONG_ENOUGH
) -> Estimate:
    """Jump of the series at index ``first_after``, beside its trend and the change of the trend.

    ``values`` are equally spaced in time, oldest first. Newey-West errors with
    floor(0.75 n^(1/3)) + 1 lags (Stock and Watson's rule), small-sample factor and t.
    ``mean_comparison`` is the level that the earlier trend leads to at the event.
    """
    import statsmodels.api as sm

    y = np.asarray(values, dtype=float)
    before, after = first_after, len(y) - first_after
    if not np.isfinite(y).all():
        raise Withholding("de reeks heeft gaten", after, before)
    if min(before, after) < MINIMUM_POINTS:
        raise Withholding(
            f"de reeks is te kort: minder dan {MINIMUM_POINTS} meetpunten vóór of na het moment",
            max(after, 0),
            max(before, 0),
        )
    if len(np.unique(y)) < 2:
        raise Withholding("alle uitkomsten zijn gelijk", after, before)
    time = np.arange(len(y)) - first_after
    step = (time >= 0).astype(float)
    x = np.column_stack([np.ones(len(y)), time, step, step * time])
    if min(before, after) < long_enough:
        beta = np.linalg.lstsq(x, y, rcond=None)[0]
        return Estimate(
            method=METHOD,
            estimate=float(beta[2]),
            n_intervention=after,
            n_comparison=before,
            mean_comparison=float(beta[0]),
            note="de reeks is te kort voor een betrouwbaar interval",
        )
    lags = int(0.75 * len(y) ** (1 / 3)) + 1
    model = sm.OLS(y, x).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True
    )
    low, high = model.conf_int()[2]
    return Estimate(
        method=METHOD,
        estimate=float(model.params[2]),
        se=float(model.bse[2]),
        ci_low=float(low),
        ci_high=float(high),
        p=float(model.pvalues[2]),
        n_intervention=after,
        n_comparison=before,
        mean_comparison=float(model.params[0]),
    )
