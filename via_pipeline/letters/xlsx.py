"""An accessible XLSX workbook of sheets.

Each table is an Excel table with a name, header cells frozen in view, columns as wide as their
content; the document says that it is Dutch. Texts are written as texts: nothing that a partner or
register holds becomes a formula or a link. Same sheets and day, same bytes.

Belongs here: the XLSX format. Does not belong here: which sheets (``sheets``).
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from via_pipeline.letters import archive
from via_pipeline.letters.sheets import LANGUAGE, Sheet
from via_pipeline.storage.spreadsheet import unmarked

_CORE = "docProps/core.xml"
_WIDEST = 60
_SAMPLE = 200
# Beyond this many characters Excel cuts a cell off.
_LONGEST = 32767


def write(path: Path, sheets: Sequence[Sheet], title: str, day: date) -> None:
    """Write ``sheets`` as a workbook dated ``day``.

    Raises:
        ValueError: a text is longer than a cell of Excel can hold.
    """
    import xlsxwriter

    buffer = BytesIO()
    book = xlsxwriter.Workbook(
        buffer,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties({"title": title, "created": datetime(day.year, day.month, day.day)})
    styles = {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "head": book.add_format({"bold": True, "text_wrap": True, "valign": "top"}),
        "DATE": book.add_format({"num_format": "dd-mm-yyyy"}),
        "BIGINT": book.add_format({"num_format": "#,##0"}),
        "DECIMAL": book.add_format({"num_format": "#,##0.0###"}),
    }
    for number, sheet in enumerate(sheets):
        _sheet(book, sheet, styles, number)
    book.close()
    archive.write(path, _dutch(buffer), day)


def _sheet(book: Any, sheet: Sheet, styles: dict[str, Any], number: int) -> None:
    page = book.add_worksheet(sheet.name)
    page.write_string(0, 0, unmarked(sheet.title), styles["title"])
    for row, line in enumerate(sheet.lines, start=1):
        page.write_string(row, 0, unmarked(line))
    top, last = sheet.top, sheet.top + max(len(sheet.rows), 1)
    page.add_table(
        top,
        0,
        last,
        len(sheet.header) - 1,
        {
            "name": f"tabel_{number}_{sheet.name}",
            "columns": [{"header": name, "header_format": styles["head"]} for name in sheet.header],
            "style": "Table Style Light 1",
        },
    )
    page.freeze_panes(top + 1, 0)
    for row, values in enumerate(sheet.rows, start=top + 1):
        for column, value in enumerate(values):
            _cell(page, row, column, value, styles)
    for column, name in enumerate(sheet.header):
        lengths = (len(str(values[column])) for values in sheet.rows[:_SAMPLE])
        page.set_column(column, column, min(max(len(name), *lengths, 8) + 2, _WIDEST))


def _cell(page: Any, row: int, column: int, value: Any, styles: dict[str, Any]) -> None:
    match value:
        case None:
            return
        case bool():
            page.write_boolean(row, column, value)
        case date():
            page.write_datetime(row, column, value, styles["DATE"])
        case str():
            if len(value) > _LONGEST:
                raise ValueError(f"a text of {len(value)} characters does not fit in a cell")
            page.write_string(row, column, unmarked(value))
        case int():
            page.write_number(row, column, value, styles["BIGINT"])
        case _:
            page.write_number(row, column, float(value), styles["DECIMAL"])


def _dutch(buffer: BytesIO) -> list[tuple[str, bytes]]:
    """The parts of the workbook, with the language that xlsxwriter has no setting for."""
    said = f"<dc:language>{LANGUAGE}</dc:language></cp:coreProperties>".encode()
    with zipfile.ZipFile(buffer) as book:
        return [
            (
                name,
                book.read(name).replace(b"</cp:coreProperties>", said)
                if name == _CORE
                else book.read(name),
            )
            for name in book.namelist()
        ]
