"""The benchmark of a night is right: everybody makes the same tables, and who does not is noticed.

Two thousand rows, without Dagster: the rooms of the product are called as its steps call them. The
peers run where ``make bench`` made their environments.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from benchmarks import child
from benchmarks.refresh import deliveries, ours, report, work
from benchmarks.refresh.__main__ import PEERS, PLACE
from via_pipeline.contracts.model import load
from via_pipeline.intake.pseudonym import Key
from via_pipeline.intake.run import take_in
from via_pipeline.outcomes.run import refresh
from via_pipeline.pilots import conform
from via_pipeline.quality.run import judge
from via_pipeline.storage.home import Home

ROWS = 2_000
SCRIPTS = deliveries.REPOSITORY / "benchmarks"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Deliveries of two thousand rows, the order, and what the floor makes of it."""
    folder = tmp_path_factory.mktemp("bench")
    made = deliveries.generate(folder / "data", ROWS, organisations=1, quarters=2)
    work.order(made, folder / "data" / "reference").write(folder / "work.json")
    (folder / "floor").mkdir()
    child.run(
        [sys.executable, SCRIPTS / "refresh/floor.py", folder / "work.json", folder / "floor"]
    )
    return folder


def test_deliveries_have_the_size_asked_for_faults_and_the_same_bytes(
    place: Path, tmp_path: Path
) -> None:
    again = deliveries.generate(tmp_path / "data", ROWS, organisations=1, quarters=2)
    rows = 0
    for one in again:
        twin = place / "data" / one.path.relative_to(tmp_path / "data")
        assert one.path.read_bytes() == twin.read_bytes()
        assert "synthetisch" in one.path.name
        rows += one.path.read_bytes().count(b"\n") - 1
    assert ROWS <= rows <= ROWS * 1.01
    broken = duckdb.sql(
        "SELECT DISTINCT unnest(regels) FROM "
        f"read_parquet('{place}/floor/quarantine/*/*.parquet', union_by_name=true)"
    ).fetchall()
    assert len(broken) > 8


def test_the_product_makes_what_the_floor_makes(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIA_HOME", str(tmp_path / "home"))
    home = Home(tmp_path / "home", place / "data").ensure()
    key = Key(bytes.fromhex(work.KEY))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for source in ("register", *work.SOURCES):
        contract = load(source)
        take_in(home, contract, run_id="t", now=now, settle_seconds=0, key=key)
        if source != "register":
            judge(home, contract, run_id="t")
            conform.refresh(home, contract)
            refresh(home, source)
    ours.results(home.root, home.data, tmp_path / "ours")

    assert work.differences(place / "floor", tmp_path / "ours") == []


def test_one_value_that_differs_is_noticed(place: Path, tmp_path: Path) -> None:
    import shutil

    other = tmp_path / "other"
    shutil.copytree(place / "floor", other)
    path = next((other / "conformed" / "p7_ww").glob("*.parquet"))
    duckdb.sql(
        f"COPY (SELECT * REPLACE (volgnummer + (_row = 5)::INT AS volgnummer) FROM '{path}') "
        f"TO '{tmp_path}/changed.parquet'"
    )
    (tmp_path / "changed.parquet").replace(path)

    [found] = work.differences(place / "floor", other)

    assert found.startswith("conformed/p7_ww")


@pytest.mark.parametrize("name", sorted(PEERS))
def test_a_peer_makes_what_the_floor_makes(name: str, place: Path, tmp_path: Path) -> None:
    venv, script = PEERS[name]
    python = PLACE / venv / "bin" / "python"
    if not python.exists():
        pytest.skip(f"`make bench` makes the environment of {name}")
    child.run([python, SCRIPTS / script, place / "work.json", tmp_path])

    assert work.differences(place / "floor", tmp_path) == []


def test_a_child_that_fails_says_so_and_memory_is_its_own() -> None:
    with pytest.raises(child.ChildFailed, match="ended with 3"):
        child.run([sys.executable, "-c", "raise SystemExit(3)"])
    small = child.run([sys.executable, "-c", "pass"])
    large = child.run([sys.executable, "-c", "x = bytearray(200 << 20)"])
    assert large.peak_mb - small.peak_mb > 150


def test_the_report_gives_ratios_and_growth(tmp_path: Path) -> None:
    lines = [
        report.Line(rows, who, seconds, 2 * seconds, 100)
        for rows, floor in ((1_000, 1.0), (10_000, 10.0))
        for who, seconds in ((report.FLOOR, floor), (report.US, 1.5 * floor))
    ]

    told = report.write(tmp_path, lines, [], ["A note."]).read_text(encoding="utf-8")

    assert "| 10,000 | via_pipeline | 15.0 | 1.50 | 30.0 | 1.50 | 100 |" in told
    assert "| via_pipeline | 1,000 | 10,000 | 1.00 | 1.00 |" in told
    assert "A note." in told
    assert (tmp_path / "growth.svg").read_text(encoding="utf-8").startswith("<svg")
