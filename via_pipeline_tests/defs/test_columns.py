"""Every asset tells its story: what, whose, how fresh, which columns, and where each comes from."""

from __future__ import annotations

import os
import re
from pathlib import Path

import dagster as dg
import pytest
import yaml

from via_pipeline.contracts.model import load_all
from via_pipeline.defs import automation, columns, events, instance, policy
from via_pipeline.defs.assemble import build_defs
from via_pipeline.disclosure.model import load_datasets
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline_tests.journeys import house

TYPES = Path(columns.__file__).with_name("column_types.yaml")
HEAD = (
    "# Columns and types of computed tables, as the rooms declare them: made by\n"
    "# test_columns.py with VIA_UPDATE_SNAPSHOT=1, and held to them by it.\n"
)
# Rooms whose assets are steps and not tables.
STEPS = {"intake", "quality", "privacy", "status"}
# Counted from the ledger, and from the release itself: no column upstream.
NOT_OF_ROWS = {"pilots__dekking", "disclosure__beveiliging"}
LETTERS_RELEASES = "letters__uitgave"


@pytest.fixture(scope="module")
def specs() -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in build_defs().resolve_all_asset_specs()}


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_the_types_are_what_the_rooms_declare() -> None:
    """A change of columns: set VIA_UPDATE_SNAPSHOT=1, and describe what is new in columns.yaml."""
    found = dict(sorted(columns.declared().items()))
    if os.environ.get("VIA_UPDATE_SNAPSHOT"):
        text = yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=120)
        TYPES.write_text(HEAD + text, encoding="utf-8")
    kept = yaml.safe_load(TYPES.read_text(encoding="utf-8"))
    assert {name: list(kept[name].items()) for name in kept} == {
        name: list(found[name].items()) for name in found
    }


def test_every_asset_tells_its_story(specs) -> None:
    for name, spec in specs.items():
        page, _, anchor = policy.doc_page(spec.key).partition("#")
        file = house.PROJECT / "docs" / page
        assert file.exists(), (name, page)
        assert not anchor or anchor in anchors(file), (name, anchor)
        assert f"docs/{page}" in spec.description, name
        assert spec.owners and spec.kinds and spec.group_name, name
        is_made_nightly = spec.group_name != "landing" and spec.partitions_def is None
        assert (spec.freshness_policy is not None) == is_made_nightly, name
        is_table = spec.group_name not in STEPS and name not in (
            LETTERS_RELEASES,
            "landing__onbekend",
            automation.PEILDATUM,  # writes parts; the table is another asset's
        )
        found = spec.metadata.get("dagster/column_schema")
        assert (found is not None) == is_table, name
        if found is not None:
            assert [column.name for column in found.columns] == columns.columns_of(name)
            bare = [column.name for column in found.columns if not column.description]
            assert bare == [], f"{name}: columns without words"


def test_the_link_is_one_where_the_pages_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(policy.DOCS_VARIABLE, "https://docs.voorbeeld.example/")
    assert policy.doc_link("operate.md#settings") == (
        "Documentatie: [operate](https://docs.voorbeeld.example/operate.html#settings)"
    )


def test_no_column_comes_from_a_column_that_is_not_there(specs) -> None:
    for name, spec in specs.items():
        upstream = [dep.asset_key.to_user_string() for dep in spec.deps]
        for column, pairs in columns.origins(name, upstream).items():
            assert column in columns.columns_of(name), (name, column)
            for table, origin in pairs:
                assert origin in columns.columns_of(table), (name, column, table, origin)


def test_a_figure_in_a_letter_is_traced_to_the_columns_of_partners_files(specs) -> None:
    upstream = {
        name: [dep.asset_key.to_user_string() for dep in spec.deps] for name, spec in specs.items()
    }

    def sources(asset: str, column: str) -> set[str]:
        found, waiting = set(), [(asset, column)]
        seen = set(waiting)
        while waiting:
            table, name = waiting.pop()
            if table.startswith("landing__"):
                found.add(f"{table}.{name}")
            for pair in columns.origins(table, upstream.get(table, ())).get(name, []):
                if pair not in seen:
                    seen.add(pair)
                    waiting.append(pair)
        return found

    letter = automation.LETTER
    assert {
        "landing__p5_behoud.medewerker.promotie",
        "landing__p7_ww.ww_periode.begindatum",
        "landing__p8_begeleiding.meting.ladder",
    } <= sources(letter, "voorlopige_resultaten.waarde")
    assert sources(letter, "culturele_diversiteit.aandeel_pct") >= {
        "landing__p4_barometer.baan.geboorteland_moeder",
        "landing__p4_barometer.baan.geboortedatum",
    }
    assert sources(letter, "covid19_context.werkloosheid_pct") == {
        "landing__reference.werkloosheid.werkloosheid_pct"
    }
    for dataset in load_datasets():
        for name in filter(None, (dataset.count, dataset.value)):
            if dataset.name not in ("leveringskwaliteit", "beveiliging"):  # of the ledger, of us
                assert sources(columns.BI_FILE, f"{dataset.name}.{name}"), (dataset.name, name)


def test_the_columns_of_the_lake_are_those_that_are_told(sample_run: house.Ran, specs) -> None:
    with work() as connection:
        for name in lake.tables(sample_run.home.lake):
            if name not in specs:
                continue
            lake.view(connection, sample_run.home.lake, name)
            real = connection.execute(f"DESCRIBE {name}").fetchall()
            told = specs[name].metadata["dagster/column_schema"].columns
            assert [(row[0], row[1].lower()) for row in real] == [
                (column.name, column.type) for column in told
            ], name


@pytest.mark.usefixtures("own_dagster_home")
def test_what_a_night_leaves_in_the_event_log(sample_run: house.Ran, specs, monkeypatch) -> None:
    """Figures to plot, lineage, and checks that say in two languages what is wrong."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    with instance.opened(sample_run.home) as opened:
        (night,) = opened.get_run_records(dg.RunsFilter(job_name=automation.NIGHTLY))
        made = {
            entry.dagster_event.asset_key.to_user_string(): (
                entry.dagster_event.step_materialization_data.materialization.metadata
            )
            for entry in opened.all_logs(
                night.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
            )
        }
        failed = [
            found
            for found in events.evaluations(opened, night.dagster_run.run_id)
            if not found.passed
        ]
    for name, metadata in made.items():
        numbers = [one for one in metadata.values() if isinstance(one.value, (int, float))]
        assert numbers, f"{name} has nothing to plot"
        if "dagster/column_schema" in specs[name].metadata and name not in (columns.BI_FILE,):
            assert "dagster/row_count" in metadata, name
            assert "dagster/column_lineage" in metadata or name in NOT_OF_ROWS, name
        if name.startswith("quality__"):
            assert metadata["rules_evaluated"].value >= metadata["rules_failed"].value >= 0
    assert columns.BI_FILE in made
    assert len(failed) > 20
    for found in failed:
        subject = events.subject(found)
        dutch, _, english = (found.description or "").partition(" / ")
        assert len(dutch) > 10 and len(english) > 10, subject
        assert "what_to_do" in found.metadata, subject
        if "examples" in found.metadata:
            assert re.search(r"\.(csv|xlsx|ods|sav|zip|parquet)", found.metadata["examples"].value)


def test_every_source_is_among_them(specs) -> None:
    assert {f"landing__{contract.source}" for contract in load_all()} <= set(specs)
