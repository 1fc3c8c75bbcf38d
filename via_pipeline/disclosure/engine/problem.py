"""What the protector is given: figures, and the sums that an outsider knows to hold between them.

Belongs here: the figures and relations of a release as values, their canonical order, and the
sparse system made of them. Does not belong here: deciding what is hidden (``protect``).

Everything is a whole number. Amounts with decimals are brought to whole numbers first (``whole``),
so that arithmetic on witnesses is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

Name = tuple[str, ...]
"""What tells a figure apart in the whole release: table, then its codes."""

_UNBOUNDED = 2**53
"""Beyond what a float of the solver counts exactly; stands for "no limit"."""


class ProblemError(ValueError):
    """Figures or relations that contradict each other; names the figure, never a value."""


@dataclass(frozen=True, slots=True)
class Need:
    """How far an outsider must stay from a hidden value, in its unit.

    ``lower``: the lowest value they must hold possible lies at least this far below the truth;
    ``upper``: above it; ``sliding``: lowest and highest lie at least this far apart. The words are
    those of sdcTable and tau-ARGUS (lower, upper and sliding protection level).
    """

    sliding: int = 1
    lower: int = 0
    upper: int = 0

    def __post_init__(self) -> None:
        if min(self.sliding, self.lower, self.upper) < 0:
            raise ProblemError("a protection level below zero")

    def is_met(self, down: int, up: int) -> bool:
        """Whether possible values from ``down`` below to ``up`` above the truth are enough."""
        return up >= self.upper and down >= self.lower and up + down >= self.sliding


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one contributor has in a figure."""

    who: str
    amount: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure.

    ``need``: it may not be shown, and must be protected this well. ``width``: how far apart its
    possible values must lie when it is hidden for the sake of others. ``cost``: what hiding it
    loses, its size unless given. ``shown``: what is known of it when it is published, lowest and
    highest; the value itself unless it is rounded. ``floor``: nobody believes it to be lower (None:
    it may be negative). ``is_known``: outsiders have it anyway (published before), so that hiding
    it helps nothing. ``is_carried``: the edition before hid it, and it has not changed. ``holder``:
    who knows it whatever is published. ``together``: figures of the same label go dark together.
    ``contributions``: the largest contributors, for rules of dominance. ``is_structural``: a zero
    that everybody knows must be zero.
    """

    name: Name
    value: int
    need: Need | None = None
    width: int = 1
    cost: int | None = None
    shown: tuple[int, int] | None = None
    floor: int | None = 0
    is_known: bool = False
    is_carried: bool = False
    holder: str = ""
    together: str = ""
    contributions: tuple[Contribution, ...] = ()
    is_structural: bool = False

    @property
    def is_given(self) -> bool:
        """Whether outsiders have it whatever is published: hiding it neither hides nor helps."""
        return self.is_known or self.is_structural

    @property
    def loss(self) -> int:
        """What is lost when it is hidden: its cost, or else its size."""
        return abs(self.value) if self.cost is None else self.cost

    @property
    def price(self) -> int:
        """What hiding it costs the search; at least one, so that no figure goes for nothing."""
        return max(1, self.loss)


@dataclass(frozen=True, slots=True)
class Relation:
    """``parts``, each times its whole factor, add up to ``total`` (or stay ``within`` of it).

    What is left out of the parts is taken to be known to outsiders: they know the difference
    between parts and total exactly, unless ``within`` says between which numbers it lies. Without
    a total it bounds the sum itself, as a published percentage p of n bounds 100 t - p n.
    """

    parts: tuple[tuple[Name, int], ...]
    total: Name | None = None
    within: tuple[int, int] | None = None

    @classmethod
    def sum(cls, total: Name, parts: Iterable[Name]) -> Relation:
        """The plain one: ``total`` is the sum of ``parts``."""
        return cls(tuple((part, 1) for part in parts), total)

    @property
    def is_plain(self) -> bool:
        """Whether it is an exact sum of parts."""
        ones = all(factor == 1 for _, factor in self.parts)
        return self.total is not None and self.within is None and ones


class Problem:
    """Cells and relations in canonical order: sorted, so that the order given never matters.

    ``matrix`` has a row per relation and a column per cell; ``value`` satisfies every row:
    ``row_low <= matrix @ value <= row_high``.

    Raises:
        ProblemError: two cells share a name, a relation names an unknown cell, or the figures do
            not fit what is said to be known of them.
    """

    def __init__(self, cells: Iterable[Cell], relations: Iterable[Relation]) -> None:
        self.cells = tuple(sorted(cells, key=lambda cell: cell.name))
        self.number = {cell.name: number for number, cell in enumerate(self.cells)}
        if len(self.number) != len(self.cells):
            raise ProblemError("two figures share a name")
        relations = list(relations)
        missing = {
            name
            for relation in relations
            for name in (*(part for part, _ in relation.parts), relation.total)
            if name is not None and name not in self.number
        }
        if missing:
            raise ProblemError(f"a relation names figures that are not there: {sorted(missing)}")
        self.relations = tuple(sorted({_sorted(one) for one in relations}, key=_order))
        self.value = np.array([cell.value for cell in self.cells], dtype=np.int64)
        self.price = np.array([cell.price for cell in self.cells], dtype=np.int64)
        self.is_known = np.array([cell.is_given for cell in self.cells], dtype=bool)
        self._check()

    def _check(self) -> None:
        for cell in self.cells:
            if cell.is_structural and cell.value != 0:
                raise ProblemError(f"{cell.name} is a structural zero and not zero")
            if cell.floor is not None and cell.value < cell.floor:
                raise ProblemError(f"{cell.name} lies below its floor")
            if cell.shown and not cell.shown[0] <= cell.value <= cell.shown[1]:
                raise ProblemError(f"{cell.name} lies outside what is shown of it")
        low, high = self.room
        if (low > 0).any() or (high < 0).any():
            raise ProblemError("the figures do not fit a relation")

    @cached_property
    def matrix(self) -> sp.csr_matrix:
        """Relations by cells; a total counts as -1."""
        rows, columns, factors = [], [], []
        for row, relation in enumerate(self.relations):
            for name, factor in relation.parts:
                rows.append(row)
                columns.append(self.number[name])
                factors.append(factor)
            if relation.total is not None:
                rows.append(row)
                columns.append(self.number[relation.total])
                factors.append(-1)
        shape = (len(self.relations), len(self.cells))
        return sp.csr_matrix((np.array(factors, dtype=np.int64), (rows, columns)), shape=shape)

    @cached_property
    def spread(self) -> int:
        """How much further a figure may have to move than one that it hangs together with.

        One in sums; in a published share the denominator moves many times what the count does.
        """
        return max((abs(factor) for one in self.relations for _, factor in one.parts), default=1)

    @cached_property
    def columns(self) -> sp.csc_matrix:
        """``matrix``, quick to read by figure."""
        return self.matrix.tocsc()

    @cached_property
    def sides(self) -> list[list[tuple[int, int]]]:
        """Per figure the relations that it stands in, each with its factor; for plain loops."""
        table = self.columns
        rows, factors = table.indices.tolist(), table.data.tolist()
        ends = table.indptr.tolist()
        return [
            list(zip(rows[start:end], factors[start:end], strict=True))
            for start, end in pairwise(ends)
        ]

    def part(self, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The columns of ``cells``: where each starts, its relations and its factors.

        What slicing ``columns`` gives, in a tenth of its time for the small parts that the search
        takes by the thousand.
        """
        table = self.columns
        ends, places = slices(table, cells)
        return ends, table.indices[places], table.data[places]

    @cached_property
    def room(self) -> tuple[np.ndarray, np.ndarray]:
        """How far each relation's sum may move from the truth, down (<= 0) and up (>= 0)."""
        truth = self.matrix @ self.value
        low = np.zeros(len(self.relations), dtype=np.int64)
        high = np.zeros(len(self.relations), dtype=np.int64)
        for row, relation in enumerate(self.relations):
            if relation.within is not None:
                low[row] = relation.within[0] - truth[row]
                high[row] = relation.within[1] - truth[row]
        return low, high

    @cached_property
    def rooms(self) -> tuple[list[int], list[int]]:
        """``room`` for plain loops."""
        return self.room[0].tolist(), self.room[1].tolist()

    @cached_property
    def play(self) -> tuple[np.ndarray, np.ndarray]:
        """How far each figure may move from the truth while it is shown, down and up."""
        shown = [cell.shown or (cell.value, cell.value) for cell in self.cells]
        low = np.array([one[0] for one in shown], dtype=np.int64) - self.value
        high = np.array([one[1] for one in shown], dtype=np.int64) - self.value
        return low, high

    @cached_property
    def depth(self) -> np.ndarray:
        """How far each hidden figure may move down before it meets its floor (<= 0)."""
        floors = [-_UNBOUNDED if cell.floor is None else cell.floor for cell in self.cells]
        return np.array(floors, dtype=np.int64) - self.value

    @cached_property
    def groups(self) -> dict[int, tuple[int, ...]]:
        """Per cell with a label the cells that go dark with it, itself included."""
        by_label: dict[str, list[int]] = {}
        for number, cell in enumerate(self.cells):
            if cell.together:
                by_label.setdefault(cell.together, []).append(number)
        return {one: tuple(group) for group in by_label.values() for one in group}

    @cached_property
    def holders(self) -> dict[str, np.ndarray]:
        """Per holder the cells that they know, in order of name."""
        found: dict[str, list[int]] = {}
        for number, cell in enumerate(self.cells):
            if cell.holder:
                found.setdefault(cell.holder, []).append(number)
        return {who: np.array(found[who]) for who in sorted(found)}

    def closed(self, numbers: Iterable[int]) -> list[int]:
        """``numbers`` with all that goes dark with them, sorted."""
        return sorted({other for one in numbers for other in self.groups.get(one, (one,))})


def slices(
    table: sp.csr_matrix | sp.csc_matrix, lines: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of some ``lines`` of a table: where each starts once they are put together, and the places of
    their entries in it.
    """
    starts, sizes = table.indptr[lines], table.indptr[lines + 1] - table.indptr[lines]
    ends = np.concatenate([[0], np.cumsum(sizes)])
    return ends, np.arange(ends[-1]) + np.repeat(starts - ends[:-1], sizes)


def whole(amounts: Sequence[Decimal | int]) -> tuple[list[int], int]:
    """Amounts as whole numbers, and the power of ten that they were multiplied by."""
    exact = [Decimal(amount) for amount in amounts]
    exponents = [int(one.normalize().as_tuple().exponent) for one in exact]
    scale = 10 ** max(0, -min(exponents, default=0))
    return [int(one * scale) for one in exact], scale


def _sorted(relation: Relation) -> Relation:
    return Relation(tuple(sorted(relation.parts)), relation.total, relation.within)


def _order(relation: Relation) -> tuple:
    return relation.total or (), relation.parts, relation.within or ()
