"""Which figures are too revealing by themselves, as functions of data.

Belongs here: one small class a rule. A rule looks at a union of cells, of which one cell is the
simplest case: what hidden cells are together can be known from a published total, and must be as
harmless as a figure that is shown. Does not belong here: protecting what was found (``protect``).

Sources: frequency, (n,k), p% and zeros as in Hundepool et al., Statistical Disclosure Control
(2012), chapter 4; the p% rule in the form of tau-ARGUS: the second contributor must not come
within p per cent of the largest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil
from typing import Protocol

from via_pipeline.disclosure.engine.problem import Cell, Name, Need, Relation


class Rule(Protocol):
    """What every rule can say."""

    def is_sensitive(self, cells: Sequence[Cell]) -> bool:
        """Whether these cells, taken together, may not be known."""

    def need(self, cell: Cell) -> Need:
        """How well one such cell must be protected."""


class Zeros(StrEnum):
    """What a zero tells: nothing that was not known, or that nobody of a group is in the cell."""

    HARMLESS = "harmless"
    DISCLOSING = "disclosing"


@dataclass(frozen=True)
class Frequency:
    """Fewer than ``minimum`` observations. A structural zero is never sensitive.

    ``width`` is how many units the possible values must span: 1 says "never exactly", as sdcTable
    does for its frequency rule.
    """

    minimum: int
    zeros: Zeros = Zeros.HARMLESS
    width: int = 1

    def is_sensitive(self, cells: Sequence[Cell]) -> bool:
        """See ``Rule``."""
        count = sum(cell.value for cell in cells)
        if count == 0:
            free = [cell for cell in cells if not cell.is_structural]
            return bool(free) and self.zeros is Zeros.DISCLOSING
        return 0 < count < self.minimum

    def need(self, cell: Cell) -> Need:
        """See ``Rule``."""
        return Need(sliding=self.width)


@dataclass(frozen=True)
class Contributors:
    """Fewer than ``minimum`` contributors: with two, all but one knows the other's figure."""

    minimum: int = 3

    def is_sensitive(self, cells: Sequence[Cell]) -> bool:
        """See ``Rule``."""
        return 0 < len(_merged(cells)) < self.minimum

    def need(self, cell: Cell) -> Need:
        """See ``Rule``."""
        return Need(sliding=1)


@dataclass(frozen=True)
class Dominance:
    """(n,k): the largest ``n`` contributors have more than ``k`` per cent of the total."""

    n: int
    k: int

    def is_sensitive(self, cells: Sequence[Cell]) -> bool:
        """See ``Rule``."""
        total = sum(cell.value for cell in cells)
        return total > 0 and 100 * sum(_merged(cells)[: self.n]) > self.k * total

    def need(self, cell: Cell) -> Need:
        """Up to where the largest would be ``k`` per cent; the interval of tau-ARGUS."""
        upper = ceil(sum(_merged([cell])[: self.n]) * 100 / self.k) - cell.value
        return Need(sliding=max(1, upper), upper=max(1, upper))


@dataclass(frozen=True)
class PPercent:
    """p%: the second contributor can tell the largest to within ``p`` per cent."""

    p: int

    def is_sensitive(self, cells: Sequence[Cell]) -> bool:
        """See ``Rule``."""
        amounts = [*_merged(cells), 0, 0]
        rest = sum(cell.value for cell in cells) - amounts[0] - amounts[1]
        return amounts[0] > 0 and 100 * rest < self.p * amounts[0]

    def need(self, cell: Cell) -> Need:
        """So far that the rest is ``p`` per cent of the largest."""
        amounts = [*_merged([cell]), 0, 0]
        rest = cell.value - amounts[0] - amounts[1]
        upper = ceil(self.p * amounts[0] / 100 - rest)
        return Need(sliding=max(1, upper), upper=max(1, upper))


def whole_groups(cells: Iterable[Cell], relations: Iterable[Relation]) -> set[Name]:
    """Parts that tell something of everybody in a group: 0% or 100% of it.

    ``relations`` are those that split a group into who has a sensitive property and who has not.
    Where one part is the whole group and the others are zero, all parts are named, but for zeros
    that everybody knows must be zero.
    """
    known = {cell.name: cell for cell in cells}
    found: set[Name] = set()
    for relation in relations:
        parts = [known[name] for name, _ in relation.parts]
        free = [cell for cell in parts if not cell.is_structural]
        filled = [cell for cell in free if cell.value > 0]
        if len(free) > 1 and len(filled) == 1:
            found |= {cell.name for cell in free}
    return found


def with_holders(cells: Iterable[Cell]) -> list[Cell]:
    """``cells``, those of a single contributor with that contributor as their holder.

    The singletons of tau-ARGUS and GaussSuppression: whoever is alone in a cell knows it, and
    subtracts it from a sum like any published figure.
    """
    found = []
    for cell in cells:
        who = {one.who for one in cell.contributions if one.amount != 0}
        found.append(replace(cell, holder=who.pop()) if len(who) == 1 else cell)
    return found


def with_needs(cells: Iterable[Cell], rules: Sequence[Rule]) -> list[Cell]:
    """``cells``, those that a rule finds sensitive with what it asks (the most of all rules)."""
    found = []
    for cell in cells:
        needs = [rule.need(cell) for rule in rules if rule.is_sensitive([cell])]
        needs += [cell.need] if cell.need else []
        if needs:
            most = Need(
                max(need.sliding for need in needs),
                max(need.lower for need in needs),
                max(need.upper for need in needs),
            )
            cell = replace(cell, need=most)
        found.append(cell)
    return found


def _merged(cells: Sequence[Cell]) -> list[int]:
    """Contributions per contributor over all cells, the largest first."""
    amounts: Counter[str] = Counter()
    for cell in cells:
        for one in cell.contributions:
            amounts[one.who] += one.amount
    return sorted(amounts.values(), reverse=True)
