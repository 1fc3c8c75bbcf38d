"""The search for a pattern: what to hide so that nothing hidden can be worked out.

Belongs here: the order of the steps and the result. Does not belong here: the steps themselves, and
where the search runs and what happens when it does not end (``protect``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from via_pipeline.disclosure.engine.problem import Name, Problem
from via_pipeline.disclosure.engine.prune import prune
from via_pipeline.disclosure.engine.regions import Regions
from via_pipeline.disclosure.engine.repair import Work, repair
from via_pipeline.disclosure.engine.rules import Rule
from via_pipeline.disclosure.engine.state import Reason, State

EFFORT = 300_000_000
"""Columns of programs that a search may solve, ten times what the largest table measured takes. A
bound in work, so that the pattern never depends on the machine."""
_SMALL = 500
"""Cells up to which several searches are made and the cheapest pattern kept."""
_TRIES, _MOST = 1, 4
"""Searches besides the first: so many for the largest small problem, more for smaller ones."""
_SEED = 20_211_213


@dataclass(frozen=True)
class Pattern:
    """What to hide, and why. All names are sorted.

    ``collapsed`` lost detail because no cheaper way was found in the work allowed. ``unprotected``
    can be worked out whatever is hidden, since outsiders know too much already: such a release must
    not go out. ``lost`` is the total cost of all that is hidden besides the primary cells.
    ``limit`` says which limit of its process a search met, where this is the coarser pattern.
    """

    hidden: dict[Name, Reason]
    collapsed: tuple[Name, ...]
    unprotected: tuple[Name, ...]
    lost: int
    solved: int
    limit: str = ""

    @property
    def is_coarser(self) -> bool:
        """Whether detail was given up instead of searched for: to be said where this is shown."""
        return bool(self.collapsed)

    @property
    def secondary(self) -> tuple[Name, ...]:
        """What is hidden for the sake of other figures."""
        return tuple(name for name, why in self.hidden.items() if why is not Reason.PRIMARY)


def search(
    problem: Problem,
    rules: Sequence[Rule] = (),
    first: Collection[Name] = (),
    effort: int = EFFORT,
    again: bool = True,
) -> Pattern:
    """The pattern of ``problem``: the same for the same cells and relations in any order.

    Small problems are searched with several prices per figure, for what is cheapest one by one is
    not cheapest taken together; without ``again`` once, which loses a few per cent more. Past
    ``effort`` (columns of programs solved) detail is given up.
    """
    found = [_once(problem, problem, rules, first, effort)]
    random = np.random.default_rng(_SEED)
    is_small = again and len(problem.cells) <= _SMALL
    for _ in range(_TRIES * _SMALL // len(problem.cells) if is_small else 0):
        # Costs a hundredfold, so that drawn factors count, and one more, so that nothing is free.
        factors = random.integers(60, 141, len(problem.cells)).tolist()
        cells = [
            replace(cell, cost=1 + cell.loss * factor)
            for cell, factor in zip(problem.cells, factors, strict=True)
        ]
        weighed = Problem(cells, problem.relations)
        found.append(_once(problem, weighed, rules, first, effort, is_thorough=True))
        if len(found) > _MOST:
            break
    return min(found, key=quality)


def quality(pattern: Pattern) -> tuple[int, int, int, int]:
    """What makes a pattern better, the lower the better; the first difference decides.

    Nothing unprotected, nothing given up, then what is lost and the number of figures.
    """
    count = len(pattern.secondary)
    return len(pattern.unprotected), len(pattern.collapsed), pattern.lost, count


def _once(
    problem: Problem,
    weighed: Problem,
    rules: Sequence[Rule],
    first: Collection[Name],
    effort: int,
    is_thorough: bool = False,
) -> Pattern:
    """One search with the prices of ``weighed``, counted in those of ``problem``."""
    state = State(weighed, is_thorough)
    work = Work(effort)
    cells = weighed.cells
    state.hide((n for n, cell in enumerate(cells) if cell.need), Reason.PRIMARY)
    state.hide((n for n, cell in enumerate(cells) if cell.is_carried), Reason.CARRIED)
    state.hide((weighed.number[name] for name in sorted(first)), Reason.FIRST)
    # What outsiders have already is past protecting: hiding it in this release hides nothing.
    work.unprotected = {n for n, cell in enumerate(cells) if cell.need and cell.is_given}
    regions = Regions(weighed)
    repair(state, regions, rules, work)
    prune(state, regions, rules, work)
    return pattern_of(problem, state, work)


def pattern_of(problem: Problem, state: State, work: Work) -> Pattern:
    """What was found, by name and in the prices of ``problem``."""
    cells = problem.cells
    hidden = {cells[n].name: state.reason[n] for n in np.flatnonzero(state.hidden).tolist()}
    return Pattern(
        hidden=hidden,
        collapsed=tuple(name for name, why in hidden.items() if why is Reason.COLLAPSED),
        unprotected=tuple(cells[n].name for n in sorted(work.unprotected)),
        lost=sum(
            cells[problem.number[name]].loss
            for name, why in hidden.items()
            if why is not Reason.PRIMARY
        ),
        solved=work.solved,
    )
