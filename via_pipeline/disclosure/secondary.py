"""Hiding more, so that what is hidden cannot be worked out from what is shown.

Belongs here: the complementary step over one ``System``. Does not belong here: which cells are too
small (``primary``). A later step may replace this one by a solver's pattern over linked tables and
intervals; it takes a ``System`` and the primary unknowns and gives back all hidden unknowns.

What holds afterwards, against somebody who knows every sum of the dataset: no hidden number has
only one possible value, and no group of hidden numbers can be taken together to a total below the
minimum. Which extra number goes dark is decided by size, smallest first, then by key: the same
table gives the same pattern in any order of rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction

from via_pipeline.disclosure.system import Equation, Number, System


def protect(system: System, primary: Iterable[int], minimum: Mapping[str, int]) -> set[int]:
    """All unknowns to hide: ``primary``, what goes dark with them, and what protects them.

    ``minimum`` gives, per kind of quantity (N, T, C), the smallest total that hidden numbers
    taken together may be known to have; a kind that is not in it has none.
    """
    floors = [max(minimum.get(kind, 0) for _, kind in slots) for slots in system.slots]
    hidden: set[int] = set()
    for unknown in primary:
        _hide(system, hidden, unknown)
    touching: dict[int, list[Equation]] = defaultdict(list)
    for equation in system.equations:
        for unknown in {equation.total, *equation.parts}:
            touching[unknown].append(equation)
    while True:
        _fill(system, hidden, floors)
        wanted = _for_exposed(system, hidden, touching)
        if wanted is None:
            return hidden
        _hide(system, hidden, wanted)


def exposed(system: System, hidden: set[int]) -> list[int]:
    """Hidden unknowns that have one possible value given all others; exact, by elimination."""
    found: list[int] = []
    for equations in _components(system, hidden):
        rows: dict[int, dict[int, Fraction]] = {}
        for equation in equations:
            row = _row(equation, hidden)
            for pivot, known in rows.items():
                if pivot in row:
                    row = _minus(row, known, row[pivot])
            if not row:
                continue
            pivot = min(row)
            row = {unknown: value / row[pivot] for unknown, value in row.items()}
            for other, known in rows.items():
                if pivot in known:
                    rows[other] = _minus(known, row, known[pivot])
            rows[pivot] = row
        found += [pivot for pivot, row in rows.items() if len(row) == 1]
    return sorted(found)


def _hide(system: System, hidden: set[int], unknown: int) -> None:
    waiting = [unknown]
    while waiting:
        found = waiting.pop()
        if found not in hidden:
            hidden.add(found)
            waiting += sorted(system.with_[found])


def _fill(system: System, hidden: set[int], floors: list[int]) -> None:
    """Hide more until no single equation gives away a number or too small a group."""
    changed = True
    while changed:
        changed = False
        for equation in system.equations:
            while _gives_away(system, equation, hidden, floors):
                wanted = _cheapest(system, [equation], hidden)
                if wanted is None:
                    break
                _hide(system, hidden, wanted)
                changed = True


def _gives_away(system: System, equation: Equation, hidden: set[int], floors: list[int]) -> bool:
    dark = [part for part in equation.parts if part in hidden]
    if equation.total in hidden:
        # With its parts all shown the total is their sum.
        return not dark
    if not dark:
        return False
    if len(dark) == 1:
        return True
    floor = max(floors[part] for part in dark)
    return floor > 0 and sum(system.values[part] for part in dark) < floor


def _cheapest(system: System, equations: Iterable[Equation], hidden: set[int]) -> int | None:
    """The part to hide next; a total only where no part is left."""
    chosen = list(equations)
    for candidates in (
        {part for equation in chosen for part in equation.parts} - hidden,
        {equation.total for equation in chosen} - hidden,
    ):
        if candidates:
            return min(candidates, key=lambda unknown: _cost(system, unknown))
    return None


def _cost(system: System, unknown: int) -> tuple[Number, int]:
    """Size first; unknowns are numbered by key, so the number breaks ties by key."""
    if system.is_count[unknown]:
        return system.values[unknown], unknown
    index, _ = system.slots[unknown][0]
    return system.values[system.unknown_of[index, "N"]], unknown


def _for_exposed(
    system: System, hidden: set[int], touching: dict[int, list[Equation]]
) -> int | None:
    """The number to hide for the first exposed one, from its own equations, else from further."""
    for unknown in exposed(system, hidden):
        near, seen = [unknown], {unknown}
        while near:
            equations = [equation for one in near for equation in touching[one]]
            wanted = _cheapest(system, equations, hidden)
            if wanted is not None:
                return wanted
            reached = {one for item in equations for one in (item.total, *item.parts)} - seen
            seen |= reached
            near = sorted(reached)
    return None


def _components(system: System, hidden: set[int]) -> list[list[Equation]]:
    """Equations with hidden numbers, grouped by the hidden numbers they share."""
    parent: dict[int, int] = {}

    def root(unknown: int) -> int:
        parent.setdefault(unknown, unknown)
        while parent[unknown] != unknown:
            parent[unknown] = parent[parent[unknown]]
            unknown = parent[unknown]
        return unknown

    concerned = []
    for equation in system.equations:
        dark = [one for one in (equation.total, *equation.parts) if one in hidden]
        if dark:
            concerned.append((equation, dark[0]))
            for other in dark[1:]:
                parent[root(other)] = root(dark[0])
    groups: dict[int, list[Equation]] = defaultdict(list)
    for equation, first in concerned:
        groups[root(first)].append(equation)
    return list(groups.values())


def _row(equation: Equation, hidden: set[int]) -> dict[int, Fraction]:
    row: dict[int, Fraction] = defaultdict(Fraction)
    for part in equation.parts:
        if part in hidden:
            row[part] += 1
    if equation.total in hidden:
        row[equation.total] -= 1
    return {unknown: value for unknown, value in row.items() if value}


def _minus(
    row: dict[int, Fraction], known: dict[int, Fraction], times: Fraction
) -> dict[int, Fraction]:
    result = dict(row)
    for unknown, value in known.items():
        left = result.get(unknown, Fraction(0)) - times * value
        if left:
            result[unknown] = left
        else:
            result.pop(unknown, None)
    return result
