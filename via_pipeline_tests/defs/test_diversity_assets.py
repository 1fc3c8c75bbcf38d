"""The diversity step in Dagster: its tables, its three checks, and what its metadata may hold."""

from __future__ import annotations

import dagster as dg
import pytest

from via_pipeline.defs.programme import diversity as step
from via_pipeline.defs.resources import Installation
from via_pipeline.diversity import counts
from via_pipeline.diversity import run as rooms_run
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline_tests.diversity.organisations import (
    FIRST,
    MOROCCAN,
    SECOND,
    deliver,
    home_in,
    know,
)
from via_pipeline_tests.diversity.world import people


@pytest.fixture
def home(tmp_path):
    home = home_in(tmp_path)
    know(home, ["O01"])
    deliver(home, people(0, 26, countries=MOROCCAN) + people(26, 234), "O01", FIRST)
    return home


def run(home):
    result = dg.materialize(
        [step.diversity],
        resources={"installation": Installation(root=str(home.root), data=str(home.data))},
    )
    assert result.success
    evaluations = {one.check_name: one for one in result.get_asset_check_evaluations()}
    return result, evaluations


def test_all_is_well(home):
    deliver(home, people(0, 26, countries=MOROCCAN) + people(26, 234), "O01", SECOND)
    result, evaluations = run(home)
    made = {
        one.asset_key.to_user_string(): one.metadata
        for one in result.asset_materializations_for_node("diversity")
    }
    assert set(made) == set(step.TABLES)
    assert made["diversity__telling"]["parts_computed"].value == 2
    assert {name: one.passed for name, one in evaluations.items()} == dict.fromkeys(
        step.CHECKS, True
    )


def test_a_jump_and_a_bad_link_are_told_with_their_figure_and_no_share(home):
    jumped = people(0, 60, countries=MOROCCAN) + people(60, 180)
    lost = people(240, 20, countries=(None, None, None))  # 7.7%, more than one in twenty
    deliver(home, jumped + lost, "O01", SECOND)
    _, evaluations = run(home)
    jump, link = evaluations[step.JUMPS], evaluations[step.LINKED]
    assert not jump.passed and not link.passed and evaluations[step.CLOSED].passed
    assert jump.severity == link.severity == dg.AssetCheckSeverity.WARN
    assert jump.metadata["largest_pp"].value == 15.0
    assert "organisatie O01" in jump.metadata["content"].value
    assert link.metadata["over_maximum"].value == 1
    told = str([one.metadata for one in evaluations.values()])
    assert "niet_westers" not in told and "buiten_europa" not in told


def test_flows_that_do_not_add_up_are_our_own_fault(home, monkeypatch):
    deliver(home, people(0, 260), "O01", SECOND)
    refresh = rooms_run.refresh

    def loses_someone(home):
        done = refresh(home)
        with work(home.scratch) as connection:
            lake.view(connection, home.lake, counts.MOVES)
            lake.replace_table(
                home.lake,
                counts.MOVES,
                connection,
                f"SELECT * REPLACE (werknemers - 1 AS werknemers) FROM {counts.MOVES}",
            )
        return done

    monkeypatch.setattr(rooms_run, "refresh", loses_someone)
    _, evaluations = run(home)
    closed = evaluations[step.CLOSED]
    assert not closed.passed and closed.severity == dg.AssetCheckSeverity.ERROR
    assert closed.metadata["open_ends"].value > 0
