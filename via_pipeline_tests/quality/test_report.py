from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from via_pipeline.contracts.model import Severity
from via_pipeline.intake.records import Finding, StagedDelivery, read_record, staging
from via_pipeline.quality import report
from via_pipeline.quality.results import ValidationResult, read_result
from via_pipeline.quality.run import judge
from via_pipeline_tests.quality import examples

P5 = examples.p5()
Sheets = dict[str, list[tuple[object, ...]]]


def _made(tmp_path: Path, **wrong: object) -> tuple[StagedDelivery, ValidationResult, Path]:
    home = examples.home(tmp_path)
    examples.stage(home, P5, "p5_behoud-0123456789abcdef", **wrong)  # type: ignore[arg-type]
    judge(home, P5, run_id="run-1")
    staged = read_record(staging(home.lake, "p5_behoud-0123456789abcdef"))
    result = read_result(home.reports, staged.delivery_id)
    return staged, result, report.path_of(home.reports, staged)


def _read(path: Path) -> Sheets:
    book = openpyxl.load_workbook(path)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


def _texts(sheets: Sheets) -> list[str]:
    return [str(cell) for rows in sheets.values() for row in rows for cell in row if cell]


def test_the_partner_reads_what_is_wrong_in_their_own_rows(tmp_path: Path) -> None:
    finding = Finding("bestand__rij", Severity.REJECT_ROW, "De rij heeft 9 cellen in plaats van "
                      "10.", "p5_behoud_A_2019_v1.csv", "medewerker", 90)  # fmt: skip
    changes = {5: {"leeftijdsklasse": "stokoud"}, 7: {"leeftijdsklasse": "stokoud"}}
    *_, path = _made(tmp_path, count=60, changes=changes, malformed=(90,), findings=(finding,))
    assert path.parts[-3:] == (
        "partners", "p5_behoud", "p5_behoud_A_2019_v1.csv.0123456789abcdef.xlsx",
    )  # fmt: skip
    sheets = _read(path)
    assert list(sheets) == ["Samenvatting", "Fouten per regel", "Alle fouten"]
    summary = {row[0]: row[1] for row in sheets["Samenvatting"]}
    assert summary["Uitkomst"] == "Overgenomen, met opmerkingen"
    assert ("medewerker", 61, 58, 3) in sheets["Samenvatting"]
    every = [row[:6] for row in sheets["Alle fouten"][1:]]
    name = "p5_behoud_A_2019_v1.csv"
    aside = "Rij apart gezet"
    assert every == [
        (name, "medewerker", 5, "leeftijdsklasse", "leeftijdsklasse__codelijst", aside),
        (name, "medewerker", 7, "leeftijdsklasse", "leeftijdsklasse__codelijst", aside),
        (name, "medewerker", 90, None, "bestand__rij", aside),
    ]
    by_rule = {row[2]: row for row in sheets["Fouten per regel"][1:]}
    assert by_rule["leeftijdsklasse__codelijst"][4:7:2] == (2, "5, 7")
    assert "stokoud" not in " ".join(_texts(sheets))


def test_a_clean_delivery_gets_a_short_report(tmp_path: Path) -> None:
    *_, path = _made(tmp_path)
    sheets = _read(path)
    assert dict(row[:2] for row in sheets["Samenvatting"])["Uitkomst"] == "Overgenomen"
    assert len(sheets["Alle fouten"]) == 2
    assert sheets["Alle fouten"][1][0] == "Er zijn geen fouten gevonden."


def test_the_same_judgement_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    staged, result, path = _made(tmp_path, changes={5: {"leeftijdsklasse": "stokoud"}})
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        report.write(tmp_path / "again.xlsx", P5, staged, result)
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert (tmp_path / "again.xlsx").read_bytes() == path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_nothing_becomes_a_formula_or_a_link(text: str, tmp_path: Path) -> None:
    staged, result, _ = _made(tmp_path)
    hostile = f"{text} http://example.org mailto:a@b.nl"
    finding = Finding(hostile, Severity.WARN, hostile, hostile, hostile, 3, hostile)
    staged = replace(staged, file_name=hostile, findings=(finding,))
    path = tmp_path / "hostile.xlsx"
    report.write(path, P5, staged, replace(result, file_name=hostile, reasons=(hostile,)))
    for sheet in openpyxl.load_workbook(path).worksheets:
        for row in sheet.iter_rows():
            assert all(cell.data_type in {"s", "n", "inlineStr"} for cell in row)
            assert not any(cell.hyperlink for cell in row)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            assert b"<f>" not in archive.read(name)


def test_more_faults_than_a_sheet_holds_are_told(tmp_path: Path) -> None:
    changes = {row: {"leeftijdsklasse": "stokoud"} for row in range(2, 22)}
    staged, result, _ = _made(tmp_path, changes=changes)
    path = tmp_path / "capped.xlsx"
    report.write(path, P5, staged, result, max_rows=10)
    every = _read(path)["Alle fouten"]
    assert len(every) == 10
    assert str(every[-1][0]).startswith("LET OP: er zijn meer fouten")
    assert [row[2] for row in every[1:-1]] == list(range(2, 10))


def test_the_report_keeps_within_its_folder(tmp_path: Path) -> None:
    staged, *_ = _made(tmp_path)
    path = report.path_of(tmp_path, replace(staged, file_name="../../x\\y" + "z" * 300))
    assert path.parent == tmp_path / "partners" / "p5_behoud"
    assert len(path.name) < 200


def test_faults_come_by_file_table_and_row(tmp_path: Path) -> None:
    """Whoever said it: intake, or a rule of the contract."""
    changes = {row: {"leeftijdsklasse": "stokoud"} for row in range(2, 12)}
    staged, result, _ = _made(tmp_path, changes=changes)
    findings = tuple(
        Finding(rule, Severity.WARN, "Uitleg.", file, table, row, column)
        for file in (staged.file_name, "a.csv")
        for table in ("medewerker", None)
        for rule, column in (("zz", None), ("aa", "leeftijdsklasse"), ("aa", "zz"))
        for row in (11, None, 3, 11)
    )
    found = [
        (fault.file, fault.table, row, fault.column, fault.rule)
        for fault, row in report.faults(replace(staged, findings=findings), result)
    ]
    assert found == sorted(found)
    assert len(found) == len(findings) + len(changes)
