"""Do the estimates differ between planned subgroups? One test per planned characteristic.

Belongs here: the interaction test. Does not belong here: choosing subgroups (the plan does, and
``analyse`` refuses others), and reading a difference between subgroups off two p-values.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from via_pipeline.outcomes.methods import itt
from via_pipeline.outcomes.methods.rows import Heterogeneity
from via_pipeline.outcomes.methods.trial import MINIMUM_PER_ARM, Trial, Withholding


def interaction(
    trial: Trial,
    groups: pd.Series,
    *,
    outcome: str,
    characteristic: str,
    minimum_per_arm: int = MINIMUM_PER_ARM,
) -> Heterogeneity:
    """Wald F-test that the difference between the arms is the same in all ``groups``.

    ``groups`` is aligned with ``trial.frame``. Strata are fixed effects; errors as in
    ``itt.fixed_effects``; F with (groups - 1, clusters - 1) degrees of freedom.
    """
    labels = sorted(str(value) for value in groups.dropna().unique())
    text = groups.astype("string").to_numpy(dtype=object)
    row: dict[str, Any] = {
        "uitkomst": outcome,
        "kenmerk": characteristic,
        "groepen": " | ".join(labels),
        "n_groups": len(labels),
    }
    try:
        if len(labels) < 2:
            raise Withholding("er is maar één groep")
        frame = trial.frame.copy()
        frame["_group"] = text
        frame = frame.dropna(subset=["_group"])
        cells = frame.groupby(["_group", "d"]).size().unstack(fill_value=0)
        if cells.shape[1] < 2 or cells.to_numpy().min() < minimum_per_arm:
            raise Withholding(
                f"te weinig waarnemingen: minder dan {minimum_per_arm} in een groep van een arm"
            )
        terms = ["d", *trial.covariates]
        interactions = []
        for index, label in enumerate(labels[1:]):
            frame[f"g{index}"] = (frame["_group"] == label).astype(float)
            frame[f"dg{index}"] = frame[f"g{index}"] * frame["d"]
            terms += [f"g{index}", f"dg{index}"]
            interactions.append(f"dg{index}")
        kind = itt.default_variance(trial)
        model = itt.within_strata(frame, terms, trial.has_strata, kind)
        statistic, p = itt.wald(model, interactions, frame)
        return Heterogeneity(**row, f_statistic=statistic, p_interaction=p)
    except Withholding as stop:
        return Heterogeneity(**row, f_statistic=None, p_interaction=None, reden=stop.reason)
