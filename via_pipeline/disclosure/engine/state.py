"""What is hidden so far and why, and which movements show it to be safe.

Belongs here: the pattern while it is made, per attacker the movements found, and how far these
take every figure. Does not belong here: looking for movements (``movement``) or deciding what to
hide next (``repair``, ``prune``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from via_pipeline.disclosure.engine.movement import Limits, Movement
from via_pipeline.disclosure.engine.problem import Need, Problem

_FAR = 2**53


class Reason(StrEnum):
    """Why a figure is hidden; of several reasons the first."""

    PRIMARY = "primary"
    CARRIED = "carried"
    FIRST = "first"
    TOGETHER = "together"
    SECONDARY = "secondary"
    UNION = "union"
    COLLAPSED = "collapsed"


MAY_BE_SHOWN = frozenset({Reason.FIRST, Reason.SECONDARY, Reason.TOGETHER})
"""What was hidden for the sake of others only, and comes back when they do without it."""


@dataclass(frozen=True, eq=False)
class Attacker:
    """Somebody who reads all that is published, and knows the figures ``own`` besides.

    ``down`` and ``up``: how far the movements that they must hold possible take each figure.
    """

    name: str
    own: frozenset[int]
    is_own: np.ndarray
    down: np.ndarray
    up: np.ndarray


@dataclass(frozen=True)
class _Kept:
    """A movement, and by attacker whether it is one for them."""

    movement: Movement
    may: np.ndarray


class State:
    """The pattern while it is made: ``hidden`` per figure, and why.

    ``is_thorough``: figures far away and zeros may be hidden from the start, and not only where
    nothing else helps.
    """

    def __init__(self, problem: Problem, is_thorough: bool = False) -> None:
        self.problem = problem
        self.is_thorough = is_thorough
        count = len(problem.cells)
        self.hidden = np.zeros(count, dtype=bool)
        self.reason: dict[int, Reason] = {}
        needs = [cell.need or Need(cell.width) for cell in problem.cells]
        self._needs = tuple(
            np.array([getattr(need, level) for need in needs], dtype=np.int64)
            for level in ("sliding", "lower", "upper")
        )
        self._has_need = np.array([cell.need is not None for cell in problem.cells], dtype=bool)
        holders = {"": np.empty(0, dtype=np.int64), **problem.holders}
        self._is_own = np.zeros((len(holders), count), dtype=bool)
        self._up = np.zeros((len(holders), count), dtype=np.int64)
        self._down = np.zeros((len(holders), count), dtype=np.int64)
        self.attackers = []
        for place, (who, own) in enumerate(holders.items()):
            self._is_own[place, own] = True
            sides = self._is_own[place], self._down[place], self._up[place]
            self.attackers.append(Attacker(who, frozenset(own.tolist()), *sides))
        self._movements: dict[int, _Kept] = {}
        self._of: dict[int, set[int]] = {}
        self._next = 0

    def learn(self, found: Iterable[Movement]) -> None:
        """Take in movements, for every attacker whose own figures stand still in them."""
        for movement in found:
            cells, moves = movement.cells, movement.moves
            up, down = self._up[:, cells], self._down[:, cells]
            is_news = ((moves > up) | (-moves > down)).any(axis=1)
            may = ~self._is_own[:, cells].any(axis=1)
            who = np.flatnonzero(is_news & may)
            if len(who):
                self._up[who[:, None], cells] = np.maximum(up[who], moves)
                self._down[who[:, None], cells] = np.maximum(down[who], -moves)
                self._movements[self._next] = _Kept(movement, may)
                for cell in cells.tolist():
                    self._of.setdefault(cell, set()).add(self._next)
                self._next += 1

    def drop(self, cell: int) -> list[Movement]:
        """Forget every movement of ``cell``, for every attacker; what was forgotten."""
        numbers = sorted(self._of.get(cell, ()))
        gone = [self._movements.pop(number).movement for number in numbers]
        if not gone:
            return []
        for number, one in zip(numbers, gone, strict=True):
            for other in one.cells.tolist():
                self._of[other].discard(number)
        touched = np.unique(np.concatenate([one.cells for one in gone]))
        self._up[:, touched] = self._down[:, touched] = 0
        left = sorted({number for other in touched.tolist() for number in self._of[other]})
        if left:
            # All at once: one by one they would be most of what a search costs.
            kept = [self._movements[number] for number in left]
            sizes = [len(one.movement.cells) for one in kept]
            cells = np.concatenate([one.movement.cells for one in kept])
            moves = np.concatenate([one.movement.moves for one in kept])
            may = np.repeat(np.array([one.may for one in kept]), sizes, axis=0)
            for place in range(len(self.attackers)):
                of, by = cells[may[:, place]], moves[may[:, place]]
                np.maximum.at(self._up[place], of, by)
                np.maximum.at(self._down[place], of, -by)
        return gone

    def hide(self, cells: Iterable[int], reason: Reason) -> list[int]:
        """Hide ``cells`` and what goes dark with them; those that were still shown, sorted."""
        asked = set(cells)
        new = [one for one in self.problem.closed(asked) if not self.hidden[one]]
        for one in new:
            self.hidden[one] = True
            self.reason[one] = reason if one in asked else Reason.TOGETHER
        return new

    def show(self, cell: int) -> None:
        """Take back the hiding of ``cell``, of which no movement is left (``drop``)."""
        self.hidden[cell] = False
        del self.reason[cell]

    def need(self, cell: int, attacker: Attacker) -> Need | None:
        """How well ``cell`` must be protected against ``attacker``.

        Everything hidden must stay unknown to the reader, else it is not hidden. Against those who
        know figures of their own that is asked for what must be protected by itself only.
        """
        if not self.hidden[cell] or cell in attacker.own or self.problem.is_known[cell]:
            return None
        found = self.problem.cells[cell]
        return found.need or (None if attacker.own else Need(found.width))

    def exposed(self, attacker: Attacker, must: bool = False) -> list[int]:
        """Hidden figures not yet shown to be safe; ``must``: without those that may be shown.

        A figure that moves, and not far enough, may not: others can move only with it.
        """
        asked = self.hidden & ~self.problem.is_known
        sliding, lower, upper = self._needs
        if attacker.own:
            asked &= ~attacker.is_own
            asked &= self._has_need
        open_ = (attacker.up < upper) | (attacker.down < lower)
        open_ |= attacker.up + attacker.down < sliding
        found = np.flatnonzero(asked & open_).tolist()
        return [one for one in found if not (must and self.is_idle(one, attacker))]

    def is_idle(self, cell: int, attacker: Attacker) -> bool:
        """Whether ``cell`` and all that went dark with it were hidden for the sake of others, and
        no movement uses any of them.
        """
        unit = list(self.unit(cell))
        is_still = not (attacker.up[unit].any() or attacker.down[unit].any())
        return is_still and self.may_be_shown(cell)

    def unit(self, cell: int) -> Sequence[int]:
        """``cell`` with all that goes dark with it, sorted."""
        return self.problem.groups.get(cell, (cell,))

    def may_be_shown(self, cell: int) -> bool:
        """Whether ``cell`` and all that went dark with it were hidden for the sake of others."""
        return all(self.reason.get(one) in MAY_BE_SHOWN for one in self.unit(cell))

    def limits(self, attacker: Attacker, cells: np.ndarray, candidates: bool = False) -> Limits:
        """How far ``cells`` may move for ``attacker``, those that cannot move left out.

        With ``candidates`` shown figures count as if they were hidden.
        """
        problem = self.problem
        free = np.ones(len(cells), dtype=bool) if candidates else self.hidden[cells]
        low = np.where(free, problem.depth[cells], problem.play[0][cells])
        high = np.where(free, _FAR, problem.play[1][cells])
        own = attacker.is_own[cells]
        fixed = problem.is_known[cells]
        low = np.where(fixed, problem.play[0][cells], low)
        high = np.where(fixed, problem.play[1][cells], high)
        moving = ~own & ((low < 0) | (high > 0))
        return Limits(cells[moving], low[moving], high[moving])
