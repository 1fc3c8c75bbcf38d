"""How a run is executed: step after step in one process and, in object storage, as the only one.

Belongs here: who else may be at work meanwhile. Does not belong here: one run after another on this
deployment (the pool in ``policy``), the steps. ``via run`` and tests execute a job otherwise: they
call ``kept.alone`` themselves, or need no lease.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg

from via_pipeline.defs import alerts
from via_pipeline.defs.automation import NIGHTLY, PEILDATUM
from via_pipeline.garbage import collect_less_often
from via_pipeline.storage import kept
from via_pipeline.storage.atomic import LOCK_WAIT_SECONDS
from via_pipeline.storage.home import Home

BESIDE_OTHERS = {PEILDATUM}
"""Steps of which many may run at once: they put objects of their own and replace nothing.

Not the job's name: by hand, one or a backfill, an asset runs in a job of Dagster's own.
"""


class Alone(dg.Executor):
    """``inner``, while this machine holds the bucket of ``VIA_HOME``; with a folder just ``inner``.

    The lease is kept by the process of the run itself, in which every step runs. So it ends with
    the run, also when that is killed, and no step of a run that was taken over can write.
    """

    def __init__(self, inner: dg.Executor) -> None:
        self._inner = inner

    @property
    def retries(self) -> Any:
        """As ``inner`` has it."""
        return self._inner.retries

    @property
    def step_dependency_config(self) -> Any:
        """As ``inner`` has it."""
        return self._inner.step_dependency_config

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        """The events of the run.

        Raises:
            BusyError, Overtaken, BucketError: see ``kept.alone``; the run fails, saying so.
        """
        # As ``via run`` does; this process is the run's own.
        collect_less_often()
        job, home = plan_context.dagster_run.job_name, Home.from_env()
        if home.url is None or BESIDE_OTHERS.issuperset(execution_plan.step_keys_to_execute):
            yield from self._inner.execute(plan_context, execution_plan)
            return
        with kept.alone(home, LOCK_WAIT_SECONDS):
            alerts.take_up(home)
            if job == NIGHTLY:
                kept.tidy(home)
            yield from self._inner.execute(plan_context, execution_plan)


@dg.executor(name="alone", config_schema=dg.in_process_executor.config_schema)
def alone(context: dg.InitExecutorContext) -> dg.Executor:
    """One process, step after step: the rooms use all cores themselves (DuckDB), and a process a
    step costs 3 to 5 s of imports each.
    """
    make: Any = dg.in_process_executor.executor_creation_fn
    return Alone(make(context))
