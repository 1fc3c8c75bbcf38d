"""Dutch for readers: labels of codes, periods, numbers, and figures that are not shown.

Belongs here: turning one value of a published table into text. Does not belong here: which values
(``pilots``, ``context`` and so on), and sentences about estimates (``outcomes.wording`` made them).
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from via_pipeline.contracts import codelists
from via_pipeline.contracts.codelists import UnknownCodeList
from via_pipeline.contracts.model import load_all
from via_pipeline.letters.documents.blocks import Cell
from via_pipeline.outcomes import wording

CROSSED = "×"
WHOLE = "totaal"
NONE = "–"
_UNKNOWN = "onbekend"
_FILE = Path(__file__).parent / "words.yaml"
_QUARTERS = ("eerste", "tweede", "derde", "vierde")
_HALVES = ("eerste", "tweede")


@cache
def _words() -> dict[str, dict[str, str]]:
    return yaml.safe_load(_FILE.read_text(encoding="utf-8"))


def of(kind: str, code: str | None) -> str:
    """The words for ``code`` among those of ``kind``; a dash for no code."""
    if code is None:
        return NONE
    return _words()[kind].get(code, code.replace("_", " "))


def capital(text: str) -> str:
    """``text`` with a capital first letter; the rest is left alone."""
    return text[:1].upper() + text[1:]


def group(pilot: str, kind: str, code: str) -> str:
    """What readers call a group of a breakdown, crossings included: ``Nameting, westers``."""
    if kind == WHOLE:
        return WHOLE
    pairs = zip(kind.split(CROSSED), code.split(CROSSED), strict=True)
    return ", ".join(_group(pilot, name, value) for name, value in pairs)


def kind(name: str) -> str:
    """What readers call a breakdown: ``meting en herkomst``."""
    return " en ".join(of("kenmerk", part) for part in name.split(CROSSED))


def _group(pilot: str, kind: str, code: str) -> str:
    if kind == "herkomst_oud" and code == _UNKNOWN:
        return of("groep", code)
    found = _labels(pilot).get((kind, code))
    if found is not None:
        return found
    text = code.replace("_", " ")
    return f"{of('kenmerk', kind)} {text}" if text.isdigit() else text


@cache
def _labels(pilot: str) -> dict[tuple[str, str], str]:
    """(column, code) to label, of the code lists that ship with a pilot's contracts."""
    found: dict[tuple[str, str], str] = {}
    for contract in load_all():
        if contract.pilot != pilot:
            continue
        for column in (column for table in contract.tables for column in table.columns):
            if column.codelist is None:
                continue
            try:
                listed = codelists.load(column.codelist.name, Path("no-reference-tables"))
            except (UnknownCodeList, FileNotFoundError):
                continue  # a large list of the reference: no breakdown is by municipality
            found |= {(column.name, code): text for code, text in listed.labels.items()}
    return found


def period(text: str | None) -> str:
    """A period in words: ``2020KW03``, ``2019JJ00``, ``2020H1`` or a day; others as they are."""
    if text is None:
        return NONE
    if found := re.fullmatch(r"(\d{4})KW0?([1-4])", text):
        return f"{_QUARTERS[int(found[2]) - 1]} kwartaal {found[1]}"
    if found := re.fullmatch(r"(\d{4})H([12])", text):
        return f"{_HALVES[int(found[2]) - 1]} helft {found[1]}"
    if found := re.fullmatch(r"(\d{4})JJ00", text):
        return found[1]
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return wording.day(date.fromisoformat(text))
    return text.replace("-", "–") if re.fullmatch(r"\d{4}-\d{4}", text) else text


def places(value: Decimal | int) -> int:
    """How many decimals a figure is shown with: none for counts, two below ten, else one."""
    if isinstance(value, int) or value == value.to_integral_value():
        return 0
    return 2 if abs(value) < 10 else 1


def number(value: Decimal | int, decimals: int | None = None) -> str:
    """A Dutch number, with ``decimals`` decimals or as many as suit its size."""
    return wording.number(float(value), places(value) if decimals is None else decimals)


def figure(value: Decimal | int | None, status: str | None, decimals: int | None = None) -> Cell:
    """A row's figure, or the symbol of why it is not shown; the symbol always wins.

    A dash where there never was a figure.
    """
    if status is not None:
        return Cell(status, status=status)
    return Cell(number(value, decimals)) if value is not None else Cell(NONE)


def count(value: int | None, status: str | None) -> Cell:
    """What a figure rests on: it may be shown where the figure itself is not."""
    return Cell(number(value, 0)) if value is not None else figure(value, status)


def day(value: date | None) -> str:
    """A date in words, or a dash."""
    return wording.day(value) if value is not None else NONE


def source(text: str | None) -> Cell:
    """A public source: an address as the name of its site, leading there; else the words."""
    if text is None:
        return Cell(NONE)
    if text.startswith(("http://", "https://")):
        return Cell(urlsplit(text).netloc.removeprefix("www."), link=text)
    return Cell(text)


def cell_of(address: str) -> Cell:
    """The last part of an address; the caption of the table has what stands before it."""
    return Cell(address.rsplit("/", 1)[1])
