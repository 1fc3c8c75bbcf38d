"""A run that Dagster starts by itself is the only one at work in a bucket, or says why not."""

from __future__ import annotations

import gc
from types import SimpleNamespace
from uuid import UUID

import dagster as dg
import pytest

from via_pipeline import garbage
from via_pipeline.defs import executor
from via_pipeline.defs.assemble import build_defs
from via_pipeline.defs.automation import COUNT, NIGHTLY, sensors
from via_pipeline.defs.resources import Installation
from via_pipeline.storage import kept, lease
from via_pipeline.storage.atomic import BusyError
from via_pipeline.storage.home import Home
from via_pipeline_tests.storage.buckets import keys, machine


@dg.op
def report(context) -> None:
    """Writes a report, and tells whether another machine could begin now."""
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


def count() -> dg.JobDefinition:
    return _job(COUNT)


@pytest.fixture
def home(tmp_path, url, monkeypatch) -> Home:
    monkeypatch.setenv("VIA_HOME", url)
    monkeypatch.setenv("VIA_STATE", str(tmp_path / "een" / "state"))
    monkeypatch.setenv("VIA_DATA", str(tmp_path / "een" / "data"))
    return machine(tmp_path / "een", url)


def run(make) -> tuple[bool, str]:
    """Whether the run did well, and all that it said, as the daemon's processes execute it."""
    with dg.instance_for_test() as instance:
        done = dg.execute_job(dg.reconstructable(make), instance, raise_on_error=False)
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


def test_counts_run_beside_each_other(home, server, url):
    is_right, said = run(count)
    assert is_right and "another could begin" in said


def test_on_a_disk_nothing_is_held(home, tmp_path, monkeypatch):
    monkeypatch.setenv("VIA_HOME", str(tmp_path / "schijf"))
    monkeypatch.setattr(kept, "alone", None)
    assert run(nightly)[0]
    assert (tmp_path / "schijf" / "reports" / "verslag.txt").exists()


def test_an_alert_is_sent_and_never_waits_for_another_machine(home, server, url, monkeypatch):
    installation, warned = Installation(), []
    log = SimpleNamespace(info=lambda _: None, warning=warned.append)
    other = lease.Lease(machine(home.root.parent / "ander", url).bucket, "ander")
    monkeypatch.setattr(sensors, "ALONE_SECONDS", 0)
    with dg.instance_for_test() as instance:
        for number, job in enumerate(("eerste", "tweede")):
            run_of = dg.DagsterRun(job_name=job, run_id=str(UUID(int=number)))
            context = SimpleNamespace(dagster_run=run_of, instance=instance, log=log)
            sensors._tell(context, installation, failed_run=True)
            there = [key for key in keys(server, url) if "alerts.log" in key]
            assert len(there) == 1 and len(warned) == number
            if number == 0:
                other.take(0)
    assert "another machine is at work" in warned[0]
    told = (home.reports / "alerts" / "alerts.log").read_text()
    assert "eerste" in told and "tweede" in told


def test_every_job_is_executed_so():
    jobs = build_defs().get_repository_def().get_all_jobs()
    assert len(jobs) > 5 and {job.executor_def.name for job in jobs} == {"alone"}


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
