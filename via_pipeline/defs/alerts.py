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
_LOCK = "alerts"
_WAITING = "alerts"
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
    the second finds nothing new. What was ``set_aside`` is written first.
    """
    seen = _Seen(run_id, at, sorted(failures), sorted(passed))
    with writer_lock(home.locks, _LOCK):
        _take_up(home)
        alerts = _write(home, seen)
    _hand_over(alerts, hook)
    return alerts


def set_aside(
    home: Home,
    failures: Iterable[Failure],
    passed: Iterable[str],
    *,
    run_id: str,
    at: str,
    hook: Callable[[Alert], None] | None = None,
) -> list[Alert]:
    """``raise_alerts`` of one that may not write reports now: another is at work in the bucket.

    What is new is handed over at once. It waits in ``run/``, which no other machine shares, until
    ``take_up``: in ``reports/`` it would be work that the bucket does not know.
    """
    seen = _Seen(run_id, at, sorted(failures), sorted(passed))
    with writer_lock(home.locks, _LOCK):
        known = _state(_folder(home))
        for _, earlier in _waiting(home):
            known = news(earlier.failures, earlier.passed, known)[1]
        alerts = seen.alerts(known)
        write_json(home.run / _WAITING / f"{at}-{run_id}.json".replace(":", ""), asdict(seen))
    _hand_over(alerts, hook)
    return alerts


def take_up(home: Home) -> None:
    """Write what was ``set_aside``; it was handed over then. Call it while being the only one."""
    with writer_lock(home.locks, _LOCK):
        _take_up(home)


@dataclass(frozen=True)
class _Seen:
    """What one run gave cause for."""

    run_id: str
    at: str
    failures: list[Failure]
    passed: list[str]

    def alerts(self, known: Mapping[str, str]) -> list[Alert]:
        told, _ = news(self.failures, self.passed, known)
        return [Alert(**asdict(failure), run_id=self.run_id, at=self.at) for failure in told]


def _take_up(home: Home) -> None:
    for path, seen in _waiting(home):
        _write(home, seen)
        path.unlink()


def _waiting(home: Home) -> list[tuple[Path, _Seen]]:
    """What was set aside, the oldest first."""
    found = []
    for path in sorted((home.run / _WAITING).glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        failures = [Failure(**failure) for failure in told.pop("failures")]
        found.append((path, _Seen(failures=failures, **told)))
    return found


def _write(home: Home, seen: _Seen) -> list[Alert]:
    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    known = _state(folder)
    alerts = seen.alerts(known)
    if alerts:
        file = folder / f"{seen.run_id}.json"
        earlier = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
        write_json(file, [*earlier, *(asdict(alert) for alert in alerts)])
        with (folder / _LOG).open("a", encoding="utf-8") as log:
            for alert in alerts:
                log.write(json.dumps(asdict(alert), ensure_ascii=False) + "\n")
    after = news(seen.failures, seen.passed, known)[1]
    if after != known:
        write_json(folder / _STATE, after)
    return alerts


def _hand_over(alerts: Iterable[Alert], hook: Callable[[Alert], None] | None) -> None:
    for alert in alerts:
        try:
            (hook or run_hook)(alert)
        except (OSError, subprocess.SubprocessError) as error:
            _LOGGER.warning("alert hook failed for %s: %s", alert.subject, type(error).__name__)


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


def _folder(home: Home) -> Path:
    return home.reports / "alerts"


def _state(folder: Path) -> dict[str, str]:
    path = folder / _STATE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
