"""Workers: what is asked of them, by whom, and that nothing of it starts by itself."""

from __future__ import annotations

from datetime import date

import dagster as dg
import pytest

from via_pipeline.defs import automation
from via_pipeline.defs.assemble import build_defs
from via_pipeline.defs.automation import workers
from via_pipeline.defs.programme.peildata import PARTITIONS, peildatum
from via_pipeline.defs.resources import Installation
from via_pipeline.diversity import run
from via_pipeline.storage import lake
from via_pipeline.storage.home import Home
from via_pipeline_tests.diversity.organisations import FIRST, SECOND, deliver, home_in, know
from via_pipeline_tests.diversity.world import people


@pytest.fixture
def home(tmp_path) -> Home:
    home = home_in(tmp_path)
    know(home, ["O01"])
    for day in (FIRST, SECOND):
        deliver(home, people(0, 260), "O01", day)
    return home


def installed(home: Home) -> Installation:
    return Installation(root=str(home.root), data=str(home.data))


def tick(home: Home, instance: dg.DagsterInstance) -> dg.SensorResult:
    """What the sensor asks for, with its partitions added and deleted as the daemon does."""
    result = workers.asked(home, instance.get_dynamic_partitions("peildatum"))
    for change in result.dynamic_partitions_requests or []:
        if isinstance(change, dg.AddDynamicPartitionsRequest):
            instance.add_dynamic_partitions("peildatum", list(change.partition_keys))
        else:
            for key in change.partition_keys:
                instance.delete_dynamic_partition("peildatum", key)
    return result


@pytest.mark.parametrize(
    ("schedules", "switch", "runs"),
    [("on", "on", True), ("on", None, False), (None, "on", False), (None, None, False)],
)
def test_nothing_is_asked_of_workers_unless_both_switches_are_on(
    monkeypatch, schedules, switch, runs
):
    for name, value in (("VIA_SCHEDULES", schedules), ("VIA_WORKERS", switch)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    repository = build_defs().get_repository_def()
    early, sensor = repository.get_schedule_def("early"), repository.get_sensor_def("new_people")
    assert (early.default_status is dg.DefaultScheduleStatus.RUNNING) is runs
    assert (sensor.default_status is dg.DefaultSensorStatus.RUNNING) is runs
    assert early.job_name == automation.TAKE_IN and sensor.job_name == automation.COUNT


def test_a_peildatum_is_asked_for_once_and_again_when_its_delivery_is_corrected(home):
    with dg.DagsterInstance.ephemeral() as instance:
        asked = {one.partition_key: one.run_key for one in tick(home, instance).run_requests}
        assert set(asked) == {FIRST, SECOND} == set(instance.get_dynamic_partitions("peildatum"))
        again = {one.partition_key: one.run_key for one in tick(home, instance).run_requests}
        assert again == asked, "Dagster starts no second run for a key that it knows"

        deliver(home, people(0, 265), "O01", SECOND, revision=2)
        later = {one.partition_key: one.run_key for one in tick(home, instance).run_requests}
        assert later[FIRST] == asked[FIRST] and later[SECOND] != asked[SECOND]


def test_a_peildatum_of_which_nothing_is_left_is_no_partition_any_more(home):
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("peildatum", ["1999-12-31"])
        tick(home, instance)
        assert set(instance.get_dynamic_partitions("peildatum")) == {FIRST, SECOND}


def test_a_run_counts_its_peildatum_and_the_night_takes_it_up(home):
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(str(PARTITIONS.name), [FIRST, SECOND])
        result = dg.materialize(
            [peildatum],
            instance=instance,
            partition_key=SECOND,
            resources={"installation": installed(home)},
        )
        assert result.success
        (made,) = result.asset_materializations_for_node(automation.PEILDATUM)
        assert made.metadata["parts_computed"].value == 2
    assert "diversity__telling" not in lake.tables(home.lake)
    done = run.refresh(home)
    assert done.computed == [f"diversity__telling/{FIRST}"]
    assert date.fromisoformat(SECOND) in run.peildata(home)


def test_the_night_does_not_wait_for_workers_and_they_wait_for_no_night():
    """The counts are in no pool, so they run side by side; what writes tables is in one."""
    definitions = build_defs()
    graph = definitions.resolve_asset_graph()
    night = definitions.resolve_job_def(automation.NIGHTLY).asset_layer.selected_asset_keys
    early = definitions.resolve_job_def(automation.TAKE_IN).asset_layer.selected_asset_keys
    key = dg.AssetKey(automation.PEILDATUM)
    assert key not in night and not graph.get(key).pools
    assert graph.get(key).parent_keys <= early | {dg.AssetKey("reference__land")}
    assert early < night
    assert all(
        graph.get(one).pools == {"via_home"} for one in early if graph.get(one).is_executable
    )
