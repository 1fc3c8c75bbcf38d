"""Progress towards a target (P6): how far, and how sure.

Belongs here: a realised count against a number that was promised. Does not belong here: why it
was or was not reached.
"""

from __future__ import annotations

from via_pipeline.outcomes.methods import shares
from via_pipeline.outcomes.methods.rows import Estimate, Withheld
from via_pipeline.outcomes.methods.trial import MINIMUM_PER_ARM, Withholding, withholding

METHOD = "doelbereik_wilson"


@withholding(METHOD)
def progress(realised: int, n: int, target: float, minimum: int = MINIMUM_PER_ARM) -> Estimate:
    """``realised`` of the ``n`` who started, as a percentage of ``target``.

    The realised count is a fact; the interval says what to expect of another ``n`` starters like
    these: n times Wilson's interval of the share, over the target. ``mean_comparison`` is the
    target itself.
    """
    if target <= 0:
        raise Withholding("er is geen doel afgesproken", n)
    share = shares.share(realised, n, minimum)
    if isinstance(share, Withheld):
        raise Withholding(share.reason, n)
    scale = n / target
    return Estimate(
        method=METHOD,
        estimate=100 * realised / target,
        ci_low=(share.ci_low or 0.0) * scale,
        ci_high=(share.ci_high or 0.0) * scale,
        n_intervention=n,
        n_comparison=0,
        mean_comparison=float(target),
    )
