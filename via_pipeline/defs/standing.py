"""How the house stands, from Dagster's own records: what the room ``status`` is given.

Belongs here: turning the asset graph and the instance into ``Facts``. Does not belong here: what is
wrong with it (``status.broken``). Of a check only its fixed description is taken over, never what
it said of a delivery.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from via_pipeline.defs import automation
from via_pipeline.status.facts import AssetState, CheckState, Facts, Outcome, RunLine

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

SITE = "status__site"
MOST_RUNS = 50
_STATUSES = {
    dg.DagsterRunStatus.SUCCESS: "geslaagd",
    dg.DagsterRunStatus.FAILURE: "mislukt",
    dg.DagsterRunStatus.CANCELED: "afgebroken",
    dg.DagsterRunStatus.CANCELING: "wordt afgebroken",
    dg.DagsterRunStatus.STARTED: "bezig",
    dg.DagsterRunStatus.STARTING: "begint",
    dg.DagsterRunStatus.QUEUED: "wacht",
    dg.DagsterRunStatus.NOT_STARTED: "wacht",
}
_FAILED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
_BUSY = (
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
)


def stamp(moment: datetime) -> str:
    """A moment as it is kept: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def gather(
    instance: dg.DagsterInstance, graph: AssetGraph, at: str, *, run_id: str | None = None
) -> Facts:
    """Everything that ``instance`` knows at ``at`` of the assets and checks of ``graph``.

    ``run_id`` is the run that asks: its own last step does not count itself as missing, and a check
    that it planned and has not evaluated was skipped.
    """
    runs = _runs(instance)
    return Facts(
        at=at,
        checks=tuple(_checks(instance, graph, run_id)),
        runs=tuple(runs),
        assets=tuple(_assets(instance, graph)),
        upstream={
            key.to_user_string(): tuple(
                sorted(parent.to_user_string() for parent in graph.get(key).parent_keys)
            )
            for key in sorted(graph.get_all_asset_keys(), key=lambda one: one.path)
        },
    )


def _runs(instance: dg.DagsterInstance) -> list[RunLine]:
    found = []
    for record in instance.get_run_records(limit=MOST_RUNS):
        run = record.dagster_run
        began = record.start_time or record.create_timestamp.timestamp()
        found.append(
            RunLine(
                job=run.job_name if run.job_name in _OWN else "los gestart",
                edition=run.tags.get("dagster/partition"),
                started=stamp(datetime.fromtimestamp(began, UTC)),
                seconds=round(record.end_time - began) if record.end_time else None,
                status=_STATUSES.get(run.status, run.status.value.lower()),
                is_failed=run.status in _FAILED,
                run_id=run.run_id,
            )
        )
    return found


_OWN = (automation.NIGHTLY, automation.PUBLISH, automation.GATE)


def _checks(
    instance: dg.DagsterInstance, graph: AssetGraph, run_id: str | None
) -> Iterable[CheckState]:
    specs = {spec.key: spec for definition in graph.assets_defs for spec in definition.check_specs}
    keys = sorted(
        (key for key in specs if key.asset_key.to_user_string() != SITE),
        key=lambda key: (key.asset_key.path, key.name),
    )
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    busy: dict[str, bool] = {}
    for key in keys:
        spec, record = specs[key], latest.get(key)
        outcome, is_error, at = Outcome.NEVER, spec.blocking, None
        if record is not None:
            at = stamp(datetime.fromtimestamp(record.create_timestamp, UTC))
            if record.status.value == "PLANNED":
                outcome = (
                    Outcome.NEVER
                    if record.run_id != run_id and _is_busy(instance, record.run_id, busy)
                    else Outcome.NOT_RUN
                )
            else:
                outcome = Outcome.PASSED if record.status.value == "SUCCEEDED" else Outcome.FAILED
            # Of a check that was planned and not run, the "evaluation" is the plan.
            found = record.evaluation
            if isinstance(found, dg.AssetCheckEvaluation) and record.event is not None:
                # The record itself was made when the run was planned.
                at = stamp(datetime.fromtimestamp(record.event.timestamp, UTC))
                is_error = found.severity is dg.AssetCheckSeverity.ERROR
        yield CheckState(
            asset=key.asset_key.to_user_string(),
            name=key.name,
            outcome=outcome,
            is_error=is_error,
            promise=spec.description or "",
            at=at,
            is_rule="suite" in (spec.metadata or {}),
        )


def _is_busy(instance: dg.DagsterInstance, run_id: str, known: dict[str, bool]) -> bool:
    if run_id not in known:
        run = instance.get_run_by_id(run_id)
        known[run_id] = run is not None and run.status in _BUSY
    return known[run_id]


def _assets(instance: dg.DagsterInstance, graph: AssetGraph) -> Iterable[AssetState]:
    keys = sorted(
        (
            key
            for key in graph.get_all_asset_keys()
            if graph.get(key).is_executable
            and graph.get(key).partitions_def is None
            and key.to_user_string() != SITE
        ),
        key=lambda key: key.path,
    )
    made = {
        record.asset_entry.asset_key: record.asset_entry.last_materialization_record
        for record in instance.get_asset_records(keys)
    }
    specs = {spec.key: spec for definition in graph.assets_defs for spec in definition.specs}
    for key in keys:
        record = made.get(key)
        policy = specs[key].freshness_policy
        warn, fail = _windows(policy)
        yield AssetState(
            name=key.to_user_string(),
            made_at=stamp(datetime.fromtimestamp(record.timestamp, UTC)) if record else None,
            warn_hours=warn,
            fail_hours=fail,
        )


def _windows(policy: object) -> tuple[float | None, float | None]:
    """Hours of a time-window policy; None where there is none."""
    fail = getattr(policy, "fail_window", None)
    warn = getattr(policy, "warn_window", None) or fail
    hours = [
        None if one is None else one.to_timedelta().total_seconds() / 3600 for one in (warn, fail)
    ]
    return hours[0], hours[1]
