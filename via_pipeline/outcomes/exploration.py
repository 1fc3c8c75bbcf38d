"""Questions that were not in the analysis plan when it was locked: asked later, marked for ever.

Belongs here: reading ``plans/verkennend/*.yaml`` and holding each question to the plan of its site.
Does not belong here: the plan (``plan``), the methods (``methods``).

A question that comes up later is not refused, since it may be a good one; it is kept apart. It is
computed at the readings from the day on which it was asked, its rows say ``is_planned = false``
and their sentence says so, groups are not compared for it, and it shares no family with the plan.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from via_pipeline.contracts.declared import Declared, Name, read
from via_pipeline.outcomes.plan import PLANS, AnalysisPlan, Outcome, PlanError, Role, Text

FOLDER = "verkennend"


class Exploration(Declared):
    """One file: questions put to one site on one day, and why."""

    pilot_id: Annotated[str, StringConstraints(pattern=r"^P[1-8]$")]
    locatie: Name
    asked_on: date
    why: Text
    outcomes: tuple[Outcome, ...] = Field(min_length=1)

    @property
    def sha256(self) -> str:
        """Hash of what the file says (canonical JSON)."""
        said = self.model_dump(mode="json", exclude_defaults=True)
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def of(plan: AnalysisPlan, plans: Path = PLANS) -> list[Exploration]:
    """The explorations of the plan's site, by day and content.

    Raises:
        PlanError: a file is wrong, asks before the plan was locked, asks something twice, calls a
            question primary, joins a family of the plan, or asks what the design does not allow.
    """
    found = []
    names = {outcome.name for outcome in plan.outcomes}
    families = {outcome.family for outcome in plan.outcomes if outcome.family}
    for path in sorted((plans / FOLDER).glob("*.yaml")):
        one = read(path, Exploration, PlanError)
        if (one.pilot_id, one.locatie) != (plan.pilot_id, plan.locatie):
            continue
        if one.asked_on < plan.locked_on:
            raise PlanError(f"{path.name}: asked before the plan was locked; it belongs there")
        for outcome in one.outcomes:
            if outcome.name in names:
                raise PlanError(f"{path.name}: {outcome.name} is asked already")
            if outcome.role is Role.PRIMARY or outcome.family in families:
                raise PlanError(f"{path.name}: {outcome.name} cannot join what was planned")
            try:
                plan.check(outcome)
            except ValueError as error:
                raise PlanError(f"{path.name}: {error}") from error
            names.add(outcome.name)
        found.append(one)
    return sorted(found, key=lambda one: (one.asked_on, one.sha256))


def without_plan(plans: list[AnalysisPlan], folder: Path = PLANS) -> list[str]:
    """Files about a site that has no plan, by name: nothing would ever be computed for them."""
    sites = {(plan.pilot_id, plan.locatie) for plan in plans}
    lost = []
    for path in sorted((folder / FOLDER).glob("*.yaml")):
        one = read(path, Exploration, PlanError)
        if (one.pilot_id, one.locatie) not in sites:
            lost.append(path.name)
    return lost
