"""The same rows in every format give the same staged table."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
import xlsxwriter
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table as OdsTable
from odf.table import TableCell, TableRow
from odf.text import P

from via_pipeline.intake.readers.cells import as_text
from via_pipeline.intake.status import Status
from via_pipeline_tests.intake.contracts import small_contract
from via_pipeline_tests.intake.house import House

ROWS = [
    ("123456782", "0003", 12, "4,5", date(2020, 3, 1), "J", "a"),
    ("012345672", "0518", -9, "", date(2019, 12, 31), "N", "b"),
    ("319072356", "0363", 7, "1234,25", date(2020, 2, 29), "J", "a"),
]
NAMES = ["bsn", "gemeente", "aantal", "bedrag", "datum", "ja_nee", "soort"]
TYPED = """SELECT _row, gemeente, aantal, aantal__ontbreekt, bedrag, datum, ja_nee, soort
FROM read_parquet('{}') ORDER BY persoon_id"""


def _csv(sign: str = ";") -> bytes:
    lines = [sign.join(NAMES)]
    for row in ROWS:
        cells = [c.strftime("%d-%m-%Y") if isinstance(c, date) else str(c) for c in row]
        lines.append(sign.join(cells))
    return ("\n".join(lines) + "\n").encode()


def _numeric(row: tuple) -> list:
    return [float(c.replace(",", ".")) if i == 3 and c else c for i, c in enumerate(row)]


def xlsx(title: int = 2, two_rows: bool = False, **options) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    dates = book.add_format({"num_format": "dd-mm-yyyy"})
    sheet = book.add_worksheet("Gegevens")
    book.add_worksheet("Toelichting").write(0, 0, "Lees mij")
    for line in range(title):
        sheet.write(line, 0, f"Titel {line}")
    header = title
    if two_rows:
        for place, top in enumerate(["wie", "", "hoeveel", "", "wanneer", "", "wat"]):
            sheet.write(header, place, top)
        header += 1
    for place, name in enumerate(NAMES):
        sheet.write(header, place, name)
    for number, row in enumerate(ROWS, header + 1):
        for place, cell in enumerate(_numeric(row)):
            if isinstance(cell, date):
                sheet.write_datetime(
                    number, place, datetime(cell.year, cell.month, cell.day), dates
                )
            elif cell != "":
                sheet.write(number, place, cell)
    if options.get("formula"):
        sheet.write_formula(header + 1, 2, "=6+6", None, 12)
    book.close()
    return out.getvalue()


def ods(formula: bool = False) -> bytes:
    document = OpenDocumentSpreadsheet()
    sheet = OdsTable(name="Gegevens")

    def add(cells: list) -> None:
        line = TableRow()
        for cell in cells:
            if isinstance(cell, date):
                item = TableCell(valuetype="date", datevalue=cell.isoformat())
            elif isinstance(cell, (int, float)):
                item = TableCell(valuetype="float", value=cell)
                if formula:
                    item.setAttribute("formula", "of:=6+6")
            else:
                item = TableCell(valuetype="string")
                item.addElement(P(text=cell))
            line.addElement(item)
        sheet.addElement(line)

    add(NAMES)
    for row in ROWS:
        add(_numeric(row))
    document.spreadsheet.addElement(sheet)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _sav(folder: Path) -> bytes:
    frame = pd.DataFrame([_numeric(row) for row in ROWS], columns=NAMES)
    frame["bedrag"] = pd.to_numeric(frame["bedrag"], errors="coerce")
    path = folder / "x.sav"
    pyreadstat.write_sav(
        frame,
        str(path),
        missing_ranges={"aantal": [-9]},
        variable_value_labels={"soort": {"a": "Soort A", "b": "Iets anders", "z": "Nieuw"}},
        variable_format={"bedrag": "F10.2"},
    )
    return path.read_bytes()


def _parquet() -> bytes:
    out = io.BytesIO()
    columns = list(zip(*[_numeric(row) for row in ROWS], strict=True))
    columns[3] = [None if cell == "" else Decimal(str(cell)) for cell in columns[3]]
    arrays = [pa.array(list(column)) for column in columns]
    pq.write_table(pa.Table.from_arrays(arrays, names=NAMES), out)
    return out.getvalue()


def _zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


@pytest.fixture
def house(tmp_path) -> House:
    sources = small_contract(
        tmp_path / "sources", formats=["csv", "xlsx", "ods", "sav", "parquet"], title_rows=3
    )
    return House.build(tmp_path, sources)


def _typed(house: House, name: str) -> list[tuple]:
    staged = house.staged("klein", name)
    assert staged.findings == ()
    return duckdb.execute(TYPED.format(house.parquet(staged, "rij"))).fetchall()


def test_every_format_gives_the_same_rows_and_one_content(house, tmp_path):
    files = {
        "klein_2020_csv_v1.csv": _csv(),
        "klein_2020_xlsx_v1.xlsx": xlsx(),
        "klein_2020_ods_v1.ods": ods(),
        "klein_2020_sav_v1.sav": _sav(tmp_path),
        "klein_2020_parquet_v1.parquet": _parquet(),
        "klein_2020_zip_csv_v1.zip": _zipped("klein.csv", _csv()),
        "klein_2020_zip_sav_v1.zip": _zipped("klein.sav", _sav(tmp_path)),
        "klein_2020_zip_xlsx_v1.zip": _zipped("klein.xlsx", xlsx()),
    }
    for name, data in files.items():
        house.land("klein", name, data)
    house.take_in("klein")
    tables = {name: _typed(house, name) for name in files}
    first = [row[1:] for row in tables["klein_2020_csv_v1.csv"]]
    assert {(row[0], row[1], row[2]) for row in first} == {
        ("0003", 12, None),
        ("0518", None, "geweigerd"),
        ("0363", 7, None),
    }
    assert {row[3] for row in first} == {Decimal("4.50"), None, Decimal("1234.25")}
    for name, rows in tables.items():
        assert [row[1:] for row in rows] == first, name
    assert len({row.content_sha256 for row in house.rows("klein").values()}) == 1
    statuses = [row.status for row in house.rows("klein").values()]
    assert statuses.count(Status.RECEIVED) == 1 and statuses.count(Status.DUPLICATE) == 7

    def numbers(name: str) -> list[int]:
        return sorted(row[0] for row in tables[name])

    assert numbers("klein_2020_csv_v1.csv") == [2, 3, 4]
    assert numbers("klein_2020_xlsx_v1.xlsx") == [4, 5, 6]
    assert numbers("klein_2020_sav_v1.sav") == [1, 2, 3]


def test_a_header_of_two_rows_is_merged(tmp_path):
    sources = small_contract(tmp_path / "sources", formats=["xlsx"], title_rows=3, header_rows=2)
    house = House.build(tmp_path, sources)
    house.land("klein", "klein_2020_v1.xlsx", xlsx(title=1, two_rows=True))
    house.take_in("klein")
    assert sorted(row[0] for row in _typed(house, "klein_2020_v1.xlsx")) == [4, 5, 6]


def test_value_labels_that_differ_from_the_code_list_are_told(house, tmp_path):
    house.land("klein", "klein_2020_v1.sav", _sav(tmp_path))
    house.take_in("klein")
    words = " ".join(house.staged("klein", "klein_2020_v1.sav").tables[0].drift)
    assert "codes die niet in de codelijst 'klein_soort' staan: z" in words
    assert "waardelabels van b luiden anders" in words


def test_the_order_of_rows_and_the_spelling_of_numbers_do_not_make_another_delivery(house):
    lines = _csv().decode().splitlines()
    other = "\n".join([lines[0], *reversed(lines[1:])]).replace("4,5;", "4,50;") + "\n"
    house.land("klein", "klein_2020_v1.csv", _csv(), "2020-01-01")
    house.land("klein", "klein_2020_nog_v1.csv", other.encode(), "2020-01-02")
    changed = _csv().decode().replace("4,5;", "4,6;")
    house.land("klein", "klein_2020_anders_v1.csv", changed.encode(), "2020-01-03")
    summary = house.take_in("klein")
    rows = house.rows("klein")
    assert rows["klein_2020_nog_v1.csv"].status is Status.DUPLICATE
    assert rows["klein_2020_anders_v1.csv"].status is Status.RECEIVED
    assert summary.duplicates == (rows["klein_2020_nog_v1.csv"].delivery_id,)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.0, "12"),
        (0.1 + 0.2, "0.3"),
        (1e-7, "0.0000001"),
        (float("nan"), ""),
        (True, "J"),
        (None, ""),
        (Decimal("1.50"), "1.5"),
        (Decimal("100"), "100"),
        (datetime(2020, 1, 2), "2020-01-02"),
        (123456789012.0, "123456789012"),
    ],
)
def test_a_typed_cell_as_text(value, text):
    assert as_text(value, None) == text
