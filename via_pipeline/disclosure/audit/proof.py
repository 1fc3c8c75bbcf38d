"""The verdict per hidden figure: the interval an attacker has, and the tables that show it.

Belongs here: which attacker is tried on which figures, in what order, and what counts as safe. Does
not belong here: the programs (``attack``), the exact test (``witness``).

A figure is safe when whole tables that agree with everything published reach as far as its rule
asks, by exact arithmetic; what a solver says is never enough. Where few figures hang together every
interval is the exact one. Where many do, tables that change many figures at once settle most, and
only what they leave open is attacked by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil, floor

import numpy as np

from via_pipeline.disclosure.audit.attack import Attack, Web
from via_pipeline.disclosure.audit.model import Audit, Figure, Interval, Name, Tie
from via_pipeline.disclosure.audit.witness import Exact

_AREA = 600
"""Figures looked at together at first; what they leave open is looked for in all that hangs
together. Measured on 49,257 cells: tables over twice as many take nearly thrice the time, since
whole numbers are harder to find, and over half as many leave more open."""
_FEW = 25
"""So few are attacked one by one at once."""
_THREADS = 2
"""Pieces tried at once: the solver works outside Python's lock."""
_TINY = 1e-6
_MULTIPLES = (1, 2, 3, 4, 5, 6, 8, 10, 12)
_SEED = 5


def audit(figures: Iterable[Figure], ties: Iterable[Tie], exact_up_to: int = 150) -> Audit:
    """Intervals of every hidden figure for the reader, and for every owner where they matter.

    ``exact_up_to``: so many unknown figures hanging together get their exact intervals.

    Raises:
        AuditError: the true figures do not agree with what is published.
    """
    whole = Audit()
    for _, found in pieces(figures, ties, exact_up_to):
        assert found is not None
        whole.add(found)
    return whole


def pieces(
    figures: Iterable[Figure],
    ties: Iterable[Tie],
    exact_up_to: int = 150,
    judged: Collection[str] = (),
) -> list[tuple[str, Audit | None]]:
    """The audit piece by piece, of figures that hang together: a digest, and what was found.

    The digest (SHA-256, hex) is of all that the verdict of the piece rests on: its figures, their
    ties and what else stands in those. A piece whose digest is among ``judged`` is left out (None):
    the same question has the same answer.

    Raises:
        AuditError: see ``audit``.
    """
    known = {figure.name: figure for figure in sorted(figures, key=lambda one: one.name)}
    ties = sorted(set(ties), key=lambda tie: (tie.terms, tie.low, tie.high))
    unknown = [name for name, one in known.items() if one.seen is None or one.seen[0] < one.seen[1]]
    web, exact = Web(unknown, ties), Exact(known.values(), ties)

    def verdict(piece: Sequence[Name]) -> tuple[str, Audit | None]:
        own = _digest(known, sorted(piece), web.ties(piece), exact_up_to)
        if own in judged:
            return own, None
        proof = _Proof(known, web, exact)
        hidden = [name for name in sorted(piece) if known[name].seen is None]
        proof.settle("", sorted(piece), hidden, exact_up_to)
        for owner in sorted({known[name].owner for name in piece} - {""}):
            others = [name for name in sorted(piece) if known[name].owner != owner]
            targets = [name for name in others if known[name].is_primary]
            for part in Web(others, web.ties(others)).pieces(others):
                wanted = sorted(set(part) & set(targets))
                proof.settle(owner, sorted(part), wanted, exact_up_to)
        return own, proof.audit

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(verdict, web.pieces(unknown)))


def _digest(
    figures: Mapping[Name, Figure], piece: Sequence[Name], ties: Sequence[Tie], exact_up_to: int
) -> str:
    beside = sorted({name for tie in ties for name, _ in tie.terms})
    asked = (exact_up_to, piece, [figures[name] for name in (*piece, *beside)], ties)
    return hashlib.sha256(repr(asked).encode()).hexdigest()


class _Proof:
    """What has been shown so far of one piece: figures that hang together and nothing else."""

    def __init__(self, figures: Mapping[Name, Figure], web: Web, exact: Exact) -> None:
        self.audit = Audit()
        self._figures = figures
        self._web = web
        self._exact = exact
        self._random = np.random.default_rng(_SEED)

    def settle(
        self, attacker: str, piece: Sequence[Name], targets: Sequence[Name], exact_up_to: int
    ) -> None:
        """Judge ``targets``, which are in ``piece``: all that hangs together for ``attacker``."""
        if not targets:
            return
        reach = _Reach(self._figures, targets)
        for number, changes in enumerate(self.audit.witnesses):
            # A table in which nothing of an attacker's own differs is one for them as well.
            if all(self._figures[name].owner != attacker for name in changes) or not attacker:
                reach.extend(changes, number)
        bounds: dict[Name, tuple[int, int | None]] = {}
        if len(piece) <= exact_up_to:
            self._singly(attacker, piece, targets, reach, bounds)
        else:
            web = Web(piece, self._web.ties(piece))
            for start in targets:
                if not reach.is_enough(start):
                    area, _ = web.around(start, _AREA)
                    self._sweep(attacker, web, area, reach)
            self._nearest(attacker, web, piece, targets, reach)
            left = [name for name in targets if not reach.is_enough(name)]
            self._singly(attacker, piece, left, reach, bounds)
        for name in targets:
            low, high = bounds.get(name, (reach.value(name, -1), reach.value(name, 1)))
            self.audit.intervals.append(
                Interval(
                    name=name,
                    attacker=attacker,
                    low=low,
                    high=high,
                    is_exact=name in bounds,
                    is_safe=reach.is_enough(name),
                    witness_low=reach.witness(name, -1),
                    witness_high=reach.witness(name, 1),
                )
            )

    def _sweep(self, attacker: str, web: Web, area: Sequence[Name], reach: _Reach) -> None:
        """Tables that change many figures of ``area`` at once, until they settle no more."""
        inside = [name for name in area if name in reach]
        if sum(not reach.is_enough(name) for name in inside) < _FEW:
            return
        ties = web.ties(area)
        within = max(map(reach.most, inside), default=1) * _spread(ties)
        attack = Attack(self._figures, ties, area, within)
        whole = False
        while left := [name for name in inside if not reach.is_enough(name)]:
            if len(left) < _FEW:
                return
            drawn = self._random.integers(0, 2, len(left)) * 2 - 1
            aims = dict(zip(left, drawn.tolist(), strict=True))
            self._learn(attacker, web, attack.extreme(aims, whole), reach)
            settled = sum(map(reach.is_enough, left))
            if whole and settled < len(left) // 2:
                return
            whole = whole or settled < len(left) // 2

    def _nearest(
        self,
        attacker: str,
        web: Web,
        piece: Sequence[Name],
        targets: Sequence[Name],
        reach: _Reach,
    ) -> None:
        """Tables that differ from the true one as little as they can, for each target by itself.

        These change few figures, so that they are nearly always whole.
        """
        left = [name for name in targets if not reach.is_enough(name)]
        if not left:
            return
        attack = Attack(self._figures, web.ties(piece), piece)
        for name in left:
            for amount in reach.steps(name):
                if not reach.is_enough(name):
                    self._learn(attacker, web, attack.nearest(name, amount), reach)

    def _singly(
        self,
        attacker: str,
        piece: Sequence[Name],
        targets: Sequence[Name],
        reach: _Reach,
        bounds: dict[Name, tuple[int, int | None]],
    ) -> None:
        """The extremes of each target by itself; the interval that no table can exceed."""
        if not targets:
            return
        web = Web(piece, self._web.ties(piece))
        ties = web.ties(piece)
        attack = Attack(self._figures, ties, piece)
        within = max(reach.most(name) for name in targets) * _spread(ties)
        near = Attack(self._figures, ties, piece, within)
        for name in targets:
            ends: list[int | None] = []
            for aim in (-1, 1):
                table = attack.extreme({name: aim})
                self._learn(attacker, web, table, reach)
                ends.append(None if table is None else _inward(table[name], aim))
            truth = self._figures[name].truth
            low = truth - reach.most(name) if ends[0] is None else ends[0]
            bounds[name] = low, ends[1]
            for aim in (-1, 1):
                if not reach.is_enough(name):
                    self._learn(attacker, web, near.extreme({name: aim}), reach)
                if not reach.is_enough(name):
                    self._learn(attacker, web, near.extreme({name: aim}, whole=True), reach)
            for aim in (-1, 1):
                # Others may have to differ by more than the target does.
                if not reach.is_enough(name):
                    self._learn(attacker, web, attack.extreme({name: aim}, whole=True), reach)

    def _learn(
        self, attacker: str, web: Web, table: Mapping[Name, float] | None, reach: _Reach
    ) -> None:
        """Keep what of a solver's table passes the exact test, piece by piece."""
        if table is None:
            return
        moved = {
            name: value - self._figures[name].truth
            for name, value in table.items()
            if abs(value - self._figures[name].truth) > _TINY
        }
        for piece in web.pieces(list(moved)):
            changes = _whole({name: moved[name] for name in piece})
            is_table = bool(changes) and self._exact.agrees(changes, attacker)
            if is_table and reach.extend(changes, len(self.audit.witnesses)):
                self.audit.witnesses.append(changes)


class _Reach:
    """How far tested tables take each target from the truth, and which table does."""

    def __init__(self, figures: Mapping[Name, Figure], targets: Sequence[Name]) -> None:
        self._figures = figures
        self._furthest = {name: {-1: (0, -1), 1: (0, -1)} for name in targets}

    def __contains__(self, name: Name) -> bool:
        return name in self._furthest

    def extend(self, changes: Mapping[Name, int], number: int) -> bool:
        """Take in a table; whether it reaches further than those before anywhere."""
        further = False
        for name, change in changes.items():
            side = 1 if change > 0 else -1
            if name in self._furthest and abs(change) > self._furthest[name][side][0]:
                self._furthest[name][side] = abs(change), number
                further = True
        return further

    def value(self, name: Name, side: int) -> int:
        """The furthest value reached on that side."""
        return self._figures[name].truth + side * self._furthest[name][side][0]

    def witness(self, name: Name, side: int) -> int:
        """The table that reaches it; -1 is the truth."""
        return self._furthest[name][side][1]

    def most(self, name: Name) -> int:
        """The furthest that any part of what is asked lies from the truth."""
        figure = self._figures[name]
        return max(figure.lower, figure.upper, figure.sliding, 1)

    def steps(self, name: Name) -> list[int]:
        """Differences, each in its direction, that would do for what is asked."""
        figure = self._figures[name]
        up, down = figure.upper, figure.lower
        wide = max(figure.sliding, 1)
        found = [up] * (up > 0) + [-down] * (down > 0)
        return [*found, max(wide - down, 1), -max(wide - up, 1)] if up + down < wide else found

    def is_enough(self, name: Name) -> bool:
        """Whether tested tables reach as far as is asked."""
        figure, furthest = self._figures[name], self._furthest[name]
        down, up = furthest[-1][0], furthest[1][0]
        return down >= figure.lower and up >= figure.upper and down + up >= max(figure.sliding, 1)


def _spread(ties: Sequence[Tie]) -> int:
    """How much further one figure may move than another: in a share, n does so for t."""
    return max((abs(factor) for tie in ties for _, factor in tie.terms), default=1)


def _whole(changes: Mapping[Name, float]) -> dict[Name, int]:
    """``changes`` times the smallest number that makes all of them whole; empty if none does."""
    for multiple in _MULTIPLES:
        scaled = {name: change * multiple for name, change in changes.items()}
        if all(abs(one - round(one)) <= _TINY * multiple for one in scaled.values()):
            return {name: round(one) for name, one in scaled.items()}
    return {}


def _inward(value: float, side: int) -> int:
    """The whole number at or within an end of an interval, forgiving the solver's tolerance."""
    return floor(value + _TINY) if side > 0 else ceil(value - _TINY)
