"""Who looked up what: recorded before it is told, also when nothing was found."""

from __future__ import annotations

import csv
import json
import shutil

import pytest
from typer.testing import CliRunner

from via_pipeline.cli import app
from via_pipeline.letters import inzage
from via_pipeline.storage.home import Home
from via_pipeline_tests.journeys import house

ADDRESS = "derde/bereik/000000000000"


@pytest.fixture
def home(tmp_path, monkeypatch) -> Home:
    place = Home(tmp_path / "via", tmp_path / "data").ensure()
    monkeypatch.setenv("VIA_HOME", str(place.root))
    monkeypatch.setenv("VIA_DATA", str(place.data))
    return place


def _via(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_a_look_up_is_recorded_with_name_account_and_address(home, monkeypatch):
    monkeypatch.setenv("VIA_USER", "m.jansen")
    assert _via("cijfer", ADDRESS).exit_code == 1
    (line,) = inzage.read(home).lines
    assert (line["wie"], line["adres"], line["uitkomst"]) == ("m.jansen", ADDRESS, "niet_gevonden")
    assert line["account"] and line["at"].endswith("Z")

    told = _via("inzage")
    assert told.exit_code == 0
    assert "m.jansen" in told.output and "1 inzagen; het logboek is heel." in told.output


def test_what_is_no_address_is_not_repeated_in_the_log(home):
    """Somebody may paste anything, an identifier too; only what is an address is kept."""
    assert _via("cijfer", "zomaar iets").exit_code == 2
    assert inzage.read(home).lines == ()


def test_a_log_that_was_touched_is_told_with_an_exit_code(home):
    for _ in range(3):
        _via("cijfer", ADDRESS)
    path = inzage.path_of(home)
    path.write_bytes(path.read_bytes().replace(b"niet_gevonden", b"gevonden"))
    told = _via("inzage", "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["problemen"] == ["regel 1 is veranderd"]


def _some_address(ran: house.Ran) -> str:
    with (ran.home.letters / "derde" / "bereik.csv").open(encoding="utf-8", newline="") as handle:
        return f"derde/bereik/{next(csv.DictReader(handle))['cel']}"


def test_a_figure_that_is_found_is_recorded(sample_run):
    address = _some_address(sample_run)
    found = house.via(sample_run.home, "cijfer", address, VIA_USER="checker")
    assert found.code == 0, found.output
    mine = [line for line in inzage.read(sample_run.home).lines if line["wie"] == "checker"]
    assert [(line["adres"], line["uitkomst"]) for line in mine] == [(address, "gevonden")]


def test_without_a_record_there_is_no_answer(sample_run, home, tmp_path):
    """The log cannot be written: then nothing is told."""
    folder = shutil.copytree(sample_run.home.letters / "derde", tmp_path / "pakket")
    asked = ["cijfer", _some_address(sample_run), "--package", str(folder)]
    assert _via(*asked).exit_code == 0
    inzage.path_of(home).unlink()
    inzage.path_of(home).mkdir()
    found = _via(*asked)
    assert found.exit_code == 1 and "Adres" not in found.stdout
    assert "kan niet worden vastgelegd" in found.output
