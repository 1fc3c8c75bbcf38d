"""Any order of steps by anybody: the gate does what a simple model of it says, and the log agrees.

The model is written out here by hand and shares nothing with ``transitions.yaml`` or ``dossier``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from via_pipeline.letters.release import checklist, freeze, gate, log, overview
from via_pipeline.letters.release.ballot import Vote
from via_pipeline.letters.release.dossier import Refused, replay
from via_pipeline_tests.letters_release import house
from via_pipeline_tests.letters_release.house import EDITION

pytestmark = pytest.mark.long(3)

NAMES = ["anna", "bram", "chris", "dirk"]
PEOPLE = st.sampled_from(NAMES)
WORDS = st.sampled_from(["", "omdat het zo is"])
ITEMS = {name: item.by for name, item in checklist.items().items()}
SALT = "ab" * 16


class Gate(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.home = house.home_in(self.folder)
        self.minute = 0
        self.state, self.revision = "concept", 1
        self.authors, self.checkers = set(), set()
        self.viewed, self.votes, self.open, self.ticked = set(), {}, set(), set()
        self.frozen = {}

    @initialize(who=PEOPLE, far=st.integers(0, 3))
    def begin(self, who, far):
        # Not what is looked at here, and most of the time: the disk's flush and the screener.
        self.kept = (os.fsync, gate.screen, overview.summarise)
        os.fsync = lambda handle: None
        gate.screen = lambda folder, edition: []
        overview.summarise = lambda folder, edition: []
        house.package(self.home)
        if far:
            self.walk_on(who, far)

    def teardown(self):
        if hasattr(self, "kept"):
            os.fsync, gate.screen, overview.summarise = self.kept
        for path in self.folder.rglob("*"):
            path.chmod(0o700)
        shutil.rmtree(self.folder)

    def step(self, expected, call, *arguments, **more):
        """Take a step; it must be allowed exactly when the model says so."""
        self.minute += 1
        before = log.path_of(self.home, EDITION)
        raw = before.read_bytes() if before.exists() else b""
        try:
            call(self.home, EDITION, *arguments, house.at(self.minute), **more)
        except Refused:
            assert not expected, f"{call.__name__} was refused in {self.state}"
            assert (before.read_bytes() if before.exists() else b"") == raw
            return False
        assert expected, f"{call.__name__} was allowed in {self.state}"
        return True

    @rule(who=PEOPLE)
    def submit(self, who):
        if self.step(self.state in ("concept", "teruggestuurd"), gate.submit, who):
            self.state = "ingediend"
            self.authors.add(who)
            self.checkers = set()
            self.viewed, self.votes, self.open, self.ticked = set(), {}, set(), set()

    @rule(who=PEOPLE, one=PEOPLE, other=PEOPLE)
    def assign(self, who, one="", other=""):
        fits = bool(one and other) and one != other and not {one, other} & self.authors
        if self.step(self.state == "ingediend" and fits, gate.assign, [one, other], who):
            self.state, self.checkers = "in_controle", {one, other}

    @rule(who=PEOPLE)
    def check(self, who):
        allowed = self.state in ("in_controle", "goedgekeurd") and who in self.checkers
        if self.step(allowed, gate.check, who):
            self.viewed.add(who)

    @rule(who=PEOPLE, item=st.sampled_from(sorted(ITEMS)))
    def tick(self, who, item):
        mine = self.authors if ITEMS[item] == "auteur" else self.checkers
        allowed = self.state in ("in_controle", "goedgekeurd") and who in mine
        if self.step(allowed, gate.tick, item, "ja", "", who):
            self.ticked.add(item)

    def tick_all(self, who):
        for item in sorted(ITEMS):
            self.tick(who, item)

    @rule(who=PEOPLE, vote=st.sampled_from([Vote.YES, Vote.YES, Vote.NO]))
    def vote(self, who, vote):
        allowed = self.state == "in_controle" and who in self.viewed and who not in self.votes
        if self.step(allowed, gate.vote, vote, "", who, salt=SALT):
            self.votes[who] = vote
            if len(self.votes) == 2:
                self.open.add(who)

    @rule(who=PEOPLE, lies=st.booleans())
    def open_vote(self, who, lies):
        vote = self.votes.get(who, Vote.YES)
        said = vote if not lies else (Vote.NO if vote is Vote.YES else Vote.YES)
        code = house_ballot(said)
        allowed = (
            self.state == "in_controle"
            and len(self.votes) == 2
            and who in self.votes
            and who not in self.open
            and not lies
        )
        if self.step(allowed, gate.open_vote, code, who):
            self.open.add(who)
            if len(self.open) == 2:
                agreed = set(self.votes.values()) == {Vote.YES}
                self.state = "goedgekeurd" if agreed else "teruggestuurd"

    @rule(who=PEOPLE, why=WORDS)
    def revote(self, who, why):
        allowed = self.state == "in_controle" and who in self.checkers and self.votes and why
        if self.step(bool(allowed), gate.revote, why, who):
            self.votes, self.open = {}, set()

    @rule(who=PEOPLE, why=WORDS)
    def send_back(self, who, why):
        allowed = (
            self.state in ("ingediend", "in_controle", "goedgekeurd")
            and who in self.authors | self.checkers
            and why
        )
        if self.step(bool(allowed), gate.send_back, why, who):
            self.state = "teruggestuurd"

    @rule(who=PEOPLE, why=WORDS)
    def withdraw(self, who, why):
        allowed = (
            self.state not in ("concept", "ingetrokken")
            and who in self.authors | self.checkers
            and why
        )
        if self.step(bool(allowed), gate.withdraw, why, who):
            self.state = "ingetrokken"

    @rule(who=PEOPLE)
    def publish(self, who):
        allowed = self.state == "goedgekeurd" and self.ticked == set(ITEMS)
        if self.step(allowed, gate.publish, who):
            self.state = "gepubliceerd"
            self.remember()

    @rule(who=PEOPLE, why=WORDS)
    def revise(self, who, why):
        allowed = self.state in ("gepubliceerd", "ingetrokken") and why
        if self.step(bool(allowed), gate.revise, why, who):
            self.state, self.revision = "concept", self.revision + 1
            self.authors, self.checkers = set(), set()
            self.viewed, self.votes, self.open, self.ticked = set(), {}, set(), set()

    @rule(who=PEOPLE, far=st.integers(1, 4))
    def walk_on(self, who, far):
        """Steps that belong together, often enough: at random hardly anything gets this far."""
        if self.state in ("concept", "teruggestuurd"):
            self.submit(who)
        if self.state == "ingediend":
            self.assign(who, *[one for one in NAMES if one not in self.authors][:2])
        checkers = sorted(self.checkers)
        for name in checkers:
            self.check(name)
        if far > 1:
            for name in [*sorted(self.authors)[:1], *checkers[:1]]:
                self.tick_all(name)
        if far > 2:
            for name in checkers:
                self.vote(name, Vote.YES)
        if far > 3:
            for name in checkers:
                self.open_vote(name, lies=False)
            self.publish(who)

    def remember(self):
        folder = freeze.folder_of(self.home, EDITION, self.revision)
        self.frozen[folder] = {path.name: path.read_bytes() for path in folder.iterdir()}

    @invariant()
    def the_log_and_the_model_agree(self):
        content = log.read(log.path_of(self.home, EDITION))
        assert not content.problems and not content.torn
        found, refused = replay(EDITION, content.records)
        assert refused is None
        assert (found.state.value, found.revision) == (self.state, self.revision)
        assert set(found.answers) == self.ticked and found.viewed == self.viewed
        assert set(found.sealed) == set(self.votes) and set(found.opened) == self.open
        assert found.authors == self.authors and set(found.checkers) == self.checkers

    @invariant()
    def what_was_published_stays_byte_for_byte(self):
        for folder, before in self.frozen.items():
            assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        there = {path for path in (self.home.releases / EDITION).glob("r*/")}
        assert there == set(self.frozen)


def house_ballot(vote):
    from via_pipeline.letters.release.ballot import Ballot

    return Ballot("", 0, 0, "", "", vote, "", SALT).code()


TestGate = Gate.TestCase
TestGate.settings = settings(
    # Making a failure shorter takes minutes here; the steps as drawn can be read.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
