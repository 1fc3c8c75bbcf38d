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


class Space:
    """Movements of the figures in ``limits``, with all others at rest.

    ``loose`` names relations that need not hold: what they lack is made good by hidden figures
    outside. ``steps`` bounds every movement.
    """

    def __init__(
        self, problem: Problem, limits: Limits, steps: int, loose: np.ndarray | None = None
    ) -> None:
        self.limits = limits
        self._problem = problem
        self._steps = steps
        self._low = np.maximum(limits.low, -steps).astype(float)
        self._high = np.minimum(limits.high, steps).astype(float)
        matrix = problem.matrix[:, limits.cells]
        rows = np.flatnonzero(np.diff(matrix.indptr))
        if loose is not None:
            rows = np.setdiff1d(rows, loose)
        self._matrix = sp.csc_matrix(matrix[rows]).astype(float)
        self._room = tuple(side[rows].astype(float) for side in problem.room)
        self._place = {cell: place for place, cell in enumerate(limits.cells.tolist())}

    def __contains__(self, cell: int) -> bool:
        return cell in self._place

    @cached_property
    def _pushed(self):
        return _solver(self._matrix, np.zeros(len(self._low)), self._low, self._high, self._room)

    def place(self, cell: int) -> int:
        """Where that figure stands in a movement of this space."""
        return self._place[cell]

    def freeze(self, cell: int) -> None:
        """From now on that figure does not move."""
        if cell in self._place:
            place = self._place[cell]
            self._low[place] = self._high[place] = 0.0

    def thaw(self, cell: int) -> None:
        """Undo ``freeze``."""
        if cell in self._place:
            place = self._place[cell]
            self._low[place] = max(int(self.limits.low[place]), -self._steps)
            self._high[place] = min(int(self.limits.high[place]), self._steps)

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
            solver = _solver(self._matrix, aims, self._low, self._high, self._room, whole=True)
        else:
            solver = self._pushed
            solver.changeColsCost(count, everything, aims)
            solver.changeColsBounds(count, everything, self._low, self._high)
        solver.run()
        if (
            solver.getInfo().primal_solution_status
            != highspy.SolutionStatus.kSolutionStatusFeasible
        ):
            return np.zeros(count)
        return np.array(solver.getSolution().col_value)

    def whole_parts(self, moves: np.ndarray) -> list[Movement]:
        """Those independent parts of a movement that are possible as whole numbers."""
        return whole_parts(self._problem, self.limits, moves)


class Market:
    """The cheapest movement that takes a figure far enough: what moves must be hidden.

    Hidden figures move for nothing, shown ones at their price. One model serves many figures: the
    solver starts from where the one before ended.
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
        self._down = np.minimum(-limits.low, steps).astype(float)
        self._up = np.minimum(limits.high, steps).astype(float)
        matrix = problem.matrix[:, limits.cells]
        rows = np.setdiff1d(np.flatnonzero(np.diff(matrix.indptr)), loose)
        half = sp.csc_matrix(matrix[rows]).astype(float)
        # A shown figure that is rounded moves for nothing within its rounding; that is left out
        # here, which can only make the pattern a little dearer.
        costs = np.where(hidden[limits.cells], 0, price[limits.cells]).astype(float)
        count = len(limits.cells)
        self._solver = _solver(
            sp.csc_matrix(sp.hstack([half, -half])),
            np.concatenate([costs, costs]),
            np.zeros(2 * count),
            np.concatenate([self._up, self._down]),
            tuple(side[rows].astype(float) for side in problem.room),
        )

    def buy(self, cell: int, amount: int) -> tuple[float, np.ndarray] | None:
        """Price and cells of the cheapest movement of ``cell`` by ``amount`` (signed), or None."""
        import highspy

        place, count = self._place[cell], len(self._cells)
        column, other = (place, place + count) if amount > 0 else (place + count, place)
        bound = (self._up if amount > 0 else self._down)[place]
        if bound < abs(amount):
            return None
        solver = self._solver
        solver.changeColBounds(column, float(abs(amount)), float(abs(amount)))
        solver.changeColBounds(other, 0.0, 0.0)
        solver.run()
        found = None
        if solver.getModelStatus() == highspy.HighsModelStatus.kOptimal:
            values = np.array(solver.getSolution().col_value)
            moves = values[:count] - values[count:]
            price = solver.getInfo().objective_function_value
            found = price, self._cells[np.abs(moves) > _NEAR]
        solver.changeColBounds(place, 0.0, self._up[place])
        solver.changeColBounds(place + count, 0.0, self._down[place])
        return found

    def hide(self, cells: np.ndarray) -> None:
        """From now on these move for nothing."""
        for cell in cells.tolist():
            if cell in self._place:
                place = self._place[cell]
                self._solver.changeColCost(place, 0.0)
                self._solver.changeColCost(place + len(self._cells), 0.0)


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
    options: dict[str, object] = {"output_flag": False, "threads": 1, "random_seed": 0}
    # A model that is solved again and again starts from its last basis; presolve would drop it.
    options |= {"mip_rel_gap": _GAP, "mip_max_nodes": _NODES} if whole else {"presolve": "off"}
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
