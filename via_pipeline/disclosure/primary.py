"""Which figures are too small by a rule set, each looked at by itself.

Belongs here: one predicate a kind of rule. Does not belong here: what must be hidden besides, so
that these stay hidden (``secondary``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from via_pipeline.disclosure.model import Dataset, Rule, RuleKind, RuleSet
from via_pipeline.disclosure.system import MEAN, SHARE, Row


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
