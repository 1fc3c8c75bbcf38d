"""What the design could have seen: the minimum detectable effect.

Belongs here: design power from planned or observed precision. Does not belong here: power at the
estimate itself ("observed power"), which only repeats the p-value.
"""

from __future__ import annotations

import math


def minimum_detectable(se: float, degrees: float = math.inf, *, power: float = 0.8) -> float:
    """Smallest true difference found with probability ``power`` at 5% two-sided (Bloom 1995).

    ``se`` is the standard error of the design, in the unit of the outcome; ``degrees`` those of
    the t-distribution used for the interval.
    """
    from scipy.stats import t

    return float((t.ppf(0.975, degrees) + t.ppf(power, degrees)) * se)


def design_error(
    spread: float,
    n_intervention: int,
    n_comparison: int,
    *,
    cluster_size: float = 1.0,
    icc: float = 0.0,
) -> float:
    """Standard error of a difference in means before there are outcomes.

    ``spread`` is the standard deviation within an arm. With arms assigned by cluster the variance
    is multiplied by Kish's design effect 1 + (cluster_size - 1) icc.

    Raises:
        ValueError: an arm is empty.
    """
    if min(n_intervention, n_comparison) < 1:
        raise ValueError("both arms need at least one unit")
    effect = 1 + (cluster_size - 1) * icc
    return spread * math.sqrt(effect * (1 / n_intervention + 1 / n_comparison))
