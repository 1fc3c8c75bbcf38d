"""Every estimator against the same number worked out in another way, to 1e-6."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests

from via_pipeline.outcomes.methods import (
    balance,
    did,
    flow,
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
from via_pipeline_tests.outcomes_methods import worlds

CLOSE = {"rel": 1e-6, "abs": 1e-6}


def _design(data: trial.Trial) -> np.ndarray:
    strata = pd.get_dummies(data.frame["stratum"], dtype=float).to_numpy()
    return np.column_stack(
        [data.frame["d"], *[data.frame[name] for name in data.covariates], strata]
    )


def test_fixed_effects_are_those_of_statsmodels_with_dummies() -> None:
    data = worlds.within(worlds.employers(), covariates=["leeftijd"])
    got = itt.fixed_effects(data, "CRV1")
    x, g = _design(data), data.frame["cluster"].to_numpy()
    model = sm.OLS(data.frame["y"], x).fit()
    bread = np.linalg.inv(x.T @ x)
    scores = np.array([x[g == c].T @ model.resid.to_numpy()[g == c] for c in np.unique(g)])
    n, groups = len(g), len(scores)
    # CRV1: G/(G-1) (N-1)/(N-K), where fixed effects nested in clusters count once
    # (as fixest and Stata's areg-with-nested-effects do).
    k = 1 + len(data.covariates) + 1
    factor = groups / (groups - 1) * (n - 1) / (n - k)
    error = np.sqrt(factor * (bread @ scores.T @ scores @ bread)[0, 0])
    assert got.estimate == pytest.approx(model.params.iloc[0], **CLOSE)
    assert got.se == pytest.approx(error, **CLOSE)
    assert got.p == pytest.approx(2 * stats.t.sf(abs(got.estimate / error), groups - 1), **CLOSE)


def test_crv3_is_the_jackknife_over_employers() -> None:
    data = worlds.within(worlds.employers(), covariates=["leeftijd"])
    got = itt.fixed_effects(data, "CRV3")
    whole = itt.fixed_effects(data, "CRV1").estimate
    left_out = []
    for cluster in data.frame["cluster"].unique():
        rest = data.frame[data.frame["cluster"] != cluster]
        x = np.column_stack(
            [rest["d"], rest["x0"], pd.get_dummies(rest["stratum"], dtype=float).to_numpy()]
        )
        left_out.append(np.linalg.lstsq(x, rest["y"].to_numpy(), rcond=None)[0][0])
    groups = len(left_out)
    jackknife = (groups - 1) / groups * np.square(np.array(left_out) - whole).sum()
    assert got.se == pytest.approx(np.sqrt(jackknife), **CLOSE)
    half = stats.t.ppf(0.975, groups - 1) * np.sqrt(jackknife)
    assert (got.ci_low, got.ci_high) == pytest.approx((whole - half, whole + half), **CLOSE)


def test_crv3_on_deviations_is_pyfixests_own_with_fixed_effects() -> None:
    data = worlds.within(worlds.employers(), covariates=["leeftijd"])
    ours = itt.within_strata(data.frame, ["d", "x0"], True, "CRV3").tidy()
    theirs = itt.fit("y ~ d + x0 | stratum", data.frame, "CRV3").tidy()
    np.testing.assert_allclose(ours.loc[["d", "x0"]], theirs.loc[["d", "x0"]], rtol=1e-6)


def test_lin_without_covariates_is_the_stratified_difference() -> None:
    frame = worlds.employers(clusters=4, size=40)
    data = worlds.build(frame, strata=["werkgever"])
    cells = data.frame.groupby(["stratum", "d"])["y"].mean().unstack()
    share = data.frame["stratum"].value_counts(normalize=True).sort_index()
    expected = ((cells[1] - cells[0]) * share).sum()
    assert itt.lin(data).estimate == pytest.approx(expected, **CLOSE)


def test_lin_is_statsmodels_with_centred_interactions() -> None:
    data = worlds.build(worlds.employers(), covariates=["leeftijd"])
    z = data.frame["x0"] - data.frame["x0"].mean()
    x = np.column_stack([np.ones(len(z)), data.frame["d"], z, data.frame["d"] * z])
    model = sm.OLS(data.frame["y"].to_numpy(), x).fit(cov_type="HC2", use_t=True)
    got = itt.lin(data)
    assert (got.estimate, got.se) == pytest.approx((model.params[1], model.bse[1]), **CLOSE)


def test_difference_of_means_has_the_welch_error() -> None:
    data = worlds.build(worlds.employers())
    one, zero = (data.frame.loc[data.frame["d"] == arm, "y"] for arm in (1, 0))
    got = itt.lin(data, "HC2")
    assert got.estimate == pytest.approx(one.mean() - zero.mean(), **CLOSE)
    assert got.se == pytest.approx(np.sqrt(one.var() / len(one) + zero.var() / len(zero)), **CLOSE)


def test_wild_bootstrap_is_brute_force_over_all_sign_patterns() -> None:
    """Refit the whole model for each of the 2^7 patterns, with CRV1 from its definition."""
    data = worlds.within(worlds.employers(clusters=7, size=14), covariates=["leeftijd"])
    x, y = _design(data), data.frame["y"].to_numpy()
    g = data.frame["cluster"].to_numpy()
    null = x[:, 1:]

    def t_of(outcome: np.ndarray) -> float:
        beta, *_ = np.linalg.lstsq(x, outcome, rcond=None)
        residual = outcome - x @ beta
        bread = np.linalg.pinv(x.T @ x)
        meat = sum(np.outer(s, s) for s in (x[g == c].T @ residual[g == c] for c in np.unique(g)))
        return beta[0] / np.sqrt((bread @ meat @ bread)[0, 0])

    gamma, *_ = np.linalg.lstsq(null, y, rcond=None)
    fitted, residual = null @ gamma, y - null @ gamma
    own = abs(t_of(y))
    drawn = [
        abs(t_of(fitted + np.array(signs)[g] * residual))
        for signs in itertools.product((1, -1), repeat=7)
    ]
    expected = np.mean(np.array(drawn) >= own * (1 - 1e-9))
    assert wild.bootstrap(data).p == pytest.approx(expected, **CLOSE)


def test_wild_interval_ends_where_the_test_starts_to_reject() -> None:
    data = worlds.within(worlds.employers(clusters=9))
    got = wild.bootstrap(data)
    for bound, outward in ((got.ci_low, -1), (got.ci_high, 1)):
        for step, is_rejected in ((1e-4, True), (-1e-4, False)):
            shifted = data.with_outcome(
                data.frame["y"] - (bound + outward * step) * data.frame["d"]
            )
            assert (wild.bootstrap(shifted).p <= 0.05) is is_rejected


def test_permutation_p_is_near_the_exact_one_of_a_tiny_experiment() -> None:
    rng = np.random.default_rng(5)
    y = rng.normal(size=20) + np.repeat([0.0, 0.8], 10)
    frame = pd.DataFrame({"y": y, "fase": np.repeat(["voor", "met"], 10)})
    data = worlds.build(frame, "y")
    exact = stats.permutation_test(
        (y[10:], y[:10]),
        lambda a, b, axis: np.abs(
            (a.mean(axis) - b.mean(axis)) / np.sqrt(a.var(axis) + b.var(axis))
        ),
        alternative="greater",
        vectorized=True,
        n_resamples=np.inf,
    ).pvalue
    got = wild.permutation(data, draws=9999).p
    assert got == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 9999))


def test_romano_wolf_of_one_outcome_is_its_bootstrap_p_and_never_below_it() -> None:
    data = worlds.within(worlds.employers(clusters=9))
    other = data.with_outcome(data.frame["y"] + data.frame["y"].to_numpy()[::-1])
    alone = wild.romano_wolf([data])[0]
    assert alone == pytest.approx(wild.bootstrap(data).p, **CLOSE)
    together = wild.romano_wolf([data, other])
    raw = [wild.romano_wolf([one])[0] for one in (data, other)]
    assert all(a >= b for a, b in zip(together, raw, strict=True))
    # Two copies of one outcome are one question: nothing is lost by asking it twice.
    assert wild.romano_wolf([data, data]) == pytest.approx([alone, alone], **CLOSE)


def test_did_is_the_model_with_fixed_effects_of_person_and_moment() -> None:
    frame = worlds.measured()
    data = did.changes(frame, **worlds.DID)
    got = did.estimate(data)
    two = frame[frame["moment"].isin([1, 3])]
    after = (two["moment"] == 3).astype(float)
    treated = (two["arm"] == "interventie").astype(float)
    persons = pd.get_dummies(two["persoon"], dtype=float).to_numpy()
    x = np.column_stack([treated * after, after, persons])
    beta = np.linalg.lstsq(x, two["score"].to_numpy(), rcond=None)[0]
    assert got.estimate == pytest.approx(beta[0], **CLOSE)
    d = data.frame["d"].to_numpy(dtype=float)
    plain = sm.OLS(data.frame["y"].to_numpy(), sm.add_constant(d))
    assert got.se == pytest.approx(plain.fit(cov_type="HC3").bse[1], **CLOSE)


def test_did_is_four_means() -> None:
    means = worlds.measured().groupby(["arm", "moment"])["score"].mean()
    expected = (means["interventie", 3] - means["interventie", 1]) - (
        means["vergelijking", 3] - means["vergelijking", 1]
    )
    got = did.estimate(did.changes(worlds.measured(), **worlds.DID))
    assert got.estimate == pytest.approx(expected, **CLOSE)


def test_change_across_an_event_is_four_means_of_the_nearest_measurements() -> None:
    # The day itself is after; of each side only the nearest measurement counts.
    frame = worlds.measured()
    frame.loc[frame["moment"] == 3, "datum"] = worlds.EVENT
    later = frame[frame["moment"] == 3].assign(
        datum=worlds.EVENT + pd.Timedelta(days=90), score=99.0
    )
    data = did.across(pd.concat([frame, later]), **worlds.ACROSS)
    got = did.estimate(data, did.AROUND)
    means = frame.groupby(["arm", "moment"])["score"].mean()
    expected = (means["interventie", 3] - means["interventie", 2]) - (
        means["vergelijking", 3] - means["vergelijking", 2]
    )
    assert got.estimate == pytest.approx(expected, **CLOSE)
    assert got.method == "verschil_rond_gebeurtenis_hc3"
    d = data.frame["d"].to_numpy(dtype=float)
    plain = sm.OLS(data.frame["y"].to_numpy(), sm.add_constant(d)).fit(cov_type="HC3")
    assert got.se == pytest.approx(plain.bse[1], **CLOSE)


def test_other_people_around_an_event_are_the_interaction_of_statsmodels() -> None:
    frame = worlds.employers()
    got = did.estimate_sides(did.sides(frame, **worlds.SIDES))
    arm = (frame["fase"] == "met").to_numpy(dtype=float)
    after = (frame["datum"] >= worlds.EVENT).to_numpy(dtype=float)
    employer = frame["werkgever"].to_numpy()
    x = np.column_stack([arm * after, arm, after, pd.get_dummies(employer, dtype=float)])
    y = frame["score"].to_numpy()

    def interaction(rows: np.ndarray) -> float:
        return np.linalg.lstsq(x[rows], y[rows], rcond=None)[0][0]

    whole = interaction(np.full(len(y), True))
    assert got.estimate == pytest.approx(whole, **CLOSE)
    names = np.unique(employer)
    left_out = np.array([interaction(employer != name) for name in names])
    jackknife = (len(names) - 1) / len(names) * np.square(left_out - whole).sum()
    assert got.se == pytest.approx(np.sqrt(jackknife), **CLOSE)
    assert (got.n_intervention, got.n_comparison) == (arm.sum(), len(arm) - arm.sum())
    change = y[(arm == 0) & (after == 1)].mean() - y[(arm == 0) & (after == 0)].mean()
    assert got.mean_comparison == pytest.approx(change, **CLOSE)


def test_other_people_around_an_event_without_strata_are_four_means() -> None:
    frame = worlds.employers()
    options = worlds.SIDES | {"cluster": [], "strata": []}
    means = frame.assign(na=frame["datum"] >= worlds.EVENT).groupby(["fase", "na"])["score"].mean()
    expected = (means["met", True] - means["met", False]) - (
        means["voor", True] - means["voor", False]
    )
    got = did.estimate_sides(did.sides(frame, **options))
    assert got.estimate == pytest.approx(expected, **CLOSE)


def test_ladder_with_two_rungs_is_the_log_odds_ratio_of_a_table() -> None:
    frame = worlds.employers()
    data = worlds.build(frame, "uitgenodigd")
    a, b, c, d = (
        int(((data.frame["d"] == arm) & (data.frame["y"] == rung)).sum())
        for arm, rung in ((1, 1), (1, 0), (0, 1), (0, 0))
    )
    got = ladder.proportional_odds(data)
    assert got.estimate == pytest.approx(np.log(a * d / (b * c)), abs=1e-6)
    # The error comes from a numerical Hessian, whose own precision is about 1e-6 relative.
    assert got.se == pytest.approx(np.sqrt(1 / a + 1 / b + 1 / c + 1 / d), rel=1e-5)


def test_ladder_maximises_the_likelihood_written_out() -> None:
    from scipy.optimize import minimize

    data = worlds.build(worlds.employers(), "ladder", covariates=["leeftijd"])
    frame = data.frame
    rung = np.unique(frame["y"], return_inverse=True)[1]
    x = frame[["d", "x0"]].to_numpy(dtype=float) - np.array([0, 40])
    count = rung.max()

    def minus_loglikelihood(theta: np.ndarray) -> float:
        cuts = np.concatenate(
            [[-np.inf], np.cumsum(np.r_[theta[0], np.exp(theta[1:count])]), [np.inf]]
        )
        eta = x @ theta[count:]
        high, low = stats.logistic.cdf(cuts[rung + 1] - eta), stats.logistic.cdf(cuts[rung] - eta)
        return -np.log(np.maximum(high - low, 1e-300)).sum()

    start = np.r_[-2.0, np.zeros(count - 1), 0.0, 0.0]
    options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 40000, "maxfev": 40000}
    first = minimize(minus_loglikelihood, start, method="BFGS")
    best = minimize(minus_loglikelihood, first.x, method="Nelder-Mead", options=options)
    got = ladder.proportional_odds(data)
    assert got.estimate == pytest.approx(best.x[count], abs=2e-6)


def test_restricted_mean_without_censoring_is_a_mean() -> None:
    frame = worlds.spells().assign(reden=1)
    shortened = frame["dagen"].clip(upper=180)
    part = pd.DataFrame({"duration": frame["dagen"].astype(float), "event": 1})
    mean, error = survival.restricted_mean(part, 180)
    assert mean == pytest.approx(shortened.mean(), **CLOSE)
    assert error == pytest.approx(shortened.std(ddof=0) / np.sqrt(len(frame)), **CLOSE)


# R's survival package, data set aml (Miller 1997): print(fit, print.rmean = TRUE) of
# survfit(Surv(time, status) ~ x, data = aml) gives rmean 52.6 (se 19.83) for Maintained and
# 22.7 (se 4.18) for Nonmaintained, upper limit 161.
AML = {
    "Maintained": (
        [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161],
        [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0],
        (52.6, 19.83),
    ),
    "Nonmaintained": (
        [5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45],
        [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1],
        (22.7, 4.18),
    ),
}


@pytest.mark.parametrize("arm", AML)
def test_restricted_mean_is_that_of_r_survival_on_aml(arm: str) -> None:
    times, events, (mean, error) = AML[arm]
    frame = pd.DataFrame({"duration": np.array(times, float), "event": events})
    got = survival.restricted_mean(frame, 161)
    assert got[0] == pytest.approx(mean, abs=0.05)
    assert got[1] == pytest.approx(error, abs=0.005)


def test_restricted_mean_is_that_of_lifelines() -> None:
    from lifelines import KaplanMeierFitter
    from lifelines.utils import restricted_mean_survival_time

    frame = worlds.spells()
    part = pd.DataFrame({"duration": frame["dagen"].astype(float), "event": frame["reden"]})
    fitted = KaplanMeierFitter().fit(frame["dagen"], frame["reden"] > 0)
    expected = restricted_mean_survival_time(fitted, t=180)
    assert survival.restricted_mean(part, 180)[0] == pytest.approx(expected, **CLOSE)


def test_incidence_is_that_of_lifelines_where_no_days_are_tied() -> None:
    from lifelines import AalenJohansenFitter

    frame = worlds.spells()
    untied = frame["dagen"] + np.random.default_rng(1).permutation(len(frame)) / 1000
    part = pd.DataFrame({"duration": untied, "event": frame["reden"]})
    fitted = AalenJohansenFitter(calculate_variance=True).fit(untied, frame["reden"], 1)
    expected = fitted.cumulative_density_.loc[:180].iloc[-1, 0]
    got, error = survival.incidence(part, 180, 1)
    assert got == pytest.approx(expected, **CLOSE)
    # Two published variance estimators (Marubini-Valsecchi and Aalen) that agree closely.
    variance = fitted.variance_.loc[:180].iloc[-1]
    assert error == pytest.approx(float(np.sqrt(variance)), rel=0.02)


def test_incidence_without_censoring_is_a_share() -> None:
    frame = worlds.spells()
    event = frame["reden"].replace(0, 2)
    part = pd.DataFrame({"duration": frame["dagen"].astype(float), "event": event})
    share = ((frame["dagen"] <= 180) & (event == 1)).mean()
    got, error = survival.incidence(part, 180, 1)
    assert got == pytest.approx(share, **CLOSE)
    assert error == pytest.approx(np.sqrt(share * (1 - share) / len(frame)), **CLOSE)


def test_standardised_survival_difference_is_the_weighted_sum_of_strata() -> None:
    frame = worlds.spells()
    whole = survival.spells(frame, **worlds.SPELLS, strata=["leeftijd"])
    parts, weights = [], []
    for _, part in frame.groupby("leeftijd"):
        data = survival.spells(part, **worlds.SPELLS)
        parts.append(survival.restricted_mean_difference(data, 180))
        weights.append(len(part) / len(frame))
    got = survival.restricted_mean_difference(whole, 180)
    assert got.estimate == pytest.approx(
        sum(w * p.estimate for w, p in zip(weights, parts, strict=True)), **CLOSE
    )
    assert got.se == pytest.approx(
        np.sqrt(sum((w * p.se) ** 2 for w, p in zip(weights, parts, strict=True))), **CLOSE
    )


def test_adjusted_risk_difference_is_averaged_predictions_with_a_numeric_delta_method() -> None:
    frame = worlds.employers(clusters=4, size=80)
    data = worlds.build(
        frame, "uitgenodigd", strata=["werkgever"], covariates=["leeftijd"], scale=100
    )
    y = data.frame["y"].to_numpy() / 100
    x = np.column_stack([np.ones(len(y)), _design(data)[:, :-4], _design(data)[:, -3:]])
    fitted = sm.Logit(y, x).fit(disp=False, tol=1e-12)

    def contrast(beta: np.ndarray) -> float:
        one, zero = x.copy(), x.copy()
        one[:, 1], zero[:, 1] = 1, 0
        return (stats.logistic.cdf(one @ beta) - stats.logistic.cdf(zero @ beta)).mean()

    gradient = [
        (contrast(fitted.params + step) - contrast(fitted.params - step)) / 2e-5
        for step in 1e-5 * np.eye(x.shape[1])
    ]
    risk = stats.logistic.cdf(x @ fitted.params)
    bread = np.linalg.inv(x.T @ (x * (risk * (1 - risk))[:, None]))
    scores = x * (y - risk)[:, None]
    sandwich = bread @ scores.T @ scores @ bread
    error = 100 * np.sqrt(np.array(gradient) @ sandwich @ np.array(gradient))
    got = panel.adjusted_risk_difference(data)
    assert got.estimate == pytest.approx(100 * contrast(fitted.params), **CLOSE)
    assert got.se == pytest.approx(error, **CLOSE)


def test_unadjusted_risk_difference_has_the_binomial_error() -> None:
    data = worlds.build(worlds.employers(), "uitgenodigd")
    one, zero = (data.frame.loc[data.frame["d"] == arm, "y"] for arm in (1, 0))
    expected = np.sqrt(one.var(ddof=0) / len(one) + zero.var(ddof=0) / len(zero))
    got = panel.adjusted_risk_difference(data)
    assert got.estimate == pytest.approx(one.mean() - zero.mean(), **CLOSE)
    assert got.se == pytest.approx(expected, **CLOSE)


def test_wilson_and_newcombe_are_their_formulas() -> None:
    # Newcombe 1998 (doi 10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E),
    # table I: 81/263 by method 3 (Wilson) is 0.2553 to 0.3662.
    got = shares.share(81, 263)
    assert (got.ci_low, got.ci_high) == pytest.approx((25.53, 36.62), abs=0.005)
    z, n, p = stats.norm.ppf(0.975), 263, 81 / 263
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    expected = [100 * (middle + sign * half) / (1 + z**2 / n) for sign in (-1, 1)]
    assert [got.ci_low, got.ci_high] == pytest.approx(expected, **CLOSE)
    # The same paper's companion on differences: 56/70 - 48/80 by method 10 is 0.0524 to 0.3339.
    both = shares.difference(56, 70, 48, 80)
    assert (both.ci_low, both.ci_high) == pytest.approx((5.24, 33.39), abs=0.005)
    pooled = (56 + 48) / 150
    z2 = (0.8 - 0.6) ** 2 / (pooled * (1 - pooled) * (1 / 70 + 1 / 80))
    assert both.p == pytest.approx(stats.chi2.sf(z2, 1), **CLOSE)


def test_progress_is_the_share_scaled_to_the_target() -> None:
    got, share = target.progress(12, 40, 30), shares.share(12, 40)
    assert got.estimate == pytest.approx(40.0)
    assert (got.ci_low, got.ci_high) == pytest.approx(
        (share.ci_low * 40 / 30, share.ci_high * 40 / 30), **CLOSE
    )


def test_holm_is_its_definition() -> None:
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") is 0.03 0.06 0.06 0.02.
    assert multiplicity.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    p_values = [*np.random.default_rng(1).uniform(0, 0.3, 9), 0.01, 0.01]
    theirs = multipletests(p_values, method="holm")[1]
    assert multiplicity.holm(p_values) == pytest.approx(theirs, rel=1e-12)
    assert multiplicity.holm([]) == []
    by_family = multiplicity.holm_by_family(
        {"a": 0.01, "b": 0.04, "c": 0.02, "d": 0.5}, {"a": "x", "b": "x", "c": "y", "d": ""}
    )
    assert by_family == pytest.approx({"a": 0.02, "b": 0.04, "c": 0.02})


def test_interaction_of_two_groups_is_the_square_of_a_t() -> None:
    frame = worlds.employers()
    data = worlds.build(frame)
    groups = pd.Series(np.where(data.frame["y"].index % 2 == 0, "a", "b"))
    got = heterogeneity.interaction(data, groups, outcome="score", characteristic="k")
    b = (groups == "b").to_numpy(dtype=float)
    d = data.frame["d"].to_numpy(dtype=float)
    x = np.column_stack([np.ones(len(b)), d, b, d * b])
    model = sm.OLS(data.frame["y"].to_numpy(), x).fit(cov_type="HC1", use_t=True)
    assert got.f_statistic == pytest.approx(model.tvalues[3] ** 2, **CLOSE)
    assert got.p_interaction == pytest.approx(model.pvalues[3], **CLOSE)


def _series(seed: int = 2) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.2, 100)
    for now in range(1, 100):
        noise[now] += 0.4 * noise[now - 1]
    return np.r_[0.1 * np.arange(50), 5 + 0.3 * np.arange(50)] + noise


def test_a_short_interrupted_series_is_two_lines() -> None:
    y = _series()[35:65]
    got = its.level_change(y, 15)
    before = np.polyval(np.polyfit(np.arange(15), y[:15], 1), 15)
    after = np.polyval(np.polyfit(np.arange(15), y[15:], 1), 0)
    assert got.estimate == pytest.approx(after - before, **CLOSE)
    assert got.mean_comparison == pytest.approx(before, **CLOSE)


def test_a_long_interrupted_series_maximises_the_restricted_likelihood_in_full() -> None:
    """With the covariance matrix of AR(1) written out, over a grid refined around its best."""
    y, x = _series(), its.design(100, 50)
    lag = np.abs(np.subtract.outer(np.arange(100), np.arange(100)))

    def parts(rho: float) -> tuple:
        inverse = np.linalg.inv(rho**lag / (1 - rho**2))
        gram = x.T @ inverse @ x
        beta = np.linalg.solve(gram, x.T @ inverse @ y)
        residual = y - x @ beta
        return inverse, gram, beta, residual @ inverse @ residual

    def likelihood(rho: float) -> float:
        inverse, gram, _, squares = parts(rho)
        logs = np.linalg.slogdet(inverse)[1] - np.linalg.slogdet(gram)[1]
        return 0.5 * logs - 96 / 2 * np.log(squares)

    centre, width = 0.0, 0.9
    for _ in range(12):
        grid = np.linspace(centre - width, centre + width, 21)
        centre, width = grid[np.argmax([likelihood(rho) for rho in grid])], width / 5
    _, gram, beta, squares = parts(centre)
    got = its.level_change(y, 50)
    assert got.estimate == pytest.approx(beta[2], **CLOSE)
    assert got.se == pytest.approx(np.sqrt(squares / 96 * np.linalg.inv(gram)[2, 2]), **CLOSE)


def test_smd_is_the_difference_over_the_root_of_the_mean_variance() -> None:
    frame = worlds.employers()
    rows = balance.table(
        frame,
        arm="fase",
        intervention=["met"],
        comparison=["voor"],
        covariates=["leeftijd", "herkomst"],
    )
    one, zero = (frame.loc[frame["fase"] == arm, "leeftijd"] for arm in ("met", "voor"))
    smd = (one.mean() - zero.mean()) / np.sqrt((one.var() + zero.var()) / 2)
    assert rows[0].smd == pytest.approx(smd, abs=1e-6)
    joint = rows[-1]
    x = pd.get_dummies(frame["herkomst"], dtype=float).iloc[:, 1:].assign(l=frame["leeftijd"])
    model = sm.OLS((frame["fase"] == "met").astype(float), sm.add_constant(x)).fit(cov_type="HC1")
    model.use_t = True
    assert joint.p_joint == pytest.approx(float(model.f_test(np.eye(4)[1:]).pvalue), **CLOSE)


def test_detectable_effect_is_what_statsmodels_solves_for() -> None:
    from statsmodels.stats.power import NormalIndPower

    error = power.design_error(1.0, 80, 120)
    expected = NormalIndPower().solve_power(nobs1=80, ratio=1.5, power=0.8, alpha=0.05)
    # statsmodels counts the (negligible) rejections on the wrong side too.
    assert power.minimum_detectable(error) == pytest.approx(expected, abs=1e-5)
    clustered = power.design_error(1.0, 80, 80, cluster_size=21, icc=0.05)
    assert clustered == pytest.approx(power.design_error(1.0, 80, 80) * np.sqrt(2))


def test_flow_and_attrition_are_counts() -> None:
    frame = pd.DataFrame({"arm": ["i"] * 20 + ["v"] * 30, "weg": [True] * 5 + [False] * 45})
    steps = {"gevolgd": ~frame["weg"], "bekend": pd.Series([True] * 40 + [False] * 10)}
    rows = flow.participant_flow(frame, arm="arm", arms=["i", "v"], steps=steps)
    assert [(row.arm, row.n, row.n_lost) for row in rows] == [
        ("i", 20, 0),
        ("i", 15, 5),
        ("i", 15, 0),
        ("v", 30, 0),
        ("v", 30, 0),
        ("v", 20, 10),
    ]
    lost = {row.arm: row for row in flow.attrition(frame, arm="arm", arms=["i", "v"], lost="weg")}
    assert (lost["totaal"].lost_pct, lost["i"].lost_pct, lost["v"].lost_pct) == (10, 25, 0)
    assert lost["verschil"].lost_pct == pytest.approx(25)


def test_transitions_count_who_moved_who_left_and_forget_the_unknown() -> None:
    rows = []
    for number in range(40):
        leaves = number < 10
        rows.append((f"p{number}", 2018, "1", "nl", leaves))
        if not leaves and number < 36:  # the last four are not seen again and did not leave
            rows.append((f"p{number}", 2019, "2" if number < 22 else "1", "nl", None))
    frame = pd.DataFrame(rows, columns=["p", "jaar", "niveau", "groep", "weg"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = panel.transitions(
            frame, unit=["p"], period="jaar", state="niveau", group="groep", has_left="weg"
        )
    shares_of_first = {row.naar: row.result.estimate for row in found if row.van == "1"}
    assert shares_of_first == pytest.approx(
        {"1": 100 * 14 / 36, "2": 100 * 12 / 36, panel.EXIT: 100 * 10 / 36}
    )
