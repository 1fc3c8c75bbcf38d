"""An edition from real files: what was received later changes nothing in it."""

import csv
import hashlib
import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from frictionless import validate

from via_pipeline.contracts.model import load
from via_pipeline.intake.run import take_in
from via_pipeline.letters.editions import UnknownEdition, editions
from via_pipeline.letters.package import emit
from via_pipeline.letters.provenance import provenance
from via_pipeline.pilots import conform
from via_pipeline.pilots.conform import RetentionEnded
from via_pipeline.quality.results import Verdict
from via_pipeline.quality.run import judge
from via_pipeline.storage.home import Home

DATA = Path(__file__).parents[2] / "data"
SOURCE = "p8_begeleiding"
EARLY = "2020-09-24"
NOW = datetime(2021, 12, 1, tzinfo=UTC)


def process(home):
    for source in ("register", "reference", SOURCE):
        contract = load(source)
        take_in(home, contract, run_id="test", now=NOW, settle_seconds=0)
        judge(home, contract, run_id="test")
        conform.refresh(home, contract)


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter=delimiter))


def deliveries(folder: Path) -> dict[str, str]:
    found = json.loads((folder / "herkomst.json").read_text(encoding="utf-8"))["leveringen"]
    return {item["bestand"]: item["ontvangen"] for item in found if item["bron"] == SOURCE}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The third letter before and after later deliveries arrived, and the last one."""
    root = tmp_path_factory.mktemp("edities")
    home = Home(root=root / "home", data=root / "data").ensure()
    for kept in ("register", "reference"):
        shutil.copytree(DATA / kept, home.data / kept)
    arrived = home.landing / SOURCE
    shutil.copytree(DATA / "landing" / SOURCE / EARLY, arrived / EARLY)
    process(home)
    emit(home, "derde")
    before = content(home.letters / "derde")
    for folder in (DATA / "landing" / SOURCE).iterdir():
        if folder.name != EARLY:
            shutil.copytree(folder, arrived / folder.name)
    process(home)
    emit(home, "derde")
    emit(home, "slot")
    emit(home, "eerste")
    return home, before


def test_the_register_names_four_editions(told):
    home, _ = told
    assert [(item.name, item.reading_date) for item in editions(home)] == [
        ("eerste", date(2018, 11, 16)),
        ("tweede", date(2019, 11, 12)),
        ("derde", date(2020, 11, 9)),
        ("slot", date(2021, 11, 17)),
    ]
    assert editions(home)[2].parliament == "29 544, nr. 1029"
    assert editions(home)[0].parliament is None


def test_later_deliveries_change_no_byte_of_an_earlier_edition(told):
    home, before = told
    assert content(home.letters / "derde") == before
    assert set(deliveries(home.letters / "derde").values()) == {EARLY}


def test_the_last_edition_stands_on_the_revision_and_the_new_period(told):
    home, _ = told
    found = deliveries(home.letters / "slot")
    assert found and EARLY not in found.values()
    assert content(home.letters / "slot") != content(home.letters / "derde")


def test_every_edition_is_a_valid_package_even_without_deliveries(told):
    home, _ = told
    for name in ("eerste", "derde", "slot"):
        report = validate(str(home.letters / name / "datapackage.json"))
        assert report.valid, report.flatten(["type", "message"])
    assert deliveries(home.letters / "eerste") == {}


def test_no_edition_knows_a_fact_of_after_its_date(told):
    home, _ = told
    steps = (home.letters / "eerste" / "vervolgstappen.csv").read_text(encoding="utf-8")
    assert "spoor_vaste_banen" not in steps
    steps = (home.letters / "derde" / "vervolgstappen.csv").read_text(encoding="utf-8")
    assert "spoor_vaste_banen" in steps


# The tables of figures that others published, with the dataset that tells them and its key.
PUBLISHED = {
    "werkloosheid": ("covid19_context", ("periode", "achtergrond", "vintage")),
    "barometer_benchmark": (
        "benchmark_culturele_diversiteit",
        ("label", "periode", "indeling", "categorie"),
    ),
}


@pytest.mark.parametrize(
    ("table", "expected"), [("werkloosheid", [9, 9, 19]), ("barometer_benchmark", [11, 11, 14])]
)
def test_an_edition_tells_what_others_had_published_by_its_day_and_nothing_else(
    told, table, expected
):
    home, _ = told
    dataset, key = PUBLISHED[table]
    kept = rows(DATA / "reference" / f"{table}.csv", ";")
    numbers = []
    for edition in editions(home):
        folder = home.letters / edition.name
        if not folder.exists():
            continue
        day = edition.reading_date.isoformat()
        known = {
            tuple(row[name] for name in key)
            for row in kept
            if row["bekend_op"] and row["bekend_op"] <= day
        }
        found = rows(folder / f"{dataset}.csv")
        assert {
            tuple(row[name] for name in key) for row in found if row.get("is_synthetisch") != "true"
        } == known, edition.name
        numbers.append(len(known))
    assert numbers == expected


def test_no_organisation_is_held_against_a_figure_without_a_known_day(told):
    """The national shares have no date at their source: they are in the present state alone."""
    home, _ = told
    undated = {
        row["label"]
        for row in rows(DATA / "reference" / "barometer_benchmark.csv", ";")
        if not row["bekend_op"]
    }
    assert undated == {"Werknemers in Nederland"}
    for folder in (home.letters / name for name in ("eerste", "derde", "slot")):
        for path in folder.glob("*culturele_diversiteit.csv"):
            assert not undated & set(path.read_text(encoding="utf-8").split(",")), path


def test_a_figure_says_when_it_became_known_or_why_nobody_knows(tmp_path):
    home = Home(root=tmp_path / "home", data=tmp_path / "data").ensure()
    shutil.copytree(DATA / "reference", home.data / "reference")
    path = home.data / "reference" / "werkloosheid.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    silent = lines[1].replace("2020KW03;", "2019KW04;", 1).split(";")
    silent[-2:] = ["", ""]
    early = lines[1].replace("2020KW03;", "2020KW04;", 1)
    path.write_text("\n".join([*lines, ";".join(silent), early]) + "\n", encoding="utf-8")
    contract = load("reference")
    take_in(home, contract, run_id="test", now=NOW, settle_seconds=0)
    (judged,) = judge(home, contract, run_id="test")
    assert judged.verdict is Verdict.REJECTED
    assert {rule.rule: rule.rows for rule in judged.rules if not rule.passed} == {
        "werkloosheid__dag_of_reden": (21,),
        "werkloosheid__bekend_na_periode": (22,),
    }


def test_the_state_has_all_eight_pilots(told):
    home, _ = told
    text = (home.letters / "derde" / "stand_van_zaken.csv").read_text(encoding="utf-8")
    assert [line.split(",")[0] for line in text.splitlines() if line[:1] == "P"] == [
        f"P{number}" for number in range(1, 9)
    ]


def test_provenance_names_a_file_only_where_its_name_is_the_contracts(told, monkeypatch):
    home, _ = told
    origin = provenance(home, date(2021, 11, 17))
    assert {item["bron"] for item in origin["leveringen"]} == {"register", "reference", SOURCE}
    assert all(len(item["sha256"]) == 64 for item in origin["leveringen"])
    monkeypatch.setattr("via_pipeline.contracts.model.Delivery.match", lambda *_: None)
    hidden = provenance(home, date(2021, 11, 17))
    assert {item["bestand"] for item in hidden["leveringen"] if item["bron"] == SOURCE} == {None}


def test_the_zip_is_the_folder(told, tmp_path):
    home, _ = told
    shutil.unpack_archive(home.letters / "derde.zip", tmp_path)
    assert content(tmp_path / "derde") == content(home.letters / "derde")


def test_provenance_holds_the_hash_of_every_part(told):
    home, _ = told
    origin = json.loads((home.letters / "slot" / "herkomst.json").read_text(encoding="utf-8"))
    assert len(origin["code_sha256"]) == 64 and origin["uitgave"] == "slot"
    received = [item for item in origin["leveringen"] if item["ontvangen"]]
    assert received
    for item in received:
        file = home.landing / item["bron"] / item["ontvangen"] / item["bestand"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == item["sha256"]
    for part in ("contracten", "maten", "analyseplannen", "onthullingsregels"):
        assert origin[part] and all(len(item["sha256"]) == 64 for item in origin[part])
    assert all(len(item["plan_hash"]) == 64 for item in origin["analyseplannen"])
    keys = [item["sleutel"] for item in origin["leveringen"] if item["bron"] == SOURCE]
    assert keys and all("periode" in key for key in keys)


def test_the_edition_before_is_read_where_it_is_whole_and_of_now_else_made_again(told, tmp_path):
    """Whatever lies in letters/: the same deliveries give the same changes."""
    home, _ = told
    slot = content(home.letters / "slot")
    assert "vergeleken met `derde`" in (home.letters / "slot" / "WIJZIGINGEN.md").read_text("utf-8")
    kept = shutil.copytree(home.letters / "derde", tmp_path / "derde")
    spoiled = home.letters / "derde" / "voorlopige_resultaten.csv"
    spoiled.write_bytes(spoiled.read_bytes().replace(b",aandeel,", b",aandee1,"))
    emit(home, "slot")
    assert content(home.letters / "slot") == slot
    shutil.rmtree(home.letters / "derde")
    emit(home, "slot")
    assert content(home.letters / "slot") == slot
    shutil.copytree(kept, home.letters / "derde")


def test_an_edition_before_whose_rows_are_gone_for_good_is_its_package_or_nothing(
    told, tmp_path, monkeypatch
):
    home, _ = told
    slot = content(home.letters / "slot")

    def gone(*_):
        raise RetentionEnded("weg")

    monkeypatch.setattr("via_pipeline.letters.before._made", gone)
    monkeypatch.setattr("via_pipeline.letters.before.provenance", lambda *_: {"leesdatum": "nu"})
    emit(home, "slot")
    assert content(home.letters / "slot") == slot
    kept = shutil.move(home.letters / "derde", tmp_path / "derde")
    emit(home, "slot")
    said = (home.letters / "slot" / "WIJZIGINGEN.md").read_text("utf-8")
    assert "na hun bewaartermijn" in said and "eerste editie" not in said
    shutil.copytree(kept, home.letters / "derde")
    monkeypatch.undo()
    emit(home, "slot")
    assert content(home.letters / "slot") == slot


def test_a_correction_is_another_release_compared_with_what_was_published(told, tmp_path):
    home, _ = told
    published = shutil.copytree(home.letters / "slot", tmp_path / "slot")
    emit(home, "slot", revision=1, previous=published, correction="Een telfout.")
    described = json.loads((home.letters / "slot" / "datapackage.json").read_text("utf-8"))
    assert described["uitgave"] == "slot.1"
    assert "vergeleken met `slot`" in (home.letters / "slot" / "WIJZIGINGEN.md").read_text("utf-8")
    emit(home, "slot")
    assert content(home.letters / "slot") == content(published)


@pytest.mark.parametrize("name", ["vierde", "", "../derde", "derde/.."])
def test_an_edition_that_the_register_does_not_have_is_refused(told, name):
    home, _ = told
    with pytest.raises(UnknownEdition):
        emit(home, name)
    assert sorted(path.name for path in home.letters.iterdir()) == [
        *("derde", "derde.zip", "eerste", "eerste.zip", "slot", "slot.zip"),
    ]
