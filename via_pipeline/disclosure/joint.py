"""All datasets of a release as one system: figures of people, and everything that ties them.

Belongs here: naming every quantity of every dataset, its need, what goes dark with it, and the ties
within and across datasets. Does not belong here: what was published before (``history``), what is
hidden in the end (``release``), SQL (``protect``).

The name of a figure is its dataset, its key and what it is (N, T, C or S); of several places that
hold the same figure the first. A figure is tied to others by plain sums, by orders (part of a
whole), and by rests: people who are in one figure and not in another that is nearly the same. A
rest stands in no table and is a number of people all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from via_pipeline.disclosure import needs
from via_pipeline.disclosure.engine.problem import Contribution, Name, Need, Relation
from via_pipeline.disclosure.groups import Together
from via_pipeline.disclosure.model import Dataset, Link, Rule, RuleSet, TieKind
from via_pipeline.disclosure.sums import COUNT, Row, Slot, System, build

ARM = "_arm"
_KIND = {"n": "N", "teller": "T", "overige": "C"}
FAR = 10**9
"""More people than there are: stands for "no limit"."""


@dataclass(frozen=True)
class Part:
    """One dataset of the release with its rows, sorted by key.

    Of a comparison the rows stand once per arm, side by side: its key has ``_arm`` added.
    """

    dataset: Dataset
    ruleset: RuleSet
    rows: Sequence[Row]

    def place(self, index: int, kind: str) -> Name:
        """The name of a quantity of a row."""
        return (self.dataset.name, *self.rows[index].key, kind)


@dataclass
class Figure:
    """A figure of the system. ``slots`` are the places where it stands: part, row and quantity.

    ``width``: how far apart its possible values must lie once it is hidden, for whatever reason.
    """

    name: Name
    value: int
    floor: int | None = 0
    cost: int = 1
    holder: str = ""
    need: Need | None = None
    width: int = 1
    rules: list[Rule] = field(default_factory=list)
    slots: list[tuple[int, Slot]] = field(default_factory=list)
    contributions: tuple[Contribution, ...] = ()
    is_published: bool = True


@dataclass
class Joint:
    """The system. ``takes_along``: what goes dark when a figure does; ``label``: both ways."""

    parts: Sequence[Part]
    figures: dict[Name, Figure] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    takes_along: dict[Name, set[Name]] = field(default_factory=lambda: defaultdict(set))
    forced: set[Name] = field(default_factory=set)
    at: dict[Name, Name] = field(default_factory=dict)
    broken: list[dict[int, list[Rule]]] = field(default_factory=list)

    def figure(self, place: Name) -> Figure | None:
        """The figure that stands at ``place``."""
        name = self.at.get(place)
        return None if name is None else self.figures[name]


def join(parts: Sequence[Part]) -> Joint:
    """The system of ``parts``.

    Raises:
        TableError: see ``sums.build``.
    """
    joint = Joint(parts)
    systems = [build(part.dataset, part.rows) for part in parts]
    heads = _one_figure(parts, systems)
    for number, part in enumerate(parts):
        _enter(joint, number, part, systems[number], heads)
    for part in parts:
        _inside(joint, part)
        _link(joint, part, parts)
        _again(joint, part)
    joint.relations = list(dict.fromkeys(joint.relations))
    return joint


def with_arms(dataset: Dataset, arms: Sequence[Sequence[Row]]) -> tuple[Dataset, list[Row]]:
    """A comparison as rows of which each arm is one, and all of a row go dark together."""
    rows = [
        replace(row, key=(*row.key, str(arm)))
        for together in zip(*arms, strict=True)
        for arm, row in enumerate(together)
    ]
    apart = dataset.model_copy(update={"key": (*dataset.key, ARM), "together": dataset.key})
    return apart, rows


def _enter(
    joint: Joint, number: int, part: Part, system: System, heads: Mapping[Name, Name]
) -> None:
    """The dataset's own figures, needs and sums; ``heads`` as of ``_one_figure``."""
    rows = [*part.rows, *system.withheld]
    part = Part(part.dataset, part.ruleset, rows)
    places = [part.place(*slots[0]) for slots in system.slots]
    names = [heads.get(place, place) for place in places]
    for unknown, name in enumerate(names):
        floor = _floor(rows, system.slots[unknown], system.values[unknown])
        figure = joint.figures.setdefault(
            name, Figure(name, system.values[unknown], cost=0, floor=floor)
        )
        figure.slots += [(number, slot) for slot in system.slots[unknown]]
        if floor is not None:
            figure.floor = max(figure.floor or 0, floor)
        figure.cost += _cost(rows, system.slots[unknown])
        figure.width = max(figure.width, needs.width(part.ruleset, name[-1]))
        first = rows[system.slots[unknown][0][0]]
        figure.holder = figure.holder or _holder(part.dataset, first)
        if name[-1] == "S":
            figure.contributions = needs.contributions(first, " / ".join(name))
        joint.at |= {part.place(*slot): name for slot in system.slots[unknown]}
        if system.with_[unknown]:
            along = {names[other] for other in system.with_[unknown]} - {name}
            joint.takes_along[name] |= along
    joint.forced |= {names[unknown] for unknown in system.is_withheld}
    joint.broken.append(needs.broken(part.dataset, part.ruleset, part.rows))
    for index, rules in joint.broken[-1].items():
        for rule in rules:
            for kind in needs.touched(rule):
                figure = joint.figure(part.place(index, kind))
                if figure is not None:
                    need = needs.need(part.ruleset, rule, kind, figure.value, part.rows[index])
                    figure.need = needs.most(figure.need, need)
                    figure.rules.append(rule)
    for equation in system.equations:
        parts = [names[one] for one in equation.parts]
        if names[equation.total] not in parts:
            _sum(joint, part.ruleset, names[equation.total], parts)
    joint.relations += [order(names[small], names[large]) for small, large in system.orders]
    for small, large in system.orders:
        _rest(joint, part.ruleset, (names[large],), (names[small],), "N")
    if part.dataset.arms:
        _look_alike(joint, part)


def _sum(joint: Joint, ruleset: RuleSet, total: Name, parts: Sequence[Name]) -> None:
    """``parts`` add up to ``total``; who is in none of them, or in two, is a rest of people."""
    left = joint.figures[total].value - sum(joint.figures[name].value for name in parts)
    if len(parts) == 1 and left == 0:
        # The only site knows the whole as well: it is the same people.
        joint.figures[total].holder = joint.figures[parts[0]].holder
    if left == 0 or total[-1] == "S":
        joint.relations.append(Relation.sum(total, parts))
        return
    terms = ((total, 1), *((name, -1) for name in parts))
    joint.relations.append(Relation(terms, within=(0, FAR) if left > 0 else (-FAR, 0)))
    _rest(joint, ruleset, (total,), parts, _of_people(total))


def _of_people(name: Name) -> str:
    """What a rest of such figures is held to: people, and no group that is shown as one."""
    return "C" if name[-1] == "C" else "T"


def order(part: Name, whole: Name) -> Relation:
    """Everybody in ``part`` is in ``whole``."""
    return Relation(((whole, 1), (part, -1)), within=(0, FAR))


def _floor(rows: Sequence[Row], slots: Sequence[Slot], value: int) -> int | None:
    """A group without anybody has no row: its count is at least one. A sum may be below zero."""
    if value < 0:
        return None
    of_count = any(kind == "N" and rows[index].kind == COUNT for index, kind in slots)
    return 1 if of_count and value >= 1 else 0


def _cost(rows: Sequence[Row], slots: Sequence[Slot]) -> int:
    """What hiding loses: people, times the rows that lose their figure."""
    cost = 0
    for index, kind in slots:
        if kind != "C":
            cost += rows[index].count or 0
    return max(1, cost)


def _holder(dataset: Dataset, row: Row) -> str:
    """The site that knows this figure of its own, where sites do."""
    sites = dataset.sites
    if sites is None or not sites.know_their_own:
        return ""
    site = row.key[dataset.key.index(sites.column)]
    return "" if site == sites.whole else f"{row.key[0]}/{site}"


def _look_alike(joint: Joint, part: Part) -> None:
    """Comparisons that look the same in every arm go dark together.

    A figure can stand in the table twice: as an outcome of its own and as a group of another. By
    coincidence that hides more, never less.
    """
    arms = len(part.dataset.arms)
    looks: dict[tuple, list[int]] = defaultdict(list)
    for start in range(0, len(part.rows), arms):
        rows = part.rows[start : start + arms]
        look = (rows[0].key[0], *((row.count, row.numerator) for row in rows))
        if rows[0].count is not None:
            looks[look].append(start)
    for starts in looks.values():
        for arm in range(arms):
            for kind in "NTC":
                names = {joint.at.get(part.place(start + arm, kind)) for start in starts} - {None}
                for one in names:
                    joint.takes_along[one] |= names - {one}


def _rest(
    joint: Joint, ruleset: RuleSet, more: Sequence[Name], fewer: Sequence[Name], kind: str
) -> None:
    """Who is in ``more`` and not in ``fewer`` are people too: a rest that is small needs hiding."""
    value = sum(joint.figures[name].value for name in more)
    value -= sum(joint.figures[name].value for name in fewer)
    need = needs.of_rest(ruleset, abs(value), kind)
    if need is None or set(more) & set(fewer):
        return
    name = ("rest", *_flat(more), "|", *_flat(fewer))
    # Who knows both figures knows the rest.
    holders = {joint.figures[one].holder for one in (*more, *fewer)}
    holder = holders.pop() if len(holders) == 1 else ""
    joint.figures[name] = Figure(
        name, value, floor=None, holder=holder, need=need, is_published=False
    )
    terms = [*((one, 1) for one in more), *((one, -1) for one in fewer)]
    joint.relations.append(Relation(tuple(terms), name))


def _flat(names: Sequence[Name]) -> Iterator[str]:
    for name in names:
        yield " / ".join(name)


def _again(joint: Joint, part: Part) -> None:
    """The same figure at two readings: who came in between, or left."""
    column = part.dataset.again_along
    if column is None:
        return
    place = part.dataset.key.index(column)
    readings: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, row in enumerate(part.rows):
        readings[row.key[:place] + row.key[place + 1 :]].append(index)
    seen = set()
    for indexes in readings.values():
        for at, later in enumerate(indexes):
            for earlier in indexes[:at]:
                for kind in "NTC":
                    names = tuple(joint.at.get(part.place(one, kind)) for one in (later, earlier))
                    if None not in names and names not in seen:
                        seen.add(names)
                        _rest(joint, part.ruleset, names[:1], names[1:], kind)


def _one_figure(parts: Sequence[Part], systems: Sequence[System]) -> dict[Name, Name]:
    """Per place the place that names its figure, where a link says that two are one figure.

    That is an ``is`` of one figure to one other that is equal to it.
    """
    head = Together()
    values: dict[Name, int] = {}
    for part, system in zip(parts, systems, strict=True):
        for unknown, slots in enumerate(system.slots):
            names = [part.place(*slot) for slot in slots if slot[0] < len(part.rows)]
            for name in names:
                head.join(names[0], name)
                values[name] = system.values[unknown]
    for part in parts:
        for link in part.dataset.links:
            if link.tie is TieKind.IS:
                for index, other, found in _linked(part, link, parts):
                    own, theirs = _tied(part, index, link, other, found)
                    if len(theirs) == 1 and values.get(own) == values.get(theirs[0], -1):
                        head.join(own, theirs[0])
    return {name: head.head(name) for name in values}


def _linked(part: Part, link: Link, parts: Sequence[Part]) -> Iterator[tuple[int, Part, list[int]]]:
    """Index of each row that ``link`` holds for, and the rows of the other dataset."""
    other = next((one for one in parts if one.dataset.name == link.to), None)
    if other is None:
        return
    # A column that only counts deliveries tells not which they are.
    is_told = bool(part.dataset.deliveries and other.dataset.deliveries)
    key = list(enumerate(other.dataset.key))
    named = [name for _, name in key if name in link.at]
    places = [place for place, name in key if name in link.at]
    table: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, row in enumerate(other.rows):
        table[tuple(row.key[place] for place in places)].append(index)
    for index, row in enumerate(part.rows):
        at = dict(zip(part.dataset.key, row.key, strict=True))
        if _applies(part.dataset, link, at):
            wanted = tuple(link.at[name].format_map(at) for name in named)
            yield (
                index,
                other,
                [
                    one
                    for one in table.get(wanted, ())
                    if not (is_told and row.deliveries)
                    or set(other.rows[one].deliveries.split()) <= set(row.deliveries.split())
                ],
            )


def _tied(
    part: Part, index: int, link: Link, other: Part, found: Sequence[int]
) -> tuple[Name, list[Name]]:
    """The places that ``link`` ties: the own one and theirs."""
    own = part.place(index, _KIND.get(link.of.rpartition("/")[2], "N"))
    return own, [other.place(one, _KIND[link.counts]) for one in found]


def _inside(joint: Joint, part: Part) -> None:
    """Populations that are parts of another one with rows of its own."""
    inside = part.dataset.inside
    if inside is None:
        return
    wholes: dict[tuple[str, ...], int] = {}
    parts: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, row in enumerate(part.rows):
        # Of a comparison with an earlier day: the day itself.
        if not part.dataset.arms or row.key[-1] == "0":
            by = _values(part.dataset, row, inside.by)
            wholes["/".join(_values(part.dataset, row, inside.names)), *by] = index
            if row.inside:
                parts[row.inside, *by].append(index)
    for mark, members in parts.items():
        for kind in "NTC":
            total = joint.at.get(part.place(wholes[mark], kind)) if mark in wholes else None
            names = [joint.at.get(part.place(index, kind)) for index in members]
            if total is None or None in names or total in names:
                continue
            left = joint.figures[total].value - sum(joint.figures[one].value for one in names)
            if left == 0:
                joint.relations.append(Relation.sum(total, names))
            else:
                _rest(joint, part.ruleset, (total,), names, _of_people(total))


def _link(joint: Joint, part: Part, parts: Sequence[Part]) -> None:
    """Ties to other datasets, as declared."""
    for link in part.dataset.links:
        for index, other, found in _linked(part, link, parts):
            _tie(joint, part, index, link, other, found)


def _values(dataset: Dataset, row: Row, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(row.key[dataset.key.index(name)] for name in names)


def _applies(dataset: Dataset, link: Link, at: Mapping[str, str]) -> bool:
    if dataset.arms:
        named = {arm.count: str(number) for number, arm in enumerate(dataset.arms)}
        if named.get(link.of.partition("/")[0]) != at[ARM]:
            return False
    return all(at[column] == value for column, value in link.when.items())


def _tie(
    joint: Joint, part: Part, index: int, link: Link, other: Part, found: Sequence[int]
) -> None:
    place, places = _tied(part, index, link, other, found)
    own = joint.at.get(place)
    theirs = [joint.at.get(one) for one in places]
    names = sorted({name for name in theirs if name is not None})
    if own is None or not names or own in names or len(names) != len(theirs):
        return
    if link.tie is TieKind.CONTAINS:
        for name in names:
            if joint.figures[name].value <= joint.figures[own].value:
                joint.relations.append(order(name, own))
        return
    if sum(joint.figures[name].value for name in names) == joint.figures[own].value:
        joint.relations.append(Relation.sum(own, names))
    else:
        kind = _KIND[link.rest] if link.rest is not None else place[-1]
        _rest(joint, part.ruleset, names, (own,), kind)
