"""A Dagster logger that tells of steps instead of printing lines: the CLI's progress.

Belongs here: turning Dagster's events into ``Step``s. Does not belong here: how they look.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

_KINDS = {
    dg.DagsterEventType.STEP_START: "start",
    dg.DagsterEventType.STEP_SUCCESS: "done",
    dg.DagsterEventType.STEP_FAILURE: "failed",
    dg.DagsterEventType.STEP_SKIPPED: "failed",
    dg.DagsterEventType.RUN_START: "run",
}


@dataclass(frozen=True)
class Step:
    """Something that began or ended, for the terminal: ``kind`` is start, done or failed."""

    job: str
    step: str
    kind: str
    steps: int


class _Handler(logging.Handler):
    """Every log record of a run carries its Dagster event, if there is one."""

    def __init__(self, tell: Callable[[Step], None], steps: int) -> None:
        super().__init__()
        self._tell = tell
        self._steps = steps

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", None)
        event = meta.get("dagster_event") if isinstance(meta, dict) else None
        if event is None or event.event_type not in _KINDS:
            return
        self._tell(
            Step(event.job_name, event.step_key or "", _KINDS[event.event_type], self._steps)
        )


def progress_logger(tell: Callable[[Step], None]) -> dg.LoggerDefinition:
    """A logger definition that hands every step's begin and end to ``tell``."""

    @dg.logger(description="Hands steps to the terminal; prints nothing itself.")
    def voortgang(context: dg.InitLoggerContext) -> logging.Logger:
        job = context.job_def
        logger = logging.Logger("via.voortgang", level=logging.DEBUG)
        logger.addHandler(_Handler(tell, len(job.nodes) if job is not None else 0))
        return logger

    return voortgang
