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
    with_holders,
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


def test_dominance_worked_out_by_hand() -> None:
    """The largest n may have k per cent, not more; protected up to where they have exactly k."""
    rule = Dominance(1, 80)
    assert not rule.is_sensitive([made_of(80, 20)]), "exactly 80%"
    assert rule.is_sensitive([made_of(81, 19)])
    # 216 of 236 is 91.5%; 216 / 0.8 = 270, which is 34 more than 236.
    assert rule.need(made_of(216, 20)) == Need(sliding=34, upper=34)
    assert Dominance(2, 75).is_sensitive([made_of(5, 5)]), "two have all of it"
    assert not rule.is_sensitive([Cell(("t",), 0)]), "nothing dominates nothing"


def test_p_percent_worked_out_by_hand() -> None:
    """With 200, 80, 15 and 5 the second knows 280 of 300, and the largest to within 20: 10%."""
    assert not PPercent(10).is_sensitive([made_of(200, 80, 15, 5)])
    rule = PPercent(15)
    assert rule.is_sensitive([made_of(200, 80, 15, 5)])
    # 15% of 200 is 30: the others must be able to be 10 more than the 20 they are.
    assert rule.need(made_of(200, 80, 15, 5)) == Need(sliding=10, upper=10)
    # One contributor: nobody else in the cell, so all of p is missing.
    assert rule.need(made_of(200)) == Need(sliding=30, upper=30)


def test_all_but_one_and_alone() -> None:
    """Of two, each subtracts their own and has the other; of three none does."""
    rule = Contributors(3)
    assert [rule.is_sensitive([made_of(*[7] * n)]) for n in (0, 1, 2, 3)] == [
        False,
        True,
        True,
        False,
    ]
    alone, pair, nobody = with_holders([made_of(7), made_of(4, 3), Cell(("t", "none"), 0)])
    assert (alone.holder, pair.holder, nobody.holder) == ("a", "", "")


def test_groups_with_parts_that_must_be_zero() -> None:
    """All 20 in one part tell of everybody, unless the other part could not be anything else."""
    split = [Relation.sum(("n",), [("yes",), ("no",)])]
    cells = [Cell(("n",), 20), Cell(("yes",), 20), Cell(("no",), 0, is_structural=True)]
    assert whole_groups(cells, split) == set()
    three = [Cell(("n",), 20), Cell(("x",), 20), Cell(("y",), 0), Cell(("z",), 0)]
    of_three = [Relation.sum(("n",), [("x",), ("y",), ("z",)])]
    assert whole_groups(three, of_three) == {("x",), ("y",), ("z",)}
    empty = [Cell(("n",), 0), Cell(("yes",), 0), Cell(("no",), 0)]
    assert whole_groups(empty, split) == set(), "nobody to tell of"
