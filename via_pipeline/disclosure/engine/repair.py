"""Incremental attack: find what can be worked out, and hide the cheapest figures that prevent it.

Belongs here: the search on the joint system, region by region and then as a whole, and the last
resort of less detail. Does not belong here: the programs that are solved (``movement``), showing
again what is not needed (``prune``).

The idea is that of Kelly, Golden and Assad (1992) and of Fischetti and Salazar (2001): a figure is
safe when another table exists that agrees with all that is published and differs enough in it; the
cheapest such table is a linear program, and what differs in it must be hidden. Choosing one by one
is not the optimum over all figures; ``prune`` brings back part of the difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from via_pipeline.disclosure.engine.movement import Market, Movement, Space, whole_parts
from via_pipeline.disclosure.engine.problem import Cell
from via_pipeline.disclosure.engine.regions import Region, Regions
from via_pipeline.disclosure.engine.rules import Rule
from via_pipeline.disclosure.engine.state import Attacker, Reason, State

_ROUNDS = 6
_AREA = 600
"""Figures that a larger region is cut off at, in the first round; more in later ones."""
_LARGE = 1_500
"""Figures up to which a region is taken as it is: in tables one that is cut off gives a dearer
pattern, and the whole system of a release is slow to solve."""
_NEARBY = 2
"""How far the last look reaches, in rounds."""
_TRIES = 8
_TINY = 1e-6
_FEW = 6
"""Fewer figures than this are attacked singly at once."""
_WHOLE_COSTS = 25
"""A program in whole numbers takes the time of so many without, as measured on tables."""
_WORTH = 0.5
"""Pushing many at once goes on while it settles half of them."""
_SEED = 20_210_518
"""Of the directions in which figures are pushed together; any seed will do, one must be fixed."""


@dataclass
class Work:
    """What the search has cost, and how much it may cost: in columns of solved programs.

    Not in seconds: a slow machine must find the same pattern as a fast one. ``limit`` None is
    "as much as it takes".
    """

    limit: int | None
    spent: int = 0
    solved: int = 0
    unprotected: set[int] = field(default_factory=set)

    def charge(self, columns: int, whole: bool = False) -> None:
        """Count a program of so many columns, dearer if it asked for whole numbers."""
        self.spent += columns * (_WHOLE_COSTS if whole else 1)
        self.solved += 1

    @property
    def is_over(self) -> bool:
        """Whether all is spent: from here on detail is given up instead of searched for."""
        return self.limit is not None and self.spent > self.limit


def repair(state: State, regions: Regions, rules: Sequence[Rule], work: Work) -> None:
    """Hide more until nothing hidden can be worked out, by any attacker.

    What cannot be protected by hiding everything around it ends up in ``work.unprotected``.
    """
    while True:
        for attacker in state.attackers:
            _against(state, regions, attacker, work)
        if not _unions(state, rules, work):
            return


def cover(
    space: Space, state: State, attacker: Attacker, wanted: Sequence[int], work: Work
) -> None:
    """Look for movements of ``wanted`` within ``space``: many at a time, then singly."""
    random = np.random.default_rng(_SEED)
    left = [cell for cell in wanted if cell in space and is_open(state, attacker, cell)]
    for _ in range(_TRIES):
        if len(left) < _FEW or work.is_over:
            break
        wishes = {cell: _direction(state, attacker, cell, random) for cell in left}
        state.learn(space.whole_parts(space.push(wishes)))
        work.charge(len(space))
        before = len(left)
        left = [cell for cell in left if is_open(state, attacker, cell)]
        if len(left) > _WORTH * before:
            break
    for cell in left:
        if work.is_over:
            return
        reach(space, state, attacker, cell, work)


def reach(
    space: Space,
    state: State,
    attacker: Attacker,
    cell: int,
    work: Work,
    insist: bool = False,
) -> None:
    """Look for movements of one figure; with ``insist`` by a search for whole numbers as well."""
    if cell not in space:
        return
    able = {1: 0.0, -1: 0.0}
    for side in (1, -1):
        amount = _missing(state, attacker, cell, side)
        if amount:
            moves = space.furthest(cell, side * amount)
            able[side] = abs(moves[space.place(cell)]) + _TINY
            state.learn(space.whole_parts(moves))
            work.charge(len(space))
    if not insist or not is_open(state, attacker, cell):
        return
    need = state.need(cell, attacker)
    if need is None or not need.is_met(int(able[-1]), int(able[1])):
        # As far as any movement goes: whole numbers go no further.
        return
    for side in (1, -1):
        amount = _missing(state, attacker, cell, side)
        if amount:
            state.learn(space.whole_parts(space.push({cell: side}, whole=True)))
            work.charge(len(space), whole=True)


def _missing(state: State, attacker: Attacker, cell: int, side: int) -> int:
    """How far a movement to that side must take ``cell`` so that it is safe; 0 where it is."""
    need = state.need(cell, attacker)
    if need is None:
        return 0
    up, down = int(attacker.up[cell]), int(attacker.down[cell])
    if need.is_met(down, up):
        return 0
    if side > 0:
        return max(need.upper, need.sliding - down)
    return max(need.lower, need.sliding - up)


def sensitive_union(state: State, row: int, rules: Sequence[Rule]) -> bool:
    """Whether hidden parts of a relation can be taken together to something too revealing."""
    cells = _union(state, row)
    return len(cells) > 1 and any(rule.is_sensitive(cells) for rule in rules)


def _against(state: State, regions: Regions, attacker: Attacker, work: Work) -> None:
    for turn in range(_ROUNDS):
        exposed = _look(state, regions, attacker, work, turn)
        if not exposed:
            return
        if work.is_over:
            break
        usable = ~state.problem.is_known & ~attacker.is_own
        if state.is_thorough or turn > 0:
            around = _each(regions, exposed, usable, turn)
        else:
            around = _by_region(state, regions, attacker, exposed, usable)
        for region, cells in around:
            _buy(state, attacker, region, cells, work, with_zeros=turn > 1)
    _collapse(state, regions, attacker, work)


def _look(state: State, regions: Regions, attacker: Attacker, work: Work, turn: int) -> list[int]:
    """Figures not found to be safe: looked for within regions, and from ``turn`` 1 on further."""
    exposed = [one for one in state.exposed(attacker) if one not in work.unprotected]
    usable = state.hidden & ~attacker.is_own
    for region, cells in _by_region(state, regions, attacker, exposed, usable):
        space = space_of(state, attacker, region.cells, cells)
        cover(space, state, attacker, cells, work)
    exposed = [cell for cell in exposed if is_open(state, attacker, cell)]
    if exposed and turn:
        for region, cells in _each(regions, exposed, usable, turn):
            space = space_of(state, attacker, region.cells, cells)
            for cell in cells:
                if not work.is_over:
                    reach(space, state, attacker, cell, work, insist=True)
    return [cell for cell in exposed if is_open(state, attacker, cell)]


def _each(
    regions: Regions, cells: Sequence[int], usable: np.ndarray, turn: int
) -> Iterator[tuple[Region, list[int]]]:
    """All there is as one region; in a large system what lies around each of ``cells``, further
    every turn.
    """
    if len(regions.whole.cells) <= _LARGE:
        yield regions.whole, list(cells)
        return
    for cell in cells:
        yield regions.around(cell, usable, _AREA * 2 ** (turn + 1)), [cell]


def space_of(state: State, attacker: Attacker, cells: np.ndarray, wanted: Sequence[int]) -> Space:
    """Movements of what is hidden among ``cells``, as far as ``wanted`` need."""
    limits = state.limits(attacker, cells)
    return Space(state.problem, limits, _steps(state, attacker, wanted))


def _steps(state: State, attacker: Attacker, cells: Sequence[int]) -> int:
    needs = [state.need(cell, attacker) for cell in cells]
    most = max((max(one.sliding, one.lower, one.upper) for one in needs if one), default=1)
    return most * state.problem.spread


def _by_region(
    state: State, regions: Regions, attacker: Attacker, cells: Sequence[int], usable: np.ndarray
) -> Iterator[tuple[Region, list[int]]]:
    """Regions with those of ``cells`` in them that are still open when their turn comes.

    Of a region that is large the figures around the first of ``cells``, then around the next.
    """
    groups: dict[int, tuple[Region, list[int]]] = {}
    for cell in cells:
        region = regions.of(cell)
        if region is not None:
            groups.setdefault(id(region), (region, []))[1].append(cell)
    for region, inside in groups.values():
        left = [cell for cell in inside if is_open(state, attacker, cell)]
        while left:
            if len(region.cells) <= _LARGE:
                yield region, left
                break
            area = regions.around(left[0], usable, _AREA)
            near = set(area.cells.tolist())
            yield area, [cell for cell in left if cell in near]
            left = [cell for cell in left if cell not in near and is_open(state, attacker, cell)]


def is_open(state: State, attacker: Attacker, cell: int) -> bool:
    """Whether ``cell`` is hidden and not yet shown to be safe."""
    need = state.need(cell, attacker)
    return need is not None and not need.is_met(int(attacker.down[cell]), int(attacker.up[cell]))


def _direction(state: State, attacker: Attacker, cell: int, random: np.random.Generator) -> int:
    drawn = 1 if random.random() < 0.5 else -1
    need = state.need(cell, attacker)
    if need is not None and attacker.up[cell] < need.upper:
        return 1
    if need is not None and attacker.down[cell] < need.lower:
        return -1
    return 1 if -state.problem.depth[cell] == 0 else drawn


def _buy(
    state: State,
    attacker: Attacker,
    region: Region,
    cells: Sequence[int],
    work: Work,
    with_zeros: bool = False,
) -> None:
    """Hide what makes each of ``cells`` movable, as cheaply as the region allows."""
    problem = state.problem
    limits = state.limits(attacker, region.cells, candidates=True)
    # A zero can only go up and tells little when it is hidden: used where nothing else helps.
    usable = state.hidden[limits.cells] | (limits.low < 0) | with_zeros | state.is_thorough
    limits = type(limits)(limits.cells[usable], limits.low[usable], limits.high[usable])
    loose = _loose(state, region)
    steps = _steps(state, attacker, cells)
    market = Market(problem, state.hidden, limits, steps, loose, _prices(state))
    moved: set[int] = set()
    for cell in cells:
        if cell in moved or work.is_over or not is_open(state, attacker, cell):
            continue
        for amount in _amounts(state, attacker, cell):
            bought = market.buy(cell, amount)
            work.charge(len(market))
            if bought is not None:
                cells_moved, moves = bought
                moved.update(cells_moved.tolist())
                market.hide(state.hide(cells_moved.tolist(), Reason.SECONDARY))
                state.learn(_as_bought(state, attacker, cells_moved, moves, steps))
                break


def _loose(state: State, region: Region) -> np.ndarray:
    """Relations beyond ``region`` that hidden figures outside it can make good."""
    problem = state.problem
    is_beyond = np.zeros(len(problem.relations), dtype=bool)
    is_beyond[problem.part(region.cells)[1]] = True
    is_beyond[region.relations] = False
    beyond = np.flatnonzero(is_beyond)
    if not len(beyond):
        return beyond
    is_outside = state.hidden.copy()
    is_outside[region.cells] = False
    rows = problem.matrix[beyond]
    of_row = np.repeat(np.arange(len(beyond)), np.diff(rows.indptr))
    return beyond[np.bincount(of_row, is_outside[rows.indices], len(beyond)) > 0]


def _as_bought(
    state: State, attacker: Attacker, cells: np.ndarray, moves: np.ndarray, steps: int
) -> list[Movement]:
    """What was bought, where it is a movement already: nothing loose was leant on."""
    limits = state.limits(attacker, cells)
    return whole_parts(state.problem, limits, moves[np.isin(cells, limits.cells)], steps)


def _prices(state: State) -> np.ndarray:
    """Per figure the price of hiding it and what goes dark with it."""
    prices = state.problem.price.copy()
    for cell, group in state.problem.groups.items():
        prices[cell] = sum(int(state.problem.price[one]) for one in group)
    return prices


def _amounts(state: State, attacker: Attacker, cell: int) -> list[int]:
    """Movements of ``cell`` of which any one would do, or help most; the first that is had."""
    sides = (_missing(state, attacker, cell, 1), -_missing(state, attacker, cell, -1))
    return [one for one in sides if one]


def _collapse(state: State, regions: Regions, attacker: Attacker, work: Work) -> None:
    """Give up detail: hide the lines, then the whole region of what is still exposed."""
    by_line = state.problem.columns
    for wide in (False, True):
        exposed = _look_again(state, regions, attacker, work)
        if not exposed:
            return
        for cell in exposed:
            region = regions.of(cell)
            if region is None:
                continue
            lines = by_line.indices[by_line.indptr[cell] : by_line.indptr[cell + 1]]
            around = region.cells if wide else np.unique(state.problem.matrix[lines].indices)
            state.hide(around[~state.problem.is_known[around]].tolist(), Reason.COLLAPSED)
    work.unprotected |= set(_look_again(state, regions, attacker, work))


def _look_again(state: State, regions: Regions, attacker: Attacker, work: Work) -> list[int]:
    """What is exposed, looked for also when the time is up: safety does not yield to it."""
    patient = Work(limit=None)
    exposed = [one for one in state.exposed(attacker) if one not in work.unprotected]
    usable = state.hidden & ~attacker.is_own
    for region, cells in _each(regions, exposed, usable, _NEARBY):
        space = space_of(state, attacker, region.cells, cells)
        cover(space, state, attacker, cells, patient)
        for cell in cells:
            reach(space, state, attacker, cell, patient, insist=True)
    work.solved += patient.solved
    return [cell for cell in exposed if is_open(state, attacker, cell)]


def _union(state: State, row: int) -> list[Cell]:
    """The hidden parts of a relation whose sum is known, because all else in it is."""
    problem = state.problem
    relation = problem.relations[row]
    if not relation.is_plain or relation.total is None:
        return []
    total = problem.number[relation.total]
    if state.hidden[total] and not problem.is_known[total]:
        return []
    numbers = [problem.number[name] for name, _ in relation.parts]
    return [
        problem.cells[one] for one in numbers if state.hidden[one] and not problem.is_known[one]
    ]


def _unions(state: State, rules: Sequence[Rule], work: Work) -> bool:
    """Hide one part more of each relation whose hidden parts are too revealing together."""
    problem, changed = state.problem, False
    for row in range(len(problem.relations)) if rules else ():
        while sensitive_union(state, row, rules):
            relation = problem.relations[row]
            parts = [problem.number[name] for name, _ in relation.parts]
            shown = [one for one in parts if not state.hidden[one] and problem.value[one] > 0]
            total = problem.number[relation.total] if relation.total else -1
            if not shown and not problem.is_known[total] and not state.hidden[total]:
                shown = [total]
            shown = [one for one in shown if not problem.is_known[one]]
            if not shown:
                work.unprotected |= {problem.number[cell.name] for cell in _union(state, row)}
                break
            cheapest = min(shown, key=lambda one: (int(problem.price[one]), one))
            state.hide([cheapest], Reason.UNION)
            changed = True
    return changed
