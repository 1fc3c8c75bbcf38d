"""The part of a system in which a figure is attacked first: small, so that solving is quick.

Belongs here: which relations lie near a figure. Does not belong here: solving anything.

A region is closed upward. From the relations of a figure it takes in those in which any of their
figures is a part, and so on: in a table with a hierarchy that is the block a figure stands in and
the blocks of the totals above it, and not the inside of the neighbouring blocks. Where tables are
linked a region can be nearly everything; then it is cut off at a distance (``around``): figures
further away are taken to stand still, which can make a pattern dearer and never less safe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from via_pipeline.disclosure.engine.problem import Problem, slices


@dataclass(frozen=True)
class Region:
    """Relations and the figures that stand in them, sorted numbers."""

    relations: np.ndarray
    cells: np.ndarray


class Regions:
    """Finds the region of a figure; figures of one block share one."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        matrix = abs(problem.matrix)
        self._of_cell = sp.csc_matrix(matrix)
        self._matrix = matrix
        parts = _parts(problem)
        # From a relation to those that its figures are parts of.
        upward = sp.csr_matrix((matrix @ parts.T) > 0)
        count, self._label = connected_components(upward, directed=True, connection="strong")
        ones = np.ones(len(self._label), dtype=np.int8)
        member = sp.csr_matrix(
            (ones, (self._label, np.arange(len(self._label)))), (count, len(ones))
        )
        self._above = sp.csr_matrix((member @ upward @ member.T) > 0)
        self._rows_of = member
        self._reached: dict[frozenset[int], Region] = {}
        self.whole = Region(np.arange(matrix.shape[0]), np.arange(matrix.shape[1]))
        """All there is, as one region."""

    def of(self, cell: int) -> Region | None:
        """The region of that figure; None for one that stands in no relation."""
        rows = self._of_cell.indices[self._of_cell.indptr[cell] : self._of_cell.indptr[cell + 1]]
        labels = frozenset(self._label[rows].tolist())
        if not labels:
            return None
        if labels not in self._reached:
            reached = self._closure(labels)
            if reached not in self._reached:
                self._reached[reached] = self._region(reached)
            self._reached[labels] = self._reached[reached]
        return self._reached[labels]

    def around(self, start: int, usable: np.ndarray, limit: int) -> Region:
        """Up to about ``limit`` of the ``usable`` figures (a mask) nearest to ``start``.

        In steps from figure to figure through relations; the order of numbers decides ties.
        """
        problem = self._problem
        is_seen = np.zeros(len(problem.cells), dtype=bool)
        is_used = np.zeros(len(problem.relations), dtype=bool)
        is_seen[start] = True
        ring, count = np.array([start]), 1
        while len(ring) and count < limit:
            ends, rows, _ = problem.part(ring)
            rows, by = _new(rows, np.repeat(np.arange(len(ring)), np.diff(ends)), is_used)
            ends, places = slices(problem.matrix, rows)
            near, by = problem.matrix.indices[places], np.repeat(by, np.diff(ends))
            near, by = _new(near[usable[near]], by[usable[near]], is_seen)
            # The ring's figure by which there are enough is the last that brings its neighbours.
            is_enough = count + np.cumsum(np.bincount(by, minlength=len(ring))) >= limit
            if is_enough.any():
                is_late = by > np.argmax(is_enough)
                is_seen[near[is_late]] = False
                near = near[~is_late]
            ring, count = near, count + len(near)
        cells = np.flatnonzero(is_seen)
        is_near = np.zeros(len(problem.relations), dtype=bool)
        is_near[problem.part(cells)[1]] = True
        return Region(np.flatnonzero(is_near), cells)

    def _closure(self, labels: frozenset[int]) -> frozenset[int]:
        seen, waiting = set(labels), sorted(labels)
        while waiting:
            label = waiting.pop()
            row = self._above.indices[self._above.indptr[label] : self._above.indptr[label + 1]]
            for other in row.tolist():
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        return frozenset(seen)

    def _region(self, labels: frozenset[int]) -> Region:
        relations = np.flatnonzero(np.isin(self._label, sorted(labels)))
        return Region(relations, np.unique(self._matrix[relations].indices))


def _new(
    numbers: np.ndarray, by: np.ndarray, is_taken: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Those of ``numbers`` that were not taken, each once and in their order, and from now on are;
    of each the first of ``by``.
    """
    is_new = ~is_taken[numbers]
    _, first = np.unique(numbers[is_new], return_index=True)
    first.sort()
    found = numbers[is_new][first]
    is_taken[found] = True
    return found, by[is_new][first]


def _parts(problem: Problem) -> sp.csr_matrix:
    """Relations by cells, without the totals."""
    rows, columns = [], []
    for row, relation in enumerate(problem.relations):
        for name, _ in relation.parts:
            rows.append(row)
            columns.append(problem.number[name])
    shape = (len(problem.relations), len(problem.cells))
    return sp.csr_matrix((np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=shape)
