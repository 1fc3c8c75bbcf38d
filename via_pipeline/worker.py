"""Runs on other machines: Dagster's Celery launcher as we use it, and the worker that listens.

    celery --app via_pipeline.worker worker --concurrency 1

Belongs here: what Dagster's own launcher leaves open. Does not belong here: addresses (the
instance's ``dagster.yaml``, see ``deploy/workers``), which runs there are (``automation``).

The worker takes its settings from the instance, so that there is one place for both ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tasks import create_execute_job_task, create_resume_job_task

if TYPE_CHECKING:
    from celery import Celery


class WorkerLauncher(CeleryRunLauncher):
    """Dagster's ``CeleryRunLauncher``, that notices when a worker's machine is gone.

    A broker delivers the task of a lost worker to another one. Dagster's run worker then sees that
    the run was started before and leaves it, so the task ends well and the run is never ended: the
    launcher would say SUCCESS for hours. A run that goes on after its task ended is a dead run;
    told so, run monitoring fails it and Dagster tries it again (``run_retries``).
    """

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """The health of the worker of a run that Dagster believes to be going on."""
        found = super().check_run_worker_health(run)
        if found.status is WorkerStatus.SUCCESS:
            return CheckRunHealthResult(
                WorkerStatus.FAILED, "The task ended and the run did not: its worker was lost."
            )
        return found


def listening(instance: dg.DagsterInstance) -> Celery:
    """The Celery application of a worker of ``instance``.

    The instance's ``task_acks_late`` counts for both tasks: the task of a machine that is lost goes
    back to the queue.

    Raises:
        TypeError: the instance's settings name another launcher.
    """
    launcher = instance.run_launcher
    if not isinstance(launcher, WorkerLauncher):
        raise TypeError(
            f"this instance starts runs with {type(launcher).__name__}; workers need the "
            "settings of deploy/workers/dagster.yaml in DAGSTER_HOME"
        )
    create_execute_job_task(launcher.celery)
    create_resume_job_task(launcher.celery)
    return launcher.celery


def __getattr__(name: str) -> Celery:
    """``app``, made when Celery asks for it: importing this module opens no instance."""
    if name in ("app", "celery"):
        return listening(dg.DagsterInstance.get())
    raise AttributeError(name)
