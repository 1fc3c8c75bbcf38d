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

from via_pipeline.disclosure.system import Equation, Number, System

_PRIME = 2**61 - 1


def protect(system: System, primary: Iterable[int], minimum: Mapping[str, int]) -> set[int]:
    """All unknowns to hide: ``primary``, what goes dark with them, and what protects them.

    ``minimum`` gives, per kind of quantity (N, T, C), the smallest total that hidden numbers
    taken together may be known to have; a kind that is not in it has none.
    """
    floors = [max(minimum.get(kind, 0) for _, kind in slots) for slots in system.slots]
    hidden: set[int] = set()
    for unknown in primary:
        _hide(system, hidden, unknown)
    for equations in _independent(system):
        _protect_part(system, equations, hidden, floors)
    return hidden


def _protect_part(
    system: System, equations: list[Equation], hidden: set[int], floors: list[int]
) -> None:
    """Protect the unknowns of ``equations``, which touch no others."""
    touching: dict[int, list[Equation]] = defaultdict(list)
    for equation in equations:
        for unknown in {equation.total, *equation.parts}:
            touching[unknown].append(equation)
    while True:
        _fill(system, equations, hidden, floors)
        wanted = _for_exposed(system, equations, hidden, touching)
        if wanted is None:
            return
        _hide(system, hidden, wanted)


def exposed(equations: Iterable[Equation], hidden: set[int]) -> list[int]:
    """Hidden unknowns that have one possible value given all others, by elimination.

    Elimination runs modulo a prime of 61 bits: whole numbers, no rounding. What is determined over
    the fractions is determined there too, unless the prime divides a subdeterminant of a matrix of
    zeros and ones; a false alarm would only hide more.
    """
    found: list[int] = []
    for component in _components(equations, hidden):
        rows: dict[int, dict[int, int]] = {}
        holding: dict[int, set[int]] = defaultdict(set)
        for equation in component:
            row = _row(equation, hidden)
            for pivot in [unknown for unknown in row if unknown in rows]:
                _subtract(row, rows[pivot], row[pivot])
            if not row:
                continue
            pivot = min(row, key=lambda unknown: (len(holding[unknown]), unknown))
            inverse = pow(row[pivot], -1, _PRIME)
            row = {unknown: value * inverse % _PRIME for unknown, value in row.items()}
            for other in sorted(holding.pop(pivot, ())):
                touched = _subtract(rows[other], row, rows[other][pivot])
                for unknown in touched - {pivot}:
                    if unknown in rows[other]:
                        holding[unknown].add(other)
                    else:
                        holding[unknown].discard(other)
            rows[pivot] = row
            for unknown in row:
                if unknown != pivot:
                    holding[unknown].add(pivot)
        found += [pivot for pivot, row in rows.items() if len(row) == 1]
    return sorted(found)


def _hide(system: System, hidden: set[int], unknown: int) -> None:
    waiting = [unknown]
    while waiting:
        found = waiting.pop()
        if found not in hidden:
            hidden.add(found)
            waiting += sorted(system.with_[found])


def _fill(system: System, equations: list[Equation], hidden: set[int], floors: list[int]) -> None:
    """Hide more until no single equation gives away a number or too small a group."""
    changed = True
    while changed:
        changed = False
        for equation in equations:
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
    system: System,
    equations: list[Equation],
    hidden: set[int],
    touching: dict[int, list[Equation]],
) -> int | None:
    """The number to hide for the first exposed one, from its own equations, else from further."""
    for unknown in exposed(equations, hidden):
        near, seen = [unknown], {unknown}
        while near:
            around = [equation for one in near for equation in touching[one]]
            wanted = _cheapest(system, around, hidden)
            if wanted is not None:
                return wanted
            reached = {one for item in around for one in (item.total, *item.parts)} - seen
            seen |= reached
            near = sorted(reached)
    return None


class _Together:
    """Things that belong together, by pairs (a union-find)."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def head(self, one: int) -> int:
        self._parent.setdefault(one, one)
        while self._parent[one] != one:
            self._parent[one] = self._parent[self._parent[one]]
            one = self._parent[one]
        return one

    def join(self, one: int, other: int) -> None:
        self._parent[self.head(other)] = self.head(one)


def _independent(system: System) -> list[list[Equation]]:
    """Equations in groups of which nothing that is hidden in one touches another."""
    together = _Together()
    for equation in system.equations:
        for part in equation.parts:
            together.join(equation.total, part)
    for unknown, others in enumerate(system.with_):
        for other in others:
            together.join(unknown, other)
    groups: dict[int, list[Equation]] = defaultdict(list)
    for equation in system.equations:
        groups[together.head(equation.total)].append(equation)
    return list(groups.values())


def _components(equations: Iterable[Equation], hidden: set[int]) -> list[list[Equation]]:
    """Equations with hidden numbers, grouped by the hidden numbers they share."""
    together = _Together()
    concerned = []
    for equation in equations:
        dark = [one for one in (equation.total, *equation.parts) if one in hidden]
        if dark:
            concerned.append((equation, dark[0]))
            for other in dark[1:]:
                together.join(dark[0], other)
    groups: dict[int, list[Equation]] = defaultdict(list)
    for equation, first in concerned:
        groups[together.head(first)].append(equation)
    return list(groups.values())


def _row(equation: Equation, hidden: set[int]) -> dict[int, int]:
    row: dict[int, int] = defaultdict(int)
    for part in equation.parts:
        if part in hidden:
            row[part] += 1
    if equation.total in hidden:
        row[equation.total] -= 1
    return {unknown: value % _PRIME for unknown, value in row.items() if value % _PRIME}


def _subtract(row: dict[int, int], known: dict[int, int], times: int) -> set[int]:
    """Take ``times`` the row ``known`` from ``row``, in place; the unknowns that were touched."""
    for unknown, value in known.items():
        left = (row.get(unknown, 0) - times * value) % _PRIME
        if left:
            row[unknown] = left
        else:
            row.pop(unknown, None)
    return set(known)
