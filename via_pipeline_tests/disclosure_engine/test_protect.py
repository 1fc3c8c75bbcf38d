"""What the protector must see besides plain sums: who knows what, unions, rounding, ratios."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from via_pipeline.disclosure.audit.model import AuditError, Figure, Tie
from via_pipeline.disclosure.audit.proof import audit, pieces
from via_pipeline.disclosure.audit.witness import Exact
from via_pipeline.disclosure.engine import movement
from via_pipeline.disclosure.engine.handover import published
from via_pipeline.disclosure.engine.problem import (
    Cell,
    Contribution,
    Need,
    Problem,
    ProblemError,
    Relation,
)
from via_pipeline.disclosure.engine.protect import protect
from via_pipeline.disclosure.engine.rules import Dominance, Frequency, with_needs
from via_pipeline.disclosure.engine.state import Reason
from via_pipeline.disclosure.engine.tables import Table
from via_pipeline_tests.disclosure_engine.outsider import flat, interval

ROW = [Cell(("T",), 100), Cell(("a",), 4, need=Need(1)), Cell(("b",), 30), Cell(("c",), 66)]
SUM = [Relation.sum(("T",), [("a",), ("b",), ("c",)])]


def changed(cells: list[Cell], name: str, **what: object) -> list[Cell]:
    return [replace(cell, **what) if cell.name == (name,) else cell for cell in cells]


def test_the_cheapest_figure_goes_with_the_one_that_must() -> None:
    pattern = protect(Problem(ROW, SUM))
    assert pattern.hidden == {("a",): Reason.PRIMARY, ("b",): Reason.SECONDARY}
    assert pattern.lost == 30


def test_a_price_decides_and_what_is_known_helps_nothing() -> None:
    dear = changed(ROW, "b", cost=1000)
    assert set(protect(Problem(dear, SUM)).hidden) == {("a",), ("c",)}
    known = changed(ROW, "b", is_known=True)
    assert set(protect(Problem(known, SUM)).hidden) == {("a",), ("c",)}


def test_what_cannot_be_protected_is_said_and_not_shrugged_off() -> None:
    known = [replace(cell, is_known=cell.name != ("a",)) for cell in ROW]
    assert protect(Problem(known, SUM)).unprotected == (("a",),)
    out_already = changed(ROW, "a", is_known=True)
    assert protect(Problem(out_already, SUM)).unprotected == (("a",),)


def test_out_of_work_detail_goes_and_safety_stays() -> None:
    pattern = protect(Problem(ROW, SUM), effort=-1)
    assert pattern.is_coarser
    assert pattern.collapsed and not pattern.unprotected
    for name in pattern.hidden:
        low, high = interval(ROW, SUM, pattern.hidden, name)
        assert high > low


def test_who_knows_their_own_figure_does_not_learn_the_others() -> None:
    """b is the cheapest company for a, but b's holder would subtract it."""
    cells = changed(ROW, "b", holder="B")
    pattern = protect(Problem(cells, SUM))
    assert set(pattern.hidden) >= {("a",), ("c",)}
    low, high = interval(cells, SUM, pattern.hidden, ("a",), also_known=[("b",)])
    assert high > low
    figures, ties = published(Problem(cells, SUM), {("a",), ("b",)})
    assert [(one.name, one.attacker) for one in audit(figures, ties).failing] == [(("a",), "B")]


def test_figures_of_one_label_go_dark_together() -> None:
    cells = changed(changed(ROW, "b", together="row"), "c", together="row")
    assert set(protect(Problem(cells, SUM)).hidden) == {("a",), ("b",), ("c",)}


def test_hidden_cells_taken_together_are_as_harmless_as_a_figure_that_is_shown() -> None:
    cells = changed(changed(ROW, "b", value=3, need=Need(1)), "c", value=93)
    assert len(protect(Problem(cells, SUM)).hidden) == 2, "their sum, seven, is known"
    assert len(protect(Problem(cells, SUM), [Frequency(10)]).hidden) > 2


def test_two_hidden_cells_of_one_company_are_as_dominated_as_one() -> None:
    """A has 32 of 40 and 40 of 44. Hidden, their sum 84 is known, and A has 72 of it: 86%."""
    rule = Dominance(1, 75)
    parts = [
        Cell(("a",), 40, contributions=(Contribution("A", 32), Contribution("X", 8))),
        Cell(("b",), 44, contributions=(Contribution("A", 40), Contribution("Y", 4))),
        Cell(("c",), 60, contributions=tuple(Contribution(who, 20) for who in "PQR")),
        Cell(("d",), 90, contributions=tuple(Contribution(who, 30) for who in "STU")),
    ]
    cells = [Cell(("T",), 234), *with_needs(parts, [rule])]
    relations = [Relation.sum(("T",), [cell.name for cell in parts])]
    problem = Problem(cells, relations)
    # 32 / 0.75 is 42.7, so 3 more than 40; 40 / 0.75 is 53.3, so 10 more than 44.
    assert [cell.need for cell in problem.cells if cell.need] == [
        Need(sliding=3, upper=3),
        Need(sliding=10, upper=10),
    ]
    assert set(protect(problem).hidden) == {("a",), ("b",)}
    pattern = protect(problem, [rule])
    assert pattern.hidden[("c",)] is Reason.UNION, "72 of 144 is half"
    assert ("d",) not in pattern.hidden


def test_a_structural_zero_hides_nothing() -> None:
    """Everybody knows that z is zero, so that a would be what is left."""
    cells = [
        Cell(("T",), 10),
        Cell(("a",), 4, need=Need(1)),
        Cell(("b",), 6),
        Cell(("z",), 0, cost=0, is_structural=True),
    ]
    relations = [Relation.sum(("T",), [("a",), ("b",), ("z",)])]
    problem = Problem(cells, relations)
    assert set(protect(problem).hidden) == {("a",), ("b",)}
    assert interval(cells, relations, {("a",), ("z",)}, ("a",)) == (4, 4)
    failing = audit(*published(problem, {("a",), ("z",)})).failing
    assert [one.name for one in failing] == [("a",)]
    with pytest.raises(ProblemError, match="structural"):
        Problem([Cell(("z",), 1, is_structural=True)], [])


def test_needed_width_is_kept_and_asks_for_more() -> None:
    wide = changed(ROW, "a", need=Need(sliding=40))
    pattern = protect(Problem(wide, SUM))
    low, high = interval(wide, SUM, pattern.hidden, ("a",))
    assert high - low >= 40
    upper = changed(ROW, "a", need=Need(sliding=40, upper=40))
    low, high = interval(upper, SUM, protect(Problem(upper, SUM)).hidden, ("a",))
    assert high >= 44


def test_a_rounded_total_gives_less_away_than_an_exact_one() -> None:
    rounded = changed(ROW, "T", shown=(95, 104))
    assert set(protect(Problem(rounded, SUM)).hidden) == {("a",)}
    figures, ties = published(Problem(rounded, SUM), {("a",)})
    (found,) = audit(figures, ties).intervals
    assert (found.low, found.high, found.is_exact, found.is_safe) == (0, 8, True, True)


def test_a_share_beside_its_denominator_gives_the_count_away() -> None:
    """12.5% of 40, printed with one decimal: 5 and nothing else."""
    cells = [Cell(("n",), 40), Cell(("t",), 5, need=Need(1)), Cell(("rest",), 35)]
    split = Relation.sum(("n",), [("t",), ("rest",)])
    share = Relation(((("t",), 2000), (("n",), -250)), within=(-40, 40))
    assert protect(Problem(cells, [split])).unprotected == ()
    figures, ties = published(Problem(cells, [split, share]), {("t",), ("rest",)})
    assert {one.name for one in audit(figures, ties).failing} == {("t",), ("rest",)}
    pattern = protect(Problem(cells, [split, share]))
    assert set(pattern.hidden) == {("n",), ("t",), ("rest",)}


@pytest.mark.parametrize(
    ("count", "of", "percent", "expected"),
    [
        # 12.5 to 13.5% of 40 is 5 to 5.4: five. Of 400 it is 50 to 54.
        (5, 40, 13, (5, 5)),
        (52, 400, 13, (50, 54)),
    ],
)
def test_whole_per_cents_give_away_as_much_as_the_denominator_is_small(
    count: int, of: int, percent: int, expected: tuple[int, int]
) -> None:
    """The published p of n bounds 200 t - 2 p n by n on both sides."""
    cells = [Cell(("n",), of), Cell(("rest",), of - count), Cell(("t",), count, need=Need(3))]
    relations = [
        Relation.sum(("n",), [("t",), ("rest",)]),
        Relation(((("t",), 200), (("n",), -2 * percent)), within=(-of, of)),
    ]
    hidden = {("t",), ("rest",)}
    assert interval(cells, relations, hidden, ("t",)) == expected
    problem = Problem(cells, relations)
    found = {one.name: one for one in audit(*published(problem, hidden)).intervals}
    assert (found[("t",)].low, found[("t",)].high) == expected
    assert found[("t",)].is_safe is (expected[1] - expected[0] >= 3)
    assert (set(protect(problem).hidden) == hidden) is found[("t",)].is_safe


def test_rounding_intervals_add_up() -> None:
    """All to fives: 10, 30 and 65 of about 105 leave the hidden one between 0 and 9."""
    values = {"a": 4, "b": 29, "c": 67, "T": 100}
    cells = [
        Cell((name,), value, shown=(5 * round(value / 5) - 2, 5 * round(value / 5) + 2))
        for name, value in values.items()
    ]
    relations = [Relation.sum(("T",), [("a",), ("b",), ("c",)])]
    cells = changed(cells, "a", need=Need(5))
    found = audit(*published(Problem(cells, relations), {("a",)})).intervals
    assert (
        [(one.low, one.high) for one in found]
        == [interval(cells, relations, {("a",)}, ("a",))]
        == [(0, 11)]
    )
    assert set(protect(Problem(cells, relations)).hidden) == {("a",)}


def test_whole_numbers_are_taken_into_account() -> None:
    """2x + 2y = 10 with y in [2, 2.9]: over the fractions x moves, in whole numbers it does not."""
    figures = [
        Figure(("x",), 3, None, sliding=1, is_primary=True),
        Figure(("y",), 2, None, sliding=1),
        Figure(("z",), 1, (1, 1)),
    ]
    ties = [Tie(((("x",), 2), (("y",), 2)), 10, 10), Tie(((("y",), 10),), 20, 29)]
    assert {one.name for one in audit(figures, ties).failing} == {("x",), ("y",)}


def test_the_audit_finds_one_revealed_figure() -> None:
    dimensions = (flat("g", 5), flat("h", 5))
    counts = {
        (g, h): (7 * i * i + 3 * j + i * j) % 23
        for i, g in enumerate(dimensions[0].leaves)
        for j, h in enumerate(dimensions[1].leaves)
    }
    table = Table("t", dimensions, counts)
    cells, relations = with_needs(table.cells(), [Frequency(5)]), table.relations()
    problem = Problem(cells, relations)
    pattern = protect(problem)
    assert not audit(*published(problem, pattern.hidden)).failing
    assert pattern.secondary
    for name in pattern.secondary:
        assert audit(*published(problem, set(pattern.hidden) - {name})).failing


def test_intervals_of_the_audit_are_those_of_whole_number_programs() -> None:
    dimensions = (flat("g", 3), flat("h", 4))
    counts = {
        (g, h): (5 * i + 3 * j * j) % 13
        for i, g in enumerate(dimensions[0].leaves)
        for j, h in enumerate(dimensions[1].leaves)
    }
    table = Table("t", dimensions, counts)
    cells, relations = with_needs(table.cells(), [Frequency(6)]), table.relations()
    problem = Problem(cells, relations)
    pattern = protect(problem)
    verdict = audit(*published(problem, pattern.hidden))
    assert len(verdict.intervals) == len(pattern.hidden) > 3
    for one in verdict.intervals:
        assert one.is_exact
        assert (one.low, one.high) == interval(cells, relations, pattern.hidden, one.name)


def two_parts(whole: int = 10, least: int = 0) -> tuple[list[Figure], list[Tie]]:
    """Twice a hidden part of a whole that is out; nothing ties one to the other."""
    figures, ties = [], []
    for mark, of, low in (("a", whole, least), ("b", 30, 0)):
        figures += [Figure((mark,), of, (of, of)), Figure((mark, "1"), 4, None, low, sliding=3)]
        ties.append(Tie((((mark,), 1), ((mark, "1"), -1)), 0, 1_000))
    return figures, ties


@pytest.mark.parametrize(
    ("change", "exact_up_to", "anew"),
    [
        ({}, 150, 0),
        ({"whole": 11}, 150, 1),
        ({"least": 3}, 150, 1),
        ({}, 1, 2),
    ],
)
def test_a_piece_is_known_by_all_that_its_verdict_rests_on(change, exact_up_to, anew) -> None:
    """A published figure that stands beside the hidden ones counts as well."""
    before = dict(pieces(*two_parts()))
    assert len(before) == 2
    after = pieces(*two_parts(**change), exact_up_to, before)
    assert sum(found is not None for _, found in after) == anew
    whole = pieces(*two_parts(**change), exact_up_to)
    assert [before[own] if found is None else found for own, found in after] == [
        found for _, found in whole
    ]


def test_every_kept_witness_stands_by_exact_arithmetic() -> None:
    problem = Problem(ROW, SUM)
    figures, ties = published(problem, protect(problem).hidden)
    verdict, exact = audit(figures, ties), Exact(figures, ties)
    assert verdict.witnesses
    for changes in verdict.witnesses:
        assert exact.agrees(changes)
        assert not exact.agrees({**changes, ("T",): 1}), "a published figure does not move"
        one = min(changes)
        assert not exact.agrees({**changes, one: changes[one] + 1}), "nor does a sum"
    with pytest.raises(AuditError):
        Exact(figures, [Tie(((("a",), 1),), 0, 3)])


def test_checkers_get_intervals_and_others_only_counts() -> None:
    cells = changed(ROW, "b", holder="B")
    problem = Problem(cells, SUM)
    verdict = audit(*published(problem, {("a",), ("b",), ("c",)}))
    rows = verdict.rows()
    assert [(row["figure"], row["attacker"]) for row in rows if row["attacker"] == "B"] == [
        ("a", "B")
    ]
    values = {cell.name[0]: cell.value for cell in cells}
    for row in rows:
        assert row["low"] <= values[row["figure"]] <= row["high"] and row["is_safe"]
    assert verdict.summary() == {
        "intervals": len(rows),
        "exact": len(rows),
        "witnesses": len(verdict.witnesses),
        "failing": 0,
    }


def test_contradictions_are_refused_by_name() -> None:
    with pytest.raises(ProblemError, match="share a name"):
        Problem([*ROW, ROW[0]], SUM)
    with pytest.raises(ProblemError, match="not there"):
        Problem(ROW[:2], SUM)
    with pytest.raises(ProblemError, match="floor"):
        Problem([Cell(("x",), -1)], [])


def test_a_pair_that_nothing_needs_is_shown_again_as_a_pair() -> None:
    """A start hides b and c, which go dark together; a needs one figure, and d is cheapest."""
    cells = [
        Cell(("T",), 100),
        Cell(("a",), 4, need=Need(1)),
        Cell(("b",), 30, together="pair"),
        Cell(("c",), 61, together="pair"),
        Cell(("d",), 5),
    ]
    relations = [Relation.sum(("T",), [("a",), ("b",), ("c",), ("d",)])]
    pattern = protect(Problem(cells, relations), first=[("b",), ("d",)])
    assert set(pattern.hidden) == {("a",), ("d",)}
    # Of a pair of which one must stay, the other stays.
    must = [replace(cell, need=Need(1)) if cell.name == ("c",) else cell for cell in cells]
    pattern = protect(Problem(must, relations), first=[("b",), ("d",)])
    assert set(pattern.hidden) == {("a",), ("b",), ("c",)}


def test_a_program_that_the_solver_does_not_take_gives_no_answer() -> None:
    """A figure that stands twice in one row: HiGHS refuses such a row and goes on empty."""
    starts, rows, factors = np.array([0, 2]), np.array([0, 0]), np.array([1.0, 1.0])
    room = np.zeros(1), np.zeros(1)
    with pytest.raises(movement.Refused, match="does not take"):
        movement._solver((starts, rows, factors), np.ones(1), np.zeros(1), np.ones(1), room)


def test_a_program_that_the_solver_gives_up_on_gives_no_answer(monkeypatch) -> None:
    import highspy

    monkeypatch.setattr(highspy.Highs, "run", lambda _: highspy.HighsStatus.kError)
    with pytest.raises(movement.Refused, match="gave up"):
        protect(Problem(ROW, SUM))
    with pytest.raises(AuditError, match="gave up"):
        audit(*published(Problem(ROW, SUM), {("a",), ("b",)}))
