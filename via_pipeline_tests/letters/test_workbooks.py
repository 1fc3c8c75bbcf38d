"""The workbooks, read back by libraries that had no part in writing them."""

import re
import shutil
import subprocess
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from odf.opendocument import load as load_ods
from odf.table import Table, TableCell, TableRow
from odf.teletype import extractText
from openpyxl import load_workbook

from via_pipeline.letters import ods, xlsx
from via_pipeline.letters.sheets import Sheet
from via_pipeline_tests.letters import packages

NASTY = (
    "=1+1",
    "+31 6",
    "-3",
    "@som",
    '=HYPERLINK("http://x")',
    "https://voorbeeld.invalid",
    " spatie  spatie ",
    "regel een\nregel twee",
    "tab\tin",
    "<b>&\"'</b>",
    "0363",
    "é€×",
)


def has_calc() -> bool:
    """Debian's package without a screen has no command of its own, only a library."""
    office = shutil.which("soffice")
    return office is not None and (Path(office).resolve().parent / "libsclo.so").exists()


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("werkboek")
    return packages.make(packages.home_in(folder / "huis"), folder / "derde")


@pytest.fixture(scope="module")
def excel(package):
    return load_workbook(package.folder / "via-derde.xlsx")


def sheet_of(resource):
    """The name of a dataset's sheet: Excel takes 31 characters and not one more."""
    return resource["name"][:31]


def test_the_xlsx_holds_what_the_csv_holds(package, excel):
    for resource in package.descriptor["resources"]:
        header, rows = packages.read_csv(package, resource)
        page = excel[sheet_of(resource)]
        top = _top(page)
        found = list(page.iter_rows(min_row=top, values_only=True))
        assert list(found[0]) == header
        # A table of Excel has at least one row, if only an empty one.
        filled = [row for row in found[1:] if any(value is not None for value in row)]
        assert [tuple(map(_plain, row)) for row in filled] == [
            tuple(map(_number, row)) for row in rows
        ], resource["name"]


def test_the_xlsx_can_be_read_by_everyone(package, excel):
    names = excel.sheetnames
    assert names[0] == "Over_dit_bestand" and names[-2:] == ["Toelichting", "Kolommen"]
    assert excel.properties.language == "nl-NL"
    assert "Voortgang programma VIA 2020" in excel.properties.title
    for page in excel:
        assert page["A1"].value and page["A1"].font.bold
        assert not page.merged_cells.ranges
        (table,) = page.tables.values()
        assert page.freeze_panes == f"A{_top(page) + 1}"
        assert table.headerRowCount is None or table.headerRowCount == 1
    cover = [row[0] for row in excel["Over_dit_bestand"].iter_rows(values_only=True)]
    assert any("synthetische" in str(line) for line in cover)
    assert {"voorlopige_resultaten", "wijzigingen"} <= set(cover)
    assert len(excel.worksheets) == len(package.descriptor["resources"]) + 3


def test_the_ods_holds_what_the_csv_holds(package):
    book = load_ods(str(package.folder / "via-derde.ods"))
    pages = {page.getAttribute("name"): page for page in book.getElementsByType(Table)}
    for resource in package.descriptor["resources"]:
        header, rows = packages.read_csv(package, resource)
        cells = [
            [_cell(cell) for cell in row.getElementsByType(TableCell)]
            for row in pages[sheet_of(resource)].getElementsByType(TableRow)
        ]
        start = cells.index(header)
        assert [tuple(row) for row in cells[start + 1 :]] == rows, resource["name"]
    assert next(iter(pages)) == "Over_dit_bestand"


def test_the_ods_is_dutch_and_keeps_its_headers_in_view(package):
    with zipfile.ZipFile(package.folder / "via-derde.ods") as book:
        first = book.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert b"<dc:language>nl-NL</dc:language>" in book.read("meta.xml")
        assert b'fo:language="nl" fo:country="NL"' in book.read("styles.xml")
        content = book.read("content.xml").decode()
        settings = book.read("settings.xml").decode()
    pages = content.count("<table:table ")
    assert content.count("<table:table-header-rows>") == pages
    assert settings.count("VerticalSplitPosition") == pages
    assert "number-columns-spanned" not in content and "formula" not in content


def test_no_text_becomes_a_formula_or_loses_a_character(tmp_path):
    sheet = Sheet("proef", "Titel", ("regel",), ("tekst",), ("VARCHAR",), [(t,) for t in NASTY])
    xlsx.write(tmp_path / "x.xlsx", [sheet], "Proef", date(2020, 11, 9))
    ods.write(tmp_path / "x.ods", [sheet], "Proef", date(2020, 11, 9))
    page = load_workbook(tmp_path / "x.xlsx")["proef"]
    cells = [row[0] for row in page.iter_rows(min_row=4)]
    assert [cell.value for cell in cells] == list(NASTY)
    assert {cell.data_type for cell in cells} == {"s"}
    assert not any(cell.hyperlink for cell in cells)
    (table,) = load_ods(str(tmp_path / "x.ods")).getElementsByType(Table)
    found = [_cell(cell) for cell in table.getElementsByType(TableCell)]
    assert found[3:] == list(NASTY)
    # Readers drop a space in front, at the end or after another; ours are elements.
    with zipfile.ZipFile(tmp_path / "x.ods") as book:
        assert not re.search(rb"  |> [^<]|[^>] </text:p>", book.read("content.xml"))


def test_a_text_for_dutch_excel_never_starts_a_formula():
    from via_pipeline.letters.files import dutch_text

    told = [dutch_text(text) for text in NASTY]
    assert not [text for text in told if text.startswith(("=", "+", "-", "@"))]
    assert [text.lstrip("'") for text in told] == list(NASTY)
    assert dutch_text(Decimal("-3.50")) == "-3,50"


@pytest.mark.skipif(not has_calc(), reason="LibreOffice Calc is not installed")
def test_libreoffice_opens_both_and_sees_the_same_rows(package, tmp_path):
    wanted = [
        tuple(re.sub(r"\s+", " ", str(value)) for value in row[:7])
        for row in package.rows["voorlopige_resultaten"]
    ]
    for kind in ("ods", "xlsx"):
        out = tmp_path / kind
        subprocess.run(
            [
                *("soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profiel"),
                *(
                    "--convert-to",
                    "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1",
                    "--outdir",
                    str(out),
                ),
                str(package.folder / f"via-derde.{kind}"),
            ],
            check=True,
            timeout=180,
            capture_output=True,
        )
        (path,) = out.glob("*voorlopige_resultaten.csv")
        import csv

        with path.open(encoding="utf-8", newline="") as handle:
            rows = [tuple(row[:7]) for row in csv.reader(handle)]
        assert rows[-len(wanted) :] == wanted


def _top(page) -> int:
    (table,) = page.tables.values()
    return int(re.search(r"\d+", table.ref).group())


def _plain(value):
    return value.date() if isinstance(value, datetime) else value


def _number(value):
    return float(value) if isinstance(value, Decimal) else value


def _cell(cell):
    """The value of an ODS cell as its type says."""
    kind = cell.getAttribute("valuetype")
    match kind:
        case None:
            return None
        case "float":
            text = cell.getAttribute("value")
            return Decimal(text) if "." in text else int(text)
        case "date":
            return date.fromisoformat(cell.getAttribute("datevalue"))
        case "boolean":
            return cell.getAttribute("booleanvalue") == "true"
        case _:
            return "\n".join(extractText(line) for line in cell.childNodes)
