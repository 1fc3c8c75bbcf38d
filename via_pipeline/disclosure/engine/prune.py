"""Showing again what was hidden for nothing.

Belongs here: trying what was hidden for the sake of others, the dearest first: each figure with all
that goes dark with it. Does not belong here: hiding more (``repair``). Nothing is taken back unless
whole movements show that all that must be protected stays so, against every attacker.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from via_pipeline.disclosure.engine.movement import Space
from via_pipeline.disclosure.engine.regions import Region, Regions
from via_pipeline.disclosure.engine.repair import Work, is_open, reach, sensitive_union, space_of
from via_pipeline.disclosure.engine.rules import Rule
from via_pipeline.disclosure.engine.state import Attacker, State

_STILL = 1e-6
_TRIES = 4_000_000
"""Figures tried times figures in the release: every one in a small release, the dearest in a large.
A bound in work, not in time, so that the pattern is the same on every machine."""


def prune(state: State, regions: Regions, rules: Sequence[Rule], work: Work) -> None:
    """Show again every figure that nothing needs, the dearest first, ties by name."""
    problem = state.problem
    spaces: dict[tuple[str, int], Space] = {}
    units = {tuple(state.unit(cell)) for cell in state.reason if state.may_be_shown(cell)}
    dearest = sorted(units, key=lambda unit: (-sum(int(problem.price[n]) for n in unit), unit))
    for unit in dearest[: _TRIES // len(problem.cells)]:
        if work.is_over:
            break
        if state.hidden[unit[0]]:
            _try(state, regions, spaces, unit, rules, work)
    _show_idle(state, spaces, rules)


def _is_revealing(state: State, cells: Sequence[int], rules: Sequence[Rule]) -> bool:
    """Whether showing ``cells`` would leave too revealing a union in one of their sums."""
    if not rules:
        return False
    rows = sorted({row for cell in cells for row, _ in state.problem.sides[cell]})
    state.hidden[list(cells)] = False
    found = any(sensitive_union(state, row, rules) for row in rows)
    state.hidden[list(cells)] = True
    return found


def _try(
    state: State,
    regions: Regions,
    spaces: dict[tuple[str, int], Space],
    unit: Sequence[int],
    rules: Sequence[Rule],
    work: Work,
) -> None:
    """Show ``unit`` again if every attacker can be given other movements in place of its."""
    if _is_revealing(state, unit, rules):
        return
    gone = [movement for cell in unit for movement in state.drop(cell)]
    for attacker in state.attackers:
        left = [one for one in state.exposed(attacker, must=True) if one not in unit]
        if left and not _finds_others(state, regions, spaces, attacker, unit, left, work):
            state.learn(gone)
            return
    _show(state, spaces, unit)
    _show_idle(state, spaces, rules)


def _show_idle(state: State, spaces: dict[tuple[str, int], Space], rules: Sequence[Rule]) -> None:
    """Show what was hidden for the sake of others and can be worked out: no movement uses it."""
    for cell in state.exposed(state.attackers[0]):
        unit = state.unit(cell)
        is_idle = state.hidden[cell] and state.is_idle(cell, state.attackers[0])
        if is_idle and not _is_revealing(state, unit, rules):
            _show(state, spaces, unit)


def _show(state: State, spaces: dict[tuple[str, int], Space], cells: Iterable[int]) -> None:
    for cell in cells:
        state.show(cell)
        for space in spaces.values():
            space.freeze(cell)


def _finds_others(
    state: State,
    regions: Regions,
    spaces: dict[tuple[str, int], Space],
    attacker: Attacker,
    unit: Sequence[int],
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
        key = attacker.name, number
        if key not in spaces:
            inside = region.cells[state.hidden[region.cells]].tolist()
            spaces[key] = space_of(state, attacker, region.cells, inside)
        before = [(cell, spaces[key].freeze(cell)) for cell in unit]
        found = _finds_all(spaces[key], state, attacker, cells, work)
        for cell, bounds in before:
            spaces[key].thaw(cell, bounds)
        if not found:
            return False
    return True


def _finds_all(
    space: Space, state: State, attacker: Attacker, cells: Sequence[int], work: Work
) -> bool:
    """Whether movements of all ``cells`` are found; the least likely are looked for first."""
    if any(cell not in space for cell in cells):
        return False
    moves = space.push({cell: 1 for cell in cells})
    state.learn(space.whole_parts(moves))
    work.charge(len(space))
    for cell in sorted(cells, key=lambda one: (abs(moves[space.place(one)]) > _STILL, one)):
        reach(space, state, attacker, cell, work)
        if is_open(state, attacker, cell):
            return False
    return True
