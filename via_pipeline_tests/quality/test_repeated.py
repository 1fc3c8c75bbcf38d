"""A row that is repeated is the row that xlsxwriter writes, whatever stands in it."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import IO

import openpyxl
import xlsxwriter

from via_pipeline.quality import repeated

HEADER = ("Bestand", "Rij", "Uitleg")
TEXTS = (
    "gewoon",
    "{0} {1} {{}} {",
    "100 % %s %(x)d",
    '<row r="2"><c r="B2"><v>7</v></c></row>',
    ' r="A2" "A2" A2 ',
    "twee\nregels\t\x01 _x0001_",
    "&amp; é 𝄞",
)
Row = tuple[str, int | str, str]


def _book(target: IO[bytes] | str, rows: list[Row]) -> None:
    with xlsxwriter.Workbook(target, {"constant_memory": True}) as book:
        book.set_properties({"created": datetime(2020, 1, 1)})
        book.add_worksheet("Ervoor").write_string(0, 0, "blijft")
        sheet = book.add_worksheet("Rijen")
        style = book.add_format({"text_wrap": True})
        for place, row in enumerate([HEADER, *rows]):
            for column, cell in enumerate(row):
                if isinstance(cell, int):
                    sheet.write_number(place, column, cell, style)
                elif cell:
                    sheet.write_string(place, column, cell, style)


def test_byte_for_byte_what_xlsxwriter_writes_row_by_row(tmp_path: Path) -> None:
    examples: list[Row] = [(text, 5, text) for text in TEXTS]
    examples += [("", "hele bestand", text) for text in TEXTS]
    lines = [
        (number * 11 % len(examples), number**3) for number in range(2 * repeated._AT_ONCE + 7)
    ]
    rows: list[Row] = []
    for example, number in lines:
        first, cell, last = examples[example]
        rows.append((first, number if isinstance(cell, int) else cell, last))
    _book(str(tmp_path / "one by one.xlsx"), rows)
    given = io.BytesIO()
    _book(given, examples)
    repeated.repeat(given, 2, 1, _lines(lines), tmp_path / "repeated.xlsx")
    assert _parts(tmp_path / "repeated.xlsx") == _parts(tmp_path / "one by one.xlsx")


def test_an_archive_is_told_its_size_and_not_a_guess(tmp_path: Path) -> None:
    """Excel may refuse an archive with numbers of 64 bits; one long example makes none of those."""
    examples: list[Row] = [(f"{place}", 5, "x" * 30_000) for place in range(20)]
    given = io.BytesIO()
    _book(given, [("kort", 5, "x"), *examples])
    lines = [(0, number) for number in range(10_000)] + [(place, 7) for place in range(1, 21)]
    repeated.repeat(given, 2, 1, _lines(lines), tmp_path / "repeated.xlsx")
    with zipfile.ZipFile(tmp_path / "repeated.xlsx") as package:
        assert {info.extract_version for info in package.infolist()} == {20}


def test_what_xlsxwriter_does_not_number_so_is_seen(tmp_path: Path) -> None:
    """A later xlsxwriter might write rows otherwise: the numbers of a reader are what counts."""
    given = io.BytesIO()
    _book(given, [("a", 9, "b"), ("c", "hele bestand", "")])
    repeated.repeat(given, 2, 1, _lines([(0, 4), (1, 0), (0, 6)]), tmp_path / "repeated.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "repeated.xlsx")["Rijen"]
    assert list(sheet.iter_rows(values_only=True)) == [
        HEADER, ("a", 4, "b"), ("c", "hele bestand", None), ("a", 6, "b"),
    ]  # fmt: skip
    assert sheet.dimensions == "A1:C4"


def _lines(pairs: list[tuple[int, int]]) -> repeated.Lines:
    lines = repeated.Lines()
    for example, number in pairs:
        lines.add(example, number)
    return lines


def _parts(path: Path) -> dict[str, tuple[bytes, tuple[int, ...]]]:
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        return {info.filename: (package.read(info), info.date_time) for info in package.infolist()}
