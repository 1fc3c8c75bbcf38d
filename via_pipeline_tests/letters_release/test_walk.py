"""From concept to published, and everything that must keep an edition inside."""

from __future__ import annotations

import json
import shutil

import pytest

from via_pipeline.letters.release import checklist, freeze, gate, log
from via_pipeline.letters.release.ballot import Vote
from via_pipeline.letters.release.candidate import NoPackage, folder_of
from via_pipeline.letters.release.dossier import Refused
from via_pipeline.letters.release.states import Action, State
from via_pipeline.storage import sums
from via_pipeline_tests.letters_release import house
from via_pipeline_tests.letters_release.house import AUTHOR, EDITION, FIRST, SECOND, at


@pytest.fixture
def home(tmp_path):
    found = house.home_in(tmp_path)
    house.package(found)
    return found


def state(home):
    return gate.dossier(home, EDITION).state


def actions(home):
    return [record.actie for record in log.read(log.path_of(home, EDITION)).records]


def test_the_whole_walk_and_what_the_log_keeps_of_it(home):
    assert state(home) is State.CONCEPT
    house.in_control(home)
    house.answered(home)
    house.voted(home)
    assert state(home) is State.APPROVED
    found, folder = gate.publish(home, EDITION, AUTHOR, at(7))
    assert state(home) is State.PUBLISHED
    assert folder == home.releases / EDITION / "r1"
    assert not list(sums.problems(folder))
    assert sums.folder_hash(folder) == found.package
    assert actions(home) == [
        Action.SUBMIT,
        Action.ASSIGN,
        Action.VIEW,
        Action.VIEW,
        *[Action.TICK] * len(checklist.items()),
        Action.VOTE,
        Action.VOTE,
        Action.OPEN,
        Action.OPEN,
        Action.APPROVE,
        Action.PUBLISH,
    ]
    last = log.read(log.path_of(home, EDITION)).records[-1]
    assert (last.wie, last.at, last.pakket) == (AUTHOR, at(7), found.package)


def test_a_published_edition_can_only_be_read_and_holds_what_was_submitted(home):
    concept = house.package(home)
    folder = house.published(home)
    for path in [folder, *folder.rglob("*")]:
        assert not path.stat().st_mode & 0o222, path
    for path in concept.iterdir():
        if path.name != "SHA256SUMS":
            assert (folder / path.name).read_bytes() == path.read_bytes()
    told = (folder / "WIJZIGINGEN.md").read_text(encoding="utf-8")
    assert "## Deze uitgave: editie derde, revisie 1\n\nEerste uitgave." in told


def test_a_concept_made_anew_changes_nothing_of_what_is_being_checked(home):
    house.in_control(home)
    before = gate.dossier(home, EDITION).package
    house.package(home, [house.WHOLE | {"n": "110"}])
    house.answered(home)
    house.voted(home)
    found, folder = gate.publish(home, EDITION, AUTHOR, at(7))
    assert found.package == before == sums.folder_hash(folder)


@pytest.mark.parametrize("checkers", [[AUTHOR, FIRST], [" ANNA ", FIRST], ["ａｎｎａ", FIRST]])
def test_nobody_checks_the_own_work_however_the_name_is_written(home, checkers):
    gate.submit(home, EDITION, "Anna", at())
    with pytest.raises(Refused, match="anna diende dit in"):
        gate.assign(home, EDITION, checkers, FIRST, at(1))
    assert state(home) is State.SUBMITTED


def test_who_submitted_an_earlier_round_of_this_revision_is_still_an_author(home):
    gate.submit(home, EDITION, AUTHOR, at())
    gate.send_back(home, EDITION, "een tabel ontbreekt", AUTHOR, at(1))
    gate.submit(home, EDITION, "dirk", at(2))
    with pytest.raises(Refused, match="anna diende dit in"):
        gate.assign(home, EDITION, [AUTHOR, FIRST], "dirk", at(3))


@pytest.mark.parametrize("checkers", [[], [FIRST], [FIRST, FIRST], [FIRST, SECOND, "dirk"]])
def test_there_are_two_checkers_and_they_are_two_people(home, checkers):
    gate.submit(home, EDITION, AUTHOR, at())
    with pytest.raises(Refused, match="precies 2"):
        gate.assign(home, EDITION, checkers, AUTHOR, at(1))


def test_a_missing_vote_keeps_the_edition_inside(home):
    house.in_control(home)
    house.answered(home)
    mine = gate.vote(home, EDITION, Vote.YES, "", FIRST, at(4), salt=house.salt("een"))
    with pytest.raises(Refused):
        gate.open_vote(home, EDITION, mine.code, FIRST, at(5))
    with pytest.raises(Refused, match="kan niet in de staat"):
        gate.publish(home, EDITION, AUTHOR, at(6))
    # In, but not open: still no word.
    gate.vote(home, EDITION, Vote.YES, "", SECOND, at(7), salt=house.salt("twee"))
    assert gate.dossier(home, EDITION).waiting_for == [FIRST]
    with pytest.raises(Refused, match="kan niet in de staat"):
        gate.publish(home, EDITION, AUTHOR, at(8))
    assert not (home.releases / EDITION / "r1").exists()


@pytest.mark.parametrize("votes", [(Vote.NO, Vote.YES), (Vote.YES, Vote.NO), (Vote.NO, Vote.NO)])
def test_one_vote_against_sends_it_back(home, votes):
    house.in_control(home)
    house.answered(home)
    house.voted(home, *votes)
    assert state(home) is State.RETURNED
    assert actions(home)[-1] is Action.REJECT
    with pytest.raises(Refused):
        gate.publish(home, EDITION, AUTHOR, at(8))


@pytest.mark.parametrize("item", sorted(checklist.items()))
def test_one_open_item_of_the_checklist_keeps_it_inside(home, item):
    house.in_control(home)
    house.answered(home, but=item)
    house.voted(home)
    with pytest.raises(Refused, match=f"nog open: {item}"):
        gate.publish(home, EDITION, AUTHOR, at(8))
    assert not (home.releases / EDITION / "r1").exists()


def test_an_item_is_answered_by_who_it_is_for_and_not_applicable_needs_a_reason(home):
    house.in_control(home)
    with pytest.raises(Refused, match="aan de controleur"):
        gate.tick(home, EDITION, "onthulling", "ja", "", AUTHOR, at(3))
    with pytest.raises(Refused, match="niet van toepassing"):
        gate.tick(home, EDITION, "onthulling", "nvt", "  ", FIRST, at(3))
    with pytest.raises(Refused, match="geen punt"):
        gate.tick(home, EDITION, "weer", "ja", "", FIRST, at(3))
    found = gate.tick(home, EDITION, "onthulling", "nvt", "eerste uitgave", FIRST, at(3))
    assert "onthulling" not in found.open_items


def test_a_fail_of_the_screener_keeps_it_inside(home):
    house.package(home, [*house.ROWS, house.WHOLE | {"maat": "klein", "n": "9", "teller": ""}])
    with pytest.raises(gate.Blocked, match="minimum__getoond"):
        gate.submit(home, EDITION, AUTHOR, at())
    assert state(home) is State.CONCEPT and not actions(home)


def test_a_fail_by_a_rule_of_after_the_votes_keeps_it_inside(home, monkeypatch):
    house.in_control(home)
    house.answered(home)
    house.voted(home)
    stricter = "via_pipeline.letters.release.screening.figures._too_small"
    monkeypatch.setattr(stricter, lambda table, dataset: [("n", 500, 3)])
    with pytest.raises(gate.Blocked, match="onder de grens van 500"):
        gate.publish(home, EDITION, AUTHOR, at(8))
    assert state(home) is State.APPROVED
    assert not (home.releases / EDITION / "r1").exists()


def test_a_candidate_that_was_touched_is_neither_voted_on_nor_published(home):
    house.in_control(home)
    path = folder_of(home, EDITION, 1) / f"{house.DATASET}.csv"
    original = path.read_bytes()
    path.write_bytes(original.replace(b",100,", b",101,"))
    with pytest.raises(Refused, match="is veranderd"):
        gate.check(home, EDITION, FIRST, at(3))
    path.write_bytes(original)
    house.answered(home)
    house.voted(home)
    shutil.rmtree(folder_of(home, EDITION, 1))
    with pytest.raises(Refused, match="dien het opnieuw in"):
        gate.publish(home, EDITION, AUTHOR, at(8))


def test_nobody_votes_without_having_looked_nor_twice_nor_uninvited(home):
    gate.submit(home, EDITION, AUTHOR, at())
    gate.assign(home, EDITION, [FIRST, SECOND], AUTHOR, at(1))
    with pytest.raises(Refused, match="eerst dit pakket bekeken"):
        gate.vote(home, EDITION, Vote.YES, "", FIRST, at(2), salt="a" * 32)
    gate.check(home, EDITION, FIRST, at(2))
    gate.vote(home, EDITION, Vote.YES, "", FIRST, at(3), salt="a" * 32)
    with pytest.raises(Refused, match="al gestemd"):
        gate.vote(home, EDITION, Vote.NO, "", FIRST, at(4), salt="b" * 32)
    for stranger in (AUTHOR, "eva"):
        with pytest.raises(Refused, match="aan controleur"):
            gate.vote(home, EDITION, Vote.YES, "", stranger, at(4), salt="c" * 32)


def test_the_automatic_steps_are_nobodys_to_take(home):
    with pytest.raises(Refused, match="geen gebruikersnaam"):
        gate.submit(home, EDITION, "poort", at())


def test_a_concept_that_is_absent_or_broken_is_not_submitted(home):
    (home.letters / EDITION / "los.txt").write_text("erbij")
    with pytest.raises(NoPackage, match=r"los.txt is er, maar staat niet"):
        gate.submit(home, EDITION, AUTHOR, at())
    shutil.rmtree(home.letters / EDITION)
    with pytest.raises(NoPackage, match="via run"):
        gate.submit(home, EDITION, AUTHOR, at())


@pytest.mark.parametrize("name", ["../derde", "", "derde/..", "Derde", ".tmp"])
def test_a_name_that_would_be_another_folder_is_refused(home, name):
    with pytest.raises(Refused, match="geen naam van een editie"):
        gate.submit(home, name, AUTHOR, at())


def test_a_correction_is_a_new_revision_with_a_public_note_and_the_old_one_stays(home):
    first = house.published(home)
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    with pytest.raises(Refused, match="vraagt een reden"):
        gate.revise(home, EDITION, "  ", AUTHOR, at(8))
    gate.revise(home, EDITION, "Levering A is gecorrigeerd.", AUTHOR, at(8))
    assert state(home) is State.CONCEPT and freeze.newest(home, EDITION).revision == 1
    house.package(home, [house.WHOLE | {"n": "120", "teller": "48"}])
    for step, minute in (("submit", 9), ("assign", 10)):
        more = [[FIRST, SECOND]] if step == "assign" else []
        getattr(gate, step)(home, EDITION, *more, AUTHOR, at(minute))
    for name in (FIRST, SECOND):
        gate.check(home, EDITION, name, at(11))
    for name, item in checklist.items().items():
        gate.tick(home, EDITION, name, "ja", "", AUTHOR if item.by == "auteur" else FIRST, at(12))
    mine = gate.vote(home, EDITION, Vote.YES, "", FIRST, at(13), salt="a" * 32)
    gate.vote(home, EDITION, Vote.YES, "", SECOND, at(13), salt="b" * 32)
    gate.open_vote(home, EDITION, mine.code, FIRST, at(14))
    second = gate.publish(home, EDITION, AUTHOR, at(15))[1]
    assert second.name == "r2"
    note = (second / "WIJZIGINGEN.md").read_text(encoding="utf-8")
    assert "Levering A is gecorrigeerd." in note and "Revisie 1, gepubliceerd op 2020-11-10" in note
    assert {path.name: path.read_bytes() for path in first.iterdir()} == before
    assert freeze.newest(home, EDITION).revision == 2
    page = (home.releases / EDITION / "REVISIES.md").read_text(encoding="utf-8")
    assert page.index("Revisie 2") < page.index("Revisie 1")


def test_a_published_edition_that_is_withdrawn_stays_and_says_why(home):
    folder = house.published(home)
    with pytest.raises(Refused, match="vraagt een reden"):
        gate.withdraw(home, EDITION, "", AUTHOR, at(8))
    gate.withdraw(home, EDITION, "Een tabel bevatte een fout.", FIRST, at(8))
    assert state(home) is State.WITHDRAWN
    assert folder.exists() and freeze.newest(home, EDITION) is None
    page = (home.releases / EDITION / "REVISIES.md").read_text(encoding="utf-8")
    assert "Ingetrokken.** Een tabel bevatte een fout." in page


def test_a_summary_tells_a_checker_what_is_in_each_file(home):
    gate.submit(home, EDITION, AUTHOR, at())
    gate.assign(home, EDITION, [FIRST, SECOND], AUTHOR, at(1))
    seen = gate.check(home, EDITION, FIRST, at(2))
    table = seen.files[0]
    assert (table.file, table.rows, table.synthetic) == (f"{house.DATASET}.csv", 4, 4)
    assert table.smallest == {"n": 40, "teller": 16}
    assert table.hidden == {"c": 1} and table.by_rule == {"minimumfrequentie": 1}
    # n and teller of two groups against the total.
    assert (table.sums_checked, table.sums_wrong) == (2, 0)
    assert seen.audit is None
    (home.reports / "disclosure").mkdir()
    (home.reports / "disclosure" / "derde.json").write_text(json.dumps({"smalste": 8}))
    assert gate.check(home, EDITION, SECOND, at(3)).audit == {"smalste": 8}


@pytest.mark.parametrize(("step", "expected"), [(5, 5), (10, 10), (1, 1)])
def test_rounding_is_seen_from_the_figures_themselves(home, step, expected):
    rows = [
        house.WHOLE
        | {
            "maat": f"m{i}",
            "n": str(step * (i + 20)),
            "teller": "",
            "waarde": "",
            "soort": "gemiddelde",
            "waarde_status": "x",
        }
        for i in range(9)
    ]
    house.package(home, rows)
    gate.submit(home, EDITION, AUTHOR, at())
    gate.assign(home, EDITION, [FIRST, SECOND], AUTHOR, at(1))
    table = gate.check(home, EDITION, FIRST, at(2)).files[0]
    assert table.rounded_to == {"n": expected}
