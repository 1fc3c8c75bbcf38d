"""Another key: the same people link as before, and nothing of the old key is left."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import combinations

import duckdb
import pytest

from via_pipeline.intake import exclusions
from via_pipeline.intake.ledger import Ledger, LedgerError
from via_pipeline.intake.pseudonym import Key
from via_pipeline.pilots import catalog, conform
from via_pipeline.privacy import rekey as room
from via_pipeline.privacy import traces
from via_pipeline.quality.run import judge
from via_pipeline_tests.intake.house import KEY, House
from via_pipeline_tests.privacy import planted
from via_pipeline_tests.privacy.small import p7_text

pytestmark = pytest.mark.long(3)

NEW = Key(bytes(range(1, 33)))
NOW = datetime(2021, 6, 2, 12, 0, tzinfo=UTC)
TABLE = "pilots__p7_ww_periode"


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> House:
    """Three deliveries of the same people, one row set aside; and one delivery twice."""
    house = House.build(tmp_path_factory.mktemp("huis"))
    for quarter, bad in (("2019KW1", False), ("2019KW2", True), ("2019KW3", False)):
        text = p7_text(planted.BSN, quarter, bad=bad)
        house.land("p7_ww", f"p7_ww_{quarter}_v1.csv", text.encode())
    house.land("p7_ww", "p7_ww_2019KW1_v1.csv", p7_text(planted.BSN).encode(), "2019-03-01")
    run(house)
    return house


@pytest.fixture
def house(built: House, tmp_path) -> House:
    """That house, to change."""
    return built.copied(tmp_path)


def run(house: House, key: Key = KEY) -> None:
    contract = house.contract("p7_ww")
    from via_pipeline.intake.run import take_in

    take_in(house.home, contract, run_id="r", now=NOW, settle_seconds=0, key=key)
    judge(house.home, contract, run_id="r")
    conform.refresh(house.home, contract)


def rekey(house: House) -> room.Rekeyed:
    return room.rekey(house.home, [house.contract("p7_ww")], KEY, NEW, now=NOW, run_id="rekey")


def links(house: House) -> dict[tuple[str, str], int]:
    """For every pair of deliveries how many people are in both, and for each how many it has."""
    people: dict[str, set] = {}
    with duckdb.connect() as connection:
        catalog.register(connection, house.home, [house.contract("p7_ww")])
        for delivery, row, kind, person in connection.execute(
            f"SELECT _delivery, _row, persoon_id_soort, persoon_id FROM {TABLE}"
        ).fetchall():
            assert kind == "bsn" and row
            people.setdefault(delivery, set()).add(person)
    both = {(a, b): len(people[a] & people[b]) for a, b in combinations(sorted(people), 2)}
    return both | {(a, a): len(found) for a, found in people.items()}


def old_ones(house: House) -> set[str]:
    return traces.pseudonyms_in(house.home.lake) | traces.pseudonyms_in(house.home.quarantine)


def test_the_same_people_link_and_nothing_of_the_old_key_is_left(house):
    before, old, rows = links(house), old_ones(house), house.rows("p7_ww")
    done = rekey(house)
    assert done.persons_before == done.persons_after == len(old) > 0
    assert links(house) == before and max(before.values()) > 1
    assert not traces.holding(house.home.root, sorted(old))
    assert Ledger(house.home.ledger).key_fingerprint() == NEW.fingerprint
    after = house.rows("p7_ww")
    assert {
        name: (row.status, row.rows_accepted, row.rows_quarantined) for name, row in rows.items()
    } == {
        name: (row.status, row.rows_accepted, row.rows_quarantined) for name, row in after.items()
    }
    # From here on the old key is refused, and the new one finds nothing new.
    with pytest.raises(LedgerError):
        run(house, KEY)
    run(house, NEW)
    assert links(house) == before


def test_an_edition_that_was_written_keeps_its_bytes(house):
    path = house.home.letters / "derde" / "cijfers.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"as it was")
    rekey(house)
    assert path.read_bytes() == b"as it was"


@pytest.mark.parametrize("step", ["judge", "take_in", "_all_new"])
def test_a_killed_change_lets_nothing_in_until_it_is_finished(house, monkeypatch, step):
    before, old = links(house), old_ones(house)

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(room, step, killed)
        with pytest.raises(Killed):
            rekey(house)
    for key in (KEY, NEW):
        with pytest.raises(LedgerError, match="not finished"):
            run(house, key)
    rekey(house)
    assert links(house) == before
    assert not traces.holding(house.home.root, sorted(old))


def test_a_delivery_that_is_no_longer_kept_stops_it_before_anything_changes(house):
    old = old_ones(house)
    (house.home.landing / "p7_ww" / "2019-02-01" / "p7_ww_2019KW2_v1.csv").unlink()
    with pytest.raises(room.NotKept, match=r"p7_ww_2019KW2_v1\.csv"):
        rekey(house)
    assert old_ones(house) == old
    run(house)


def test_who_objected_or_was_erased_stays_out_under_the_new_key(house):
    message = f"bsn\x1f{planted.BSN}"
    exclusions.add(house.home, KEY, exclusions.OBJECTED, "bsn", message, date(2021, 3, 1))
    before = links(house)
    rekey(house)
    assert links(house) == before
    assert exclusions.pairs(house.home) == {("bsn", NEW.digest(message))}
    later = "bsn\x1f246813593"
    exclusions.add(house.home, NEW, exclusions.ERASED, "bsn", later, date(2021, 3, 1))
    house.land("p7_ww", "p7_ww_2020KW1_v1.csv", p7_text("246813593", "2020KW1").encode())
    run(house, NEW)
    assert not traces.holding(house.home.lake, [NEW.digest(later)])
