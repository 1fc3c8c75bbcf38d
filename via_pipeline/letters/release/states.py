"""The states of an edition's revision, and the actions between them, read from
``transitions.yaml``.

Belongs here: that file as typed values. Does not belong here: what an action does, or what else it
asks (``dossier``).
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from via_pipeline.contracts.declared import Declared, read

TRANSITIONS = Path(__file__).parent / "transitions.yaml"


class TransitionError(ValueError):
    """``transitions.yaml`` does not say what it must."""


class State(StrEnum):
    """Where a revision stands."""

    CONCEPT = "concept"
    SUBMITTED = "ingediend"
    IN_REVIEW = "in_controle"
    APPROVED = "goedgekeurd"
    PUBLISHED = "gepubliceerd"
    RETURNED = "teruggestuurd"
    WITHDRAWN = "ingetrokken"


class Role(StrEnum):
    """Who may take an action. ``GATE``: nobody, it follows from the votes."""

    ANYONE = "iedereen"
    AUTHOR = "auteur"
    CHECKER = "controleur"
    GATE = "poort"


class Action(StrEnum):
    """What can be done; the names of ``transitions.yaml``."""

    SUBMIT = "indienen"
    ASSIGN = "toewijzen"
    SCREEN = "screenen"
    VIEW = "bekijken"
    TICK = "afvinken"
    VOTE = "stemmen"
    OPEN = "openen"
    REVOTE = "stemronde"
    APPROVE = "goedkeuren"
    REJECT = "afkeuren"
    RETURN = "terugsturen"
    PUBLISH = "publiceren"
    WITHDRAW = "intrekken"
    RETRACT = "terugtrekken"
    REVISE = "herzien"


class Transition(Declared):
    """One action: the states it starts from, the state it leads to (None: it stays), who, why."""

    start: Annotated[tuple[State, ...], Field(min_length=1, alias="from")]
    to: State | None = None
    by: Annotated[tuple[Role, ...], Field(min_length=1)]
    reason: Literal["none", "internal", "public"] = "none"


@cache
def transitions(path: Path = TRANSITIONS) -> dict[Action, Transition]:
    """Every action with its transition.

    Raises:
        TransitionError: the file is not valid, or an action has no entry.
    """
    found: dict[Action, Transition] = read(path, dict[Action, Transition], TransitionError)
    missing = sorted(set(Action) - set(found))
    if missing:
        raise TransitionError(f"{path.name} does not tell of {', '.join(missing)}")
    return found
