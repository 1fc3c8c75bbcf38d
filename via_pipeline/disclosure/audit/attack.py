"""Everything that one attacker can work out, by linear programming over the values themselves.

Belongs here: the attacker's program, its extremes, and the tables found on the way. Does not belong
here: judging what was found (``proof``), the exact test of tables (``witness``).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence

import numpy as np

from via_pipeline.disclosure.audit.model import AuditError, Figure, Name, Tie


class Attack:
    """One attacker before a set of figures that are not known to them, and the ties these are in.

    ``open_`` are the figures that may differ from the truth; all others are as they are. Leaving
    figures out makes the attacker stronger, so a table found is a table indeed, while extremes are
    the attacker's own only when ``open_`` is everything that hangs together. ``within`` keeps
    every figure that near to the truth: enough for a witness, and nothing is without bound.
    """

    def __init__(
        self,
        figures: Mapping[Name, Figure],
        ties: Sequence[Tie],
        open_: Sequence[Name],
        within: int | None = None,
    ) -> None:
        self.names = list(open_)
        self._at = {name: place for place, name in enumerate(self.names)}
        self._figures = figures
        starts, columns, factors, low, high = [0], [], [], [], []
        for tie in ties:
            fixed = 0
            # A figure that goes by two names stands in a tie twice; a program takes it once.
            row: dict[int, int] = {}
            for name, factor in tie.terms:
                if name in self._at:
                    row[self._at[name]] = row.get(self._at[name], 0) + factor
                else:
                    fixed += factor * figures[name].truth
            columns += [place for place, factor in row.items() if factor]
            factors += [float(factor) for factor in row.values() if factor]
            if len(columns) > starts[-1]:
                starts.append(len(columns))
                low.append(float(tie.low - fixed))
                high.append(float(tie.high - fixed))
        self._rows = starts, columns, factors, low, high
        self._truth = np.array([figures[name].truth for name in self.names], dtype=float)
        self._within = within
        self._model = None
        self._near = None

    def extreme(self, aims: Mapping[Name, int], whole: bool = False) -> dict[Name, float] | None:
        """Values of an agreeing table in which the sum of figures times ``aims`` is greatest.

        None when nothing bounds it, or (``whole``) no table was found in the work allowed.
        """
        import highspy

        solver = self._solver(whole)
        costs = np.zeros(len(self.names))
        for name, aim in aims.items():
            costs[self._at[name]] = aim
        solver.changeColsCost(len(costs), np.arange(len(costs), dtype=np.int32), costs)
        _run(solver)
        status = solver.getInfo().primal_solution_status
        if solver.getModelStatus() in (
            highspy.HighsModelStatus.kUnbounded,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        ):
            return None
        if status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        return dict(zip(self.names, solver.getSolution().col_value, strict=True))

    def nearest(self, name: Name, amount: int) -> dict[Name, float] | None:
        """The agreeing table nearest to the true one in sum, with ``name`` off by ``amount``.

        None when there is none. Differences are split in what is more and what is less.
        """
        import highspy

        count = len(self.names)
        if self._near is None:
            starts, columns, factors, low, high = self._rows
            there = np.array(starts), np.array(columns, dtype=np.int32), np.array(factors)
            of_row = np.repeat(np.arange(len(low)), np.diff(there[0]))
            truth = np.bincount(of_row, there[2] * self._truth[there[1]], len(low))
            bounds = np.array([_bounds(self._figures[one]) for one in self.names])
            self._near = _program(
                (
                    2 * there[0],
                    np.stack([there[1], there[1] + count], axis=1).ravel(),
                    np.stack([there[2], -there[2]], axis=1).ravel(),
                ),
                (np.array(low) - truth, np.array(high) - truth),
                (
                    np.zeros(2 * count),
                    np.concatenate([bounds[:, 1] - self._truth, self._truth - bounds[:, 0]]),
                ),
                np.ones(2 * count),
                highspy.ObjSense.kMinimize,
            )
        place = self._at[name]
        asked, other = (place, place + count) if amount > 0 else (place + count, place)
        room = _bounds(self._figures[name])
        sides = room[1] - self._truth[place], self._truth[place] - room[0]
        before = sides if amount > 0 else sides[::-1]
        if before[0] < abs(amount):
            return None
        self._near.changeColBounds(asked, float(abs(amount)), float(abs(amount)))
        self._near.changeColBounds(other, 0.0, 0.0)
        _run(self._near)
        is_found = self._near.getModelStatus() == highspy.HighsModelStatus.kOptimal
        values = np.array(self._near.getSolution().col_value) if is_found else None
        for one, high in zip((asked, other), before, strict=True):
            self._near.changeColBounds(one, 0.0, float(high))
        if values is None:
            return None
        return dict(zip(self.names, self._truth + values[:count] - values[count:], strict=True))

    def _solver(self, whole: bool):
        import highspy

        if self._model is not None and not whole:
            return self._model
        starts, columns, factors, low, high = self._rows
        bounds = np.array([_bounds(self._figures[name]) for name in self.names])
        if self._within is not None:
            bounds[:, 0] = np.maximum(bounds[:, 0], self._truth - self._within)
            bounds[:, 1] = np.minimum(bounds[:, 1], self._truth + self._within)
        solver = _program(
            (np.array(starts), np.array(columns), np.array(factors)),
            (np.array(low), np.array(high)),
            (bounds[:, 0], bounds[:, 1]),
            np.zeros(len(self.names)),
            highspy.ObjSense.kMaximize,
            whole,
        )
        if not whole:
            self._model = solver
        return solver


class Web:
    """Which unknown figures hang together through ties."""

    def __init__(self, unknown: Sequence[Name], ties: Sequence[Tie]) -> None:
        order = {name: place for place, name in enumerate(unknown)}
        self._ties: list[list[Name]] = []
        self._given: list[Tie] = []
        self._of: dict[Name, list[int]] = defaultdict(list)
        for tie in ties:
            members = [name for name, _ in tie.terms if name in order]
            if members:
                for name in members:
                    self._of[name].append(len(self._ties))
                self._ties.append(members)
                self._given.append(tie)

    def ties(self, names: Sequence[Name]) -> list[Tie]:
        """The ties that any of ``names`` is in, in their order."""
        places = {place for name in names for place in self._of[name]}
        return [self._given[place] for place in sorted(places)]

    def around(self, start: Name, limit: int) -> tuple[list[Name], bool]:
        """Up to about ``limit`` figures nearest to ``start``; whether that is all there is."""
        seen, waiting, used = {start}, deque([start]), set()
        while waiting:
            if len(seen) >= limit:
                return sorted(seen), False
            for place in self._of[waiting.popleft()]:
                if place not in used:
                    used.add(place)
                    for name in self._ties[place]:
                        if name not in seen:
                            seen.add(name)
                            waiting.append(name)
        return sorted(seen), True

    def pieces(self, names: Sequence[Name]) -> list[list[Name]]:
        """``names`` in groups that can change without each other: tied through each other only."""
        inside, groups = set(names), []
        while inside:
            start = min(inside)
            inside.discard(start)
            group, waiting = [start], [start]
            while waiting:
                for place in self._of[waiting.pop()]:
                    for name in self._ties[place]:
                        if name in inside:
                            inside.discard(name)
                            group.append(name)
                            waiting.append(name)
            groups.append(group)
        return groups


def _program(rows, sums, bounds, costs, sense, whole=False):
    """A HiGHS model of one thread: ``rows`` row by row, their ``sums`` and ``bounds`` of values."""
    import highspy

    solver = highspy.Highs()
    options: dict[str, object] = {"output_flag": False, "threads": 1, "random_seed": 7}
    if whole:
        options |= {"mip_rel_gap": 0.25, "mip_max_nodes": 500}
    for name, value in options.items():
        solver.setOptionValue(name, value)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(costs), len(sums[0])
    program.sense_, program.col_cost_ = sense, costs
    program.col_lower_, program.col_upper_ = bounds
    program.row_lower_, program.row_upper_ = sums
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = rows[0].astype(np.int32)
    program.a_matrix_.index_ = rows[1].astype(np.int32)
    program.a_matrix_.value_ = rows[2].astype(float)
    if whole:
        program.integrality_ = [highspy.HighsVarType.kInteger] * len(costs)
    # What is not taken leaves the solver without columns, and the next call ends the process.
    if solver.passModel(program) == highspy.HighsStatus.kError:
        raise AuditError("the solver does not take the program of the audit")
    return solver


def _run(solver) -> None:
    import highspy

    if solver.run() == highspy.HighsStatus.kError:
        raise AuditError("the solver gave up on a program of the audit")


def _bounds(figure: Figure) -> tuple[float, float]:
    low = -np.inf if figure.least is None else float(figure.least)
    if figure.seen is None:
        return low, np.inf
    return max(low, float(figure.seen[0])), float(figure.seen[1])
