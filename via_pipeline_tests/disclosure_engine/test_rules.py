"""Each rule by itself, with numbers that can be checked by hand."""

from __future__ import annotations

from via_pipeline.disclosure.engine.problem import Cell, Contribution, Need, Relation, whole
from via_pipeline.disclosure.engine.rules import (
    Contributors,
    Dominance,
    Frequency,
    PPercent,
    Zeros,
    whole_groups,
    with_needs,
)


def made_of(*amounts: int, names: str = "abcdefgh") -> Cell:
    of = tuple(Contribution(who, amount) for who, amount in zip(names, amounts, strict=False))
    return Cell(("t", names), sum(amounts), contributions=of)


def test_frequency_and_the_two_kinds_of_zero() -> None:
    rule = Frequency(10)
    assert [rule.is_sensitive([Cell(("t",), n)]) for n in (0, 1, 9, 10)] == [
        False,
        True,
        True,
        False,
    ]
    telling = Frequency(10, Zeros.DISCLOSING)
    assert telling.is_sensitive([Cell(("t",), 0)])
    assert not telling.is_sensitive([Cell(("t",), 0, is_structural=True)])
    assert rule.is_sensitive([Cell(("t", "a"), 3), Cell(("t", "b"), 4)]), "together seven"


def test_dominance_of_the_largest_contributors() -> None:
    rule = Dominance(2, 75)
    assert rule.is_sensitive([made_of(60, 20, 20)])
    assert not rule.is_sensitive([made_of(50, 25, 25)])
    # The largest two must be 75% of what it could be: 80 / 0.75 = 106.67.
    assert rule.need(made_of(60, 20, 20)) == Need(sliding=7, upper=7)


def test_p_percent_looks_at_what_the_second_contributor_can_tell() -> None:
    rule = PPercent(10)
    assert rule.is_sensitive([made_of(100, 50, 9)])
    assert not rule.is_sensitive([made_of(100, 50, 10)])
    assert rule.need(made_of(100, 50, 4)) == Need(sliding=6, upper=6)


def test_one_contributor_in_two_cells_is_one_contributor() -> None:
    apart = [made_of(40, 30, 30, names="abc"), made_of(40, 30, 30, names="def")]
    shared = [made_of(40, 30, 30, names="abc"), made_of(400, 3, 3, names="ade")]
    rule = Dominance(1, 50)
    assert not rule.is_sensitive(apart)
    assert rule.is_sensitive(shared)
    assert Contributors(3).is_sensitive([made_of(5, 5)])
    assert not Contributors(3).is_sensitive([made_of(5, 5), made_of(5, names="c")])


def test_a_group_of_which_all_or_none_have_a_property() -> None:
    cells = [Cell(("n",), 20), Cell(("yes",), 20), Cell(("no",), 0)]
    split = [Relation.sum(("n",), [("yes",), ("no",)])]
    assert whole_groups(cells, split) == {("yes",), ("no",)}
    mixed = [Cell(("n",), 20), Cell(("yes",), 19), Cell(("no",), 1)]
    assert whole_groups(mixed, split) == set()


def test_the_most_of_what_several_rules_ask() -> None:
    (cell,) = with_needs([made_of(100, 50, 4)], [PPercent(10), Frequency(1000, width=9)])
    assert cell.need == Need(sliding=9, upper=6)


def test_amounts_become_whole_numbers() -> None:
    from decimal import Decimal

    assert whole([Decimal("1.25"), Decimal("3"), 7]) == ([125, 300, 700], 100)
