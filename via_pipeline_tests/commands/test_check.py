"""A file is checked before it is sent: the verdict of the real run, and nothing left behind."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from via_pipeline.cli import app
from via_pipeline.contracts.model import load
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.intake.status import Status
from via_pipeline.quality import engines, rehearsal, report
from via_pipeline.quality.results import read_result
from via_pipeline_tests.journeys import house

REFERENCE = house.PROJECT / "data" / "reference"
GOOD = "p5_behoud/2019-02-18/p5_behoud_A_2018_synthetisch_v1.csv"
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def _judged(ran: house.Ran) -> list[LedgerRow]:
    """Of every source a rejected file, and one that is taken in, with or without remarks.

    Great Expectations takes a second a file, so not every file.
    """
    chosen: dict[tuple[str, bool], LedgerRow] = {}
    for row in Ledger(ran.home.ledger).rows():
        is_partners = (ran.home.landing / row.source).is_dir() and row.source != "p9_onbekend"
        if is_partners and row.verdict and row.status is not Status.DUPLICATE:
            chosen.setdefault((row.source, row.verdict == "rejected"), row)
    return list(chosen.values())


def test_the_verdict_and_the_report_are_those_of_the_real_run(
    sample_run: house.Ran, tmp_path: Path
) -> None:
    judged = _judged(sample_run)
    assert {row.verdict for row in judged} == {"accepted", "accepted_with_warnings", "rejected"}
    for row in judged:
        to = tmp_path / f"{row.delivery_id}.xlsx"
        found = rehearsal.rehearse(
            sample_run.home.data / row.path, load(row.source), REFERENCE, NOW, report_to=to
        )
        assert found.result == read_result(sample_run.home.reports, row.delivery_id)
        real = report.path_of(sample_run.home.reports, found.staged)
        assert to.read_bytes() == real.read_bytes()


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No installation, no key, an empty folder for temporary files, and the shipped code lists."""
    monkeypatch.setenv("VIA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VIA_DATA", str(house.PROJECT / "data"))
    monkeypatch.delenv("VIA_PSEUDONYM_KEY")
    monkeypatch.setenv("VIA_PSEUDONYM_KEY_FILE", str(tmp_path / "no.key"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path


def test_nothing_is_left_behind(nowhere: Path) -> None:
    before = house.bytes_of(house.PROJECT / "data")
    said = CliRunner().invoke(app, ["check", str(house.PROJECT / "data" / "landing" / GOOD)])
    assert said.exit_code == 0 and "Overgenomen" in said.output
    assert [path.name for path in nowhere.rglob("*")] == ["temporary"]
    assert house.bytes_of(house.PROJECT / "data") == before


def test_a_bad_file_is_told_where_and_leaves_with_its_own_exit_code(nowhere: Path) -> None:
    lines = (house.PROJECT / "data" / "landing" / GOOD).read_bytes().splitlines()
    bad = nowhere / "p5_behoud_A_2018_v1.csv"
    bad.write_bytes(b"\n".join([lines[0] + b";erbij", *(line + b";x" for line in lines[1:])]))
    said = CliRunner().invoke(app, ["check", str(bad), "--json"])
    assert said.exit_code == 3
    told = json.loads(said.stdout)
    assert told["verdict"] == "rejected"
    assert "tabel__kolommen" in [rule["rule"] for rule in told["rules"]]


def test_a_fault_of_the_platform_is_not_called_the_files(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError("817263")

    monkeypatch.setattr(engines, "on_pandas", no_memory)
    good = house.PROJECT / "data" / "landing" / GOOD
    said = CliRunner().invoke(app, ["check", str(good), "--report", str(nowhere / "x.xlsx")])
    assert said.exit_code == 1
    assert "kon dit bestand niet beoordelen" in said.output and "MemoryError" in said.output
    assert "817263" not in said.output


@pytest.mark.parametrize(
    "arguments, code, told",
    [
        (["iets.csv"], 2, "--source"),
        (["p5_behoud_Z_2018_v1.csv"], 2, "there is no"),
        (["iets.csv", "--source", "p99"], 2, "p5_behoud"),
        (["~$p5_behoud_A_2018_v1.csv", "--source", "p5_behoud"], 1, "tijdelijke namen"),
    ],
)
def test_what_cannot_be_checked_is_said(
    nowhere: Path, arguments: list[str], code: int, told: str
) -> None:
    name, *rest = arguments
    path = nowhere / name
    if "Z" not in name:
        path.write_text("x")
    said = CliRunner().invoke(app, ["check", str(path), *rest])
    assert said.exit_code == code
    assert told in said.output.replace("\n", " ")
