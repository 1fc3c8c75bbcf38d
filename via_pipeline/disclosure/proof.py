"""The proof of a release: what an outsider reads in the protected tables, given to the audit.

Belongs here: reading the tables that would be published, the table of intervals, the summary, and
the refusal when something can be worked out. Does not belong here: the search for intervals
(``audit``), and how the pattern came about: it is asked only which figures must be hidden and how
well, never which are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import duckdb

from via_pipeline.disclosure import release, tables
from via_pipeline.disclosure.audit.model import Audit, Figure, Tie
from via_pipeline.disclosure.engine.problem import Name, Need
from via_pipeline.disclosure.history import Past, place_of, quantities
from via_pipeline.disclosure.joint import Joint
from via_pipeline.disclosure.release import Hidden
from via_pipeline.disclosure.solver import Solver
from via_pipeline.disclosure.sums import Row
from via_pipeline.disclosure.tables import order_by
from via_pipeline.storage.duck import quoted

EXACT_UP_TO = 60
"""Figures that hang together up to which their exact intervals are worked out."""


class NotSafe(RuntimeError):
    """What would be published gives something away. Names dataset and rule, never a value.

    ``failing`` are the figures, ``proof`` the audit that found them; for the code and the
    restricted lake only, not for a message. ``counts`` are failing figures per dataset and rule.
    """

    def __init__(
        self,
        message: str,
        failing: frozenset[Name] = frozenset(),
        proof: Proof | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(message)
        self.failing = failing
        self.proof = proof
        self.counts = dict(counts or {})


@dataclass(frozen=True)
class Line:
    """The interval of one hidden figure, for the checkers. ``regel`` is the rule's own id."""

    dataset: str
    cel: str
    grootheid: str
    aanvaller: str
    waarde: int
    laagste: int
    hoogste: int | None
    is_exact: bool
    is_primair: bool
    regel: str
    is_veilig: bool


@dataclass
class Proof:
    """``lines``: intervals; ``summary``: per dataset figures that may leave the house; ``hidden``:
    every place that is not told (dataset, place, quantity, deliveries) with its value.
    """

    lines: list[Line] = field(default_factory=list)
    hidden: list[tuple[str, str, str, str, int]] = field(default_factory=list)
    summary: dict[str, dict[str, int]] = field(default_factory=dict)


def prove(
    connection: duckdb.DuckDBPyConnection,
    joint: Joint,
    hidden: Hidden,
    past: Past,
    granted: Collection[Name] = (),
    solver: Solver | None = None,
) -> Proof:
    """The audit of the tables ``disclosure__*`` on ``connection``, by ``solver`` (in this process
    unless given).

    ``granted`` are figures that no rule hides and that can be worked out: whoever reads the tables
    knows them, also where they stand in a row that is dark for another reason.

    Raises:
        NotSafe: a figure can be known better than its rule allows, or is shown though it may not.
        SolverStopped: see ``solver``; nothing is proven then.
    """
    solver = solver or Solver(0)
    seen = _seen(connection, joint)
    worked_out = {name: joint.figures[name].value for name in granted}
    figures, ties = outsider(joint, seen | worked_out, past)
    verdict = solver.audit(figures, ties, EXACT_UP_TO)
    shown = {
        name
        for name, one in joint.figures.items()
        if one.need and name in seen and name not in past.known
    }
    found = Proof(_lines(joint, verdict), summary=_summary(joint, seen, verdict, past))
    found.hidden = _hidden(joint, seen)
    failing = {one.name for one in verdict.failing} | shown | (hidden.open - past.known)
    if failing:
        counts = _by_rule(joint, failing)
        raise NotSafe(_told(counts), frozenset(failing), found, counts)
    return found


def out_already(joint: Joint, past: Past, solver: Solver) -> set[Name]:
    """Figures that what was published before gives exactly, whatever this release hides.

    Raises:
        SolverStopped: see ``solver``.
    """
    verdict = solver.audit(*outsider(joint, {}, past), EXACT_UP_TO)
    return {one.name for one in verdict.intervals if one.low == one.high}


def outsider(joint: Joint, seen: Mapping[Name, int], past: Past) -> tuple[list[Figure], list[Tie]]:
    """Figures and ties in the words of the audit, as far as anything hidden is near them."""
    figures, ties = [], []
    near: set[Name] = set()
    for part in release.components(joint, {}):
        if any(name not in seen and name not in past.known for name in part):
            near |= set(part)
    for name in sorted(near):
        one = joint.figures[name]
        is_seen = name in seen or name in past.known
        need = one.need or Need(one.width)
        figures.append(
            Figure(
                name=name,
                truth=one.value,
                seen=(one.value, one.value) if is_seen else None,
                least=one.floor,
                lower=need.lower,
                upper=need.upper,
                sliding=need.sliding,
                owner=one.holder,
                is_primary=not is_seen and one.need is not None,
            )
        )
    for relation in joint.relations:
        if relation.parts[0][0] in near:
            terms = relation.parts
            if relation.total is not None:
                terms = (*terms, (relation.total, -1))
            truth = sum(factor * joint.figures[name].value for name, factor in terms)
            low, high = relation.within or (truth, truth)
            ties.append(Tie(terms, low, high))
    return figures, ties


def _seen(connection: duckdb.DuckDBPyConnection, joint: Joint) -> dict[Name, int]:
    """Every figure that stands in the protected tables, with its value there."""
    seen: dict[Name, int] = {}
    for part in joint.parts:
        dataset, source = part.dataset, quoted(part.dataset.table)
        if dataset.arms:
            own = dataset.model_copy(update={"key": dataset.key[:-1]})
            arms = tables.read_arms(connection, own, source, order_by(own))
            rows = [row for together in zip(*arms, strict=True) for row in together]
        else:
            rows = tables.read(connection, dataset, source, order_by(dataset))
        for index, row in enumerate(rows):
            for kind in _told_by(row, bool(dataset.arms)):
                name = joint.at.get(part.place(index, kind))
                if name is not None:
                    # Behind an estimate stand both arms' numerators, near enough to be taken as
                    # told.
                    seen[name] = joint.figures[name].value
    return seen


def _told_by(row: Row, is_arm: bool) -> list[str]:
    if is_arm:
        return [] if row.count is None else list("NTC")
    return list(quantities(row))


def _lines(joint: Joint, verdict: Audit) -> list[Line]:
    lines = []
    for one in verdict.intervals:
        figure = joint.figures[one.name]
        rules = sorted({rule.id for rule in figure.rules})
        lines.append(
            Line(
                dataset=figure.name[0],
                cel=" / ".join(figure.name[1:-1]),
                grootheid=figure.name[-1] if figure.is_published else "rest",
                aanvaller=one.attacker,
                waarde=figure.value,
                laagste=one.low,
                hoogste=one.high,
                is_exact=one.is_exact,
                is_primair=figure.need is not None,
                regel=" ".join(rules),
                is_veilig=one.is_safe,
            )
        )
    return sorted(lines, key=lambda line: (line.dataset, line.cel, line.grootheid, line.aanvaller))


def _hidden(joint: Joint, seen: Mapping[Name, int]) -> list[tuple[str, str, str, str, int]]:
    """Every place of a hidden figure that rests on deliveries, with what stands there."""
    return sorted(
        (part.dataset.name, place_of(part, index), kind, part.rows[index].deliveries, one.value)
        for name, one in joint.figures.items()
        if one.is_published and name not in seen
        for number, (index, kind) in one.slots
        for part in (joint.parts[number],)
        if index < len(part.rows) and part.rows[index].deliveries
    )


def _summary(
    joint: Joint, seen: Mapping[Name, int], verdict: Audit, past: Past
) -> dict[str, dict[str, int]]:
    """Per dataset: figures, hidden ones by reason, value lost, intervals, failing ones."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, one in joint.figures.items():
        if not one.is_published or name[-1] == "C" or _is_withheld(joint, name):
            continue
        for dataset in {joint.parts[part].dataset.name for part, _ in one.slots}:
            found = counts[dataset]
            found["cellen"] += 1
            if name[-1] != "S":
                found["waarde"] += one.value
            if name not in seen:
                which = "primair" if one.need else "aanvullend"
                found[which] += 1
                if name[-1] != "S":
                    found[f"waarde_{which}"] += one.value
    for one in verdict.intervals:
        found = counts[one.name[0] if joint.figures[one.name].is_published else "verschillen"]
        found["intervallen"] += 1
        found["niet_veilig"] += not one.is_safe
    return {name: dict(counts[name]) for name in sorted(counts)}


def _is_withheld(joint: Joint, name: Name) -> bool:
    return name in joint.forced


def _by_rule(joint: Joint, failing: set[Name]) -> dict[str, int]:
    """Failing figures by dataset and rule."""
    counts: Counter[str] = Counter()
    for name in failing:
        figure = joint.figures[name]
        rules = sorted({rule.id for rule in figure.rules})
        dataset = name[0] if figure.is_published else "verschil"
        counts[f"{dataset} ({', '.join(rules) or 'aanvullend'})"] += 1
    return dict(sorted(counts.items()))


def _told(counts: Mapping[str, int]) -> str:
    """Which datasets and rules, in two languages."""
    where = "; ".join(f"{what}: {count}" for what, count in counts.items())
    return (
        f"figures that can be worked out from what would be published, by dataset and rule: {where}"
        f". Nothing was replaced. / Niet gepubliceerd: {sum(counts.values())} cijfers zouden af te "
        f"leiden zijn ({where}); er is niets vervangen."
    )
