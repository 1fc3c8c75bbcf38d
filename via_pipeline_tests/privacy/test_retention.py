"""What has had its term goes, is recorded, and is not missed by a crash."""

from __future__ import annotations

from datetime import UTC, date, datetime

import duckdb
import pytest

from via_pipeline.contracts import model
from via_pipeline.intake.ledger import Ledger
from via_pipeline.intake.run import take_in_unknown
from via_pipeline.pilots import catalog, conform
from via_pipeline.privacy import retention as room
from via_pipeline.quality.run import judge
from via_pipeline_tests.intake.house import House
from via_pipeline_tests.privacy import planted
from via_pipeline_tests.privacy.small import p7_text

TABLE = "pilots__p7_ww_periode"
RECEIVED, LATER = "2019-02-01", "2021-02-01"
LAST_DAY = datetime(2024, 2, 1, 20, 0, tzinfo=UTC)
DAY_AFTER = datetime(2024, 2, 2, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> House:
    """One delivery of 2019 and one of 2021 (kept five years), and one that says it is synthetic."""
    house = House.build(tmp_path_factory.mktemp("huis"))
    for name, received in (
        ("p7_ww_2019KW1_v1.csv", RECEIVED),
        ("p7_ww_2019KW2_v1.csv", LATER),
        ("p7_ww_2019KW3_synthetisch_v1.csv", RECEIVED),
    ):
        text = p7_text(planted.BSN, name[6:13], bad=True)
        house.land("p7_ww", name, text.encode(), received)
    run(house)
    return house


@pytest.fixture
def house(built: House, tmp_path) -> House:
    """That house, to change."""
    return built.copied(tmp_path)


def run(house: House) -> None:
    house.take_in("p7_ww")
    judge(house.home, house.contract("p7_ww"), run_id="r")
    conform.refresh(house.home, house.contract("p7_ww"))


def enforce(house: House, now: datetime):
    return room.enforce(house.home, model.load_all(), now=now, run_id="night")


def deliveries(house: House, as_of: date | None = None) -> set[str]:
    with duckdb.connect() as connection:
        catalog.register(connection, house.home, [house.contract("p7_ww")], as_of)
        found = connection.execute(f"SELECT DISTINCT _delivery FROM {TABLE}").fetchall()
    return {name for (name,) in found}


def test_only_what_has_had_its_term_goes_and_leaves_no_trace(house):
    ids = {name: row.delivery_id for name, row in house.rows("p7_ww").items()}
    assert enforce(house, LAST_DAY) == []
    (removal,) = enforce(house, DAY_AFTER)
    gone = ids["p7_ww_2019KW1_v1.csv"]
    assert removal.delivery_id == gone and removal.kept_file == "verwijderd"
    assert (removal.rows, removal.reason, removal.files) == (100, "bewaartermijn", 7)
    tail = gone.rsplit("-", 1)[-1]
    left = [path for path in house.home.root.rglob("*") if tail in path.name]
    assert (
        left == []
        and not (house.home.landing / "p7_ww" / RECEIVED / "p7_ww_2019KW1_v1.csv").exists()
    )
    assert deliveries(house) == set(ids.values()) - {gone}


def test_a_second_night_does_nothing_and_a_run_misses_nothing(house):
    enforce(house, DAY_AFTER)
    before = house.rows("p7_ww")
    assert enforce(house, DAY_AFTER) == []
    run(house)
    assert house.rows("p7_ww") == before
    assert len(Ledger(house.home.ledger).removals()) == 1


def test_what_is_sent_again_after_its_term_is_not_taken_in_and_goes_again(house):
    enforce(house, DAY_AFTER)
    text = p7_text(planted.BSN, bad=True).encode()
    path = house.land("p7_ww", "p7_ww_2019KW1_v1.csv", text, "2024-03-01")
    run(house)
    assert len(deliveries(house)) == 2
    enforce(house, datetime(2024, 3, 2, tzinfo=UTC))
    assert not path.exists()


def test_nor_do_the_same_rows_come_back_in_other_bytes(house):
    enforce(house, DAY_AFTER)
    text = p7_text(planted.BSN, "2019KW1", bad=True).replace("\r\n", "\n").encode()
    house.land("p7_ww", "p7_ww_2019KW1_v1.csv", text, "2024-03-01")
    run(house)
    assert len(deliveries(house)) == 2


def test_an_edition_of_then_says_why_it_cannot_be_made_again(house):
    assert deliveries(house, date(2019, 6, 1))
    enforce(house, DAY_AFTER)
    with pytest.raises(conform.RetentionEnded, match=r"bewaartermijn.*stays as it is"):
        deliveries(house, date(2019, 6, 1))


@pytest.mark.parametrize("step", ["delete", "record_removal", "refresh"])
def test_a_killed_night_is_finished_by_the_next(house, monkeypatch, step):
    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    holder = {"delete": room.traces, "record_removal": Ledger, "refresh": room.conform}[step]
    with monkeypatch.context() as patched:
        patched.setattr(holder, step, killed)
        with pytest.raises(Killed):
            enforce(house, DAY_AFTER)
    enforce(house, DAY_AFTER)
    run(house)
    assert len(deliveries(house)) == 2
    assert len(Ledger(house.home.ledger).removals()) == 1


def test_a_file_of_nobody_s_is_kept_four_weeks(house):
    path = house.land("p9_vreemd", "iets.csv", b"a;b\n1;2\n", RECEIVED)
    now = datetime(2019, 2, 10, tzinfo=UTC)
    take_in_unknown(house.home, model.load_all(), run_id="r", now=now, settle_seconds=0)
    assert room.due(house.home, model.load_all(), date(2019, 3, 1)) == []
    (removal,) = enforce(house, datetime(2019, 3, 2, 12, tzinfo=UTC))
    assert removal.kept_file == "verwijderd" and not path.exists()


def test_terms_end_on_a_day_that_exists():
    assert room.ends_on(date(2020, 2, 29), 5) == date(2025, 2, 28)
    assert room.ends_on(date(2019, 2, 1), 5) == date(2024, 2, 1)
