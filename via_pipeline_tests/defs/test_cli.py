"""The commands: light to start, clear when misused."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from via_pipeline import cli, fingerprint
from via_pipeline.storage.home import Home
from via_pipeline_tests.journeys import house

HEAVY = ("dagster", "great_expectations", "pandas", "duckdb", "numpy", "pyarrow", "sqlalchemy")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from via_pipeline.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=house.PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "LOADED []"
    for command in ("run", "ui", "sample", "deliveries", "template", "check", "serve"):
        assert command in done.stdout
    assert "Exit codes" in done.stdout


def test_deliveries_of_an_empty_place(tmp_path: Path) -> None:
    home = house.place(tmp_path, landing=False)
    assert "empty" in house.via(home, "deliveries").output
    assert json.loads(house.via(home, "deliveries", "--json").output) == []


def test_deliveries_of_a_run(sample_run: house.Ran) -> None:
    rows = json.loads(house.via(sample_run.home, "deliveries", "p5_behoud", "--json").output)
    assert rows
    assert {row["source"] for row in rows} == {"p5_behoud"}
    assert {"accepted", "rejected"} <= {row["status"] for row in rows}


@pytest.mark.parametrize("source", ["p2_mbo", "p5_behoud"])
def test_template(tmp_path: Path, source: str) -> None:
    home = house.place(tmp_path, landing=False)
    path = tmp_path / "sjabloon.xlsx"
    assert house.via(home, "template", source, "--out", str(path)).code == 0
    assert openpyxl.load_workbook(path).sheetnames
    assert house.via(home, "template", "p99_niets").code == 2


def test_sample_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    home = house.place(tmp_path, landing=False)
    found = []
    for seed in ("1", "1", "2"):
        out = tmp_path / f"out{len(found)}"
        arguments = ("--seed", seed, "--out", str(out), "--source", "p5_behoud")
        assert house.via(home, "sample", *arguments).code == 0
        found.append(house.bytes_of(out))
    assert found[0] == found[1]
    assert found[0] != found[2]
    assert house.via(home, "sample", "--source", "p99", "--out", str(tmp_path / "x")).code == 2


@pytest.mark.parametrize(
    ("today", "began", "is_nothing_new"),
    [
        (date(2021, 10, 15), date(2021, 10, 14), True),
        (date(2021, 10, 16), date(2021, 10, 14), False),
        (date(2021, 10, 16), date(2021, 10, 15), False),
        (date(2021, 10, 17), date(2021, 10, 16), True),
        (date(2030, 1, 1), date(2029, 12, 31), True),
    ],
    ids=["not over yet", "the day after", "it ran over midnight", "done", "no reading is left"],
)
def test_a_reading_date_that_has_passed_is_news(
    tmp_path, monkeypatch, today, began, is_nothing_new
):
    home = Home(tmp_path / "via", tmp_path / "data").ensure()
    monkeypatch.setattr(cli, "_today", lambda: today)
    now = {"inputs": "the same", "editions": ["derde"]}
    known = now | {
        "outputs": fingerprint.outputs(home),
        "next_reading": cli._next_reading(began),
    }
    assert cli._is_nothing_new(home, known, now) is is_nothing_new
