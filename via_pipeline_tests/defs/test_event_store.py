"""The event log with its connections kept open is Dagster's own, only faster."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy
import yaml
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy.engine import Engine

from via_pipeline.defs import instance
from via_pipeline.defs.event_store import _OPEN_SHARDS, KeptOpenSqliteEventLogStorage
from via_pipeline.defs.events import evaluations
from via_pipeline.storage.home import Home


@dg.asset(check_specs=[dg.AssetCheckSpec("goed", asset="tabel")])
def tabel() -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={"rows": 3}, check_results=[dg.AssetCheckResult(passed=True)]
    )


def _storage(opened: dg.DagsterInstance) -> object:
    """The storage itself, where Dagster wraps it."""
    return getattr(opened.event_log_storage, "_storage", opened.event_log_storage)


@pytest.fixture
def home(tmp_path: Path, own_dagster_home: None) -> Home:
    made = Home(tmp_path / "home", tmp_path / "data").ensure()
    instance.prepare(made)
    return made


def test_the_shipped_settings_choose_it_and_tell_nobody(home: Home) -> None:
    with instance.opened(home) as opened:
        assert isinstance(_storage(opened), KeptOpenSqliteEventLogStorage)
        assert opened.telemetry_enabled is False
        assert opened.nux_enabled is False
        assert opened.run_monitoring_enabled
        assert opened.run_retries_enabled


def test_what_it_writes_dagsters_own_class_reads(home: Home) -> None:
    with instance.opened(home) as opened:
        run_ids = [dg.materialize([tabel], instance=opened).run_id for _ in range(_OPEN_SHARDS + 2)]
        for run_id in run_ids:
            (found,) = evaluations(opened, run_id)
            assert found.passed
    settings = yaml.safe_load((home.dagster / "dagster.yaml").read_text())
    del settings["event_log_storage"]
    (home.dagster / "dagster.yaml").write_text(yaml.safe_dump(settings))
    with dg.DagsterInstance.from_config(str(home.dagster)) as plain:
        assert type(_storage(plain)) is SqliteEventLogStorage
        assert len(evaluations(plain, run_ids[0])) == 1
        latest = plain.get_latest_materialization_event(dg.AssetKey("tabel"))
        assert latest is not None
        assert latest.run_id == run_ids[-1]


_WRITER = """
import sys, dagster as dg
from via_pipeline_tests.defs.test_event_store import tabel
with dg.DagsterInstance.from_config(sys.argv[1]) as opened:
    for _ in range(3):
        print(dg.materialize([tabel], instance=opened).run_id)
"""


def test_two_processes_that_write_lose_nothing(home: Home) -> None:
    """As the webserver and a run do; a third process reads meanwhile."""
    with instance.opened(home) as opened:
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", _WRITER, str(home.dagster)],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=instance.PROJECT,
            )
            for _ in range(2)
        ]
        runs = [line for writer in writers for line in writer.communicate(timeout=120)[0].split()]
        assert len(runs) == 6
        assert all(len(evaluations(opened, run_id)) == 1 for run_id in runs)


def test_few_files_stay_open(home: Home) -> None:
    with instance.opened(home) as opened:
        for _ in range(_OPEN_SHARDS + 3):
            dg.materialize([tabel], instance=opened)
        storage = _storage(opened)
        assert len(storage._engines) <= _OPEN_SHARDS
        assert "index" in storage._engines


MANY = 30
PLANNED = dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED


@dg.multi_asset_check(
    specs=[dg.AssetCheckSpec(f"regel_{number}", asset="tabel") for number in range(MANY)]
)
def regels():
    for number in range(MANY):
        yield dg.AssetCheckResult(passed=True, check_name=f"regel_{number}")


def _job() -> dg.JobDefinition:
    job = dg.define_asset_job("nacht", selection="*")
    return dg.Definitions([tabel], asset_checks=[regels], jobs=[job]).resolve_job_def("nacht")


def _commits(call: Callable[[], object]) -> int:
    """How many transactions that wrote something ``call`` ends."""
    seen: Counter[str] = Counter()
    wrote: set[object] = set()

    def executed(connection, cursor, statement, *_) -> None:
        if statement.split()[0] in ("INSERT", "UPDATE"):
            wrote.add(connection.connection.dbapi_connection)

    def committed(connection) -> None:
        if connection.connection.dbapi_connection in wrote:
            wrote.discard(connection.connection.dbapi_connection)
            seen["commits"] += 1

    sqlalchemy.event.listen(Engine, "after_cursor_execute", executed)
    sqlalchemy.event.listen(Engine, "commit", committed)
    try:
        call()
    finally:
        sqlalchemy.event.remove(Engine, "after_cursor_execute", executed)
        sqlalchemy.event.remove(Engine, "commit", committed)
    return seen["commits"]


def test_what_a_run_plans_is_written_at_once_and_a_check_in_one_step_a_file(home: Home) -> None:
    with instance.opened(home) as opened:
        job = _job()
        planned = _commits(lambda: opened.create_run_for_job(job))
        assert planned < MANY
        run = []
        made = _commits(lambda: run.append(job.execute_in_process(instance=opened)))
        # A check is three: its evaluation in the run and in the index, its output in the run. The
        # steps themselves are some thirty.
        assert made < 3 * MANY + 40
        assert len(evaluations(opened, run[0].run_id)) == MANY + 1


def test_what_cannot_be_written_together_is_written_one_by_one_and_once(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of a batch that failed stays, so that nothing of it is there twice."""
    failed: list[EventLogEntry] = []
    store = SqliteEventLogStorage.store_event

    def failing(self: SqliteEventLogStorage, event: EventLogEntry) -> None:
        store(self, event)
        if not failed and event.dagster_event_type is PLANNED and "regel_7" in str(event):
            failed.append(event)
            raise OSError("the disk is full for a moment")

    monkeypatch.setattr(SqliteEventLogStorage, "store_event", failing)
    with instance.opened(home) as opened:
        run = opened.create_run_for_job(_job())
        kept = [
            entry.dagster_event.asset_check_planned_data.check_name
            for entry in opened.all_logs(run.run_id, of_type=PLANNED)
        ]
    assert failed
    assert sorted(kept) == sorted({*kept})
    assert len(kept) == MANY + 1
