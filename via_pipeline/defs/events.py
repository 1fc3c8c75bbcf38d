"""Reading a run back from Dagster's event log.

Belongs here: the few questions we ask of the log, behind one door (the log's API moves). Does not
belong here: what is done with the answers.
"""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from via_pipeline.defs.alerts import Failure


def evaluations(instance: dg.DagsterInstance, run_id: str) -> list[dg.AssetCheckEvaluation]:
    """The check evaluations of a run, in the order in which they were made."""
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    return [
        entry.dagster_event.asset_check_evaluation_data
        for entry in entries
        if entry.dagster_event is not None
    ]


def subject(evaluation: dg.AssetCheckEvaluation) -> str:
    """``asset:check``."""
    return f"{evaluation.asset_key.to_user_string()}:{evaluation.check_name}"


def check_outcomes(
    evaluated: Iterable[dg.AssetCheckEvaluation],
) -> tuple[list[Failure], list[str]]:
    """The failed checks of a run's ``evaluations`` as failures, and the subjects that passed."""
    failures, passed = [], []
    for found in evaluated:
        if found.passed:
            passed.append(subject(found))
        else:
            failures.append(
                Failure(subject(found), found.severity.value, found.description or "failed")
            )
    return failures, passed


def run_failure(job: str) -> Failure:
    """A run of ``job`` that failed, or was killed."""
    return Failure(
        f"run:{job}",
        "ERROR",
        f"De run van '{job}' is niet goed geëindigd. / The run failed; see it in the Dagster UI.",
    )


def total(instance: dg.DagsterInstance, run_id: str, figure: str) -> int:
    """The sum of a whole-number figure over all materializations of a run."""
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    found = [
        entry.dagster_event.step_materialization_data.materialization.metadata.get(figure)
        for entry in entries
        if entry.dagster_event is not None
    ]
    return sum(int(value.value) for value in found if value is not None)


def is_failed(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the run ended otherwise than well."""
    run = instance.get_run_by_id(run_id)
    return run is None or run.status is not dg.DagsterRunStatus.SUCCESS
