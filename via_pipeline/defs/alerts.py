"""Alerts: what broke, told once. Written to a file and a log; a hook carries them further.

Belongs here: which failures are worth an alert (a pure function) and where it is written. Does not
belong here: Dagster's events (``automation/sensors.py`` turns them into ``Failure``).

Hook: set ``VIA_ALERT_COMMAND`` to a program (mail, Teams, a pager). It is run once an alert, gets
the alert as JSON on its standard input, and may take 30 s; that it fails is logged and nothing
more. The platform itself opens no connection.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from via_pipeline.storage.atomic import write_json, writer_lock
from via_pipeline.storage.home import Home

HOOK = "VIA_ALERT_COMMAND"
HOOK_SECONDS = 30
_STATE = "state.json"
_LOG = "alerts.log"
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, order=True)
class Failure:
    """Something that is wrong after a run.

    ``subject`` is stable over runs (``asset:check``, or ``job``); ``detail`` changes when what is
    wrong changes (other deliveries, other counts) and says it in Dutch and English.
    """

    subject: str
    severity: str
    detail: str


@dataclass(frozen=True)
class Alert:
    """One failure as it is sent out."""

    subject: str
    severity: str
    detail: str
    run_id: str
    at: str


def news(
    failures: Iterable[Failure], passed: Iterable[str], known: Mapping[str, str]
) -> tuple[list[Failure], dict[str, str]]:
    """The failures worth an alert now, and what is known after it (subject to detail).

    A failure is told once, again only when its detail changes or when it had passed in between.
    ``passed`` are subjects seen to be right in this run; a subject of which this run says nothing
    keeps its state.
    """
    after = dict(known)
    for subject in passed:
        after.pop(subject, None)
    told = []
    for failure in sorted(set(failures)):
        if after.get(failure.subject) != failure.detail:
            told.append(failure)
        after[failure.subject] = failure.detail
    return told, after


def raise_alerts(
    home: Home,
    failures: Iterable[Failure],
    passed: Iterable[str],
    *,
    run_id: str,
    at: str,
    hook: Callable[[Alert], None] | None = None,
) -> list[Alert]:
    """Write what is new to ``reports/alerts/`` and hand it to ``hook`` (default: the program).

    One line of JSON an alert in ``alerts.log``, and one file a run. Safe to call twice for a run:
    the second finds nothing new.
    """
    folder = home.reports / "alerts"
    folder.mkdir(parents=True, exist_ok=True)
    with writer_lock(home.locks, "alerts"):
        known = _state(folder)
        told, after = news(failures, passed, known)
        alerts = [Alert(**asdict(failure), run_id=run_id, at=at) for failure in told]
        if alerts:
            file = folder / f"{run_id}.json"
            earlier = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
            write_json(file, [*earlier, *(asdict(alert) for alert in alerts)])
            with (folder / _LOG).open("a", encoding="utf-8") as log:
                for alert in alerts:
                    log.write(json.dumps(asdict(alert), ensure_ascii=False) + "\n")
        if after != known:
            write_json(folder / _STATE, after)
    for alert in alerts:
        try:
            (hook or run_hook)(alert)
        except (OSError, subprocess.SubprocessError) as error:
            _LOGGER.warning("alert hook failed for %s: %s", alert.subject, type(error).__name__)
    return alerts


def run_hook(alert: Alert) -> None:
    """Hand the alert to the program in ``VIA_ALERT_COMMAND``, if one is set.

    Raises:
        OSError, subprocess.SubprocessError: the program is not there, failed or took too long.
    """
    command = os.environ.get(HOOK)
    if not command:
        return
    subprocess.run(  # noqa: S603 - the operator's own program, from the environment
        shlex.split(command),
        input=json.dumps(asdict(alert), ensure_ascii=False),
        text=True,
        timeout=HOOK_SECONDS,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _state(folder: Path) -> dict[str, str]:
    path = folder / _STATE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
