"""The sample editions, published: made again, weighed against late deliveries, never touched."""

from __future__ import annotations

import csv
import json
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from via_pipeline.contracts.model import load
from via_pipeline.intake.run import take_in
from via_pipeline.letters.release import (
    candidate,
    concept,
    freeze,
    gate,
    impact,
    log,
    night,
    rebuild,
)
from via_pipeline.letters.release.states import State
from via_pipeline.letters.release.verify import Severity, verify
from via_pipeline.pilots import conform
from via_pipeline.quality.run import judge
from via_pipeline.storage.home import Home
from via_pipeline_tests.journeys import house as runs
from via_pipeline_tests.letters_release import house

EARLY, LATER = "tweede", "derde"
CORRECTED = "p7_ww_2019KW2_synthetisch_v1.csv"
DROPPED = 3


@pytest.fixture(scope="module")
def out(sample_run: runs.Ran, tmp_path_factory: pytest.TempPathFactory):
    """The sample run with two editions published; tests that change anything copy it first."""
    home = runs.copied(sample_run.home, tmp_path_factory.mktemp("uitgaven"))
    for start, edition in enumerate((EARLY, LATER)):
        house.published(home, edition, 100 * start)
    return home


def landed(home, name) -> Path:
    return next(home.landing.rglob(name))


def test_a_delivery_that_was_changed_gives_another_edition_and_says_which(out, tmp_path):
    home = runs.copied(out, tmp_path)
    path = landed(home, "p5_behoud_A_2018_synthetisch_v1.csv")
    path.write_bytes(path.read_bytes().rsplit(b"\n", 2)[0] + b"\n")
    before = runs.bytes_of(home.lake)
    found = rebuild.rebuild(home, EARLY)
    assert runs.bytes_of(home.lake) == before
    assert list(home.scratch.iterdir()) == [], "persons' data were left behind"
    assert found.is_made and not found.is_equal
    assert "voorlopige_resultaten.csv" in [item.file for item in found.differences]
    assert "herkomst.json" in [item.file for item in found.differences]
    assert any(path.name in reason and "veranderd" in reason for reason in found.reasons)
    wrong = [f for f in verify(home, EARLY).findings if f.severity is Severity.WRONG]
    assert {f.where for f in wrong} == {path.relative_to(home.data).as_posix()}


def test_a_correction_carries_its_number_its_reason_and_what_it_changes(out, tmp_path):
    home = runs.copied(out, tmp_path)
    gate.revise(home, EARLY, "Levering A is gecorrigeerd.", house.AUTHOR, house.at(20))
    with pytest.raises(candidate.NoPackage, match="via run --force"):
        gate.submit(home, EARLY, house.AUTHOR, house.at(21))
    concept.make(home, EARLY)
    house.published(home, EARLY, 30)
    second = freeze.folder_of(home, EARLY, 2)
    told = json.loads((second / "herkomst.json").read_text("utf-8"))
    assert told["uitgave"] == f"{EARLY}.1"
    assert EARLY in (second / "WIJZIGINGEN.md").read_text("utf-8")
    # The same deliveries: against the first revision nothing has changed.
    assert len((second / "wijzigingen.csv").read_text("utf-8").splitlines()) == 1
    found = rebuild.rebuild(home, EARLY)
    assert (found.revision, found.is_equal, found.reasons) == (2, True, ())


def test_a_delivery_that_is_gone_is_not_guessed_at(out, tmp_path):
    home = runs.copied(out, tmp_path)
    path = landed(home, "p5_behoud_A_2018_synthetisch_v1.csv")
    path.unlink()
    found = rebuild.rebuild(home, EARLY)
    assert not found.is_made and not found.is_equal
    assert any("is er niet meer" in reason for reason in found.reasons)
    told = runs.via(home, "reproduce", EARLY, "--json")
    assert told.code == 3, told.output
    assert runs.via(home, "reproduce", EARLY, "--revision", "7").code == 1


def test_what_a_correction_would_change_is_worked_out_and_nothing_hidden_is_shown(out):
    """The sample has one: p8's second file of 2019H2, of after the third letter."""
    found = impact.impact(out, LATER)
    assert {name.split("-")[0] for name in (*found.added, *found.dropped)} == {"p8_begeleiding"}
    assert found.cells and {cell.dataset for cell in found.cells} >= {"voorlopige_resultaten"}
    hidden = [cell for cell in found.cells if cell.soort == "verborgen"]
    assert hidden
    assert {cell.gepubliceerd for cell in hidden} == {cell.zou_worden for cell in hidden}
    assert {cell.gepubliceerd for cell in hidden} == {impact.HIDDEN}
    folder = impact.write(out, found)
    assert stat.S_IMODE(out.reports.stat().st_mode) == 0o700
    with (folder / "gevolgen.csv").open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter=";"))
    assert len(rows) == len(found.cells) == sum(found.by_dataset.values())
    assert all(row["leveringen"].startswith("p8_begeleiding-") for row in rows)
    assert "niet gewijzigd" in (folder / "gevolgen.md").read_text(encoding="utf-8")


def test_an_edition_that_nothing_late_is_about_would_stay_the_same(out):
    found = impact.impact(out, EARLY)
    assert found.cells == () and found.added == () == found.dropped


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory):
    """One pilot's deliveries of before the third letter, and that edition published."""
    root = tmp_path_factory.mktemp("klein")
    home = Home(root / "home", root / "data").ensure()
    shipped = runs.PROJECT / "data"
    for name in ("register", "reference"):
        shutil.copytree(shipped / name, home.data / name)
    for day in ("2020-04-24", "2020-07-27"):
        shutil.copytree(shipped / "landing" / "p7_ww" / day, home.landing / "p7_ww" / day)
    for source in ("register", "reference", "p7_ww"):
        contract = load(source)
        take_in(
            home, contract, run_id="test", now=datetime(2020, 11, 9, tzinfo=UTC), settle_seconds=0
        )
        judge(home, contract, run_id="test")
        conform.refresh(home, contract)
    concept.make(home, LATER)
    house.published(home, LATER)
    return home


@pytest.mark.long(2, alone=True)
def test_a_late_delivery_and_a_run_change_no_byte_of_what_was_published(small):
    home = small
    folder = freeze.folder_of(home, LATER, 1)
    before, made = runs.bytes_of(home.releases), runs.bytes_of(home.letters / LATER)
    records = log.read(log.path_of(home, LATER)).records
    late = home.landing / "p7_ww" / "2021-12-01" / CORRECTED
    late.parent.mkdir()
    lines = landed(home, CORRECTED).read_bytes().splitlines(keepends=True)
    late.write_bytes(b"".join(lines[:-DROPPED]))

    ran = runs.via(home, "run", "--edition", LATER)

    assert ran.code == 0, ran.output
    assert runs.bytes_of(home.releases) == before
    assert runs.bytes_of(home.letters / LATER) == made
    assert log.read(log.path_of(home, LATER)).records == records
    # The night looked after it: the newest edition was made again from the kept deliveries, byte
    # for byte, and the late delivery was weighed.
    told = json.loads((home.run / "narekening.json").read_text(encoding="utf-8"))
    assert told["narekening"]["answer"] == {
        "is_equal": True,
        "is_made": True,
        "is_same_code": True,
        "files": len(runs.bytes_of(folder)) - 1,
        "different": [],
        "reasons": [],
    }
    assert night.backtest(home).edition == LATER
    assert told[f"gevolgen-{LATER}"]["answer"]["cells"] > 0
    assert night.backtest(home).is_remembered and all(i.is_remembered for i in night.changes(home))
    report = home.reports / "uitgaven" / f"{LATER}-r1" / "gevolgen.csv"
    with report.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter=";"))
    whole = [
        int(row["gepubliceerd"]) - int(row["zou_worden"])
        for row in rows
        if row["sleutel"].startswith("P7 / p7_ww / alle / 2019KW2 / totaal / totaal")
        and row["kolom"] == "n"
        and row["soort"] == "gewijzigd"
    ]
    assert whole and set(whole) == {DROPPED}
    assert verify(home).is_right
    assert gate.dossier(home, LATER).state is State.PUBLISHED


def test_every_delivery_that_is_touched_is_named(out, tmp_path):
    home = runs.copied(out, tmp_path)
    kept = [path for path in home.landing.rglob("*") if path.is_file() and path.suffix != ".md"]
    assert len(kept) > 60 and verify(home).is_right
    for path in kept:
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    named = {item.where for item in verify(home).findings if item.severity is Severity.WRONG}
    assert named == {path.relative_to(home.data).as_posix() for path in kept}


def test_the_commands_tell_people_and_scripts_and_have_exit_codes(out, tmp_path):
    home = runs.copied(out, tmp_path)
    told = runs.via(home, "release", "status", "--json")
    assert told.code == 0
    states = {item["editie"]: item["staat"] for item in json.loads(told.output)}
    assert states == {
        "eerste": "concept",
        EARLY: "gepubliceerd",
        LATER: "gepubliceerd",
        "slot": "concept",
    }
    assert runs.via(home, "verify").code == 0
    refused = runs.via(home, "release", "publish", "slot", "--as", "anna")
    assert refused.code == 1 and refused.output.startswith("Geweigerd:")
    assert "Traceback" not in refused.output
    assert runs.via(home, "release", "publish", "slot").code == 2, "nobody said who"
    assert runs.via(home, "verify", "vierde").code == 2
    path = freeze.folder_of(home, EARLY, 1) / "bereik.csv"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")
    found = runs.via(home, "verify", "--json")
    assert found.code == 1
    said = json.loads(found.output)
    assert not said["klopt"]
    assert [item["where"] for item in said["findings"] if item["severity"] == "fout"] == [
        "r1/bereik.csv"
    ]
