"""Other tables that agree with all that is published: as movements away from the true one.

Belongs here: the linear programs over movements, and the exact test of what a solver gives back.
Does not belong here: which figures to attack, and what to hide (``repair``, ``prune``).

A movement gives each figure a difference from the truth. It is possible if every relation still
holds, hidden figures stay at or above their floor, and shown ones within what is shown. The solver
only proposes: a movement counts after ``whole_parts`` has made whole numbers of it and checked
them exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from via_pipeline.disclosure.engine.problem import Problem

_NEAR = 1e-6
_MULTIPLES = (1, 2, 3, 4, 6)
"""What a fractional movement is multiplied by to make it whole: determinants met in tables."""
_NODES = 200
"""Nodes of a branch-and-bound search: a bound in work, not in seconds, keeps it deterministic."""
_GAP = 0.1
"""Any movement that touches most will do: the last tenth of an optimum is not worth its time."""


@dataclass(frozen=True)
class Movement:
    """Whole differences (none of them 0) of the figures numbered ``cells``, sorted."""

    cells: np.ndarray
    moves: np.ndarray


@dataclass(frozen=True)
class Limits:
    """How far each of ``cells`` may move, down (<= 0) and up (>= 0)."""

    cells: np.ndarray
    low: np.ndarray
    high: np.ndarray


def tightened(problem: Problem, limits: Limits) -> Limits:
    """``limits`` without the sides that no movement can use, seen from the sums alone.

    In an exact sum a figure goes up only if another figure goes the other way. Most figures that
    can be worked out are found here, at the price of counting instead of solving.
    """
    matrix = sp.csc_matrix(problem.matrix[:, limits.cells])
    column = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
    row, is_plus, rows = matrix.indices, matrix.data > 0, matrix.shape[0]
    is_exact = (problem.room[0] == 0) & (problem.room[1] == 0)
    up, down = limits.high > 0, limits.low < 0
    while True:
        raises = np.where(is_plus, up[column], down[column])
        lowers = np.where(is_plus, down[column], up[column])
        others_raise = np.bincount(row, raises, rows)[row] - raises
        others_lower = np.bincount(row, lowers, rows)[row] - lowers
        can_rise, can_fall = np.ones_like(up), np.ones_like(down)
        stuck = is_exact[row] & np.where(is_plus, others_lower == 0, others_raise == 0)
        can_rise[column[stuck]] = False
        stuck = is_exact[row] & np.where(is_plus, others_raise == 0, others_lower == 0)
        can_fall[column[stuck]] = False
        if not ((up & ~can_rise) | (down & ~can_fall)).any():
            break
        up &= can_rise
        down &= can_fall
    low, high = np.where(down, limits.low, 0), np.where(up, limits.high, 0)
    kept = up | down
    return Limits(limits.cells[kept], low[kept], high[kept])


class Space:
    """Movements of the figures in ``limits``, with all others at rest.

    ``steps`` bounds every movement.
    """

    def __init__(self, problem: Problem, limits: Limits, steps: int) -> None:
        limits = tightened(problem, limits)
        self.limits = limits
        self._problem = problem
        self._low = np.maximum(limits.low, -steps).astype(float)
        self._high = np.minimum(limits.high, steps).astype(float)
        self._model = _Model(problem, limits.cells, np.arange(len(problem.relations)))
        self._place = {cell: place for place, cell in enumerate(limits.cells.tolist())}

    def __contains__(self, cell: int) -> bool:
        return cell in self._place

    def __len__(self) -> int:
        return len(self._place)

    def freeze(self, cell: int) -> tuple[float, float] | None:
        """From now on that figure does not move; what ``thaw`` needs to undo it."""
        if cell not in self._place:
            return None
        place = self._place[cell]
        before = float(self._low[place]), float(self._high[place])
        self._bound(cell, (0.0, 0.0))
        return before

    def thaw(self, cell: int, before: tuple[float, float] | None) -> None:
        """Undo ``freeze``."""
        if before is not None:
            self._bound(cell, before)

    def _bound(self, cell: int, bounds: tuple[float, float]) -> None:
        place = self._place[cell]
        self._low[place], self._high[place] = bounds
        if "_split" in self.__dict__:
            self._split.bound(place, *bounds)

    @cached_property
    def _pushed(self):
        return self._model.solver(np.zeros(len(self._low)), self._low, self._high)

    @cached_property
    def _split(self) -> _Split:
        return _Split(self._model, np.ones(len(self._low)), self._low, self._high)

    def push(self, wishes: dict[int, int], whole: bool = False) -> np.ndarray:
        """The movement that takes the figures of ``wishes`` furthest, each in its direction.

        ``whole`` asks for whole numbers of the solver too, which takes longer.
        """
        import highspy

        count = len(self._low)
        everything = np.arange(count, dtype=np.int32)
        aims = np.zeros(count)
        for cell, direction in wishes.items():
            aims[self._place[cell]] = -direction
        if whole:
            solver = self._model.solver(aims, self._low, self._high, whole=True)
        else:
            solver = self._pushed
            solver.changeColsCost(count, everything, aims)
            solver.changeColsBounds(count, everything, self._low, self._high)
        solver.run()
        status = solver.getInfo().primal_solution_status
        if status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return np.zeros(count)
        return np.array(solver.getSolution().col_value)

    def place(self, cell: int) -> int:
        """Where that figure stands in a movement of this space."""
        return self._place[cell]

    def least(self, cell: int, amount: int) -> np.ndarray | None:
        """The smallest movement in sum that takes ``cell`` by ``amount``; None if none does.

        It touches few figures, and so is nearly always whole by itself.
        """
        return self._split.least(self._place[cell], amount)

    def whole_parts(self, moves: np.ndarray) -> list[Movement]:
        """Those independent parts of a movement that are possible as whole numbers."""
        return whole_parts(self._problem, self.limits, moves)


class Market:
    """The cheapest movement that takes a figure far enough: what moves must be hidden.

    Hidden figures move for nothing, shown ones at their price. One model serves many figures: the
    solver starts from where the one before ended. ``loose`` names relations that need not hold:
    what they lack is made good by hidden figures outside.
    """

    def __init__(
        self,
        problem: Problem,
        hidden: np.ndarray,
        limits: Limits,
        steps: int,
        loose: np.ndarray,
        price: np.ndarray,
    ) -> None:
        self._cells = limits.cells
        self._place = {cell: place for place, cell in enumerate(limits.cells.tolist())}
        rows = np.setdiff1d(np.arange(len(problem.relations)), loose)
        # A shown figure that is rounded moves for nothing within its rounding; that is left out
        # here, which can only make the pattern a little dearer.
        costs = np.where(hidden[limits.cells], 0, price[limits.cells]).astype(float)
        self._split = _Split(
            _Model(problem, limits.cells, rows),
            costs,
            np.maximum(limits.low, -steps).astype(float),
            np.minimum(limits.high, steps).astype(float),
        )

    def __len__(self) -> int:
        return len(self._place)

    def buy(self, cell: int, amount: int) -> tuple[np.ndarray, np.ndarray] | None:
        """The cheapest movement of ``cell`` by ``amount`` (signed), or None if there is none.

        The cells that move and how far, as the solver has it: not whole, and not tested.
        """
        if cell not in self._place:
            return None
        moves = self._split.least(self._place[cell], amount)
        if moves is None:
            return None
        moving = np.abs(moves) > _NEAR
        return self._cells[moving], moves[moving]

    def hide(self, cells: list[int]) -> None:
        """From now on these move for nothing."""
        for cell in cells:
            if cell in self._place:
                self._split.price(self._place[cell], 0.0)


class _Model:
    """Relations over some cells, ready to be given to a solver."""

    def __init__(self, problem: Problem, cells: np.ndarray, rows: np.ndarray) -> None:
        matrix = problem.matrix[:, cells]
        rows = np.intersect1d(np.flatnonzero(np.diff(matrix.indptr)), rows)
        self.matrix = sp.csc_matrix(matrix[rows]).astype(float)
        self.room = tuple(side[rows].astype(float) for side in problem.room)

    def solver(self, costs: np.ndarray, low: np.ndarray, high: np.ndarray, whole: bool = False):
        """A model that minimises ``costs`` within bounds."""
        return _solver(self.matrix, costs, low, high, self.room, whole)


class _Split:
    """Movements with a column up and a column down per cell, so that both cost."""

    def __init__(self, model: _Model, costs: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        self._count = len(costs)
        self._up, self._down = high.copy(), -low
        self._solver = _solver(
            sp.csc_matrix(sp.hstack([model.matrix, -model.matrix])),
            np.concatenate([costs, costs]),
            np.zeros(2 * self._count),
            np.concatenate([self._up, self._down]),
            model.room,
        )

    def bound(self, place: int, low: float, high: float) -> None:
        """Between what the cell at ``place`` may move."""
        self._up[place], self._down[place] = high, -low
        self._solver.changeColBounds(place, 0.0, high)
        self._solver.changeColBounds(place + self._count, 0.0, -low)

    def price(self, place: int, cost: float) -> None:
        """What a step of the cell at ``place`` costs."""
        self._solver.changeColCost(place, cost)
        self._solver.changeColCost(place + self._count, cost)

    def least(self, place: int, amount: int) -> np.ndarray | None:
        """The cheapest movement in which the cell at ``place`` moves by ``amount``, or None."""
        import highspy

        up, down = float(self._up[place]), float(self._down[place])
        if (up if amount > 0 else down) < abs(amount):
            return None
        asked, other = (place, place + self._count)[:: 1 if amount > 0 else -1]
        self._solver.changeColBounds(asked, float(abs(amount)), float(abs(amount)))
        self._solver.changeColBounds(other, 0.0, 0.0)
        self._solver.run()
        found = None
        if self._solver.getModelStatus() == highspy.HighsModelStatus.kOptimal:
            values = np.array(self._solver.getSolution().col_value)
            found = values[: self._count] - values[self._count :]
        self.bound(place, -down, up)
        return found


def whole_parts(problem: Problem, limits: Limits, moves: np.ndarray) -> list[Movement]:
    """The independent parts of ``moves`` that are possible as whole numbers, checked exactly."""
    moving = np.flatnonzero(np.abs(moves) > _NEAR)
    if not len(moving):
        return []
    matrix = sp.csc_matrix(problem.matrix[:, limits.cells[moving]])
    rows = np.unique(matrix.indices)
    matrix = sp.csc_matrix(matrix.tocsr()[rows])
    links = sp.bmat([[None, matrix], [matrix.T, None]])
    _, labels = connected_components(links, directed=False)
    labels = labels[len(rows) :]
    room = problem.room[0][rows], problem.room[1][rows]
    found = []
    order = np.argsort(labels, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        of = moving[part]
        for multiple in _MULTIPLES:
            scaled = moves[of] * multiple
            exact = np.rint(scaled).astype(np.int64)
            if np.abs(scaled - exact).max() > _NEAR * multiple:
                continue
            sums = matrix[:, part] @ exact
            if (
                (exact >= limits.low[of]).all()
                and (exact <= limits.high[of]).all()
                and (sums >= room[0]).all()
                and (sums <= room[1]).all()
            ):
                found.append(Movement(limits.cells[of], exact))
            break
    return found


def _solver(matrix, costs, low, high, room, whole=False):
    """A HiGHS model of one thread: minimise ``costs`` within bounds, ``matrix`` within ``room``."""
    import highspy

    solver = highspy.Highs()
    # A model that is solved again and again starts from its last basis; presolve would drop it.
    options: dict[str, object] = {"output_flag": False, "threads": 1, "random_seed": 0}
    options |= {"presolve": "off", "mip_detect_symmetry": False}
    options |= {"mip_rel_gap": _GAP, "mip_max_nodes": _NODES}
    for name, value in options.items():
        solver.setOptionValue(name, value)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(costs), matrix.shape[0]
    program.col_cost_, program.col_lower_, program.col_upper_ = costs, low, high
    program.row_lower_, program.row_upper_ = room
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = matrix.indptr
    program.a_matrix_.index_ = matrix.indices
    program.a_matrix_.value_ = matrix.data
    if whole:
        program.integrality_ = [highspy.HighsVarType.kInteger] * len(costs)
    solver.passModel(program)
    return solver
