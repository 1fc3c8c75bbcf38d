"""What a shown row says by itself, without any sum.

Belongs here: numbers of people that are simply too small, groups of which everybody or nobody has
the outcome, and shares whose decimals give their denominator away. Does not belong here: figures
put together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attack.cells import MINIMUM, Cell
from attack.findings import Finding, Severity


def attack(people: Sequence[Sequence[Cell]]) -> list[Finding]:
    """Every shown figure about too few, or about everybody alike."""
    return [one for cells in people for cell in cells for one in _row(cell)]


def _row(cell: Cell) -> Iterator[Finding]:
    def finding(attack_name: str, told: str) -> Finding:
        return Finding(Severity.HIGH, attack_name, cell.where, cell.address, told)

    count, part = cell.count, cell.numerator
    if count is not None and 0 < count < MINIMUM:
        yield finding("small count", f"N = {count}")
    if part is not None and count:
        if part in (0, count):
            yield finding("whole group", f"T = {part} of {count}")
        elif part < MINIMUM or count - part < MINIMUM:
            yield finding("small count", f"T = {part} of {count}")
    if part is None and cell.kind == "aandeel" and cell.value is not None:
        if float(cell.value) in (0.0, 100.0):
            yield finding("whole group", f"{cell.value}%")
        elif count is None:
            small = _denominators(cell.value)
            if small:
                yield finding("per cent", f"{cell.value}% is that of {small[0]} people")
        else:
            numerators = [t for t in range(count + 1) if _is(cell.value, t, count)]
            if numerators and all(min(t, count - t) < MINIMUM for t in numerators):
                yield finding("per cent", f"T in {numerators} of {count}")
    if cell.rule and cell.value is not None:
        yield finding("hidden, and shown", f"the value {cell.value} stands beside a hidden count")


def _denominators(value: str) -> list[int]:
    """Denominators below the minimum, when they alone explain so exact a per cent."""
    return [
        count for count in range(1, MINIMUM) if any(_is(value, t, count) for t in range(count + 1))
    ]


def _is(value: str, numerator: int, count: int) -> bool:
    digits = len(value.partition(".")[2])
    return abs(100 * numerator / count - float(value)) <= 0.5 * 10.0**-digits + 1e-9
