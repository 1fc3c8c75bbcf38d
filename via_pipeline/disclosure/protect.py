"""The release: every dataset read, hidden in one pattern, written, and the result proven.

Belongs here: the order of the steps, and what is told of a hidden row. Does not belong here: the
lake (``run``), the pattern (``release``), the proof (``proof``). The same rows, rules and history
give the same tables, whatever the order of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

import duckdb

from via_pipeline.disclosure import history, proof, record, release, tables
from via_pipeline.disclosure.engine.problem import Name
from via_pipeline.disclosure.history import Earlier, Past, Truths
from via_pipeline.disclosure.joint import Joint, Part, join, with_arms
from via_pipeline.disclosure.model import Dataset, Hides, Rule, RuleKind, RuleSet, Status
from via_pipeline.disclosure.proof import NotSafe, Proof
from via_pipeline.disclosure.release import Hidden
from via_pipeline.disclosure.solver import Solver
from via_pipeline.disclosure.sums import Row
from via_pipeline.disclosure.tables import RULE, STATUS, SYNTHETIC, Decision, order_by
from via_pipeline.storage.duck import quoted

__all__ = ["RULE", "STATUS", "SYNTHETIC", "Release", "order_by", "protect", "protect_all"]


@dataclass
class Release:
    """What was made: per table the query that reads it in its order, and the proof of it all.

    ``narrowed`` are datasets with figures that an earlier publication leaves less room than their
    rule set asks; ``coarser`` those in which more is hidden than need be, because the search met
    its bound of work, or the proof found it wanting. ``seconds`` that the search for a pattern and
    the proof took; never part of what is written.
    """

    queries: dict[str, str] = field(default_factory=dict)
    proof: Proof = field(default_factory=Proof)
    narrowed: tuple[str, ...] = ()
    coarser: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


def protect(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, ruleset: RuleSet
) -> duckdb.DuckDBPyRelation:
    """Make table ``disclosure__<dataset>`` of ``dataset.source``, as if it were the whole release.

    Columns: those that ``columns.yaml`` describes for the dataset, in that order; the last are
    ``waarde_status`` and ``regel``, NULL for a figure shown. Rows are ordered by the key.

    Raises:
        TableError: a column is missing or not described, a key is not unique, or the numbers of a
            row contradict each other. Nothing is published then.
        NotSafe: see ``protect_all``.
    """
    protect_all(connection, [(dataset, ruleset)])
    return connection.sql(f"FROM {quoted(dataset.table)}")


def protect_all(
    connection: duckdb.DuckDBPyConnection,
    chosen: Sequence[tuple[Dataset, RuleSet]],
    earlier: Earlier = (),
    stays_inside: bool = False,
    truths: Truths | None = None,
) -> Release:
    """Make the tables ``disclosure__<dataset>`` of all datasets of a release, and prove them.

    ``earlier`` is what was published before: an unchanged figure keeps its status. Tables that
    ``stays_inside`` (what a correction would change) may differ from it by few people. ``truths``
    are values that were hidden then: see ``history``.

    What the search cannot protect, or the proof finds wanting, is hidden with all that hangs
    together with it: less detail, never less safety. What is hidden to no end is shown.

    Raises:
        TableError: see ``protect``.
        NotSafe: something could be worked out from what would be published, whatever is hidden.
        SolverStopped: the solver met a limit of its process, or was killed.
    """
    made = Release()
    about, chosen = _apart(chosen)
    for dataset, _ in chosen:
        tables.prepare(connection, dataset)
    guarded = [(dataset, ruleset) for dataset, ruleset in chosen if ruleset.rules]
    parts = [_part(connection, dataset, ruleset) for dataset, ruleset in guarded]
    joint = join(parts)
    past = history.read(connection, joint, earlier, not stays_inside, truths)
    with Solver(len(joint.figures)) as solver:
        hidden = _hidden(connection, chosen, joint, past, made, solver)
    made.narrowed = tuple(
        sorted({name for one in hidden.narrowed for name in _stands_in(joint, one)})
    )
    made.coarser = tuple(
        sorted({name for one in hidden.collapsed for name in _stands_in(joint, one)})
    )
    promised = {
        dataset.name: record.Promise(
            rules.title,
            1 if dataset.name in made.narrowed else rules.width,
            dataset.detail and dataset.detail.minimum,
            dataset.name in made.coarser,
        )
        for dataset, rules in chosen
    }
    record.summary(connection, made.proof, promised)
    for dataset, ruleset in about:
        tables.prepare(connection, dataset)
        tables.write(connection, dataset, ruleset, [])
    for dataset, _ in (*chosen, *about):
        tables.forget(connection, dataset)
        made.queries[dataset.table] = (
            f"SELECT * FROM {quoted(dataset.table)} ORDER BY {order_by(dataset)}"
        )
    return made


def _hidden(
    connection: duckdb.DuckDBPyConnection,
    chosen: Sequence[tuple[Dataset, RuleSet]],
    joint: Joint,
    past: Past,
    made: Release,
    solver: Solver,
) -> Hidden:
    """What is hidden in the end; the tables are written, and ``made`` has the proof of them."""
    begun = perf_counter()
    hidden = release.hide(joint, past.known, past.carried, past.dark, solver)
    made.seconds["search"] = perf_counter() - begun
    begun = perf_counter()
    shown: set[Name] = set()
    kept = past.carried | past.dark
    while True:
        decisions = {
            part.dataset.name: decide(joint, number, hidden.names, past.slots)
            for number, part in enumerate(joint.parts)
        }
        for dataset, ruleset in chosen:
            tables.write(connection, dataset, ruleset, decisions.get(dataset.name, []))
        try:
            made.proof = proof.prove(connection, joint, hidden, past, shown, solver)
            break
        except NotSafe as error:
            if kept & error.failing:
                kept -= proof.out_already(joint, past, solver)
            idle = release.idle(joint, error.failing, hidden.names, kept)
            if idle:
                hidden.names -= idle
                hidden.open -= idle
                shown |= idle
                continue
            wider = release.coarser(joint, error.failing, past.known) - shown
            if wider <= hidden.names:
                raise
            hidden.names |= wider
            hidden.open -= wider
            hidden.collapsed |= wider
    made.seconds["proof"] = perf_counter() - begun
    return hidden


def _stands_in(joint: Joint, name: Name) -> set[str]:
    """The datasets that a figure stands in."""
    return {joint.parts[part].dataset.name for part, _ in joint.figures[name].slots}


def _apart(chosen: Sequence[tuple[Dataset, RuleSet]]) -> tuple[list, list]:
    """The table about the release itself, and all others."""
    about = [one for one in chosen if one[0].source == record.SUMMARY]
    return about, [one for one in chosen if one not in about]


def decide(
    joint: Joint, number: int, hidden: set, carried: set[tuple[int, tuple[int, str]]]
) -> list[Decision]:
    """What to hide of each row of a part; a row shown in full has no decision."""
    part = joint.parts[number]
    arms = max(1, len(part.dataset.arms))
    found: dict[int, Decision] = {}
    loses = _compared(joint, part, hidden, carried)
    for index, row in enumerate(part.rows):
        dark = _dark(joint, number, index, hidden, carried)
        withheld = _is_withheld(part.dataset, row)
        if dark or withheld:
            rules = _withholding(part.ruleset) if withheld else joint.broken[number].get(index, [])
            told = _told(part.ruleset, rules)
            hides_count = "N" in dark or arms > 1
            first = found.get(index // arms)
            if first is None or told[1] != part.ruleset.published_as:
                found[index // arms] = Decision(index // arms, hides_count, True, True, *told)
        elif row.is_impossible:
            found[index] = Decision(
                index, row.count is None, True, index in loses, Status.NOT_APPLICABLE, None
            )
        elif index in loses:
            found[index // arms] = Decision(index // arms, False, False, True, None, None)
    return list(found.values())


def _dark(joint: Joint, number: int, index: int, hidden: set, carried: set) -> set[str]:
    """What is hidden of a row: N, T, C or S."""
    part = joint.parts[number]
    return {
        kind
        for kind in "NTCS"
        if joint.at.get(part.place(index, kind)) in hidden or (number, (index, kind)) in carried
    }


def _compared(joint: Joint, part: Part, hidden: set, carried: set) -> set[int]:
    """Rows that are compared with a row of which something is hidden, or that is not there."""
    compared = part.dataset.compared
    if compared is None:
        return set()
    shown = {
        "/".join(row.key)
        for number, other in enumerate(joint.parts)
        if other.dataset.name == compared.to
        for index, row in enumerate(other.rows)
        if row.count is not None and not _dark(joint, number, index, hidden, carried)
    }
    return {
        index for index, row in enumerate(part.rows) if row.compared and row.compared not in shown
    }


def _part(connection: duckdb.DuckDBPyConnection, dataset: Dataset, ruleset: RuleSet) -> Part:
    if dataset.arms:
        apart, rows = with_arms(dataset, tables.arms(connection, dataset))
        return Part(apart, ruleset, rows)
    if dataset.parts_of_n and ruleset.hides is Hides.ROW:
        whole = tuple(name for name in dataset.key if name not in dataset.measure)
        dataset = dataset.model_copy(update={"together": whole})
    return Part(dataset, ruleset, tables.rows(connection, dataset))


def _is_withheld(dataset: Dataset, row: Row) -> bool:
    withheld = dataset.withheld
    return withheld is not None and row.key[dataset.key.index(withheld.column)] == withheld.code


def _withholding(ruleset: RuleSet) -> list[Rule]:
    """The rule by which a room to the left withheld figures: the minimum count."""
    return [rule for rule in ruleset.rules if rule.kind is RuleKind.COUNT]


def _told(ruleset: RuleSet, rules: Sequence[Rule]) -> tuple[Status, str]:
    """Status and published rule; confidential goes before unreliable."""
    if not rules:
        return Status.CONFIDENTIAL, ruleset.published_as
    first = min(rules, key=lambda rule: rule.status is not Status.CONFIDENTIAL)
    return first.status, first.published_as or ruleset.published_as
