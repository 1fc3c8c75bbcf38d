"""The report to the partner: one XLSX a delivery, in Dutch, about their file in their row numbers.

Belongs here: what the sender reads. It holds no value of any cell, for it travels by mail; the row
number leads back to it. Does not belong here: the verdict (``verdict.py``) or the page for those
who run the platform (``page.py``). The same judgement gives the same bytes. Every text is written
as text: a file name that starts with ``=`` is no formula.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter

from via_pipeline.contracts.model import Contract, Severity
from via_pipeline.intake.records import StagedDelivery
from via_pipeline.quality import repeated
from via_pipeline.quality.results import RuleResult, ValidationResult, Verdict
from via_pipeline.quality.verdict import INTAKE
from via_pipeline.storage.atomic import replacing
from via_pipeline.storage.spreadsheet import unmarked

MAX_ROWS = 1_048_576
"""Rows of a sheet; Excel's own limit."""

VERDICTS = {
    Verdict.ACCEPTED: "Overgenomen",
    Verdict.ACCEPTED_WITH_WARNINGS: "Overgenomen, met opmerkingen",
    Verdict.REJECTED: "Niet overgenomen",
}
CONSEQUENCES = {
    Severity.REJECT_FILE: "Levering niet overgenomen",
    Severity.REJECT_ROW: "Rij apart gezet",
    Severity.WARN: "Waarschuwing",
}
NEXT_STEPS = {
    Verdict.ACCEPTED: "U hoeft niets te doen.",
    Verdict.ACCEPTED_WITH_WARNINGS: (
        "Kijk de opmerkingen na. Verbeterde gegevens kunt u opnieuw aanleveren; lever dan altijd "
        "het hele bestand."
    ),
    Verdict.REJECTED: (
        "Verbeter het bestand en lever het in zijn geheel opnieuw aan. Is van u al een eerdere "
        "levering overgenomen, dan blijft die tot die tijd in gebruik."
    ),
}
_EXAMPLES = 20
_FIXED = datetime(2020, 1, 1)
_TEXT_ONLY = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


@dataclass(frozen=True, order=True)
class Fault:
    """What 'Alle fouten' says of a row beside its number."""

    file: str
    table: str
    column: str
    rule: str
    consequence: str
    explanation: str


def path_of(reports: Path, staged: StagedDelivery) -> Path:
    """Where the report on a delivery lies: named after the partner's own file."""
    tail = staged.delivery_id.rsplit("-", 1)[-1]
    name = staged.file_name.replace("/", "_").replace("\\", "_")[:150]
    return reports / "partners" / staged.source / f"{name}.{tail}.xlsx"


def write(
    path: Path,
    contract: Contract,
    staged: StagedDelivery,
    result: ValidationResult,
    max_rows: int = MAX_ROWS,
) -> None:
    """Write the report on one delivery, atomically. ``max_rows`` is the limit of a sheet."""
    examples = BytesIO()
    with xlsxwriter.Workbook(examples, _TEXT_ONLY) as book:
        book.set_properties(
            {
                "title": f"Controle van {staged.file_name}",
                "author": "Programma VIA",
                "created": _FIXED,
            }
        )
        _summary(_Sheet(book, "Samenvatting", (28, 16, 16, 16)), contract, staged, result)
        _by_rule(_Sheet(book, "Fouten per regel", (18, 22, 30, 26, 12, 60, 30)), staged, result)
        every = _Sheet(book, "Alle fouten", (34, 18, 10, 22, 30, 26, 80))
        lines = _all(every, faults(staged, result), max_rows)
    with replacing(path) as temporary:
        repeated.repeat(examples, len(book.worksheets()), 1, lines, temporary)


def faults(staged: StagedDelivery, result: ValidationResult) -> Iterator[tuple[Fault, int]]:
    """Every fault of a delivery and its row, 0 where it is about the whole file.

    Ordered by file, table, row and the rest of the fault; lazily, for there may be millions.
    """
    files = {table.table: table.file for table in staged.tables}
    named: dict[Fault, list[int]] = {}
    for finding in staged.findings:
        fault = Fault(
            finding.file,
            finding.table or "",
            finding.column or "",
            finding.rule,
            CONSEQUENCES[finding.severity],
            finding.explanation,
        )
        named.setdefault(fault, []).append(finding.row or 0)
    found: list[tuple[Fault, Sequence[int]]] = [(fault, sorted(named[fault])) for fault in named]
    for rule in failed_rules(result):
        found.append((_of_rule(rule, files.get(rule.table, staged.file_name)), rule.rows or (0,)))
    found.sort(key=lambda item: item[0])
    for _, group in itertools.groupby(found, key=lambda item: (item[0].file, item[0].table)):
        ordered = list(group)
        # One number a line: to compare those takes a tenth of comparing what they stand for.
        for line in heapq.merge(*(_lines(ordered, place) for place in range(len(ordered)))):
            row, place = divmod(line, len(ordered))
            yield ordered[place][0], row


def _lines(ordered: Sequence[tuple[Fault, Sequence[int]]], place: int) -> Iterator[int]:
    return (row * len(ordered) + place for row in ordered[place][1])


def failed_rules(result: ValidationResult) -> list[RuleResult]:
    """The contract's rules that a delivery breaks, in the contract's order."""
    return [rule for rule in result.rules if not rule.passed and rule.suite != INTAKE]


def _of_rule(rule: RuleResult, file: str) -> Fault:
    explanation = rule.explanation
    if rule.error is not None:
        explanation = f"Deze regel kon niet worden uitgevoerd ({rule.error}). {explanation}"
    return Fault(
        file,
        rule.table,
        rule.column or "",
        rule.rule,
        CONSEQUENCES[rule.severity],
        explanation,
    )


class _Sheet:
    """A sheet that is written downward, text as text and counts as numbers."""

    def __init__(self, book: Any, name: str, widths: Sequence[int]) -> None:
        self._sheet = book.add_worksheet(name)
        self._plain = book.add_format({"valign": "top", "text_wrap": True})
        self._strong = book.add_format({"valign": "top", "bold": True, "text_wrap": True})
        for column, width in enumerate(widths):
            self._sheet.set_column(column, column, width)
        self._sheet.set_landscape()
        self._sheet.fit_to_pages(1, 0)
        self.row = 0

    def write(self, *cells: str | int | None, strong: bool = False) -> None:
        """One row; None leaves a cell empty."""
        style = self._strong if strong else self._plain
        for column, cell in enumerate(cells):
            if cell is None or cell == "":
                continue
            if isinstance(cell, int):
                self._sheet.write_number(self.row, column, cell, style)
            else:
                self._sheet.write_string(self.row, column, unmarked(cell), style)
        self.row += 1

    def header(self, *cells: str) -> None:
        """The header of a table, kept in sight and repeated in print."""
        self.write(*cells, strong=True)
        self._sheet.freeze_panes(self.row, 0)
        self._sheet.repeat_rows(self.row - 1)


def _summary(
    sheet: _Sheet, contract: Contract, staged: StagedDelivery, result: ValidationResult
) -> None:
    sheet.write("Controle van uw levering", strong=True)
    sheet.write("Bestand", staged.file_name)
    sheet.write("Bron", contract.title)
    sheet.write("Kenmerk van de levering", staged.delivery_id)
    sheet.write("Versie van de afspraak", staged.contract_version)
    sheet.write("Peildatum", staged.peildatum or "onbekend")
    sheet.write("Uitkomst", VERDICTS[result.verdict], strong=True)
    sheet.write("Wat u kunt doen", NEXT_STEPS[result.verdict])
    if result.reasons:
        sheet.write(None)
        sheet.write("Redenen", strong=True)
        for reason in result.reasons:
            sheet.write(None, reason)
    if result.counts:
        sheet.write(None)
        sheet.write("Tabel", "Rijen", "Overgenomen", "Apart gezet", strong=True)
        for count in result.counts:
            sheet.write(count.table, count.rows_in, count.accepted, count.quarantined)
    drift = [(table.table, text) for table in staged.tables for text in table.drift]
    if drift:
        sheet.write(None)
        sheet.write("Verschil met de afgesproken kolommen", strong=True)
        for table, text in drift:
            sheet.write(table, text)
    sheet.write(None)
    sheet.write(
        "Leeswijzer",
        "Rijnummers zijn die van uw eigen bestand (de kopregel telt mee). Dit verslag bevat geen "
        "waarden uit uw bestand.",
    )


def _by_rule(sheet: _Sheet, staged: StagedDelivery, result: ValidationResult) -> None:
    sheet.header(
        "Tabel", "Kolom", "Regel", "Gevolg", "Aantal", "Wat u kunt verbeteren", "Eerste rijen"
    )
    broken = [rule for rule in result.rules if not rule.passed]
    for rule in broken:
        sheet.write(
            rule.table,
            rule.column,
            rule.rule,
            CONSEQUENCES[rule.severity],
            max(rule.failed, 1),
            rule.explanation,
            _first_rows(rule.rows),
        )
    if not broken:
        sheet.write("Er zijn geen fouten gevonden.")


def _first_rows(rows: Sequence[int]) -> str:
    more = ", …" if len(rows) > _EXAMPLES else ""
    return ", ".join(str(row) for row in rows[:_EXAMPLES]) + more


def _all(sheet: _Sheet, every: Iterator[tuple[Fault, int]], max_rows: int) -> repeated.Lines:
    """Write the header and one example of every kind of row; the rows that there are to be."""
    sheet.header("Bestand", "Tabel", "Rij", "Kolom", "Regel", "Gevolg", "Wat u kunt verbeteren")
    examples: dict[tuple[Fault, bool], int] = {}
    lines = repeated.Lines()
    for fault, row in itertools.islice(every, max_rows - sheet.row - 1):
        kind = fault, row > 0
        example = examples.get(kind)
        if example is None:
            example = examples[kind] = len(examples)
            _line(sheet, fault, row)
        lines.add(example, row)
    if not len(lines):
        sheet.write("Er zijn geen fouten gevonden.")
        lines.add(len(examples))
    elif next(every, None) is not None:
        sheet.write(
            "LET OP: er zijn meer fouten dan op één werkblad passen. De andere staan hier niet; "
            "het blad 'Fouten per regel' telt ze allemaal."
        )
        lines.add(len(examples))
    return lines


def _line(sheet: _Sheet, fault: Fault, row: int) -> None:
    sheet.write(
        fault.file,
        fault.table,
        row or "hele bestand",
        fault.column,
        fault.rule,
        fault.consequence,
        fault.explanation,
    )
