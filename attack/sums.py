"""Everything published as one system of unknown whole numbers and the sums that anyone may assume.

Belongs here: quantities, what is known of each, and equations. Does not belong here: solving
(``intervals``).

A quantity is a number of people (N), those of them that count (T), or the sum behind a mean (S),
of one cell over one set of deliveries. Editions, the BI file and two formats of a table that name
the same cell over the same deliveries speak of the same quantity.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from attack import populations
from attack.cells import (
    CROSSED,
    MINIMUM,
    NOT_APPLICABLE,
    SECONDARY,
    WHOLE_GROUP,
    WHOLE_SITE,
    Cell,
    Shape,
)
from attack.findings import Finding, Severity

_GROUP = "categorie"
_WITHHELD = "niet_toegestaan"
_NEVER = "nooit_toegestaan"
_SEEN_ALIKE = 5
_HALF_UNIT = 0.5


@dataclass
class Quantity:
    """``low`` to ``high`` is what the publication itself says; ``rules`` hid it, where it is.

    ``width``: the most that any publication which hides it promises to keep these apart.
    """

    address: str
    what: str
    low: float = 0
    high: float = math.inf
    where: str = ""
    shown_in: set[str] = field(default_factory=set)
    hidden_in: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)
    site: str = ""
    kind: str = ""
    width: int = 1

    @property
    def known(self) -> int | None:
        """The value, where it was published."""
        return int(self.low) if self.what != "S" and self.low == self.high else None


@dataclass(frozen=True)
class Sum:
    """``total`` = the sum of ``parts``. ``label`` names the assumption, tested as a whole."""

    label: tuple
    total: int
    parts: tuple[int, ...]


@dataclass
class Knowledge:
    """Quantities, sums, pairs (part, whole) with part <= whole, and what is odd at first sight."""

    quantities: list[Quantity] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    within: list[tuple[int, int]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    placed: list[tuple[Cell, dict[str, int]]] = field(default_factory=list)


def gather(cells_of: Sequence[Sequence[Cell]]) -> Knowledge:
    """The system of all ``cells_of``, one sequence per published table."""
    known = Knowledge()
    number: dict[tuple, int] = {}
    alike: dict[tuple, dict[tuple, dict[tuple, int]]] = defaultdict(lambda: defaultdict(dict))
    sums: dict[tuple, Sum] = {}
    for given in cells_of:
        cells = list(_opened(given))
        here = [_enter(known, number, cell) for cell in cells]
        known.placed += zip(cells, here, strict=True)
        for cell, quantities in zip(cells, here, strict=True):
            if "maat" in cell.at:
                _note(alike, cell, quantities)
        for found in _sums(cells, here, known.within):
            sums[found.label, found.total, found.parts] = found
    for label, total, parts in populations.equal(known.placed):
        sums[(label,), total, parts] = Sum((label, total), total, parts)
    known.sums = [*_believed(known, sums.values()), *_same(known, alike)]
    known.within = sorted(set(known.within))
    return known


def _opened(cells: Sequence[Cell]) -> Iterator[Cell]:
    """The cells, with a hidden one per category in place of a row withheld as a whole."""
    categories: dict[tuple, set[str]] = defaultdict(set)
    for cell in cells:
        if cell.at.get(_GROUP) not in (None, _WITHHELD, _NEVER):
            categories[_rest(cell, _GROUP, *(cell.shape.breakdown or ()))].add(cell.at[_GROUP])
    for cell in cells:
        if cell.at.get(_GROUP) == _WITHHELD:
            rest = _rest(cell, _GROUP, *(cell.shape.breakdown or ()))
            for category in sorted(categories[rest]):
                at = {**cell.at, _GROUP: category}
                yield replace(cell, place=tuple(at.items()))
        elif cell.at.get(_GROUP) != _NEVER:
            # A board is counted on the rungs of its members.
            yield cell


def _rest(cell: Cell, *without: str) -> tuple:
    return tuple(pair for pair in cell.place if pair[0] not in without)


def _enter(known: Knowledge, number: dict[tuple, int], cell: Cell) -> dict[str, int]:
    """Put what ``cell`` tells into the system; its quantities by name."""
    if cell.count is None and cell.rule is None:
        return {}
    shape = cell.shape
    place = _rest(cell, shape.parts) if shape.parts else cell.place
    found = {"N": _quantity(known, number, cell, place, "N")}
    _tell(known, found["N"], cell, cell.count)
    if cell.kind == "aandeel":
        found["T"] = _quantity(known, number, cell, cell.place, "T")
        # "Not applicable" is a zero that could not have been anything else.
        told = 0 if cell.status == NOT_APPLICABLE else cell.numerator
        _tell(known, found["T"], cell, told)
        known.within.append((found["T"], found["N"]))
        if cell.value is not None and cell.numerator is None and cell.count:
            low, high = _rounded(cell.value, cell.count / 100)
            quantity = known.quantities[found["T"]]
            quantity.low = max(quantity.low, math.ceil(low - 1e-9))
            quantity.high = min(quantity.high, math.floor(high + 1e-9))
    elif cell.kind == "gemiddelde":
        found["S"] = _quantity(known, number, cell, cell.place, "S")
        quantity = known.quantities[found["S"]]
        if cell.value is not None and cell.count is not None:
            quantity.low, quantity.high = _rounded(cell.value, cell.count)
            quantity.shown_in.add(cell.where)
        elif cell.rule:
            quantity.hidden_in.add(cell.where)
            quantity.rules.add(cell.rule)
    if cell.kind == "aantal" and cell.rule:
        # A group without anybody has no row.
        known.quantities[found["N"]].low = max(1, known.quantities[found["N"]].low)
    return found


def _rounded(value: str, times: float) -> tuple[float, float]:
    """What a rounded ``value`` can have been, ``times`` as much."""
    digits = len(value.partition(".")[2])
    half = _HALF_UNIT * 10.0**-digits
    return max(0.0, (float(value) - half) * times), (float(value) + half) * times


def _quantity(
    known: Knowledge, number: dict[tuple, int], cell: Cell, place: tuple, what: str
) -> int:
    mark = (cell.shape.key, place, cell.deliveries, what)
    if mark not in number:
        number[mark] = len(known.quantities)
        site = cell.at.get(cell.shape.site or "", "")
        address = " / ".join(value for _, value in place)
        known.quantities.append(
            Quantity(address, what, where=cell.where, site=site, kind=cell.kind)
        )
    return number[mark]


def _tell(known: Knowledge, index: int, cell: Cell, value: int | None) -> None:
    quantity = known.quantities[index]
    if value is None:
        if cell.rule:
            quantity.hidden_in.add(cell.where)
            quantity.rules.add(cell.rule)
            quantity.width = max(quantity.width, cell.width)
        return
    if quantity.known is not None and quantity.known != value:
        # Many people fewer, as after objections, can be seen and tells of nobody.
        is_few = abs(quantity.known - value) < MINIMUM
        known.findings.append(
            Finding(
                Severity.HIGH if is_few else Severity.NOTICE,
                "contradiction",
                cell.where,
                quantity.address,
                f"{quantity.what} over the same deliveries is {quantity.known} and {value}",
            )
        )
        return
    quantity.low = quantity.high = value
    quantity.shown_in.add(cell.where)


def _note(alike: dict, cell: Cell, quantities: dict[str, int]) -> None:
    source = tuple(cell.at.get(name) for name in ("pilot_id", "bron"))
    rest = (_rest(cell, "maat"), cell.deliveries)
    for what, index in quantities.items():
        if what != "S":
            alike[source][cell.at["maat"], what][rest] = index


def _same(known: Knowledge, alike: dict) -> Iterator[Sum]:
    """Figures of two measures that are equal wherever both show, and are taken to be one figure.

    Each is tied to the first that it is like; the rest follows from that.
    """
    for source, figures in sorted(alike.items(), key=repr):
        tied: set[tuple] = set()
        for (one, left), (other, right) in combinations(sorted(figures.items()), 2):
            if other in tied:
                continue
            pairs = [(left[rest], right[rest]) for rest in left.keys() & right.keys()]
            seen = [
                (known.quantities[a].known, known.quantities[b].known)
                for a, b in pairs
                if known.quantities[a].known is not None and known.quantities[b].known is not None
            ]
            distinct = {a for a, _ in seen}
            if all(a == b for a, b in seen) and len(distinct) >= _SEEN_ALIKE:
                tied.add(other)
                for a, b in sorted(pairs):
                    yield Sum(("same", source, one, other), a, (b,))


def _sums(
    cells: Sequence[Cell], here: Sequence[dict[str, int]], within: list[tuple[int, int]]
) -> Iterator[Sum]:
    """Sums within one table: sites, groups of a breakdown, parts of n."""
    if not cells:
        return
    shape = cells[0].shape
    for total, parts, label in (*_sites(cells, shape), *_groups(cells, shape)):
        for what in "NTS":
            members = [here[index].get(what) for index in (total, *parts)]
            is_plan = "arm" in cells[total].at and label[0] == "groups"
            # Nobody goes up from the highest rung: it has no row, and is in the whole.
            is_plan |= what == "N" and cells[total].at.get("stroom") == "hoger"
            if is_plan or any(cells[part].unit != cells[total].unit for part in parts):
                # An analysis plan names the groups that it looks at; they need not be everybody.
                # And jobs are more than the employees who have them.
                known_ones = [one for one in members if one is not None]
                if members[0] is not None:
                    within += [(one, members[0]) for one in known_ones[1:] if one != members[0]]
                continue
            if None not in members and here[total]:
                numbers = [member for member in members if member is not None]
                if numbers[0] not in numbers[1:]:
                    source = tuple(cells[total].at.get(name) for name in ("pilot_id", "bron"))
                    measure = tuple(cells[total].at.get(name) for name in ("maat", "uitkomst"))
                    yield Sum(
                        (*label, what, source, measure), numbers[0], tuple(sorted(numbers[1:]))
                    )
    if shape.parts:
        wholes: dict[tuple, dict[str, int]] = defaultdict(dict)
        for cell, quantities in zip(cells, here, strict=True):
            if "T" in quantities:
                wholes[_rest(cell, shape.parts), quantities["N"]][cell.at[shape.parts]] = (
                    quantities["T"]
                )
        for (_, whole), parts in wholes.items():
            yield Sum(("parts of n",), whole, tuple(sorted(parts.values())))


def _sites(cells: Sequence[Cell], shape: Shape) -> Iterator[tuple[int, list[int], tuple]]:
    if not shape.site:
        return
    by_rest: dict[tuple, list[int]] = defaultdict(list)
    sites: dict[tuple, set[str]] = defaultdict(set)
    for index, cell in enumerate(cells):
        by_rest[_rest(cell, shape.site)].append(index)
        sites[_occasion(cell, shape)].add(cell.at[shape.site])
    for members in by_rest.values():
        # A site that is there otherwise and has no row here counts all the same, unseen.
        if {cells[index].at[shape.site] for index in members} != sites[
            _occasion(cells[members[0]], shape)
        ]:
            continue
        wholes = [index for index in members if cells[index].at[shape.site] == WHOLE_SITE]
        if wholes and len(members) > 1:
            parts = [index for index in members if index not in wholes]
            yield wholes[0], parts, ("sites", cells[wholes[0]].at.get("groep_soort"))


def _occasion(cell: Cell, shape: Shape) -> tuple:
    """What all rows about the same people at one time share, of whatever site, group, measure."""
    return _rest(cell, shape.site or "", *(shape.breakdown or ()), "maat")


def _groups(cells: Sequence[Cell], shape: Shape) -> Iterator[tuple[int, list[int], tuple]]:
    """A breakdown's groups add up to the whole; a crossing of two to either of them."""
    if not shape.breakdown:
        return
    names, values = shape.breakdown
    blocks: dict[tuple, dict[frozenset, int]] = defaultdict(dict)
    for index, cell in enumerate(cells):
        at = cell.at
        split = (
            frozenset()
            if at[names] == WHOLE_GROUP
            else frozenset(zip(at[names].split(CROSSED), at[values].split(CROSSED), strict=False))
        )
        blocks[_rest(cell, names, values)][split] = index
    for block in blocks.values():
        parts_of: dict[tuple[frozenset, frozenset], list[int]] = defaultdict(list)
        for split, index in block.items():
            kinds = frozenset(kind for kind, _ in split)
            for size in range(len(split)):
                for kept in combinations(sorted(split), size):
                    if frozenset(kept) in block:
                        parts_of[frozenset(kept), kinds].append(index)
        for (kept, kinds), parts in parts_of.items():
            coarse = tuple(sorted(kind for kind, _ in kept))
            yield block[kept], sorted(parts), ("groups", coarse, tuple(sorted(kinds)))


def _believed(known: Knowledge, sums: Iterable[Sum]) -> Iterator[Sum]:
    """The sums, without the assumptions that the published figures themselves contradict."""
    by_label: dict[tuple, list[Sum]] = defaultdict(list)
    for one in sums:
        by_label[one.label].append(one)
    for label in sorted(by_label, key=repr):
        if not any(_contradicted(known, one) for one in by_label[label]):
            yield from by_label[label]


def _contradicted(known: Knowledge, one: Sum) -> bool:
    parts = [known.quantities[part] for part in one.parts]
    total = known.quantities[one.total]
    if any(math.isinf(part.high) for part in (*parts, total)):
        return sum(part.low for part in parts) > total.high + 1e-6
    low, high = sum(part.low for part in parts), sum(part.high for part in parts)
    return low > total.high + 1e-6 or high < total.low - 1e-6


def is_primary(quantity: Quantity) -> bool:
    """Whether it was hidden for what it is, rather than to protect another."""
    return bool(quantity.rules - {SECONDARY})
