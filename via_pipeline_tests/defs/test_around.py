"""Nothing around the figures tells a hidden one: two worlds that differ in hidden numbers only.

Whatever is written, shown or logged for anyone but checkers must be the same in both. What checkers
have (``audit__*`` in the lake, ``reports/disclosure``) must not: it shows that the worlds differ.
"""

from __future__ import annotations

import re
import sqlite3

import dagster as dg
import pytest

from via_pipeline.defs import charts
from via_pipeline.defs.programme import publication
from via_pipeline.defs.resources import Installation
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline_tests.disclosure import tables
from via_pipeline_tests.journeys.house import bytes_of

GROUPS = ("nederlands", "westers", "niet_westers", "onbekend")
# The first two are hidden in either world: one for its size, the other to protect it.
WORLDS = ((4, 20, 60, 70), (7, 17, 60, 70))
# What differs between any two runs: their ids, moments, durations, folders and process.
_OF_A_RUN = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+(\.\d+)? ?m?s\b|pid: \d+|/[^ ]*|\d{4}-\d\d-\d\d[^ ]*"
)
_SECONDS = re.compile(r"_seconds$")


def world(folder, sizes):
    home = tables.home_in(folder)
    tables.example(home)
    rows = []
    for measure, part in (("baan", 12), ("deelnemers", None)):
        for group, n in (*zip(GROUPS, sizes, strict=True), ("totaal", sum(sizes))):
            names = "totaal" if group == "totaal" else "herkomst_oud"
            if part is None:
                rows.append(tables.count("alle", names, group, measure, n))
            elif n > 2 * part or group == "totaal":
                rows.append(tables.share("alle", names, group, measure, n, n // 2))
    with work() as connection:
        tables.table(connection, "invoer", tables.RESULT, rows)
        lake.replace_table(home.lake, "outcomes__result", connection, "FROM invoer")
    return home


def seen(home) -> dict[str, object]:
    """All that a run leaves for others than checkers."""
    result = dg.materialize(
        [publication.disclosure, publication.bi_file],
        resources={"installation": Installation(root=str(home.root), data=str(home.data))},
    )
    metadata = {
        f"{event.asset_key} {name}": value.value
        for event in (
            *result.asset_materializations_for_node("disclosure"),
            *result.asset_materializations_for_node("serving__bi_file"),
            *charts.observations(home),
        )
        for name, value in event.metadata.items()
        if not _SECONDS.search(name)
    }
    checks = {
        one.check_name: (one.passed, one.description, {n: v.value for n, v in one.metadata.items()})
        for one in result.get_asset_check_evaluations()
    }
    return {
        "metadata": metadata,
        "checks": checks,
        "lines": [_OF_A_RUN.sub("~", event.message or "") for event in result.all_events],
        "tags": result.dagster_run.tags,
        "files": {
            name: data
            for name, data in bytes_of(home.root).items()
            if not name.startswith(("lake/", "reports/disclosure/", "locks/"))
        },
        "tables": {
            name: data
            for name, data in bytes_of(home.lake).items()
            if name.startswith("disclosure__")
        },
    }


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    homes = [world(tmp_path_factory.mktemp("wereld"), sizes) for sizes in WORLDS]
    return homes, [seen(home) for home in homes]


@pytest.mark.parametrize("what", ["metadata", "checks", "lines", "tags", "files", "tables"])
def test_nothing_tells_the_two_worlds_apart(worlds, what):
    _, (one, other) = worlds
    assert one[what] == other[what]
    assert one[what] or what == "tags"


def test_the_worlds_do_differ_and_checkers_see_it(worlds):
    homes, _ = worlds
    assert bytes_of(homes[0].lake) != bytes_of(homes[1].lake)
    told = []
    for home in homes:
        with work() as connection:
            lake.view(connection, home.lake, "audit__interval")
            told.append(
                connection.execute(
                    "SELECT DISTINCT waarde FROM audit__interval "
                    "WHERE dataset = 'resultaat' AND cel LIKE '%/ deelnemers' ORDER BY ALL"
                ).fetchall()
            )
    assert told == [[(4,), (20,)], [(7,), (17,)]]


def test_a_run_carries_no_tag_but_what_dagster_and_the_house_name(sample_run):
    """Tags are kept for good and shown everywhere: job, partition, schedule, who; no figure."""
    keys = set()
    for path in (sample_run.home.root / "dagster").glob("**/runs.db"):
        with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as connection:
            keys |= {key for (key,) in connection.execute("SELECT DISTINCT key FROM run_tags")}
    assert keys and all(key.startswith((".dagster/", "dagster/", "via/")) for key in keys)
    assert {key for key in keys if key.startswith("via/")} <= {"via/soort", "via/aanleiding"}
