"""What is broken right now: late, rejected, failed, stale; and gone once somebody has acted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from via_pipeline.contracts.model import load
from via_pipeline.quality.run import judge
from via_pipeline.status import broken as room
from via_pipeline.status.broken import Kind
from via_pipeline.status.facts import AssetState, CheckState, Facts, Outcome, RunLine
from via_pipeline_tests.intake import house as intake

AT = "2021-06-01T02:10:00Z"


@pytest.fixture
def small(tmp_path: Path) -> intake.House:
    return intake.House.build(tmp_path)


def kinds(house: intake.House, facts: Facts) -> dict[Kind, list[str]]:
    found: dict[Kind, list[str]] = {}
    for one in room.broken(house.home, [load("p5_behoud")], facts):
        found.setdefault(one.kind, []).append(one.subject)
    return found


def deliver(house: intake.House, rows: list[dict[str, str]], received: str) -> None:
    house.land("p5_behoud", "p5_behoud_A_2018_v1.csv", intake.p5_text(rows), received)
    house.take_in("p5_behoud")
    judge(house.home, load("p5_behoud"), run_id="run-1")


def test_a_delivery_is_late_from_the_day_after_it_was_due_until_it_came(small) -> None:
    """Worked out by hand from the contract: P5's first expected delivery."""
    first = min(load("p5_behoud").calendar, key=lambda one: one.due)
    subject = f"p5_behoud: {' '.join(value for _, value in first.key)}"
    on_the_day = Facts(at=f"{first.due.isoformat()}T12:00:00Z")
    # Midnight in Amsterdam is an hour or two before that in UTC.
    day_after = Facts(at=f"{first.due.isoformat()}T23:30:00Z")
    assert subject not in kinds(small, on_the_day).get(Kind.LATE, [])
    assert subject in kinds(small, day_after)[Kind.LATE]
    deliver(small, [intake.p5_row(n) for n in range(20)], "2019-02-01")
    assert dict(first.key)["werkgever"] == "A" and dict(first.key)["periode"] == "2018"
    assert subject not in kinds(small, day_after).get(Kind.LATE, [])


def test_a_rejected_file_is_broken_until_a_better_one_came(small) -> None:
    bad = [intake.p5_row(n, herkomst_oud="weet niet") for n in range(20)]
    deliver(small, bad, "2019-02-01")
    found = room.broken(small.home, [load("p5_behoud")], Facts(at=AT))
    (one,) = [item for item in found if item.kind is Kind.REJECTED]
    assert one.subject == "p5_behoud: p5_behoud_A_2018_v1.csv"
    assert "herkomst_oud__codelijst" in one.told and "20" not in one.told
    assert one.since == "2019-02-01"
    deliver(small, [intake.p5_row(n) for n in range(20)], "2019-03-01")
    assert Kind.REJECTED not in kinds(small, Facts(at=AT))


def check(outcome: Outcome, *, is_error: bool = False, is_rule: bool = True) -> CheckState:
    return CheckState(
        "pilots__p5_medewerker",
        "jaar__bereik",
        outcome,
        is_error,
        "Het jaar is te vroeg of te laat. / medewerker.jaar: between",
        AT,
        is_rule,
    )


def test_a_failed_rule_names_its_files_and_tells_no_small_count(small) -> None:
    rows = [intake.p5_row(n) for n in range(400)]
    for row in rows[:3]:
        row["deeltijdfactor"] = "9,00"
    deliver(small, rows, "2019-02-01")
    state = replace(check(Outcome.FAILED), name="deeltijdfactor__bereik")
    (one,) = [
        item
        for item in room.broken(small.home, [load("p5_behoud")], Facts(at=AT, checks=(state,)))
        if item.kind is Kind.WARNING
    ]
    assert one.told == (
        "Het jaar is te vroeg of te laat. Fout: <10 rijen in p5_behoud_A_2018_v1.csv."
    )
    assert "reports/partners/p5_behoud" in one.action


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (check(Outcome.PASSED), None),
        (check(Outcome.NEVER), None),
        (check(Outcome.FAILED), Kind.WARNING),
        (check(Outcome.FAILED, is_error=True), Kind.CHECK),
        (check(Outcome.NOT_RUN), Kind.CHECK),
    ],
)
def test_how_bad_a_check_is(small, state: CheckState, kind: Kind | None) -> None:
    found = kinds(small, Facts(at=AT, checks=(state,)))
    assert [one for one in (Kind.CHECK, Kind.WARNING) if one in found] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("made_at", "kind"),
    [
        ("2021-06-01T02:00:00Z", None),
        ("2021-05-31T00:00:00Z", Kind.WARNING),  # a night was missed: 26 hours and 10 minutes
        ("2021-05-29T23:00:00Z", Kind.STALE),  # two nights: 51 hours
        (None, Kind.STALE),
    ],
)
def test_a_table_gets_old(small, made_at: str | None, kind: Kind | None) -> None:
    asset = AssetState("outcomes__result", made_at, 26, 50)
    found = kinds(small, Facts(at=AT, assets=(asset,)))
    assert [one for one in (Kind.STALE, Kind.WARNING) if one in found] == ([kind] if kind else [])


def test_only_the_newest_run_of_a_job_counts(small) -> None:
    bad = RunLine("nightly_refresh", None, "2021-05-31T02:00:00Z", 60, "mislukt", True, "a" * 36)
    good = replace(bad, started="2021-06-01T02:00:00Z", status="geslaagd", is_failed=False)
    letter = replace(bad, job="publish_letter", edition="derde")
    assert kinds(small, Facts(at=AT, runs=(good, bad))).get(Kind.RUN) is None
    assert kinds(small, Facts(at=AT, runs=(bad, good, letter)))[Kind.RUN] == [
        "publish_letter (derde)"
    ]


def test_nothing_is_wrong_where_there_are_warnings_only(small) -> None:
    found = room.broken(small.home, [], Facts(at=AT, checks=(check(Outcome.FAILED),)))
    assert room.counted(found) == {"waarschuwing": 1}
    assert not room.is_wrong(found)
