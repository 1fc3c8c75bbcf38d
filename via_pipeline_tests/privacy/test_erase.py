"""A person is erased everywhere, everybody else stays, and nobody takes them in again."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import duckdb
import pytest

from attack import canary
from via_pipeline.intake import exclusions
from via_pipeline.intake.ledger import Ledger
from via_pipeline.pilots import catalog, conform, dekking
from via_pipeline.privacy import erase as room
from via_pipeline.privacy import rekey, rewrite, traces
from via_pipeline.quality.run import judge
from via_pipeline.storage.duck import work
from via_pipeline_tests.intake.house import KEY, House
from via_pipeline_tests.privacy import planted
from via_pipeline_tests.privacy.small import p6_ods, p7_text, p8_zip

NOW = datetime(2021, 6, 2, 12, 0, tzinfo=UTC)
SOURCES = ("p6_leren_werken", "p7_ww", "p8_begeleiding")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> House:
    """The person in a CSV (twice, and once set aside), a ZIP and an ODS."""
    house = House.build(tmp_path_factory.mktemp("huis"))
    for quarter, bad in (("2019KW1", False), ("2019KW2", True)):
        text = p7_text(planted.BSN, quarter, bad=bad)
        house.land("p7_ww", f"p7_ww_{quarter}_v1.csv", text.encode())
    house.land("p8_begeleiding", "p8_begeleiding_enschede_2019H2_v1.zip", p8_zip(planted.BSN))
    house.land("p6_leren_werken", "p6_leren_werken_utrecht_2020H1_v1.ods", p6_ods(planted.BSN))
    run(house, "run-1")
    return house


@pytest.fixture
def house(built: House, tmp_path) -> House:
    """That house, to change."""
    return built.copied(tmp_path)


def run(house: House, run_id: str) -> None:
    for source in SOURCES:
        house.take_in(source, run_id)
        judge(house.home, house.contract(source), run_id=run_id)
        conform.refresh(house.home, house.contract(source))


def contracts(house: House):
    return [house.contract(source) for source in SOURCES]


def erase(house: House, *, dry_run: bool = False) -> room.Erased:
    return room.erase(
        house.home,
        contracts(house),
        KEY,
        "bsn",
        [planted.BSN],
        {},
        now=NOW,
        run_id="erase-1",
        dry_run=dry_run,
    )


def pseudonym() -> str:
    return KEY.digest(f"bsn\x1f{planted.BSN}")


def rows(house: House) -> dict[str, int]:
    with duckdb.connect() as connection:
        catalog.register(connection, house.home, contracts(house))
        return {
            table.lake_table: connection.execute(
                f"SELECT count(*) FROM {table.lake_table}"
            ).fetchone()[0]
            for contract in contracts(house)
            for table in contract.tables
        }


def test_the_person_is_gone_and_everybody_else_stays(house):
    before = rows(house)
    assert traces.holding(house.home.root, [pseudonym()])
    done = erase(house)
    assert {one.source for one in done.deliveries} == set(SOURCES)
    assert not traces.holding(house.home.root, [pseudonym()])
    after = rows(house)
    assert {name: before[name] - after[name] for name in before} == {
        "pilots__p6_traject": 1,
        "pilots__p7_ww_periode": 1,
        "pilots__p8_deelnemer": 1,
        "pilots__p8_meting": 2,
    }
    found = canary.attack([house.home.root, house.home.landing], [planted.BSN, pseudonym()])
    # The list of who may not come back is the one place where the pseudonym may be.
    assert {one.where for one in found} == {"exclusions/list.json"} or {
        one.where.rsplit("/", 2)[-2:] == ["exclusions", "list.json"] for one in found
    } == {True}


def test_the_pseudonym_alone_gives_the_list_away_to_nobody(house):
    erase(house)
    (entry,) = json.loads(house.home.exclusions.read_text())["entries"]
    assert entry["mark"] != entry["pseudonym"] == pseudonym()
    assert house.home.exclusions.stat().st_mode & 0o077 == 0


def test_a_csv_keeps_the_bytes_of_all_others_and_a_workbook_is_copied(house):
    path = house.home.landing / "p7_ww" / "2019-02-01" / "p7_ww_2019KW1_v1.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    done = erase(house)
    assert path.read_bytes() == b"".join(one for one in lines if planted.BSN.encode() not in one)
    told = {one.source: one.file for one in done.deliveries}
    assert told["p7_ww"] == told["p8_begeleiding"] == "herschreven"
    assert told["p6_leren_werken"] == "overgeschreven (alleen de gegevens)"
    # The copy is the same delivery, and another key can be taken: it is read again from it.
    (kept,) = (house.home.landing / "p6_leren_werken").rglob("*.ods")
    assert kept.read_bytes()[:2] == b"PK"
    before = house.rows("p6_leren_werken")
    run(house, "run-2")
    assert house.rows("p6_leren_werken") == before
    rekey._all_kept(house.home, Ledger(house.home.ledger), contracts(house))


def test_a_workbook_that_cannot_be_copied_goes_and_nobody_else_with_it(house, monkeypatch):
    """The file goes; what was taken over of everybody else stays, also after the next runs."""

    def cannot(*_: object) -> bytes:
        raise rewrite.CannotRewrite("ods")

    before = rows(house)
    monkeypatch.setattr(rewrite, "_ods", cannot)
    done = erase(house)
    told = {one.source: one.file for one in done.deliveries}
    assert told["p6_leren_werken"] == "verwijderd (ods: niet per rij te wissen)"
    assert not list((house.home.landing / "p6_leren_werken").rglob("*.ods"))
    for number in (2, 3):
        run(house, f"run-{number}")
        after = rows(house)
        assert before["pilots__p6_traject"] - after["pilots__p6_traject"] == 1
    # Another key would cost the others their rows: it is refused, by name, before anything is done.
    with pytest.raises(rekey.NotKept, match="Lay them back"):
        rekey._all_kept(house.home, Ledger(house.home.ledger), contracts(house))


def test_the_ledger_stays_in_step_and_nothing_is_taken_in_again(house):
    statuses = {name: row.status for name, row in house.rows("p7_ww").items()}
    erase(house)
    before = house.rows("p7_ww")
    assert {name: row.status for name, row in before.items()} == statuses
    for row in before.values():
        assert row.rows_in == row.rows_accepted + row.rows_quarantined
    assert house.take_in("p7_ww", "run-2").new == ()
    run(house, "run-2")
    assert house.rows("p7_ww") == before
    # The partner sends the person again, in a new file.
    house.land(
        "p7_ww", "p7_ww_2019KW3_v1.csv", p7_text(planted.BSN, "2019KW3").encode(), "2019-05-01"
    )
    run(house, "run-3")
    assert not traces.holding(house.home.root, [pseudonym()])
    assert house.rows("p7_ww")["p7_ww_2019KW3_v1.csv"].rows_accepted == 99


def test_reports_no_longer_name_the_row(house):
    (delivery,) = [row.delivery_id for name, row in house.rows("p7_ww").items() if "KW2" in name]
    path = house.home.reports / "validation" / f"{delivery}.json"

    def told() -> set[int]:
        return {row for rule in json.loads(path.read_text())["rules"] for row in rule["rows"]}

    assert 2 in told()
    erase(house)
    assert 2 not in told()


def test_a_dry_run_changes_nothing(house):
    from via_pipeline_tests.journeys.house import bytes_of

    before = bytes_of(house.home.lake) | bytes_of(house.home.landing)
    done = erase(house, dry_run=True)
    assert done.is_dry and len(done.deliveries) == 4
    assert bytes_of(house.home.lake) | bytes_of(house.home.landing) == before
    assert not house.home.exclusions.exists()


@pytest.mark.parametrize("step", ["ledger", "file", "lake", "reports"])
def test_a_killed_erasure_is_finished_by_the_next(house, monkeypatch, step):
    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    target = {
        "ledger": (Ledger, "record_rewriting"),
        "file": (room, "without"),
        "lake": (traces, "without"),
        "reports": (room.report, "write"),
    }[step]
    with monkeypatch.context() as patched:
        patched.setattr(*target, killed)
        with pytest.raises(Killed):
            erase(house)
    erase(house)
    assert not traces.holding(house.home.root, [pseudonym()])
    assert not canary.attack([house.home.landing], [planted.BSN])
    for row in house.rows("p7_ww").values():
        assert row.rows_in == row.rows_accepted + row.rows_quarantined


def coverage(house: House) -> dict[str, int]:
    with work() as connection:
        dekking.see(connection, house.home, contracts(house))
        return dict(connection.sql(f"SELECT bron, rijen FROM {dekking.TABLE}").fetchall())


def test_who_objects_is_left_out_before_anything_is_counted(house):
    before, told = rows(house), coverage(house)
    message = f"bsn\x1f{planted.BSN}"
    assert exclusions.add(house.home, KEY, exclusions.OBJECTED, "bsn", message, date(2021, 3, 1))
    assert not exclusions.add(
        house.home, KEY, exclusions.OBJECTED, "bsn", message, date(2021, 4, 1)
    )
    after = rows(house)
    assert {name: before[name] - after[name] for name in before} == {
        "pilots__p6_traject": 1,
        "pilots__p7_ww_periode": 1,
        "pilots__p8_deelnemer": 1,
        "pilots__p8_meting": 2,
    }
    # Nor are they among the rows that are told of, in quarantine or not.
    assert {name: told[name] - count for name, count in coverage(house).items()} == {
        "p6_leren_werken": 1,
        "p7_ww": 2,
        "p8_begeleiding": 3,
    }
    # An edition read before the objection saw the person, and is what it was.
    assert exclusions.pairs(house.home, date(2021, 2, 28)) == set()
    assert exclusions.pairs(house.home, date(2021, 3, 1)) == {("bsn", pseudonym())}


def test_what_is_no_identifier_is_refused_without_repeating_it(house):
    with pytest.raises(room.NobodyMeant) as refused:
        room.messages(contracts(house), "paspoort", ["AB1234567"], {})
    assert "AB1234567" not in str(refused.value)
    with pytest.raises(room.NobodyMeant, match="werkgever"):
        room.messages([house.contract("p5_behoud")], "personeelsnummer", ["100001"], {})
