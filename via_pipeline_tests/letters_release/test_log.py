"""The log and the sealed votes: what can be read, and that nothing can be changed unseen."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import re
from dataclasses import replace

import pytest

from via_pipeline.letters.release import gate, log
from via_pipeline.letters.release.ballot import Ballot, BallotError, Vote, opened
from via_pipeline.letters.release.dossier import Refused, replay
from via_pipeline.letters.release.log import LogError
from via_pipeline.letters.release.record import canonical
from via_pipeline.letters.release.states import Action, State, transitions
from via_pipeline_tests.letters_release import house
from via_pipeline_tests.letters_release.house import AUTHOR, EDITION, FIRST, SECOND, at

SECRET = "ik vertrouw tabel drie niet"


@pytest.fixture
def home(tmp_path):
    found = house.home_in(tmp_path)
    house.package(found)
    return found


def path(home):
    return log.path_of(home, EDITION)


def everything_under(folder):
    return {
        item.relative_to(folder).as_posix(): item.read_bytes()
        for item in folder.rglob("*")
        if item.is_file()
    }


# Votes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", list(Vote))
def test_the_first_vote_can_be_read_nowhere_before_the_second_is_in(home, tmp_path, capfd, choice):
    house.in_control(home)
    before = everything_under(tmp_path)
    salt = house.salt("een")
    mine = gate.vote(home, EDITION, choice, SECRET, FIRST, at(4), salt=salt)
    after = everything_under(tmp_path)
    changed = {name: content for name, content in after.items() if before.get(name) != content}
    assert any(name.endswith(log.NAME) for name in changed)
    shown = capfd.readouterr()
    for name, content in [*after.items(), ("screen", (shown.out + shown.err).encode())]:
        for told in (SECRET, salt, mine.code, "akkoord"):
            assert told.encode() not in content, f"{told} stands in {name}"
    # Nor by trying: without the salt neither vote gives the seal.
    found = gate.dossier(home, EDITION)
    assert mine.dossier.opened == {} and found.opened == {}
    for vote in Vote:
        for guess in ("", "0" * 32, FIRST, EDITION):
            for note in ("", SECRET):
                tried = Ballot(EDITION, 1, 1, found.package, FIRST, vote, note, guess)
                assert tried.seal() != found.sealed[FIRST]
    told = json.loads(path(home).read_text().splitlines()[-1])
    assert set(told["gegevens"]) == {"zegel"}


def test_both_seals_stand_in_the_log_before_the_first_vote_opens(home):
    house.in_control(home)
    house.voted(home, Vote.YES, Vote.NO)
    found = [(r.actie, r.wie) for r in log.read(path(home)).records][-5:]
    assert found == [
        (Action.VOTE, FIRST),
        (Action.VOTE, SECOND),
        (Action.OPEN, SECOND),
        (Action.OPEN, FIRST),
        (Action.REJECT, "poort"),
    ]


def test_a_vote_cannot_be_opened_as_another_than_was_sealed(home):
    house.in_control(home)
    mine = gate.vote(home, EDITION, Vote.YES, "", FIRST, at(4), salt=house.salt("een"))
    gate.vote(home, EDITION, Vote.YES, "", SECOND, at(5), salt=house.salt("twee"))
    other = replace(
        opened(mine.code, edition=EDITION, revision=1, round=1, package="", who=FIRST),
        vote=Vote.NO,
    )
    with pytest.raises(Refused, match="past niet op het zegel"):
        gate.open_vote(home, EDITION, other.code(), FIRST, at(6))
    for nonsense in ("", "abc", "é", "W10", mine.code[:-3]):
        with pytest.raises(Refused, match=r"stembriefje|past niet"):
            gate.open_vote(home, EDITION, nonsense, FIRST, at(6))
    with pytest.raises(Refused, match="aan controleur"):
        gate.open_vote(home, EDITION, mine.code, AUTHOR, at(6))
    assert gate.open_vote(home, EDITION, mine.code, FIRST, at(6)).state is State.APPROVED


def test_a_seal_of_another_round_or_package_does_not_fit(home):
    house.in_control(home)
    mine = gate.vote(home, EDITION, Vote.YES, "", FIRST, at(4), salt=house.salt("een"))
    gate.revote(home, EDITION, "briefje kwijt", FIRST, at(5))
    for name in (FIRST, SECOND):
        gate.vote(home, EDITION, Vote.NO, "", name, at(6), salt=house.salt(name))
    with pytest.raises(Refused, match="past niet op het zegel"):
        gate.open_vote(home, EDITION, mine.code, FIRST, at(7))


def test_a_vote_that_carries_more_than_its_seal_is_refused(home):
    house.in_control(home)
    with pytest.raises(Refused, match="alleen het zegel"):
        gate.vote_sealed(home, EDITION, "akkoord", FIRST, at(4))


@pytest.mark.parametrize("code", ["", "!!", "WyJha2tvb3JkIl0"])
def test_a_code_that_is_no_ballot_says_only_that(code):
    with pytest.raises(BallotError, match="geen stembriefje"):
        opened(code, edition="x", revision=1, round=1, package="", who="x")


# The chain ------------------------------------------------------------------------------------


def test_the_chain_is_what_anyone_can_work_out_with_sha256_and_json(home):
    house.published(home)
    before = "0" * 64
    for number, line in enumerate(path(home).read_text(encoding="utf-8").splitlines(), start=1):
        told = json.loads(line)
        digest = told.pop("sha256")
        text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == digest
        assert (told["vorige"], told["nr"]) == (before, number)
        before = digest


def _lines(home):
    return path(home).read_text(encoding="utf-8").splitlines(keepends=True)


def _changed(lines, number):
    return [*lines[:number], lines[number].replace(FIRST, "fred"), *lines[number + 1 :]]


def _rehashed(lines, number):
    """As a forger does who knows the chain: change one record and hash all that follow again."""
    told = [json.loads(line) for line in lines]
    told[number]["wie"] = AUTHOR
    for place in range(number, len(told)):
        told[place]["vorige"] = told[place - 1]["sha256"]
        del told[place]["sha256"]
        told[place]["sha256"] = hashlib.sha256(canonical(told[place]).encode()).hexdigest()
    return [canonical(one) + "\n" for one in told]


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (lambda lines: _changed(lines, 2), "is veranderd"),
        (lambda lines: lines[:3] + lines[4:], "sluit niet aan"),
        (lambda lines: [lines[0], lines[0], *lines[1:]], "sluit niet aan"),
        (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], "sluit niet aan"),
        (lambda lines: [*lines[:2], '{"nr": 3}\n', *lines[3:]], "niet de velden"),
        (lambda lines: [*lines[:2], "rommel\n", *lines[3:]], "geen geldige JSON"),
        (lambda lines: [*lines[:2], lines[2].replace(",", ", ", 1), *lines[3:]], "is veranderd"),
        # The chain is whole, and yet:
        (lambda lines: _rehashed(lines, 2), "is aan controleur; anna is dat niet"),
        (lambda lines: lines[:-2], "er is een stuk afgehaald"),
        (lambda lines: [], "er is een stuk afgehaald"),
    ],
)
def test_a_log_that_was_touched_is_noticed_and_nothing_is_added_to_it(home, tamper, said):
    house.in_control(home)
    house.answered(home)
    path(home).write_text("".join(tamper(_lines(home))), encoding="utf-8")
    touched = path(home).read_bytes()
    with pytest.raises(LogError, match=re.escape(said)):
        gate.dossier(home, EDITION)
    with pytest.raises(LogError):
        gate.vote(home, EDITION, Vote.YES, "", FIRST, at(9), salt="a" * 32)
    assert path(home).read_bytes() == touched


def test_a_log_that_was_swapped_for_another_true_one_is_noticed(home, tmp_path):
    house.in_control(home)
    other = house.home_in(tmp_path / "elders")
    house.package(other)
    gate.submit(other, EDITION, "eva", at())
    gate.assign(other, EDITION, ["fred", "guus"], "eva", at(1))
    gate.send_back(other, EDITION, "nee", "eva", at(2))
    gate.submit(other, EDITION, "eva", at(3))
    path(home).write_bytes(path(other).read_bytes())
    with pytest.raises(LogError, match="een andere dan deze installatie schreef"):
        gate.dossier(home, EDITION)


@pytest.mark.parametrize("kept", [1, 40, 200])
def test_a_line_that_a_killed_process_left_half_never_happened(home, kept):
    house.in_control(home)
    before = gate.dossier(home, EDITION)
    whole = path(home).read_bytes()
    record = log.following(
        log.read(path(home)),
        EDITION,
        revision=1,
        at=at(3),
        who=FIRST,
        action=Action.RETURN,
        package=before.package,
        more={"reden": "é" * 300},
    )
    path(home).write_bytes(whole + record.line().encode()[:kept])
    assert gate.dossier(home, EDITION) == before
    found = gate.send_back(home, EDITION, "een tabel ontbreekt", FIRST, at(4))
    assert found.state is State.RETURNED
    last = log.read(path(home)).records[-1]
    assert last.gegevens == {"reden": "een tabel ontbreekt", "_afgebroken_bytes": kept}
    assert path(home).read_bytes().startswith(whole)
    assert log.read(path(home)).torn == 0


def test_the_last_record_made_to_look_torn_is_noticed(home):
    house.in_control(home)
    path(home).write_bytes(path(home).read_bytes()[:-10])
    with pytest.raises(LogError, match="er is een stuk afgehaald"):
        gate.dossier(home, EDITION)


def _tick(root, item, number):
    from pathlib import Path

    home = house.Home(Path(root) / "home", Path(root) / "data")
    for turn in range(number):
        gate.tick(home, EDITION, item, "ja", f"beurt {turn}", FIRST, at(3))


def test_two_processes_at_one_log_lose_nothing(home, tmp_path):
    house.in_control(home)
    start = len(log.read(path(home)).records)
    fork = multiprocessing.get_context("fork")
    both = [
        fork.Process(target=_tick, args=(str(tmp_path), item, 8))
        for item in ("claim", "onthulling")
    ]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    content = log.read(path(home))
    assert not content.problems and len(content.records) == start + 16
    assert replay(EDITION, content.records)[1] is None


def test_time_does_not_run_backwards(home):
    gate.submit(home, EDITION, AUTHOR, at(5))
    with pytest.raises(Refused, match="ligt voor de vorige"):
        gate.assign(home, EDITION, [FIRST, SECOND], AUTHOR, at(4))


def test_no_state_is_a_dead_end_and_every_action_leads_somewhere():
    found = transitions()
    assert set(found) == set(Action)
    for state in State:
        assert any(state in item.start for item in found.values()), state
    reached = {State.CONCEPT} | {item.to for item in found.values() if item.to}
    assert reached == set(State)
