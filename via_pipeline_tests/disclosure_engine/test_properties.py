"""On random tables: nothing hidden can be found, by a third way; order never matters."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from via_pipeline.disclosure.audit.proof import audit
from via_pipeline.disclosure.engine.handover import published
from via_pipeline.disclosure.engine.problem import Cell, Problem, Relation
from via_pipeline.disclosure.engine.protect import Pattern, protect
from via_pipeline.disclosure.engine.rules import Frequency, Zeros, with_needs
from via_pipeline.disclosure.engine.search import search
from via_pipeline.disclosure.engine.tables import Table
from via_pipeline_tests.disclosure_engine.outsider import deep, flat, interval, tables

RULE = Frequency(10)
MODEST = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
FULL = settings(MODEST, max_examples=60)


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


@FULL
@given(tables(), st.sampled_from([1, 3, 10]), st.sampled_from(list(Zeros)))
def test_no_hidden_cell_can_be_worked_out(table: Table, width: int, zeros: Zeros) -> None:
    cells, relations = marked(table, Frequency(10, zeros, width))
    problem = Problem(cells, relations)
    pattern = protect(problem)
    assert {cell.name for cell in cells if cell.need} <= set(pattern.hidden)
    assert_safe(cells, relations, pattern)
    verdict = audit(*published(problem, pattern.hidden))
    failing = {one.name for one in verdict.failing}
    assert failing <= set(pattern.unprotected)


@FULL
@given(tables(), st.sampled_from([1, 10]))
def test_no_site_can_work_out_what_must_be_hidden_of_another(table: Table, width: int) -> None:
    """Every part of the second dimension is a site, and knows all cells of its own."""
    cells, relations = marked(table, Frequency(10, width=width))
    cells = [
        replace(cell, holder="" if cell.name[2] == "T" else cell.name[2], width=width)
        for cell in cells
    ]
    problem = Problem(cells, relations)
    pattern = protect(problem)
    sites = sorted({cell.holder for cell in cells} - {""})
    assert sites
    for site in sites:
        own = [cell.name for cell in cells if cell.holder == site]
        others = [cell for cell in cells if cell.need and cell.holder != site]
        for cell in others:
            if cell.name not in pattern.unprotected:
                low, high = interval(cells, relations, pattern.hidden, cell.name, own)
                assert low <= cell.value <= high
                assert high - low >= width, f"{cell.name} is known to {site}"
    verdict = audit(*published(problem, pattern.hidden))
    assert {one.name for one in verdict.failing} <= set(pattern.unprotected)


@MODEST
@given(tables("a"), st.integers(0, 9), st.randoms(use_true_random=False))
def test_linked_tables_are_protected_as_one(
    table: Table, extra: int, shuffler: random.Random
) -> None:
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
    values = {cell.name: cell.value for cell in cells if cell.name not in pattern.hidden}
    for one in relations:
        if one.total in values and all(name in values for name, _ in one.parts):
            assert values[one.total] == sum(values[name] for name, _ in one.parts)
    shuffler.shuffle(cells)
    shuffler.shuffle(relations)
    assert protect(Problem(cells, relations)) == pattern


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


def test_a_table_in_which_others_differ_by_more_than_the_figure_is_found_too() -> None:
    """One can be 0 to 3; in the only whole tables that make it 3, another one differs by four."""
    counts = {
        ("g0.2", "h0", "k0"): 22,
        ("g1.0", "h0", "k1"): 1,
        ("g1.0", "h1", "k0"): 4,
        ("g1.0", "h1", "k1"): 15,
        ("g1.1", "h0", "k0"): 3,
        ("g1.1", "h1", "k0"): 2,
        ("g1.1", "h1", "k1"): 1,
    }
    table = Table("t", (deep("g", [3, 2]), flat("h", 2), flat("k", 2)), counts)
    cells, relations = marked(table, Frequency(10, width=3))
    problem = Problem(cells, relations)
    pattern = protect(problem)
    assert_safe(cells, relations, pattern)
    assert not audit(*published(problem, pattern.hidden)).failing


def test_two_good_patterns_over_the_same_counts_give_cells_away() -> None:
    """Each is safe. Who has both editions knows all that either of them shows."""
    dimensions = (flat("g", 5), flat("h", 5))
    leaves = [(g, h) for g in dimensions[0].leaves for h in dimensions[1].leaves]
    counts = {codes: 12 + (11 * place * place) % 29 for place, codes in enumerate(leaves)}
    for codes in leaves[::6]:
        counts[codes] = 4
    del counts[leaves[0]]
    cells, relations = marked(Table("t", dimensions, counts))
    problem = Problem(cells, relations)
    before = protect(problem)
    other_costs = [
        replace(cell, cost=1_000 if cell.name in before.secondary else cell.value) for cell in cells
    ]
    fresh = protect(Problem(other_costs, relations))
    for pattern in (before, fresh):
        assert not audit(*published(problem, pattern.hidden)).failing
    both = set(before.hidden) & set(fresh.hidden)
    exact = [
        cell.name
        for cell in cells
        if cell.need and len(set(interval(cells, relations, both, cell.name))) == 1
    ]
    assert exact, "primary cells can be worked out from the two editions"

    # With the old edition told to the protector, the new costs change nothing.
    carried = [as_before(cell, before) for cell in other_costs]
    again = protect(Problem(carried, relations))
    assert set(again.hidden) == set(before.hidden)
    both = set(before.hidden) & set(again.hidden)
    for cell in cells:
        if cell.need:
            low, high = interval(cells, relations, both, cell.name)
            assert low < high


def test_no_clock_and_no_order_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine and a fast one find the same pattern: nothing in the search looks at time."""
    dimensions = (flat("g", 20), flat("h", 9), flat("k", 5))
    drawn = random.Random(7)
    counts = {
        (g, h, k): drawn.choice((0, 2, 5, 8, 14, 22, 40))
        for g in dimensions[0].leaves
        for h in dimensions[1].leaves
        for k in dimensions[2].leaves
    }
    cells, relations = marked(Table("t", dimensions, counts))
    assert len(cells) > 1_000, "large enough for regions that are cut off"

    def clock() -> float:
        raise AssertionError("the search looked at a clock")

    found = []
    for step in (1, -1):
        problem = Problem(cells[::step], relations[::step])
        with monkeypatch.context() as stopped:
            for name in ("monotonic", "time", "perf_counter", "process_time"):
                stopped.setattr(time, name, clock)
            found.append(search(problem))
    assert found[0] == found[1]
    # Out of work, it still is the same, and safe.
    short = [search(Problem(cells[::step], relations), effort=20_000) for step in (1, -1)]
    assert short[0] == short[1] and short[0].is_coarser
    assert not short[0].unprotected
    assert not audit(*published(Problem(cells, relations), short[0].hidden)).failing


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
