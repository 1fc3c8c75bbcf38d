"""A pattern without a search: less detail, and safe by whole tables that are written down.

Belongs here: hiding everything that hangs together with what must be hidden, and the simple tables
that show it to be enough. Does not belong here: any solver. This is what a release gets when the
search met a limit.

Everything hidden that hangs together is one piece. First the figures on top of a piece, that are
part of nothing, stay: then one innermost figure can be more and another less by the same. Where
that does not show enough, they go as well: then any innermost figure can be more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from via_pipeline.disclosure.engine.problem import Problem
from via_pipeline.disclosure.engine.repair import Work, sensitive_union
from via_pipeline.disclosure.engine.rules import Rule
from via_pipeline.disclosure.engine.search import Pattern, pattern_of
from via_pipeline.disclosure.engine.state import Reason, State

_COUNTERPARTS = 2
"""Innermost figures that give what others get, the largest of each piece."""


def coarse(problem: Problem, rules: Sequence[Rule] = ()) -> Pattern:
    """The pattern that hides whole pieces; ``Pattern.collapsed`` names what it gave up.

    The time it takes grows with the number of cells, whatever is in them.
    """
    state, work = State(problem), Work(limit=0)
    cells = problem.cells
    state.hide((n for n, cell in enumerate(cells) if cell.need), Reason.PRIMARY)
    state.hide((n for n, cell in enumerate(cells) if cell.is_carried), Reason.CARRIED)
    work.unprotected = {n for n, cell in enumerate(cells) if cell.need and cell.is_given}
    free = ~problem.is_known
    touching = abs(problem.matrix) > 0
    linked = touching[:, np.flatnonzero(free)]
    _, label = connected_components(linked.T @ linked, directed=False)
    piece = np.full(len(cells), -1)
    piece[free] = label
    sides = problem.matrix.tocoo()
    is_part = np.zeros(len(cells), dtype=bool)
    is_part[sides.col[sides.data > 0]] = True
    for with_top in (False, True):
        open_ = _open(problem, state, rules, work) if with_top else np.flatnonzero(state.hidden)
        around = np.isin(piece, np.unique(piece[open_])) & free
        if not with_top:
            around &= is_part
        state.hide(np.flatnonzero(around & ~state.hidden).tolist(), Reason.COLLAPSED)
    work.unprotected |= set(_open(problem, state, rules, work).tolist())
    return pattern_of(problem, state, work)


def _open(problem: Problem, state: State, rules: Sequence[Rule], work: Work) -> np.ndarray:
    """Hidden figures that no simple table shows to be safe, against any attacker."""
    moves = _simple(problem, state)
    found: set[int] = set()
    for attacker in state.attackers:
        kept = moves
        if attacker.own:
            kept = moves[:, np.diff(moves[sorted(attacker.own)].tocsc().indptr) == 0]
        if kept.shape[1]:
            attacker.up[:] = kept.max(axis=1).toarray().ravel().clip(min=0)
            attacker.down[:] = -kept.min(axis=1).toarray().ravel().clip(max=0)
        else:
            attacker.up[:] = attacker.down[:] = 0
        found |= set(state.exposed(attacker)) - work.unprotected
    for row in range(len(problem.relations)) if rules else ():
        if sensitive_union(state, row, rules):
            found |= {one for one in problem.matrix[row].indices.tolist() if state.hidden[one]}
    return np.array(sorted(found), dtype=int)


def _simple(problem: Problem, state: State) -> sp.csc_matrix:
    """Cells by movements: an innermost figure more (and another less), tested exactly."""
    count = len(problem.cells)
    sides = problem.matrix.tocoo()
    totals = np.zeros(count, dtype=bool)
    totals[sides.col[sides.data < 0]] = True
    inner = np.flatnonzero(state.hidden & ~totals & ~problem.is_known)
    if not len(inner):
        return sp.csc_matrix((count, 0), dtype=np.int64)
    cones = _cones(problem, inner)
    largest = inner[np.lexsort((inner, -problem.value[inner]))]
    found = []
    needs = [cell.need for cell in problem.cells if cell.need]
    steps = sorted({1, *(max(one.sliding, one.lower, one.upper) for one in needs)})
    place = {cell: number for number, cell in enumerate(inner.tolist())}
    for step in steps:
        found.append(step * cones)
        for other in largest[:_COUNTERPARTS].tolist():
            giving = sp.csc_matrix(
                cones[:, [place[other]]] @ sp.csr_matrix(np.ones((1, len(inner))))
            )
            found += [step * (cones - giving), step * (giving - cones)]
    moves = sp.csc_matrix(sp.hstack(found), dtype=np.int64)
    moves.eliminate_zeros()
    sums = (problem.matrix @ moves).tocoo()
    bad = (sums.data < problem.room[0][sums.row]) | (sums.data > problem.room[1][sums.row])
    each = moves.tocoo()
    off = each.data < problem.depth[each.row]
    off |= ~state.hidden[each.row] | problem.is_known[each.row]
    good = np.diff(moves.indptr) > 0
    good[sums.col[bad]] = False
    good[each.col[off]] = False
    moves = moves[:, np.flatnonzero(good)]
    moves.sort_indices()
    return moves


def _cones(problem: Problem, inner: np.ndarray) -> sp.csc_matrix:
    """Cells by innermost figures: one for the figure and for everything it is counted in."""
    count = len(problem.cells)
    rows, columns = [], []
    for relation in problem.relations:
        if relation.is_plain and relation.total is not None:
            for name, _ in relation.parts:
                rows.append(problem.number[relation.total])
                columns.append(problem.number[name])
    up = sp.csr_matrix((np.ones(len(rows), dtype=np.int8), (rows, columns)), (count, count))
    ones = np.ones(len(inner), dtype=np.int8)
    found = sp.csr_matrix((ones, (inner, np.arange(len(inner)))), (count, len(inner)))
    reached = found
    while reached.nnz:
        following = ((up @ reached) > 0).astype(np.int8)
        reached = following - following.multiply(found > 0).astype(np.int8)
        reached.eliminate_zeros()
        found = found + reached
    return sp.csc_matrix(found, dtype=np.int64)
