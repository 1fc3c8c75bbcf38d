"""Which figures are too small by a rule set, each looked at by itself, and how well to hide them.

Belongs here: one predicate a kind of rule, and the protection that each kind asks. Does not belong
here: what must be hidden besides, so that these stay hidden (``release``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from via_pipeline.disclosure.engine.problem import Need
from via_pipeline.disclosure.model import Dataset, Rule, RuleKind, RuleSet
from via_pipeline.disclosure.sums import MEAN, SHARE, Row

_TELLING = 33
"""A sum behind a hidden mean must be uncertain by one part in so many: a mean of 3.5 by a tenth."""
_OF_KIND = {
    "N": (RuleKind.COUNT,),
    "T": (RuleKind.NUMERATOR,),
    "C": (RuleKind.REMAINDER,),
}


def broken(dataset: Dataset, ruleset: RuleSet, rows: Sequence[Row]) -> dict[int, list[Rule]]:
    """Index of each row that may not be shown in full, with the rules that say so, in order."""
    found: dict[int, list[Rule]] = defaultdict(list)
    for rule in ruleset.rules:
        whole = _wholes(dataset, rule, rows) if rule.kind is RuleKind.WHOLE else {}
        for index, row in enumerate(rows):
            if row.count is not None and _is_broken(rule, row, whole.get(index, 0)):
                found[index].append(rule)
    return dict(found)


def hides_count(rule: Rule) -> bool:
    """Whether a row that breaks ``rule`` loses its count too, and so everything."""
    return rule.kind in (RuleKind.COUNT, RuleKind.WHOLE)


def need(rule: Rule, kind: str, value: int) -> Need:
    """How uncertain a quantity of a row that breaks ``rule`` must stay.

    Counts as wide as the rule's bound, so that nobody can say more of a figure than that it may be
    too small; of a rule without a bound (a whole group) never exactly.
    """
    if kind == "S":
        return Need(max(1, value // _TELLING))
    return Need(max(1, rule.width))


def of_rest(ruleset: RuleSet, value: int, kind: str) -> Need | None:
    """What a rest of so many people needs; None where it may be known."""
    minimum = ruleset.minimum(*_OF_KIND[kind])
    return Need(1) if 0 < value < minimum else None


def minimum(ruleset: RuleSet, kind: str) -> int:
    """The least that figures of that kind may be known to be together; 0 where there is none."""
    return ruleset.minimum(*_OF_KIND.get(kind, ()))


def most(one: Need | None, other: Need | None) -> Need | None:
    """What is enough for both."""
    if one is None or other is None:
        return one or other
    return Need(
        max(one.sliding, other.sliding), max(one.lower, other.lower), max(one.upper, other.upper)
    )


def _is_broken(rule: Rule, row: Row, whole: int) -> bool:
    count, numerator = row.count or 0, row.numerator
    match rule.kind:
        case RuleKind.COUNT:
            return count < rule.minimum
        case RuleKind.WHOLE:
            return whole < rule.minimum
        case RuleKind.NUMERATOR:
            return numerator is not None and numerator < rule.minimum
        case RuleKind.REMAINDER:
            return numerator is not None and count - numerator < rule.minimum
        case RuleKind.WHOLE_GROUP:
            return numerator is not None and numerator in (0, count)
        case RuleKind.DENOMINATOR:
            return row.kind == SHARE and count < rule.minimum
        case RuleKind.OBSERVATIONS:
            return row.kind == MEAN and count < rule.minimum


def _wholes(dataset: Dataset, rule: Rule, rows: Sequence[Row]) -> dict[int, int]:
    """Per row the count of the whole it is part of: the largest count that shares ``within``."""
    places = [dataset.key.index(name) for name in rule.within]
    largest: dict[tuple[str, ...], int] = {}
    for row in rows:
        part_of = tuple(row.key[place] for place in places)
        largest[part_of] = max(largest.get(part_of, 0), row.count or 0)
    return {
        index: largest[tuple(row.key[place] for place in places)] for index, row in enumerate(rows)
    }
