"""The sheets of a workbook, whatever its format: a cover, one table a sheet, notes, the dictionary.

Made to be read by everyone, screen readers included: every sheet starts with its title in A1, then
a few lines of text, then one table without merged cells and without empty rows in it.

Belongs here: which sheets and which words. Does not belong here: a file format (``xlsx``, ``ods``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from via_pipeline.disclosure import dictionary
from via_pipeline.letters.editions import Edition
from via_pipeline.letters.files import Written

LANGUAGE = "nl-NL"
COVER = "Over_dit_bestand"
NOTES = "Toelichting"
WORDS = "Kolommen"
_TEXT, _COUNT = "VARCHAR", "BIGINT"
_NAME_LENGTH = 31


@dataclass(frozen=True)
class Sheet:
    """One sheet: ``title`` in the first cell, ``lines`` of text below it, then one table.

    ``kinds`` are the DuckDB types of the columns in ``header``.
    """

    name: str
    title: str
    lines: tuple[str, ...]
    header: tuple[str, ...]
    kinds: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]

    @property
    def top(self) -> int:
        """Number of rows above the header."""
        return 1 + len(self.lines)


def sheets(edition: Edition, written: Sequence[Written]) -> list[Sheet]:
    """Every sheet of an edition's workbook, in order."""
    return [_cover(edition, written), *map(_table, written), _notes(), _words(written)]


def title(edition: Edition) -> str:
    """Title of the workbook."""
    return f"Datasets bij de voortgangsbrief: {edition.title}"


def _cover(edition: Edition, written: Sequence[Written]) -> Sheet:
    day = f"{edition.reading_date:%d-%m-%Y}"
    where = f" (Kamerstuk {edition.parliament})" if edition.parliament else ""
    lines = [
        f"Editie {edition.release}, voortgangsbrief van {day}{where}. Wat op die dag was ontvangen "
        "en bekend, gecontroleerd op onthulling.",
        f"Elk cijfer heeft een adres: {edition.release}/tabel/cel; de cel staat in de laatste "
        "kolom van elke tabel.",
        f"Waarom een cijfer ontbreekt, staat in de kolom waarde_status; zie het blad {NOTES}. Wat "
        f"elke kolom inhoudt, staat op het blad {WORDS}.",
    ]
    if any(item.is_synthetic for item in written):
        lines.insert(1, dictionary.synthetic_notice())
    rows = [(_name(item.name), item.title, item.rows, item.hidden) for item in written]
    return Sheet(
        COVER,
        title(edition),
        tuple(lines),
        ("blad", "inhoud", "rijen", "zonder_cijfer"),
        (_TEXT, _TEXT, _COUNT, _COUNT),
        rows,
    )


def _table(item: Written) -> Sheet:
    lines = [item.table.content.description]
    if item.is_synthetic:
        lines.append(dictionary.synthetic_notice())
    return Sheet(
        _name(item.name),
        item.title,
        tuple(lines),
        item.table.columns,
        tuple(kind for _, kind in item.table.types),
        item.table.rows,
    )


def _notes() -> Sheet:
    return Sheet(
        NOTES,
        "Toelichting: waarom een cijfer ontbreekt",
        ("Codes in de kolom waarde_status. Een lege waarde_status hoort bij een getoond cijfer.",),
        ("waarde_status", "betekenis"),
        (_TEXT, _TEXT),
        list(dictionary.symbols().items()),
    )


def _words(written: Sequence[Written]) -> Sheet:
    return Sheet(
        WORDS,
        "Kolommen: wat elke kolom inhoudt",
        ("Elke kolom van elke tabel, met omschrijving.",),
        ("tabel", "kolom", "omschrijving"),
        (_TEXT, _TEXT, _TEXT),
        [
            (item.name, column, item.table.content.words[column])
            for item in written
            for column in item.table.columns
        ],
    )


def _name(table: str) -> str:
    return table[:_NAME_LENGTH]
