"""From a plan and its tidy frame to all rows of one reading date.

Belongs here: dispatch of every planned outcome to its method, the second method beside it where
clusters are few, subgroups, adjustment within families, and the companion tables. Does not belong
here: estimation itself, SQL, files.

A mistake in the data gives a withheld row. A mistake in the plan (a column that does not exist)
is an exception: it must be mended, not published.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import pandas as pd

from via_pipeline.outcomes.methods import (
    balance,
    did,
    flow,
    heterogeneity,
    itt,
    ladder,
    multiplicity,
    panel,
    power,
    shares,
    survival,
    target,
    wild,
)
from via_pipeline.outcomes.methods import trial as trials
from via_pipeline.outcomes.methods.registry import Assignment, Method, claim_of
from via_pipeline.outcomes.methods.rows import (
    NOT_AVAILABLE,
    UNRELIABLE,
    Attrition,
    Balance,
    Effect,
    Estimate,
    Flow,
    Heterogeneity,
    Missing,
    Result,
    Withheld,
)
from via_pipeline.outcomes.methods.trial import FEW_CLUSTERS, Trial, Withholding
from via_pipeline.outcomes.plan import AnalysisPlan, Arms, Outcome, Reading, Subgroup
from via_pipeline.outcomes.wording import PERCENT

TOTAL = "totaal"
MAIN = "hoofd"
WILD = "wild"


class NotAReadingDate(ValueError):
    """Estimates were asked for on a day that the plan does not name (no peeking)."""


@dataclass(frozen=True)
class Detectable:
    """The minimum detectable effect of one main result, in its unit (80% power, 5% two-sided)."""

    uitkomst: str
    se: float
    minimum_detectable: float
    eenheid: str


@dataclass(frozen=True)
class Analysis:
    """Everything one plan gives on one reading date, in a fixed order."""

    effects: tuple[Effect, ...]
    flow: tuple[Flow, ...]
    attrition: tuple[Attrition, ...]
    balance: tuple[Balance, ...]
    missing: tuple[Missing, ...]
    missing_statement: str
    heterogeneity: tuple[Heterogeneity, ...]
    detectable: tuple[Detectable, ...]


@dataclass(frozen=True)
class _Row:
    """A result on its way to a row: ``slot`` keeps companions out of each other's families."""

    outcome: Outcome
    groep: str
    slot: str
    result: Result


def analyse(
    plan: AnalysisPlan,
    frame: pd.DataFrame,
    *,
    reading_date: date,
    deliveries: Iterable[str] = (),
    targets: Mapping[str, float] | None = None,
    unplanned: Sequence[Outcome] = (),
) -> Analysis:
    """All rows of ``plan`` over ``frame`` (the plan's relation as known on ``reading_date``).

    ``targets`` maps the ``maat`` of the register's targets to its value. ``unplanned`` outcomes
    are computed too and marked so. Where ``counts_suffice`` and nobody is in the relation twice,
    the frame may have one row for all rows that are equal but for their unit, and in
    ``survival.WEIGHT`` how many those are; the unit is left out then.

    Raises:
        NotAReadingDate: the plan does not name ``reading_date``.
        KeyError: the plan names a column that the frame does not have.
    """
    reading = plan.reading_on(reading_date)
    if reading is None:
        raise NotAReadingDate(
            f"{plan.pilot_id}/{plan.locatie}: {reading_date} is not a reading date of the plan"
        )
    _has_columns(plan, frame, unplanned)
    found: list[_Row] = []
    tests: list[Heterogeneity] = []
    for outcome in [*plan.outcomes, *unplanned]:
        # Groups are compared only where the plan says so beforehand.
        groups = plan.subgroups if outcome in plan.outcomes else ()
        rows, interactions = _outcome(plan, outcome, frame, targets or {}, groups)
        found += rows
        tests += interactions
    adjusted = _adjusted(found)
    effects = [
        _effect(plan, reading, row, adjusted.get(index), deliveries, row.outcome in plan.outcomes)
        for index, row in enumerate(found)
    ]
    if plan.transitions is not None:
        effects += _transitions(plan, reading, frame, deliveries)
    return Analysis(
        effects=tuple(effects),
        heterogeneity=tuple(tests),
        detectable=tuple(_detectable(found)),
        **_around(plan, frame),
    )


def keyed(rows: Iterable[Any], plan: AnalysisPlan, reading_date: date) -> list[dict[str, Any]]:
    """Companion rows as records that say which plan and reading date they belong to."""
    key = {
        "pilot_id": plan.pilot_id,
        "locatie": plan.locatie,
        "reading_date": reading_date,
        "plan_hash": plan.sha256,
    }
    return [key | asdict(row) for row in rows]


def columns_of(plan: AnalysisPlan, unplanned: Sequence[Outcome] = ()) -> frozenset[str]:
    """The columns of the plan's relation that ``analyse`` looks at; it needs no other."""
    wanted = {*plan.unit, *plan.cluster, *plan.strata, *plan.covariates}
    wanted |= {group.column for group in plan.subgroups}
    for outcome in [*plan.outcomes, *unplanned]:
        arm = plan.arm_of(outcome)
        wanted |= {outcome.column, *outcome.where, *outcome.by, *([arm.column] if arm else [])}
        if day := plan.date_of(outcome):
            wanted.add(day)
    if plan.moments:
        wanted |= {plan.moments.column, *([plan.moments.date] if plan.moments.date else [])}
    if plan.spell:
        wanted.add(plan.spell.reason)
    if moves := plan.transitions:
        wanted |= {moves.period, moves.state, moves.group, moves.has_left}
    return frozenset(wanted)


def counts_suffice(plan: AnalysisPlan, unplanned: Sequence[Outcome] = ()) -> bool:
    """Whether no question of the plan looks at a person, but only at how many are alike."""
    of_spells = (Method.BEPERKTE_DUUR, Method.INCIDENTIE)
    needs_rows = plan.covariates or plan.cluster or plan.moments or plan.transitions
    return not needs_rows and all(
        outcome.method in of_spells for outcome in [*plan.outcomes, *unplanned]
    )


def _has_columns(plan: AnalysisPlan, frame: pd.DataFrame, extra: Sequence[Outcome]) -> None:
    wanted = columns_of(plan, extra)
    if survival.WEIGHT in frame:
        wanted -= set(plan.unit)
    if absent := sorted(wanted - set(frame.columns)):
        raise KeyError(f"{plan.pilot_id}/{plan.locatie}: the relation lacks {absent}")


def _outcome(
    plan: AnalysisPlan,
    outcome: Outcome,
    frame: pd.DataFrame,
    targets: Mapping[str, float],
    subgroups: Sequence[Subgroup],
) -> tuple[list[_Row], list[Heterogeneity]]:
    part = frame
    for column, values in outcome.where.items():
        part = part[part[column].astype("string").isin(values)]
    if outcome.method in (Method.AANDEEL, Method.DOELBEREIK):
        return _one_group(plan, outcome, part, targets), []
    rows = _estimates(plan, outcome, part, TOTAL)
    tests: list[Heterogeneity] = []
    for subgroup in subgroups:
        if subgroup.column in outcome.where:
            continue  # the outcome is already about one of its groups
        text = part[subgroup.column].astype("string")
        for value in subgroup.values:
            here = _estimates(plan, outcome, part[text == value], value)
            rows += [row for row in here if row.slot in (MAIN, WILD)]
        known = part[text.isin(subgroup.values)]
        tests += _interaction(plan, outcome, known, subgroup.column)
    return rows, tests


def _estimates(plan: AnalysisPlan, outcome: Outcome, frame: pd.DataFrame, groep: str) -> list[_Row]:
    """The planned method, and beside it what few clusters or drawn lots ask for."""

    def row(slot: str, made: Callable[[], Result]) -> _Row:
        try:
            result = made()
        except Withholding as stop:  # raised while building, before a method could catch it
            result = Withheld(str(outcome.method), stop.reason, *stop.counts)
        return _Row(outcome, groep, slot, result)

    if outcome.method in (Method.BEPERKTE_DUUR, Method.INCIDENTIE):
        return [row(MAIN, lambda: _survival(plan, outcome, frame))]
    if outcome.method is Method.VERSCHIL_AANDELEN:
        return [row(MAIN, lambda: _shares(plan, outcome, frame))]
    try:
        data = _trial(plan, outcome, frame)
    except Withholding as stop:
        reason = Withheld(str(outcome.method), stop.reason, *stop.counts)
        return [_Row(outcome, groep, MAIN, reason)]
    rows = [row(MAIN, lambda: _main(plan, outcome)(data))]
    seed = _seed(plan, outcome)
    is_few = plan.cluster and (data.n_clusters or 0) < FEW_CLUSTERS
    if is_few and outcome.method is not Method.LADDER:
        # Beside a risk difference: the same adjustment as a linear model of the 0/1 outcome.
        rows.append(row(WILD, lambda: _bootstrap(plan, outcome)(data, seed=seed)))
    linear = (Method.ITT, Method.ITT_LIN, Method.VERSCHIL_IN_VERSCHILLEN)
    if outcome.method in linear and plan.assignment is Assignment.GELOOT:
        by_cluster = bool(plan.cluster) and data.frame.groupby("cluster")["d"].nunique().max() == 1
        rows.append(row("loting", lambda: wild.permutation(data, by_cluster=by_cluster, seed=seed)))
    if outcome.method is Method.ITT and plan.covariates:
        rows.append(row("lin", lambda: itt.lin(data)))
    return rows


def _main(plan: AnalysisPlan, outcome: Outcome) -> Callable[[Trial], Result]:
    if outcome.method is Method.ROND_GEBEURTENIS:
        same_people = partial(did.estimate, name=did.AROUND)
        return same_people if plan.moments else did.estimate_sides
    return {
        Method.ITT: itt.fixed_effects,
        Method.ITT_LIN: itt.lin,
        Method.VERSCHIL_IN_VERSCHILLEN: did.estimate,
        Method.LADDER: ladder.proportional_odds,
        Method.RISICOVERSCHIL: panel.adjusted_risk_difference,
    }[outcome.method]


def _bootstrap(plan: AnalysisPlan, outcome: Outcome) -> Callable[..., Result]:
    if outcome.method is Method.ROND_GEBEURTENIS:
        same_people = partial(did.bootstrap, name=did.AROUND)
        return same_people if plan.moments else did.bootstrap_sides
    return did.bootstrap if outcome.method is Method.VERSCHIL_IN_VERSCHILLEN else wild.bootstrap


def _seed(plan: AnalysisPlan, outcome: Outcome) -> int:
    """Of the draws: fixed by the plan and the question, so nobody can look for a kinder one."""
    digest = hashlib.sha256(f"{plan.sha256} {outcome.name}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _trial(plan: AnalysisPlan, outcome: Outcome, frame: pd.DataFrame) -> Trial:
    arm = _arm(plan, outcome)
    common: dict[str, Any] = {
        "arm": arm.column,
        "intervention": arm.intervention,
        "comparison": arm.comparison,
        "unit": plan.unit,
        "cluster": plan.cluster,
        "minimum_per_arm": plan.minimum_per_arm,
    }
    if outcome.method is Method.ROND_GEBEURTENIS:
        return _around_event(plan, outcome, frame, common)
    if plan.moments is None:
        return trials.build(
            frame,
            outcome=outcome.column,
            strata=plan.strata,
            covariates=plan.covariates,
            scale=outcome.scale,
            drops_singletons=plan.drops_singletons,
            **common,
        )
    moments: dict[str, Any] = {
        "moment": plan.moments.column,
        "base": outcome.base,
        "last": outcome.last,
        "date": plan.moments.date,
    }
    if outcome.method is Method.VERSCHIL_IN_VERSCHILLEN:
        return did.changes(
            frame,
            outcome=outcome.column,
            covariates=plan.covariates,
            scale=outcome.scale,
            **common,
            **moments,
        )
    both = did.paired(
        frame,
        outcome=outcome.column,
        arm=arm.column,
        values=[*arm.intervention, *arm.comparison],
        unit=plan.unit,
        **moments,
    )
    return trials.build(
        both, outcome=did.AT_LAST, covariates=[*plan.covariates, did.AT_BASE], **common
    )


def _around_event(
    plan: AnalysisPlan, outcome: Outcome, frame: pd.DataFrame, common: Mapping[str, Any]
) -> Trial:
    """The same people on both sides where the plan follows them, else other people on each."""
    shared: dict[str, Any] = dict(common) | {
        "outcome": outcome.column,
        "date": plan.date_of(outcome),
        "event": outcome.event,
        "covariates": plan.covariates,
        "scale": outcome.scale,
    }
    if plan.moments is not None:
        return did.across(frame, **shared)
    return did.sides(frame, strata=plan.strata, drops_singletons=plan.drops_singletons, **shared)


def _survival(plan: AnalysisPlan, outcome: Outcome, frame: pd.DataFrame) -> Result:
    arm, spell = _arm(plan, outcome), plan.spell
    if spell is None or outcome.horizon_days is None:  # the plan's model has refused this
        raise ValueError(f"{outcome.name}: no spell or horizon")
    numbers = {name: place for place, name in enumerate(spell.reasons, start=1)}
    # A reason that the plan does not name is still an exit.
    reason = frame[spell.reason].astype("string")
    event = reason.map(numbers).astype("Float64").fillna(len(numbers) + 1).mask(reason.isna(), 0)
    data = survival.spells(
        frame.assign(_event=event.astype(int)),
        duration=outcome.column,
        event="_event",
        arm=arm.column,
        intervention=arm.intervention,
        comparison=arm.comparison,
        unit=() if survival.WEIGHT in frame else plan.unit,
        strata=plan.strata,
        minimum_per_arm=plan.minimum_per_arm,
    )
    if outcome.method is Method.BEPERKTE_DUUR:
        return survival.restricted_mean_difference(data, outcome.horizon_days)
    return survival.incidence_difference(data, outcome.horizon_days, numbers[str(outcome.reason)])


def _shares(plan: AnalysisPlan, outcome: Outcome, frame: pd.DataFrame) -> Result:
    arm = _arm(plan, outcome)
    counts: list[int] = []
    for values in (arm.intervention, arm.comparison):
        known = frame.loc[frame[arm.column].isin(values), outcome.column].dropna().astype(bool)
        counts += [int(known.sum()), len(known)]
    count, n, count_comparison, n_comparison = counts
    return shares.difference(count, n, count_comparison, n_comparison, minimum=plan.minimum_per_arm)


def _one_group(
    plan: AnalysisPlan, outcome: Outcome, frame: pd.DataFrame, targets: Mapping[str, float]
) -> list[_Row]:
    def result(part: pd.DataFrame) -> Result:
        known = part[outcome.column].dropna().astype(bool)
        count, n = int(known.sum()), len(known)
        if outcome.method is Method.AANDEEL:
            return shares.share(count, n, plan.minimum_per_arm)
        if str(outcome.target) not in targets:
            return Withheld(target.METHOD, "er is op deze dag geen doel bekend", n)
        return target.progress(count, n, targets[str(outcome.target)], plan.minimum_per_arm)

    rows = [_Row(outcome, TOTAL, MAIN, result(frame))]
    for column in outcome.by:
        rows += [
            _Row(outcome, str(value), f"per {column}", result(part))
            for value, part in frame.groupby(column, sort=True)
        ]
    return rows


def _interaction(
    plan: AnalysisPlan, outcome: Outcome, frame: pd.DataFrame, column: str
) -> list[Heterogeneity]:
    """The test beside the subgroups, for the linear methods."""
    linear = (Method.ITT, Method.ITT_LIN, Method.VERSCHIL_IN_VERSCHILLEN, Method.RISICOVERSCHIL)
    if outcome.method not in linear:
        return []
    # The subgroup rides along as a stratum-like code so that rows and groups stay aligned.
    labels = sorted(frame[column].astype("string").dropna().unique())
    code = frame[column].astype("string").map({label: i for i, label in enumerate(labels)})
    carried = frame.assign(_groep=code.astype("Float64"))
    covariates = tuple(name for name in plan.covariates if name != column)
    inner = plan.model_copy(update={"covariates": ("_groep", *covariates)})
    try:
        data = _trial(inner, outcome, carried)
    except Withholding as stop:
        joined = " | ".join(labels)
        return [Heterogeneity(outcome.name, column, joined, len(labels), None, None, stop.reason)]
    groups = data.frame["x0"].round().astype(int).map(dict(enumerate(labels)))
    rest = replace(data, covariates=data.covariates[1:])
    return [
        heterogeneity.interaction(
            rest,
            groups,
            outcome=outcome.name,
            characteristic=column,
            minimum_per_arm=plan.minimum_per_arm,
        )
    ]


def _adjusted(rows: Sequence[_Row]) -> dict[int, float]:
    """Holm within family, over the results for everybody, per method slot."""
    p_values = {
        index: row.result.p
        for index, row in enumerate(rows)
        if isinstance(row.result, Estimate) and row.result.p is not None and row.groep == TOTAL
    }
    families = {
        index: f"{rows[index].outcome.family}|{rows[index].slot}"
        if rows[index].outcome.family
        else ""
        for index in p_values
    }
    return multiplicity.holm_by_family(p_values, families)


def _effect(
    plan: AnalysisPlan,
    reading: Reading,
    row: _Row,
    p_adjusted: float | None,
    deliveries: Iterable[str],
    is_planned: bool,
) -> Effect:
    outcome, result = row.outcome, row.result
    arm = plan.arm_of(outcome)
    is_one_group = outcome.method in (Method.AANDEEL, Method.DOELBEREIK)
    common: dict[str, Any] = {
        "pilot_id": plan.pilot_id,
        "locatie": plan.locatie,
        "uitkomst": outcome.name,
        "uitkomst_label": outcome.label,
        "horizon": outcome.horizon,
        "groep": row.groep,
        "contrast": "" if is_one_group or arm is None else arm.contrast,
        "n_intervention": result.n_intervention,
        "n_comparison": result.n_comparison,
        "eenheid": outcome.unit,
        "method": result.method,
        "design": str(plan.design),
        "claim": str(claim_of(outcome.method, plan.claim)),
        "rol": str(outcome.role) if is_planned else "verkennend",
        "familie": outcome.family,
        "is_planned": is_planned,
        "status": str(reading.status),
        "reading_date": reading.date,
        "plan_hash": plan.sha256,
        "leveringen": " ".join(sorted(set(deliveries))),
    }
    if isinstance(result, Withheld):
        nothing = result.n_intervention + result.n_comparison == 0
        return Effect(
            **common,
            n_clusters=None,
            mean_comparison=None,
            estimate=None,
            se=None,
            ci_low=None,
            ci_high=None,
            p=None,
            p_adjusted=None,
            waarde_status=NOT_AVAILABLE if nothing else UNRELIABLE,
            reden=result.reason,
        )
    return Effect(
        **common,
        n_clusters=result.n_clusters,
        mean_comparison=result.mean_comparison,
        estimate=result.estimate,
        se=result.se,
        ci_low=result.ci_low,
        ci_high=result.ci_high,
        p=result.p,
        p_adjusted=p_adjusted,
        reden=result.note,
    )


def _transitions(
    plan: AnalysisPlan, reading: Reading, frame: pd.DataFrame, deliveries: Iterable[str]
) -> list[Effect]:
    moves = plan.transitions
    if moves is None:
        return []
    found = panel.transitions(
        frame,
        unit=plan.unit,
        period=moves.period,
        state=moves.state,
        group=moves.group,
        has_left=moves.has_left,
        minimum=plan.minimum_per_arm,
    )
    rows = []
    for move in found:
        outcome = Outcome(
            name="overgang",
            label=f"{moves.label}: van {move.van} naar {move.naar}",
            role=plan.outcomes[-1].role,
            estimand="aandeel met deze overgang, een jaar later",
            horizon=f"{move.van} naar {move.naar}",
            column=moves.state,
            unit=PERCENT,
            method=Method.AANDEEL,
        )
        row = _Row(outcome, move.groep, "overgang", move.result)
        made = _effect(plan, reading, row, None, deliveries, is_planned=True)
        rows.append(replace(made, rol="beschrijving"))
    return rows


def _detectable(rows: Sequence[_Row]) -> list[Detectable]:
    found = []
    for row in rows:
        result = row.result
        if row.slot == MAIN and row.groep == TOTAL and isinstance(result, Estimate) and result.se:
            degrees = result.n_clusters - 1 if result.n_clusters else float("inf")
            least = power.minimum_detectable(result.se, degrees)
            found.append(Detectable(row.outcome.name, result.se, least, row.outcome.unit))
    return found


def _around(plan: AnalysisPlan, frame: pd.DataFrame) -> dict[str, Any]:
    """Flow, attrition, balance and missing data; of units, at the start where there are moments."""
    empty: dict[str, Any] = {
        "flow": (),
        "attrition": (),
        "balance": (),
        "missing": (),
        "missing_statement": flow.missing_statement([]),
    }
    if plan.arm is None:
        return empty
    arm = plan.arm
    side = frame[arm.column].map(
        dict.fromkeys(arm.comparison, "vergelijking")
        | dict.fromkeys(arm.intervention, "interventie")
    )
    known = frame.assign(_arm=side).dropna(subset=["_arm"])
    arms = ("interventie", "vergelijking")
    columns = list(
        dict.fromkeys([*(outcome.column for outcome in plan.outcomes), *plan.covariates])
    )
    many = survival.weights(known) if survival.WEIGHT in known else None
    gone = flow.missing(known, arm="_arm", arms=arms, columns=columns, many=many)
    made = empty | {"missing": tuple(gone), "missing_statement": flow.missing_statement(gone)}
    start, steps = known, {}
    if plan.moments is not None:
        seen = known.drop_duplicates([*plan.unit, plan.moments.column])
        order = _moments_in_order(plan)
        start = seen[seen[plan.moments.column] == order[0]].drop_duplicates([*plan.unit])
        keys = pd.MultiIndex.from_frame(start[list(plan.unit)])
        for moment in order[1:]:
            there = seen[seen[plan.moments.column] == moment]
            mask = keys.isin(pd.MultiIndex.from_frame(there[list(plan.unit)]))
            steps[f"gemeten op moment {moment}"] = pd.Series(mask, index=start.index)
        if steps and len(start):
            lost = ~list(steps.values())[-1]
            made["attrition"] = tuple(
                flow.attrition(start.assign(_weg=lost), arm="_arm", arms=arms, lost="_weg")
            )
    else:
        first = plan.outcomes[0]
        steps[f"uitkomst bekend: {first.label}"] = start[first.column].notna()
    made["flow"] = tuple(
        flow.participant_flow(start, arm="_arm", arms=arms, steps=steps, many=many)
    )
    if plan.covariates:
        made["balance"] = tuple(
            balance.table(
                start,
                arm="_arm",
                intervention=["interventie"],
                comparison=["vergelijking"],
                covariates=plan.covariates,
                cluster=plan.cluster,
                strata=plan.strata,
            )
        )
    return made


def _moments_in_order(plan: AnalysisPlan) -> list[str | int]:
    """The moments that the outcomes name: the base first, then in the order of the plan's ends."""
    ends = {outcome.last for outcome in plan.outcomes if outcome.last is not None}
    bases = {outcome.base for outcome in plan.outcomes if outcome.base is not None}
    return [*sorted(bases, key=str), *sorted(ends - bases, key=str)]


def _arm(plan: AnalysisPlan, outcome: Outcome) -> Arms:
    arm = plan.arm_of(outcome)
    if arm is None:  # the plan's model has refused this
        raise ValueError(f"{outcome.name}: no arms")
    return arm
