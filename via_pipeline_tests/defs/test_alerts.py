"""Alerts are told once, again when something changes, and never lost to a broken hook."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from via_pipeline.defs import alerts
from via_pipeline.defs.alerts import Alert, Failure, news, raise_alerts, set_aside, take_up
from via_pipeline.storage.home import Home

BAD = Failure("pilots__p5_medewerker:promotie__vorm", "ERROR", "3 failing in 1 of 2")
WORSE = Failure(BAD.subject, "ERROR", "9 failing in 2 of 2")
OTHER = Failure("run:nightly_refresh", "ERROR", "the run failed")


def test_a_failure_is_told_once() -> None:
    told, known = news([BAD], [], {})
    assert told == [BAD]
    assert news([BAD], [], known) == ([], known)


def test_it_is_told_again_when_what_is_wrong_changes() -> None:
    _, known = news([BAD], [], {})
    told, known = news([WORSE], [], known)
    assert told == [WORSE]
    assert known == {BAD.subject: WORSE.detail}


def test_it_is_told_again_after_it_was_right_in_between() -> None:
    _, known = news([BAD], [], {})
    told, known = news([], [BAD.subject], known)
    assert (told, known) == ([], {})
    assert news([BAD], [], known)[0] == [BAD]


def test_a_run_that_says_nothing_of_a_subject_leaves_it_as_it_was() -> None:
    _, known = news([BAD], [], {})
    told, after = news([OTHER], ["another:check"], known)
    assert told == [OTHER]
    assert after == {BAD.subject: BAD.detail, OTHER.subject: OTHER.detail}


def test_a_subject_that_passed_and_failed_in_one_run_counts_as_failed() -> None:
    told, known = news([BAD], [BAD.subject], {BAD.subject: BAD.detail})
    assert told == [BAD]
    assert BAD.subject in known


def _home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home", tmp_path / "data").ensure()


def test_file_and_log_hold_each_alert_once(tmp_path: Path) -> None:
    home = _home(tmp_path)
    sent: list[Alert] = []
    for run_id in ("run1", "run1", "run2"):
        raise_alerts(home, [BAD], [], run_id=run_id, at="2020-11-09T02:00:00Z", hook=sent.append)
    raise_alerts(home, [OTHER], [], run_id="run1", at="2020-11-09T02:00:01Z", hook=sent.append)
    folder = home.reports / "alerts"
    assert [alert.subject for alert in sent] == [BAD.subject, OTHER.subject]
    in_file = json.loads((folder / "run1.json").read_text())
    assert [alert["subject"] for alert in in_file] == [BAD.subject, OTHER.subject]
    lines = (folder / "alerts.log").read_text().splitlines()
    assert [json.loads(line) for line in lines] == in_file
    assert not (folder / "run2.json").exists()


def test_what_is_set_aside_is_told_at_once_and_written_later(tmp_path: Path) -> None:
    home = _home(tmp_path)
    sent: list[Alert] = []

    def tell(call, failures, passed, second: int) -> None:
        at = f"2020-11-09T02:00:0{second}Z"
        call(home, failures, passed, run_id=f"run{second}", at=at, hook=sent.append)

    tell(raise_alerts, [OTHER], [], 0)
    before = {path: path.read_bytes() for path in home.reports.rglob("*.*")}
    tell(set_aside, [BAD], [OTHER.subject], 1)
    tell(set_aside, [BAD], [], 2)
    tell(set_aside, [WORSE, OTHER], [], 3)
    assert {path: path.read_bytes() for path in home.reports.rglob("*.*")} == before
    expected = [OTHER, BAD, OTHER, WORSE]
    assert sorted((one.subject, one.detail) for one in sent) == sorted(
        (one.subject, one.detail) for one in expected
    )
    for _ in range(2):
        take_up(home)
        log = (home.reports / "alerts" / "alerts.log").read_text().splitlines()
        assert [json.loads(line) for line in log] == [asdict(alert) for alert in sent]
    tell(raise_alerts, [WORSE, OTHER], [], 4)
    assert len(sent) == 4


def test_a_hook_that_fails_keeps_no_other_alert_away(tmp_path: Path) -> None:
    home = _home(tmp_path)
    sent: list[str] = []

    def hook(alert: Alert) -> None:
        sent.append(alert.subject)
        raise OSError("no mail today")

    told = raise_alerts(home, [BAD, OTHER], [], run_id="r", at="t", hook=hook)
    assert len(told) == 2
    assert sorted(sent) == sorted([BAD.subject, OTHER.subject])


def test_the_program_in_the_environment_gets_the_alert_on_its_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "got it.json"
    script = tmp_path / "hook.py"
    script.write_text("import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read())")
    monkeypatch.setenv(alerts.HOOK, f"{sys.executable} {script} '{target}'")
    raise_alerts(_home(tmp_path), [BAD], [], run_id="r", at="t")
    assert json.loads(target.read_text())["subject"] == BAD.subject
