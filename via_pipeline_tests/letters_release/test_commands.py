"""The gate from a terminal and from Dagster: the same rules and log, and no vote left behind."""

from __future__ import annotations

import json

import dagster as dg
import pytest
from typer.testing import CliRunner

from via_pipeline.cli import app
from via_pipeline.defs.automation import GATE
from via_pipeline.defs.programme import release
from via_pipeline.defs.resources import Installation
from via_pipeline.letters.release import checklist, freeze, gate, log, night, rebuild
from via_pipeline.letters.release.ballot import Vote
from via_pipeline.letters.release.states import State
from via_pipeline_tests.letters_release import house
from via_pipeline_tests.letters_release.house import AUTHOR, EDITION, FIRST, SECOND, at


@pytest.fixture
def home(tmp_path, monkeypatch):
    found = house.home_in(tmp_path)
    house.package(found)
    monkeypatch.setenv("VIA_HOME", str(found.root))
    monkeypatch.setenv("VIA_DATA", str(found.data))
    return found


def via(*arguments, code=0, answers=""):
    done = CliRunner().invoke(app, list(arguments), input=answers)
    assert done.exit_code == code, done.output
    return done.output


# A terminal -----------------------------------------------------------------------------------


def test_two_people_walk_an_edition_out_with_commands_only(home):
    assert "concept" in via("release", "status")
    via("release", "submit", EDITION, "--as", AUTHOR, "--at", at(0))
    via(*f"release assign {EDITION} --as {AUTHOR} --checker {FIRST} --checker {SECOND}".split())
    for name in (FIRST, SECOND):
        told = via("release", "check", EDITION, "--as", name)
        assert "kleinste boven nul 40" in told and "2 nagerekend, 0 fout" in told
        assert "zonder cijfer: 1 c" in told
    for item, about in checklist.items().items():
        who = AUTHOR if about.by == "auteur" else FIRST
        via("release", "tick", EDITION, item, "--as", who)
    told = via("release", "vote", EDITION, "--as", FIRST, answers="akkoord\n")
    code = next(line.strip() for line in told.splitlines() if line.startswith("  Wy"))
    assert f"aan zet: {SECOND}" in told
    assert via("release", "open", EDITION, "--as", FIRST, "--code", code, code=1)
    told = via("release", "vote", EDITION, "--as", SECOND, "--vote", "niet akkoord", "--note", "n")
    assert "de uwe is geopend" in told and f"{SECOND}: niet_akkoord (n)" in told
    told = via("release", "open", EDITION, "--as", FIRST, answers=code + "\n")
    assert "teruggestuurd" in told
    assert via("release", "publish", EDITION, "--as", AUTHOR, code=1).startswith("Geweigerd:")
    told = via("release", "log", EDITION)
    assert told.count("openen") == 2 and "Sluitcontrolegetal" in told and code not in told


def test_what_each_command_refuses_it_refuses_with_a_sentence_and_code_one(home):
    for command in ("return", "withdraw", "revise", "revote"):
        told = via("release", command, EDITION, "--as", AUTHOR, "--reason", "x", code=1)
        assert told.startswith("Geweigerd:") and "Traceback" not in told
    via("release", "submit", EDITION, "--as", "twee woorden", code=1)
    via("release", "submit", "../x", "--as", AUTHOR, code=1)
    via("release", "submit", EDITION, "--as", AUTHOR, "--at", "gisteren", code=2)
    via("release", "vote", EDITION, "--as", AUTHOR, "--vote", "misschien", code=2)
    via("release", "revise", EDITION, "--as", AUTHOR, code=2)


def test_the_user_name_may_come_from_the_environment(home, monkeypatch):
    monkeypatch.setenv("VIA_USER", "Anna")
    assert json.loads(via("release", "submit", EDITION, "--json"))["indieners"] == ["anna"]


def test_the_screener_tells_people_what_to_do_and_scripts_by_its_code(home):
    house.package(home, [house.WHOLE | {"n": "9", "teller": "", "waarde": "1", "soort": "x"}])
    told = via("release", "screen", EDITION, code=1)
    assert "FAIL  minimum__getoond voorlopige_resultaten.csv" in told
    assert "Dien dit pakket niet in" in told
    said = json.loads(via("release", "screen", EDITION, "--json", code=1))
    assert said["aantallen"]["FAIL"] == 1
    assert via("release", "submit", EDITION, "--as", AUTHOR, code=1).startswith("Geweigerd:")
    assert not log.path_of(home, EDITION).exists()


# Dagster --------------------------------------------------------------------------------------


def run(home, instance, **config):
    return release.release_gate.execute_in_process(
        instance=instance,
        resources={"installation": Installation(root=str(home.root), data=str(home.data))},
        run_config={"ops": {"stap": {"config": {"edition": EDITION} | config}}},
        raise_on_error=False,
    ).success


@pytest.mark.usefixtures("own_dagster_home")
def test_the_job_takes_the_same_steps_and_keeps_no_vote(home, tmp_path):
    folder = tmp_path / "dagster"
    folder.mkdir()
    assert release.release_gate.name == GATE
    salt = house.salt("een")
    with dg.DagsterInstance.local_temp(str(folder)) as desk:
        assert run(home, desk, action="submit", who=AUTHOR, at=at(0))
        assert not run(home, desk, action="assign", who=AUTHOR, at=at(1), checkers=[AUTHOR, FIRST])
        gate.assign(home, EDITION, [FIRST, SECOND], AUTHOR, at(1))
        for name in (FIRST, SECOND):
            gate.check(home, EDITION, name, at(2))
        seal, code = gate.sealed(home, EDITION, Vote.NO, "mijn reden", FIRST, salt=salt)
        assert run(home, desk, action="vote", who=FIRST, at=at(3), seal=seal)
        kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert seal.encode() in kept
        for told in ("niet_akkoord", "mijn reden", salt, code):
            assert told.encode() not in kept
        gate.vote(home, EDITION, Vote.YES, "", SECOND, at(4), salt=house.salt("twee"))
        assert run(home, desk, action="open", who=FIRST, at=at(5), code=code)
        assert not run(home, desk, action="dansen", who=FIRST)
    assert gate.dossier(home, EDITION).state is State.RETURNED


def checks(home):
    done = dg.materialize(
        [release.uitgave],
        resources={"installation": Installation(root=str(home.root), data=str(home.data))},
    )
    assert done.success
    return {item.check_name: item for item in done.get_asset_check_evaluations()}


@pytest.mark.usefixtures("own_dagster_home")
def test_the_night_looks_after_what_is_out_and_works_only_when_something_changed(home, monkeypatch):
    quiet = checks(home)
    assert all(item.passed for item in quiet.values())
    assert set(quiet) == {release.INTACT, release.REBUILT, release.CURRENT}
    assert "nothing is published" in quiet[release.REBUILT].description

    house.published(home)
    calls = []

    def rebuilt(home, edition, revision):
        calls.append(revision)
        different = () if len(calls) == 1 else (rebuild.Difference("bereik.csv", "anders"),)
        return rebuild.Rebuilt(edition, revision, True, 5, different, ("levering weg",), True)

    monkeypatch.setattr(rebuild, "rebuild", rebuilt)
    monkeypatch.setattr(night, "changes", lambda home: [night.Change(EDITION, 1, 3, 1, False)])
    assert checks(home)[release.REBUILT].passed and checks(home)[release.REBUILT].passed
    assert calls == [1], "made again although nothing changed"

    arrived = home.landing / "p7_ww" / "2020-12-01" / "nieuw.csv"
    arrived.parent.mkdir(parents=True)
    arrived.write_text("x")
    found = checks(home)
    assert calls == [1, 1]
    assert not found[release.REBUILT].passed
    assert found[release.REBUILT].severity is dg.AssetCheckSeverity.ERROR
    assert found[release.REBUILT].description == "levering weg / 1 of 5 files differ"
    assert not found[release.CURRENT].passed
    assert found[release.CURRENT].severity is dg.AssetCheckSeverity.WARN
    assert found[release.INTACT].passed

    path = freeze.folder_of(home, EDITION, 1) / "LEESMIJ.md"
    path.chmod(0o644)
    path.write_text("x", encoding="utf-8")
    found = checks(home)[release.INTACT]
    assert not found.passed and "r1/LEESMIJ.md: is veranderd" in found.description
    for item in checks(home).values():
        dutch, english = item.metadata["what_to_do"].value.split(" / ")
        assert not item.passed and len(dutch) > 50 and len(english) > 50, item.check_name
        assert " / " in item.description, item.check_name


@pytest.mark.usefixtures("own_dagster_home")
def test_a_question_that_crashes_is_told_and_keeps_no_other(home, monkeypatch):
    def crash(home):
        raise ValueError("999990019")

    monkeypatch.setattr(night, "backtest", crash)
    found = checks(home)
    assert not found[release.REBUILT].passed and found[release.INTACT].passed
    assert "999990019" not in found[release.REBUILT].description
    assert "log van de stap" in found[release.REBUILT].metadata["what_to_do"].value
