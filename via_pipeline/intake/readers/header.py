"""Find the header of a table and match it with the contract's columns.

Belongs here: where the header is, which contract column each cell names. Does not belong here: how
the header differs from the contract in words (``intake/drift.py``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from via_pipeline.contracts.model import Table
from via_pipeline.intake.trouble import Refused, listed


@dataclass(frozen=True)
class Header:
    """A header as found.

    ``names`` has one entry a cell: the contract's column name where the cell means it (case,
    blanks and hyphens aside), else what the file says. ``places`` maps a contract column to its
    cell; a column named twice has its first. ``first_data_index`` counts rows from 0.
    """

    names: tuple[str, ...]
    places: dict[str, int]
    doubles: tuple[str, ...]
    first_data_index: int
    score: int

    def __hash__(self) -> int:
        return hash(self.names)


class NoHeader(LookupError):
    """No row looks like the contract's header."""

    @staticmethod
    def refused(table: Table, header_rows: int, title_rows: int) -> Refused:
        """The refusal in words."""
        last = header_rows + title_rows
        where = "de eerste rij" if last == 1 else f"de eerste {last} rijen"
        names = [column.name for column in table.delivered_columns]
        return Refused(
            "bestand__kop",
            f"De kopregel is niet gevonden in {where}. Verwacht worden de kolommen "
            f"{listed(names)}.",
            row=1,
        )


def folded(name: str) -> str:
    """A header cell as it is compared: no BOM, case, blanks or hyphens."""
    return re.sub(r"[\s\-_]+", "_", name.replace("\ufeff", "").strip()).strip("_").casefold()


def locate(
    rows: Sequence[Sequence[str]], table: Table, header_rows: int, title_rows: int
) -> Header:
    """The header among the first rows: the row (or rows) that names most of the columns.

    At least half of the contract's columns must be there under their own name or an alias.

    Raises:
        NoHeader: no row does.
    """
    best: Header | None = None
    for start in range(min(title_rows, max(len(rows) - header_rows, 0)) + 1):
        block = rows[start : start + header_rows]
        if len(block) < header_rows or not any(cell.strip() for row in block for cell in row):
            continue
        header = _matched(block, table, start + header_rows)
        if best is None or header.score > best.score:
            best = header
    if best is None or 2 * best.score < len(table.delivered_columns):
        raise NoHeader(table.name)
    return best


def of_names(names: Sequence[str], table: Table) -> Header:
    """The header of a format that carries its column names apart (SAV, Parquet).

    Raises:
        NoHeader: fewer than half of the contract's columns are there.
    """
    return locate([list(names)], table, 1, 0)


def _matched(block: Sequence[Sequence[str]], table: Table, first_data_index: int) -> Header:
    by_name = {folded(column.name): column.name for column in table.delivered_columns}
    aliases = {folded(alias) for column in table.delivered_columns for alias in column.aliases}
    names: list[str] = []
    places: dict[str, int] = {}
    doubles: list[str] = []
    known_by_alias = 0
    for index, candidates in enumerate(_candidates(block)):
        name = next((by_name[folded(text)] for text in candidates if folded(text) in by_name), None)
        if name is None:
            other = next((text for text in candidates if folded(text) in aliases), None)
            known_by_alias += other is not None
            names.append(other or candidates[0])
            continue
        names.append(name)
        if name in places:
            doubles.append(name)
        else:
            places[name] = index
    return Header(
        tuple(names),
        places,
        tuple(dict.fromkeys(doubles)),
        first_data_index,
        len(places) + known_by_alias,
    )


def _candidates(block: Sequence[Sequence[str]]) -> list[list[str]]:
    """For each cell what it may be called: the merged name first, then its lowest cell alone.

    In a header of several rows a blank upper cell takes the text to its left, as a merged cell
    shows it.
    """
    width = max(len(row) for row in block)
    filled = []
    for depth, row in enumerate(block):
        cells = [cell.replace("\ufeff", "").strip() for cell in row] + [""] * (width - len(row))
        if depth < len(block) - 1:
            for index in range(1, width):
                cells[index] = cells[index] or cells[index - 1]
        filled.append(cells)
    while width and not any(row[width - 1].strip() for row in block if len(row) >= width):
        width -= 1
    result = []
    for index in range(width):
        parts = [cells[index] for cells in filled if cells[index]]
        lowest = filled[-1][index]
        merged = "_".join(parts)
        result.append([merged, lowest] if lowest else [merged])
    return result
