"""The section on COVID-19: the labour market around the pilots, and comparisons around the event.

Belongs here: context as published by CBS, and the plans' own comparisons before and after. Does not
belong here: a causal word; the sentences come from the plans.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from via_pipeline.letters.documents import charts, words
from via_pipeline.letters.documents.blocks import (
    Block,
    Cell,
    Column,
    Paragraph,
    Section,
    Table,
)
from via_pipeline.letters.documents.pilots import (
    ADDRESS,
    COMPARISONS,
    comparison_blocks,
    newest,
    of_event,
)
from via_pipeline.letters.documents.rows import Row, Source, is_synthetic
from via_pipeline.letters.documents.theme import Theme

CONTEXT = "covid19_context"
# The day that the plans' comparisons are made around (plans/verkennend).
FIRST_MEASURES = date(2020, 3, 16)


def section(source: Source, theme: Theme, reading_date: date) -> Section:
    """Context first, then what the plans say about the time around the first measures.

    An edition from before those has the context only, under another title.
    """
    context = Section(
        "corona-context",
        "Werkloosheid naar migratieachtergrond",
        _context(source.rows(CONTEXT), theme),
    )
    if reading_date < FIRST_MEASURES:
        return Section("corona", "De arbeidsmarkt", (), (context,))
    around = [row for row in newest(source.rows(COMPARISONS)) if of_event(row)]
    parts = (
        context,
        Section(
            "corona-pilots",
            "De pilots rond de eerste maatregelen",
            comparison_blocks("corona-pilots", "Rond de eerste maatregelen", around, theme)
            or (
                Paragraph(
                    "Bij deze editie was er geen vergelijking rond de eerste maatregelen te maken."
                ),
            ),
        ),
    )
    return Section("corona", "COVID-19", (), parts)


def _context(rows: Sequence[Row], theme: Theme) -> tuple[Block, ...]:
    if not rows:
        return (Paragraph("Op de dag van de brief was er geen cijfer gepubliceerd."),)
    table = Table(
        name="corona-werkloosheid",
        caption="Werkloosheid in procenten van de beroepsbevolking, zoals gepubliceerd",
        columns=(
            Column("Periode", 1.6),
            Column("Achtergrond", 2.4),
            Column("Werkloosheid", 1, is_number=True),
            Column("Verschil met jaar eerder", 1.2, is_number=True),
            Column("Bron", 1.4),
            Column("Uitgave", 2.2),
            ADDRESS,
        ),
        rows=tuple(
            (
                Cell(words.capital(words.period(row["periode"]))),
                Cell(row["achtergrond"]),
                words.figure(row["werkloosheid_pct"], row["waarde_status"], 1),
                words.figure(row["verschil_jaar_pp"], None, 1),
                words.source(row["bron"]),
                Cell(row["vintage"]),
                words.cell_of(row["_adres"]),
            )
            for row in rows
        ),
        dataset=CONTEXT,
        is_synthetic=is_synthetic(rows),
    )
    chart = charts.bars(
        "corona-werkloosheid",
        "Werkloosheid naar migratieachtergrond",
        _bars(rows),
        theme,
        table,
        unit="procent van de beroepsbevolking",
        top=None,
    )
    return (
        Paragraph(
            "Deze cijfers zijn context bij de pilots en geen uitkomst ervan. Uitgaven van de bron "
            "kunnen van elkaar verschillen."
        ),
        chart or table,
    )


def _bars(rows: Sequence[Row]) -> list[charts.Bar]:
    """The last period of the last vintage with quarters, and the same period a year before."""
    quarters = [row for row in rows if "KW" in row["periode"]] or list(rows)
    last = max(row["periode"] for row in quarters)
    before = f"{int(last[:4]) - 1}{last[4:]}"
    return [
        charts.Bar(
            panel=words.capital(words.period(row["periode"])),
            label=row["achtergrond"],
            value=row["werkloosheid_pct"],
            status=row["waarde_status"],
            is_synthetic=bool(row["is_synthetisch"]),
        )
        for row in quarters
        if row["periode"] in (before, last)
    ]
