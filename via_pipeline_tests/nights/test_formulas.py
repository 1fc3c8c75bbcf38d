"""No text that we write for a spreadsheet is one that it would run: every writer there is.

The list of writers is compared with the source, so that who adds one has to add it here.
"""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import duckdb
import openpyxl
import pytest

from faults.hostile import FORMULAS
from via_pipeline.contracts import codelists
from via_pipeline.contracts.model import Severity, load
from via_pipeline.contracts.rules import needs_codelists
from via_pipeline.disclosure import dictionary
from via_pipeline.intake.records import Finding, read_record, staging
from via_pipeline.letters import files, xlsx
from via_pipeline.letters.release import impact
from via_pipeline.letters.sheets import Sheet
from via_pipeline.privacy import rewrite
from via_pipeline.quality import report, resolve, template
from via_pipeline.quality.run import judge
from via_pipeline.serving import publish
from via_pipeline.serving.kit import clients
from via_pipeline.storage.home import Home
from via_pipeline_tests.journeys.house import PROJECT
from via_pipeline_tests.quality import examples

ROOMS = PROJECT / "via_pipeline"
WRITES = re.compile(r"csv\.writer\(|FORMAT csv|xlsxwriter\.Workbook\(|Document\(\"spreadsheet\"\)")
# OWASP's list ("CSV Injection"), written out: the rule that is tried is not asked what it is.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
MARKUP = "<r><t>gewoon</t></r><f>1+1</f><r></r>"
"""What xlsxwriter would put in a sheet without escaping it."""
HOSTILE = [*FORMULAS, *(f"{sign}1+1" for sign in FORMULA), MARKUP, "gewoon"]


def partners_report(folder: Path) -> Iterator[Path]:
    home = examples.home(folder)
    findings = tuple(
        Finding("bestand__rij", Severity.REJECT_ROW, text, text, text, number, text)
        for number, text in enumerate(HOSTILE, 2)
    )
    examples.stage(home, examples.p5(), "p5_behoud-0123456789abcdef", findings=findings)
    judge(home, examples.p5(), run_id="run-1")
    yield report.path_of(
        home.reports, read_record(staging(home.lake, "p5_behoud-0123456789abcdef"))
    )


def quarantine_sheet(folder: Path) -> Iterator[Path]:
    lines = [resolve.Line(text, text, text, 1, text, text, text, text) for text in HOSTILE]
    for kind in ("csv", "xlsx"):
        resolve.write(folder / f"herstel.{kind}", lines)
        yield folder / f"herstel.{kind}"


def partners_template(folder: Path) -> Iterator[Path]:
    contract = load("p5_behoud")
    known = {
        name: codelists.load(name, PROJECT / "data" / "reference")
        for table in contract.tables
        for name in needs_codelists(table)
    }
    for number, text in enumerate(HOSTILE):
        tables = tuple(
            replace(
                table,
                description=text,
                columns=tuple(replace(column, description=text) for column in table.columns),
            )
            for table in contract.tables
        )
        path = folder / f"{number}.xlsx"
        template.write(path, replace(contract, title=text, owner=text, tables=tables), known)
        yield path


def letters_csv(folder: Path) -> Iterator[Path]:
    table = SimpleNamespace(columns=["tekst"], rows=[[text] for text in HOSTILE])
    for sign, as_text in ((",", files.csv_text), (";", files.dutch_text)):
        path = folder / f"{as_text.__name__}.csv"
        with path.open("w", newline="", encoding="utf-8") as handle:
            files._write_csv(handle, table, sign, as_text)
        yield path


def letters_workbook(folder: Path) -> Iterator[Path]:
    rows = [(text, text) for text in HOSTILE]
    sheet = Sheet("blad", "=1+1", ("=2+2",), ("kolom", "=3+3"), ("VARCHAR", "VARCHAR"), rows)
    xlsx.write(folder / "brief.xlsx", [sheet], "=1+1", date(2020, 11, 9))
    yield folder / "brief.xlsx"


def report_of_a_correction(folder: Path) -> Iterator[Path]:
    cells = tuple(impact.Cell(*[text] * 7) for text in HOSTILE)
    found = impact.Impact("derde", 1, date(2020, 11, 9), (), (), cells)
    yield impact.write(Home(folder / "home", folder / "data"), found) / "gevolgen.csv"


def twins_of_the_bi_file(folder: Path) -> Iterator[Path]:
    file = folder / "via.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE t (tekst VARCHAR, getal INTEGER)")
        connection.executemany("INSERT INTO t VALUES (?, -1)", [[text] for text in HOSTILE])
    (folder / "csv").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish.content, "allowed", lambda: {"t": ["tekst", "getal"]})
        publish._twins(file, folder / "csv", publish._TWINS["csv"])
    yield folder / "csv" / "t.csv"


def delivery_without_a_person(folder: Path) -> Iterator[Path]:
    rows = {"blad": [[text, -1] for text in HOSTILE]}
    for kind, made in (("xlsx", rewrite._xlsx(rows)), ("ods", rewrite._ods(rows))):
        (folder / f"levering.{kind}").write_bytes(made)
        yield folder / f"levering.{kind}"


WRITERS = {
    "letters/files.py": letters_csv,
    "letters/release/impact.py": report_of_a_correction,
    "letters/xlsx.py": letters_workbook,
    "privacy/rewrite.py": delivery_without_a_person,
    "quality/report.py": partners_report,
    "quality/resolve.py": quarantine_sheet,
    "quality/template.py": partners_template,
    "serving/publish.py": twins_of_the_bi_file,
}


def formulas(path: Path) -> list[str]:
    """What a spreadsheet program would run of the file, and whether any hostile text is in it."""
    if path.suffix == ".csv":
        text = path.read_text("utf-8-sig")
        sign = ";" if ";" in text.splitlines()[0] or "dutch" in path.name else ","
        cells = [cell for row in csv.reader(text.splitlines(True), delimiter=sign) for cell in row]
        numbers = re.compile(r"-?\d+([.,]\d+)?")
        return [c for c in cells if c.startswith(FORMULA) and not numbers.fullmatch(c)]
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path)
        return [
            str(cell.value)
            for sheet in book
            for row in sheet.iter_rows()
            for cell in row
            if cell.data_type == "f" or cell.hyperlink
        ]
    with zipfile.ZipFile(path) as package:
        return re.findall(rb'table:formula="[^"]*"', package.read("content.xml"))


def test_every_writer_of_a_spreadsheet_is_tried_here() -> None:
    """Samples are made for tests; their writer makes what partners would."""
    found = {
        path.relative_to(ROOMS).as_posix()
        for path in ROOMS.rglob("*.py")
        if WRITES.search(path.read_text("utf-8")) and "samples" not in path.parts
    }
    assert found == set(WRITERS)


@pytest.mark.parametrize("writer", WRITERS)
def test_no_text_becomes_a_formula(writer: str, tmp_path: Path) -> None:
    written = b""
    for path in WRITERS[writer](tmp_path):
        assert formulas(path) == [], path.name
        written += path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as package:
                parts = b"".join(package.read(name) for name in package.namelist())
            assert b"<f>" not in parts, "markup in a text became markup of ours"
            written += parts
    assert b"=1+1" in written, "no hostile text was written"


def test_programs_that_read_through_the_kit_take_texts_as_texts() -> None:
    """Power BI and Excel are told each column's type: a text is never looked at for a formula."""
    assert clients.POWER_TYPES["VARCHAR"] == "type text"
    for table in dictionary.tables():
        assert not dictionary.title(table).startswith(FORMULA)
        for words in dictionary.columns(table).values():
            assert not str(words).startswith(FORMULA), "tableau and metabase show these"
