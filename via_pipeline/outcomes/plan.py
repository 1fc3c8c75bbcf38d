"""The analysis plan of a site: what is asked of its data, fixed before the data are read.

Belongs here: reading, checking and hashing ``plans/*.yaml``. Does not belong here: the methods
(``methods``), the plain counts (``measures``), and targets (the register keeps those).

A plan is locked on ``locked_on``. Its hash is that of what it says, not of its bytes: a comment or
an order of keys changes nothing, a covariate does. Both travel with every result.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from via_pipeline.contracts.declared import Declared, Name, read
from via_pipeline.outcomes.methods.registry import (
    RULES,
    Assignment,
    Claim,
    Design,
    Method,
    allows,
    claim_of,
    strongest,
)
from via_pipeline.outcomes.methods.trial import MINIMUM_PER_ARM
from via_pipeline.outcomes.wording import LOG_ODDS, PERCENT, PERCENTAGE_POINTS, causal_words

PLANS = Path(__file__).parent / "plans"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_MOMENTS = (Method.VERSCHIL_IN_VERSCHILLEN, Method.LADDER)
_SPELLS = (Method.BEPERKTE_DUUR, Method.INCIDENTIE)
_ONE_GROUP = (Method.AANDEEL, Method.DOELBEREIK)
_UNITS = {
    Method.LADDER: LOG_ODDS,
    Method.INCIDENTIE: PERCENTAGE_POINTS,
    Method.RISICOVERSCHIL: PERCENTAGE_POINTS,
    Method.VERSCHIL_AANDELEN: PERCENTAGE_POINTS,
    Method.AANDEEL: PERCENT,
    Method.DOELBEREIK: PERCENT,
}


class PlanError(ValueError):
    """A plan that says too little, or more than it may; the message names the file."""


class Role(StrEnum):
    """The place of an outcome in the plan."""

    PRIMARY = "primair"
    SECONDARY = "secundair"


class Status(StrEnum):
    """How final the figures of a reading date are."""

    VOORLOPIG = "voorlopig"
    NADER_VOORLOPIG = "nader_voorlopig"
    DEFINITIEF = "definitief"


class Arms(Declared):
    """Which values of which column are compared; ``contrast`` says so in Dutch."""

    column: Name
    intervention: tuple[Text, ...] = Field(min_length=1)
    comparison: tuple[Text, ...] = Field(min_length=1)
    contrast: Text

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if shared := set(self.intervention) & set(self.comparison):
            raise ValueError(f"values in both arms: {sorted(shared)}")
        return self


class Outcome(Declared):
    """One question.

    ``column`` is the outcome in the plan's relation (for spells: their duration). ``where`` keeps
    rows whose column has one of the values. ``base`` and ``last`` are measurement moments,
    ``horizon_days`` and ``reason`` belong to spells, ``target`` names a ``maat`` of the register's
    targets. ``event`` is the day around which a change is compared, ``date_column`` the column that
    says when a row was measured (default: that of the plan's moments). ``arm`` overrides the
    plan's. ``by`` lists columns by which a share is also given.
    """

    name: Name
    label: Text
    role: Role
    estimand: Text
    horizon: Text
    column: Name
    unit: Text
    method: Method
    family: str = ""
    where: dict[Name, tuple[Text, ...]] = Field(default_factory=dict)
    arm: Arms | None = None
    base: str | int | None = None
    last: str | int | None = None
    horizon_days: int | None = Field(default=None, gt=0)
    reason: Text | None = None
    target: Name | None = None
    date_column: Name | None = None
    event: date | None = None
    by: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.method in _MOMENTS and (self.base is None or self.last is None):
            raise ValueError(f"{self.name}: method {self.method} needs base and last")
        if self.method in _SPELLS and self.horizon_days is None:
            raise ValueError(f"{self.name}: method {self.method} needs horizon_days")
        if self.method is Method.INCIDENTIE and self.reason is None:
            raise ValueError(f"{self.name}: method {self.method} needs a reason")
        if self.method is Method.DOELBEREIK and self.target is None:
            raise ValueError(f"{self.name}: method {self.method} needs a target")
        if (self.method is Method.ROND_GEBEURTENIS) != (self.event is not None):
            raise ValueError(f"{self.name}: an event goes with {Method.ROND_GEBEURTENIS}")
        wanted = _UNITS.get(self.method)
        if wanted is not None and self.unit != wanted:
            raise ValueError(f"{self.name}: method {self.method} gives {wanted}, not {self.unit}")
        return self

    @property
    def scale(self) -> float:
        """What a 0/1 outcome is multiplied by."""
        return 100.0 if self.unit in (PERCENTAGE_POINTS, PERCENT) else 1.0


class Subgroup(Declared):
    """A characteristic whose groups are estimated apart and compared by one interaction test."""

    column: Name
    values: tuple[Text, ...] = Field(min_length=2)


class Reading(Declared):
    """A day on which estimates are made, and how final they then are."""

    date: date
    status: Status


class Event(Declared):
    """Something dated that a reader must know (an interruption, another way of contact)."""

    date: date
    label: Text


class Moments(Declared):
    """The columns that say at which moment, and when, a row was measured."""

    column: Name
    date: Name | None = None


class Spell(Declared):
    """The column with the reason of exit (empty while the spell runs), and all its reasons."""

    reason: Name
    reasons: tuple[Text, ...] = Field(min_length=1)


class Transitions(Declared):
    """The columns of a yearly panel whose moves between states are described."""

    period: Name
    state: Name
    group: Name
    has_left: Name
    label: Text


class AnalysisPlan(Declared):
    """One file of ``plans``. ``relation`` is SQL over the catalog's views (``pilots.catalog``)."""

    pilot_id: Annotated[str, StringConstraints(pattern=r"^P[1-8]$")]
    locatie: Name
    title: Text
    locked_on: date
    design: Design
    assignment: Assignment
    assignment_note: Text
    claim: Claim
    relation: Text
    unit: tuple[Name, ...] = Field(min_length=1)
    arm: Arms | None = None
    cluster: tuple[Name, ...] = ()
    strata: tuple[Name, ...] = ()
    covariates: tuple[Name, ...] = ()
    moments: Moments | None = None
    spell: Spell | None = None
    transitions: Transitions | None = None
    outcomes: tuple[Outcome, ...] = Field(min_length=1)
    subgroups: tuple[Subgroup, ...] = ()
    readings: tuple[Reading, ...] = Field(min_length=1)
    events: tuple[Event, ...] = ()
    minimum_per_arm: int = Field(default=MINIMUM_PER_ARM, ge=MINIMUM_PER_ARM)
    drops_singletons: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        most = strongest(self.design, self.assignment)
        if not allows(most, self.claim):
            raise ValueError(
                f"claim '{self.claim}' is stronger than design '{self.design}' with assignment "
                f"'{self.assignment}' carries ('{most}')"
            )
        names = [outcome.name for outcome in self.outcomes]
        if len(set(names)) != len(names):
            raise ValueError("two outcomes have the same name")
        days = [reading.date for reading in self.readings]
        if days != sorted(set(days)):
            raise ValueError("readings must be in order of date, each once")
        if self.locked_on > days[0]:
            raise ValueError("the plan was locked after its first reading date")
        for outcome in self.outcomes:
            self.check(outcome)
        return self

    def check(self, outcome: Outcome) -> None:
        """Hold a question, planned or not, to the site's design and to the words of its claim.

        Raises:
            ValueError: the design does not allow it, or the plan lacks what its method needs.
        """
        if outcome.method not in RULES[self.design].methods:
            raise ValueError(
                f"{outcome.name}: design '{self.design}' does not allow '{outcome.method}'"
            )
        if outcome.method not in _ONE_GROUP and self.arm_of(outcome) is None:
            raise ValueError(f"{outcome.name}: there are no arms to compare")
        if outcome.method in _MOMENTS and self.moments is None:
            raise ValueError(f"{outcome.name}: the plan names no moments")
        if outcome.method in _SPELLS and self.spell is None:
            raise ValueError(f"{outcome.name}: the plan names no spell")
        if outcome.event is not None and self.date_of(outcome) is None:
            raise ValueError(f"{outcome.name}: no column says when a row was measured")
        if outcome.reason is not None and self.spell and outcome.reason not in self.spell.reasons:
            raise ValueError(f"{outcome.name}: unknown reason '{outcome.reason}'")
        arm = self.arm_of(outcome)
        text = " ".join([outcome.label, outcome.horizon, arm.contrast if arm else ""])
        if claim_of(outcome.method, self.claim) is not Claim.CAUSAAL and (
            found := causal_words(text)
        ):
            raise ValueError(f"{outcome.name}: causal words in a non-causal plan: {found}")

    def arm_of(self, outcome: Outcome) -> Arms | None:
        """The arms of ``outcome``: its own, else the plan's."""
        return outcome.arm or self.arm

    def date_of(self, outcome: Outcome) -> str | None:
        """The column with the day of a row's measurement; None where no question needs it."""
        if outcome.event is None:
            return None
        return outcome.date_column or (self.moments.date if self.moments else None)

    def reading_on(self, day: date) -> Reading | None:
        """The reading of exactly ``day``; None on any other day, when no estimate is made."""
        return next((reading for reading in self.readings if reading.date == day), None)

    def last_reading(self, day: date) -> Reading | None:
        """The last reading on or before ``day``: what an edition of that day may show."""
        passed = [reading for reading in self.readings if reading.date <= day]
        return passed[-1] if passed else None

    @property
    def sha256(self) -> str:
        """Hash of what the plan says (canonical JSON); what it leaves out is no part of it.

        So a field that plans may have later on does not change the hash of one locked today.
        """
        said = self.model_dump(mode="json", exclude_defaults=True)
        text = json.dumps(said, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()


def load(path: Path) -> AnalysisPlan:
    """The plan in ``path``.

    Raises:
        PlanError: the file is not YAML, or a rule of the model is broken; every problem is told.
    """
    return read(path, AnalysisPlan, PlanError)


def load_all(plans: Path = PLANS) -> list[AnalysisPlan]:
    """Every plan, ordered by pilot and site.

    Raises:
        PlanError: a plan is wrong, or two plans are about the same site.
    """
    found = [load(path) for path in sorted(plans.glob("*.yaml"))]
    sites = [(plan.pilot_id, plan.locatie) for plan in found]
    if len(set(sites)) != len(sites):
        twice = sorted({site for site in sites if sites.count(site) > 1})
        raise PlanError(f"two plans for one site: {twice}")
    return sorted(found, key=lambda plan: (plan.pilot_id, plan.locatie))
