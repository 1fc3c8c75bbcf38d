"""What was published before: known to every outsider, and not to be taken back.

Belongs here: earlier tables read as published, and what they mean for the figures of a release:
which are known, which stay hidden, and which differ by so few people from what was shown that the
difference is a small number itself. Does not belong here: where earlier tables lie (``letters``
and ``serving`` hand them in).

A figure over the same deliveries that shows the same number is the same figure: it keeps its
status. Over other deliveries it is another figure, and whoever subtracts the two learns of the
people that came in between. That difference is the new figure less a known number, so it is as
uncertain as the new figure is: small differences become a need of the new figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from via_pipeline.disclosure import needs, tables
from via_pipeline.disclosure.engine.problem import Name, Need
from via_pipeline.disclosure.joint import Joint, Part, with_arms
from via_pipeline.disclosure.model import RuleKind
from via_pipeline.disclosure.sums import MEAN, SHARE, TENTHS, Row, Slot
from via_pipeline.disclosure.tables import order_by

Earlier = Sequence[Mapping[str, Sequence[str]]]
"""Per publication, per dataset, SQL sources that hold its published rows; in order of time."""


@dataclass
class Past:
    """``known`` figures are out; ``carried`` ones are hidden as before; ``slots`` are the places
    that were hidden before, whatever became of the figure elsewhere.
    """

    known: set[Name] = field(default_factory=set)
    carried: set[Name] = field(default_factory=set)
    slots: set[tuple[int, Slot]] = field(default_factory=set)


def read(
    connection: duckdb.DuckDBPyConnection,
    joint: Joint,
    earlier: Earlier,
    weighs_differences: bool = True,
) -> Past:
    """What ``earlier`` means for the figures of ``joint``, whose needs it adds to.

    ``weighs_differences``: not for tables that stay inside, to be laid beside what is out.
    """
    past = Past()
    for number, part in enumerate(joint.parts):
        told: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for publication in earlier:
            for source in publication.get(part.dataset.name, ()):
                for row in _rows(connection, part, source):
                    told[row.key].append(row)
        for index, row in enumerate(part.rows):
            for before in told.get(row.key, ()):
                if _compare(joint, past, number, index, row, before) and weighs_differences:
                    then = quantities(before)
                    _need_for_difference(joint, part, index, quantities(row), then)
    for name in past.known:
        joint.figures[name].need = _own_need(joint, name)
    past.carried -= past.known
    return past


def _own_need(joint: Joint, name: Name) -> Need | None:
    """What a figure that is out needs by the rules alone: differences to it are out as well."""
    return (joint.figures[name].rules and joint.figures[name].need) or None


def _rows(connection: duckdb.DuckDBPyConnection, part: Part, source: str) -> list[Row]:
    if part.dataset.arms:
        dataset = part.dataset.model_copy(update={"key": part.dataset.key[:-1], "together": ()})
        return with_arms(dataset, tables.read_arms(connection, dataset, source, order_by(dataset)))[
            1
        ]
    return tables.read(connection, part.dataset, source, order_by(part.dataset))


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
