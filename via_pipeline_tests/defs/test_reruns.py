"""Every job launches as it stands in the Launchpad, and the jobs for a part do that part."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from via_pipeline.contracts.model import load, load_all, source_names
from via_pipeline.defs import automation
from via_pipeline.defs.assemble import build_defs
from via_pipeline.defs.automation import reruns
from via_pipeline.defs.resources import Installation
from via_pipeline.intake.ledger import Ledger
from via_pipeline.quality import resolve
from via_pipeline.quality.results import path_of
from via_pipeline_tests.intake import house as intake
from via_pipeline_tests.quality.test_resolve import NAME, fill, rows

P5 = load("p5_behoud")


@pytest.fixture(scope="module")
def jobs() -> dict[str, dg.JobDefinition]:
    repository = build_defs().get_repository_def()
    return {job.name: job for job in repository.get_all_jobs() if not job.name.startswith("__")}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> intake.House:
    """A home with one delivery of P5 lying ready."""
    made = intake.House.build(tmp_path)
    os.utime(made.land("p5_behoud", NAME, intake.p5_text(rows()), "2021-02-01"), (0, 0))
    monkeypatch.setenv("VIA_HOME", str(made.home.root))
    monkeypatch.setenv("VIA_DATA", str(made.home.data))
    return made


def launch(
    small: intake.House, job: dg.JobDefinition, config: dict | None = None, **more
) -> dg.ExecuteInProcessResult:
    """As the Launchpad does: the job, its default configuration unless given."""
    here = Installation(root=str(small.home.root), data=str(small.home.data))
    (op,) = [node.name for node in job.nodes] if config is not None else [""]
    return job.execute_in_process(
        run_config={"ops": {op: {"config": config}}} if config is not None else None,
        resources={"installation": here},
        instance=dg.DagsterInstance.ephemeral(),
        **more,
    )


def told(result: dg.ExecuteInProcessResult) -> dict:
    (event,) = [event for event in result.all_events if event.is_successful_output]
    found = event.event_specific_data.metadata
    return {name: value.value for name, value in found.items()}


def test_there_is_a_job_for_every_need(jobs) -> None:
    assert set(jobs) == {
        automation.NIGHTLY,
        automation.PUBLISH,
        automation.GATE,
        automation.TAKE_IN,
        automation.COUNT,
        reruns.DELIVERY,
        reruns.PERIOD,
        reruns.CORRECTION,
        *(f"{reruns.REFRESH}{source}" for source in source_names()),
    }
    assert all(job.description and job.tags for job in jobs.values())


def test_no_job_for_a_part_publishes_anything(jobs) -> None:
    for contract in load_all():
        job = jobs[f"{reruns.REFRESH}{contract.source}"]
        rooms = {key.path[-1].split("__")[0] for key in job.asset_layer.executable_asset_keys}
        assert rooms <= {"intake", "quality", "pilots", "register", "reference", "outcomes"}
        assert {"intake", "quality"} <= rooms


def test_an_edition_or_a_backfill_of_several_is_a_choice_of_partitions(jobs) -> None:
    keys = jobs[automation.PUBLISH].partitions_def.get_partition_keys()
    assert {"tweede", "derde", "slot"} <= set(keys)


@pytest.mark.parametrize("name", [reruns.DELIVERY, reruns.PERIOD, reruns.CORRECTION])
def test_it_launches_with_its_defaults_where_nothing_came_yet(jobs, small, name: str) -> None:
    assert launch(small, jobs[name]).success


def test_one_pilot_one_delivery_a_period_and_a_correction(jobs, small) -> None:
    """In the order in which a person does it."""
    done = launch(small, jobs["refresh_p5_behoud"])
    assert done.success
    (row,) = Ledger(small.home.ledger).rows("p5_behoud")
    assert row.rows_accepted == 36
    result = path_of(small.home.reports, row.delivery_id)
    before = result.stat().st_mtime_ns

    assert told(launch(small, jobs[reruns.DELIVERY]))["judged"] == 1
    assert result.stat().st_mtime_ns > before, "judged again"
    period = {"received_from": "2021-01-01", "received_to": "2021-01-31"}
    assert told(launch(small, jobs[reruns.PERIOD], period))["judged"] == 0
    period["received_to"] = "2021-02-01"
    assert told(launch(small, jobs[reruns.PERIOD], period))["judged"] == 1

    sheet = small.home.root / "herstel.xlsx"
    resolve.write(sheet, resolve.lines(small.home, P5))
    fill(sheet, {(3, "deeltijdfactor"): "0,90"})
    asked = {"sheet": str(sheet), "who": "An Ander"}
    assert told(launch(small, jobs[reruns.CORRECTION], asked))["judged"] == 1
    (now,) = Ledger(small.home.ledger).current("p5_behoud")
    assert (now.corrects, now.rows_accepted) == (row.delivery_id, 37)
    assert now.received is not None and now.received > date(2021, 2, 1)


@pytest.mark.parametrize(
    ("name", "config", "answer"),
    [
        (reruns.DELIVERY, {"source": "p99"}, "no contract 'p99'; known: p1_studiekeuze"),
        (reruns.DELIVERY, {"delivery": "p5_behoud-1"}, "has no delivery p5_behoud-1"),
        (reruns.PERIOD, {"received_to": "gisteren"}, "is not a day"),
        (
            reruns.PERIOD,
            {"received_from": "2021-02-01", "received_to": "2021-01-01"},
            "before it begins",
        ),
        (reruns.CORRECTION, {"sheet": "/nergens.xlsx"}, "say in 'who'"),
        (reruns.CORRECTION, {"sheet": "/nergens.xlsx", "who": "An"}, "there is no sheet"),
    ],
)
def test_a_slip_in_the_launchpad_is_a_sentence(jobs, small, name, config, answer) -> None:
    with pytest.raises(dg.Failure, match=answer):
        launch(small, jobs[name], config)
