"""A series before and after an event (COVID-19): interrupted time series.

Belongs here: segmented regression of one series. Does not belong here: a comparison series
(``did``), and the dated events themselves (register and ledger).

Newey-West (HAC) intervals are too narrow at every length that this programme has: with 240 points
a side and mild autocorrelation they still cover 92% instead of 95% (``benchmarks/truth.py`` prints
it). So errors come from a first-order autoregression fitted by restricted maximum likelihood, the
best of those compared by Turner and others 2021 (doi 10.1186/s12874-021-01306-w); and a series too
short for that too gives no interval and no p-value: it is described, and says why.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from via_pipeline.outcomes.methods.rows import Estimate
from via_pipeline.outcomes.methods.trial import Withholding, withholding

METHOD = "onderbroken_tijdreeks"
MINIMUM_POINTS = 3
# From 48 points a side the REML interval covers about 94% (autocorrelation 0.3); with 36 it is at
# the edge (93%), with 12 it covers 90% (benchmarks/truth.py).
LONG_ENOUGH = 48
_FLOOR = 1e-12


@withholding(METHOD)
def level_change(
    values: Sequence[float], first_after: int, long_enough: int = LONG_ENOUGH
) -> Estimate:
    """Jump of the series at index ``first_after``, beside its trend and the change of the trend.

    ``values`` are equally spaced in time, oldest first. ``mean_comparison`` is the level that the
    earlier trend leads to at the event. With fewer than ``long_enough`` points on a side the jump
    is that of ordinary least squares and has no interval.
    """
    from scipy.stats import t

    y = np.asarray(values, dtype=float)
    before, after = first_after, len(y) - first_after
    if not np.isfinite(y).all():
        raise Withholding("de reeks heeft gaten", max(after, 0), max(before, 0))
    if min(before, after) < MINIMUM_POINTS:
        raise Withholding(
            f"de reeks is te kort: minder dan {MINIMUM_POINTS} meetpunten vóór of na het moment",
            max(after, 0),
            max(before, 0),
        )
    x = design(len(y), first_after)
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    left = y - x @ beta
    if left @ left < _FLOOR * max(1.0, y @ y):
        raise Withholding("alle uitkomsten zijn gelijk of liggen op een lijn", after, before)
    if min(before, after) < long_enough:
        return Estimate(
            method=f"{METHOD}_kort",
            estimate=float(beta[2]),
            n_intervention=after,
            n_comparison=before,
            mean_comparison=float(beta[0]),
            note="de reeks is te kort voor een betrouwbaar interval",
        )
    beta, error = autoregressive(y, x)
    half = float(t.ppf(0.975, len(y) - x.shape[1]) * error[2])
    jump = float(beta[2])
    return Estimate(
        method=f"{METHOD}_reml",
        estimate=jump,
        se=float(error[2]),
        ci_low=jump - half,
        ci_high=jump + half,
        p=float(2 * t.sf(abs(jump / error[2]), len(y) - x.shape[1])),
        n_intervention=after,
        n_comparison=before,
        mean_comparison=float(beta[0]),
    )


def design(length: int, first_after: int) -> np.ndarray:
    """Columns of the segmented regression: level, trend, jump, change of trend."""
    time = np.arange(length) - first_after
    step = (time >= 0).astype(float)
    return np.column_stack([np.ones(length), time, step, step * time])


def autoregressive(y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and their errors under AR(1) noise, its correlation chosen by REML."""
    from scipy.optimize import minimize_scalar

    n, k = x.shape

    def fitted(rho: float) -> tuple[np.ndarray, float, np.ndarray]:
        white_x, white_y = _whitened(x, rho), _whitened(y, rho)
        beta = np.linalg.lstsq(white_x, white_y, rcond=None)[0]
        residual = white_y - white_x @ beta
        return beta, float(residual @ residual), white_x.T @ white_x

    def minus_likelihood(rho: float) -> float:
        _, squares, gram = fitted(rho)
        determinant = np.linalg.slogdet(gram)[1]
        return float((n - k) / 2 * np.log(squares) - 0.5 * np.log(1 - rho**2) + 0.5 * determinant)

    best = minimize_scalar(
        minus_likelihood, bounds=(-0.95, 0.99), method="bounded", options={"xatol": 1e-9}
    )
    beta, squares, gram = fitted(float(best.x))
    return beta, np.sqrt(squares / (n - k) * np.diag(np.linalg.inv(gram)))


def _whitened(values: np.ndarray, rho: float) -> np.ndarray:
    """Prais and Winsten's transformation: AR(1) noise becomes independent."""
    white = values.astype(float)  # astype copies
    white[1:] = values[1:] - rho * values[:-1]
    white[0] = np.sqrt(1 - rho**2) * values[0]
    return white
