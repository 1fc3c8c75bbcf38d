"""Do the estimators find what was planted? Simulated data, many seeds, one table.

Run ``python benchmarks/truth.py`` (``make truth``): every method on data with a known truth, and
on data where nothing is going on. Per method: bias against its Monte Carlo error, coverage of the
95% interval (93 to 97), share of false positives at 5% (3 to 7); exit code 1 where one is outside.
At 1000 seeds the Monte Carlo error of a coverage of 95% is 0.7 points, so a correct method stays
within and one that covers 91% does not; at the 200 that ``--seeds`` takes at least it is 1.5 and
chance alone puts a line outside now and then. Seeds are fixed: the table is the same every time.
Belongs here: the simulated worlds. Does not belong here: the sample deliveries
(``via_pipeline/samples``), which plant one truth in whole files.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from via_pipeline.outcomes.methods import (
    did,
    heterogeneity,
    its,
    itt,
    ladder,
    multiplicity,
    panel,
    power,
    shares,
    survival,
    target,
    trial,
    wild,
)
from via_pipeline.outcomes.methods.rows import Estimate, Result

COVERAGE = (0.93, 0.97)
FALSE_POSITIVES = (0.03, 0.07)
BIAS_IN_ERRORS = 3.0
FEWEST_SEEDS = 200
_EVENT = pd.Timestamp("2020-03-16")
_ROOT_SEED = 29544  # the Kamerstuk dossier of the programme


@dataclass(frozen=True)
class Draw:
    """What one seed gave: what was estimated and what was true; None where the method has none."""

    truth: float
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None


World = Callable[[np.random.Generator, bool], Draw]


@dataclass(frozen=True)
class Case:
    """One method in one world. ``world(generator, is_null)``; ``is_null`` plants no effect.

    ``expected`` is a range for the share of rejections where something other than a test of a
    true null is measured (power), or None.
    """

    name: str
    world: World
    seeds: int = 1000
    expected: tuple[float, float] | None = None
    is_warning: bool = False


@dataclass(frozen=True)
class Outcome:
    """The figures of one case."""

    name: str
    seeds: int
    truth: float | None
    bias: float | None
    bias_error: float | None
    coverage: float | None
    rejections: float | None
    passed: bool
    is_warning: bool = False


def run(case: Case, seeds: int | None = None) -> Outcome:
    """Simulate one case, with an effect and without."""
    count = min(case.seeds, seeds or case.seeds)
    own = int.from_bytes(hashlib.sha256(case.name.encode()).digest()[:4], "big")
    sequences = np.random.SeedSequence([_ROOT_SEED, own]).spawn(2 * count)
    planted = [case.world(np.random.default_rng(s), False) for s in sequences[:count]]
    null = [case.world(np.random.default_rng(s), True) for s in sequences[count:]]
    errors = [d.estimate - d.truth for d in planted if d.estimate is not None]
    covered = [
        d.low <= d.truth <= d.high for d in planted if d.low is not None and d.high is not None
    ]
    tests = [d.p < 0.05 for d in null if d.p is not None]
    bias = float(np.mean(errors)) if errors else None
    error = float(np.std(errors, ddof=1) / math.sqrt(len(errors))) if len(errors) > 1 else None
    coverage = float(np.mean(covered)) if covered else None
    rejections = float(np.mean(tests)) if tests else None
    expected = case.expected or FALSE_POSITIVES
    passed = (
        (bias is None or error is None or abs(bias) <= BIAS_IN_ERRORS * error)
        and (coverage is None or COVERAGE[0] <= coverage <= COVERAGE[1])
        and (rejections is None or expected[0] <= rejections <= expected[1])
    )
    truth = float(np.mean([d.truth for d in planted])) if errors else None
    return Outcome(
        case.name, count, truth, bias, error, coverage, rejections, passed, case.is_warning
    )


HEAD = (
    f"{'method and world':<46}{'seeds':>6}{'truth':>9}{'bias':>9}{'MC err':>8}"
    f"{'cover%':>8}{'reject%':>9}  verdict"
)


def line(row: Outcome) -> str:
    """One case as text, under ``HEAD``."""
    verdict = "ok" if row.passed else "FAILS"
    if row.is_warning:
        verdict = "not used: shown for why"
    return (
        f"{row.name:<46}{row.seeds:>6}{_cell(row.truth, 9, 3)}{_cell(row.bias, 9, 4)}"
        f"{_cell(row.bias_error, 8, 4)}{_percent(row.coverage, 8)}"
        f"{_percent(row.rejections, 9)}  {verdict}"
    )


def _cell(value: float | None, width: int, decimals: int) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:>{width}.{decimals}f}"


def _percent(value: float | None, width: int) -> str:
    return _cell(None if value is None else 100 * value, width, 1)


def _drawn(result: Result, truth: float) -> Draw:
    if not isinstance(result, Estimate):
        raise TypeError(f"withheld in a simulated world: {result.reason}")
    return Draw(truth, result.estimate, result.ci_low, result.ci_high, result.p)


# --- worlds ---------------------------------------------------------------------------------------


def within_clusters(rng: np.random.Generator, clusters: int, size: int, effect: float):
    """P3: arms within employers; employers differ in level, in size and in their own effect."""
    sizes = rng.integers(size // 2, size + size // 2, clusters)
    cluster = np.repeat(np.arange(clusters), sizes)
    d = rng.integers(0, 2, len(cluster))
    level, own = rng.normal(0, 0.5, clusters), rng.normal(0, 0.15, clusters)
    age = rng.normal(size=len(cluster))
    y = level[cluster] + (effect + own[cluster]) * d + 0.3 * age + rng.normal(size=len(cluster))
    return pd.DataFrame({"y": y, "arm": d, "age": age, "cluster": cluster})


def _trial(frame: pd.DataFrame, **options: object) -> trial.Trial:
    return trial.build(frame, outcome="y", arm="arm", intervention=[1], comparison=[0], **options)


def itt_world(
    rng: np.random.Generator,
    is_null: bool,
    *,
    clusters: int,
    method: Callable[[trial.Trial], Result],
) -> Draw:
    """ITT within employers."""
    effect = 0.0 if is_null else 0.3
    frame = within_clusters(rng, clusters, 30, effect)
    data = _trial(frame, cluster=["cluster"], strata=["cluster"], covariates=["age"])
    return _drawn(method(data), effect)


def by_cluster_world(
    rng: np.random.Generator,
    is_null: bool,
    *,
    clusters: int,
    method: Callable[[trial.Trial], Result],
) -> Draw:
    """P1: whole schools in an arm, changes correlated within schools."""
    effect = 0.0 if is_null else 0.3
    arms = rng.permutation(np.arange(clusters) % 2)
    cluster = np.repeat(np.arange(clusters), rng.integers(15, 30, clusters))
    own = rng.normal(0, 0.25, clusters)
    before = rng.normal(size=len(cluster)) + own[cluster]
    change = effect * arms[cluster] + rng.normal(0, 0.25, clusters)[cluster]
    after = before + change + rng.normal(size=len(cluster))
    person = np.arange(len(cluster))
    frame = pd.concat(
        pd.DataFrame(
            {"p": person, "arm": arms[cluster], "school": cluster, "moment": name, "y": values}
        )
        for name, values in (("voor", before), ("na", after))
    )
    data = did.changes(
        frame,
        outcome="y",
        arm="arm",
        intervention=[1],
        comparison=[0],
        unit=["p"],
        moment="moment",
        base="voor",
        last="na",
        cluster=["school"],
    )
    return _drawn(method(data), effect)


def permutation_world(rng: np.random.Generator, is_null: bool) -> Draw:
    """Arms drawn by lot within strata."""
    effect = 0.0 if is_null else 0.3
    frame = within_clusters(rng, 19, 12, effect)
    result = wild.permutation(_trial(frame, strata=["cluster"]), draws=399)
    return Draw(effect, p=result.p if isinstance(result, Estimate) else None)


def lin_world(rng: np.random.Generator, is_null: bool) -> Draw:
    """Small trial, skewed covariate, an effect that differs with it; mean zero when null."""
    x = rng.exponential(size=160)
    d = rng.permutation(np.arange(160) % 2)
    effect = 0.0 if is_null else 0.4
    y = x + (effect + 0.3 * (x - 1)) * d + rng.normal(size=160)
    frame = pd.DataFrame({"y": y, "arm": d, "x": x})
    # Truth is the mean effect among these people: their covariates are what they are.
    truth = effect + 0.3 * float(x.mean() - 1)
    result = itt.lin(_trial(frame, covariates=["x"]))
    drawn = _drawn(result, truth)
    if is_null:  # test the null that is true: shift the truth out of the p-value
        return Draw(truth, p=_p_at(result, truth, 156))
    return drawn


def _p_at(result: Result, null: float, degrees: float) -> float:
    from scipy.stats import t

    if not isinstance(result, Estimate) or result.se is None:
        raise TypeError("no standard error")
    return float(2 * t.sf(abs(result.estimate - null) / result.se, degrees))


def did_world(rng: np.random.Generator, is_null: bool) -> Draw:
    """P8: three moments, a common trend, dropout at random."""
    n, effect = 160, 0.0 if is_null else 0.4
    arm = rng.permutation(np.arange(n) % 2)
    person = rng.normal(3, 0.8, n)
    rows = []
    for moment in (1, 2, 3):
        y = person + 0.1 * moment + effect * (moment - 1) / 2 * arm + rng.normal(0, 0.7, n)
        here = pd.DataFrame({"p": np.arange(n), "arm": arm, "m": moment, "y": y})
        here["datum"] = pd.Timestamp("2019-07-01") + pd.to_timedelta(180 * moment, unit="D")
        stays = rng.random(n) > (0.25 if moment == 3 else 0.1) * (moment > 1)
        rows.append(here[stays])
    data = did.changes(
        pd.concat(rows),
        outcome="y",
        arm="arm",
        intervention=[1],
        comparison=[0],
        unit=["p"],
        moment="m",
        base=1,
        last=3,
        date="datum",
    )
    return _drawn(did.estimate(data), effect)


def ladder_world(rng: np.random.Generator, is_null: bool) -> Draw:
    """Six rungs under proportional odds, with a first rung as covariate."""
    n, effect = 400, 0.0 if is_null else 0.6
    d, start = rng.permutation(np.arange(n) % 2), rng.integers(1, 7, n)
    latent = effect * d + 0.5 * start + rng.logistic(size=n)
    y = 1 + np.searchsorted([0.0, 1.0, 2.0, 3.0, 4.5], latent)
    frame = pd.DataFrame({"y": y, "arm": d, "start": start})
    return _drawn(ladder.proportional_odds(_trial(frame, covariates=["start"])), effect)


def spells_world(rng: np.random.Generator, is_null: bool, *, is_incidence: bool) -> Draw:
    """Exponential exits by two reasons, cut off at a common day of extraction."""
    n, horizon = 400, 180
    d = rng.permutation(np.arange(n) % 2)
    work, other = np.where(d == 1, 0.004 if is_null else 0.0055, 0.004), 0.003
    one, two = rng.exponential(1 / work), rng.exponential(1 / other, n)
    seen_until = rng.uniform(185, 400, n)
    time = np.minimum(np.minimum(one, two), seen_until)
    event = np.where(time == seen_until, 0, np.where(one < two, 1, 2))
    frame = pd.DataFrame({"t": time, "e": event, "arm": d})
    data = survival.spells(
        frame, duration="t", event="e", arm="arm", intervention=[1], comparison=[0]
    )

    def at(rate: float) -> float:
        total = rate + other
        gone = 1 - math.exp(-total * horizon)
        return 100 * rate / total * gone if is_incidence else gone / total

    truth = at(float(work[d == 1][0])) - at(0.004)
    if is_incidence:
        return _drawn(survival.incidence_difference(data, horizon, 1), truth)
    return _drawn(survival.restricted_mean_difference(data, horizon), truth)


def across_world(rng: np.random.Generator, is_null: bool) -> Draw:
    """The same people before and after an event that moves everybody, and one arm more."""
    n, effect = 160, 0.0 if is_null else 0.4
    arm = rng.permutation(np.arange(n) % 2)
    person = rng.normal(3, 0.8, n)
    rows = []
    for months, is_after in ((-7, 0), (-2, 0), (3, 1), (8, 1)):
        y = person + is_after * (0.5 + effect * arm) + rng.normal(0, 0.7, n)
        here = pd.DataFrame({"p": np.arange(n), "arm": arm, "y": y})
        here["dag"] = _EVENT + pd.to_timedelta(30 * months + rng.integers(0, 20, n), unit="D")
        rows.append(here[rng.random(n) > 0.3])
    data = did.across(
        pd.concat(rows),
        outcome="y",
        arm="arm",
        intervention=[1],
        comparison=[0],
        unit=["p"],
        date="dag",
        event=_EVENT.date(),
    )
    return _drawn(did.estimate(data), effect)


def sides_world(
    rng: np.random.Generator, is_null: bool, *, method: Callable[[trial.Trial], Result]
) -> Draw:
    """P3: other applicants on each side of the event, 19 employers that differ in everything."""
    clusters, effect = 19, 0.0 if is_null else 0.3
    frame = within_clusters(rng, clusters, 40, 0.2)
    after = rng.random(len(frame)) < 0.5
    own = rng.normal(0, 0.15, clusters)[frame["cluster"]]
    frame["y"] += after * (0.4 + (effect + own) * frame["arm"])
    days = np.where(after, 1, -1) * rng.integers(1, 200, len(frame))
    frame["dag"] = _EVENT + pd.to_timedelta(days, unit="D")
    data = did.sides(
        frame.assign(p=np.arange(len(frame))),
        outcome="y",
        arm="arm",
        intervention=[1],
        comparison=[0],
        unit=["p"],
        date="dag",
        event=_EVENT.date(),
        cluster=["cluster"],
        strata=["cluster"],
    )
    return _drawn(method(data), effect)


def risk_world(rng: np.random.Generator, is_null: bool) -> Draw:
    """P2: who takes part depends on origin, and so does the outcome."""
    n, effect = 900, 0.0 if is_null else 0.5
    x = (rng.random(n) < 0.4).astype(float)
    d = (rng.random(n) < np.where(x == 1, 0.5, 0.25)).astype(int)
    y = rng.random(n) < 1 / (1 + np.exp(-(0.4 - 0.9 * x + effect * d)))

    def risk(arm: int) -> float:
        return sum(
            w / (1 + math.exp(-(0.4 - 0.9 * v + effect * arm))) for v, w in ((0, 0.6), (1, 0.4))
        )

    frame = pd.DataFrame({"y": y, "arm": d, "x": x})
    data = _trial(frame, covariates=["x"], scale=100)
    return _drawn(panel.adjusted_risk_difference(data), 100 * (risk(1) - risk(0)))


def institutions_world(
    rng: np.random.Generator, is_null: bool, *, method: Callable[[trial.Trial], Result]
) -> Draw:
    """P2 with its ten institutions as clusters: level, uptake and difference vary between them."""
    clusters, effect = 10, 0.0 if is_null else 0.12
    cluster = np.repeat(np.arange(clusters), rng.integers(50, 110, clusters))
    n = len(cluster)
    level, own = rng.normal(0, 0.05, clusters), rng.normal(0, 0.03, clusters)
    uptake = rng.uniform(0.25, 0.6, clusters)
    x = (rng.random(n) < 0.4).astype(float)
    d = (rng.random(n) < uptake[cluster] + 0.1 * x).astype(int)
    # Additive in the risk, so the linear and the standardised logistic answer have one truth.
    risk = 0.5 - 0.15 * x + level[cluster] + (effect + own[cluster]) * d
    y = rng.random(n) < np.clip(risk, 0.02, 0.98)
    frame = pd.DataFrame({"y": y, "arm": d, "x": x, "school": cluster})
    data = _trial(frame, covariates=["x"], cluster=["school"], scale=100)
    return _drawn(method(data), 100 * effect)


def wilson_world(rng: np.random.Generator, is_null: bool, *, is_target: bool = False) -> Draw:
    """A share somewhere between 0,1 and 0,9, of 60 persons."""
    share = rng.uniform(0.1, 0.9)
    count = int(rng.binomial(60, share))
    if is_target:
        return _drawn(target.progress(count, 60, 30), 100 * 60 * share / 30)
    return _drawn(shares.share(count, 60), 100 * share)


def newcombe_world(rng: np.random.Generator, is_null: bool) -> Draw:
    """Two shares."""
    zero = rng.uniform(0.2, 0.6)
    one = zero if is_null else zero + 0.15
    a, b = int(rng.binomial(120, one)), int(rng.binomial(90, zero))
    return _drawn(shares.difference(a, 120, b, 90), 100 * (one - zero))


def series_world(
    rng: np.random.Generator, is_null: bool, *, side: int, is_hac: bool = False
) -> Draw:
    """A monthly series with trend and AR(1) noise (0.3), interrupted in the middle."""
    effect = 0.0 if is_null else 1.0
    noise = np.zeros(2 * side + 50)
    shocks = rng.normal(size=len(noise))
    for before, now in pairwise(range(len(noise))):
        noise[now] = 0.3 * noise[before] + shocks[now]
    y = 0.02 * np.arange(2 * side) + noise[50:]
    y[side:] += effect
    if not is_hac:
        return _drawn(its.level_change(y, side, long_enough=0), effect)
    import statsmodels.api as sm

    lags = {"maxlags": int(0.75 * len(y) ** (1 / 3)) + 1, "use_correction": True}
    model = sm.OLS(y, its.design(len(y), side)).fit(cov_type="HAC", cov_kwds=lags, use_t=True)
    low, high = model.conf_int()[2]
    return Draw(effect, float(model.params[2]), float(low), float(high), float(model.pvalues[2]))


def family_world(rng: np.random.Generator, is_null: bool) -> Draw:
    """Four independent outcomes: the smallest adjusted p-value is the family's."""
    p = rng.uniform(size=4)
    return Draw(0.0, p=min(multiplicity.holm(list(p))))


def romano_wolf_world(rng: np.random.Generator, is_null: bool) -> Draw:
    """Four correlated outcomes in 19 employers."""
    frame = within_clusters(rng, 19, 20, 0.0)
    data = _trial(frame, cluster=["cluster"], strata=["cluster"])
    base = data.frame["y"].to_numpy()
    own = [pd.Series(0.6 * base + 0.8 * rng.normal(size=len(base))) for _ in range(4)]
    return Draw(0.0, p=min(wild.romano_wolf([data.with_outcome(y) for y in own], draws=399)))


def interaction_world(rng: np.random.Generator, is_null: bool) -> Draw:
    """Three groups that differ in level but not in effect."""
    n = 300
    d, group = rng.permutation(np.arange(n) % 2), rng.integers(0, 3, n)
    frame = pd.DataFrame({"y": 0.3 * d + 0.5 * group + rng.normal(size=n), "arm": d, "g": group})
    data = _trial(frame, covariates=["g"])
    alone = trial.Trial(data.frame, (), False, False, 0)
    test = heterogeneity.interaction(alone, data.frame["x0"], outcome="y", characteristic="g")
    return Draw(0.0, p=test.p_interaction)


def detectable_world(rng: np.random.Generator, is_null: bool) -> Draw:
    """The effect is exactly what the design can detect with 80%."""
    n = 200
    effect = power.minimum_detectable(power.design_error(1.0, n // 2, n // 2), n - 2)
    d = rng.permutation(np.arange(n) % 2)
    frame = pd.DataFrame({"y": effect * d + rng.normal(size=n), "arm": d})
    result = itt.fixed_effects(_trial(frame), "HC3")
    return Draw(effect, p=result.p if isinstance(result, Estimate) else None)


def crv1(data: trial.Trial) -> Result:
    """Strata fixed effects, CRV1."""
    return itt.fixed_effects(data, "CRV1")


def crv3(data: trial.Trial) -> Result:
    """Strata fixed effects, CRV3."""
    return itt.fixed_effects(data, "CRV3")


def bootstrap(data: trial.Trial) -> Result:
    """Wild cluster bootstrap with fewer draws than in production."""
    return wild.bootstrap(data, draws=999)


def lin_crv3(data: trial.Trial) -> Result:
    """Lin's estimator, CRV3."""
    return itt.lin(data, "CRV3")


CASES: tuple[Case, ...] = (
    Case("ITT, CRV1, 60 employers", partial(itt_world, clusters=60, method=crv1)),
    Case("ITT, CRV3, 19 employers", partial(itt_world, clusters=19, method=crv3)),
    Case("ITT, wild bootstrap, 19 employers", partial(itt_world, clusters=19, method=bootstrap)),
    Case("ITT, wild bootstrap, 9 employers", partial(itt_world, clusters=9, method=bootstrap)),
    Case("ITT by permutation within strata", permutation_world),
    Case("Lin-adjusted, HC2, 160 persons", lin_world),
    Case("Lin-adjusted, CRV3, 19 employers", partial(itt_world, clusters=19, method=lin_crv3)),
    Case("did, three moments, HC3", did_world),
    Case("did, CRV3, 12 schools", partial(by_cluster_world, clusters=12, method=did.estimate)),
    Case(
        "did, wild bootstrap, 12 schools",
        partial(by_cluster_world, clusters=12, method=did.bootstrap),
    ),
    Case("ordered ladder, proportional odds", ladder_world),
    Case("restricted mean time", partial(spells_world, is_incidence=False)),
    Case("cumulative incidence, competing reasons", partial(spells_world, is_incidence=True)),
    Case("adjusted risk difference", risk_world),
    Case("did around an event, same people, HC3", across_world),
    Case(
        "did around an event, CRV3, 19 employers",
        partial(sides_world, method=did.estimate_sides),
    ),
    Case(
        "did around an event, wild bootstrap, 19",
        partial(sides_world, method=did.bootstrap_sides),
    ),
    Case(
        "adjusted risk difference, 10 institutions",
        partial(institutions_world, method=panel.adjusted_risk_difference),
    ),
    Case("risk, wild bootstrap, 10 institutions", partial(institutions_world, method=bootstrap)),
    Case("share, Wilson", wilson_world, seeds=4000),
    Case("progress to target", partial(wilson_world, is_target=True), seeds=4000),
    Case("difference of shares, Newcombe", newcombe_world, seeds=2000),
    Case("interrupted series, REML", partial(series_world, side=its.LONG_ENOUGH), seeds=2000),
    Case("interrupted series, REML, 12 a side", partial(series_world, side=12), 2000, None, True),
    Case(
        "interrupted series, HAC, 36 a side",
        partial(series_world, side=36, is_hac=True),
        seeds=2000,
        is_warning=True,
    ),
    Case(
        "interrupted series, HAC, 12 a side",
        partial(series_world, side=12, is_hac=True),
        seeds=2000,
        is_warning=True,
    ),
    Case("Holm, family of 4 (any rejection)", family_world, seeds=4000),
    Case("Romano-Wolf, family of 4, 19 employers", romano_wolf_world),
    Case("interaction test, 3 groups", interaction_world),
    Case("minimum detectable effect (power 80%)", detectable_world, expected=(0.77, 0.83)),
)


def main() -> int:
    """Print the table; exit 1 if a case fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, help=f"at most so many a case (from {FEWEST_SEEDS})")
    parser.add_argument("--only", help="cases whose name contains this")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    if options.seeds is not None and options.seeds < FEWEST_SEEDS:
        parser.error(f"--seeds: at least {FEWEST_SEEDS}")
    cases = [case for case in CASES if not options.only or options.only in case.name]
    if not cases:
        parser.error("--only: no case has that in its name")
    started = time.monotonic()
    print(HEAD, flush=True)
    outcomes = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for row in pool.map(partial(run, seeds=options.seeds), cases):
            outcomes.append(row)
            print(line(row), flush=True)
    failed = [row.name for row in outcomes if not (row.passed or row.is_warning)]
    minutes = (time.monotonic() - started) / 60
    # Not part of the table, which is the same every time.
    print(f"{len(outcomes)} cases, {len(failed)} failed; {minutes:.1f} minutes", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
