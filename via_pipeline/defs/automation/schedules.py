"""When a night begins: 02:00 in Amsterdam, where schedules are allowed.

Belongs here: the clock, and whether this environment may listen to it. Does not belong here: what
runs (``jobs.py``).

Fail closed: schedules and sensors are STOPPED unless the environment says ``VIA_SCHEDULES=on``. A
code location that is loaded by a test, by CI or on a second machine then never starts a run by
itself. ``make ui`` sets it, because who starts the daemon asks for it; ``VIA_SCHEDULES=off make
ui`` only looks. A switch in the UI overrides the default, for that DAGSTER_HOME only.
"""

from __future__ import annotations

import os

import dagster as dg

from via_pipeline.defs import automation

SWITCH = "VIA_SCHEDULES"
TIME_ZONE = "Europe/Amsterdam"


def allowed() -> bool:
    """Whether this environment may start runs by itself."""
    return os.environ.get(SWITCH, "").strip().lower() == "on"


@dg.definitions
def schedules() -> dg.Definitions:
    """The nightly schedule, its default status decided when the code location loads."""
    return dg.Definitions(
        schedules=[
            dg.ScheduleDefinition(
                name="nightly",
                job_name=automation.NIGHTLY,
                cron_schedule="0 2 * * *",
                execution_timezone=TIME_ZONE,
                default_status=(
                    dg.DefaultScheduleStatus.RUNNING
                    if allowed()
                    else dg.DefaultScheduleStatus.STOPPED
                ),
                description="Every night at 02:00, Amsterdam time (also when the clock changes).",
            )
        ]
    )
