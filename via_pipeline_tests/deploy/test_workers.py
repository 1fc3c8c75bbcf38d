"""The settings of workers as they ship, and the one thing that Dagster's launcher leaves open.

The rest is shown by ``make workers``, over a real broker and a real database.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import dagster as dg
import pytest
import yaml
from dagster._core.launcher import WorkerStatus

from via_pipeline import worker
from via_pipeline_tests.journeys.house import PROJECT

SETTINGS = PROJECT / "deploy" / "workers" / "dagster.yaml"
FILES = PROJECT / "deploy" / "docker-compose.workers.yml"
HOURS = 3600


def settings() -> dict:
    return yaml.safe_load(SETTINGS.read_text())


@pytest.fixture
def instance(tmp_path, monkeypatch) -> Iterator[dg.DagsterInstance]:
    """An instance with the shipped settings; no server is asked anything, so SQLite will do."""
    told = settings()
    del told["storage"]
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(told))
    monkeypatch.setenv("VIA_BROKER_URL", "memory://")
    monkeypatch.setenv("VIA_RESULTS_URL", "cache+memory://")
    with dg.DagsterInstance.from_config(str(tmp_path)) as found:
        yield found


def test_workers_have_the_settings_of_every_other_installation():
    production = yaml.safe_load((PROJECT / "deploy" / "dagster.yaml").read_text())
    ours = settings()
    ours.pop("run_launcher")
    assert ours["concurrency"]["runs"].pop("max_concurrent_runs") > 2
    assert production["concurrency"]["runs"].pop("max_concurrent_runs") == 2
    assert ours == production


def test_a_run_may_take_longer_than_the_broker_waits_by_itself():
    """RabbitMQ takes a task away that is not acknowledged in half an hour; ours run for hours."""
    lines = (SETTINGS.parent / "rabbitmq.conf").read_text().splitlines()
    told = dict(line.split(" = ") for line in lines if " = " in line and line[0] != "#")
    longest = settings()["run_monitoring"]["max_runtime_seconds"]
    assert int(told["consumer_timeout"]) > 1000 * longest


def test_a_worker_listens_with_the_settings_of_the_instance(instance):
    app = worker.listening(instance)
    assert app.conf.broker_url == "memory://" and app.conf.result_backend == "cache+memory://"
    assert app.conf.worker_concurrency == app.conf.worker_max_tasks_per_child == 1
    tasks = [app.tasks[name] for name in ("execute_job", "resume_job")]
    assert all(task.acks_late and task.track_started for task in tasks)


def test_without_the_settings_a_worker_says_which_it_needs():
    with (
        dg.DagsterInstance.ephemeral() as plain,
        pytest.raises(TypeError, match=r"deploy/workers/dagster\.yaml"),
    ):
        worker.listening(plain)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("STARTED", WorkerStatus.RUNNING),
        ("PENDING", WorkerStatus.UNKNOWN),
        ("FAILURE", WorkerStatus.FAILED),
        # Its task was given to another worker, which left it alone: nobody is at work.
        ("SUCCESS", WorkerStatus.FAILED),
    ],
)
def test_a_run_that_goes_on_after_its_task_ended_has_lost_its_worker(
    instance, monkeypatch, state, status
):
    launcher = instance.run_launcher
    monkeypatch.setattr(launcher.celery, "AsyncResult", lambda _: SimpleNamespace(state=state))
    run = instance.create_run_for_job(
        dg.GraphDefinition("leeg").to_job(), tags={"dagster-celery/task_id": "t"}
    )
    assert launcher.check_run_worker_health(run).status is status


def test_only_code_location_and_workers_see_the_data():
    base = yaml.safe_load((PROJECT / "deploy" / "docker-compose.yml").read_text())["services"]
    more = yaml.safe_load(FILES.read_text())["services"]
    both = {name: [base.get(name, {}), more.get(name, {})] for name in base.keys() | more.keys()}
    sees = {
        name
        for name, parts in both.items()
        for part in parts
        for volume in part.get("volumes", [])
        if ":/srv/data" in volume
    }
    assert sees == {"code", "worker"}
    assert not [name for name, service in more.items() if "ports" in service]
    assert more["worker"]["networks"] == more["broker"]["networks"] == ["inside"]
    assert more["worker"]["read_only"] and more["worker"]["cap_drop"] == ["ALL"]
    settled = "./workers/dagster.yaml:/srv/dagster/dagster.yaml:ro"
    assert all(settled in more[name]["volumes"] for name in more.keys() - {"broker"})
