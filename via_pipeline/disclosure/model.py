"""The model over rule sets and datasets: what may be said in those files, read and checked.

Belongs here: ``rules/*.yaml`` and ``datasets.yaml`` as typed values. Does not belong here: applying
them (``needs``, ``release``, ``protect``).
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic import model_validator as validator

from via_pipeline.contracts.declared import Declared, Name, read

_HERE = Path(__file__).parent
RULES = _HERE / "rules"
DATASETS = _HERE / "datasets.yaml"
PREFIX = "disclosure__"
_SECOND = 2


class RuleSetError(ValueError):
    """A file of rules or datasets that does not say what it must; the message names the file."""


class Status(StrEnum):
    """Why a value is NULL; a normal value has no status."""

    NOT_APPLICABLE = "z"
    UNAVAILABLE = "x"
    CONFIDENTIAL = "c"
    ROUNDS_TO_ZERO = "k"
    UNRELIABLE = "u"


class RuleKind(StrEnum):
    """What a rule looks at.

    ``minimum_count``: the number of observations (denominator, or the count itself).
    ``minimum_numerator`` / ``minimum_remainder``: those who count in a share, and those who do not.
    ``minimum_denominator``: a share's denominator. ``minimum_observations``: what a mean rests on.
    ``minimum_whole``: the count of the whole that a row is part of (``within``).
    ``whole_group``: a share of 0% or 100%, which tells something of everybody in the group.
    ``dominance``: a mean to whose sum the ``n`` largest contributions give more than ``k`` per
    cent. ``p_percent``: a mean of which whoever has the second largest contribution can tell the
    largest to within ``p`` per cent. Both look at the sum behind the mean, and need the largest
    contributions from the source (``contributions`` of the dataset).
    """

    COUNT = "minimum_count"
    NUMERATOR = "minimum_numerator"
    REMAINDER = "minimum_remainder"
    DENOMINATOR = "minimum_denominator"
    OBSERVATIONS = "minimum_observations"
    WHOLE = "minimum_whole"
    WHOLE_GROUP = "whole_group"
    DOMINANCE = "dominance"
    P_PERCENT = "p_percent"


_PARAMETERS = {
    RuleKind.WHOLE_GROUP: set(),
    RuleKind.WHOLE: {"minimum", "within"},
    RuleKind.DOMINANCE: {"n", "k"},
    RuleKind.P_PERCENT: {"p"},
}
"""What each kind must be given; all others their minimum."""


class Zeros(StrEnum):
    """What a count of zero tells: that nobody of a group is there, or nothing that was not known.

    The words of tau-ARGUS ("zero safe") and GaussSuppression (``protectZeros``). A zero that could
    not have been anything else is no secret either way: see ``Impossible``.
    """

    DISCLOSING = "disclosing"
    HARMLESS = "harmless"


class Rounding(StrEnum):
    """To which number of its interval a count goes: the nearest multiple of the base, or the middle
    of the interval up to the next multiple, which never makes a zero of somebody.
    """

    NEAREST = "nearest"
    MIDPOINT = "midpoint"


class Hides(StrEnum):
    """What goes dark with one of the parts that make up a whole (three percentages of 100).

    ``two``: as many parts as it takes, at least one besides. ``row``: all of them, and the whole.
    """

    TWO = "two"
    ROW = "row"


class Rule(Declared):
    """One rule.

    ``published_as``: a name of its own for the outside, only where the table tells anyway that this
    rule was broken; else the rule set's name is told, which also covers what was hidden to protect
    something else. A name that told the two apart would tell the size. ``zeros`` goes with
    ``minimum_count``; ``n``, ``k`` and ``p`` with the rules of magnitudes.
    """

    id: Name
    kind: RuleKind
    minimum: Annotated[int, Field(ge=0)] = 0
    within: tuple[str, ...] = ()
    zeros: Zeros = Zeros.DISCLOSING
    n: Annotated[int, Field(ge=0)] = 0
    k: Annotated[int, Field(ge=0, lt=100)] = 0
    p: Annotated[int, Field(ge=0)] = 0
    status: Status = Status.CONFIDENTIAL
    published_as: Name | None = None

    @validator(mode="after")
    def _fits_its_kind(self) -> Self:
        wanted = _PARAMETERS.get(self.kind, {"minimum"})
        given = {name for name in ("minimum", "within", "n", "k", "p") if getattr(self, name)}
        if given != wanted:
            raise ValueError(
                f"rule {self.id}: a rule of kind {self.kind} has {sorted(wanted) or 'no bound'}, "
                f"here stands {sorted(given) or 'none'}"
            )
        if self.zeros is Zeros.HARMLESS and self.kind is not RuleKind.COUNT:
            raise ValueError(f"rule {self.id}: 'zeros' goes with minimum_count only")
        return self

    @property
    def contributions(self) -> int:
        """How many of the largest contributions the rule looks at; 0 for rules of counts."""
        return {RuleKind.DOMINANCE: self.n, RuleKind.P_PERCENT: _SECOND}.get(self.kind, 0)


class RuleSet(Declared):
    """Rules that go together. ``published_as`` is what is told of every figure that they hide, or
    hide to protect another; ``rounding`` the base to which published counts are rounded, and
    ``rounded_to`` where in that interval; ``hides`` what goes dark with one part of a whole.

    ``width``: how far apart the lowest and the highest value must lie that stay possible for a
    hidden number of people, hidden by a rule or to protect another: outside they look the same.
    One is "never exactly". It is published with the tables, and the attack holds us to it.
    """

    name: Name
    title: str
    description: str
    source: str
    published_as: Name
    rules: tuple[Rule, ...]
    rounding: Annotated[int, Field(ge=1)] = 1
    rounded_to: Rounding = Rounding.NEAREST
    width: Annotated[int, Field(ge=1)] = 1
    hides: Hides = Hides.TWO

    def minimum(self, *kinds: RuleKind) -> int:
        """The highest minimum among the rules of these kinds; 0 where there is none."""
        return max((rule.minimum for rule in self.rules if rule.kind in kinds), default=0)


class Sites(Declared):
    """A column whose values add up to the row where it holds ``whole``.

    ``know_their_own``: each site has its own figures whatever is published, and is an attacker.
    """

    column: str
    whole: str
    know_their_own: bool = True


class Detail(Declared):
    """Sites are broken down only where they count at least ``minimum``; else their whole is told.

    ``within``: the key columns that rows of one site and period share.
    """

    minimum: Annotated[int, Field(ge=1)]
    within: Annotated[tuple[str, ...], Field(min_length=1)]


class Breakdown(Declared):
    """A pair of columns: the kind of group (``names``) and the group (``values``)."""

    names: str
    values: str
    whole: str
    joined_by: str


class Withheld(Declared):
    """Rows whose ``column`` holds ``code``: figures that exist but were never computed."""

    column: str
    code: str


class Inside(Declared):
    """Rows about a part of a population that has rows of its own: an organisation in its sector.

    ``column`` (of the source, never published: its name begins with _) holds the values of
    ``names`` of the larger population, joined by a slash, where that is shown beside the row. Rows
    that agree in ``by`` are about the same thing. What the parts leave of the whole is a rest.
    """

    column: Annotated[str, StringConstraints(pattern=r"^_")]
    names: Annotated[tuple[str, ...], Field(min_length=1)]
    by: Annotated[tuple[str, ...], Field(min_length=1)]


class Compared(Declared):
    """Columns that are worked out from a second row as well, and are hidden where that row is.

    ``column`` (of the source, never published) holds the key of that row of dataset ``to``, its
    values joined by a slash; empty where there is no second row.
    """

    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    to: Name
    column: Annotated[str, StringConstraints(pattern=r"^_")]


class Arm(Declared):
    """One side of a comparison: the column of its count, and of those who have the outcome.

    ``numerator`` is a column of the source that is never published (its name begins with _).
    """

    count: str
    numerator: Annotated[str, StringConstraints(pattern=r"^_")]


class TieKind(StrEnum):
    """How a figure hangs together with figures of another dataset.

    ``is``: it counts the same people as they do together, up to a rest of people who are in the one
    and not in the other; that rest is a count of people as well. ``contains``: everybody in one of
    theirs is in it.
    """

    IS = "is"
    CONTAINS = "contains"


class Link(Declared):
    """Where the same people stand in another dataset.

    ``when`` gives values of key columns that a row must have; ``of`` is the figure that is tied:
    ``n``, ``teller``, ``overige`` (those who do not count), or of an arm the name of its count,
    with ``/teller`` for those who count. ``to`` names the other dataset and ``at`` what its key
    columns hold, with ``{column}`` for a value of the row's own key; ``_arm`` is the number of an
    arm. Rows of the other dataset that differ in columns not named are added up (``is``) or taken
    one by one (``contains``). Only rows over no other deliveries than the own row's count, where
    it names any. ``rest`` says what those are who stand in one of the two only: people as in
    ``of``, unless named.
    """

    tie: TieKind
    of: str = "n"
    when: dict[str, str] = Field(default_factory=dict)
    to: Name
    at: Annotated[dict[str, str], Field(min_length=1)]
    counts: Annotated[str, StringConstraints(pattern=r"^(n|teller|overige)$")] = "n"
    rest: Annotated[str, StringConstraints(pattern=r"^(n|teller|overige)$")] | None = None


class Impossible(Declared):
    """Rows where a zero could not be anything else: what key columns hold there, and why.

    ``of``: the count itself (``n``), or those who count in a share (``teller``). Everybody knows
    such a zero; it is told as "not applicable" and hides nothing.
    """

    where: Annotated[dict[str, str], Field(min_length=1)]
    of: Annotated[str, StringConstraints(pattern=r"^(n|teller)$")]
    because: Annotated[str, StringConstraints(min_length=1)]


class Dataset(Declared):
    """One published dataset; the comment in ``datasets.yaml`` explains each field."""

    name: Name
    source: Name
    ruleset: Name
    only: Annotated[str, Field(min_length=1)] | None = None
    key: Annotated[tuple[str, ...], Field(min_length=1)]
    measure: tuple[str, ...] = ()
    count: str | None = None
    numerator: str | None = None
    value: str | None = None
    kind: str | None = None
    sites: Sites | None = None
    breakdown: Breakdown | None = None
    detail: Detail | None = None
    parts_of_n: str | None = None
    absent_when_zero: str | None = None
    withheld: Withheld | None = None
    together: tuple[str, ...] = ()
    inside: Inside | None = None
    compared: Compared | None = None
    arms: tuple[Arm, ...] = ()
    along: tuple[str, ...] = ()
    has_status: bool = False
    steps: tuple[tuple[str, ...], ...] = ()
    again_along: str | None = None
    links: tuple[Link, ...] = ()
    deliveries: str | None = None
    rests_on: str | None = None
    contributions: tuple[Annotated[str, StringConstraints(pattern=r"^_")], ...] = ()
    impossible: tuple[Impossible, ...] = ()

    @validator(mode="after")
    def _names_its_own_key(self) -> Self:
        for one in self.impossible:
            if unknown := sorted(set(one.where) - set(self.key)):
                raise ValueError(
                    f"dataset {self.name}: 'impossible' names no key column: {unknown}"
                )
        return self

    @property
    def table(self) -> str:
        """Name of the table with what may be published."""
        return PREFIX + self.name

    @property
    def numbers(self) -> tuple[str, ...]:
        """Columns that hold a figure which may have to be hidden."""
        own = tuple(name for name in (self.count, self.numerator, self.value) if name)
        beside = self.compared.columns if self.compared else ()
        return (*own, *(arm.count for arm in self.arms), *self.along, *beside)


def _with_names(said: Any) -> Any:
    """Entries that carry the name that they stand under."""
    if not isinstance(said, dict):
        return said
    return {
        name: {"name": name, **entry} if isinstance(entry, dict) else entry
        for name, entry in said.items()
    }


_Datasets = Annotated[dict[Name, Dataset], BeforeValidator(_with_names)]


def load_ruleset(name: str, folder: Path = RULES) -> RuleSet:
    """The rule set of that name.

    Raises:
        RuleSetError: the file is not valid, or is named otherwise inside.
        FileNotFoundError: there is no such rule set.
    """
    path = folder / f"{name}.yaml"
    found = read(path, RuleSet, RuleSetError)
    if found.name != name:
        raise RuleSetError(f"{path.name} is named {found.name} inside")
    return found


def load_datasets(path: Path = DATASETS) -> list[Dataset]:
    """Every published dataset, in the order of the file.

    Raises:
        RuleSetError: the file is not valid.
    """
    return list(read(path, _Datasets, RuleSetError).values())


def load_dataset(name: str, path: Path = DATASETS) -> Dataset:
    """The dataset of that name.

    Raises:
        KeyError: it is not published.
    """
    return {dataset.name: dataset for dataset in load_datasets(path)}[name]
