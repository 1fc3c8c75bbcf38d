"""A night of one source, room by room, without Dagster: for tests that need many of them.

Belongs here: how tests get there. Does not belong here: what they find.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from via_pipeline.contracts.model import load
from via_pipeline.intake.run import take_in
from via_pipeline.pilots import conform
from via_pipeline.quality.run import judge
from via_pipeline.storage import lake
from via_pipeline.storage.duck import quoted, work
from via_pipeline.storage.home import Home
from via_pipeline_tests.journeys.house import PROJECT, bytes_of

SOURCE = "p5_behoud"
FIRST = f"{SOURCE}/2019-02-18/p5_behoud_D_2018_synthetisch_v1.csv"
SECOND = f"{SOURCE}/2021-02-22/p5_behoud_E_2020_synthetisch_v1.csv"
NOW = datetime(2021, 3, 1, 2, tzinfo=UTC)
ROOMS = ("lake", "quarantine", "reports")


def place(folder: Path) -> Home:
    """An installation below ``folder`` that has its register and reference, and nothing else."""
    home = Home(folder / "home", folder / "data", folder / "uitgaven")
    for name in ("register", "reference"):
        shutil.copytree(PROJECT / "data" / name, home.data / name)
    return home


def copied(source: Home, folder: Path) -> Home:
    """The same installation once more."""
    home = Home(folder / "home", folder / "data", folder / "uitgaven")
    for one, other in ((source.root, home.root), (source.data, home.data)):
        shutil.copytree(one, other, symlinks=True)
    return home


def deliver(home: Home, delivery: str) -> Path:
    """A partner's file arrives; where."""
    target = home.landing / delivery
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROJECT / "data" / "landing" / delivery, target)
    return target


def night(home: Home) -> None:
    """Take in, judge, conform."""
    contract = load(SOURCE)
    take_in(home, contract, run_id="nacht", now=NOW, settle_seconds=0)
    judge(home, contract, run_id="nacht")
    conform.refresh(home, contract)


def made(home: Home) -> dict[str, dict[str, str]]:
    """The bytes that a night makes, by room."""
    return {room: bytes_of(home.root / room) for room in ROOMS}


def shorten(home: Home, table: str, rows: int) -> None:
    """Leave the first ``rows`` rows of a table of the lake: another content to publish."""
    with work(home.scratch) as connection:
        lake.view(connection, home.lake, table)
        connection.execute(f"CREATE TABLE minder AS SELECT * FROM {quoted(table)} LIMIT {rows}")
        lake.replace_table(home.lake, table, connection, "SELECT * FROM minder ORDER BY rowid")
