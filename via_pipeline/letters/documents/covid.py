"""The section on COVID-19: what happened when, the pilots' own figures over time, comparisons.

Belongs here: dated events, published results of periods before and after the first measures, the
plans' own comparisons around them, and unemployment as published by CBS. Does not belong here: a
causal word (the sentences come from the plans), or a figure that is not in another table already:
monthly series of small pilots would tell what their totals hide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from via_pipeline.letters.documents import charts, comparisons, pilots, words
from via_pipeline.letters.documents.blocks import Block, Cell, Paragraph, Section
from via_pipeline.letters.documents.rows import Row, Source
from via_pipeline.letters.documents.tables import Field, number, of_rows, shown, text
from via_pipeline.letters.documents.theme import Theme

CONTEXT = "covid19_context"
EVENTS = "covid19_gebeurtenissen"
# The day that the plans' comparisons are made around (plans/verkennend).
FIRST_MEASURES = date(2020, 3, 16)

_BEHIND = (
    "Alle gaan zij over de tijd vóór de eerste maatregelen: latere waren op de dag van de brief "
    "niet aantoonbaar openbaar."
)


def section(source: Source, theme: Theme, reading_date: date) -> Section:
    """What happened, the pilots' own figures before and after, comparisons, and the context.

    An edition from before the first measures has the context only, under another title.
    """
    context = Section(
        "corona-context",
        "Werkloosheid naar migratieachtergrond",
        _context(source.rows(CONTEXT), theme, reading_date),
    )
    if reading_date < FIRST_MEASURES:
        return Section("corona", "De arbeidsmarkt", (), (context,))
    around = [
        row
        for row in comparisons.newest(source.rows(comparisons.DATASET))
        if comparisons.of_event(row)
    ]
    parts = (
        Section("corona-gebeurtenissen", "Wat er gebeurde", _events(source.rows(EVENTS))),
        Section(
            "corona-reeksen",
            "De cijfers van de pilots vóór en na de eerste maatregelen",
            _series(source.rows(pilots.RESULTS), theme),
        ),
        Section(
            "corona-pilots",
            "Vergelijkingen rond de eerste maatregelen",
            comparisons.blocks("corona-pilots", "Rond de eerste maatregelen", around, theme)
            or (
                Paragraph(
                    "Bij deze editie was er geen vergelijking rond de eerste maatregelen te maken."
                ),
            ),
        ),
        context,
    )
    return Section("corona", "COVID-19", (), parts)


def _events(rows: Sequence[Row]) -> tuple[Block, ...]:
    if not rows:
        return (Paragraph("In de analyseplannen staat geen gebeurtenis van voor deze brief."),)
    return (
        of_rows(
            "corona-gebeurtenissen-tabel",
            "Gebeurtenissen die bij het lezen van de cijfers van een pilot tellen",
            EVENTS,
            rows,
            (
                text("Pilot", 0.7, "pilot_id"),
                Field("Wanneer", 2.2, lambda row: Cell(_when(row))),
                text("Wat", 4, "omschrijving"),
                text("Staat in", 1.8, "bron"),
            ),
        ),
    )


def _when(row: Row) -> str:
    until = f" tot {words.day(row['tot'])}" if row["tot"] is not None else ""
    return f"{words.day(row['datum'])}{until}"


def _series(rows: Sequence[Row], theme: Theme) -> tuple[Block, ...]:
    """Per pilot the shares of its main groups that are shown on both sides of the event."""
    blocks: list[Block] = []
    for pilot in sorted({row["pilot_id"] for row in rows}):
        own = [row for row in pilots.main(rows, pilot) if row["soort"] == "aandeel"]
        kept = _both_sides(shown(own))
        if not kept:
            continue
        title = f"{pilot}: aandelen vóór en na {words.day(FIRST_MEASURES)}"
        table = pilots.result_table(
            f"corona-{pilot}-tabel",
            title,
            kept,
            (Field("Ligt", 1, lambda row: Cell(side(row["periode"]))),),
        )
        bars = [
            charts.Bar(
                panel=pilots.measure_and_group(row),
                label=f"{words.period(row['periode'])} ({side(row['periode'])})",
                value=row["waarde"],
                status=row["waarde_status"],
                is_synthetic=bool(row["is_synthetisch"]),
            )
            for row in sorted(kept, key=lambda row: (row["maat"], row["groep"], row["periode"]))
        ]
        blocks.append(charts.bars(f"corona-{pilot}", title, bars, theme, table) or table)
    if not blocks:
        return (
            Paragraph(
                "Van geen pilot zijn er cijfers te tonen van zowel vóór als na de eerste "
                "maatregelen."
            ),
        )
    return (
        Paragraph(
            "Dit zijn dezelfde cijfers als bij de pilots, hier naast elkaar over de tijd. Een "
            "verschil tussen vóór en na kan van veel komen: andere deelnemers, een ander seizoen, "
            "COVID-19. Van welke oorzaak, zeggen deze cijfers niet."
        ),
        *blocks,
    )


def _both_sides(rows: Sequence[Row]) -> list[Row]:
    """Of every measure and group the rows, where there is one before and one not before."""
    sides: dict[tuple[str, ...], set[bool]] = {}
    for row in rows:
        is_before = side(row["periode"]) == "vóór"
        sides.setdefault((row["maat"], row["groep"]), set()).add(is_before)
    return [row for row in rows if len(sides[row["maat"], row["groep"]]) > 1]


def side(period: str) -> str:
    """Whether a period ended before the first measures, began after them, or has them in it."""
    begin, end = _span(period)
    if end < FIRST_MEASURES:
        return "vóór"
    return "na" if begin >= FIRST_MEASURES else "deels na"


def _span(period: str) -> tuple[date, date]:
    """First and last day of a period as deliveries write it; a school year begins on 1 August.

    Raises:
        ValueError: a period of another form.
    """
    if found := re.fullmatch(r"(\d{4})(?:KW0?([1-4])|H([12])|JJ00)?", period):
        year = int(found[1])
        months = 3 if found[2] else 6 if found[3] else 12
        first = (int(found[2] or found[3] or 1) - 1) * months + 1
        last = first + months
        following = date(year + 1, 1, 1) if last > 12 else date(year, last, 1)
        return date(year, first, 1), following - timedelta(days=1)
    if found := re.fullmatch(r"(\d{4})-(\d{4})", period):
        return date(int(found[1]), 8, 1), date(int(found[2]), 7, 31)
    day = date.fromisoformat(period)
    return day, day


def _context(rows: Sequence[Row], theme: Theme, reading_date: date) -> tuple[Block, ...]:
    """What was published by ``reading_date``; after the first measures also whether it is of then.

    Quarters appear weeks after they end, so a letter can be about a time that no figure tells of.
    """
    if not rows:
        return (Paragraph("Op de dag van de brief was er geen cijfer gepubliceerd."),)
    table = of_rows(
        "corona-werkloosheid",
        "Werkloosheid in procenten van de beroepsbevolking, zoals gepubliceerd",
        CONTEXT,
        rows,
        (
            Field("Periode", 1.6, lambda row: Cell(words.capital(words.period(row["periode"])))),
            text("Achtergrond", 2.4, "achtergrond"),
            number("Werkloosheid", 1, "werkloosheid_pct", 1),
            Field(
                "Verschil met jaar eerder",
                1.2,
                lambda row: words.figure(row["verschil_jaar_pp"], None, 1),
                is_number=True,
            ),
            Field("Bron", 1.4, lambda row: words.source(row["bron"])),
            text("Uitgave", 2.2, "vintage"),
        ),
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
    is_behind = reading_date >= FIRST_MEASURES and all(
        side(row["periode"]) == "vóór" for row in rows
    )
    return (
        Paragraph(
            "Deze cijfers zijn context bij de pilots en geen uitkomst ervan. Uitgaven van de bron "
            "kunnen van elkaar verschillen."
        ),
        *((Paragraph(_BEHIND),) if is_behind else ()),
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
