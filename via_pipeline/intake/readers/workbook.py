"""Read a sheet of an XLSX or ODS workbook, as text, after looking whether it is safe to.

Belongs here: passwords, macros, formulas, error values and external links (all refused: a delivery
holds values), the choice of the sheet, its rows. Row numbers are those that the spreadsheet program
shows.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree as safe_xml
from defusedxml import DefusedXmlException
from python_calamine import CalamineError, CalamineWorkbook

from via_pipeline.contracts.model import Delivery, Table
from via_pipeline.intake import archive
from via_pipeline.intake.content import Content
from via_pipeline.intake.names import shown
from via_pipeline.intake.readers import extent
from via_pipeline.intake.readers.cells import as_text
from via_pipeline.intake.readers.header import Header, NoHeader, locate
from via_pipeline.intake.readers.raw import RawTable, Tally, from_rows
from via_pipeline.intake.trouble import Refused, listed

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SHOWN_CELLS = 5
_FORMULA = re.compile(rb"<(\w+:)?f[\s/>]")
_ERROR = re.compile(rb"""\bt\s*=\s*["']e["']""")
_ODS_FORMULA = re.compile(rb"\bformula\s*=")
_SPREADSHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"

_Cells = list[tuple[str, str]]  # Title of the sheet, name of the cell.


def refuse_ole(content: Content) -> None:
    """Refuse what is not a ZIP but an OLE file: a workbook with a password, or an old ``.xls``.

    Raises:
        Refused: always.
    """
    if "EncryptedPackage".encode("utf-16-le") in content.read():
        raise Refused(
            "bestand__wachtwoord",
            "De werkmap is met een wachtwoord beveiligd en kan niet worden gelezen. Sla haar op "
            "zonder wachtwoord en lever via het afgesproken beveiligde kanaal.",
        )
    raise Refused(
        "bestand__formaat",
        "Dit is een werkmap in het oude Excel-formaat (.xls). Sla haar op als .xlsx.",
    )


def check_safe(content: Content) -> None:
    """Look for everything that a delivery must not hold.

    Raises:
        Refused: damaged, too large or far-reaching, password, macros, external links, formulas or
            error values.
    """
    with archive.opened(content) as package:
        names = package.namelist()
        lower = [name.lower() for name in names]
        if any(name.endswith("vbaproject.bin") for name in lower) or any(
            name.startswith(("basic/", "scripts/")) and not name.endswith("/") for name in lower
        ):
            raise Refused(
                "bestand__macro",
                "De werkmap bevat macro's en wordt daarom niet geopend. Sla haar op als gewone "
                "werkmap (.xlsx of .ods) zonder macro's.",
            )
        if any(name.startswith("xl/externallinks/") for name in lower) or (
            "xl/connections.xml" in lower
        ):
            raise Refused(
                "bestand__koppeling",
                "De werkmap is gekoppeld aan een ander bestand of een gegevensbron. Verbreek de "
                "koppelingen (Gegevens > Koppelingen bewerken) en lever alleen waarden.",
            )
        if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read_member(
            package, "META-INF/manifest.xml"
        ):
            raise Refused(
                "bestand__wachtwoord",
                "De werkmap is met een wachtwoord beveiligd en kan niet worden gelezen. Sla haar "
                "op zonder wachtwoord en lever via het afgesproken beveiligde kanaal.",
            )
        extent.check(package)
        try:
            formulas, errors = _formulas_and_errors(package, names)
        except (ParseError, DefusedXmlException, LookupError, ValueError):
            raise _unreadable() from None
    if formulas:
        raise _refused_cells(
            "bestand__formule",
            "De werkmap bevat formules, in",
            formulas,
            "Lever waarden: kopieer de cellen en plak ze met 'Plakken speciaal > Waarden'.",
        )
    if errors:
        raise _refused_cells(
            "bestand__foutcel",
            "De werkmap bevat een foutwaarde van Excel (zoals #VERW! of #N/B), in",
            errors,
            "Vul de juiste waarde in, of laat de cel leeg.",
        )


def _refused_cells(rule: str, what: str, found: _Cells, advice: str) -> Refused:
    more = " en meer" if len(found) > _SHOWN_CELLS else ""
    cell = found[0][1]
    digits = re.search(r"\d+$", cell)
    where = listed(
        [f"cel {cell} van blad '{shown(sheet)}'" for sheet, cell in found[:_SHOWN_CELLS]]
    )
    return Refused(
        rule, f"{what} {where}{more}. {advice}", row=int(digits.group()) if digits else None
    )


def read(content: Content, table: Table, delivery: Delivery, sheet_pattern: str) -> RawTable:
    """The table on the sheet whose name matches, and that has the contract's header.

    Raises:
        Refused: no sheet or several, or no header.
    """
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content.read()))
        named = [name for name in book.sheet_names if re.fullmatch(sheet_pattern, name)]
        sheets = {
            name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in named
        }
    except (CalamineError, ValueError, OSError):
        raise _unreadable() from None
    if not named:
        raise Refused(
            "bestand__blad",
            f"De werkmap heeft geen blad met de tabel '{table.name}' (gevonden: "
            f"{listed([repr(shown(name)) for name in book.sheet_names]) or 'geen enkel blad'}).",
        )
    found: dict[str, Header] = {}
    for name, rows in sheets.items():
        head = [
            [as_text(cell, None) for cell in row]
            for row in rows[: delivery.title_rows + delivery.header_rows]
        ]
        try:
            found[name] = locate(head, table, delivery.header_rows, delivery.title_rows)
        except NoHeader:
            continue
    if not found:
        if not any(any(as_text(c, None) for c in row) for rows in sheets.values() for row in rows):
            raise Refused("bestand__leeg", "De werkmap bevat geen gegevens.")
        raise NoHeader.refused(table, delivery.header_rows, delivery.title_rows)
    if len(found) > 1:
        raise Refused(
            "bestand__blad",
            f"Meer dan één blad heeft de kopregel van '{table.name}': "
            f"{listed([repr(shown(name)) for name in found])}. Lever één blad.",
        )
    (sheet, header), *_ = found.items()
    tally = Tally(content.name, table.name)
    return RawTable(
        header,
        tally,
        (from_rows(header, tally, lambda: _rows(sheets[sheet], header, table, tally)),),
        {"format": "ods" if _is_ods(content) else "xlsx", "sheet": shown(sheet)},
    )


def _rows(
    rows: list[list[Any]], header: Header, table: Table, tally: Tally
) -> Iterator[tuple[int, list[str]]]:
    width = len(header.names)
    columns = [table.column(name) if name in header.places else None for name in header.names]
    for number, row in enumerate(rows[header.first_data_index :], header.first_data_index + 1):
        cells = [as_text(c, columns[i] if i < width else None) for i, c in enumerate(row)]
        if any(cells[width:]):
            tally.malformed_row(
                number,
                f"Rij {number} heeft een gevulde cel buiten de kolommen van de kopregel.",
            )
            continue
        yield number, cells[:width] + [""] * (width - len(cells))


def _is_ods(content: Content) -> bool:
    with archive.opened(content) as package:
        return "content.xml" in package.namelist()


def _formulas_and_errors(package: zipfile.ZipFile, names: list[str]) -> tuple[_Cells, _Cells]:
    """Sheet and cell of formulas, and of error values, a few of each; empty where there is none.

    Error values are looked for in XLSX only: calamine gives them as blank cells.
    """
    if "content.xml" in names:
        data = archive.read_member(package, "content.xml")
        return (_ods_formulas(data) if _ODS_FORMULA.search(data) else []), []
    formulas: _Cells = []
    errors: _Cells = []
    for name in sorted(names):
        data = archive.read_member(package, name)
        if not extent.holds_cells(data):
            continue
        if not _FORMULA.search(data) and not _ERROR.search(data):
            continue
        title = _sheet_titles(package, names).get(name, name.rsplit("/", 1)[-1])
        for _, cell in safe_xml.iterparse(io.BytesIO(data), events=("end",)):
            if cell.tag in (_SPREADSHEET + "c", _STRICT + "c"):
                if any(child.tag.endswith("}f") for child in cell):
                    formulas.append((title, cell.get("r", "?")))
                elif cell.get("t") == "e" and len(errors) <= _SHOWN_CELLS:
                    errors.append((title, cell.get("r", "?")))
                cell.clear()
            if len(formulas) > _SHOWN_CELLS:
                return formulas, errors
    return formulas, errors


def _sheet_titles(package: zipfile.ZipFile, names: list[str]) -> dict[str, str]:
    """Part name to the title on the tab."""
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= set(names):
        return {}
    book = safe_xml.fromstring(archive.read_member(package, "xl/workbook.xml"))
    relations = safe_xml.fromstring(archive.read_member(package, "xl/_rels/workbook.xml.rels"))
    targets = {item.get("Id"): str(item.get("Target")) for item in relations}
    titles = {}
    for sheet in book.iter():
        if sheet.tag.endswith("}sheet"):
            target = targets.get(sheet.get(_RELATION), "")
            titles["xl/" + target.removeprefix("/xl/").removeprefix("xl/")] = sheet.get("name", "?")
    return titles


def _ods_formulas(data: bytes) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    root: Element = safe_xml.fromstring(data)
    for sheet in root.iter(_TABLE + "table"):
        number = 0
        for row in sheet.iter(_TABLE + "table-row"):
            place = 0
            for cell in row:
                if cell.get(_TABLE + "formula"):
                    found.append(
                        (sheet.get(_TABLE + "name", "?"), f"{_letters(place)}{number + 1}")
                    )
                    if len(found) > _SHOWN_CELLS:
                        return found
                place += int(cell.get(_TABLE + "number-columns-repeated", 1))
            number += int(row.get(_TABLE + "number-rows-repeated", 1))
    return found


def _letters(place: int) -> str:
    """Column 0 is A, 26 is AA."""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(65 + rest) + text
    return text


def _unreadable() -> Refused:
    return Refused(
        "bestand__werkmap",
        "De werkmap is beschadigd en kan niet worden gelezen. Open haar, sla haar opnieuw op en "
        "lever haar nog een keer.",
    )
