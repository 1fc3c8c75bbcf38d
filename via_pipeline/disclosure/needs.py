"""Which figures are too small by a rule set, each looked at by itself, and how well to hide them.

Belongs here: one predicate a kind of rule, and the protection that each kind asks. Does not belong
here: what must be hidden besides, so that these stay hidden (``release``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from via_pipeline.disclosure.engine.problem import Cell, Contribution, Need
from via_pipeline.disclosure.engine.rules import Dominance, PPercent
from via_pipeline.disclosure.engine.rules import Rule as OfMagnitude
from via_pipeline.disclosure.model import Dataset, Rule, RuleKind, RuleSet, Zeros
from via_pipeline.disclosure.sums import MEAN, SHARE, TENTHS, Row, TableError

_TELLING = 33
"""A sum behind a hidden mean must be uncertain by one part in so many: a mean of 3.5 by a tenth."""
_OF_KIND = {
    "N": (RuleKind.COUNT,),
    "T": (RuleKind.NUMERATOR,),
    "C": (RuleKind.REMAINDER,),
}


def broken(dataset: Dataset, ruleset: RuleSet, rows: Sequence[Row]) -> dict[int, list[Rule]]:
    """Index of each row that may not be shown in full, with the rules that say so, in order.

    Raises:
        TableError: a rule of magnitudes meets a mean whose source gives no contributions.
    """
    found: dict[int, list[Rule]] = defaultdict(list)
    for rule in ruleset.rules:
        whole = _wholes(dataset, rule, rows) if rule.kind is RuleKind.WHOLE else {}
        _can_be_seen(dataset, rule, rows)
        for index, row in enumerate(rows):
            if row.count is not None and _is_broken(rule, row, whole.get(index, 0)):
                found[index].append(rule)
    return dict(found)


def hides_count(rule: Rule) -> bool:
    """Whether a row that breaks ``rule`` loses its count too, and so everything."""
    return rule.kind in (RuleKind.COUNT, RuleKind.WHOLE)


def touched(rule: Rule) -> str:
    """The quantities of a row that ``rule`` is about: N, T, C, S."""
    if hides_count(rule):
        return "N"
    return "S" if rule.contributions else "TCS"


def need(ruleset: RuleSet, rule: Rule, kind: str, value: int, row: Row) -> Need:
    """How uncertain a quantity of a row that breaks ``rule`` of ``ruleset`` must stay.

    Numbers of people as wide as the rule set says. A sum that few contribute to: up to where the
    rule would let it pass, as in tau-ARGUS.
    """
    if rule.contributions:
        return most(of_magnitude(rule).need(_cell(row)), Need(max(1, value // _TELLING))) or Need()
    if kind == "S":
        return Need(max(1, value // _TELLING))
    return Need(ruleset.width)


def of_magnitude(rule: Rule) -> OfMagnitude:
    """The engine's rule for one of contributions."""
    return Dominance(rule.n, rule.k) if rule.kind is RuleKind.DOMINANCE else PPercent(rule.p)


def contributions(row: Row, name: str) -> tuple[Contribution, ...]:
    """The largest contributions to a row's sum, in tenths, each of somebody else."""
    return tuple(
        Contribution(f"{name} {place}", round(abs(amount) * TENTHS))
        for place, amount in enumerate(row.largest)
    )


def of_rest(ruleset: RuleSet, value: int, kind: str) -> Need | None:
    """What a rest of so many people needs; None where it may be known."""
    minimum = ruleset.minimum(*_OF_KIND[kind])
    return Need(ruleset.width) if 0 < value < minimum else None


def minimum(ruleset: RuleSet, kind: str) -> int:
    """The least that figures of that kind may be known to be together; 0 where there is none."""
    return ruleset.minimum(*_OF_KIND.get(kind, ()))


def width(ruleset: RuleSet, kind: str) -> int:
    """How far apart the lowest and the highest possible value of a hidden figure must lie.

    Also of one that is hidden to protect another: nobody outside can tell which is which. Sums
    behind means are no numbers of people: see ``need``.
    """
    return ruleset.width if kind in _OF_KIND else 1


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
            is_harmless = count == 0 and rule.zeros is Zeros.HARMLESS
            return count < rule.minimum and not is_harmless
        case RuleKind.WHOLE:
            return whole < rule.minimum
        case RuleKind.NUMERATOR:
            return numerator is not None and numerator < rule.minimum
        case RuleKind.REMAINDER:
            splits = row.is_impossible or numerator is not None
            return splits and count - (numerator or 0) < rule.minimum
        case RuleKind.WHOLE_GROUP:
            return numerator is not None and numerator in (0, count)
        case RuleKind.DENOMINATOR:
            return row.kind == SHARE and count < rule.minimum
        case RuleKind.OBSERVATIONS:
            return row.kind == MEAN and count < rule.minimum
        case RuleKind.DOMINANCE | RuleKind.P_PERCENT:
            if row.kind != MEAN or row.value is None or count == 0:
                return False
            cell = _cell(row)
            nets_out = cell.value == 0 and any(one.amount for one in cell.contributions)
            return nets_out or of_magnitude(rule).is_sensitive([cell])


def _can_be_seen(dataset: Dataset, rule: Rule, rows: Sequence[Row]) -> None:
    """A rule that looks at contributions must not pass over rows that do not tell them."""
    if rule.contributions and any(
        row.kind == MEAN and row.value is not None and len(row.largest) < min(rule.contributions, n)
        for row in rows
        if (n := row.count or 0)
    ):
        raise TableError(
            f"{dataset.source}: rule {rule.id} looks at the {rule.contributions} largest "
            f"contributions to a mean, and the source does not give them: name their columns under "
            f"'contributions' of {dataset.name} in datasets.yaml, and fill them"
        )


def _cell(row: Row) -> Cell:
    """The sum behind a mean as a cell of the engine, in tenths; amounts below zero as they weigh.

    CBS looks at the absolute value of the smallest and the largest amount, and of the sum:
    https://www.cbs.nl/nl-nl/longread/diversen/2021/aanvullende-onderzoeksbeschrijving-inkomensstatistiek/5-criteria-voor-onthullingsrisico-en-betrouwbaarheid
    """
    total = abs(round((row.value or 0) * (row.count or 0) * TENTHS))
    return Cell(("sum",), total, contributions=contributions(row, "contribution"))


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
