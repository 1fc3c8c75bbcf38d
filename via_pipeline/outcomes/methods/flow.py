"""Who was there, who dropped out, what is missing: the frame around an estimate.

Belongs here: counts per arm (CONSORT 2025 flow, attrition, missing data). Does not belong here:
estimates of the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from via_pipeline.outcomes.methods import shares
from via_pipeline.outcomes.methods.rows import Attrition, Flow, Missing, Withheld

TOTAL = "totaal"
DIFFERENCE = "verschil"


def participant_flow(
    frame: pd.DataFrame,
    *,
    arm: str,
    arms: Sequence[str],
    steps: Mapping[str, pd.Series],
    many: pd.Series | None = None,
) -> list[Flow]:
    """Counts per arm at each step, in order; one row of ``frame`` is one participant.

    Or as many as ``many`` says of it.

    ``steps`` maps the Dutch name of a step to a boolean series on ``frame``; who is not at a step
    is at none after it (Hopewell and others 2025, CONSORT 2025, doi 10.1136/bmj-2024-081123).
    """
    rows = []
    for name in arms:
        present = frame[arm] == name
        before = _size(present, many)
        rows.append(Flow(name, 0, "toegewezen", before, 0))
        for place, (step, mask) in enumerate(steps.items(), start=1):
            present = present & mask.fillna(False).astype(bool)
            now = _size(present, many)
            rows.append(Flow(name, place, step, now, before - now))
            before = now
    return rows


def attrition(frame: pd.DataFrame, *, arm: str, arms: Sequence[str], lost: str) -> list[Attrition]:
    """Loss to follow-up overall, by arm (intervention first), and the difference between arms."""
    known = frame[frame[arm].isin(list(arms))]
    is_lost = known[lost].astype(bool)
    rows = []
    for name in [TOTAL, *arms]:
        here = is_lost if name == TOTAL else is_lost[known[arm] == name]
        rows.append(_lost(name, int(here.sum()), len(here)))
    one, zero = (is_lost[known[arm] == name] for name in arms)
    result = shares.difference(int(one.sum()), len(one), int(zero.sum()), len(zero))
    if isinstance(result, Withheld):
        rows.append(
            Attrition(
                DIFFERENCE, len(known), int(is_lost.sum()), None, None, None, reden=result.reason
            )
        )
    else:
        rows.append(
            Attrition(
                DIFFERENCE,
                len(known),
                int(is_lost.sum()),
                result.estimate,
                result.ci_low,
                result.ci_high,
            )
        )
    return rows


def missing(
    frame: pd.DataFrame,
    *,
    arm: str,
    arms: Sequence[str],
    columns: Sequence[str],
    many: pd.Series | None = None,
) -> list[Missing]:
    """How many values of each column are missing, per arm; a row stands for ``many``, else one."""
    rows = []
    for column in columns:
        for name in arms:
            here = frame[arm] == name
            n, gone = _size(here, many), _size(here & frame[column].isna(), many)
            rows.append(Missing(column, name, n, gone, 100 * gone / n if n else 0.0))
    return rows


def missing_statement(rows: Sequence[Missing]) -> str:
    """The Dutch sentence on missing data that goes with a table of estimates."""
    from via_pipeline.outcomes.wording import number

    worst = max(rows, key=lambda row: row.missing_pct, default=None)
    if worst is None or worst.n_missing == 0:
        return "Er ontbreken geen waarden in de gebruikte kolommen."
    return (
        "Rijen met een ontbrekende waarde tellen niet mee; er is niets ingevuld (geen imputatie). "
        f"Het meest ontbreekt in {worst.kolom} ({worst.arm}): {worst.n_missing} van {worst.n} "
        f"({number(worst.missing_pct)} procent)."
    )


def _size(chosen: pd.Series, many: pd.Series | None) -> int:
    """How many participants the chosen rows stand for."""
    return int(chosen.sum() if many is None else many[chosen].sum())


def _lost(name: str, gone: int, n: int) -> Attrition:
    result = shares.share(gone, n)
    if isinstance(result, Withheld):
        return Attrition(name, n, gone, None, None, None, reden=result.reason)
    return Attrition(name, n, gone, result.estimate, result.ci_low, result.ci_high)
