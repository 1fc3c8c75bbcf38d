"""Tables with hierarchies as cells and sums.

Belongs here: a table described by its dimensions and its innermost counts, turned into every
marginal and every relation between them. Does not belong here: what is hidden.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from via_pipeline.disclosure.engine.problem import Cell, Name, ProblemError, Relation


@dataclass(frozen=True)
class Dimension:
    """One dimension: ``parent`` gives each code its parent; the one without a parent is the whole.

    Raises:
        ProblemError: there is not exactly one whole.
    """

    name: str
    parent: Mapping[str, str]

    def __post_init__(self) -> None:
        if len(set(self.parent.values()) - set(self.parent)) != 1:
            raise ProblemError(f"{self.name}: there must be one code without a parent")

    @property
    def whole(self) -> str:
        """The code of everything."""
        (found,) = set(self.parent.values()) - set(self.parent)
        return found

    @property
    def children(self) -> dict[str, list[str]]:
        """Per code that has them, its children, sorted."""
        found: dict[str, list[str]] = defaultdict(list)
        for child in sorted(self.parent):
            found[self.parent[child]].append(child)
        return dict(found)

    @property
    def leaves(self) -> list[str]:
        """Codes without children, sorted."""
        return sorted(set(self.parent) - set(self.parent.values()))

    def up(self, code: str) -> list[str]:
        """``code`` and all above it."""
        found = [code]
        while found[-1] in self.parent:
            found.append(self.parent[found[-1]])
        return found


@dataclass(frozen=True)
class Table:
    """A table of counts: ``counts`` per combination of leaves, in the order of ``dimensions``.

    Combinations that are missing count zero. Cells are named by the ``name`` and their codes.
    """

    name: str
    dimensions: tuple[Dimension, ...]
    counts: Mapping[tuple[str, ...], int]

    def cells(self) -> list[Cell]:
        """Every cell, marginals included, nothing marked."""
        values: Counter[Name] = Counter()
        for codes, count in self.counts.items():
            ways = (
                dimension.up(code) for dimension, code in zip(self.dimensions, codes, strict=True)
            )
            for above in product(*ways):
                values[above] += count
        return [Cell((self.name, *codes), values[codes]) for codes in product(*self._codes())]

    def relations(self) -> list[Relation]:
        """Every sum: along each dimension, each code with children is the sum of them."""
        found = []
        for place, dimension in enumerate(self.dimensions):
            codes = self._codes()
            for whole, parts in dimension.children.items():
                codes[place] = [whole]
                for fixed in product(*codes):
                    name = (self.name, *fixed)
                    along = ((*name[: place + 1], part, *name[place + 2 :]) for part in parts)
                    found.append(Relation.sum(name, along))
        return found

    def _codes(self) -> list[list[str]]:
        return [[one.whole, *sorted(one.parent)] for one in self.dimensions]
