"""Rows of a workbook that differ in a number: xlsxwriter writes one, here are the others.

A report may have a million rows of a few kinds, and a cell takes xlsxwriter some five microseconds.
So it writes one example of every kind, with its own styles and escapes, and the text of that row is
repeated with other numbers. The workbook is, byte for byte in its parts, what xlsxwriter would have
written row by row; a test compares them.

Belongs here: repeating rows of a sheet in a workbook that is done. Does not belong here: what a row
says (``report.py``).
"""

from __future__ import annotations

import itertools
import re
import zipfile
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_ROW = re.compile(r'<row r="\d+".*?</row>', re.DOTALL)
_DIMENSION = re.compile(r'(?<=<dimension ref="A1:[A-Z])\d+(?=")')
_PLACE = re.compile(r'(?<=<row r=")\d+(?=")|(?<=<c r="[A-Z])\d+(?=")')
_NUMBER = re.compile(r"(?<=<v>)\d+(?=</v>)")
_AT_ONCE = 5_000
_DIGITS = 28 * 20
"""Bytes by which the numbers of a row of 26 cells may be longer than those of its example."""


@dataclass(frozen=True)
class Lines:
    """Rows to come: of each the place of its example, from 0, and its number (0: it has none)."""

    examples: array[int] = field(default_factory=lambda: array("L"))
    numbers: array[int] = field(default_factory=lambda: array("L"))

    def __len__(self) -> int:
        return len(self.examples)

    def add(self, example: int, number: int = 0) -> None:
        """One more row."""
        self.examples.append(example)
        self.numbers.append(number)


def repeat(book: IO[bytes], sheet: int, header: int, lines: Lines, path: Path) -> None:
    """Write ``book`` to ``path`` with the rows of its ``sheet``-th sheet repeated.

    The sheet has ``header`` rows that stay, and then the examples: rows of at most 26 columns, with
    texts in the cells themselves (``constant_memory``) and at most one number each. ``lines`` come
    after the header.
    """
    name = f"xl/worksheets/sheet{sheet}.xml"
    with zipfile.ZipFile(book) as given, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for info in given.infolist():
            content = given.read(info)
            if info.filename != name:
                out.writestr(info, content)
                continue
            xml = content.decode("utf-8")
            # The most that it may be, in bytes: it says whether the archive needs longer numbers.
            info.file_size = len(content) + _most(xml, header, lines)
            with out.open(info, "w") as stream:
                for text in _sheet(xml, header, lines):
                    stream.write(text.encode("utf-8"))


def _most(xml: str, header: int, lines: Lines) -> int:
    sizes = [len(row.encode("utf-8")) + _DIGITS for row in _ROW.findall(xml)[header:]]
    return sum(sizes[example] for example in lines.examples)


def _sheet(xml: str, header: int, lines: Lines) -> Iterator[str]:
    """The text of the sheet in pieces. No text of a cell looks like a tag: ``<`` is escaped."""
    rows = list(_ROW.finditer(xml))
    kept, examples = rows[:header], rows[header:]
    begin = kept[-1].end() if kept else examples[0].start()
    yield _DIMENSION.sub(str(header + len(lines)), xml[:begin])
    templates = [_template(example.group()) for example in examples]
    yield from _repeated(templates, header + 1, lines)
    yield xml[rows[-1].end() :]


def _template(row: str) -> str:
    """The row as a format: {0} is its own number, {1} what stands in its cell with a number."""
    spelled = row.replace("{", "{{").replace("}", "}}")
    return _NUMBER.sub("{1}", _PLACE.sub("{0}", spelled))


def _repeated(templates: Sequence[str], first: int, lines: Lines) -> Iterator[str]:
    rows = (
        templates[example].format(place, number)
        for place, (example, number) in enumerate(
            zip(lines.examples, lines.numbers, strict=True), first
        )
    )
    while text := "".join(itertools.islice(rows, _AT_ONCE)):
        yield text
