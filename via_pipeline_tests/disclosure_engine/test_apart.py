"""When the search or the audit meets a limit: less detail, never less safety, and no exception."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from via_pipeline.disclosure.audit.proof import audit
from via_pipeline.disclosure.engine import protect as protection
from via_pipeline.disclosure.engine import proven as proofs
from via_pipeline.disclosure.engine.apart import MEMORY, NoAnswer, apart
from via_pipeline.disclosure.engine.coarse import coarse
from via_pipeline.disclosure.engine.handover import published
from via_pipeline.disclosure.engine.problem import Cell, Need, Problem, ProblemError, Relation
from via_pipeline.disclosure.engine.protect import protect
from via_pipeline.disclosure.engine.proven import Unproven, proven
from via_pipeline.disclosure.engine.rules import Frequency, with_needs
from via_pipeline.disclosure.engine.search import search
from via_pipeline.disclosure.engine.state import Reason
from via_pipeline.disclosure.engine.tables import Table
from via_pipeline_tests.disclosure_engine.outsider import deep, flat, tables
from via_pipeline_tests.disclosure_engine.test_properties import (
    MODEST,
    assert_safe,
    marked,
)


def medium() -> Problem:
    """Some hundred cells, of which the search hides a few and leaves most."""
    dimensions = (deep("g", [4, 4, 4]), flat("h", 4))
    leaves = [(g, h) for g in dimensions[0].leaves for h in dimensions[1].leaves]
    counts = {codes: 3 + (7 * place * place) % 41 for place, codes in enumerate(leaves)}
    table = Table("t", dimensions, counts)
    return Problem(with_needs(table.cells(), [Frequency(10)]), table.relations())


# What the processes below do instead of searching. They must be importable by name.


def sleeps(seconds: float, marker: str) -> None:
    """Starts a child of its own that outlives it, unless both are ended."""
    child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds})"])
    Path(marker).write_text(str(child.pid), encoding="ascii")
    time.sleep(seconds)


def eats(count: int) -> int:
    return len(bytearray(count))


def dies() -> None:
    os.kill(os.getpid(), 9)


def prints() -> int:
    print("a library talks")
    os.system("echo and so does what it starts")
    return 7


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_an_answer_comes_back_whole_and_an_error_as_itself() -> None:
    problem = medium()
    assert apart(search, problem, seconds=120, memory=MEMORY) == search(problem)
    assert apart(prints, seconds=120, memory=MEMORY) == 7
    with pytest.raises(ProblemError, match="share a name"):
        apart(Problem, [Cell(("a",), 1)] * 2, [], seconds=120, memory=MEMORY)


def test_out_of_time_it_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    with pytest.raises(NoAnswer, match="seconds"):
        apart(sleeps, 300.0, str(marker), seconds=8, memory=MEMORY)
    child = int(marker.read_text(encoding="ascii"))
    for _ in range(100):
        if not is_running(child):
            return
        time.sleep(0.05)
    pytest.fail("the child of the process runs on")


def test_out_of_memory_or_killed_is_no_answer() -> None:
    assert apart(eats, 1_000, seconds=120, memory=MEMORY) == 1_000
    for function, given_ in ((eats, (MEMORY,)), (dies, ())):
        with pytest.raises(NoAnswer, match="memory"):
            apart(function, *given_, seconds=120, memory=MEMORY)


@pytest.mark.parametrize("limits", [{"seconds": 0.01}, {"memory": 50_000_000}])
def test_a_search_that_meets_a_limit_gives_a_coarser_pattern(
    monkeypatch: pytest.MonkeyPatch, limits: dict[str, float]
) -> None:
    monkeypatch.setattr(protection, "APART_FROM", 10)
    problem = medium()
    pattern = protect(problem, **limits)
    assert pattern.is_coarser and not pattern.unprotected
    fine = search(problem)
    assert not fine.is_coarser
    assert pattern.limit and not fine.limit
    assert len(pattern.hidden) > len(fine.hidden)
    assert {cell.name for cell in problem.cells if cell.need} <= set(pattern.hidden)
    assert not audit(*published(problem, pattern.hidden)).failing
    assert protect(problem, **limits) == pattern, "and the same each time"


def test_size_and_not_time_decides_where_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = medium()
    assert protect(problem, seconds=0.0) == search(problem), "small: no process, no clock"
    monkeypatch.setattr(protection, "APART_FROM", 10)
    assert protect(problem, seconds=120) == search(problem)


@settings(MODEST, max_examples=6)
@given(tables())
def test_the_coarser_pattern_is_safe_on_any_table(table: Table) -> None:
    cells, relations = marked(table)
    problem = Problem(cells, relations)
    pattern = coarse(problem)
    assert {cell.name for cell in cells if cell.need} <= set(pattern.hidden)
    assert_safe(cells, relations, pattern)
    assert {one.name for one in audit(*published(problem, pattern.hidden)).failing} <= set(
        pattern.unprotected
    )
    assert coarse(Problem(cells[::-1], relations[::-1])) == pattern


def test_the_coarser_pattern_keeps_the_grand_total_where_it_can() -> None:
    problem = medium()
    pattern = coarse(problem)
    assert ("t", "T", "T") not in pattern.hidden
    alone = Problem(
        [Cell(("T",), 4), Cell(("a",), 4, need=Need(1)), Cell(("b",), 0, is_known=True)],
        [Relation.sum(("T",), [("a",), ("b",)])],
    )
    assert coarse(alone).hidden == {("T",): Reason.COLLAPSED, ("a",): Reason.PRIMARY}
    known = [replace(cell, is_known=cell.name != ("a",)) for cell in alone.cells]
    assert coarse(Problem(known, alone.relations)).unprotected == (("a",),)


def test_wide_needs_and_owners_hold_in_the_coarser_pattern() -> None:
    cells = [
        Cell(("T",), 100),
        Cell(("a",), 4, need=Need(sliding=30, upper=30)),
        Cell(("b",), 30, holder="B"),
        Cell(("c",), 66),
    ]
    problem = Problem(cells, [Relation.sum(("T",), [("a",), ("b",), ("c",)])])
    pattern = coarse(problem)
    assert not pattern.unprotected and ("T",) not in pattern.hidden
    assert not audit(*published(problem, pattern.hidden)).failing
    wider = [replace(cells[1], need=Need(sliding=80, upper=80)), cells[0], *cells[2:]]
    problem = Problem(wider, problem.relations)
    pattern = coarse(problem)
    assert not pattern.unprotected and ("T",) in pattern.hidden
    assert not audit(*published(problem, pattern.hidden)).failing


def test_a_table_that_breaks_a_published_share_is_no_proof() -> None:
    """One more in t and n would make 6 of 41, and 13% is published: simple tables do not do."""
    cells = [Cell(("n",), 40), Cell(("rest",), 35), Cell(("t",), 5, need=Need(1))]
    split = Relation.sum(("n",), [("t",), ("rest",)])
    share = Relation(((("t",), 200), (("n",), -26)), within=(-40, 40))
    assert coarse(Problem(cells, [split])).unprotected == ()
    assert ("t",) in coarse(Problem(cells, [split, share])).unprotected


def test_no_audit_no_release(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = medium()
    pattern, verdict = proven(problem)
    assert not verdict.failing and not pattern.is_coarser
    assert {one.name for one in verdict.intervals} == set(pattern.hidden)

    # The search leaves a gap: the audit sees it, and the coarser pattern goes out instead.
    gap = replace(pattern, hidden={n: w for n, w in pattern.hidden.items() if w == "primary"})
    monkeypatch.setattr(proofs, "protect", lambda *_: gap)
    other, verdict = proven(problem)
    assert other.is_coarser and not verdict.failing

    monkeypatch.setattr(proofs, "APART_FROM", 10)
    with pytest.raises(Unproven, match="seconds"):
        proven(problem, seconds=0.01)
    known = [
        Cell(("T",), 4, is_known=True),
        Cell(("a",), 4, need=Need(1)),
        Cell(("b",), 0, is_known=True),
    ]
    monkeypatch.undo()
    with pytest.raises(Unproven, match="'a'"):
        proven(Problem(known, [Relation.sum(("T",), [("a",), ("b",)])]))
