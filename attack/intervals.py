"""Between which whole numbers must a hidden figure lie? By linear programming (SciPy).

Belongs here: the feasible interval of each hidden quantity in a ``Knowledge``. Does not belong
here: where the equations come from. Two attackers: one who uses the sums alone, and one who also
reads ``regel``: what was hidden for its size is below the minimum, what was hidden to protect
another is not.

How free a figure must be, the publication says itself (``publication``). The bounds of the
relaxation are rounded inward. Solutions with random objectives show most figures
to be free; only those that did not move enough are minimised and maximised one by one, so the cost
lies where the danger is.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from attack.cells import MINIMUM, SECONDARY
from attack.findings import Finding, Severity
from attack.sums import Knowledge, Quantity, Sum, is_primary

_TRIES = 6
_SECONDS = 10.0
_FAR = 10_000_000.0
_TELLING = 0.02
"""A sum behind a hidden mean that is known this closely is taken as known."""


@dataclass
class _Part:
    """Quantities that hang together, with the rows of their equations."""

    members: list[int]
    sums: list[Sum]
    within: list[tuple[int, int]]


def attack(known: Knowledge, seed: int = 5) -> list[Finding]:
    """Every hidden quantity that is not free enough, with what was found."""
    found = []
    for part in _parts(known):
        low, high = _bounds(known, part, by_rule=False)
        sharp = _solve(known, part, low, high, seed)
        if sharp is None:
            # An assumption does not hold here: go on with the sums inside the tables only.
            part.sums = [one for one in part.sums if one.label[0] != "same"]
            sharp = _solve(known, part, low, high, seed)
        if sharp is None:
            found.append(_infeasible(known, part))
            continue
        told = {index: one for index, one in _judge(known, sharp, "interval", exact_only=False)}
        found += told.values()
        if not any(SECONDARY in quantity.rules for quantity in known.quantities):
            # One name for what is too small and for what protects it: the rule tells no bound.
            continue
        low, high = _bounds(known, part, by_rule=True)
        by_rule = _solve(known, part, low, high, seed, exact_only=True)
        if by_rule is not None:
            found += [
                one
                for index, one in _judge(known, by_rule, "interval and rule", exact_only=True)
                if index not in told or " = " not in told[index].found
            ]
    return found


def _infeasible(known: Knowledge, part: _Part) -> Finding:
    first = known.quantities[part.members[0]]
    return Finding(
        Severity.NOTICE, "interval", first.where, first.address, "sums contradict each other"
    )


def _parts(known: Knowledge) -> Iterator[_Part]:
    """The system, taken apart where nothing hidden connects it."""
    head: dict[int, int] = {}

    def find(one: int) -> int:
        while head.setdefault(one, one) != one:
            head[one] = head[head[one]]
            one = head[one]
        return one

    def free(indexes: Sequence[int]) -> list[int]:
        return [i for i in indexes if known.quantities[i].known is None]

    ties = [
        *((one, (one.total, *one.parts)) for one in known.sums),
        *((pair, pair) for pair in known.within),
    ]
    for _, indexes in ties:
        open_ = free(indexes)
        for other in open_[1:]:
            head[find(other)] = find(open_[0])
    parts: dict[int, _Part] = defaultdict(lambda: _Part([], [], []))
    for index, quantity in enumerate(known.quantities):
        if quantity.known is None:
            parts[find(index)].members.append(index)
    for tie, indexes in ties:
        open_ = free(indexes)
        if open_ and isinstance(tie, Sum):
            parts[find(open_[0])].sums.append(tie)
        elif open_:
            parts[find(open_[0])].within.append(tie)
    for part in parts.values():
        if any(known.quantities[i].hidden_in for i in part.members):
            yield part


def _bounds(known: Knowledge, part: _Part, *, by_rule: bool) -> tuple[np.ndarray, np.ndarray]:
    quantities = [known.quantities[index] for index in part.members]
    low = np.array([quantity.low for quantity in quantities], dtype=float)
    high = np.array([min(quantity.high, _FAR) for quantity in quantities], dtype=float)
    if by_rule:
        for place, quantity in enumerate(quantities):
            if quantity.what != "N" or quantity.kind == "aandeel" or not quantity.rules:
                continue
            if quantity.rules == {SECONDARY}:
                low[place] = max(low[place], MINIMUM)
            elif "minimumfrequentie" in quantity.rules:
                high[place] = min(high[place], MINIMUM - 1)
    return low, high


def _solve(
    known: Knowledge,
    part: _Part,
    low: np.ndarray,
    high: np.ndarray,
    seed: int,
    *,
    exact_only: bool = False,
) -> dict[int, tuple[float, float]] | None:
    """Per quantity the lowest and highest value seen; exact for those that are not free.

    The bounds are those of the relaxation, rounded inward to whole numbers: what it fixes is
    fixed. Nothing when no numbers fit.
    """
    if (low > high).any():
        return None
    count = len(part.members)
    quantities = [known.quantities[index] for index in part.members]
    constraint = _constraint(known, part, {index: i for i, index in enumerate(part.members)})
    least, most = np.full(count, np.inf), np.full(count, -np.inf)

    def solve(costs: np.ndarray) -> bool:
        result = milp(
            costs,
            constraints=[constraint] if constraint else [],
            bounds=Bounds(low, high),
            options={"time_limit": _SECONDS},
        )
        if result.x is None:
            return False
        np.minimum(least, result.x, out=least)
        np.maximum(most, result.x, out=most)
        return True

    def unfree() -> list[int]:
        return [
            i for i in range(count) if not _is_free(quantities[i], least[i], most[i], exact_only)
        ]

    random = np.random.default_rng(seed)
    if not solve(np.ones(count)):
        return None
    left, idle = unfree(), 0
    while left and idle < _TRIES:
        costs = np.zeros(count)
        # Some up and some down: differences inside one sum show that way too.
        chosen = random.permutation(left)[: max(1, len(left) // (1 + idle))]
        costs[chosen] = (
            -random.random(len(chosen)) if idle % 2 == 0 else random.normal(size=len(chosen))
        )
        solve(costs)
        now = unfree()
        idle = 0 if len(now) < len(left) else idle + 1
        left = now
    for position in left:
        for sign in (-1.0, 1.0):
            if not _is_free(quantities[position], least[position], most[position], exact_only):
                costs = np.zeros(count)
                costs[position] = sign
                solve(costs)
    whole = np.array([quantity.what != "S" for quantity in quantities])
    least = np.where(whole, np.ceil(least - 1e-6), least)
    most = np.where(whole, np.floor(most + 1e-6), most)
    return {index: (least[i], most[i]) for i, index in enumerate(part.members)}


def _is_free(quantity: Quantity, low: float, high: float, exact_only: bool) -> bool:
    if not quantity.hidden_in:
        return True
    if quantity.what == "S":
        return exact_only or high - low > max(1.0, _TELLING * high)
    if exact_only:
        return high - low > 1 - 1e-6
    return np.floor(high + 1e-6) - np.ceil(low - 1e-6) >= quantity.width


def _constraint(known: Knowledge, part: _Part, place: dict[int, int]) -> LinearConstraint | None:
    rows, columns, values, lower, upper = [], [], [], [], []
    lines = [
        *(([(one.total, -1), *((i, 1) for i in one.parts)], 0.0) for one in part.sums),
        *(([(small, 1), (large, -1)], -math.inf) for small, large in part.within),
    ]
    for line, (terms, least) in enumerate(lines):
        shift = 0.0
        for index, times in terms:
            if index in place:
                rows.append(line)
                columns.append(place[index])
                values.append(times)
            else:
                shift += times * known.quantities[index].low
        slack = 1e-6 if any(known.quantities[i].what == "S" for i, _ in terms) else 0.0
        lower.append(least - shift - slack)
        upper.append(-shift + slack)
    if not lines:
        return None
    matrix = coo_array((values, (rows, columns)), shape=(len(lines), len(place))).tocsr()
    return LinearConstraint(matrix, lower, upper)


def _judge(
    known: Knowledge,
    sharp: dict[int, tuple[float, float]],
    attack_name: str,
    *,
    exact_only: bool,
) -> Iterator[tuple[int, Finding]]:
    for index, (low, high) in sharp.items():
        quantity = known.quantities[index]
        if not quantity.hidden_in:
            continue
        if quantity.what == "S":
            if exact_only or high - low > max(1.0, _TELLING * high):
                continue
            told = f"sum behind the mean between {low:.2f} and {high:.2f}"
        elif low == high:
            told = f"{quantity.what} = {int(low)}"
        elif not exact_only and not _is_free(quantity, low, high, exact_only):
            told = f"{quantity.what} between {int(low)} and {int(high)}"
        else:
            continue
        where = min(quantity.hidden_in)
        is_exact = low == high and is_primary(quantity)
        severity = Severity.HIGH if is_exact or quantity.what == "S" else Severity.LOW
        yield index, Finding(severity, attack_name, where, quantity.address, told)
