"""A comparison of two groups as every method reads it, and the guards that stand before it.

Belongs here: from a tidy frame and column names to ``Trial`` (canonical order, codes instead of
labels), and the refusals that hold for all designs. Does not belong here: estimation.

A guard raises ``Withholding``; ``withholding`` turns that into a ``Withheld`` row at the edge of a
public method, so that callers only ever see ``Estimate`` or ``Withheld``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import ParamSpec

import numpy as np
import pandas as pd

from via_pipeline.outcomes.methods.rows import Estimate, Result, Withheld

# Below this an interval is so wide, and a person so easily recognised, that no figure is shown.
MINIMUM_PER_ARM = 10
# With 5 clusters the wild bootstrap has 2^5 sign patterns, so p cannot fall below 2/32 = 0.0625;
# 6 is the first number at which it can reject (Webb 2023, doi 10.1111/caje.12661).
MINIMUM_CLUSTERS = 6
FEW_CLUSTERS = 40
NOT_ESTIMABLE = "het model is met deze gegevens niet te schatten"

_P = ParamSpec("_P")


class Withholding(Exception):
    """Stop: no estimate can stand. The message is the Dutch reason."""

    def __init__(self, reason: str, n_intervention: int = 0, n_comparison: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.counts = (n_intervention, n_comparison)


@dataclass(frozen=True)
class Trial:
    """Two arms, one outcome, complete rows only, in an order that depends on the values alone.

    ``frame`` has ``y`` (float), ``d`` (1 intervention, 0 comparison), ``unit``, ``cluster``,
    ``stratum`` (integer codes) and ``x0..`` (numeric covariates; categories become 0/1 columns).
    ``n_missing`` rows were dropped for a missing outcome or covariate.
    """

    frame: pd.DataFrame
    covariates: tuple[str, ...]
    has_clusters: bool
    has_strata: bool
    n_missing: int

    @property
    def n_intervention(self) -> int:
        """Rows in the intervention arm."""
        return int(self.frame["d"].sum())

    @property
    def n_comparison(self) -> int:
        """Rows in the comparison arm."""
        return len(self.frame) - self.n_intervention

    @property
    def n_clusters(self) -> int | None:
        """Number of clusters, None where rows are independent."""
        return int(self.frame["cluster"].nunique()) if self.has_clusters else None

    @property
    def mean_comparison(self) -> float:
        """Mean outcome of the comparison arm."""
        return float(self.frame.loc[self.frame["d"] == 0, "y"].mean())

    def with_outcome(self, values: pd.Series) -> Trial:
        """The same trial with another outcome (same rows, same order)."""
        return replace(self, frame=self.frame.assign(y=values.to_numpy(dtype=float)))


def build(
    frame: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    intervention: Sequence[object],
    comparison: Sequence[object],
    unit: Sequence[str] = (),
    cluster: Sequence[str] = (),
    strata: Sequence[str] = (),
    covariates: Sequence[str] = (),
    scale: float = 1.0,
    minimum_per_arm: int = MINIMUM_PER_ARM,
    drops_singletons: bool = False,
) -> Trial:
    """The comparison of ``intervention`` with ``comparison`` values of column ``arm``.

    Rows of other arms are left out. ``unit`` are the columns that identify a person (or other
    unit of assignment) and may repeat within one arm. ``scale`` multiplies the outcome (100 for
    percentage points).

    Raises:
        Withholding: a guard refuses (see ``check``).
        KeyError: a column does not exist (a mistake in the plan, not in the data).
    """
    known = frame[frame[arm].isin([*intervention, *comparison])]
    tidy = pd.DataFrame(index=known.index)
    tidy["d"] = known[arm].isin(list(intervention)).astype(int)
    tidy["y"] = pd.to_numeric(known[outcome]).astype("Float64").astype(float) * scale
    tidy["unit"] = codes(known, unit) if unit else np.arange(len(known))
    tidy["cluster"] = codes(known, cluster) if cluster else tidy["unit"]
    tidy["stratum"] = codes(known, strata) if strata else 0
    names: list[str] = []
    for column in covariates:
        for values in numeric(known[column]):
            names.append(f"x{len(names)}")
            tidy[names[-1]] = values
    complete = tidy.dropna(subset=["y", *names])
    in_both_arms = bool(unit) and bool((complete.groupby("unit")["d"].nunique() > 1).any())
    dropped = len(tidy) - len(complete)
    if drops_singletons and cluster:
        size = complete.groupby("cluster")["y"].transform("size")
        complete = complete[size > 1]
    # By value first and code last: a row's place does not depend on how the file was ordered.
    order = ["y", "d", *names, "stratum", "cluster", "unit"]
    result = Trial(
        complete.sort_values(order, kind="stable").reset_index(drop=True),
        tuple(names),
        # A unit that occurs once is its own cluster; repeated units need clustered errors.
        bool(cluster) or bool(complete["unit"].duplicated().any()),
        bool(strata),
        dropped,
    )
    check(result, in_both_arms, minimum_per_arm, singletons_matter=bool(cluster))
    return result


def check(
    trial: Trial, in_both_arms: bool, minimum_per_arm: int, *, singletons_matter: bool
) -> None:
    """Refuse what no method can carry.

    Raises:
        Withholding: an arm is empty or too small, a unit is in both arms, all outcomes are equal,
            there are too few clusters, or a cluster has one row.
    """
    counts = (trial.n_intervention, trial.n_comparison)
    if min(counts) == 0:
        raise Withholding("één van de twee groepen is leeg", *counts)
    if in_both_arms:
        raise Withholding("minstens één persoon komt in beide groepen voor", *counts)
    if min(counts) < minimum_per_arm:
        raise Withholding(
            f"te weinig waarnemingen: minder dan {minimum_per_arm} in één van de groepen", *counts
        )
    if trial.frame["y"].nunique() < 2:
        raise Withholding("alle uitkomsten zijn gelijk", *counts)
    if singletons_matter:
        sizes = trial.frame.groupby("cluster").size()
        if (sizes == 1).any():
            raise Withholding("minstens één cluster telt maar één waarneming", *counts)
        if len(sizes) < MINIMUM_CLUSTERS:
            raise Withholding(
                f"te weinig clusters: {len(sizes)}, nodig zijn er minstens {MINIMUM_CLUSTERS}",
                *counts,
            )


def codes(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """One integer per row for the combination of ``columns``; a missing value is a value."""
    found: np.ndarray = frame.groupby(list(columns), sort=True, dropna=False).ngroup().to_numpy()
    return found


def numeric(column: pd.Series) -> list[np.ndarray]:
    """A covariate as numbers: itself, or a 0/1 column for every category but the most frequent.

    Categories are ranked by frequency and then by name, so that the reference is the largest.
    """
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        return [column.astype("Float64").to_numpy(dtype=float, na_value=np.nan)]
    text = column.astype("string")
    counts = text.value_counts()
    ranked = sorted(counts.index, key=lambda value: (-counts[value], value))
    missing = text.isna().to_numpy()
    dummies = []
    for value in ranked[1:]:
        dummy = (text == value).fillna(False).to_numpy(dtype=float)
        dummy[missing] = np.nan
        dummies.append(dummy)
    return dummies


def withholding(method: str) -> Callable[[Callable[_P, Estimate]], Callable[_P, Result]]:
    """Make a method safe to call: a guard's refusal, or a number that is none, is a ``Withheld``.

    A singular matrix is data that cannot carry the model, hence a reason; any other exception is
    a mistake of ours and is not hidden.
    """

    def wrap(function: Callable[_P, Estimate]) -> Callable[_P, Result]:
        @wraps(function)
        def safe(*args: _P.args, **kwargs: _P.kwargs) -> Result:
            trial = next((value for value in args if isinstance(value, Trial)), None)
            counts = (trial.n_intervention, trial.n_comparison) if trial else (0, 0)
            try:
                result = function(*args, **kwargs)
            except Withholding as stop:
                return Withheld(method, stop.reason, *(stop.counts if any(stop.counts) else counts))
            except np.linalg.LinAlgError:
                return Withheld(method, NOT_ESTIMABLE, *counts)
            if not result.is_finite:
                return Withheld(
                    result.method, NOT_ESTIMABLE, result.n_intervention, result.n_comparison
                )
            return result

        return safe

    return wrap
