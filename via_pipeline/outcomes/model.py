"""The model over a file of measures: what may be said in it, and that it is said rightly.

Belongs here: reading and checking ``measures/<source>.yaml``. Does not belong here: SQL
(``compute``). A new pilot needs a file and no Python.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from via_pipeline.contracts.declared import Declared, Name, read

PERIOD_OF_DELIVERY = "levering['periode']"
"""The ``periode`` of a plan whose deliveries hold one period each."""

MEASURES = Path(__file__).parent / "measures"

Sql = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class MeasureError(ValueError):
    """A file of measures that does not say what it must; the message names the file."""


class Kind(StrEnum):
    """What a measure is: a share, a mean, or a count."""

    SHARE = "aandeel"
    MEAN = "gemiddelde"
    COUNT = "aantal"


class Measure(Declared):
    """One figure.

    ``of`` is an SQL predicate: the rows that the figure is about (NULL counts as no). A share has
    ``predicate``, true for the rows that count in the numerator; a mean has ``expression``, a
    number; a row where either is NULL is no part of the figure. A count counts rows, or what is
    distinct in ``distinct``, where ``{persoon}`` stands for the pseudonym of the table's person.
    """

    id: Name
    label: str
    kind: Kind
    unit: str
    of: Sql = "true"
    predicate: Sql | None = None
    expression: Sql | None = None
    distinct: Sql | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        given = {name for name in ("predicate", "expression", "distinct") if getattr(self, name)}
        wanted = {
            Kind.SHARE: {"predicate"},
            Kind.MEAN: {"expression"},
            Kind.COUNT: given & {"distinct"},
        }[self.kind]
        if given != wanted:
            raise ValueError(f"measure {self.id}: a {self.kind} takes {sorted(wanted) or 'none'}")
        return self


class Plan(Declared):
    """The measures of one source.

    ``table`` is the conformed table that the rows come from; ``relation`` is SQL in its place,
    with the same ``_delivery`` (a join, say). ``locatie`` and ``periode`` are SQL over a row and
    ``levering``, the map of its delivery's key. Without ``locatie`` the pilot is one site.
    ``dimensions`` are named SQL expressions; each of ``groups`` lists some of them, and an empty
    list is the total.
    """

    pilot_id: Annotated[str, StringConstraints(pattern=r"^P[1-9][0-9]?$")]
    source: Name
    table: Name
    relation: Sql | None = None
    filters: tuple[Sql, ...] = ()
    locatie: Sql | None = None
    periode: Sql
    dimensions: dict[Name, Sql] = Field(default_factory=dict)
    groups: Annotated[list[list[Name]], Field(min_length=1)]
    measures: Annotated[list[Measure], Field(min_length=1)]

    @property
    def is_per_delivery_period(self) -> bool:
        """Whether every row of a delivery falls in one period, that of the delivery's key.

        Then no figure looks at deliveries of two periods, for every group is of one period.
        """
        return self.periode == PERIOD_OF_DELIVERY

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        for group in self.groups:
            if unknown := set(group) - set(self.dimensions):
                raise ValueError(f"groups name unknown dimensions {sorted(unknown)}")
            if len(set(group)) != len(group):
                raise ValueError(f"group {group} names a dimension twice")
        if len({frozenset(group) for group in self.groups}) != len(self.groups):
            raise ValueError("two groups are the same")
        ids = [measure.id for measure in self.measures]
        if len(set(ids)) != len(ids):
            raise ValueError("two measures share an id")
        return self


def names(folder: Path = MEASURES) -> list[str]:
    """Sources that have measures, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load(source: str, folder: Path = MEASURES) -> Plan:
    """The measures of ``source``.

    Raises:
        MeasureError: the file is not valid, or is named after another source.
        FileNotFoundError: the source has no measures.
    """
    path = folder / f"{source}.yaml"
    plan = read(path, Plan, MeasureError)
    if plan.source != source:
        raise MeasureError(f"{path.name} is about {plan.source}")
    return plan
