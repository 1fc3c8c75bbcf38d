"""Two published figures, and who is in the one but not in the other.

Belongs here: the same cell in two editions (or the BI file), the readings of a comparison, measures
of which one counts part of the other, comparisons beside results. Does not belong here: sums within
one table (``intervals``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from attack.cells import MINIMUM, Cell
from attack.findings import Finding, Severity
from attack.sums import Knowledge

# Steps of which anyone knows that the second is part of the first.
_STEPS = (
    ("uitgenodigd", "gesprek"),
    ("gesprek", "aangenomen"),
    ("uitgenodigd", "aangenomen"),
    ("baan", "vaste_baan"),
    ("uitstroom", "uitstroom_eigen_verzoek"),
)


def attack(people: Sequence[Sequence[Cell]], known: Knowledge) -> list[Finding]:
    """Every difference that is a few people, and every cell hidden once and shown elsewhere."""
    every = _distinct(people)
    return [
        *_hidden_once(known),
        *_between_editions(every),
        *_readings(every),
        *_steps(every),
        *_missing_answers(every),
    ]


def _distinct(people: Sequence[Sequence[Cell]]) -> list[Cell]:
    """Each shown cell once for the same place, deliveries and figures, as first met."""
    seen: dict[tuple, Cell] = {}
    for cells in people:
        for cell in cells:
            if cell.count is not None:
                seen.setdefault(
                    (cell.shape.key, cell.place, cell.deliveries, cell.count, cell.numerator), cell
                )
    return list(seen.values())


def _hidden_once(known: Knowledge) -> Iterator[Finding]:
    for quantity in known.quantities:
        if quantity.hidden_in and quantity.shown_in:
            yield Finding(
                Severity.HIGH,
                "hidden elsewhere",
                min(quantity.hidden_in),
                quantity.address,
                f"{quantity.what} = {quantity.low:g} is shown in {min(quantity.shown_in)}",
            )


def _between_editions(every: Sequence[Cell]) -> Iterator[Finding]:
    versions: dict[tuple, list[Cell]] = defaultdict(list)
    for cell in every:
        versions[cell.shape.key, cell.place].append(cell)
    yield from _pairs(versions, "editions", Severity.HIGH)


def _readings(every: Sequence[Cell]) -> Iterator[Finding]:
    """One comparison on two reading days: who came in between."""
    readings: dict[tuple, list[Cell]] = defaultdict(list)
    for cell in every:
        if "leesdatum" in cell.at:
            rest = tuple(pair for pair in cell.place if pair[0] != "leesdatum")
            readings[cell.shape.key, rest].append(cell)
    yield from _pairs(readings, "readings", Severity.HIGH)


def _pairs(groups: dict[tuple, list[Cell]], name: str, severity: Severity) -> Iterator[Finding]:
    for cells in groups.values():
        for place, later in enumerate(cells):
            for earlier in cells[:place]:
                told = _difference(earlier, later)
                if told:
                    where = f"{earlier.where} - {later.where}"
                    yield Finding(severity, name, where, later.address, told)


def _difference(one: Cell, other: Cell) -> str | None:
    assert one.count is not None and other.count is not None
    more = abs(other.count - one.count)
    if 0 < more < MINIMUM:
        return f"N {one.count} and {other.count}: {more} people"
    if one.numerator is None or other.numerator is None:
        return None
    with_ = abs(other.numerator - one.numerator)
    without = abs(more - with_)
    if 0 < with_ < MINIMUM or (more and 0 < without < MINIMUM):
        return (
            f"T {one.numerator} of {one.count} and {other.numerator} of {other.count}: "
            f"{with_} of {more} people"
        )
    if more and with_ in (0, more):
        return f"all or none of the {more} people that came in between count"
    return None


def _steps(every: Sequence[Cell]) -> Iterator[Finding]:
    by_rest: dict[tuple, dict[str, Cell]] = defaultdict(dict)
    for cell in every:
        if "maat" in cell.at and cell.numerator is not None:
            rest = tuple(pair for pair in cell.place if pair[0] != "maat")
            by_rest[cell.shape.key, rest, cell.deliveries][cell.at["maat"]] = cell
    for measures in by_rest.values():
        for first, next_ in _STEPS:
            if first in measures and next_ in measures:
                one, other = measures[first], measures[next_]
                if one.count == other.count:
                    lost = (one.numerator or 0) - (other.numerator or 0)
                    if 0 < lost < MINIMUM:
                        yield Finding(
                            Severity.HIGH,
                            "steps",
                            one.where,
                            one.address,
                            f"{lost} people are {first} and not {next_}",
                        )


def _missing_answers(every: Sequence[Cell]) -> Iterator[Finding]:
    """Few people without an answer: to be looked at, for what is missing says little of them."""
    by_rest: dict[tuple, list[Cell]] = defaultdict(list)
    for cell in every:
        name = "maat" if "maat" in cell.at else "uitkomst" if "uitkomst" in cell.at else None
        if name:
            leave = {"maat", "uitkomst", "horizon"} if name == "uitkomst" else {"maat"}
            rest = tuple(pair for pair in cell.place if pair[0] not in leave)
            by_rest[cell.shape.key, rest, cell.deliveries].append(cell)
    for cells in by_rest.values():
        largest = max(cells, key=lambda cell: cell.count or 0)
        for cell in cells:
            fewer = (largest.count or 0) - (cell.count or 0)
            if 0 < fewer < MINIMUM:
                yield Finding(
                    Severity.NOTICE,
                    "missing answers",
                    cell.where,
                    cell.address,
                    f"{fewer} people fewer than in another measure",
                )
