"""The code location: loads, keeps its shape, and says of every asset what the UI should show."""

import os
import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from via_pipeline.contracts import model
from via_pipeline.contracts.model import Severity
from via_pipeline.defs import assemble, automation, columns, events, guard, policy, standing
from via_pipeline.defs.assemble import build_defs
from via_pipeline.defs.programme.publication import PROTECTED
from via_pipeline.defs.source_checks import check_name, target
from via_pipeline.disclosure import record
from via_pipeline.disclosure.model import load_datasets
from via_pipeline.quality.run import rules_by_table
from via_pipeline.storage.home import Home

PROJECT = Path(__file__).parents[2]
SNAPSHOT = Path(__file__).parent / "asset_graph.txt"
OUTSIDE = "landing"


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_defs()


def _specs(definitions: dg.Definitions) -> list[dg.AssetSpec]:
    return sorted(definitions.resolve_all_asset_specs(), key=lambda spec: spec.key.path)


def _snapshot(definitions: dg.Definitions) -> str:
    checks: dict[str, list[str]] = {}
    graph = definitions.resolve_asset_graph()
    for key in graph.asset_check_keys:
        checks.setdefault(key.asset_key.to_user_string(), []).append(key.name)
    lines = []
    for spec in _specs(definitions):
        name = spec.key.to_user_string()
        lines.append(f"{name}  [{spec.group_name}]  {' '.join(spec.owners)}")
        upstream = sorted(dep.asset_key.to_user_string() for dep in spec.deps)
        upstream = sorted(dep.asset_key.to_user_string() for dep in spec.deps)
        lines += [f"    <- {dep}" for dep in upstream]
        found = sorted(checks.get(name, []))
        if found:
            lines.append(f"    checks: {', '.join(found)}")
    return "\n".join(lines) + "\n"


def test_the_asset_graph_is_as_agreed(definitions: dg.Definitions) -> None:
    """A change of shape is a decision: look at the difference, then set VIA_UPDATE_SNAPSHOT=1."""
    found = _snapshot(definitions)
    if os.environ.get("VIA_UPDATE_SNAPSHOT"):
        SNAPSHOT.write_text(found, encoding="utf-8")
    assert found == SNAPSHOT.read_text(encoding="utf-8")


def test_every_asset_tells_what_it_is(definitions: dg.Definitions) -> None:
    for spec in _specs(definitions):
        name = spec.key.to_user_string()
        assert re.fullmatch(r"[a-z]+__[a-z0-9_]+", name), name
        assert spec.description, name
        assert spec.group_name == policy.room(spec.key)
        assert spec.owners, name
        assert all(owner.startswith("team:") for owner in spec.owners)
        assert spec.kinds, name
        if spec.group_name != OUTSIDE:
            assert spec.code_version, name
            is_partitioned = spec.partitions_def is not None
            assert (spec.freshness_policy is None) == is_partitioned, name


def test_every_source_and_table_of_a_contract_is_an_asset(definitions: dg.Definitions) -> None:
    by_name = {spec.key.to_user_string(): spec for spec in _specs(definitions)}
    for contract in model.load_all():
        for room in ("landing", "intake", "quality"):
            assert f"{room}__{contract.source}" in by_name
        for table in contract.tables:
            assert (table.lake_table in by_name) == table.conformed
            if table.conformed:
                schema = by_name[table.lake_table].metadata["dagster/column_schema"]
                names = [column.name for column in schema.columns]
                assert names == list(table.conformed_types)


def test_a_letter_can_be_traced_to_every_partners_landing(definitions: dg.Definitions) -> None:
    deps = {
        spec.key.to_user_string(): {dep.asset_key.to_user_string() for dep in spec.deps}
        for spec in _specs(definitions)
    }
    names, waiting = set(), {automation.LETTER}
    while waiting:
        found = waiting.pop()
        names.add(found)
        waiting |= deps[found] - names
    for contract in model.load_all():
        assert f"landing__{contract.source}" in names, contract.source


def test_every_rule_of_every_contract_has_its_check(definitions: dg.Definitions) -> None:
    checks = {
        spec.key: spec
        for each in definitions.resolve_asset_graph().assets_defs
        for spec in each.check_specs
    }
    count = 0
    for contract in model.load_all():
        by_table = rules_by_table(contract, Home.from_env().data / "reference")
        for table in contract.tables:
            for rule in by_table[table.name]:
                key = dg.AssetCheckKey(
                    dg.AssetKey(target(contract, table)), check_name(table, rule.id)
                )
                assert key in checks, key
                assert rule.explanation in (checks[key].description or "")
                assert checks[key].metadata["severity"] == rule.severity.value
                assert not checks[key].blocking, "a partner's data blocks nothing"
                count += 1
    assert count > 400
    assert {Severity.REJECT_FILE, Severity.REJECT_ROW, Severity.WARN} <= {
        rule.severity
        for contract in model.load_all()
        for rules in rules_by_table(contract, Home.from_env().data / "reference").values()
        for rule in rules
    }


def test_only_the_platforms_own_faults_block(definitions: dg.Definitions) -> None:
    blocking = {
        spec.name
        for each in definitions.resolve_asset_graph().assets_defs
        for spec in each.check_specs
        if spec.blocking
    }
    assert blocking == {"rijen__sluiten", "alle_bronnen_verwerkt"}


def test_what_is_protected_is_what_disclosure_makes() -> None:
    made = {dataset.table: dataset.source for dataset in load_datasets()}
    told = {name: deps[0] for name, (_, deps) in PROTECTED.items() if deps}
    # The table about the release is made of the release itself.
    about = {"disclosure__beveiliging": record.SUMMARY}
    assert made == told | about


def test_the_jobs_are_the_night_the_letter_and_what_workers_do(definitions: dg.Definitions) -> None:
    night = definitions.resolve_job_def(automation.NIGHTLY)
    letter = definitions.resolve_job_def(automation.PUBLISH)
    made = {spec.key for spec in _specs(definitions) if spec.group_name != OUTSIDE}
    letters = {dg.AssetKey(automation.LETTER)}
    by_workers = {dg.AssetKey(automation.PEILDATUM)}
    assert night.asset_layer.executable_asset_keys == made - letters - by_workers
    assert letter.asset_layer.executable_asset_keys == letters
    assert night.partitions_def is None
    assert "derde" in letter.partitions_def.get_partition_keys()
    assert night.executor_def.name == "alone"


def test_dg_agrees() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "dg"), "check", "defs"],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All definitions loaded successfully" in done.stdout + done.stderr


def test_loading_the_definitions_imports_no_great_expectations() -> None:
    code = (
        "import sys; from via_pipeline.defs.assemble import build_defs; build_defs();"
        "heavy = {'great_expectations', 'pandas', 'sqlglot', 'pyspark'} & set(sys.modules);"
        "print(sorted(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert "great_expectations" not in done.stdout


def test_a_night_sees_the_whole_graph_without_building_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lineage and the status site ask for every asset: it takes a second to build them anew."""
    monkeypatch.setenv("VIA_HOME", str(tmp_path / "home"))
    made = build_defs()
    assert assemble.at_hand() is made

    def again(**_: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(dg, "load_from_defs_folder", again)
    columns.upstream_of.cache_clear()
    assert "disclosure__resultaat" in columns.upstream_of()["serving__bi_file"]
    with dg.DagsterInstance.ephemeral() as instance:
        done = made.get_implicit_global_asset_job_def().execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey(standing.SITE)]
        )
        processed = [
            found.passed
            for found in events.evaluations(instance, done.run_id)
            if found.check_name == guard.PROCESSED
        ]
    assert processed == [True]
    assert "herkomst.html" in {path.name for path in (tmp_path / "home/reports/site").iterdir()}


def test_where_nothing_was_built_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assemble, "_newest", {})
    assert assemble.at_hand() is assemble.at_hand()
