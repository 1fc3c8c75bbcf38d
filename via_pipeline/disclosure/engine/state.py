"""What is hidden so far and why, and which movements show it to be safe.

Belongs here: the pattern while it is made, per attacker the movements found, and how far these
take every figure. Does not belong here: looking for movements (``movement``) or deciding what to
hide next (``repair``, ``prune``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
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


MAY_BE_SHOWN = frozenset({Reason.FIRST, Reason.SECONDARY})
"""What was hidden for the sake of others only, and comes back when they do without it."""


@dataclass
class Attacker:
    """Somebody who reads all that is published, and knows the figures ``own`` besides.

    ``movements`` are other tables this attacker cannot tell from the true one; ``down`` and ``up``
    how far these take each figure.
    """

    name: str
    own: frozenset[int]
    count: int
    movements: list[Movement] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.down = np.zeros(self.count, dtype=np.int64)
        self.up = np.zeros(self.count, dtype=np.int64)

    def learn(self, found: Iterable[Movement]) -> None:
        """Add movements to what is known to be possible."""
        for movement in found:
            self.movements.append(movement)
            self._reach(movement)

    def without(self, cell: int) -> Attacker:
        """The same attacker, with only the movements in which ``cell`` is at rest."""
        kept = [one for one in self.movements if not _moves(one, cell)]
        found = Attacker(self.name, self.own, self.count)
        if len(kept) == len(self.movements):
            found.down, found.up, found.movements = self.down.copy(), self.up.copy(), kept
        else:
            found.learn(kept)
        return found

    def scout(self) -> Attacker:
        """The same attacker as they are now, whose new movements are kept apart."""
        found = Attacker(self.name, self.own, self.count)
        found.down, found.up = self.down.copy(), self.up.copy()
        return found

    def _reach(self, movement: Movement) -> None:
        cells, moves = movement.cells, movement.moves
        self.up[cells] = np.maximum(self.up[cells], moves)
        self.down[cells] = np.maximum(self.down[cells], -moves)


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
        needs = [cell.need or Need(1) for cell in problem.cells]
        self._needs = tuple(
            np.array([getattr(need, level) for need in needs], dtype=np.int64)
            for level in ("sliding", "lower", "upper")
        )
        self._has_need = np.array([cell.need is not None for cell in problem.cells], dtype=bool)
        self.attackers = [Attacker("", frozenset(), count)]
        for who, own in problem.holders.items():
            self.attackers.append(Attacker(who, frozenset(own.tolist()), count))

    def hide(self, cells: Iterable[int], reason: Reason) -> list[int]:
        """Hide ``cells`` and what goes dark with them; those that were still shown, sorted."""
        asked = set(cells)
        new = [one for one in self.problem.closed(asked) if not self.hidden[one]]
        for one in new:
            self.hidden[one] = True
            self.reason[one] = reason if one in asked else Reason.TOGETHER
        return new

    def show(self, cell: int, attackers: list[Attacker]) -> None:
        """Take back the hiding of ``cell``; ``attackers`` know only movements without it."""
        self.hidden[cell] = False
        del self.reason[cell]
        self.attackers = attackers

    def need(self, cell: int, attacker: Attacker) -> Need | None:
        """How well ``cell`` must be protected against ``attacker``.

        Everything hidden must stay unknown to the reader, else it is not hidden. Against those who
        know figures of their own that is asked for what must be protected by itself only.
        """
        if not self.hidden[cell] or cell in attacker.own or self.problem.is_known[cell]:
            return None
        own = self.problem.cells[cell].need
        return own or (None if attacker.own else Need(1))

    def exposed(self, attacker: Attacker, must: bool = False) -> list[int]:
        """Hidden figures not yet shown to be safe; ``must``: without those that may be shown."""
        asked = self.hidden & ~self.problem.is_known
        sliding, lower, upper = self._needs
        if attacker.own:
            asked[list(attacker.own)] = False
            asked &= self._has_need
        open_ = (attacker.up < upper) | (attacker.down < lower)
        open_ |= attacker.up + attacker.down < sliding
        found = np.flatnonzero(asked & open_).tolist()
        return [one for one in found if not (must and self.reason[one] in MAY_BE_SHOWN)]

    def limits(self, attacker: Attacker, cells: np.ndarray, candidates: bool = False) -> Limits:
        """How far ``cells`` may move for ``attacker``, those that cannot move left out.

        With ``candidates`` shown figures count as if they were hidden.
        """
        problem = self.problem
        free = np.ones(len(cells), dtype=bool) if candidates else self.hidden[cells]
        low = np.where(free, problem.depth[cells], problem.play[0][cells])
        high = np.where(free, _FAR, problem.play[1][cells])
        own = np.fromiter((one in attacker.own for one in cells.tolist()), bool, len(cells))
        fixed = problem.is_known[cells]
        low = np.where(fixed, problem.play[0][cells], low)
        high = np.where(fixed, problem.play[1][cells], high)
        moving = ~own & ((low < 0) | (high > 0))
        return Limits(cells[moving], low[moving], high[moving])


def _moves(movement: Movement, cell: int) -> bool:
    place = int(np.searchsorted(movement.cells, cell))
    return place < len(movement.cells) and movement.cells[place] == cell
