"""What was published before: known to every outsider, and not to be taken back.

Belongs here: earlier tables read as published, and what they mean for the figures of a release:
which are known, which stay hidden, and which differ by so few people from what was shown that the
difference is a small number itself. Does not belong here: where earlier tables lie (``letters``
and ``serving`` hand them in).

A figure over the same deliveries that shows the same number is the same figure: it keeps its
status. Over other deliveries it is another figure, and whoever subtracts the two learns of the
people that came in between. That difference is the new figure less a known number, so it is as
uncertain as the new figure is: small differences become a need of the new figure.

A delivery that was corrected often changes nothing in most cells, and an outsider will take it so.
So what shows the same number is known, whatever it rests on; and what was hidden stays hidden,
unless the house knows (``Truths``) that it has become another number of people.

Who is erased or objects leaves cells that were published, over the same deliveries. The cells that
went dark would tell in which groups they were: then all that is told of that place goes dark.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from via_pipeline.disclosure import needs, tables
from via_pipeline.disclosure.engine.problem import Name, Need
from via_pipeline.disclosure.joint import ARM, Joint, Part, with_arms
from via_pipeline.disclosure.model import RuleKind, Status
from via_pipeline.disclosure.sums import MEAN, SHARE, TENTHS, Row, Slot
from via_pipeline.disclosure.tables import STATUS, order_by

_PAIR = 2

Earlier = Sequence[Mapping[str, Sequence[str]]]
"""Per publication, per dataset, SQL sources that hold its published rows; in order of time."""

Truths = Mapping[tuple[str, str, str, str], Collection[int]]
"""What hidden figures were: dataset, place, quantity and deliveries -> its values (after an erasure
there can be two). Restricted; only what this installation hid itself is in it."""


@dataclass
class Past:
    """``known`` figures are out; ``carried`` ones are hidden as before; ``slots`` are the places
    that were hidden before, whatever became of the figure elsewhere; ``dark`` ones are not told,
    known or not, so that nobody sees which of them changed.
    """

    known: set[Name] = field(default_factory=set)
    carried: set[Name] = field(default_factory=set)
    slots: set[tuple[int, Slot]] = field(default_factory=set)
    dark: set[Name] = field(default_factory=set)


def place_of(part: Part, index: int) -> str:
    """A row's key in one line, as the record of the proof has it."""
    return " / ".join(part.rows[index].key)


def read(
    connection: duckdb.DuckDBPyConnection,
    joint: Joint,
    earlier: Earlier,
    weighs_differences: bool = True,
    truths: Truths | None = None,
) -> Past:
    """What ``earlier`` means for the figures of ``joint``, whose needs it adds to.

    ``weighs_differences``: not for tables that stay inside, to be laid beside what is out.
    ``truths``: what was hidden over other deliveries, where the house knows it.
    """
    past = Past()
    left: set[tuple[int, tuple[str, ...]]] = set()
    for number, part in enumerate(joint.parts):
        told: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for publication in earlier:
            for source in publication.get(part.dataset.name, ()):
                for row in _rows(connection, part, source):
                    told[row.key].append(row)
        for index, row in enumerate(part.rows):
            for before in told.get(row.key, ()):
                is_other = _compare(joint, past, number, index, row, before)
                if not weighs_differences:
                    continue
                if row.deliveries != before.deliveries:
                    _unchanged(joint, past, number, index, before, truths or {})
                if is_other:
                    now, then = quantities(row), quantities(before)
                    _need_for_difference(joint, part, index, now, then)
                    if row.deliveries == before.deliveries and _few_left(part, now, then):
                        left.add((number, _occasion(part, index)))
    for number, part in enumerate(joint.parts):
        for index in range(len(part.rows)) if left else ():
            if (number, _occasion(part, index)) in left:
                names = (joint.at.get(part.place(index, kind)) for kind in "NTCS")
                past.dark |= {name for name in names if name is not None}
    for name in past.known:
        joint.figures[name].need = _own_need(joint, name)
    past.carried -= past.known
    _share_holders(joint, past)
    return past


def _share_holders(joint: Joint, past: Past) -> None:
    """Who knows one of the two figures of a sum that are not out knows the other as well.

    One person leaves one site: the others' figures are out, so the site that had the person knows
    the whole. It is no secret to that site, which has its own figures whatever is published.
    """
    pairs = []
    for relation in joint.relations if past.known else ():
        names = {name for name, _ in relation.parts}
        names |= {relation.total} if relation.total else set()
        unknown = sorted(names - past.known)
        if relation.within is None and len(unknown) == _PAIR:
            pairs.append((joint.figures[unknown[0]], joint.figures[unknown[1]]))
    is_news = True
    while is_news:
        is_news = False
        for one, other in pairs:
            for knows, learns in ((one, other), (other, one)):
                if knows.holder and not learns.holder:
                    learns.holder, is_news = knows.holder, True


def _own_need(joint: Joint, name: Name) -> Need | None:
    """What a figure that is out needs by the rules alone: differences to it are out as well."""
    return (joint.figures[name].rules and joint.figures[name].need) or None


def _rows(connection: duckdb.DuckDBPyConnection, part: Part, source: str) -> list[Row]:
    if part.dataset.arms:
        dataset = part.dataset.model_copy(update={"key": part.dataset.key[:-1], "together": ()})
        return with_arms(dataset, tables.read_arms(connection, dataset, source, order_by(dataset)))[
            1
        ]
    return tables.read(connection, part.dataset, source, order_by(part.dataset), status=STATUS)


def _compare(joint: Joint, past: Past, number: int, index: int, row: Row, before: Row) -> bool:
    """Take in what ``before`` tells of the same figures; whether it tells of other ones."""
    part = joint.parts[number]
    now, then = quantities(row), quantities(before)
    if row.deliveries != before.deliveries:
        return True
    for kind in now:
        name = joint.at.get(part.place(index, kind))
        if name is None:
            continue
        if part.dataset.arms and "N" in then and kind not in then:
            past.known.add(name)
        elif kind not in then:
            if _was_hidden(part, kind, row):
                past.slots.add((number, (index, kind)))
                past.carried.add(name)
        elif then[kind] == now[kind] or part.ruleset.rounding > 1:
            past.known.add(name)
    return any(then.get(kind, now[kind]) != now[kind] for kind in now)


def _unchanged(
    joint: Joint, past: Past, number: int, index: int, before: Row, truths: Truths
) -> None:
    """Take in what an outsider makes of the same place over other deliveries: that little changed.

    What shows the same number is known; what was hidden stays so, until it is known to have become
    another number of people.
    """
    part = joint.parts[number]
    row = part.rows[index]
    now, then = quantities(row), quantities(before)
    if part.dataset.arms and "N" in then:
        # Of an arm that was told only the count is looked at; nothing else of it was hidden.
        now = {"N": now["N"]} if "N" in now else {}
    for kind, value in now.items():
        name = joint.at.get(part.place(index, kind))
        if name is None:
            continue
        if kind in then:
            if then[kind] == value:
                past.known.add(name)
        elif _was_hidden(part, kind, row) and before.status == Status.CONFIDENTIAL:
            place = (part.dataset.name, place_of(part, index), kind, before.deliveries)
            values = truths.get(place, ())
            far = max(1, needs.minimum(part.ruleset, kind))
            if not values or any(abs(one - value) < far for one in values):
                past.carried.add(name)


def _few_left(part: Part, now: Mapping[str, int], then: Mapping[str, int]) -> bool:
    """Whether so few people left a cell that their number may not be known."""
    fewer = then.get("N", 0) - now.get("N", 0)
    return "N" in then and "N" in now and 0 < fewer < max(1, needs.minimum(part.ruleset, "N"))


def _occasion(part: Part, index: int) -> tuple[str, ...]:
    """What all rows about the same people share: of every group and every measure."""
    dataset, key = part.dataset, part.rows[index].key
    leave = {*dataset.measure, ARM}
    if dataset.breakdown:
        leave |= {dataset.breakdown.names, dataset.breakdown.values}
    return tuple(text for name, text in zip(dataset.key, key, strict=True) if name not in leave)


def _was_hidden(part: Part, kind: str, row: Row) -> bool:
    """Whether the earlier row hid it, rather than having had nothing to hide.

    A count that only rounds to zero is empty as well, and is not hidden.
    """
    rounds = part.ruleset.rounding > 1 and kind == "N"
    return row.count is not None and not rounds


def _need_for_difference(
    joint: Joint, part: Part, index: int, now: Mapping[str, int], then: Mapping[str, int]
) -> None:
    more = {kind: abs(now[kind] - then[kind]) for kind in "NTC" if kind in now and kind in then}
    small = {kind: needs.of_rest(part.ruleset, value, kind) for kind, value in more.items()}
    if more.get("N") and "T" in more and 0 in (more["T"], more["C"]):
        # All or none of those who came in between count: that tells of each of them.
        minimum = part.ruleset.minimum(RuleKind.NUMERATOR, RuleKind.REMAINDER)
        if minimum or any(rule.kind is RuleKind.WHOLE_GROUP for rule in part.ruleset.rules):
            small |= {"T": Need(max(1, minimum)), "C": Need(max(1, minimum))}
    for kind, need in small.items():
        figure = joint.figure(part.place(index, kind))
        if figure is not None and need is not None:
            figure.need = needs.most(figure.need, need)


def quantities(row: Row) -> dict[str, int]:
    """What a row shows: its count, those who count and who do not, the sum behind its mean."""
    if row.count is None:
        return {}
    found = {"N": row.count}
    if row.kind == SHARE and row.numerator is not None:
        found |= {"T": row.numerator, "C": row.count - row.numerator}
    elif row.kind == MEAN and row.value is not None:
        found["S"] = round(row.value * row.count * TENTHS)
    return found
