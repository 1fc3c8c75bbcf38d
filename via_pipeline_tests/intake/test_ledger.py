"""The ledger keeps facts, refuses changes, and derives the rest."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from via_pipeline.contracts.model import SOURCES
from via_pipeline.intake import calendar
from via_pipeline.intake.calendar import Arrival
from via_pipeline.intake.ledger import Ledger, LedgerError, Sighting, stamp
from via_pipeline.intake.status import Status
from via_pipeline_tests.intake.house import P5_NAME, House, p5_row, p5_text


def _sighting(path: str = "landing/p5/2020-01-01/a.csv", delivery: str = "p5-1") -> Sighting:
    return Sighting(
        "p5",
        path,
        Path(path).name,
        date(2020, 1, 1),
        3,
        "ab",
        delivery,
        "r",
        "2020-01-01T00:00:00Z",
    )


def test_the_file_is_for_its_owner_only(tmp_path):
    Ledger(tmp_path / "ledger.sqlite")
    assert stat.S_IMODE((tmp_path / "ledger.sqlite").stat().st_mode) == 0o600


def test_history_can_be_added_to_and_never_changed(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert ledger.record_sighting(_sighting())
    assert not ledger.record_sighting(_sighting())
    with sqlite3.connect(ledger.path) as connection:
        for statement in ("DELETE FROM sighting", "UPDATE sighting SET sha256 = 'x'"):
            with pytest.raises(sqlite3.DatabaseError, match="append-only"):
                connection.execute(statement)
    assert [item.sha256 for item in ledger.sightings()] == ["ab"]


def test_another_key_is_refused(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.check_key("aaaa")
    ledger.check_key("aaaa")
    with pytest.raises(LedgerError, match="pseudonym key differs"):
        Ledger(ledger.path).check_key("bbbb")


def test_counts_that_do_not_add_up_are_refused(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with pytest.raises(ValueError, match="10 rows in"):
        ledger.record_verdict(
            "p5-1", "c", "accepted", rows_in=10, accepted=8, quarantined=1, run_id="r"
        )


def test_an_instant_is_kept_in_utc_whatever_zone_it_comes_in():
    amsterdam = timezone(timedelta(hours=2))
    assert stamp(datetime(2020, 7, 1, 2, 0, tzinfo=amsterdam)) == "2020-07-01T00:00:00Z"
    assert stamp(datetime(2020, 7, 1, 0, 0, tzinfo=UTC)) == "2020-07-01T00:00:00Z"


def _verdict(house: House, name: str, verdict: str) -> None:
    row = house.rows("p5_behoud")[name]
    Ledger(house.home.ledger).record_verdict(
        row.delivery_id,
        row.contract_sha256,
        verdict,
        rows_in=row.rows_in,
        accepted=row.rows_in,
        quarantined=0,
        run_id="r",
    )


def test_current_as_of_a_day_sees_the_revision_only_from_its_day(tmp_path):
    house = House.build(tmp_path)
    first, second = "p5_behoud_A_2018_v1.csv", "p5_behoud_A_2018_correctie_v1.csv"
    house.land("p5_behoud", first, p5_text([p5_row(1)]), "2019-02-01")
    house.land("p5_behoud", second, p5_text([p5_row(2)]), "2019-03-01")
    house.take_in("p5_behoud")
    _verdict(house, first, "accepted")
    _verdict(house, second, "accepted_with_warnings")
    ledger = Ledger(house.home.ledger)

    def names(day: date | None) -> list[str]:
        return [row.file_name for row in ledger.current("p5_behoud", day)]

    assert names(None) == [second]
    assert names(date(2019, 2, 28)) == [first]
    assert names(date(2019, 3, 1)) == [second]
    assert names(date(2019, 1, 31)) == []
    rows = house.rows("p5_behoud")
    assert rows[first].status is Status.SUPERSEDED
    assert rows[second].supersedes == rows[first].delivery_id


def test_a_verdict_under_an_earlier_contract_no_longer_counts(tmp_path):
    house = House.build(tmp_path)
    name = P5_NAME.format(werkgever="A")
    house.land("p5_behoud", name, p5_text([p5_row(1)]))
    house.take_in("p5_behoud")
    row = house.rows("p5_behoud")[name]
    Ledger(house.home.ledger).record_verdict(
        row.delivery_id, "older", "accepted", rows_in=1, accepted=1, quarantined=0, run_id="r"
    )
    assert house.rows("p5_behoud")[name].status is Status.RECEIVED


def test_a_slip_in_a_rule_does_not_take_out_what_was_taken_over(tmp_path):
    sources = tmp_path / "sources"
    sources.mkdir()
    shutil.copy(SOURCES / "p5_behoud.odcs.yaml", sources)
    house = House.build(tmp_path, sources)
    name = P5_NAME.format(werkgever="A")
    house.land("p5_behoud", name, p5_text([p5_row(1)]))
    house.take_in("p5_behoud")
    _verdict(house, name, "accepted")
    path = house.contract("p5_behoud").path
    good = path.read_text("utf-8")

    path.write_text(good + "\n# another rule, same version\n", "utf-8")
    house.take_in("p5_behoud")
    before = house.rows("p5_behoud")[name]
    assert (before.status, before.verdict) == (Status.ACCEPTED, None)
    _verdict(house, name, "rejected")
    stands = house.rows("p5_behoud")[name]
    assert (stands.status, stands.verdict) == (Status.ACCEPTED, "rejected")
    assert stands.held_verdict == "accepted"

    path.write_text(good.replace("version: 1.0.0", "version: 1.1.0"), "utf-8")
    house.take_in("p5_behoud")
    assert house.rows("p5_behoud")[name].status is Status.RECEIVED
    _verdict(house, name, "rejected")
    assert house.rows("p5_behoud")[name].status is Status.REJECTED


def test_the_calendar_tells_expected_received_and_late(tmp_path):
    house = House.build(tmp_path)
    contract = house.contract("p5_behoud")
    due = {line.key: line for line in calendar.lines(contract, [], date(2018, 1, 1))}
    assert {line.arrival for line in due.values()} == {Arrival.EXPECTED}
    expected = contract.calendar[0]
    after = expected.due + timedelta(days=1)
    late = {line.key: line.arrival for line in calendar.lines(contract, [], after)}
    assert late[expected.key] is Arrival.LATE

    fields = dict(expected.key)
    name = f"p5_behoud_{fields['werkgever']}_{fields['periode']}_v1.csv"
    house.land(
        "p5_behoud", name, p5_text([p5_row(1, jaar=fields["periode"])]), expected.due.isoformat()
    )
    house.take_in("p5_behoud")
    rows = Ledger(house.home.ledger).rows()
    came = {line.key: line for line in calendar.lines(contract, rows, after)}
    assert came[expected.key].arrival is Arrival.RECEIVED
    assert came[expected.key].received == expected.due
    before = calendar.lines(contract, rows, expected.due - timedelta(days=1))
    assert {line.key: line.arrival for line in before}[expected.key] is Arrival.EXPECTED
