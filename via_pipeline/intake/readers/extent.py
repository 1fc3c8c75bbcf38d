"""How far the cells of a workbook reach, before anything makes room for them.

A workbook names the place of each cell. One cell in the last corner of a sheet makes a file of some
kilobytes ask for half a terabyte, and the library that reads workbooks then ends the process.

Belongs here: counting, without keeping a cell. Does not belong here: what the cells hold
(``workbook``).
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from xml.parsers import expat

from via_pipeline.intake import archive
from via_pipeline.intake.trouble import Refused

MAX_CELLS = 30_000_000
"""Places on a sheet up to its last filled cell: a million rows of thirty columns, about 1 GB."""
_ODS_PART = "content.xml"
_BINARY = "xl/workbook.bin"
_CELLS = frozenset(("table-cell", "covered-table-cell"))
_FILLED = frozenset(("value-type", "formula"))
_HELD = frozenset(("v", "is", "f"))
_DIGITS = "0123456789"
_LONGEST = 20


def check(package: zipfile.ZipFile) -> None:
    """Refuse a workbook of which a sheet reaches too far.

    Raises:
        Refused: it does, or a sheet is not well-formed XML, or it is a binary workbook.
    """
    names = package.namelist()
    if _BINARY in (name.lower() for name in names):
        raise Refused(
            "bestand__formaat",
            "Dit is een binaire werkmap (.xlsb). Sla haar op als .xlsx.",
        )
    for name in names:
        data = archive.read_member(package, name)
        if name.lower() == _ODS_PART:
            sheets = _ods(data)
        elif holds_cells(data):
            sheets = _xlsx(data)
        else:
            continue
        for rows, columns in sheets:
            if rows * columns > MAX_CELLS:
                raise Refused(
                    "bestand__werkmap_te_groot",
                    f"Een blad van de werkmap reikt tot rij {rows} en kolom {columns}. "
                    "Waarschijnlijk staat er een cel ver buiten de tabel: verwijder de rijen en "
                    "kolommen erbuiten, of lever een CSV-bestand.",
                )


def holds_cells(data: bytes) -> bool:
    """Whether a part of an XLSX may be a sheet: any part may be one, wherever it lies."""
    return b"sheetData" in data


class _Doctype(ValueError):
    """A document type: no spreadsheet program writes one, and it can grow without end."""


def _xlsx(data: bytes) -> list[tuple[int, int]]:
    """Rows and columns of a sheet up to its last cell that holds something.

    One call a tag, so each does as little as it can: a row's number and a column's letters are
    worked out when they are new.
    """
    rows = columns = row = column = 0
    ref, digits, in_cell = "", "", False
    known: dict[str, int] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal rows, columns, row, column, ref, digits, in_cell
        name = tag if ":" not in tag else _local(tag)
        if name == "c":
            ref = attributes.get("r", "")
            letters = ref.rstrip(_DIGITS)
            if ref and ref[len(letters) :] != digits:
                digits = ref[len(letters) :]
                row = _number(digits) or row
            place = known.get(letters)
            if place is None:
                place = known[letters] = _column(letters)
            column = place or column + 1
            in_cell = True
        elif name == "row":
            digits = attributes.get("r", "").strip()
            row, column, in_cell = _number(digits) or row + 1, 0, False
        elif in_cell and name in _HELD:
            rows, columns, in_cell = max(rows, row), max(columns, column), False

    _parse(data, start)
    return [(rows, columns)]


def _ods(data: bytes) -> list[tuple[int, int]]:
    """Rows and columns of each sheet up to its last cell that holds something."""
    sheets: list[tuple[int, int]] = []
    rows = columns = row = repeat = column = filled = inside = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal rows, columns, row, repeat, column, filled, inside
        name = _local(tag)
        if name in _CELLS:
            inside += 1
            column += _repeated(attributes, "number-columns-repeated")
            if any(_local(key) in _FILLED for key in attributes):
                filled = column
        elif inside:
            filled = column
        elif name == "table":
            rows = columns = row = 0
        elif name == "table-row":
            column = filled = 0
            repeat = _repeated(attributes, "number-rows-repeated")

    def end(tag: str) -> None:
        nonlocal rows, columns, row, inside
        name = _local(tag)
        if name in _CELLS:
            inside -= 1
        elif inside:
            return
        elif name == "table-row":
            row += repeat
            if filled:
                rows, columns = row, max(columns, filled)
        elif name == "table":
            sheets.append((rows, columns))

    _parse(data, start, end)
    return sheets


def _parse(
    data: bytes,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
) -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, _Doctype, LookupError, ValueError):
        raise Refused(
            "bestand__werkmap",
            "De werkmap is beschadigd of geen werkmap. Sla haar opnieuw op als .xlsx of .ods.",
        ) from None


def _refuse_doctype(*_: object) -> None:
    raise _Doctype


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _number(digits: str) -> int:
    """A row's number; 0 where none is told. Longer than any row has is far too large as well."""
    return int(digits[:_LONGEST]) if digits.isdecimal() and digits.isascii() else 0


def _column(letters: str) -> int:
    """From 1: A, B, ..., AA; 0 where none is told."""
    place = 0
    for letter in letters.upper()[:_LONGEST]:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place


def _repeated(attributes: dict[str, str], name: str) -> int:
    for key, value in attributes.items():
        if _local(key) == name:
            return _number(value.strip()) or 1
    return 1
