"""Taking in: new, again, in another order, while growing, and never an identity outside landing."""

from __future__ import annotations

import logging
import os
import random
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from via_pipeline.contracts.model import ContractError
from via_pipeline.intake import stage
from via_pipeline.intake.ledger import Ledger, LedgerError
from via_pipeline.intake.pseudonym import Key
from via_pipeline.intake.run import take_in
from via_pipeline.intake.status import Status
from via_pipeline.storage.atomic import BusyError, writer_lock
from via_pipeline_tests.faults import files
from via_pipeline_tests.intake.contracts import small_contract
from via_pipeline_tests.intake.house import KEY, NOW, P5_NAME, House, p5_row, p5_text

CANARY_BSN = "218304766"
CANARY_NAME = "Kanariepietersen"


@pytest.fixture
def house(tmp_path) -> House:
    return House.build(tmp_path, small_contract(tmp_path / "sources", formats=["csv", "xlsx"]))


def _tree(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_what_is_known_costs_no_work(house):
    house.land("klein", "klein_2020_v1.csv", files.small())
    first = house.take_in("klein")
    before = _tree(house.home.lake)
    again = house.take_in("klein", run_id="run-2")
    assert len(first.new) == 1 and again.new == () and again.known == first.new
    assert _tree(house.home.lake) == before


def test_the_same_bytes_elsewhere_are_a_duplicate_and_under_another_key_are_not(house):
    house.land("klein", "klein_2020_v1.csv", files.small(), "2020-01-01")
    house.land("klein", "klein_2020_kopie_v1.csv", files.small(), "2020-02-01")
    house.land("klein", "klein_2019_v1.csv", files.small(), "2020-03-01")
    summary = house.take_in("klein")
    rows = house.rows("klein")
    assert rows["klein_2020_kopie_v1.csv"].status is Status.DUPLICATE
    assert rows["klein_2019_v1.csv"].status is Status.RECEIVED
    assert summary.duplicates == (rows["klein_2020_v1.csv"].delivery_id,)
    assert rows["klein_2019_v1.csv"].same_bytes_as == (rows["klein_2020_v1.csv"].delivery_id,)
    assert len(summary.new) == 2


def test_rows_are_hashed_once_a_second_delivery_has_the_key(house):
    house.land("klein", "klein_2020_v1.csv", files.small(), "2020-01-01")
    house.take_in("klein")
    (first,) = house.rows("klein").values()
    assert first.content_sha256 is None
    other = files.small().replace(b"\n", b"\r\n")
    assert other != files.small()
    house.land("klein", "klein_2020_kopie_v1.csv", other, "2020-02-01")
    house.take_in("klein", run_id="run-2")
    rows = house.rows("klein")
    assert rows["klein_2020_kopie_v1.csv"].duplicate_of == first.delivery_id
    hashes = {row.content_sha256 for row in rows.values()}
    assert len(hashes) == 1 and None not in hashes
    assert rows["klein_2020_v1.csv"].status is Status.RECEIVED


def test_another_order_another_zone_the_same_lake(tmp_path):
    trees, statuses = [], []
    for turn in range(3):
        house = House.build(tmp_path / str(turn))
        names = [P5_NAME.format(werkgever=letter) for letter in "ABCD"]
        random.Random(turn).shuffle(names)
        now = NOW.astimezone(timezone(timedelta(hours=5 * turn)))
        for name in names:
            house.land("p5_behoud", name, p5_text([p5_row(ord(name[10])), p5_row(2)]))
            house.take_in("p5_behoud", now=now)
        trees.append(_tree(house.home.lake))
        statuses.append({name: row.status for name, row in house.rows("p5_behoud").items()})
    assert trees[0] == trees[1] == trees[2] and len(trees[0]) == 8
    assert statuses[0] == statuses[1] == statuses[2]


def test_however_many_are_read_at_once_ledger_and_lake_are_the_same(tmp_path, monkeypatch):
    landed = {
        f"klein_20{number:02}_v1.csv": files.small(bedrag=f"{number},5") for number in range(12)
    } | {
        # The same bytes under two names, a file that cannot be read, and one that nobody agreed.
        "klein_2003_kopie_v1.csv": files.small(bedrag="3,5"),
        "klein_2040_v1.csv": b'bsn;"geen einde',
        "anders.csv": files.small(),
    }
    seen = []
    for threads in ("1", "4"):
        monkeypatch.setenv("VIA_DUCKDB_THREADS", threads)
        house = House.build(tmp_path / threads, small_contract(tmp_path / threads / "sources"))
        for name, data in landed.items():
            house.land("klein", name, data)
        order = []
        real = stage.stage
        meeting = threading.Barrier(int(threads), timeout=60)

        def staged(home, contract, found, *rest, order=order, real=real, meeting=meeting):
            if "_200" in found.file_name and len(order) < 4:
                order.append(found.file_name)
                meeting.wait()  # As many as that are being read at this moment.
            return real(home, contract, found, *rest)

        with monkeypatch.context() as patched:
            patched.setattr(stage, "stage", staged)
            summary = house.take_in("klein")
        assert len(order) == 4
        seen.append((summary, Ledger(house.home.ledger).rows("klein"), _tree(house.home.lake)))
    assert seen[0] == seen[1]


def test_what_does_not_fit_in_its_share_of_the_memory_gets_all_of_it(house, monkeypatch):
    monkeypatch.setenv("VIA_DUCKDB_THREADS", "2")
    for year in (2018, 2019, 2020):
        house.land("klein", f"klein_{year}_v1.csv", files.small())
    shares = []
    real = stage.stage

    def staged(home, contract, found, measured, recognised, key, overlay, at_once):
        shares.append((found.file_name, at_once))
        if "2019" in found.file_name and at_once > 1:
            raise duckdb.OutOfMemoryException("held rows")
        return real(home, contract, found, measured, recognised, key, overlay, at_once)

    monkeypatch.setattr(stage, "stage", staged)
    assert len(house.take_in("klein").new) == 3
    assert sorted(shares) == [
        ("klein_2018_v1.csv", 2), ("klein_2019_v1.csv", 1), ("klein_2019_v1.csv", 2),
        ("klein_2020_v1.csv", 2),
    ]  # fmt: skip


def test_a_file_that_still_grows_is_left_for_the_next_run(house):
    path = house.land("klein", "klein_2020_v1.csv", files.small())
    os.utime(path, (NOW.timestamp() - 2, NOW.timestamp() - 2))

    def take(now: datetime):
        return take_in(
            house.home, house.contract("klein"), run_id="r", now=now, settle_seconds=5, key=KEY
        )

    first = take(NOW)
    assert first.new == () and first.deferred == ("landing/klein/2019-02-01/klein_2020_v1.csv",)
    assert Ledger(house.home.ledger).rows() == []
    assert len(take(NOW + timedelta(seconds=10)).new) == 1


@pytest.mark.parametrize(
    ("ahead", "is_left"), [(1, True), (3600, True), (24 * 3600, False), (10**8, False)]
)
def test_a_file_that_grows_while_the_clock_was_set_back_is_left_too(house, ahead, is_left):
    path = house.land("klein", "klein_2020_v1.csv", files.small())
    os.utime(path, (NOW.timestamp() + ahead, NOW.timestamp() + ahead))
    found = take_in(
        house.home, house.contract("klein"), run_id="r", now=NOW, settle_seconds=5, key=KEY
    )
    assert (len(found.deferred), len(found.new)) == ((1, 0) if is_left else (0, 1))


def test_temporary_and_hidden_names_are_no_deliveries(house):
    for name in (
        ".klein.csv",
        "~$klein_2020_v1.xlsx",
        "klein_2020_v1.csv.part",
        "a.filepart",
        ".tmp-1-klein_2020_v1.csv",
    ):
        house.land("klein", name, b"x")
    assert house.take_in("klein").new == ()


def test_a_link_in_landing_is_not_followed(house, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_bytes(files.small())
    folder = house.home.landing / "klein" / "2020-01-01"
    folder.mkdir(parents=True)
    (folder / "klein_2020_v1.csv").symlink_to(secret)
    assert len(house.take_in("klein").rejected) == 1
    (finding,) = house.staged("klein", "klein_2020_v1.csv").findings
    assert finding.rule == "bestand__verwijzing"


def test_an_unexpected_failure_stops_no_other_file(house, monkeypatch, caplog):
    house.land("klein", "klein_2019_v1.csv", files.small())
    house.land("klein", "klein_2020_v1.csv", files.small(bedrag="7,5"))
    real = stage.stage

    def breaks(home, contract, found, *rest):
        if "2019" in found.file_name:
            raise ZeroDivisionError(f"cell {CANARY_BSN}")
        return real(home, contract, found, *rest)

    monkeypatch.setattr(stage, "stage", breaks)
    with caplog.at_level(logging.DEBUG):
        summary = house.take_in("klein")
    assert len(summary.new) == 2 and len(summary.rejected) == 1
    (finding,) = house.staged("klein", "klein_2019_v1.csv").findings
    assert finding.rule == "bestand__onverwacht" and "ZeroDivisionError" in finding.explanation
    assert CANARY_BSN not in finding.explanation + caplog.text


def test_trouble_of_the_machine_is_tried_again(house, monkeypatch):
    house.land("klein", "klein_2019_v1.csv", files.small())
    house.land("klein", "klein_2020_v1.csv", files.small(bedrag="7,5"))
    real = stage.stage

    def full_disk(home, contract, found, *rest):
        if "2019" in found.file_name:
            raise OSError(28, "No space left on device")
        return real(home, contract, found, *rest)

    monkeypatch.setattr(stage, "stage", full_disk)
    with pytest.raises(OSError, match="No space"):
        house.take_in("klein")
    assert list(house.rows("klein")) == ["klein_2020_v1.csv"]
    monkeypatch.undo()
    assert len(house.take_in("klein").new) == 1


def test_a_predicate_that_is_no_sql_is_the_contracts_fault(tmp_path):
    sources = small_contract(tmp_path / "sources")
    path = sources / "klein.odcs.yaml"
    rule = (
        "  quality:\n  - {name: kapot, type: sql, query: 'bestaat_niet = 1', severity: warn,"
        " description: x, mustBe: true}\n  properties:\n"
    )
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  properties:\n", rule, 1), encoding="utf-8")
    house = House.build(tmp_path, sources)
    house.land("klein", "klein_2020_v1.csv", files.small())
    with pytest.raises(ContractError, match="predicate"):
        house.take_in("klein")


def test_another_key_on_the_same_lake_is_refused(house):
    house.land("klein", "klein_2020_v1.csv", files.small())
    house.take_in("klein")
    with pytest.raises(LedgerError, match="differs"):
        take_in(house.home, house.contract("klein"), run_id="r", now=NOW, key=Key(b"another" * 8))


def test_two_runs_of_one_source_do_not_meet(house, monkeypatch):
    monkeypatch.setattr("via_pipeline.storage.atomic.LOCK_WAIT_SECONDS", 0.1)
    monkeypatch.setattr(
        "via_pipeline.intake.run.writer_lock", lambda locks, name: writer_lock(locks, name, 0.1)
    )
    house.home.ensure()
    with writer_lock(house.home.locks, "intake-klein"), pytest.raises(BusyError):
        house.take_in("klein")


def test_what_a_killed_run_left_is_removed_but_not_another_sources(house):
    staging = house.home.lake / "staging"
    (staging / ".tmp-0-klein-abc").mkdir(parents=True)
    (staging / ".tmp-0-p5_behoud-abc").mkdir()
    house.take_in("klein")
    assert [path.name for path in staging.iterdir()] == [".tmp-0-p5_behoud-abc"]


def test_a_canary_is_found_in_no_byte_outside_landing(house, caplog, monkeypatch, tmp_path):
    """Name and BSN, where they belong and where they do not: never written, never logged."""
    monkeypatch.chdir(tmp_path)
    canary = f"{CANARY_NAME};{CANARY_BSN}"
    good = files.small(bsn=CANARY_BSN)
    lines = good.decode().splitlines()
    landed = {
        "klein_2020A_v1.csv": good,
        "klein_2020B_v1.csv": files.small(bsn=CANARY_NAME),
        "klein_2020C_v1.csv": files.small(gemeente=CANARY_BSN, aantal=CANARY_BSN, soort=CANARY_BSN),
        "klein_2020D_v1.csv": "\n".join([*lines, canary]).encode(),
        "klein_2020E_v1.csv": "\n".join(
            [f"naam;{lines[0]}", *(f"{CANARY_NAME};{line}" for line in lines[1:])]
        ).encode(),
        "klein_2020F_v1.csv": "\n".join([canary + ";x;x;x;x;x", *lines[1:]]).encode(),
        "klein_2020G_v1.csv": (good.decode() + f'"{canary}').encode(),
        "klein_2020H_v1.csv": good + f"{CANARY_NAME}\xff".encode("latin-1"),
        "klein_2020I_v1.csv": good.replace(b";", b"\t"),
        "klein_2020J_v1.zip": files.zipped({"klein.csv": good}),
        "klein_2020K_v1.zip": files.zipped({"klein.csv": good})[:-30],
        "klein_2020L_v1.csv": (good.decode() + f'"{CANARY_NAME}"x;{CANARY_BSN}\n').encode(),
        "klein_2020M_v9.csv": good,
    }
    for name, data in landed.items():
        house.land("klein", name, data)
    with caplog.at_level(logging.DEBUG):
        summary = house.take_in("klein")
    assert len(summary.new) + len(summary.duplicates) >= len(landed)
    outside = _tree(house.home.root)
    assert any(name.endswith(".parquet") for name in outside)
    needles = [
        form
        for text in (CANARY_BSN, CANARY_NAME, CANARY_NAME.upper(), CANARY_NAME.lower())
        for form in (text.encode(), text.encode("utf-16-le"))
    ]
    for name, data in outside.items():
        assert not any(needle in data for needle in needles), name
    for path in house.home.root.rglob("*.parquet"):
        cells = duckdb.execute("FROM read_parquet($1)", [str(path)]).fetchall()
        text = repr(cells)
        assert CANARY_BSN not in text and CANARY_NAME.upper() not in text.upper(), path
    assert CANARY_BSN not in caplog.text and CANARY_NAME not in caplog.text
    strays = {path for path in tmp_path.rglob("*") if path.is_file()}
    strays -= {path for path in strays if path.is_relative_to(house.home.root)}
    strays -= {path for path in strays if path.is_relative_to(house.home.data)}
    assert not [path for path in strays if CANARY_BSN.encode() in path.read_bytes()]
