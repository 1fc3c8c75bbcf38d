"""Sensors: new deliveries start a run; what went wrong in a run becomes an alert.

Belongs here: reading Dagster's own records and the folders, and calling the pure decisions in
``landing_watch`` and ``alerts``. Does not belong here: the decisions.

Default status as the schedule's (``schedules.allowed``): fail closed.
"""

from contextlib import nullcontext
from datetime import UTC, datetime

import dagster as dg

from via_pipeline import fingerprint
from via_pipeline.defs import automation, landing_watch
from via_pipeline.defs.alerts import raise_alerts, set_aside
from via_pipeline.defs.automation import schedules
from via_pipeline.defs.events import check_outcomes, evaluations, run_failure
from via_pipeline.defs.resources import Installation
from via_pipeline.storage.atomic import BusyError
from via_pipeline.storage.bucket import BucketError

LANDING_SECONDS = 30
ALONE_SECONDS = 5


@dg.definitions
def sensors() -> dg.Definitions:
    """The sensors, their default status decided when the code location loads."""
    status = (
        dg.DefaultSensorStatus.RUNNING if schedules.allowed() else dg.DefaultSensorStatus.STOPPED
    )

    @dg.sensor(
        name="landing_zone",
        job_name=automation.NIGHTLY,
        minimum_interval_seconds=LANDING_SECONDS,
        default_status=status,
        description=(
            "Starts a refresh when landing, register or reference hold something new and have been "
            "still for one tick; a file that is still growing is not taken."
        ),
    )
    def landing_zone(
        context: dg.SensorEvaluationContext, installation: Installation
    ) -> dg.SensorResult:
        home = installation.home()
        hashes = fingerprint.Hashes.of_home(home)

        def content() -> str:
            digest = fingerprint.content(home, hashes)
            hashes.save()
            return digest

        decision = landing_watch.decide(
            landing_watch.Cursor.from_json(context.cursor), fingerprint.listing(home), content
        )
        requests = []
        if decision.run_key is not None:
            requests.append(
                dg.RunRequest(run_key=decision.run_key, tags={"via/aanleiding": "landing"})
            )
        return dg.SensorResult(
            run_requests=requests,
            cursor=decision.cursor.to_json(),
            skip_reason=None if requests else dg.SkipReason(decision.reason),
        )

    @dg.run_status_sensor(
        name="failed_checks",
        run_status=dg.DagsterRunStatus.SUCCESS,
        default_status=status,
        minimum_interval_seconds=30,
        monitor_all_code_locations=True,
        description=(
            "Writes an alert for every check that failed in a run that ended well: a failed check "
            "that does not block leaves a run green."
        ),
    )
    def failed_checks(context: dg.RunStatusSensorContext, installation: Installation) -> None:
        _tell(context, installation, failed_run=False)

    @dg.run_failure_sensor(
        name="failed_runs",
        default_status=status,
        minimum_interval_seconds=30,
        monitor_all_code_locations=True,
        description="Writes an alert for every run that failed, and for the checks that did in it.",
    )
    def failed_runs(context: dg.RunFailureSensorContext, installation: Installation) -> None:
        _tell(context, installation, failed_run=True)

    return dg.Definitions(sensors=[landing_zone, failed_checks, failed_runs])


def _tell(
    context: dg.RunStatusSensorContext, installation: Installation, *, failed_run: bool
) -> None:
    run = context.dagster_run
    failures, passed = check_outcomes(evaluations(context.instance, run.run_id))
    if failed_run:
        failures.append(run_failure(run.job_name))
    else:
        passed.append(run_failure(run.job_name).subject)
    home, at = installation.home(), datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    from via_pipeline.storage import kept

    try:
        with kept.alone(home, ALONE_SECONDS) if home.url else nullcontext():
            told = raise_alerts(home, failures, passed, run_id=run.run_id, at=at)
    except (BusyError, BucketError) as error:
        # An alert that waits for a server or for another run is no alert.
        told = set_aside(home, failures, passed, run_id=run.run_id, at=at)
        context.log.warning(f"told, and kept by the next run of this machine only: {error}")
    context.log.info(f"{len(told)} alerts written")
