"""What the documents say, apart from how they look: sections of paragraphs, tables and charts.

Belongs here: the shapes that every document is laid out from, so that PDF, page and letter text say
the same. Does not belong here: a figure, a format.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from via_pipeline.disclosure import dictionary


@dataclass(frozen=True)
class Cell:
    """One cell as it is shown. ``status`` is the symbol of a figure that is not shown.

    ``link`` is where the text leads to, an address outside the document.
    """

    text: str
    status: str | None = None
    link: str | None = None


@dataclass(frozen=True)
class Column:
    """One column: its head, its share of the width, and whether numbers stand in it."""

    head: str
    width: float = 1.0
    is_number: bool = False
    is_address: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under a caption. The first column says what a row is about.

    ``dataset`` is the file of the package that the figures are of.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    dataset: str | None = None
    is_synthetic: bool = False

    @property
    def legend(self) -> str:
        """What the symbols in this table mean; empty where there are none."""
        found = sorted({cell.status for row in self.rows for cell in row if cell.status})
        symbols = dictionary.symbols()
        return " ".join(f"{status}: {symbols[status]}" for status in found)


@dataclass(frozen=True)
class Chart:
    """A picture of figures, as SVG and PNG, with its finding in words and its figures beside it."""

    name: str
    title: str
    alt: str
    svg: str
    png: bytes
    width_px: int
    table: Table
    is_synthetic: bool = False


@dataclass(frozen=True)
class Paragraph:
    """One paragraph; ``address`` is the address of the figure that it says."""

    text: str
    is_synthetic: bool = False
    address: str | None = None


@dataclass(frozen=True)
class Facts:
    """What is known, as pairs of a term and what is said about it."""

    pairs: tuple[tuple[str, str], ...]


Block = Paragraph | Table | Chart | Facts


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it. ``name`` is unique within a document."""

    name: str
    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()

    def walk(self) -> Iterator[Block]:
        """Every block here and below, in reading order."""
        yield from self.blocks
        for section in self.sections:
            yield from section.walk()


@dataclass(frozen=True)
class Document:
    """Everything that the documents of an edition say; ``notice`` where data are synthetic."""

    title: str
    subtitle: str
    edition: str
    reading_date: date
    parliament: str | None
    notice: str | None
    introduction: str
    sections: tuple[Section, ...] = field(default=())

    def walk(self) -> Iterator[Block]:
        """Every block, in reading order."""
        for section in self.sections:
            yield from section.walk()

    def charts(self) -> list[Chart]:
        """Every chart, in reading order."""
        return [block for block in self.walk() if isinstance(block, Chart)]
