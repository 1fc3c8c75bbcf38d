"""Beside other engines: their published examples typed in, and tau-ARGUS itself on the same table.

Primary cells must be the same, secondary cells no more and no larger than theirs, and the pattern
must pass the audit. The numbers are those of the documentation and the tests named at each example.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest

from via_pipeline.disclosure.audit.proof import audit
from via_pipeline.disclosure.engine.first import first_pattern
from via_pipeline.disclosure.engine.handover import published
from via_pipeline.disclosure.engine.problem import (
    Cell,
    Contribution,
    Name,
    Need,
    Problem,
    Relation,
)
from via_pipeline.disclosure.engine.protect import Pattern, cheapest, protect
from via_pipeline.disclosure.engine.rules import (
    Contributors,
    Dominance,
    Frequency,
    Rule,
    Zeros,
    with_needs,
)
from via_pipeline.disclosure.engine.tables import Dimension, Table
from via_pipeline_tests.disclosure_engine.outsider import deep, flat, interval

SMALL_COUNTS = Table(
    "example1",
    (
        Dimension("age", {"young": "Total", "old": "Total"}),
        Dimension(
            "geo",
            {
                "EU": "Total",
                "nonEU": "Total",
                "Spain": "EU",
                "Portugal": "EU",
                "Iceland": "nonEU",
            },
        ),
    ),
    {
        ("young", "Spain"): 5,
        ("young", "Iceland"): 2,
        ("young", "Portugal"): 0,
        ("old", "Spain"): 6,
        ("old", "Iceland"): 3,
        ("old", "Portugal"): 4,
    },
)
"""Data "example1" (2014) of GaussSuppression's vignette "Small count frequency table suppression",
https://statisticsnorway.github.io/ssb-gausssuppression/articles/Small_count_frequency_table_suppression.html
"""

SALES = {
    ("Agriculture", "Portugal"): (759, 245),
    ("Agriculture", "Spain"): (966, 432),
    ("Entertainment", "Iceland"): (168,),
    ("Entertainment", "Portugal"): (71, 23),
    ("Entertainment", "Spain"): (774, 115, 164),
    ("Governmental", "Portugal"): (216, 20),
    ("Governmental", "Spain"): (65, 27),
    ("Industry", "Iceland"): (96, 88, 19),
    ("Industry", "Portugal"): (257, 34),
    ("Industry", "Spain"): (84,),
}
"""Tenths, per sector and country the contributions, each of another company: data "magnitude1",
table 1 of GaussSuppression's vignette "Magnitude table suppression",
https://statisticsnorway.github.io/ssb-gausssuppression/articles/Magnitude_table_suppression.html
"""


def assert_no_worse(
    cells: Sequence[Cell],
    relations: Sequence[Relation],
    primary: Collection[Name],
    secondary: int,
    lost: int,
    firsts: Sequence[Collection[Name]] = (),
) -> Pattern:
    """The same primary cells; at most so many more, at most so large; and nothing to be found."""
    assert {cell.name for cell in cells if cell.need} == set(primary)
    problem = Problem(cells, relations)
    pattern = cheapest(problem, firsts=firsts)
    assert not pattern.unprotected
    assert not audit(*published(problem, pattern.hidden)).failing
    values = {cell.name: cell.value for cell in cells}
    assert len(pattern.secondary) <= secondary
    assert sum(values[name] for name in pattern.secondary) <= lost
    return pattern


def named(text: str, table: str = "example1") -> set[Name]:
    return {(table, *line.split()) for line in text.strip().splitlines()}


def test_gausssuppression_a_small_table_with_zeros_that_disclose() -> None:
    """Table 1, maxN = 1. It hides young Iceland (2), old Iceland (3) and old Portugal (4)."""
    countries = {"Spain": "Total", "Iceland": "Total", "Portugal": "Total"}
    table = replace(
        SMALL_COUNTS, dimensions=(SMALL_COUNTS.dimensions[0], Dimension("geo", countries))
    )
    cells = with_needs(table.cells(), [Frequency(2, Zeros.DISCLOSING)])
    assert_no_worse(cells, table.relations(), named("young Portugal"), 3, 2 + 3 + 4)


@pytest.mark.parametrize(
    ("rule", "primary", "secondary", "lost"),
    [
        # Table 2, maxN = 2: old EU 10, old nonEU 3, old Iceland 3, old Portugal 4, young EU 5.
        (
            Frequency(3, Zeros.DISCLOSING),
            "young nonEU\nyoung Iceland\nyoung Portugal",
            5,
            25,
        ),
        # Table 4, maxN = 4, zeros not protected: all Spain 11, old EU 10, young EU 5, young Spain.
        (
            Frequency(5),
            "Total Portugal\nold nonEU\nold Iceland\nold Portugal\nyoung nonEU\nyoung Iceland",
            4,
            31,
        ),
        # Table 5, maxN = 3, zeros as secondary cells: old EU 10, old Portugal 4, young EU 5, a 0.
        (Frequency(4), "old nonEU\nold Iceland\nyoung nonEU\nyoung Iceland", 4, 19),
    ],
)
def test_gausssuppression_a_hierarchy_of_countries(
    rule: Frequency, primary: str, secondary: int, lost: int
) -> None:
    cells = with_needs(SMALL_COUNTS.cells(), [rule])
    assert_no_worse(cells, SMALL_COUNTS.relations(), named(primary), secondary, lost)


@pytest.mark.parametrize(
    ("rule", "primary", "secondary", "lost"),
    [
        # Table 2, one contributor: Entertainment Portugal 9.4, Governmental Portugal 23.6 and
        # Spain 9.2, Industry Iceland 20.3 and Portugal 29.1.
        (Contributors(2), "Entertainment Iceland\nIndustry Spain", 5, 916),
        # Table 3, the largest above 80%: Entertainment Portugal 9.4, Governmental total 32.8 and
        # Spain 9.2, Industry total 57.8 and Iceland 20.3.
        (
            Dominance(1, 80),
            "Entertainment Iceland\nGovernmental Portugal\nIndustry Portugal\nIndustry Spain",
            5,
            1295,
        ),
    ],
)
def test_gausssuppression_sales_of_companies_who_know_their_own(
    rule: Rule, primary: str, secondary: int, lost: int
) -> None:
    """Its patterns hold against the exact value, and against single contributors; so do ours."""
    countries = ("Iceland", "Portugal", "Spain")
    sectors = ("Agriculture", "Entertainment", "Governmental", "Industry")
    table = Table(
        "magnitude1",
        (
            Dimension("sector", dict.fromkeys(sectors, "Total")),
            Dimension("geo", dict.fromkeys(countries, "Total")),
        ),
        {codes: sum(amounts) for codes, amounts in SALES.items()},
    )
    cells = []
    for cell in table.cells():
        inside = [
            Contribution(f"{sector} {country} {number}", amount)
            for (sector, country), amounts in SALES.items()
            if cell.name[1] in (sector, "Total") and cell.name[2] in (country, "Total")
            for number, amount in enumerate(amounts)
        ]
        (cell,) = with_needs([replace(cell, contributions=tuple(inside))], [rule])
        # One contributor knows the cell; their patterns never promise more than "not exactly".
        holder = inside[0].who if len(inside) == 1 else ""
        cells.append(replace(cell, need=cell.need and Need(1), holder=holder))
    pattern = assert_no_worse(
        cells, table.relations(), named(primary, "magnitude1"), secondary, lost
    )
    for cell in cells:
        for other in cells:
            if cell.need and other.holder and other is not cell:
                low, high = interval(
                    cells, table.relations(), pattern.hidden, cell.name, [other.name]
                )
                assert low < high


def test_sdctable_two_hidden_cells_in_every_sum_are_not_enough() -> None:
    """sdcTable, tests/testthat/test-simpleheuristic.R: nine primary cells, two or more in every
    sum, and yet (w, b) = 47 follows. It adds one cell, (x, b) = 124, after which (w, b) lies
    between 0 and 78. https://github.com/sdcTools/sdcTable/blob/master/tests/testthat/
    """
    counts = {
        "w": (30, 47, 64, 89),
        "x": (90, 124, 5, 31),
        "y": (92, 100, 59, 85),
        "z": (800, 991, 651, 685),
    }
    table = Table(
        "t",
        (
            Dimension("v1", dict.fromkeys("wxyz", "tot")),
            Dimension("v2", dict.fromkeys("abcd", "tot")),
        ),
        {(row, "abcd"[place]): n for row, ns in counts.items() for place, n in enumerate(ns)},
    )
    primary = {("t", *codes) for codes in ("wa", "wb", "wc", "xa", "xc", "yb", "yd", "zb", "zd")}
    cells = [
        replace(cell, need=Need(1)) if cell.name in primary else cell for cell in table.cells()
    ]
    relations = table.relations()
    assert interval(cells, relations, primary, ("t", "w", "b")) == (47, 47)
    pattern = assert_no_worse(cells, relations, primary, 1, 124)
    if set(pattern.secondary) == {("t", "x", "b")}:
        problem = Problem(cells, relations)
        (found,) = (
            one
            for one in audit(*published(problem, pattern.hidden)).intervals
            if one.name == ("t", "w", "b")
        )
        assert (found.low, found.high) == (0, 78)


def test_sdctable_two_tables_that_are_safe_only_one_by_one() -> None:
    """sdcTable, tests/testthat/test-linked-tables.r: regions by county and by size, maxN = 3. Each
    table is safe by itself; together they give K away (10 - 7 = 3). It adds N = 7 in both.
    """
    regions = {"A": 2, "B": 2, "I": 8, "J": 8, "K": 3, "L": 3, "M": 3, "N": 7}
    groups = {
        "county-1": "ABIJ",
        "county-2": "KLMN",
        "big": "LM",
        "small": "ABIJKN",
        "Total": "ABIJKLMN",
    }
    values = {**regions, **{group: sum(map(regions.get, of)) for group, of in groups.items()}}
    cells = with_needs([Cell((name,), value) for name, value in values.items()], [Frequency(4)])
    relations = [
        Relation.sum((group,), [(one,) for one in of])
        for group, of in groups.items()
        if group != "Total"
    ]
    relations.append(Relation.sum(("Total",), [("county-1",), ("county-2",)]))
    relations.append(Relation.sum(("Total",), [("big",), ("small",)]))
    primary = {(one,) for one in "ABKLM"}
    for kept in (relations[:2], relations[2:4]):
        for name in primary & {part for relation in kept for part, _ in relation.parts}:
            low, high = interval(cells, kept, primary, name)
            assert low < high, "each table by itself is safe"
    assert interval(cells, relations, primary, ("K",)) == (3, 3)
    assert_no_worse(cells, relations, primary, 1, 7)


def test_sdctable_singletons_who_subtract_themselves() -> None:
    """sdcTable, tests/testthat/test-protectTable.r: 1, 2, 1 and 0 in four regions, maxN = 1. No
    cell is added without regard for singletons, one (the 2) with it.
    """
    values = {"a": 1, "b": 2, "c": 1, "d": 0, "tot": 4}
    cells = with_needs([Cell((name,), value) for name, value in values.items()], [Frequency(2)])
    relations = [Relation.sum(("tot",), [(one,) for one in "abcd"])]
    assert_no_worse(cells, relations, {("a",), ("c",)}, 0, 0)
    held = [replace(cell, holder=cell.name[0] if cell.value == 1 else "") for cell in cells]
    assert_no_worse(held, relations, {("a",), ("c",)}, 1, 2)


def test_tau_argus_on_the_same_tables_hides_no_less() -> None:
    """OPT on a small flat table, MOD on one with a hierarchy, by the engine itself."""
    shuffler = random.Random(11)
    for dimensions in ((flat("g", 6), flat("h", 5)), (deep("g", [4, 4, 4]), flat("h", 5))):
        leaves = [(g, h) for g in dimensions[0].leaves for h in dimensions[1].leaves]
        table = Table("t", dimensions, {codes: shuffler.randint(2, 40) for codes in leaves})
        theirs = first_pattern(table, 10, seconds=60)
        cells = with_needs(table.cells(), [Frequency(10)])
        primary = {cell.name for cell in cells if cell.need}
        assert primary and primary <= theirs
        more = theirs - primary
        lost = sum(cell.value for cell in cells if cell.name in more)
        assert_no_worse(cells, table.relations(), primary, len(more), lost, [theirs])


def test_a_pattern_of_tau_argus_can_be_the_start() -> None:
    table = Table(
        "t",
        (flat("g", 4), flat("h", 4)),
        {(f"g{i}", f"h{j}"): 3 + (5 * i + 7 * j) % 19 for i in range(4) for j in range(4)},
    )
    cells = with_needs(table.cells(), [Frequency(6)])
    problem = Problem(cells, table.relations())
    first = first_pattern(table, 6, seconds=60)
    assert first
    pattern = protect(problem, first=first)
    assert not pattern.unprotected
    assert not audit(*published(problem, pattern.hidden)).failing


def test_no_answer_in_time_is_no_pattern() -> None:
    table = Table("t", (flat("g", 2), flat("h", 2)), {("g0", "h0"): 3, ("g1", "h1"): 20})
    assert first_pattern(table, 10, seconds=0.01) == frozenset()
