"""Hostile files: taken or refused in words, in time, in memory, and nothing written anywhere."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faults import fuzz, hostile
from via_pipeline.contracts.model import Severity, load
from via_pipeline.intake import archive, names, recognise
from via_pipeline.intake.content import Content
from via_pipeline.intake.readers import sav
from via_pipeline.intake.records import Finding, read_record, staging
from via_pipeline.intake.trouble import Refused
from via_pipeline.letters import files
from via_pipeline.quality import report
from via_pipeline.quality.run import judge
from via_pipeline.storage.duck import work
from via_pipeline.storage.spreadsheet import harmless_columns
from via_pipeline_tests.journeys.house import PROJECT
from via_pipeline_tests.quality import examples

SEED = 20201109
QUIET = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def soon(seconds: float = 120) -> float:
    return time.monotonic() + seconds


def test_every_reader_takes_or_refuses_what_it_gets() -> None:
    # In a process of its own: the children are forks, and this one has threads of DuckDB.
    done = subprocess.run(
        [sys.executable, "-m", "faults.fuzz", "--seed", str(SEED), "--cases", "160"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *counts, last = done.stdout.splitlines()
    assert last.startswith("160 files, 0 findings"), "the time ran out"
    assert {line.split()[0] for line in counts} == {*hostile.KINDS}


def without(kind: str, start: int, end: int) -> hostile.Case:
    """The sample without some of its bytes."""
    whole = hostile.sample(kind)
    return replace(whole, data=whole.data[:start] + whole.data[end:])


def changed(kind: str, at: int, new: bytes) -> hostile.Case:
    """The sample with other bytes at a place."""
    whole = hostile.sample(kind)
    return replace(whole, data=whole.data[:at] + new + whole.data[at + len(new) :])


def repacked(kind: str, part: str, old: bytes, new: bytes) -> hostile.Case:
    """The sample with something else in one of its parts."""
    whole, out = hostile.sample(kind), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole.data)) as found, zipfile.ZipFile(out, "w") as made:
        for name in found.namelist():
            data = found.read(name)
            if name == part:
                assert old in data
                head, _, tail = data.rpartition(old)
                data = head + new + tail
            made.writestr(name, data)
    return replace(whole, data=out.getvalue())


SHEET = "xl/worksheets/sheet1.xml"
FAR = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
# Found by `make fuzz`, once: each ended the process, or raised something that nobody caught.
FOUND = {
    "a member at a place below nothing": (lambda: without("zip", 100, 150), "bestand__zip"),
    "a cell in the last corner": (
        lambda: repacked("xlsx", SHEET, b"</sheetData>", FAR),
        "bestand__werkmap_te_groot",
    ),
    "the last corner, after cells that name no place": (
        lambda: repacked(
            "xlsx",
            SHEET,
            b"</sheetData>",
            FAR.replace(b' r="XFD', b' s="1" x="XFD').replace(
                b"<c ", b"<c><v>1</v></c>" * 16384 + b"<c "
            ),
        ),
        "bestand__werkmap_te_groot",
    ),
    "an encoding that does not exist": (
        lambda: repacked("xlsx", SHEET, b'encoding="UTF-8"', b'encoding="UTF-1"'),
        "bestand__werkmap",
    ),
    "a dictionary of a SAV that ends the process that reads it": (
        lambda: changed("sav", 1704, b"\x0b"),
        "bestand__sav",
    ),
    "a cell repeated a thousand million times": (
        lambda: repacked(
            "ods",
            "content.xml",
            b"<table:table-cell ",
            b'<table:table-cell table:number-columns-repeated="1000000000" ',
        ),
        "bestand__werkmap_te_groot",
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_before_stays_mended(name: str) -> None:
    made, rule = FOUND[name]
    assert fuzz.attempt(made()).startswith(rule)


def test_a_sheet_in_a_part_of_any_name_is_looked_at() -> None:
    whole, out = repacked("xlsx", SHEET, b"</sheetData>", FAR), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole.data)) as found, zipfile.ZipFile(out, "w") as made:
        for name in found.namelist():
            data = found.read(name).replace(b"worksheets/sheet1.xml", b"elders/blad.bin")
            made.writestr("xl/elders/blad.bin" if name == SHEET else name, data)
    told = fuzz.attempt(replace(whole, data=out.getvalue()))
    assert told == "bestand__werkmap_te_groot"


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_what_is_empty_may_reach_as_far_as_it_likes(kind: str) -> None:
    """Spreadsheet programs write formats down to the last row; nothing is in those cells."""
    far = {
        "xlsx": (SHEET, b"</sheetData>", FAR.replace(b"><v>1</v></c>", b' s="1"/>')),
        "ods": (
            "content.xml",
            b"</table:table>",
            b'<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
            b'table:number-columns-repeated="16000"/></table:table-row></table:table>',
        ),
    }
    assert fuzz.attempt(repacked(kind, *far[kind])) == "taken"


def test_who_opens_a_sav_has_no_key(monkeypatch) -> None:
    monkeypatch.setenv("VIA_PSEUDONYM_KEY", "ab" * 32)
    asked = []
    real = subprocess.Popen

    def noted(command, **options):
        asked.append(options["env"])
        return real(command, **options)

    monkeypatch.setattr(subprocess, "Popen", noted)
    assert fuzz.attempt(hostile.sample("sav")) == "taken"
    assert len(asked) == 2
    assert not any(name.startswith("VIA_") for found in asked for name in found)


def test_a_sav_that_does_not_end_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(sav, "LIMIT_SECONDS", 0.01)
    assert fuzz.attempt(hostile.sample("sav")) == "bestand__sav"


def crash(case: hostile.Case) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return "taken"


def hang(case: hostile.Case) -> str:
    time.sleep(60)
    return "taken"


def eat(case: hostile.Case) -> str:
    return str(len(bytearray(8 << 30)))


def write(case: hostile.Case) -> str:
    with open("buiten.txt", "w") as handle:  # noqa: PTH123 - what a careless reader would do
        handle.write(case.name)
    return "taken"


@pytest.mark.parametrize(
    ("bad", "said"),
    [(crash, "ends the process"), (hang, "hangs"), (eat, "MemoryError"), (write, "Wrote")],
)
def test_the_child_notices_a_bad_reader(bad, said: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    _, findings = fuzz.run(SEED, iter(range(1)), soon(), attempt=bad, seconds=1)
    assert len(findings) == 1
    assert said in findings[0]
    assert list(tmp_path.iterdir()) == []


CELL = st.text(st.characters(codec="cp1252"), max_size=12)


@QUIET
@given(st.lists(st.lists(CELL, min_size=1, max_size=12), max_size=8), st.sampled_from(";,\t|"))
def test_any_text_that_looks_like_csv(rows: list[list[str]], delimiter: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(
        [[column.name for column in load("p5_behoud").tables[0].delivered_columns], *rows]
    )
    name = "p5_behoud_D_2018_v1.csv"
    data = out.getvalue().encode("cp1252", "replace")
    told = fuzz.attempt(hostile.Case("csv", "p5_behoud", name, data))
    assert told == "taken" or told.startswith("bestand__")


@QUIET
@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=4, unique=True))
def test_no_member_of_an_archive_has_a_path_outside(members: list[str]) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name in members:
            info = zipfile.ZipInfo("x")
            info.filename = name.encode("utf-8", "replace").decode()
            target.writestr(info, b"1")
    try:
        found = archive.members(Content("x.zip", data=out.getvalue()))
    except Refused as refused:
        assert refused.rule.startswith("bestand__")
        return
    for content in found:
        assert not content.name.startswith("/")
        assert ".." not in content.name.split("/")
        assert "\\" not in content.name


@QUIET
@given(st.text(max_size=80))
def test_any_name_is_recognised_or_refused_and_shown_without_a_path(name: str) -> None:
    contract = load("p5_behoud")
    shown = names.shown_file(name, "0" * 64, contract)
    assert len(shown) <= 3 * len(name) + 12
    try:
        recognise.recognise(contract, name)
    except Refused as refused:
        assert name not in refused.explanation or len(name) < 8


def test_no_formula_is_carried_into_a_partners_workbook(tmp_path) -> None:
    home = examples.home(tmp_path)
    findings = tuple(
        Finding("bestand__rij", Severity.REJECT_ROW, formula, formula, formula, number, formula)
        for number, formula in enumerate(hostile.FORMULAS, 2)
    )
    examples.stage(home, examples.p5(), "p5_behoud-0123456789abcdef", findings=findings)
    judge(home, examples.p5(), run_id="run-1")
    staged = read_record(staging(home.lake, "p5_behoud-0123456789abcdef"))
    book = openpyxl.load_workbook(report.path_of(home.reports, staged))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert len([cell for cell in cells if cell.value == "=1+1"]) >= 3, "the text was not written"
    assert [cell.value for cell in cells if cell.data_type == "f"] == []


def test_no_formula_is_carried_into_a_csv(tmp_path) -> None:
    with work(tmp_path) as connection:
        connection.execute("CREATE TABLE t (tekst VARCHAR, getal DECIMAL(9, 2), dag DATE)")
        rows = [[formula, -1, None] for formula in (*hostile.FORMULAS, "gewoon", None)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
        kinds = [(name, kind) for name, kind, *_ in connection.execute("DESCRIBE t").fetchall()]
        query = f"SELECT {harmless_columns(kinds)} FROM t ORDER BY rowid"
        found = connection.execute(query).fetchall()
    wanted = [*("'" + formula for formula in hostile.FORMULAS), "gewoon", None]
    assert [row[0] for row in found] == wanted
    assert {str(row[1]) for row in found} == {"-1.00"}, "a figure below zero stays a figure"
    for write in (files.csv_text, files.dutch_text):
        assert [write(row[0]) for row in rows] == [text or "" for text in wanted]
    assert files.csv_text(Decimal("-1.5")) == "-1.5"
