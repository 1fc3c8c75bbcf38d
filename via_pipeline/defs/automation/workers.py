"""With workers: new people are counted per peildatum, in parallel, before the night needs it.

Belongs here: whether there are workers, when they begin, and which peildata are asked of them. Does
not belong here: how a run gets to a worker (``via_pipeline.worker``, ``deploy/workers``).

Fail closed, as the schedule: without ``VIA_WORKERS=on`` nothing here starts by itself. One machine
gains nothing by it, for DuckDB uses all its cores already.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import dagster as dg

from via_pipeline.defs import automation
from via_pipeline.defs.automation import schedules
from via_pipeline.defs.programme.peildata import PARTITIONS
from via_pipeline.defs.resources import Installation
from via_pipeline.storage.home import Home

SWITCH = "VIA_WORKERS"


def there() -> bool:
    """Whether this environment has workers and may start runs by itself."""
    return schedules.allowed() and os.environ.get(SWITCH, "").strip().lower() == "on"


def asked(home: Home, known: Sequence[str]) -> dg.SensorResult:
    """A count of every peildatum with deliveries in force; ``known`` are the partitions there are.

    A run's key changes with what the peildatum rests on, and Dagster starts one run a key.
    """
    from via_pipeline.diversity import run

    wanted = {day.isoformat(): digest for day, digest in run.peildata(home).items()}
    changes: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
    if new := sorted(wanted.keys() - set(known)):
        changes.append(PARTITIONS.build_add_request(new))
    if gone := sorted(set(known) - wanted.keys()):
        changes.append(PARTITIONS.build_delete_request(gone))
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(run_key=f"{day}-{digest}", partition_key=day)
            for day, digest in wanted.items()
        ],
        dynamic_partitions_requests=changes,
    )


@dg.definitions
def workers() -> dg.Definitions:
    """The early schedule and the sensor that asks for a count, their default status decided."""
    is_on = there()

    @dg.asset_sensor(
        name="new_people",
        asset_key=dg.AssetKey("pilots__p4_baan"),
        job_name=automation.COUNT,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING if is_on else dg.DefaultSensorStatus.STOPPED,
        description=(
            "Asks for a count of every peildatum whose deliveries, objections or reference data "
            "changed; one that was asked for before is not asked for again."
        ),
    )
    def new_people(
        context: dg.SensorEvaluationContext, installation: Installation
    ) -> dg.SensorResult:
        return asked(
            installation.home(), context.instance.get_dynamic_partitions(str(PARTITIONS.name))
        )

    early = dg.ScheduleDefinition(
        name="early",
        job_name=automation.TAKE_IN,
        cron_schedule="0 0 * * *",
        execution_timezone=schedules.TIME_ZONE,
        default_status=(
            dg.DefaultScheduleStatus.RUNNING if is_on else dg.DefaultScheduleStatus.STOPPED
        ),
        description=(
            "With workers only: at midnight, Amsterdam time, what is new is taken in and counted "
            "by them, two hours before the night."
        ),
    )
    return dg.Definitions(schedules=[early], sensors=[new_people])
