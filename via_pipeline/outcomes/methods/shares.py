"""Shares with Wilson intervals, and the difference of two shares.

Belongs here: binomial counts. Does not belong here: adjustment for anything (``panel``, ``itt``).
"""

from __future__ import annotations

from via_pipeline.outcomes.methods.rows import Estimate
from via_pipeline.outcomes.methods.trial import MINIMUM_PER_ARM, Withholding, withholding

WILSON = "wilson"
NEWCOMBE = "newcombe"


@withholding(WILSON)
def share(count: int, n: int, minimum: int = MINIMUM_PER_ARM) -> Estimate:
    """The share ``count / n`` in percent, with Wilson's score interval (1927).

    Raises:
        ValueError: ``count`` does not lie between 0 and ``n``.
    """
    from statsmodels.stats.proportion import proportion_confint

    _valid(count, n)
    if n < minimum:
        raise Withholding(f"te weinig waarnemingen: minder dan {minimum}", n)
    low, high = proportion_confint(count, n, method="wilson")
    # At 0 and n Wilson's bound is exactly 0 or 1; floating point leaves it a hair outside.
    return Estimate(
        method=WILSON,
        estimate=100 * count / n,
        ci_low=100 * float(low) if count > 0 else 0.0,
        ci_high=100 * float(high) if count < n else 100.0,
        n_intervention=n,
        n_comparison=0,
    )


@withholding(NEWCOMBE)
def difference(
    count: int, n: int, count_comparison: int, n_comparison: int, minimum: int = MINIMUM_PER_ARM
) -> Estimate:
    """Difference of two independent shares in percentage points, Newcombe's interval (1998).

    The p-value is that of Pearson's chi-squared test without correction.
    """
    from scipy.stats import chi2_contingency
    from statsmodels.stats.proportion import confint_proportions_2indep

    _valid(count, n)
    _valid(count_comparison, n_comparison)
    if min(n, n_comparison) == 0:
        raise Withholding("één van de twee groepen is leeg", n, n_comparison)
    if min(n, n_comparison) < minimum:
        raise Withholding(
            f"te weinig waarnemingen: minder dan {minimum} in één van de groepen", n, n_comparison
        )
    if count + count_comparison in (0, n + n_comparison):
        raise Withholding("alle uitkomsten zijn gelijk", n, n_comparison)
    low, high = confint_proportions_2indep(
        count, n, count_comparison, n_comparison, method="newcomb", compare="diff"
    )
    table = [[count, n - count], [count_comparison, n_comparison - count_comparison]]
    return Estimate(
        method=NEWCOMBE,
        estimate=100 * (count / n - count_comparison / n_comparison),
        ci_low=100 * float(low),
        ci_high=100 * float(high),
        p=float(chi2_contingency(table, correction=False).pvalue),
        n_intervention=n,
        n_comparison=n_comparison,
        mean_comparison=100 * count_comparison / n_comparison,
    )


def _valid(count: int, n: int) -> None:
    if not 0 <= count <= n:
        raise ValueError(f"a count of {count} out of {n} is impossible")
