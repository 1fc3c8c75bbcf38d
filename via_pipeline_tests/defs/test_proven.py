"""The check on the proof, and what engineers see of protection, in real Dagster runs."""

from __future__ import annotations

import json

import dagster as dg
import pytest

from via_pipeline.defs import proven
from via_pipeline.defs.programme import publication
from via_pipeline.defs.resources import Installation
from via_pipeline.disclosure import record, release
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline_tests.disclosure import tables


@pytest.fixture
def home(tmp_path):
    home = tables.home_in(tmp_path)
    tables.example(home)
    return home


def materialize(home):
    return dg.materialize(
        [publication.disclosure],
        resources={"installation": Installation(root=str(home.root), data=str(home.data))},
        raise_on_error=False,
    )


def check(result) -> dg.AssetCheckEvaluation:
    (one,) = result.get_asset_check_evaluations()
    assert one.check_name == proven.NAME
    assert one.asset_key == dg.AssetKey(publication.PROOF)
    return one


def metadata(result) -> dict[str, dict]:
    return {
        one.asset_key.to_user_string(): {name: of.value for name, of in one.metadata.items()}
        for one in result.asset_materializations_for_node("disclosure")
    }


def test_a_proof_that_holds_passes_and_says_how_much_was_looked_at(home):
    result = materialize(home)
    assert result.success and check(result).passed
    told = {name: of.value for name, of in check(result).metadata.items()}
    kept = json.loads((home.reports / "disclosure" / "bi.json").read_text())
    assert told["intervals"] == sum(one.get("intervallen", 0) for one in kept.values()) > 0
    assert told["too_narrow"] == 0


def test_what_protection_took_is_told_in_whole_per_cents_and_seconds(home):
    told = metadata(materialize(home))
    of_proof = told[publication.PROOF]
    assert of_proof["search_seconds"] >= 0 and of_proof["proof_seconds"] >= 0
    results = told["disclosure__resultaat"]
    with work() as connection:
        lake.view(connection, home.lake, "disclosure__resultaat")
        shown = connection.execute(
            "SELECT sum(n), sum(teller) FROM (SELECT * FROM disclosure__resultaat)"
        ).fetchone()
    assert shown[0] and results["figures_hidden"] > 0
    assert 0 < results["hidden_pct"] < 100 and 0 <= results["value_lost_pct"] < 100
    assert isinstance(results["hidden_pct"], int), "numbers, so that Dagster plots them over time"


@pytest.mark.parametrize(
    ("primary", "more", "is_told"), [(9, 40, False), (10, 9, False), (10, 10, True)]
)
def test_how_many_are_hidden_by_themselves_is_told_only_of_many(primary, more, is_told):
    """With two hidden figures and their sum, 'one of them by itself' would tell both."""
    found = {
        "cellen": 200,
        "waarde": 4000,
        "primair": primary,
        "aanvullend": more,
        "waarde_primair": 40,
        "waarde_aanvullend": 400,
    }
    told = record.effort(found)
    assert told["figures_hidden"] == primary + more and told["value_lost_pct"] == 11
    assert ("primary_only_hidden_pct" in told) is is_told
    assert ("primary_only_value_lost_pct" in told) is is_told
    if is_told:
        assert (told["primary_only_hidden_pct"], told["primary_only_value_lost_pct"]) == (5, 1)


def test_a_proof_that_fails_is_a_failed_check_and_a_failed_step_and_replaces_nothing(
    home, monkeypatch
):
    assert materialize(home).success
    before = {path.name: path.read_bytes() for path in home.lake.glob("disclosure__*/*")}
    real = release.hide

    def leaky(*arguments):
        found = real(*arguments)
        found.names = set(found.primary)
        return found

    with monkeypatch.context() as broken:
        broken.setattr(release, "hide", leaky)
        broken.setattr(release, "coarser", lambda *_: set())
        result = materialize(home)
    assert not result.success
    failed = check(result)
    assert not failed.passed and failed.severity is dg.AssetCheckSeverity.ERROR
    assert "resultaat" in failed.description and "datasets.yaml" in failed.description
    assert failed.metadata["too_narrow"].value > 0
    after = {path.name: path.read_bytes() for path in home.lake.glob("disclosure__*/*")}
    assert after == before
    # No group, site or number of the hidden figures is in the words; checkers have them.
    told = failed.description + str(failed.metadata)
    assert "westers" not in told and "liander" not in told
    with work() as connection:
        lake.view(connection, home.lake, record.INTERVALS)
        narrow = connection.execute(
            f"SELECT count(*) FROM {record.INTERVALS} "
            f"WHERE uitgave = 'bi{record.REFUSED}' AND NOT is_veilig"
        ).fetchone()[0]
    assert narrow > 0
    assert materialize(home).success
    with work() as connection:
        lake.view(connection, home.lake, record.INTERVALS)
        kept = connection.execute(f"SELECT DISTINCT uitgave FROM {record.INTERVALS}").fetchall()
    assert kept == [("bi",)], "the next proof that holds takes the refused one's place"
    assert not list((home.reports / "disclosure").glob("*geweigerd*"))
