"""Tables of the documents: rows of one dataset under heads, each with its address.

Belongs here: making such a table, and saying in one sentence what is left out of it because it may
not be shown. Does not belong here: which rows and columns (``pilots``, ``programme``, ``covid``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.protect import STATUS
from via_pipeline.letters.documents import words
from via_pipeline.letters.documents.blocks import Cell, Column, Paragraph, Table
from via_pipeline.letters.documents.rows import Row, is_synthetic

ADDRESS = Column("Adres", 1.35, is_address=True)


@dataclass(frozen=True)
class Field:
    """One column: its head, its share of the width, and what a row says there."""

    head: str
    width: float
    say: Callable[[Row], Cell]
    is_number: bool = False

    @property
    def column(self) -> Column:
        """The column as the documents lay it out."""
        return Column(self.head, self.width, self.is_number)


def text(head: str, width: float, name: str) -> Field:
    """A column that says the words of ``name`` as they are, a dash where there are none."""
    return Field(head, width, lambda row: Cell(row[name] or words.NONE))


def number(head: str, width: float, name: str, decimals: int | None = None) -> Field:
    """A column of the row's protected figure ``name``: the figure, or the symbol in its place."""
    return Field(
        head, width, lambda row: words.figure(row[name], row[STATUS], decimals), is_number=True
    )


def count(head: str, width: float, name: str) -> Field:
    """A column of a count that is no protected figure: of deliveries, employers, files."""
    return Field(head, width, lambda row: words.figure(row[name], None), is_number=True)


def of_rows(
    name: str,
    caption: str,
    dataset: str,
    rows: Sequence[Row],
    fields: Sequence[Field],
    *,
    synthetic: bool | None = None,
) -> Table:
    """The table of ``rows``, in their order; the address of every row stands in the last column.

    ``synthetic`` says whether the caption tells it; default: where any row rests on such data.
    """
    return Table(
        name=name,
        caption=caption,
        columns=(*(field.column for field in fields), ADDRESS),
        rows=tuple(
            (*(field.say(row) for field in fields), words.cell_of(row["_adres"])) for row in rows
        ),
        dataset=dataset,
        is_synthetic=is_synthetic(rows) if synthetic is None else synthetic,
    )


def shown(rows: Sequence[Row]) -> list[Row]:
    """The rows whose figure may be shown."""
    return [row for row in rows if row[STATUS] is None]


def left_out(rows: Sequence[Row], dataset: str) -> tuple[Paragraph, ...]:
    """How many of ``rows`` have a figure that is not shown and why, in one paragraph, or none.

    A reader learns more of it than of a page of symbols; row by row it stands in the dataset.
    """
    hidden = Counter(row[STATUS] for row in rows if row[STATUS] is not None)
    if not hidden:
        return ()
    together = sum(hidden.values())
    if together == len(rows):
        told = f"Geen van deze cijfers ({together}) wordt getoond."
    else:
        verb = "wordt" if together == 1 else "worden"
        told = f"Van deze {len(rows)} cijfers {verb} er {together} niet getoond."
    meanings = dictionary.symbols()
    why = " ".join(f"{status} ({hidden[status]}): {meanings[status]}" for status in sorted(hidden))
    return (
        Paragraph(
            f"{told} {why} De reden staat per cijfer in {dataset}.csv.",
            is_synthetic=is_synthetic(rows),
        ),
    )
