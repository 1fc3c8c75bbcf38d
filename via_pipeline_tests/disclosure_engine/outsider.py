"""A third way to find what can be worked out: whole-number programs of scipy, figure by figure.

Belongs here: small random tables, and the interval of one figure. Shares nothing with protector or
audit: it reads cells and relations, and which of them are hidden.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from via_pipeline.disclosure.engine.problem import Cell, Name, Relation
from via_pipeline.disclosure.engine.tables import Dimension, Table

MOST = 10_000


def interval(
    cells: Sequence[Cell],
    relations: Sequence[Relation],
    hidden: Collection[Name],
    name: Name,
    also_known: Collection[Name] = (),
) -> tuple[int, int]:
    """Lowest and highest whole number that ``name`` can be for who knows all that is shown."""
    place = {cell.name: number for number, cell in enumerate(cells)}
    low, high = [], []
    for cell in cells:
        seen = cell.shown or (cell.value, cell.value)
        is_given = cell.is_known or cell.is_structural or cell.name in also_known
        is_hidden = cell.name in hidden and not is_given
        if cell.name in also_known:
            seen = (cell.value, cell.value)
        low.append((-MOST if cell.floor is None else cell.floor) if is_hidden else seen[0])
        high.append(MOST if is_hidden else seen[1])
    matrix = np.zeros((len(relations), len(cells)))
    sums_low, sums_high = [], []
    for row, relation in enumerate(relations):
        for part, factor in relation.parts:
            matrix[row, place[part]] += factor
        if relation.total is not None:
            matrix[row, place[relation.total]] -= 1
        truth = sum(matrix[row, place[cell.name]] * cell.value for cell in cells)
        within = relation.within or (truth, truth)
        sums_low.append(within[0])
        sums_high.append(within[1])
    ends = []
    for sign in (1, -1):
        aim = np.zeros(len(cells))
        aim[place[name]] = sign
        found = milp(
            aim,
            integrality=np.ones(len(cells)),
            bounds=Bounds(low, high),
            constraints=LinearConstraint(matrix, sums_low, sums_high),
        )
        assert found.success, "the true table is one solution, so there must be one"
        ends.append(round(sign * found.fun))
    return ends[0], ends[1]


def flat(name: str, size: int) -> Dimension:
    return Dimension(name, {f"{name}{number}": "T" for number in range(size)})


def deep(name: str, sizes: Sequence[int]) -> Dimension:
    parent = {}
    for group, size in enumerate(sizes):
        parent[f"{name}{group}"] = "T"
        if size > 1:
            parent |= {f"{name}{group}.{number}": f"{name}{group}" for number in range(size)}
    return Dimension(name, parent)


@st.composite
def tables(draw: st.DrawFn, name: str = "t") -> Table:
    """Small tables of two or three dimensions, one of them with a hierarchy."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=2, max_size=3))
    dimensions = [deep("g", sizes), flat("h", draw(st.integers(2, 3)))]
    if draw(st.booleans()):
        dimensions.append(flat("k", 2))
    small = st.integers(0, 25)
    counts = {codes: draw(small) for codes in _leaves(dimensions)}
    return Table(name, tuple(dimensions), counts)


def _leaves(dimensions: Sequence[Dimension]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [()]
    for dimension in dimensions:
        found = [(*codes, leaf) for codes in found for leaf in dimension.leaves]
    return found
