"""Schedule and sensors, without running anything: when, where allowed, and what they ask for."""

import os
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from via_pipeline.defs import automation
from via_pipeline.defs.assemble import build_defs
from via_pipeline.defs.resources import Installation
from via_pipeline.storage.home import Home

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def _repository(monkeypatch: pytest.MonkeyPatch, switch: str | None) -> dg.RepositoryDefinition:
    if switch is None:
        monkeypatch.delenv("VIA_SCHEDULES", raising=False)
    else:
        monkeypatch.setenv("VIA_SCHEDULES", switch)
    return build_defs().get_repository_def()


@pytest.mark.parametrize(
    ("switch", "runs"), [(None, False), ("", False), ("yes", False), ("off", False), ("on", True)]
)
def test_nothing_starts_by_itself_unless_the_environment_allows_it(
    monkeypatch: pytest.MonkeyPatch, switch: str | None, runs: bool
) -> None:
    repository = _repository(monkeypatch, switch)
    schedule = repository.get_schedule_def("nightly")
    assert (schedule.default_status is dg.DefaultScheduleStatus.RUNNING) is runs
    sensors = [one for one in repository.sensor_defs if one.name != "new_people"]  # test_workers
    assert len(sensors) == 3
    for sensor in sensors:
        assert (sensor.default_status is dg.DefaultSensorStatus.RUNNING) is runs


def test_the_night_begins_at_two_in_amsterdam_also_when_the_clock_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On 28 March 2021 there was no 02:30, on 31 October there were two; 02:00 must come once."""
    schedule = _repository(monkeypatch, None).get_schedule_def("nightly")
    assert schedule.execution_timezone == "Europe/Amsterdam"
    for first in (
        datetime(2021, 3, 26, tzinfo=AMSTERDAM),
        datetime(2021, 10, 29, tzinfo=AMSTERDAM),
    ):
        ticks = schedule_execution_time_iterator(
            first.timestamp(), schedule.cron_schedule, schedule.execution_timezone
        )
        times = [next(ticks).astimezone(AMSTERDAM) for _ in range(5)]
        days = [moment.date().toordinal() for moment in times]
        assert days == list(range(days[0], days[0] + 5)), "one night a day"
        assert {moment.hour for moment in times} <= {2, 3}
        assert sum(moment.hour == 2 for moment in times) >= 4


def test_the_schedule_asks_for_the_nightly_job(monkeypatch: pytest.MonkeyPatch) -> None:
    repository = _repository(monkeypatch, None)
    schedule = repository.get_schedule_def("nightly")
    assert schedule.job_name == automation.NIGHTLY
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2020, 11, 9, 2, tzinfo=AMSTERDAM)
    )
    (request,) = schedule.evaluate_tick(context).run_requests
    assert request.run_key is None or isinstance(request.run_key, str)


def _tick(repository: dg.RepositoryDefinition, home: Home, cursor: str | None) -> dg.SensorResult:
    sensor = repository.get_sensor_def("landing_zone")
    context = dg.build_sensor_context(
        cursor=cursor,
        repository_def=repository,
        resources={"installation": Installation(root=str(home.root), data=str(home.data))},
    )
    return sensor.evaluate_tick(context)


def test_the_landing_sensor_asks_once_for_new_content(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repository = _repository(monkeypatch, None)
    home = Home(tmp_path / "home", tmp_path / "data").ensure()
    folder = home.landing / "p5_behoud" / "2020-01-01"
    folder.mkdir(parents=True)
    file = folder / "p5_behoud_A_2019_synthetisch_v1.csv"
    file.write_text("half")
    tick = _tick(repository, home, None)
    assert not tick.run_requests
    file.write_text("half and more")
    tick = _tick(repository, home, tick.cursor)
    assert not tick.run_requests, "still growing"
    tick = _tick(repository, home, tick.cursor)
    (request,) = tick.run_requests
    assert len(request.run_key) == 64
    tick = _tick(repository, home, tick.cursor)
    assert not tick.run_requests
    assert "nothing new" in (tick.skip_message or "")

    os.utime(file, (1, 1))
    tick = _tick(repository, home, _tick(repository, home, tick.cursor).cursor)
    assert not tick.run_requests, "only the time changed"
    file.write_text("a correction")
    tick = _tick(repository, home, _tick(repository, home, tick.cursor).cursor)
    assert [found.run_key for found in tick.run_requests] != [request.run_key]
    assert len(tick.cursor) < 300


@dg.asset(
    check_specs=[
        dg.AssetCheckSpec("mis", asset="tabel"),
        dg.AssetCheckSpec("goed", asset="tabel"),
    ]
)
def tabel() -> dg.MaterializeResult:
    return dg.MaterializeResult(
        check_results=[
            dg.AssetCheckResult(passed=False, check_name="mis", description="3 van 9 fout"),
            dg.AssetCheckResult(passed=True, check_name="goed"),
        ]
    )


@dg.asset
def stuk() -> None:
    raise RuntimeError("broken")


@pytest.mark.parametrize(("asset", "sensor"), [(tabel, "failed_checks"), (stuk, "failed_runs")])
def test_what_went_wrong_becomes_an_alert(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asset: dg.AssetsDefinition, sensor: str
) -> None:
    repository = _repository(monkeypatch, None)
    home = Home(tmp_path / "home", tmp_path / "data").ensure()
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([asset], instance=instance, raise_on_error=False)
        build = dg.build_run_status_sensor_context
        context = build(
            sensor_name=sensor,
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=(
                result.get_run_success_event() if result.success else result.get_run_failure_event()
            ),
            resources={"installation": Installation(root=str(home.root), data=str(home.data))},
        )
        if sensor == "failed_runs":
            context = context.for_run_failure()
        repository.get_sensor_def(sensor)(context)
    log = (home.reports / "alerts" / "alerts.log").read_text(encoding="utf-8")
    if sensor == "failed_checks":
        assert "tabel:mis" in log
        assert "3 van 9 fout" in log
        assert "tabel:goed" not in log
    else:
        assert "run:" in log
