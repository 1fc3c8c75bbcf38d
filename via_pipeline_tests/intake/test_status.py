"""The status is a function of facts: properties over random histories."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from via_pipeline.intake.status import Fact, Status, standings

_KEYS = [None, (("werkgever", "A"),), (("werkgever", "B"),)]


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    facts = []
    for number in range(draw(st.integers(1, 8))):
        key = draw(st.sampled_from(_KEYS))
        content = draw(st.sampled_from(["r1", "r2", "r3"]))
        facts.append(
            Fact(
                source=draw(st.sampled_from(["p5", "p7"])),
                key=key,
                received=date(2020, 1, draw(st.integers(1, 4))),
                path=f"{number:02}",
                turn=number,
                delivery_id=f"{key}-{content}-{draw(st.integers(0, 1))}",
                content_sha256=draw(st.sampled_from([None, content])),
                is_readable=draw(st.booleans()),
                verdict=draw(
                    st.sampled_from([None, "accepted", "accepted_with_warnings", "rejected"])
                ),
            )
        )
    return facts


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_in_which_facts_come_changes_nothing(facts, random):
    before = dict(zip([fact.path for fact in facts], standings(facts), strict=True))
    random.shuffle(facts)
    assert dict(zip([fact.path for fact in facts], standings(facts), strict=True)) == before


@given(histories())
def test_at_most_one_delivery_is_in_force_per_key(facts):
    in_force = [
        (fact.source, fact.key)
        for fact, standing in zip(facts, standings(facts), strict=True)
        if standing.is_in_force
    ]
    assert len(in_force) == len(set(in_force))


@given(histories())
def test_a_key_with_an_accepted_original_has_one_in_force(facts):
    found = list(zip(facts, standings(facts), strict=True))
    accepted = {
        (fact.source, fact.key)
        for fact, standing in found
        if standing.status in (Status.SUPERSEDED, Status.ACCEPTED, Status.ACCEPTED_WITH_WARNINGS)
    }
    in_force = {(fact.source, fact.key) for fact, standing in found if standing.is_in_force}
    assert accepted == in_force


@given(histories())
def test_rejected_never_supersedes_and_is_never_superseded(facts):
    found = list(zip(facts, standings(facts), strict=True))
    rejected = {
        fact.delivery_id for fact, standing in found if standing.status is Status.REJECTED
    } - {fact.delivery_id for fact, standing in found if standing.is_in_force}
    for fact, standing in found:
        if standing.status is Status.REJECTED:
            assert standing.supersedes is None and standing.superseded_by is None
        if not fact.is_readable or fact.verdict == "rejected":
            assert not standing.is_in_force
        assert standing.supersedes not in rejected or standing.supersedes in {
            other.delivery_id for other, s in found if s.status is Status.SUPERSEDED
        }


@given(histories())
def test_identical_bytes_or_rows_are_duplicates(facts):
    found = list(zip(facts, standings(facts), strict=True))
    originals = [(f.source, f.delivery_id) for f, s in found if s.status is not Status.DUPLICATE]
    assert len(originals) == len(set(originals))
    rows = [
        (f.source, f.key, f.content_sha256)
        for f, s in found
        if s.status is not Status.DUPLICATE and f.key is not None and f.content_sha256
    ]
    assert len(rows) == len(set(rows))


def _fact(path: str, delivery: str, verdict: str | None, day: int, content: str) -> Fact:
    return Fact("p5", (("w", "A"),), date(2020, 1, day), path, 0, delivery, content, True, verdict)


def test_a_corrected_delivery_supersedes_and_a_copy_does_not():
    facts = [
        _fact("1", "d1", "accepted", 1, "a"),
        _fact("2", "d2", "accepted", 2, "b"),
        _fact("3", "d1", "accepted", 3, "a"),
        _fact("4", "d4", "rejected", 4, "c"),
        _fact("5", "d5", None, 5, "d"),
    ]
    found = standings(facts)
    assert [s.status for s in found] == [
        Status.SUPERSEDED,
        Status.ACCEPTED,
        Status.DUPLICATE,
        Status.REJECTED,
        Status.RECEIVED,
    ]
    assert found[1].supersedes == "d1" and found[0].superseded_by == "d2"
    assert found[2].duplicate_of == "d1"
