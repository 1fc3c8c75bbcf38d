"""A pattern for a whole release: what to hide so that nothing hidden can be worked out.

Belongs here: the order of the steps and the result. Does not belong here: the steps themselves.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from via_pipeline.disclosure.engine.problem import Name, Problem
from via_pipeline.disclosure.engine.prune import prune
from via_pipeline.disclosure.engine.regions import Regions
from via_pipeline.disclosure.engine.repair import Work, repair
from via_pipeline.disclosure.engine.rules import Rule
from via_pipeline.disclosure.engine.state import Reason, State


@dataclass(frozen=True)
class Pattern:
    """What to hide, and why. All names are sorted.

    ``collapsed`` lost detail because no cheaper way was found in time. ``unprotected`` can be
    worked out whatever is hidden, since outsiders know too much already: such a release must not
    go out. ``lost`` is the total price of all that is hidden besides the primary cells.
    """

    hidden: dict[Name, Reason]
    collapsed: tuple[Name, ...]
    unprotected: tuple[Name, ...]
    lost: int
    solved: int

    @property
    def secondary(self) -> tuple[Name, ...]:
        """What is hidden for the sake of other figures."""
        return tuple(name for name, why in self.hidden.items() if why is not Reason.PRIMARY)


def protect(
    problem: Problem,
    rules: Sequence[Rule] = (),
    first: Collection[Name] = (),
    seconds: float = 60.0,
) -> Pattern:
    """The pattern of ``problem``: the same for the same cells and relations in any order.

    ``rules`` are asked about unions of hidden cells; single cells carry their need already
    (``rules.with_needs``). ``first`` is a pattern to start from, by another method. After
    ``seconds`` detail is given up instead of searched for; a release should stay far from that,
    for it is the one thing that depends on the machine.
    """
    state = State(problem)
    work = Work(time.monotonic() + seconds)
    cells = problem.cells
    state.hide((n for n, cell in enumerate(cells) if cell.need), Reason.PRIMARY)
    state.hide((n for n, cell in enumerate(cells) if cell.is_carried), Reason.CARRIED)
    state.hide((problem.number[name] for name in sorted(first)), Reason.FIRST)
    # What outsiders have already is past protecting: hiding it in this release hides nothing.
    work.unprotected = {n for n, cell in enumerate(cells) if cell.need and cell.is_known}
    regions = Regions(problem)
    repair(state, regions, rules, work)
    prune(state, regions, rules, work)
    hidden = {cells[n].name: state.reason[n] for n in np.flatnonzero(state.hidden).tolist()}
    return Pattern(
        hidden=hidden,
        collapsed=tuple(name for name, why in hidden.items() if why is Reason.COLLAPSED),
        unprotected=tuple(cells[n].name for n in sorted(work.unprotected)),
        lost=sum(
            cells[problem.number[name]].price
            for name, why in hidden.items()
            if why is not Reason.PRIMARY
        ),
        solved=work.solved,
    )
