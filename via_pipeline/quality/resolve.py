"""Quarantine resolved by a person: a sheet of what is wrong, and the sheet read back.

Belongs here: one line a broken rule of a row set aside (``lines``), the sheet as XLSX or CSV, and
what a filled-in sheet asks for (``read``, ``plan``). Does not belong here: the list of corrections
and applying it (``intake.corrections``). The sheet holds no value of an identifying column; texts
that a spreadsheet would take for a formula are written as text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from via_pipeline.contracts.model import Column, Contract, Severity, Table
from via_pipeline.intake import archive, corrections
from via_pipeline.intake.content import Content
from via_pipeline.intake.corrections import Cell, CorrectionList
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.intake.readers import extent
from via_pipeline.intake.trouble import Refused
from via_pipeline.quality.results import ValidationResult, read_result
from via_pipeline.quality.run import results_in_force
from via_pipeline.storage.atomic import replacing
from via_pipeline.storage.duck import literal, quoted, work
from via_pipeline.storage.home import Home
from via_pipeline.storage.spreadsheet import FORMULA, harmless, unmarked

HEADER = (
    "levering",
    "bestand",
    "tabel",
    "rij",
    "kolom",
    "regel",
    "uitleg",
    "oude waarde",
    "nieuwe waarde",
)
EMPTY = "(leeg)"
"""What a person writes where the cell should be empty: an empty cell asks for nothing."""
HIDDEN = "(verborgen: wijst een persoon aan)"
MOST_LINES = 20_000
_WIDTHS = (30, 34, 16, 8, 22, 30, 60, 24, 24)
_HELP = (
    "Vul alleen de laatste kolom in. Laat een regel leeg die u niet kunt herstellen; schrijf "
    f"{EMPTY} waar de cel leeg hoort te zijn. Schrijf waarden zoals in het bestand (datum, komma)."
)


class SheetError(ValueError):
    """The file is not a sheet of ours, or cannot be read; the message says what is the matter."""


@dataclass(frozen=True)
class Line:
    """One line of the sheet. ``new`` is None where nothing was filled in."""

    delivery: str
    file: str
    table: str
    row: int
    column: str
    rule: str
    explanation: str
    old: str
    new: str | None = None


@dataclass(frozen=True)
class Refusal:
    """A filled-in line that is not taken over: where it stands in the sheet, and why (Dutch)."""

    line: int
    told: str


@dataclass(frozen=True)
class Plan:
    """What a filled-in sheet asks for: a list a delivery, what is refused, what was left empty."""

    lists: tuple[CorrectionList, ...]
    refused: tuple[Refusal, ...]
    empty: int


def lines(home: Home, contract: Contract, delivery_id: str | None = None) -> list[Line]:
    """Every broken row rule of the newest deliveries of ``contract``, by delivery, table and row.

    A rule about several columns has no column: the person says which. Where a row is set aside by
    what intake found (a torn row), it cannot be corrected and has no line.

    Raises:
        SheetError: there are more than ``MOST_LINES``; that is a question to the partner.
    """
    found: list[Line] = []
    for result in results_in_force(home, contract):
        if delivery_id in (None, result.delivery_id):
            for table in contract.tables:
                found += _lines_of(home, table, result)
    if len(found) > MOST_LINES:
        raise SheetError(
            f"{len(found)} regels om te herstellen; dat is geen werk voor een mens. Vraag de "
            "afzender om een verbeterd bestand, of kies een levering"
        )
    return found


def _lines_of(home: Home, table: Table, result: ValidationResult) -> list[Line]:
    path = home.quarantine / table.lake_table / f"{result.delivery_id}.parquet"
    rules = [
        rule
        for rule in result.rules
        if rule.table == table.name and rule.rows and rule.severity is Severity.REJECT_ROW
    ]
    if not path.exists() or not rules:
        return []
    wanted = sorted({rule.column for rule in rules if rule.column} & _readable(table))
    with work(home.scratch) as connection:
        scan = f"read_parquet({literal(path)})"
        there = {
            name for name, *_ in connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
        }
        texts = ", ".join(_text_of(name, there) for name in wanted)
        rows = connection.execute(
            f"SELECT _row{', ' + texts if texts else ''} FROM {scan} ORDER BY _row"
        ).fetchall()
    values = {row[0]: dict(zip(wanted, row[1:], strict=True)) for row in rows}
    hidden = {column.name for column in table.columns} - _readable(table)
    found = [
        Line(
            result.delivery_id,
            result.file_name,
            table.name,
            row,
            rule.column or "",
            rule.rule,
            rule.explanation,
            HIDDEN if rule.column in hidden else str(values[row].get(rule.column or "") or ""),
        )
        for rule in rules
        for row in rule.rows
        if row in values
    ]
    return sorted(found, key=lambda line: (line.row, line.column, line.rule))


def _readable(table: Table) -> set[str]:
    """Columns whose values may stand in a sheet."""
    return {column.name for column in table.stored_columns}


def _text_of(name: str, there: set[str]) -> str:
    text = f"{name}__tekst"
    value = f"CAST({quoted(name)} AS VARCHAR)" if name in there else "NULL"
    return f"coalesce({quoted(text)}, {value})" if text in there else value


def write(path: Path, found: Sequence[Line]) -> None:
    """Write the sheet; the suffix says as what (.xlsx or .csv). The same lines, the same bytes.

    Raises:
        SheetError: another suffix.
    """
    if path.suffix == ".csv":
        out = io.StringIO()
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        writer.writerow(HEADER)
        writer.writerows([harmless(str(cell)) for cell in _cells(line)] for line in found)
        with replacing(path) as temporary:
            temporary.write_bytes(out.getvalue().encode("utf-8-sig"))
    elif path.suffix == ".xlsx":
        with replacing(path) as temporary:
            _workbook(temporary, found)
    else:
        raise SheetError(f"'{path.suffix}' wordt niet geschreven; kies .xlsx of .csv")
    path.chmod(0o600)


def _cells(line: Line) -> list[object]:
    return [
        line.delivery,
        line.file,
        line.table,
        line.row,
        line.column,
        line.rule,
        line.explanation,
        line.old,
        "",
    ]


def _workbook(path: Path, found: Sequence[Line]) -> None:
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": datetime(2000, 1, 1), "title": "Rijen in quarantaine"})
        head = book.add_format({"bold": True, "bg_color": "#e8eef4", "border": 1})
        text = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        fill = book.add_format({"num_format": "@", "bg_color": "#fff8dc", "border": 1})
        sheet = book.add_worksheet("Herstel")
        sheet.write_string(0, 0, _HELP)
        for place, name in enumerate(HEADER):
            sheet.write_string(1, place, name, head)
            sheet.set_column(place, place, _WIDTHS[place], text)
        for number, line in enumerate(found, start=2):
            for place, cell in enumerate(_cells(line)[:-1]):
                if isinstance(cell, int):
                    sheet.write_number(number, place, cell)
                else:
                    sheet.write_string(number, place, unmarked(str(cell)), text)
            sheet.write_blank(number, len(HEADER) - 1, None, fill)
        sheet.freeze_panes(2, 0)
        sheet.autofilter(1, 0, max(1, len(found) + 1), len(HEADER) - 1)


def read(path: Path) -> list[tuple[int, Line]]:
    """The lines of a sheet with their numbers in it (the first is 1), filled in or not.

    Raises:
        SheetError: not a sheet of ours.
        FileNotFoundError: there is no such file.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    rows = _rows_of_csv(path) if path.suffix.lower() == ".csv" else _rows_of_workbook(path)
    start = next(
        (
            place
            for place, row in enumerate(rows[:5])
            if tuple(str(cell).strip().lower() for cell in row[: len(HEADER)]) == HEADER
        ),
        None,
    )
    if start is None:
        raise SheetError(
            f"{path.name} heeft niet de kopregel van een herstelblad ({'; '.join(HEADER)})"
        )
    found = []
    for number, row in enumerate(rows[start + 1 :], start=start + 2):
        cells = [*row, *[""] * len(HEADER)][: len(HEADER)]
        if not str(cells[0]).strip():
            continue
        number_of_row = _text(cells[3]).lstrip("'")
        if not number_of_row.isdigit():
            raise SheetError(f"regel {number}: '{HEADER[3]}' is geen nummer")
        new = cells[-1]
        is_filled = new is not None and str(new).strip() != ""
        found.append(
            (
                number,
                Line(
                    _text(cells[0]),
                    _text(cells[1]),
                    _text(cells[2]),
                    int(number_of_row),
                    _text(cells[4]),
                    _text(cells[5]),
                    "",
                    "",
                    _Filled(new) if is_filled else None,
                ),
            )
        )
    return found


class _Filled(str):
    """What a person filled in, and the value as the spreadsheet keeps it."""

    value: Any

    def __new__(cls, value: Any) -> _Filled:
        made = super().__new__(cls, _text(value))
        made.value = value
        return made


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()


def _rows_of_csv(path: Path) -> list[list[Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="cp1252", errors="replace")
    sign = ";" if text.split("\n", 1)[0].count(";") else ","
    rows: list[list[Any]] = list(csv.reader(io.StringIO(text), delimiter=sign))
    # What was written with a mark against formulas is read without it.
    return [
        [cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA else cell for cell in row]
        for row in rows
    ]


def _rows_of_workbook(path: Path) -> list[list[Any]]:
    import python_calamine

    try:
        with archive.opened(Content(path.name, path)) as package:
            extent.check(package)
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        return book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, Refused, OSError, ValueError):
        raise SheetError(f"{path.name} is geen werkmap of CSV die wij kunnen lezen") from None


def plan(
    home: Home,
    contracts: Iterable[Contract],
    filled: Sequence[tuple[int, Line]],
    *,
    who: str,
    at: str,
) -> Plan:
    """What a filled-in sheet asks for; nothing is written.

    A line is refused whose delivery is not the newest of its key, whose row is not in quarantine,
    or whose column may not be corrected; two lines that give one cell different texts are both
    refused. A delivery that was corrected before keeps those corrections: the new list holds both.
    """
    known = {contract.source: contract for contract in contracts}
    ledger = Ledger(home.ledger)
    rows = {row.delivery_id: row for row in ledger.rows() if row.removed is None}
    refused: list[Refusal] = []
    wanted: dict[str, dict[tuple[str, int, str], list[tuple[int, str]]]] = {}
    newest: dict[str, set[str]] = {}
    set_aside: dict[tuple[str, str], set[int]] = {}
    asked = [(number, line) for number, line in filled if line.new is not None]
    for number, line in asked:
        row = rows.get(line.delivery)
        contract = known.get(row.source) if row else None
        if row is None or contract is None:
            refused.append(Refusal(number, f"levering {line.delivery} is hier niet bekend"))
            continue
        if contract.source not in newest:
            newest[contract.source] = {one.delivery_id for one in results_in_force(home, contract)}
        if line.delivery not in newest[contract.source]:
            told = f"levering {line.delivery} is intussen vervangen; maak een nieuw blad"
            refused.append(Refusal(number, told))
            continue
        text = _as_delivered(contract, line)
        told_why = corrections.refusal(contract, line.table, line.column, text)
        if told_why is None:
            key = (line.delivery, line.table)
            if key not in set_aside:
                set_aside[key] = _rows_in_quarantine(home, contract, *key)
            if line.row not in set_aside[key]:
                told_why = f"rij {line.row} van '{line.table}' staat niet in quarantaine"
        if told_why is not None:
            refused.append(Refusal(number, told_why))
            continue
        cell = (line.table, line.row, line.column)
        wanted.setdefault(line.delivery, {}).setdefault(cell, []).append((number, text))
    lists = []
    for delivery, cells in sorted(wanted.items()):
        good = []
        for (table, row_number, column), given in sorted(cells.items()):
            if len({text for _, text in given}) > 1:
                told = f"rij {row_number}, '{column}': twee verschillende nieuwe waarden"
                refused += [Refusal(number, told) for number, _ in given]
            else:
                good.append(Cell(table, row_number, column, given[0][1]))
        if good:
            lists.append(_list_of(home, ledger, rows, rows[delivery], good, who, at))
    return Plan(
        tuple(lists),
        tuple(sorted(refused, key=lambda one: one.line)),
        len(filled) - len(asked),
    )


def _list_of(
    home: Home,
    ledger: Ledger,
    rows: dict[str, LedgerRow],
    row: LedgerRow,
    cells: Sequence[Cell],
    who: str,
    at: str,
) -> CorrectionList:
    """The list for ``row``; of a delivery that is itself corrected, of its base and with both."""
    if row.corrects is None:
        return CorrectionList(row.source, row.delivery_id, row.sha256, who, at, tuple(cells))
    before = corrections.read(home.data / row.path)
    merged = {(one.table, one.row, one.column): one for one in (*before.cells, *cells)}
    return replace(before, who=who, at=at, cells=tuple(sorted(merged.values())))


def _rows_in_quarantine(home: Home, contract: Contract, delivery_id: str, table: str) -> set[int]:
    path = home.quarantine / contract.table(table).lake_table / f"{delivery_id}.parquet"
    if not path.exists():
        return set()
    result = read_result(home.reports, delivery_id)
    with work(home.scratch) as connection:
        found = connection.execute(f"SELECT _row FROM read_parquet({literal(path)})").fetchall()
    # A row that could not be read has no cells to correct.
    torn = {
        row
        for rule in result.rules
        if rule.table == table and rule.rule == "bestand__rij"
        for row in rule.rows
    }
    return {row for (row,) in found} - torn


def _as_delivered(contract: Contract, line: Line) -> str:
    """The text as the partner's file would have it: dates and decimals in the contract's form."""
    new = line.new or ""
    if new.strip().lower() == EMPTY:
        return ""
    value = new.value if isinstance(new, _Filled) else new
    column = _column(contract, line)
    if column is None:
        return str(new)
    if isinstance(value, (date, datetime)):
        return value.strftime(column.strptime)
    if isinstance(value, bool):
        return "J" if value else "N"
    if isinstance(value, float) and not value.is_integer():
        return f"{value!r}".replace(".", column.decimal_mark)
    return str(new)


def _column(contract: Contract, line: Line) -> Column | None:
    try:
        return contract.table(line.table).column(line.column)
    except KeyError:
        return None
