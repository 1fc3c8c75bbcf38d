"""Two published figures, and who is in the one but not in the other.

Belongs here: the same cell in two editions (or the BI file), the readings of a comparison, measures
of which one counts part of the other, comparisons beside results. Does not belong here: sums within
one table (``intervals``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from attack.cells import MINIMUM, WHOLE_GROUP, WHOLE_SITE, Cell
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

# Comparisons whose arms anyone can look up among the results, by the published analysis plan:
# (pilot, outcome) -> kind of group, the group of each arm, measure.
_COUNTERPARTS = {
    ("P8", "ladder_tweede_meting"): ("meetmoment×arm", "2×{arm}", "ladder"),
    ("P8", "ladder_derde_meting"): ("meetmoment×arm", "3×{arm}", "ladder"),
    ("P8", "gezondheid_derde_meting"): ("meetmoment×arm", "3×{arm}", "gezondheid"),
    ("P3", "uitgenodigd"): ("fase", "{fase}", "uitgenodigd"),
    ("P1", "keuze_hoog"): ("meting×arm", "na×{arm}", "keuze_perspectief_hoog"),
    ("P1", "keuze_zekerheid"): ("meting×arm", "na×{arm}", "keuze_zekerheid"),
}
_PHASE = {"interventie": "met", "vergelijking": "voor"}


def attack(people: Sequence[Sequence[Cell]], known: Knowledge) -> list[Finding]:
    """Every difference that is a few people, and every cell hidden once and shown elsewhere."""
    every = _distinct(people)
    return [
        *_hidden_once(people, known),
        *_between_editions(every),
        *_readings(every),
        *_steps(every),
        *_missing_answers(every),
        *_beside(people),
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


def _hidden_once(people: Sequence[Sequence[Cell]], known: Knowledge) -> Iterator[Finding]:
    """Figures that one publication hides and another shows.

    Where nothing at all is told of a place any more, as after somebody was erased, there is nothing
    left to subtract it from: to be looked at only.
    """
    telling = {(cell.where, _occasion(cell)) for cells in people for cell in cells if cell.count}
    occasions: dict[str, set[tuple]] = defaultdict(set)
    for cells in people:
        for cell in cells:
            occasions[cell.address].add(_occasion(cell))
    for quantity in known.quantities:
        if quantity.hidden_in and quantity.shown_in:
            is_apart = not any(
                (where, occasion) in telling
                for where in quantity.hidden_in
                for occasion in occasions[quantity.address]
            )
            yield Finding(
                Severity.NOTICE if is_apart and occasions[quantity.address] else Severity.HIGH,
                "hidden elsewhere",
                min(quantity.hidden_in),
                quantity.address,
                f"{quantity.what} = {quantity.low:g} is shown in {min(quantity.shown_in)}",
            )


def _occasion(cell: Cell) -> tuple:
    """What the cells about the same people share, of whatever group, measure and arm."""
    leave = {"maat", "uitkomst", "horizon", "arm", "indeling", cell.shape.parts}
    leave |= set(cell.shape.breakdown or ())
    return cell.shape.key, tuple(pair for pair in cell.place if pair[0] not in leave)


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


def _beside(people: Sequence[Sequence[Cell]]) -> Iterator[Finding]:
    """An arm of a comparison beside the results of the same people over the same deliveries."""
    results: dict[tuple, list[Cell]] = defaultdict(list)
    for cells in people:
        for cell in cells:
            at = cell.at
            if "maat" in at:
                place = cell.where.partition("/")[0], at["pilot_id"]
                results[*place, at["groep_soort"], at["groep"], at["maat"]].append(cell)
    seen: set[tuple[str, str]] = set()
    for cells in people:
        for cell in cells:
            if "arm" in cell.at and cell.count is not None:
                for one in _counterpart(cell, results):
                    if (one.address, one.found) not in seen:
                        seen.add((one.address, one.found))
                        yield one


def _counterpart(cell: Cell, results: dict[tuple, list[Cell]]) -> Iterator[Finding]:
    at = cell.at
    told = _COUNTERPARTS.get((at["pilot_id"], at["uitkomst"]))
    if told is None:
        return
    names, values, measure = told
    values = values.format(arm=at["arm"], fase=_PHASE[at["arm"]])
    if at["groep_soort"] != WHOLE_GROUP:
        names, values = f"{names}×{at['groep_soort']}", f"{values}×{at['groep']}"
    place = cell.where.partition("/")[0], at["pilot_id"]
    found = {
        part.place: part
        for part in results[*place, names, values, measure]
        if set(part.deliveries.split()) <= set(cell.deliveries.split())
    }
    # Where the pilot as a whole stands in the results, its row; else the rows of its sites.
    own = {place: part for place, part in found.items() if part.at["locatie"] == at["locatie"]}
    parts = own or (found if at["locatie"] == WHOLE_SITE else {})
    left = (cell.count or 0) - sum(part.count or 0 for part in parts.values())
    hidden = sum(part.count is None for part in parts.values())
    if parts and 0 < abs(left) < MINIMUM:
        yield Finding(
            Severity.HIGH,
            "beside results",
            cell.where,
            cell.address,
            f"{abs(left)} people more or fewer than in the results, {hidden} of those hidden",
        )
