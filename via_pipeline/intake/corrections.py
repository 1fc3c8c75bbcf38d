"""Correction lists: cells of a delivery that a person resolved, laid beside the delivery.

A list lies in ``data/correcties/<source>/<date>/`` and says of one delivery (by id and hash) which
cells of which rows get another text, who said so and when. The partner's file is never touched. To
intake a list is a delivery of its own: received on its date, with the key of the delivery that it
corrects, so that it becomes a revision by the rule for all revisions, letters of before that date
do not see it, and it can be made again from the same bytes. Where correction lists lie no transport
service writes: only people do, with ``via quarantine replay``.

Belongs here: what a list is, and whether the contract allows it. Does not belong here: the sheet
that people fill in (``quality.resolve``), and applying it (``stage``, ``conform``). An identifying
column cannot be corrected: its value would stand in a second place.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from via_pipeline.contracts.model import Contract
from via_pipeline.storage.atomic import write_text
from via_pipeline.storage.home import Home

FOLDER = "correcties"
RULE = "correctie__geldig"
_NAME = re.compile(r"correctie-[a-z0-9_]+-[0-9a-f]{16}-\d{8}T\d{6}Z-[0-9a-f]{12}\.json")
_MOST_CHARS = 32_767

Overlay = Mapping[str, Mapping[str, Mapping[int, str]]]
"""Table to column to row (as the sender counts) to the text that takes the cell's place."""


class NotAList(ValueError):
    """The file is not a correction list; the message never holds what is in it."""


@dataclass(frozen=True, order=True)
class Cell:
    """One cell: where it stands, and the text that takes its place ("" empties it)."""

    table: str
    row: int
    column: str
    text: str


@dataclass(frozen=True)
class CorrectionList:
    """Corrections of one delivery. ``base`` is its id, ``base_sha256`` the hash of its bytes."""

    source: str
    base: str
    base_sha256: str
    who: str
    at: str
    cells: tuple[Cell, ...]

    def overlay(self) -> Overlay:
        """As ``conform`` takes it."""
        found: dict[str, dict[str, dict[int, str]]] = {}
        for cell in self.cells:
            found.setdefault(cell.table, {}).setdefault(cell.column, {})[cell.row] = cell.text
        return found


def is_list(name: str) -> bool:
    """Whether a file of that name is a correction list. Such a name tells of nobody."""
    return _NAME.fullmatch(name) is not None


def folder_of(home: Home, source: str, received: date) -> Path:
    """Where lists of ``source`` that came on a day lie."""
    return home.data / FOLDER / source / received.isoformat()


def write(home: Home, corrections: CorrectionList, received: date) -> Path:
    """Lay a list down, named after its moment and hash: names order lists as they were made."""
    text = text_of(corrections)
    digest = hashlib.sha256(text.encode()).hexdigest()
    moment = re.sub(r"[-:]", "", corrections.at)
    name = f"correctie-{corrections.base}-{moment}-{digest[:12]}.json"
    path = folder_of(home, corrections.source, received) / name
    write_text(path, text)
    path.chmod(0o600)
    return path


def text_of(corrections: CorrectionList) -> str:
    """A list as it is kept: JSON, sorted, so that the same list has the same bytes."""
    plain = asdict(corrections) | {"cells": [asdict(cell) for cell in sorted(corrections.cells)]}
    return json.dumps(plain, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def read(path: Path) -> CorrectionList:
    """The list in ``path``.

    Raises:
        NotAList: it is not one.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        cells = tuple(sorted(Cell(**cell) for cell in raw.pop("cells")))
        found = CorrectionList(**raw, cells=cells)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise NotAList("geen leesbare lijst van correcties") from None
    texts = (found.source, found.base, found.base_sha256, found.who, found.at)
    is_plain = all(isinstance(text, str) for text in texts) and all(
        isinstance(cell.row, int) and isinstance(cell.text, str) for cell in cells
    )
    if not is_plain or not cells:
        raise NotAList("geen leesbare lijst van correcties")
    return found


def refusal(contract: Contract, table: str, column: str, text: str) -> str | None:
    """Why a cell may not be corrected, in Dutch; None where it may. Never tells ``text``."""
    try:
        agreed = contract.table(table)
    except KeyError:
        return f"de afspraak kent geen tabel '{table}'"
    try:
        found = agreed.column(column)
    except KeyError:
        return f"de tabel '{table}' heeft geen kolom '{column}'"
    if found.is_identifying:
        return (
            f"'{column}' wijst een persoon aan en is hier niet te herstellen; vraag de afzender om "
            "een nieuw bestand"
        )
    if not found.is_delivered:
        return f"'{column}' wordt afgeleid en staat niet in het bestand"
    if len(text) > _MOST_CHARS or any(ord(sign) < 32 for sign in text):
        return f"de nieuwe waarde van '{column}' is te lang of bevat tekens die niet mogen"
    return None


def problems(contract: Contract, cells: Iterable[Cell]) -> list[str]:
    """Every reason why ``cells`` may not be corrected under ``contract``, each once."""
    told = (refusal(contract, cell.table, cell.column, cell.text) for cell in cells)
    return list(dict.fromkeys(one for one in told if one))


def without(corrections: CorrectionList, gone: Mapping[str, Iterable[int]]) -> CorrectionList:
    """The list after rows were taken out of the delivery: theirs are gone, later ones move up."""
    cells = []
    for cell in corrections.cells:
        rows = set(gone.get(cell.table, ()))
        if cell.row not in rows:
            before = sum(row < cell.row for row in rows)
            cells.append(Cell(cell.table, cell.row - before, cell.column, cell.text))
    return CorrectionList(
        corrections.source,
        corrections.base,
        corrections.base_sha256,
        corrections.who,
        corrections.at,
        tuple(cells),
    )
