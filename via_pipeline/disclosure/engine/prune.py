"""Showing again what was hidden for nothing.

Belongs here: trying each figure that was hidden for the sake of others, the dearest first. Does
not belong here: hiding more (``repair``). Nothing is taken back unless whole movements show that
all that must be protected stays so, against every attacker.
"""

from __future__ import annotations

from collections.abc import Sequence

from via_pipeline.disclosure.engine.movement import Space
from via_pipeline.disclosure.engine.regions import Region, Regions
from via_pipeline.disclosure.engine.repair import Work, is_open, reach, sensitive_union, space_of
from via_pipeline.disclosure.engine.rules import Rule
from via_pipeline.disclosure.engine.state import MAY_BE_SHOWN, Attacker, State

_STILL = 1e-6
_TRIES = 4_000_000
"""Figures tried times figures in the release: every one in a small release, the dearest in a large.
A bound in work, not in time, so that the pattern is the same on every machine."""


def prune(state: State, regions: Regions, rules: Sequence[Rule], work: Work) -> None:
    """Show again every figure that nothing needs, the dearest first, ties by name."""
    problem = state.problem
    tried = [
        cell
        for cell, reason in state.reason.items()
        if reason in MAY_BE_SHOWN and len(problem.groups.get(cell, ())) < 2
    ]
    spaces: dict[tuple[str, int], Space] = {}
    dearest = sorted(tried, key=lambda one: (-int(problem.price[one]), one))
    for cell in dearest[: _TRIES // len(problem.cells)]:
        if work.is_over:
            return
        if state.hidden[cell] and not _is_revealing(state, cell, rules):
            _try(state, regions, spaces, cell, work)


def _is_revealing(state: State, cell: int, rules: Sequence[Rule]) -> bool:
    """Whether showing ``cell`` would leave too revealing a union in one of its sums."""
    if not rules:
        return False
    columns = state.problem.columns
    rows = columns.indices[columns.indptr[cell] : columns.indptr[cell + 1]]
    state.hidden[cell] = False
    found = any(sensitive_union(state, row, rules) for row in rows.tolist())
    state.hidden[cell] = True
    return found


def _try(
    state: State,
    regions: Regions,
    spaces: dict[tuple[str, int], Space],
    cell: int,
    work: Work,
) -> None:
    """Show ``cell`` again if every attacker can be given other movements in place of its."""
    after = []
    for attacker in state.attackers:
        without = attacker.without(cell)
        known = len(without.movements)
        left = state.exposed(without, must=True)
        if left and not _finds_others(state, regions, spaces, without, cell, left, work):
            attacker.learn(without.movements[known:])
            return
        after.append(without)
    state.show(cell, after)
    for space in spaces.values():
        space.freeze(cell)
    # What moved with it alone was hidden for the same reason, and is not hidden any more: it can
    # be worked out. No movement that is left uses it.
    for other in state.exposed(state.attackers[0]):
        if state.reason[other] in MAY_BE_SHOWN and len(state.problem.groups.get(other, ())) < 2:
            state.show(other, [one.without(other) for one in state.attackers])
            for space in spaces.values():
                space.freeze(other)


def _finds_others(
    state: State,
    regions: Regions,
    spaces: dict[tuple[str, int], Space],
    without: Attacker,
    cell: int,
    left: Sequence[int],
    work: Work,
) -> bool:
    by_region: dict[int, tuple[Region, list[int]]] = {}
    for wanted in left:
        region = regions.whole if state.is_thorough else regions.of(wanted)
        if region is None:
            return False
        by_region.setdefault(id(region), (region, []))[1].append(wanted)
    for number, (region, cells) in by_region.items():
        key = without.name, number
        if key not in spaces:
            inside = region.cells[state.hidden[region.cells]].tolist()
            spaces[key] = space_of(state, without, region.cells, inside)
        before = spaces[key].freeze(cell)
        found = _finds_all(spaces[key], state, without, cells, work)
        spaces[key].thaw(cell, before)
        if not found:
            return False
    return True


def _finds_all(
    space: Space, state: State, without: Attacker, cells: Sequence[int], work: Work
) -> bool:
    """Whether movements of all ``cells`` are found; the least likely are looked for first."""
    if any(cell not in space for cell in cells):
        return False
    moves = space.push({cell: 1 for cell in cells})
    without.learn(space.whole_parts(moves))
    work.charge(len(space))
    for cell in sorted(cells, key=lambda one: (abs(moves[space.place(one)]) > _STILL, one)):
        reach(space, state, without, cell, work)
        if is_open(state, without, cell):
            return False
    return True
