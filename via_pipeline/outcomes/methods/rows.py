"""The rows of ``outcomes__effect`` and its companions, and what a method hands back.

Belongs here: shapes only. Does not belong here: any arithmetic. Field order is column order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from datetime import date

UNRELIABLE = "u"  # waarde_status: withheld because it would mislead (design.md, Names)
NOT_AVAILABLE = "x"  # waarde_status: there is nothing to compute it from


@dataclass(frozen=True)
class Estimate:
    """One estimate in the unit of its outcome, with a 95% interval and a two-sided p-value.

    ``ci_low``, ``ci_high``, ``se`` and ``p`` are None where the method has none. ``note`` is Dutch
    and travels with the figure.
    """

    method: str
    estimate: float
    n_intervention: int
    n_comparison: int
    se: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p: float | None = None
    mean_comparison: float | None = None
    n_clusters: int | None = None
    note: str = ""

    @property
    def is_finite(self) -> bool:
        """Whether every number that is there is a number."""
        numbers = (self.estimate, self.se, self.ci_low, self.ci_high, self.p, self.mean_comparison)
        return all(number is None or math.isfinite(number) for number in numbers)


@dataclass(frozen=True)
class Withheld:
    """No estimate, and why, in Dutch: a clause without capital and full stop.

    Never holds a value of a cell. ``n_intervention`` and ``n_comparison`` are what was there.
    """

    method: str
    reason: str
    n_intervention: int = 0
    n_comparison: int = 0


Result = Estimate | Withheld


@dataclass(frozen=True)
class Effect:
    """One row of ``outcomes__effect``.

    ``estimate``, ``se``, ``ci_low``, ``ci_high`` and ``mean_comparison`` are in ``eenheid``.
    ``waarde_status`` is empty for a figure that stands; with a status every number but the counts
    is None and ``reden`` says why. ``reden`` without a status is a caveat that goes with the
    figure. ``leveringen`` are delivery ids, sorted, joined by a space.
    """

    pilot_id: str
    locatie: str
    uitkomst: str
    uitkomst_label: str
    horizon: str
    groep: str
    contrast: str
    n_intervention: int
    n_comparison: int
    n_clusters: int | None
    mean_comparison: float | None
    estimate: float | None
    se: float | None
    ci_low: float | None
    ci_high: float | None
    p: float | None
    p_adjusted: float | None
    eenheid: str
    method: str
    design: str
    claim: str
    rol: str
    familie: str
    is_planned: bool
    status: str
    reading_date: date
    plan_hash: str
    leveringen: str
    waarde_status: str = ""
    reden: str = ""


@dataclass(frozen=True)
class Flow:
    """One box of the participant flow (CONSORT 2025, item 22): ``n`` of ``arm`` at ``stap``.

    ``n_lost`` is how many of the step before did not reach this one.
    """

    arm: str
    volgorde: int
    stap: str
    n: int
    n_lost: int


@dataclass(frozen=True)
class Attrition:
    """Loss to follow-up: ``arm`` is an arm, ``totaal`` or ``verschil`` (in percentage points)."""

    arm: str
    n: int
    n_lost: int
    lost_pct: float | None
    ci_low: float | None
    ci_high: float | None
    reden: str = ""


@dataclass(frozen=True)
class Balance:
    """One characteristic at the start: means (or shares in percent) per arm and their difference.

    ``smd`` is the standardised mean difference. The row ``gezamenlijk`` carries the joint test.
    """

    kenmerk: str
    categorie: str
    n_intervention: int
    n_comparison: int
    mean_intervention: float | None
    mean_comparison: float | None
    smd: float | None
    p_joint: float | None = None
    reden: str = ""


@dataclass(frozen=True)
class Missing:
    """How much of one column is missing, per arm."""

    kolom: str
    arm: str
    n: int
    n_missing: int
    missing_pct: float


@dataclass(frozen=True)
class Heterogeneity:
    """The interaction test of one planned subgroup: do the estimates differ between its groups?"""

    uitkomst: str
    kenmerk: str
    groepen: str
    n_groups: int
    f_statistic: float | None
    p_interaction: float | None
    reden: str = ""


def columns(row_type: type) -> tuple[str, ...]:
    """Column names of a row type, in order."""
    return tuple(field.name for field in fields(row_type))
