"""Were the arms alike at the start? Standardised differences, and one joint test.

Belongs here: the balance table. Does not belong here: adjusting for what it shows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from via_pipeline.outcomes.methods import itt
from via_pipeline.outcomes.methods.rows import Balance
from via_pipeline.outcomes.methods.trial import MINIMUM_PER_ARM, Withholding, build

JOINT = "gezamenlijk"


def table(
    frame: pd.DataFrame,
    *,
    arm: str,
    intervention: Sequence[object],
    comparison: Sequence[object],
    covariates: Sequence[str],
    cluster: Sequence[str] = (),
    strata: Sequence[str] = (),
) -> list[Balance]:
    """One row a number, one a category, and the row ``gezamenlijk`` with the joint test.

    The standardised difference is tableone's, one a characteristic: difference in means over the
    root of the mean variance; for categories its multivariate form (Yang and Dalton 2012), which
    has no sign and stands on each of the category's rows. Joint test: F-test that no covariate
    predicts the arm.
    """
    known = frame[frame[arm].isin([*intervention, *comparison])]
    d = known[arm].isin(list(intervention)).astype(int)
    counts = int(d.sum()), int((1 - d).sum())
    if min(counts) < MINIMUM_PER_ARM:
        reason = (
            "één van de twee groepen is leeg"
            if min(counts) == 0
            else f"te weinig waarnemingen: minder dan {MINIMUM_PER_ARM} in één van de groepen"
        )
        return [Balance(JOINT, "", *counts, None, None, None, reden=reason)]
    differences = _differences(known, d, covariates)
    rows = []
    for column in covariates:
        values, smd = known[column], differences.get(column)
        if _is_number(values):
            rows.append(_row(column, "", values.astype("Float64").astype(float), d, 1.0, smd))
            continue
        text = values.astype("string")
        for category in sorted(text.dropna().unique()):
            share = (text == category).astype("Float64").where(text.notna()).astype(float)
            rows.append(_row(column, str(category), share, d, 100.0, smd))
    rows.append(_joint(known, d, covariates, cluster, strata, counts))
    return rows


def _differences(frame: pd.DataFrame, d: pd.Series, covariates: Sequence[str]) -> dict[str, float]:
    """Standardised difference per covariate by tableone, intervention minus comparison."""
    import warnings

    from tableone import TableOne

    varying = [name for name in covariates if frame[name].dropna().nunique() > 1]
    if not varying:
        return {}
    short = frame[varying].assign(_arm=d)
    categories = [name for name in varying if not _is_number(short[name])]
    for name in varying:
        kind = object if name in categories else float
        short[name] = short[name].astype("string" if kind is object else "Float64").astype(kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = TableOne(
            short, columns=varying, categorical=categories, groupby="_arm", smd=True, pval=False
        )
    # The one column is named "SMD (0,1)": level 1 minus level 0.
    column = pd.to_numeric(made.smd_table.iloc[:, 0], errors="coerce")
    return {str(name): float(value) for name, value in column.items() if np.isfinite(value)}


def _row(
    column: str, category: str, values: pd.Series, d: pd.Series, scale: float, smd: float | None
) -> Balance:
    one, zero = values[d == 1].dropna(), values[d == 0].dropna()
    return Balance(
        column,
        category,
        len(one),
        len(zero),
        scale * float(one.mean()) if len(one) else None,
        scale * float(zero.mean()) if len(zero) else None,
        smd,
    )


def _joint(
    known: pd.DataFrame,
    d: pd.Series,
    covariates: Sequence[str],
    cluster: Sequence[str],
    strata: Sequence[str],
    counts: tuple[int, int],
) -> Balance:
    """F-test that the covariates together do not predict the arm, errors as for the estimates."""
    try:
        trial = build(
            known.assign(_arm=d),
            outcome="_arm",
            arm="_arm",
            intervention=[1],
            comparison=[0],
            cluster=cluster,
            strata=strata,
            covariates=covariates,
        )
        names = [name for name in trial.covariates if trial.frame[name].nunique() > 1]
        if not names:
            raise Withholding("er zijn geen kenmerken die verschillen")
        kind = itt.default_variance(trial)
        model = itt.within_strata(trial.frame, names, trial.has_strata, kind, names[0])
        kept = [name for name in names if name in model.coef().index]
        p = itt.wald(model, kept, trial.frame)[1]
        return Balance(JOINT, "", *counts, None, None, None, p_joint=p)
    except (Withholding, np.linalg.LinAlgError) as stop:
        reason = getattr(stop, "reason", "het model is met deze gegevens niet te schatten")
        return Balance(JOINT, "", *counts, None, None, None, reden=reason)


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
