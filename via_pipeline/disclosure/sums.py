"""One dataset as an outsider reads it: its numbers as unknowns, and the sums that tie them.

Belongs here: turning rows into quantities, equations between them, and which quantities go dark
together. Does not belong here: ties to other datasets (``links``), which rules a quantity breaks
(``needs``), what is hidden for it (``release``).

A row holds up to four quantities. ``N``: its count. Of a share also ``T``, those who count, and
``C``, those who do not (``N = T + C``). Of a mean ``S``, the sum behind it, in tenths. Two
quantities of different measures that are equal for every group of a breakdown are taken to be the
same thing (everybody answered both questions; who was invited is who could be hired) and become one
unknown: hiding it in one measure while showing it in the other would hide nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations

from via_pipeline.disclosure.model import Dataset

SHARE, MEAN, COUNT = "aandeel", "gemiddelde", "aantal"
_KINDS = {SHARE, MEAN, COUNT}
_SEVERAL = 2
TENTHS = 10
"""Sums behind means are whole tenths: near enough to be taken for exact, which errs safely."""

Slot = tuple[int, str]
"""A quantity's place: index of the row, and N, T, C or S."""


class TableError(ValueError):
    """A table that cannot be protected as its dataset is described; never names a value."""


@dataclass(frozen=True)
class Row:
    """One row to protect. ``key`` holds the dataset's key columns as texts, in order.

    ``largest`` are the largest contributions to the sum behind a mean, as far as the source gives
    them. ``is_impossible``: a zero that everybody knows; the row has no numerator, or no count.
    ``status`` is what a published row says of itself. ``inside`` names the larger population that
    the row is a part of, ``compared`` the key of the row that it is compared with, where the
    dataset says so.
    """

    key: tuple[str, ...]
    kind: str
    count: int | None
    numerator: int | None
    value: Decimal | None
    deliveries: str = ""
    largest: tuple[Decimal, ...] = ()
    is_impossible: bool = False
    status: str = ""
    inside: str = ""
    compared: str = ""


@dataclass(frozen=True)
class Equation:
    """``total`` is the sum of ``parts`` (or exceeds it by what was left out of the parts)."""

    total: int
    parts: tuple[int, ...]


@dataclass
class System:
    """Unknowns are numbered; unknown ``i`` has ``values[i]`` and stands in ``slots[i]``.

    ``is_count[i]`` tells people or jobs from a sum of scores. ``with_[i]`` are the unknowns that
    must go dark when ``i`` does. ``orders`` are pairs (part, whole): everybody in the first is in
    the second.
    """

    values: list[int] = field(default_factory=list)
    is_count: list[bool] = field(default_factory=list)
    slots: list[list[Slot]] = field(default_factory=list)
    with_: list[set[int]] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    orders: list[tuple[int, int]] = field(default_factory=list)
    unknown_of: dict[Slot, int] = field(default_factory=dict)
    is_withheld: set[int] = field(default_factory=set)
    withheld: list[Row] = field(default_factory=list)


def build(dataset: Dataset, rows: Sequence[Row]) -> System:
    """The system of ``rows``, which are sorted by their key.

    Rows withheld upstream are in it as well (``withheld``), numbered from ``len(rows)`` on, with
    what the sums leave for them: ``is_withheld`` tells their unknowns.

    Raises:
        TableError: two rows share a key, or a share's numerator is not within its denominator.
    """
    _check(dataset, rows)
    given = len(rows)
    withheld = _withheld(dataset, rows)
    rows = [*rows, *withheld]
    slots = _slots(rows)
    system = _unknowns(slots, _same(dataset, rows, slots))
    system.withheld = withheld
    system.is_withheld = {
        unknown for (index, _), unknown in system.unknown_of.items() if index >= given
    }
    _darkness(dataset, rows, system)
    wanted = {equation for equation in _equations(dataset, rows, system) if equation.parts}
    system.equations = sorted(wanted, key=lambda item: (item.total, item.parts))
    system.orders = sorted(set(_orders(dataset, rows, system)))
    return system


def _check(dataset: Dataset, rows: Sequence[Row]) -> None:
    if len({row.key for row in rows}) != len(rows):
        raise TableError(f"{dataset.source}: two rows share the key {', '.join(dataset.key)}")
    for row in rows:
        if row.kind not in _KINDS:
            raise TableError(f"{dataset.source}: a row is neither share, mean nor count")
        if row.numerator is not None and (row.count is None or not 0 <= row.numerator <= row.count):
            raise TableError(f"{dataset.source}: a numerator is not within its denominator")
        if row.kind == COUNT and row.value not in (None, row.count):
            raise TableError(f"{dataset.source}: a count whose value is not its count")
        if row.count is None and row.value is not None:
            raise TableError(f"{dataset.source}: a figure without the count that it rests on")


def _withheld(dataset: Dataset, rows: Sequence[Row]) -> list[Row]:
    """Rows in place of what was withheld, one per value of the column that stands in its total.

    The first withheld group of a breakdown gets all that the total has over the groups shown, a
    second one nothing, the others no row: only what they are together can be known, and whether
    they are one or several.
    """
    if dataset.withheld is None or dataset.breakdown is None:
        return []
    column, names, values = _positions(
        dataset, dataset.withheld.column, dataset.breakdown.names, dataset.breakdown.values
    )
    totals: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    shown: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row.count is not None:
            rest = _without(row.key, [names, values])
            totals[_without(row.key, [names, values, column])] += (
                [row] if row.key[names] == dataset.breakdown.whole else []
            )
            shown[(row.key[names], *rest)].append(row)
    made: list[Row] = []
    filled: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        if row.key[column] != dataset.withheld.code or row.key[names] == dataset.breakdown.whole:
            continue
        for total in totals.get(_without(row.key, [names, values, column]), []):
            key = list(row.key)
            key[column] = total.key[column]
            cell = (key[names], *_without(tuple(key), [names, values]))
            known = shown.get(cell, [])
            is_first = not filled[cell]
            left = (total.count or 0) - sum(r.count or 0 for r in known) if is_first else 0
            part = (total.numerator or 0) - sum(r.numerator or 0 for r in known)
            filled[cell] += 1
            if filled[cell] > _SEVERAL:
                continue
            count = max(left, 0)
            made.append(Row(tuple(key), row.kind, count, min(max(part, 0), count), None))
    return made


def _slots(rows: Sequence[Row]) -> dict[Slot, int]:
    found: dict[Slot, int] = {}
    for index, row in enumerate(rows):
        if row.count is None:
            continue
        found[index, "N"] = row.count
        if row.numerator is not None:
            found[index, "T"] = row.numerator
            found[index, "C"] = row.count - row.numerator
        elif row.kind == SHARE and row.is_impossible:
            found[index, "C"] = row.count
        elif row.kind == MEAN and (row.value is not None or row.count == 0):
            found[index, "S"] = round((row.value or 0) * row.count * TENTHS)
    return found


def _positions(dataset: Dataset, *names: str) -> list[int]:
    return [dataset.key.index(name) for name in names]


def _without(key: tuple[str, ...], left_out: Sequence[int]) -> tuple[str, ...]:
    return tuple(text for index, text in enumerate(key) if index not in left_out)


def _same(dataset: Dataset, rows: Sequence[Row], slots: dict[Slot, int]) -> list[tuple[Slot, Slot]]:
    """Pairs of slots, of different measures, that are equal throughout a breakdown."""
    measure = _positions(dataset, *dataset.measure)
    values = _positions(dataset, dataset.breakdown.values) if dataset.breakdown else []
    columns: dict[tuple, dict[tuple[str, ...], Slot]] = defaultdict(dict)
    # Where nobody can count, those who do not are everybody.
    everybody = [((i, "N"), (i, "C")) for i, row in enumerate(rows) if row.is_impossible]
    for slot in slots:
        index, kind = slot
        if kind == "S":
            continue
        key = rows[index].key
        block = _without(key, [*measure, *values])
        figure = (tuple(key[position] for position in measure), kind)
        columns[block, figure][tuple(key[position] for position in values)] = slot
    alike: dict[tuple, list[dict[tuple[str, ...], Slot]]] = defaultdict(list)
    for (block, _), column in columns.items():
        numbers = tuple(sorted((group, slots[slot]) for group, slot in column.items()))
        alike[block, numbers].append(column)
    pairs = [pair for pair in everybody if slots.keys() >= set(pair)]
    for group in alike.values():
        first, *others = sorted(group, key=_rank)
        taken = {index for index, _ in first.values()}
        for other in others:
            # N and T of one row are equal at 100%: a coincidence that nobody outside sees.
            if any(index in taken for index, _ in other.values()):
                continue
            taken |= {index for index, _ in other.values()}
            pairs += [(slot, other[cell]) for cell, slot in first.items()]
    return pairs


def _rank(column: dict[tuple[str, ...], Slot]) -> tuple[int, int]:
    """Counts before numerators before remainders, then the order of the rows."""
    index, kind = min(column.values())
    return "NTC".index(kind), index


def _unknowns(slots: dict[Slot, int], same: list[tuple[Slot, Slot]]) -> System:
    parent = {slot: slot for slot in slots}

    def root(slot: Slot) -> Slot:
        while parent[slot] != slot:
            parent[slot] = parent[parent[slot]]
            slot = parent[slot]
        return slot

    for one, other in same:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    system = System()
    for slot in sorted(slots):
        head = root(slot)
        if head not in system.unknown_of:
            system.unknown_of[head] = len(system.values)
            system.values.append(slots[head])
            system.is_count.append(head[1] != "S")
            system.slots.append([])
            system.with_.append(set())
        unknown = system.unknown_of[head]
        system.unknown_of[slot] = unknown
        system.slots[unknown].append(slot)
    return system


def _darkness(dataset: Dataset, rows: Sequence[Row], system: System) -> None:
    """A hidden count hides the row; a hidden numerator hides its remainder, and back."""
    places = _positions(dataset, *dataset.together)
    blocks: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for (index, kind), unknown in system.unknown_of.items():
        of = {name: system.unknown_of.get((index, name)) for name in "TCS"}
        others = {found for found in of.values() if found is not None}
        if kind == "N":
            system.with_[unknown] |= others
        elif kind in "TC":
            system.with_[unknown] |= others - {of["S"]}
        if places:
            blocks[tuple(rows[index].key[place] for place in places)].add(unknown)
    for block in blocks.values():
        for unknown in block:
            system.with_[unknown] |= block
    for unknown, others in enumerate(system.with_):
        others.discard(unknown)


def _equations(dataset: Dataset, rows: Sequence[Row], system: System) -> Iterator[Equation]:
    of = system.unknown_of
    for index in range(len(rows)):
        if (index, "T") in of:
            yield _equation(of[index, "N"], [of[index, "T"], of[index, "C"]])
    for total, parts in _sums(dataset, rows):
        for kind in "NTCS":
            if (total, kind) in of:
                yield _equation(
                    of[total, kind], [of[part, kind] for part in parts if (part, kind) in of]
                )
    if dataset.parts_of_n:
        place = _positions(dataset, dataset.parts_of_n)
        wholes: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            if (index, "T") in of:
                wholes[_without(row.key, place)].append(index)
        for members in wholes.values():
            yield _equation(of[members[0], "N"], [of[index, "T"] for index in members])


def _orders(dataset: Dataset, rows: Sequence[Row], system: System) -> Iterator[tuple[int, int]]:
    """Numerators of which one is known to be part of the other, over the same people."""
    if not dataset.steps:
        return
    (place,) = _positions(dataset, *dataset.measure)
    blocks: dict[tuple[str, ...], dict[str, int]] = defaultdict(dict)
    for index, row in enumerate(rows):
        if row.numerator is not None:
            blocks[_without(row.key, [place])][row.key[place]] = index
    for block in blocks.values():
        for steps in dataset.steps:
            for whole, part in combinations([block[name] for name in steps if name in block], 2):
                if rows[whole].count == rows[part].count:
                    pair = system.unknown_of[part, "T"], system.unknown_of[whole, "T"]
                    if pair[0] != pair[1]:
                        yield pair


def _equation(total: int, parts: list[int]) -> Equation:
    return Equation(total, tuple(sorted(parts)))


def _sums(dataset: Dataset, rows: Sequence[Row]) -> Iterator[tuple[int, list[int]]]:
    """Index of each published total, with the indexes of the rows that add up to it."""
    if dataset.sites:
        (place,) = _positions(dataset, dataset.sites.column)
        by_rest: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            by_rest[_without(row.key, [place])].append(index)
        for members in by_rest.values():
            whole = [i for i in members if rows[i].key[place] == dataset.sites.whole]
            if whole:
                yield whole[0], [i for i in members if i != whole[0]]
    if dataset.breakdown:
        yield from _groups(dataset, rows)


def _groups(dataset: Dataset, rows: Sequence[Row]) -> Iterator[tuple[int, list[int]]]:
    breakdown = dataset.breakdown
    assert breakdown is not None
    names_at, values_at = _positions(dataset, breakdown.names, breakdown.values)
    tables: dict[tuple[str, ...], dict[tuple, dict[tuple, int]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for index, row in enumerate(rows):
        names, values = row.key[names_at], row.key[values_at]
        rest = _without(row.key, [names_at, values_at])
        if names == breakdown.whole:
            tables[rest][()][()] = index
            continue
        split = tuple(names.split(breakdown.joined_by)), tuple(values.split(breakdown.joined_by))
        if len(split[0]) != len(split[1]):
            raise TableError(f"{dataset.source}: a group does not fit its kind of group")
        tables[rest][split[0]][split[1]] = index
    for kinds in tables.values():
        for names in kinds:
            for size in range(len(names)):
                for kept in combinations(range(len(names)), size):
                    coarse = kinds.get(tuple(names[i] for i in kept), {})
                    members: dict[tuple, list[int]] = defaultdict(list)
                    for values, index in kinds[names].items():
                        members[tuple(values[i] for i in kept)].append(index)
                    for group, total in coarse.items():
                        if group in members:
                            yield total, members[group]
