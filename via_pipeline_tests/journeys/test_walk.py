"""The whole walk on the shipped deliveries: what comes out, and that nothing changes it."""

from __future__ import annotations

import os
import random
import shutil
import sys
from pathlib import Path

import duckdb
import pytest

from via_pipeline.contracts.model import load_all
from via_pipeline.intake.ledger import Ledger
from via_pipeline.pilots.mend import damaged
from via_pipeline_tests import locales
from via_pipeline_tests.journeys import house

# The first of two nights, as far as its deliveries are remembered: taken in, judged, in force.
_FIRST_NIGHT = """
from datetime import UTC, datetime
from via_pipeline.contracts.model import load_all
from via_pipeline.intake.run import take_in
from via_pipeline.pilots import conform
from via_pipeline.quality.run import judge
from via_pipeline.storage.home import Home

home = Home.from_env().ensure()
for contract in load_all():
    take_in(home, contract, run_id="first", now=datetime.now(tz=UTC), settle_seconds=0)
    judge(home, contract, run_id="first")
    conform.refresh(home, contract)
"""


def test_it_ends_well_and_says_what_a_person_wants_to_know(sample_run: house.Ran) -> None:
    assert sample_run.code == 0, sample_run.output
    for word in (
        "accepted",
        "rejected",
        "duplicates",
        "Rows in quarantine, by reason",
        "passed",
        "warned",
        "failed",
        "via.duckdb",
        "letters/derde",
        "reports/partners",
        "importing Dagster",
    ):
        assert word in sample_run.output
    statuses = {row.status.value for row in Ledger(sample_run.home.ledger).rows()}
    assert {"accepted", "accepted_with_warnings", "rejected", "duplicate", "superseded"} <= statuses
    assert "received" not in statuses, "a delivery was left without a verdict"


def test_every_row_is_accepted_or_in_quarantine(sample_run: house.Ran) -> None:
    judged = [row for row in Ledger(sample_run.home.ledger).rows() if row.rows_accepted is not None]
    assert judged
    for row in judged:
        assert row.rows_in == row.rows_accepted + (row.rows_quarantined or 0), row.file_name


def test_nothing_of_it_is_taken_for_damage(sample_run: house.Ran) -> None:
    assert damaged(sample_run.home, load_all()).count == 0


def test_the_file_for_bi_and_the_third_letter_are_there(sample_run: house.Ran) -> None:
    with duckdb.connect(str(sample_run.home.latest / "via.duckdb"), read_only=True) as connection:
        tables = [row[0] for row in connection.execute("SHOW TABLES").fetchall()]
    assert tables
    letter = sample_run.home.letters / "derde"
    assert (letter / "datapackage.json").exists()
    assert list(letter.rglob("*.csv"))
    assert list(letter.rglob("*.parquet"))


def test_a_second_run_with_nothing_new_says_so_and_does_almost_nothing(
    sample_run: house.Ran, tmp_path: Path
) -> None:
    home = house.copied(sample_run.home, tmp_path)
    before = house.bytes_of(home.root / "dagster")
    again = house.via(home, "run")
    assert again.code == 0
    assert "Nothing new (niets nieuws)" in again.output
    assert "Deliveries" not in again.output
    assert house.bytes_of(home.root / "dagster") == before, "Dagster was at work"


@pytest.mark.long(0, alone=True)
def test_order_time_zone_and_locale_change_no_byte(sample_run: house.Ran, tmp_path: Path) -> None:
    """In two batches, the later deliveries first, half a world away, in Turkish if it is there."""
    home = house.place(tmp_path, landing=False)
    shipped = house.PROJECT / "data" / "landing"
    folders = sorted(path for path in shipped.glob("*/*/") if path.is_dir())
    folders.sort(key=lambda path: path.name, reverse=True)
    half = len(folders) // 2
    turkish = locales.made(tmp_path / "locales", "tr_TR") if locales.can_be_made("tr_TR") else {}
    elsewhere = turkish | {
        "TZ": "Pacific/Kiritimati",
        "PYTHONHASHSEED": "7",
        "VIA_DUCKDB_THREADS": "1",
    }
    generator = random.Random(7)
    commands = (
        [sys.executable, "-c", _FIRST_NIGHT],
        [sys.executable, "-m", "via_pipeline.cli", "run"],
    )
    for batch, command in zip((folders[:half], folders[half:]), commands, strict=True):
        for folder in batch:
            target = home.landing / folder.relative_to(shipped)
            shutil.copytree(folder, target)
            for file in target.iterdir():
                age = generator.randrange(10**9)
                os.utime(file, (age, age))
        ran = house.run(home, command, **elsewhere)
        assert ran.code == 0, ran.output
    for readme in shipped.glob("*.md"):
        shutil.copy(readme, home.landing)
    for name in ("lake", "letters", "serve", "quarantine"):
        mine, theirs = house.bytes_of(home.root / name), house.bytes_of(sample_run.home.root / name)
        if name == "lake":
            mine, theirs = _tables_only(mine), _tables_only(theirs)
        differing = sorted(
            path for path in mine.keys() | theirs.keys() if mine.get(path) != theirs.get(path)
        )
        assert differing == [], f"{name} differs"


def _tables_only(files: dict[str, str]) -> dict[str, str]:
    """Without staging: what was read of a delivery tells when it was a revision of what."""
    return {path: digest for path, digest in files.items() if not path.startswith("staging/")}


@pytest.mark.long(6, alone=True)
def test_a_bad_file_stops_no_other_and_shows(sample_run: house.Ran, tmp_path: Path) -> None:
    home = house.copied(sample_run.home, tmp_path)
    before = house.bytes_of(home.lake)
    bad = home.landing / "p5_behoud" / "2021-03-01" / "p5_behoud_A_2019_synthetisch_v1.csv"
    bad.parent.mkdir(parents=True)
    bad.write_bytes(b"\x00\x01 no table at all \xff\xfe")
    good = home.data / "register" / "status"
    page = sorted(good.glob("*.md"))[0]
    page.write_text(page.read_text(encoding="utf-8") + "\nNieuwe zin.\n", encoding="utf-8")
    (home.latest / "via.duckdb").unlink()

    # One letter, of before any delivery: what a bad file may stop lies before the letters.
    ran = house.via(home, "run", "--edition", "eerste")
    assert ran.code == 0, ran.output
    assert (home.latest / "via.duckdb").exists(), "what somebody removed is there again"
    after = house.bytes_of(home.lake)
    changed = {
        path.split("/")[0]
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    }
    assert "register__status" in changed, "the good source is fresh"
    assert "pilots__p5_medewerker" not in changed, "yesterday's table stands"
    rows = {row.path: row for row in Ledger(home.ledger).rows("p5_behoud")}
    assert rows[str(bad.relative_to(home.data))].status.value == "rejected"
    assert bad.name in ran.output
    alerts = (home.reports / "alerts" / "alerts.log").read_text(encoding="utf-8")
    assert any(bad.name in line and "quality__p5_behoud" in line for line in alerts.splitlines())


def test_usage_errors_have_their_own_code(tmp_path: Path) -> None:
    home = house.place(tmp_path, landing=False)
    assert house.via(home, "run", "--edition", "bestaat_niet").code == 2
    assert house.via(home, "nonsense").code == 2


@pytest.mark.parametrize("key", ["zz", "00"])
def test_a_run_that_cannot_work_fails_with_a_clear_message(tmp_path: Path, key: str) -> None:
    home = house.place(tmp_path, landing=False)
    ran = house.via(home, "run", VIA_PSEUDONYM_KEY=key)
    assert ran.code == 1
    assert "pseudonym key" in ran.output
    assert "Traceback" not in ran.output


def test_another_key_than_the_lakes_is_refused(sample_run: house.Ran, tmp_path: Path) -> None:
    home = house.copied(sample_run.home, tmp_path)
    before = house.bytes_of(home.lake)
    ran = house.via(home, "run", VIA_PSEUDONYM_KEY="ab" * 32)
    assert ran.code == 1
    assert "pseudonym key differs" in " ".join(ran.output.split())
    assert house.bytes_of(home.lake) == before
