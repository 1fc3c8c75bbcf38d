"""A run that Dagster starts by itself is the only one at work in a bucket, or says why not."""

from __future__ import annotations

import gc
import json
import os
import signal
import time
from types import SimpleNamespace
from uuid import UUID

import dagster as dg
import pytest
from dagster._core.definitions.reconstruct import ReconstructableRepository

from via_pipeline import garbage
from via_pipeline.defs import executor
from via_pipeline.defs.assemble import build_defs
from via_pipeline.defs.automation import COUNT, NIGHTLY, PEILDATUM, sensors
from via_pipeline.defs.resources import Installation
from via_pipeline.storage import kept, lease
from via_pipeline.storage.atomic import BusyError
from via_pipeline.storage.home import Home
from via_pipeline_tests.storage.buckets import keys, machine

BY_HAND = "__ASSET_JOB"


@dg.op
def report(context) -> None:
    """Writes a report, and tells whether another machine could begin now."""
    _report(context)


@dg.asset(name=PEILDATUM)
def peildatum(context) -> None:
    """The same."""
    _report(context)


@dg.asset
def other_table() -> None:
    """Something else that is made."""


def _report(context) -> None:
    home = Home.from_env().ensure()
    (home.reports / "verslag.txt").write_text("van de nacht")
    if home.url is None:
        return
    other = lease.Lease(machine(home.root.parent / "ander", home.url).bucket, "ander")
    try:
        other.take(0)
        context.log.info("another could begin")
    except BusyError:
        context.log.info("another must wait")


def _job(name: str) -> dg.JobDefinition:
    job = dg.GraphDefinition(name=name, node_defs=[report]).to_job()
    return dg.Definitions(jobs=[job], executor=executor.alone).resolve_job_def(name)


@dg.op
def tell_thresholds(context) -> None:
    context.log.info(f"garbage is looked for after {gc.get_threshold()}")


def telling() -> dg.JobDefinition:
    job = dg.GraphDefinition(name="vertelt", node_defs=[tell_thresholds]).to_job()
    return dg.Definitions(jobs=[job], executor=executor.alone).resolve_job_def("vertelt")


def nightly() -> dg.JobDefinition:
    return _job(NIGHTLY)


def assets() -> dg.Definitions:
    count = dg.define_asset_job(COUNT, selection=[PEILDATUM])
    return dg.Definitions([peildatum, other_table], jobs=[count], executor=executor.alone)


@dg.op
def cancelled() -> None:
    """Writes a report; then somebody presses "Terminate"."""
    (Home.from_env().ensure().reports / "verslag.txt").write_text("half")
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)


def broken_off() -> dg.JobDefinition:
    job = dg.GraphDefinition(name=NIGHTLY, node_defs=[cancelled]).to_job()
    return dg.Definitions(jobs=[job], executor=executor.alone).resolve_job_def(NIGHTLY)


@pytest.fixture
def home(tmp_path, url, monkeypatch) -> Home:
    monkeypatch.setenv("VIA_HOME", url)
    monkeypatch.setenv("VIA_STATE", str(tmp_path / "een" / "state"))
    monkeypatch.setenv("VIA_DATA", str(tmp_path / "een" / "data"))
    return machine(tmp_path / "een", url)


def run(make) -> tuple[bool, str]:
    """Whether the run did well, and all that it said, as the daemon's processes execute it."""
    return _run(dg.reconstructable(make))


def materialize(job: str, *chosen: str) -> tuple[bool, str]:
    """The same of some assets; a job that Dagster has by itself is in its repository only."""
    found = ReconstructableRepository.for_module(__name__, assets.__name__)
    some = [dg.AssetKey(name) for name in chosen]
    return _run(found.get_reconstructable_job(job), asset_selection=some)


def _run(job, **more) -> tuple[bool, str]:
    with dg.instance_for_test() as instance:
        done = dg.execute_job(job, instance, raise_on_error=False, **more)
        said = [entry.user_message for entry in instance.all_logs(done.run_id)]
        errors = [
            str(entry.dagster_event.job_failure_data.error)
            for entry in instance.all_logs(done.run_id)
            if entry.dagster_event and entry.dagster_event.is_job_failure
        ]
        return done.success, "\n".join([*said, *errors])


def test_a_night_holds_the_bucket_sends_what_it_did_and_tidies(home, server, url, monkeypatch):
    home.bucket.put("reports/files/abc/half.txt", b"half")
    home.bucket.put(f"reports/{kept.LATEST}", b'{"files": {}, "links": {}, "earlier": []}')
    monkeypatch.setattr(kept, "_ORPHAN_SECONDS", -60)
    is_right, said = run(nightly)
    assert is_right and "another must wait" in said
    left = [key for key in keys(server, url) if key.startswith("reports/files/")]
    assert len(left) == 1 and left[0].endswith("/verslag.txt")
    lease.Lease(machine(home.root.parent / "ander", url).bucket, "ander").take(0)


def test_a_night_while_another_machine_is_at_work_fails_and_says_so(home, server, url, monkeypatch):
    monkeypatch.setattr(executor, "LOCK_WAIT_SECONDS", 0)
    other = lease.Lease(machine(home.root.parent / "ander", url).bucket, "ander")
    other.take(0)
    is_right, said = run(nightly)
    assert not is_right and "another machine is at work" in said
    assert keys(server, url) == [lease.LEASE] and list(home.reports.iterdir()) == []
    other.renew()


def test_a_night_that_is_terminated_sends_what_it_did(home, server, url):
    is_right, _ = run(broken_off)
    assert not is_right
    assert f"reports/{kept.LATEST}" in keys(server, url)
    other = machine(home.root.parent / "ander", url)
    with kept.alone(other, 0):
        (other.reports / "verslag.txt").write_text("van een ander")
    with kept.alone(home, 0):
        assert (home.reports / "verslag.txt").read_text() == "van een ander"


@pytest.mark.parametrize("job", [COUNT, BY_HAND])
def test_counts_run_beside_each_other_however_they_are_started(home, server, url, job):
    is_right, said = materialize(job, PEILDATUM)
    assert is_right and "another could begin" in said


def test_a_count_together_with_something_else_is_alone(home, server, url):
    is_right, said = materialize(BY_HAND, PEILDATUM, "other_table")
    assert is_right and "another must wait" in said


def test_on_a_disk_nothing_is_held(home, tmp_path, monkeypatch):
    monkeypatch.setenv("VIA_HOME", str(tmp_path / "schijf"))
    monkeypatch.setattr(kept, "alone", None)
    assert run(nightly)[0]
    assert (tmp_path / "schijf" / "reports" / "verslag.txt").exists()


def tell(job: str, number: int) -> list[str]:
    """The sensor sees that ``job`` failed; what it warns of."""
    warned: list[str] = []
    log = SimpleNamespace(info=lambda _: None, warning=warned.append)
    with dg.instance_for_test() as instance:
        run_of = dg.DagsterRun(job_name=job, run_id=str(UUID(int=number)))
        context = SimpleNamespace(dagster_run=run_of, instance=instance, log=log)
        sensors._tell(context, Installation(), failed_run=True)
    return warned


@pytest.mark.parametrize("is_next_a_run", [True, False])
def test_an_alert_waits_for_nobody_and_keeps_no_run_of_its_machine_away(
    home, server, url, monkeypatch, is_next_a_run
):
    handed: list[str] = []
    monkeypatch.setattr("via_pipeline.defs.alerts.run_hook", lambda one: handed.append(one.subject))
    monkeypatch.setattr(sensors, "ALONE_SECONDS", 0)
    assert tell("eerste", 1) == []
    other = machine(home.root.parent / "ander", url)
    with kept.alone(other, 0):
        for _ in range(2):
            (warned,) = tell("tweede", 2)
            assert "another machine is at work" in warned
        (other.reports / "verslag.txt").write_text("van een ander")
    assert handed == ["run:eerste", "run:tweede"], "at once, and once"
    if is_next_a_run:
        assert run(nightly)[0]
    else:
        assert tell("derde", 3) == []
    kept.fetch(other)
    log = (other.reports / "alerts" / "alerts.log").read_text().splitlines()
    told = [json.loads(line)["subject"] for line in log]
    assert told[:2] == ["run:eerste", "run:tweede"] and len(told) == (2 if is_next_a_run else 3)
    assert len(handed) == len(told)
    # It was taken up: no second time.
    assert run(nightly)[0]
    kept.fetch(other)
    assert len((other.reports / "alerts" / "alerts.log").read_text().splitlines()) == len(told)


def test_every_job_is_executed_so():
    jobs = build_defs().get_repository_def().get_all_jobs()
    assert len(jobs) > 5 and {job.executor_def.name for job in jobs} == {"alone"}
    (count,) = (job for job in jobs if job.name == COUNT)
    assert {node.name for node in count.nodes} == executor.BESIDE_OTHERS


def test_a_scheduled_night_looks_for_garbage_as_seldom_as_via_run(tmp_path, monkeypatch) -> None:
    """Python's own thresholds have every run go through all of Dagster, over and over."""
    monkeypatch.setenv("VIA_HOME", str(tmp_path / "home"))
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    try:
        is_right, said = run(telling)
    finally:
        gc.set_threshold(*before)
    assert is_right and f"after {garbage.THRESHOLDS}" in said
