"""Everything that one attacker can work out, by linear programming over the values themselves.

Belongs here: the attacker's program, its extremes, and the tables found on the way. Does not belong
here: judging what was found (``proof``), the exact test of tables (``witness``).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence

import numpy as np

from via_pipeline.disclosure.audit.model import Figure, Name, Tie


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
            for name, factor in tie.terms:
                if name in self._at:
                    columns.append(self._at[name])
                    factors.append(float(factor))
                else:
                    fixed += factor * figures[name].truth
            if len(columns) > starts[-1]:
                starts.append(len(columns))
                low.append(float(tie.low - fixed))
                high.append(float(tie.high - fixed))
        self._rows = starts, columns, factors, low, high
        self._truth = np.array([figures[name].truth for name in self.names], dtype=float)
        self._within = within
        self._model = None

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
        solver.run()
        status = solver.getInfo().primal_solution_status
        if solver.getModelStatus() in (
            highspy.HighsModelStatus.kUnbounded,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        ):
            return None
        if status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        return dict(zip(self.names, solver.getSolution().col_value, strict=True))

    def _solver(self, whole: bool):
        import highspy

        if self._model is not None and not whole:
            return self._model
        starts, columns, factors, low, high = self._rows
        solver = highspy.Highs()
        options = {"output_flag": False, "threads": 1, "random_seed": 7}
        if whole:
            options |= {"mip_rel_gap": 0.25, "mip_max_nodes": 500}
        for name, value in options.items():
            solver.setOptionValue(name, value)
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = len(self.names), len(low)
        program.sense_ = highspy.ObjSense.kMaximize
        program.col_cost_ = np.zeros(len(self.names))
        bounds = [_bounds(self._figures[name]) for name in self.names]
        program.col_lower_ = np.array([one[0] for one in bounds])
        program.col_upper_ = np.array([one[1] for one in bounds])
        if self._within is not None:
            program.col_lower_ = np.maximum(program.col_lower_, self._truth - self._within)
            program.col_upper_ = np.minimum(program.col_upper_, self._truth + self._within)
        program.row_lower_, program.row_upper_ = np.array(low), np.array(high)
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = np.array(starts, dtype=np.int32)
        program.a_matrix_.index_ = np.array(columns, dtype=np.int32)
        program.a_matrix_.value_ = np.array(factors)
        if whole:
            program.integrality_ = [highspy.HighsVarType.kInteger] * len(self.names)
        solver.passModel(program)
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


def _bounds(figure: Figure) -> tuple[float, float]:
    low = -np.inf if figure.least is None else float(figure.least)
    if figure.seen is None:
        return low, np.inf
    return max(low, float(figure.seen[0])), float(figure.seen[1])
