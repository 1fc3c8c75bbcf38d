"""On random tables: nothing hidden can be found, by a third way; order never matters."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from via_pipeline.disclosure.audit.proof import audit
from via_pipeline.disclosure.engine.handover import published
from via_pipeline.disclosure.engine.problem import Cell, Problem, Relation
from via_pipeline.disclosure.engine.protect import Pattern, protect
from via_pipeline.disclosure.engine.rules import Frequency, Zeros, with_needs
from via_pipeline.disclosure.engine.tables import Table
from via_pipeline_tests.disclosure_engine.outsider import flat, interval, tables

RULE = Frequency(10)
MODEST = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def marked(table: Table, rule: Frequency = RULE) -> tuple[list[Cell], list[Relation]]:
    return with_needs(table.cells(), [rule]), table.relations()


def assert_safe(cells: list[Cell], relations: list[Relation], pattern: Pattern) -> None:
    """Every hidden figure spans what it must, found by whole-number programs one by one."""
    can_not = set(pattern.unprotected)
    for cell in cells:
        if cell.name in pattern.hidden and cell.name not in can_not and not cell.is_known:
            low, high = interval(cells, relations, pattern.hidden, cell.name)
            width = cell.need.sliding if cell.need else 1
            assert low <= cell.value <= high
            assert high - low >= width, f"{cell.name} can be worked out"


@MODEST
@given(tables(), st.sampled_from([1, 3]), st.sampled_from(list(Zeros)))
def test_no_hidden_cell_can_be_worked_out(table: Table, width: int, zeros: Zeros) -> None:
    cells, relations = marked(table, Frequency(10, zeros, width))
    problem = Problem(cells, relations)
    pattern = protect(problem)
    assert {cell.name for cell in cells if cell.need} <= set(pattern.hidden)
    assert_safe(cells, relations, pattern)
    verdict = audit(*published(problem, pattern.hidden))
    failing = {one.name for one in verdict.failing}
    assert failing <= set(pattern.unprotected)


@MODEST
@given(tables("a"), st.integers(0, 9))
def test_linked_tables_are_protected_as_one(table: Table, extra: int) -> None:
    """A second table shares its total with a margin of the first, and splits it otherwise."""
    cells, relations = marked(table)
    dimension = table.dimensions[0]
    shared = [code for code in dimension.leaves]
    ways = ("x", "y")
    for number, code in enumerate(shared):
        name = ("a", code, *("T" for _ in table.dimensions[1:]))
        total = next(cell.value for cell in cells if cell.name == name)
        part = min(total, (extra + 3 * number) % 12)
        split = {ways[0]: part, ways[1]: total - part}
        new = [Cell(("b", code, way), value) for way, value in split.items()]
        cells += with_needs(new, [RULE])
        relations.append(Relation.sum(name, [cell.name for cell in new]))
    pattern = protect(Problem(cells, relations))
    assert_safe(cells, relations, pattern)


@MODEST
@given(tables(), st.randoms(use_true_random=False))
def test_the_order_given_never_matters(table: Table, shuffler: random.Random) -> None:
    cells, relations = marked(table)
    pattern = protect(Problem(cells, relations))
    shuffler.shuffle(cells)
    shuffler.shuffle(relations)
    relations = [
        replace(one, parts=tuple(shuffler.sample(one.parts, len(one.parts)))) for one in relations
    ]
    assert protect(Problem(cells, relations)) == pattern


@MODEST
@given(tables(), st.data())
def test_a_carried_pattern_stays_and_stays_safe(table: Table, data: st.DataObject) -> None:
    cells, relations = marked(table)
    before = protect(Problem(cells, relations))
    carried = [
        replace(
            cell, is_carried=cell.name in before.hidden, is_known=cell.name not in before.hidden
        )
        for cell in cells
    ]
    again = protect(Problem(carried, relations))
    assert set(again.hidden) == set(before.hidden), "the same figures, the same pattern"
    # One inner count grows: what it adds up to is new, all else is as it was in the old edition.
    leaf = data.draw(st.sampled_from(sorted(table.counts)))
    grown = replace(table, counts={**table.counts, leaf: table.counts[leaf] + 1})
    old = {cell.name: cell.value for cell in cells}
    cells, relations = marked(grown)
    cells = [
        replace(
            cell, is_carried=cell.name in before.hidden, is_known=cell.name not in before.hidden
        )
        if cell.value == old[cell.name]
        else cell
        for cell in cells
    ]
    after = protect(Problem(cells, relations))
    assert {name for name in before.hidden if old[name] == _value(cells, name)} <= set(after.hidden)
    assert_safe(cells, relations, after)


def test_a_larger_table_gives_the_same_pattern_twice_and_passes_the_audit() -> None:
    shuffler = random.Random(3)
    dimensions = (flat("g", 12), flat("h", 4), flat("k", 5))
    counts = {
        (g, h, k): shuffler.choice((0, 2, 5, 8, 14, 22, 40))
        for g in dimensions[0].leaves
        for h in dimensions[1].leaves
        for k in dimensions[2].leaves
    }
    cells, relations = marked(Table("t", dimensions, counts))
    problem = Problem(cells, relations)
    pattern = protect(problem)
    assert protect(Problem(cells, relations)) == pattern
    assert not pattern.unprotected and not pattern.collapsed
    verdict = audit(*published(problem, pattern.hidden))
    assert not verdict.failing
    shown = set(problem.number) - set(pattern.hidden)
    values = {cell.name: cell.value for cell in cells}
    for relation in relations:
        if relation.total in shown and all(name in shown for name, _ in relation.parts):
            assert values[relation.total] == sum(values[name] for name, _ in relation.parts)


def as_before(cell: Cell, before: Pattern) -> Cell:
    """An unchanged figure of a later edition: hidden as it was, or known from it."""
    was_hidden = cell.name in before.hidden
    return replace(cell, is_carried=was_hidden, is_known=not was_hidden)


def _value(cells: list[Cell], name: tuple[str, ...]) -> int:
    return next(cell.value for cell in cells if cell.name == name)
