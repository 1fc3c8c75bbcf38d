"""A nightly refresh and a letter's edition, run in this process: what ``via run`` does.

Belongs here: running the two jobs through Dagster and reading back what they said. Does not belong
here: whether to run at all, and how it looks on a terminal (the CLI). Imports Dagster inside
functions only, so that its import can be timed and told.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from via_pipeline.defs.automation import NIGHTLY, PUBLISH
from via_pipeline.storage.home import Home

if TYPE_CHECKING:
    from via_pipeline.defs.progress import Step

PROGRESS = "voortgang"
_TAGS = {"via/aanleiding": "via run"}


@dataclass
class Walk:
    """What happened. ``seconds``: dagster, great_expectations (imports), definitions, runs."""

    is_success: bool = True
    runs: dict[str, str] = field(default_factory=dict)
    failed_steps: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    checks: dict[str, int] = field(default_factory=dict)
    deferred: int = 0
    alerts: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


def walk(
    home: Home,
    editions: Iterable[str],
    tell: Callable[[Step], None],
    *,
    expect_validation: bool = True,
    at: str,
) -> Walk:
    """Run ``nightly_refresh``, then ``publish_letter`` for each of ``editions``.

    A letter is not published after a run that failed. ``expect_validation`` imports Great
    Expectations up front, so that its share of the time is known; leave it out where nothing new
    will be judged. ``at`` (UTC) is the time that alerts carry.
    """
    done = Walk()
    clock = time.monotonic()

    def lap(name: str) -> None:
        nonlocal clock
        now = time.monotonic()
        done.seconds[name] = done.seconds.get(name, 0.0) + now - clock
        clock = now

    from via_pipeline.defs.instance import opened, quiet

    quiet()
    import dagster  # noqa: F401 - timed here

    lap("dagster")
    if expect_validation:
        from via_pipeline.quality.engines import imported

        imported()
        lap("great_expectations")
    definitions = _definitions(tell)
    lap("definitions")
    with opened(home) as instance:
        _end_the_killed(instance)
        _run(instance, definitions, done, NIGHTLY, None)
        for edition in editions:
            if not done.is_success:
                break
            _run(instance, definitions, done, PUBLISH, edition)
        _read_back(home, instance, done, at)
    lap("runs")
    return done


def _definitions(tell: Callable[[Step], None]):
    from via_pipeline.defs.assemble import build_defs
    from via_pipeline.defs.progress import progress_logger

    return build_defs(loggers={PROGRESS: progress_logger(tell)})


def _end_the_killed(instance) -> None:
    """Say of runs of this command that were killed that they failed.

    Whoever walks is alone (``via run`` holds a lock), so one that is still said to be at work has
    no process. Nobody else would say so: the daemon watches only runs that it started.
    """
    import dagster as dg

    at_work = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING]
    for run in instance.get_runs(dg.RunsFilter(statuses=at_work, tags=_TAGS)):
        instance.report_run_failed(run, "The process of this run was killed; the next run went on.")


def _run(instance, definitions, done: Walk, job: str, edition: str | None) -> None:
    """One job in this process. Only our own logger listens: Dagster's console log is a flood."""
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key=edition,
        raise_on_error=False,
        run_config={"loggers": {PROGRESS: {}}},
        tags=_TAGS,
    )
    done.runs[f"{job}[{edition}]" if edition else job] = result.run_id
    done.is_success &= result.success
    done.failed_steps += [
        event.step_key for event in result.all_events if event.is_step_failure and event.step_key
    ]


def _read_back(home: Home, instance, done: Walk, at: str) -> None:
    from via_pipeline.defs import events, guard
    from via_pipeline.defs.alerts import raise_alerts

    counts: Counter[str] = Counter()
    failures, passed = [], []
    for run_id in done.runs.values():
        evaluated = events.evaluations(instance, run_id)
        for found in evaluated:
            counts["passed" if found.passed else found.severity.value.lower()] += 1
            if found.check_name == guard.PROCESSED and not found.passed:
                done.crashes.append(f"{found.asset_key.to_user_string()}: {found.description}")
        done.deferred += events.total(instance, run_id, "deferred")
        told, right = events.check_outcomes(evaluated)
        failures += told
        passed += right
    for job, run_id in done.runs.items():
        outcome = events.run_failure(job.split("[")[0])
        if events.is_failed(instance, run_id):
            failures.append(outcome)
        else:
            passed.append(outcome.subject)
    done.checks = dict(counts)
    first = next(iter(done.runs.values()))
    done.alerts = len(raise_alerts(home, failures, passed, run_id=first, at=at))
