"""Inference with few clusters: the restricted wild cluster bootstrap, and permutation.

Belongs here: resampling of ``Trial`` by cluster or by arm, and the step-down of Romano and Wolf
that reuses its draws. Does not belong here: analytic errors (``itt``).

Own code, because the packages that have it (``wildboottest``, ``pyfixest[numba]``) compile with
numba and ``pyfixest.ritest`` cannot permute within strata. Algorithm: Cameron, Gelbach and Miller
2008 (doi 10.1162/rest.90.3.414), the "WCR-C" form in Roodman and others 2019 (doi
10.1177/1536867X19830877): residuals under the null, Rademacher weights a cluster, CRV1
t-statistic; every sign pattern once where there are at most 2^12 of them. After partialling out
strata and covariates everything depends on one score a cluster, so a draw costs G x G, not n.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from via_pipeline.outcomes.methods.rows import Estimate
from via_pipeline.outcomes.methods.trial import Trial, Withholding, withholding

WILD = "wild_cluster_bootstrap"
PERMUTATION = "randomisatie_inferentie"
DRAWS = 9999
SEED = 20180330  # the date of the programme's start letter: fixed, so that a rerun is the same
_ENUMERATE_UP_TO = 12
# Draws that tie with the data in exact arithmetic must count as ties in floating point too.
_TIE = 1 - 1e-9


@dataclass(frozen=True)
class _Scores:
    """What the bootstrap needs of the data, one row a cluster.

    ``of_y`` and ``of_d`` (G x G) give, times a vector of cluster weights, the cluster scores of
    the refitted model for residuals of y and of d; ``numerator_*`` (G) give the coefficient.
    """

    of_y: np.ndarray
    of_d: np.ndarray
    numerator_y: np.ndarray
    numerator_d: np.ndarray
    beta: float


@dataclass(frozen=True)
class _Draws:
    """The t-statistics of all draws as functions of the null; the data are draw 0.

    Under ``beta = b`` the numerator is ``top_y - b top_d`` and the squared denominator
    ``yy - 2 b yd + b^2 dd``: one pass over the clusters serves every null of the interval.
    """

    top_y: np.ndarray
    top_d: np.ndarray
    yy: np.ndarray
    yd: np.ndarray
    dd: np.ndarray

    @classmethod
    def of(cls, scores: _Scores, weights: np.ndarray) -> _Draws:
        """Apply ``weights`` (a row a draw, the first all ones) to the scores."""
        y, d = weights @ scores.of_y.T, weights @ scores.of_d.T
        return cls(
            weights @ scores.numerator_y,
            weights @ scores.numerator_d,
            np.square(y).sum(axis=1),
            (y * d).sum(axis=1),
            np.square(d).sum(axis=1),
        )

    def t(self, null: float) -> np.ndarray:
        """|t| of every draw; infinite where the scores vanish."""
        numerator = np.abs(self.top_y - null * self.top_d)
        squared = self.yy - 2 * null * self.yd + null**2 * self.dd
        floor = 1e-14 * (self.yy + null**2 * self.dd)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = numerator / np.sqrt(squared)
        return np.where(squared <= floor, np.inf, ratio)

    def p(self, null: float) -> float:
        """Share of draws at least as extreme as the data."""
        t = self.t(null)
        return _p(float(t[0]), t)


@withholding(WILD)
def bootstrap(trial: Trial, draws: int = DRAWS, seed: int = SEED) -> Estimate:
    """Estimate with the p-value of the restricted bootstrap; the interval inverts the test.

    No standard error is given: the method has none.
    """
    scores = _scores(trial)
    drawn = _Draws.of(scores, _weights(len(scores.numerator_y), draws, seed))
    low, high = _invert(scores, drawn)
    return Estimate(
        method=WILD,
        estimate=scores.beta,
        ci_low=low,
        ci_high=high,
        p=drawn.p(0.0),
        n_intervention=trial.n_intervention,
        n_comparison=trial.n_comparison,
        mean_comparison=trial.mean_comparison,
        n_clusters=len(scores.numerator_y),
    )


@withholding(PERMUTATION)
def permutation(
    trial: Trial, *, by_cluster: bool = False, draws: int = 1999, seed: int = SEED
) -> Estimate:
    """P-value of the sharp null that nobody's outcome depends on the arm, by shuffling arms.

    Arms are shuffled among the rows of a stratum, or with ``by_cluster`` among whole clusters
    (each cluster must lie in one arm). The statistic is the stratified difference, studentised
    (Wu and Ding 2021, doi 10.1080/01621459.2020.1750415). Valid only as far as arms were assigned
    like that. No interval.
    """
    frame = trial.frame
    y = _within(frame["y"].to_numpy(), frame["stratum"].to_numpy())
    d = frame["d"].to_numpy(dtype=float)
    group = frame["stratum"].to_numpy()
    if by_cluster:
        if (frame.groupby("cluster")["d"].nunique() > 1).any():
            raise Withholding("een cluster heeft beide groepen: loting per cluster kan niet")
        table = frame.assign(y=y).groupby("cluster").agg(y=("y", "mean"), d=("d", "first"))
        table = table.sort_values(["y", "d"])
        y, d = table["y"].to_numpy(), table["d"].to_numpy(dtype=float)
        group = np.zeros(len(y), dtype=int)
    elif frame["unit"].duplicated().any():
        raise Withholding("een persoon telt vaker mee: loting per rij kan niet")
    generator = np.random.default_rng(seed)
    own = _difference(y, d, group)
    drawn = np.empty(draws)
    places = [np.flatnonzero(group == value) for value in np.unique(group)]
    shuffled = d.copy()
    for draw in range(draws):
        for place in places:
            shuffled[place] = generator.permutation(d[place])
        drawn[draw] = _difference(y, shuffled, group)[1]
    return Estimate(
        method=PERMUTATION,
        estimate=own[0],
        p=_p(abs(own[1]), np.abs(drawn)),
        n_intervention=trial.n_intervention,
        n_comparison=trial.n_comparison,
        mean_comparison=trial.mean_comparison,
        n_clusters=trial.n_clusters,
    )


def romano_wolf(trials: Sequence[Trial], draws: int = DRAWS, seed: int = SEED) -> list[float]:
    """Adjusted p-values of a family, by step-down over the joint bootstrap (same weights).

    All trials must have the same rows in the same clusters; only the outcome differs. Accounts
    for the dependence between outcomes (Romano and Wolf 2005, doi 10.1198/016214504000000539).

    Raises:
        ValueError: the trials do not have the same clusters.
    """
    labels = [frozenset(trial.frame["cluster"].unique()) for trial in trials]
    if len(set(labels)) != 1:
        raise ValueError("a Romano-Wolf family needs the same clusters in every outcome")
    weights = _weights(len(labels[0]), draws, seed)
    drawn = np.array([_Draws.of(_scores(one, by_label=True), weights).t(0.0) for one in trials])
    own = drawn[:, 0]
    adjusted, floor = np.empty(len(trials)), 0.0
    order = np.argsort(-own, kind="stable")
    for place, index in enumerate(order):
        largest = drawn[order[place:]].max(axis=0)
        floor = max(floor, _p(own[index], largest))
        adjusted[index] = floor
    return [float(value) for value in adjusted]


def _scores(trial: Trial, *, by_label: bool = False) -> _Scores:
    frame = trial.frame
    columns = [np.ones(len(frame))]
    if trial.has_strata:
        values = frame["stratum"].to_numpy()
        columns += [(values == value).astype(float) for value in np.unique(values)[1:]]
    columns += [frame[name].to_numpy() for name in trial.covariates]
    w = np.column_stack(columns)
    y = frame["y"].to_numpy()
    d = frame["d"].to_numpy(dtype=float)
    inverse = np.linalg.pinv(w.T @ w)
    residual_y = y - w @ (inverse @ (w.T @ y))
    residual_d = d - w @ (inverse @ (w.T @ d))
    dd = residual_d @ residual_d
    if dd < 1e-9 * max(1.0, d @ d):
        raise Withholding(
            "de groepen vallen samen met de strata: er is geen vergelijking binnen",
            trial.n_intervention,
            trial.n_comparison,
        )
    clusters = np.unique(frame["cluster"].to_numpy(), return_inverse=True)[1]
    count = clusters.max() + 1

    def summed(values: np.ndarray) -> np.ndarray:
        total = np.zeros((count, *values.shape[1:]))
        np.add.at(total, clusters, values)
        return total

    dw = summed(residual_d[:, None] * w)
    d_squared = summed(residual_d**2)

    def of(residual: np.ndarray) -> np.ndarray:
        own = summed(residual_d * residual)
        wu = summed(w * residual[:, None])
        found: np.ndarray = np.diag(own) - dw @ inverse @ wu.T - np.outer(d_squared, own) / dd
        return found

    numerator = summed(residual_d * residual_y)
    # Clusters in an order of their own content, so that their labels play no part in the draws.
    order = np.arange(count)
    if not by_label:
        # Absolute, so that swapping the arms gives the same draws too.
        order = np.lexsort((np.round(d_squared, 9), np.round(np.abs(numerator), 9)))
    of_y, of_d = of(residual_y), of(residual_d)
    return _Scores(
        of_y[np.ix_(order, order)],
        of_d[np.ix_(order, order)],
        numerator[order],
        d_squared[order],
        float(numerator.sum() / dd),
    )


def _weights(count: int, draws: int, seed: int) -> np.ndarray:
    if count <= _ENUMERATE_UP_TO:
        return np.array(list(product((1.0, -1.0), repeat=count)))
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, 2, size=(draws, count)) * 2.0 - 1.0
    # The data themselves are one of the patterns: p can never be 0.
    return np.vstack([np.ones(count), drawn])


def _p(own: float, drawn: np.ndarray) -> float:
    return float(np.mean(drawn >= own * _TIE))


def _invert(scores: _Scores, drawn: _Draws) -> tuple[float, float]:
    """The interval of values that the test does not reject at 5%."""
    spread = float(np.sqrt(np.square(scores.of_y.sum(axis=1)).sum()) / scores.numerator_d.sum())

    def rejects(null: float) -> bool:
        return drawn.p(null) <= 0.05

    bounds = []
    for sign in (-1.0, 1.0):
        inside, outside = scores.beta, scores.beta + sign * 2 * max(spread, 1e-12)
        for _ in range(12):
            if rejects(outside):
                break
            inside, outside = outside, scores.beta + 2 * (outside - scores.beta)
        else:
            raise Withholding("het interval is naar één kant onbegrensd: te weinig clusters")
        for _ in range(40):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if rejects(middle) else (middle, outside)
        bounds.append((inside + outside) / 2)
    return bounds[0], bounds[1]


def _within(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    sizes = np.bincount(group)
    means = np.bincount(group, weights=values) / np.maximum(sizes, 1)
    apart: np.ndarray = values - means[group]
    return apart


def _difference(y: np.ndarray, d: np.ndarray, group: np.ndarray) -> tuple[float, float]:
    """Stratified difference and its robust t; both 0 where arms do not vary within strata."""
    centred = _within(d, group)
    denominator = centred @ centred
    if denominator == 0:
        return 0.0, 0.0
    beta = float(centred @ y / denominator)
    residual = _within(y, group) - beta * centred
    error = float(np.sqrt(np.square(centred * residual).sum()) / denominator)
    return beta, beta / error if error > 0 else 0.0
