"""The event log with its connections kept open is Dagster's own, only faster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.storage.event_log import SqliteEventLogStorage

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
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    made = Home(tmp_path / "home", tmp_path / "data").ensure()
    instance.prepare(made)
    yield made
    monkeypatch.delenv("DAGSTER_HOME", raising=False)


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
