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
from math import gcd

import numpy as np

from via_pipeline.disclosure.engine.problem import Problem

_NEAR = 1e-6
_MULTIPLES = (1, 2, 3, 4, 6)
"""What a fractional movement is multiplied by to make it whole: determinants met in tables."""
_NODES = 200
"""Nodes of a branch-and-bound search: a bound in work, not in seconds, keeps it deterministic."""
_GAP = 0.1
"""Any movement that touches most will do: the last tenth of an optimum is not worth its time."""


_FIRST = 10_000.0
"""What a step of the figure in question is worth against a step of any other: more than the longest
way through a table that it can need."""


class Refused(RuntimeError):
    """The solver does not take a program, or gives up on it: what it says then is no answer."""


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
    starts, row, factors = problem.part(limits.cells)
    column = np.repeat(np.arange(len(limits.cells)), np.diff(starts))
    is_plus, rows = factors > 0, len(problem.relations)
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
        self._model = _Model(problem, limits.cells)
        self._steps = steps
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
        _run(solver)
        status = solver.getInfo().primal_solution_status
        if status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return np.zeros(count)
        return np.array(solver.getSolution().col_value)

    def place(self, cell: int) -> int:
        """Where that figure stands in a movement of this space."""
        return self._place[cell]

    def furthest(self, cell: int, amount: int) -> np.ndarray:
        """The movement that takes ``cell`` furthest towards ``amount`` (signed), and no further.

        Of those the one that moves least in sum: it touches few figures, and so is nearly always
        whole by itself. How far it takes ``cell`` is as far as any movement can.
        """
        return self._split.furthest(self._place[cell], amount)

    def whole_parts(self, moves: np.ndarray) -> list[Movement]:
        """Those independent parts of a movement that are possible as whole numbers."""
        return whole_parts(self._problem, self.limits, moves, self._steps)


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
        # A shown figure that is rounded moves for nothing within its rounding; that is left out
        # here, which can only make the pattern a little dearer.
        costs = np.where(hidden[limits.cells], 0, price[limits.cells]).astype(float)
        self._split = _Split(
            _Model(problem, limits.cells, loose),
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

    def __init__(
        self, problem: Problem, cells: np.ndarray, loose: np.ndarray | None = None
    ) -> None:
        starts, rows, factors = problem.part(cells)
        kept = np.zeros(len(problem.relations), dtype=bool)
        kept[rows] = True
        if loose is not None and len(loose):
            kept[loose] = False
            column = np.repeat(np.arange(len(cells)), np.diff(starts))[kept[rows]]
            rows, factors = rows[kept[rows]], factors[kept[rows]]
            starts = np.concatenate([[0], np.cumsum(np.bincount(column, minlength=len(cells)))])
        place = np.cumsum(kept) - 1
        self.columns = starts.astype(np.int32), place[rows].astype(np.int32), factors.astype(float)
        self.room = tuple(side[kept].astype(float) for side in problem.room)

    def solver(self, costs: np.ndarray, low: np.ndarray, high: np.ndarray, whole: bool = False):
        """A model that minimises ``costs`` within bounds."""
        return _solver(self.columns, costs, low, high, self.room, whole)


class _Split:
    """Movements with a column up and a column down per cell, so that both cost."""

    def __init__(self, model: _Model, costs: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        self._count = len(costs)
        self._up, self._down, self._costs = high.copy(), -low, costs.copy()
        starts, rows, factors = model.columns
        self._solver = _solver(
            (
                np.concatenate([starts, starts[1:] + starts[-1]]),
                np.concatenate([rows, rows]),
                np.concatenate([factors, -factors]),
            ),
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
        self._costs[place] = cost
        self._solver.changeColCost(place, cost)
        self._solver.changeColCost(place + self._count, cost)

    def least(self, place: int, amount: int) -> np.ndarray | None:
        """The cheapest movement in which the cell at ``place`` moves by ``amount``, or None."""
        up, down = float(self._up[place]), float(self._down[place])
        if (up if amount > 0 else down) < abs(amount):
            return None
        asked, other = (place, place + self._count)[:: 1 if amount > 0 else -1]
        self._solver.changeColBounds(asked, float(abs(amount)), float(abs(amount)))
        self._solver.changeColBounds(other, 0.0, 0.0)
        found = self._solved()
        self.bound(place, -down, up)
        return found

    def furthest(self, place: int, amount: int) -> np.ndarray:
        """See ``Space.furthest``."""
        up, down = float(self._up[place]), float(self._down[place])
        asked, other = (place, place + self._count)[:: 1 if amount > 0 else -1]
        room = min(up if amount > 0 else down, float(abs(amount)))
        self._solver.changeColBounds(asked, 0.0, room)
        self._solver.changeColBounds(other, 0.0, 0.0)
        self._solver.changeColCost(asked, -_FIRST)
        found = self._solved()
        self._solver.changeColCost(asked, float(self._costs[place]))
        self.bound(place, -down, up)
        return np.zeros(self._count) if found is None else found

    def _solved(self) -> np.ndarray | None:
        import highspy

        _run(self._solver)
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        values = np.array(self._solver.getSolution().col_value)
        return values[: self._count] - values[self._count :]


def _run(solver) -> None:
    import highspy

    if solver.run() == highspy.HighsStatus.kError:
        raise Refused("the solver gave up on a program of the search")


def whole_parts(
    problem: Problem, limits: Limits, moves: np.ndarray, steps: int = 1
) -> list[Movement]:
    """The independent parts of ``moves`` that are possible as whole numbers, checked exactly.

    Each as far as it goes within ``steps`` times its smallest whole form, and as far the other
    way: where a table may differ by a movement, it may mostly differ by twice that and by its
    reverse, which saves programs.
    """
    moving = np.flatnonzero(np.abs(moves) > _NEAR)
    cells, amounts = limits.cells[moving].tolist(), moves[moving].tolist()
    low, high = limits.low[moving].tolist(), limits.high[moving].tolist()
    found = []
    for part in _pieces(problem, cells):
        exact = _whole([amounts[place] for place in part])
        if not exact:
            continue
        of = np.array([cells[place] for place in part], dtype=np.int64)
        ends = [(low[place], high[place]) for place in part]
        form = np.array(exact, dtype=np.int64)
        forth, back = _multiples(problem, of.tolist(), exact, ends, max(steps, 1))
        found += [Movement(of, form * times) for times in (forth, -back) if times]
    return found


def _pieces(problem: Problem, cells: list[int]) -> list[list[int]]:
    """Places of ``cells`` in groups that share no relation, in order."""
    of_row: dict[int, list[int]] = {}
    for place, cell in enumerate(cells):
        for row, _ in problem.sides[cell]:
            of_row.setdefault(row, []).append(place)
    # A search of its own: the parts are small and many, and scipy's ways (``DisjointSet``,
    # ``connected_components``) take thrice the time for them.
    pieces, is_found = [], [False] * len(cells)
    for start in range(len(cells)):
        if is_found[start]:
            continue
        is_found[start] = True
        piece = [start]
        for place in piece:
            for row, _ in problem.sides[cells[place]]:
                for other in of_row.pop(row, ()):
                    if not is_found[other]:
                        is_found[other] = True
                        piece.append(other)
        pieces.append(sorted(piece))
    return pieces


def _whole(amounts: list[float]) -> list[int]:
    """``amounts`` as the smallest whole numbers in the same proportion; none if there are none."""
    for multiple in _MULTIPLES:
        exact = [round(amount * multiple) for amount in amounts]
        slack = _NEAR * multiple
        if all(
            abs(amount * multiple - one) <= slack
            for amount, one in zip(amounts, exact, strict=True)
        ):
            common = gcd(*exact)
            return [one // common for one in exact]
    return []


def _multiples(
    problem: Problem,
    cells: list[int],
    form: list[int],
    ends: list[tuple[int, int]],
    most: int,
) -> tuple[int, int]:
    """How many times ``form`` is possible, forth and back, within ends and relations."""
    forth = back = most
    sums: dict[int, int] = {}
    for cell, move, (low, high) in zip(cells, form, ends, strict=True):
        if move > 0:
            forth, back = min(forth, high // move), min(back, -low // move)
        else:
            forth, back = min(forth, -low // -move), min(back, high // -move)
        for row, factor in problem.sides[cell]:
            sums[row] = sums.get(row, 0) + factor * move
    lows, highs = problem.rooms
    for row, by in sums.items():
        if by > 0:
            forth, back = min(forth, highs[row] // by), min(back, -lows[row] // by)
        elif by < 0:
            forth, back = min(forth, -lows[row] // -by), min(back, highs[row] // -by)
    return forth, back


def _solver(columns, costs, low, high, room, whole=False):
    """A HiGHS model of one thread: minimise ``costs`` within bounds, sums within ``room``."""
    import highspy

    solver = highspy.Highs()
    # A model that is solved again and again starts from its last basis; presolve would drop it.
    options: dict[str, object] = {"output_flag": False, "threads": 1, "random_seed": 0}
    options |= {"presolve": "off", "mip_detect_symmetry": False}
    options |= {"mip_rel_gap": _GAP, "mip_max_nodes": _NODES}
    for name, value in options.items():
        solver.setOptionValue(name, value)
    starts, rows, factors = columns
    kind = highspy.HighsVarType.kInteger if whole else highspy.HighsVarType.kContinuous
    taken = solver.passModel(
        len(costs),
        len(room[0]),
        len(rows),
        int(highspy.MatrixFormat.kColwise),
        int(highspy.ObjSense.kMinimize),
        0.0,
        costs,
        low,
        high,
        *room,
        starts,
        rows,
        factors,
        np.full(len(costs), int(kind), dtype=np.int32),
    )
    # What is not taken leaves the solver without columns: its answers would be of nothing.
    if taken == highspy.HighsStatus.kError:
        raise Refused("the solver does not take the program of the search")
    return solver
