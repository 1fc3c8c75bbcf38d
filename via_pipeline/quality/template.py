"""The template that a partner can fill in: one XLSX a contract, made of the contract alone.

Belongs here: header, column descriptions and drop-downs. Does not belong here: checking what was
filled in (``via check`` does that). The same contract and code lists give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_range_abs

from via_pipeline.contracts.codelists import CodeList
from via_pipeline.contracts.model import Column, Contract, Table
from via_pipeline.storage.atomic import replacing
from via_pipeline.storage.spreadsheet import unmarked

_CODES = "Codes"
_EXPLANATION = "Toelichting"
_LAST_ROW = 1_048_575
_FIXED = datetime(2020, 1, 1)
_KINDS = {
    "string": "tekst",
    "integer": "geheel getal",
    "number": "getal",
    "date": "datum",
    "boolean": "J of N",
}


def write(path: Path, contract: Contract, codelists: Mapping[str, CodeList]) -> None:
    """Write the template of ``contract``: a sheet a table, a sheet of explanations, hidden codes.

    Every data cell is formatted as text, so that leading zeros stay and a date stays as typed.
    ``codelists`` holds every list that the contract names.
    """
    with replacing(path) as temporary, xlsxwriter.Workbook(str(temporary)) as book:
        book.set_properties({"title": contract.title, "author": "Programma VIA", "created": _FIXED})
        text = book.add_format({"num_format": "@"})
        strong = book.add_format({"bold": True, "num_format": "@", "text_wrap": True})
        places = _places(contract, codelists)
        for table in contract.tables:
            sheet = book.add_worksheet(sheet_name(contract, table))
            _table(sheet, contract, table, places, text, strong)
        _explain(book.add_worksheet(_EXPLANATION), contract, strong)
        _codes(book.add_worksheet(_CODES), places, codelists, text, strong)


def sheet_name(contract: Contract, table: Table) -> str:
    """The sheet that intake takes for ``table``, in the contract's own word where it has one."""
    pattern = contract.delivery.members[table.name]
    if re.fullmatch(pattern, table.name):
        return table.name
    # Where the pattern is of a file's name the sheet may be called anything.
    return pattern if re.fullmatch(r"[\w -]{1,31}", pattern) else table.name


def _places(contract: Contract, codelists: Mapping[str, CodeList]) -> dict[str, tuple[int, int]]:
    """Code list to its column on the hidden sheet (labels beside it) and its number of codes."""
    columns = (column for table in contract.tables for column in table.delivered_columns)
    used = sorted({column.codelist.name for column in columns if column.codelist})
    return {name: (2 * nr, len(codelists[name].values)) for nr, name in enumerate(used)}


def _table(
    sheet: Any,
    contract: Contract,
    table: Table,
    places: Mapping[str, tuple[int, int]],
    text: Any,
    strong: Any,
) -> None:
    header = contract.delivery.header_rows - 1
    for place, column in enumerate(table.delivered_columns):
        sheet.set_column(place, place, max(14, len(column.name) + 2), text)
        sheet.write_string(header, place, column.name, strong)
        cells = (header + 1, place, _LAST_ROW, place)
        if column.codelist:
            at, count = places[column.codelist.name]
            codes = xl_range_abs(1, at, max(count, 1), at)
            sheet.data_validation(*cells, _list(f"={_CODES}!{codes}", column))
        elif column.logical_type == "boolean":
            sheet.data_validation(*cells, _list(["J", "N"], column))
    sheet.freeze_panes(header + 1, 0)


def _list(source: str | list[str], column: Column) -> dict[str, Any]:
    """A drop-down; what is not on it may be typed after a warning (codes for missing are not)."""
    return {
        "validate": "list",
        "source": source,
        "error_type": "warning",
        "error_title": "Niet in de lijst",
        "error_message": f"De waarde staat niet in de lijst van {column.name}."[:255],
    }


def _explain(sheet: Any, contract: Contract, strong: Any) -> None:
    for place, width in enumerate((18, 24, 12, 28, 30, 90)):
        sheet.set_column(place, place, width)
    for row, line in enumerate(
        (
            f"{contract.title}: sjabloon bij versie {contract.version} van de afspraak",
            "Vul één rij per regel in; laat de kopregel staan. Kolommen met een codelijst hebben "
            "een keuzelijst.",
        )
    ):
        sheet.write_string(row, 0, unmarked(line))
    titles = ("Tabel", "Kolom", "Verplicht", "Vorm", "Codelijst", "Omschrijving")
    for place, title in enumerate(titles):
        sheet.write_string(3, place, title, strong)
    row = 4
    for table in contract.tables:
        for column in table.delivered_columns:
            cells = (
                table.name,
                column.name,
                "ja" if column.required else "nee",
                _form(column),
                column.codelist.name if column.codelist else "",
                column.description,
            )
            for place, cell in enumerate(cells):
                sheet.write_string(row, place, unmarked(cell))
            row += 1


def _form(column: Column) -> str:
    if column.logical_type == "date":
        form = (column.date_format or "yyyy-MM-dd").replace("yyyy", "jjjj").replace("MM", "mm")
        return f"datum, {form}"
    if column.logical_type == "number":
        mark = "komma" if column.decimal_mark == "," else "punt"
        return f"getal, decimaal met {mark}"
    return _KINDS[column.logical_type]


def _codes(
    sheet: Any,
    places: Mapping[str, tuple[int, int]],
    codelists: Mapping[str, CodeList],
    text: Any,
    strong: Any,
) -> None:
    for name, (place, _) in places.items():
        sheet.write_string(0, place, name, strong)
        sheet.write_string(0, place + 1, "betekenis", strong)
        labels = codelists[name].labels
        for row, code in enumerate(codelists[name].values, start=1):
            sheet.write_string(row, place, unmarked(code), text)
            sheet.write_string(row, place + 1, unmarked(labels[code]), text)
    sheet.hide()
