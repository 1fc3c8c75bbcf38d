"""The section on cultural diversity at organisations, and at the top of them.

Belongs here: the shares that the Barometer's rules let be shown, the ladder with what is forbidden
on it, flows, change over time, and published figures beside. Does not belong here: which
classification of origin is shown on which day (``disclosure`` decides).

Only figures that are shown stand in a table, and of everyone those of the newest peildatum; what is
left out is told below it and stands row by row in the dataset. Change over time keeps every
peildatum, and every break, also where the figure is hidden.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from via_pipeline.disclosure.protect import STATUS
from via_pipeline.letters.documents import charts, words
from via_pipeline.letters.documents.blocks import Block, Cell, Paragraph, Section, Table
from via_pipeline.letters.documents.rows import Row, Source, is_synthetic
from via_pipeline.letters.documents.tables import Field, left_out, number, of_rows, shown, text
from via_pipeline.letters.documents.theme import Theme

SHARES = "culturele_diversiteit"
LADDER = "ladder_culturele_diversiteit"
FLOWS = "doorstroom_culturele_diversiteit"
SERIES = "ontwikkeling_culturele_diversiteit"
BESIDE = "vergelijking_culturele_diversiteit"
PUBLISHED = "benchmark_culturele_diversiteit"
_LEVEL = "functieniveau"
_BOARD = "bestuur"
_NEVER = "nooit_toegestaan"
_WHO = ("populatie_soort", "populatie")


def section(source: Source, theme: Theme, reading_date: date) -> Section:
    """Whole organisations; the levels up to the top; who moves; change; published figures.

    Of published figures only those of a period and a vintage that had begun on ``reading_date``.
    """
    whole = [row for row in source.rows(SHARES) if row["kenmerk"] == words.WHOLE]
    parts = (
        Section("diversiteit-organisaties", "Organisaties als geheel", _whole(whole, theme)),
        Section("diversiteit-top", "Culturele diversiteit aan de top", _top(source.rows(LADDER))),
        Section("diversiteit-doorstroom", "Wie erbij kwam, hoger kwam of vertrok", _moves(source)),
        Section("diversiteit-ontwikkeling", "Ontwikkeling", _series(source.rows(SERIES))),
        Section("diversiteit-vergelijking", "Naast andere cijfers", _beside(source, reading_date)),
    )
    return Section("diversiteit", "Culturele diversiteit", (), parts)


def _whole(rows: Sequence[Row], theme: Theme) -> tuple[Block, ...]:
    if not rows:
        return (Paragraph("Bij deze editie waren er geen leveringen over personeel."),)
    last = _newest(rows, "organisatie")
    counted = " of ".join(sorted({row["eenheid_statistiek"] for row in last}))
    table = of_rows(
        "diversiteit-totaal",
        f"Aandelen van herkomstgroepen in organisaties als geheel, n in {counted}",
        SHARES,
        shown(last),
        (
            text("Organisatie", 1.1, "organisatie"),
            _day("Peildatum", 1.8, "peildatum"),
            _group(2.3),
            _count(),
            number("Aandeel", 0.9, "aandeel_pct", 1),
        ),
    )
    chart = charts.bars(
        "diversiteit-totaal",
        "Aandelen van herkomstgroepen per organisatie",
        [_bar(row, f"Organisatie {row['organisatie']}") for row in last],
        theme,
        table,
    )
    return (
        Paragraph(
            "Alleen organisaties van minstens 250. Is een van de drie herkomstgroepen te klein om "
            "te tonen, dan vervallen alle drie: samen zijn zij honderd procent.",
            is_synthetic=is_synthetic(rows),
        ),
        *_or_none(table, chart),
        *left_out(last, SHARES),
        *_earlier(rows, last, SHARES),
    )


def _top(rows: Sequence[Row]) -> tuple[Block, ...]:
    """The ladder, what is forbidden on it, and the ratio to the level below."""
    every = [row for row in rows if row["ladder"] == _LEVEL and row["trede"] != _BOARD]
    if not every:
        return (Paragraph("Over functieniveaus is bij deze editie niets bekend."),)
    levels = _newest(every, *_WHO)
    last = max(row["trede_volgorde"] for row in levels)
    top = [row for row in levels if row["trede_volgorde"] == last]
    told = Paragraph(
        f"Het hoogste functieniveau is {top[0]['trede_label'].lower()}. "
        + (
            "Daarvan is ten minste voor één organisatie, sector of alle samen een aandeel te tonen."
            if shown(top)
            else "Daarvan is geen aandeel te tonen, omdat het om minder dan 250 werknemers gaat of "
            "om een ander cijfer te beschermen."
        )
        + " Voor culturele diversiteit bestaat geen quotum.",
        is_synthetic=is_synthetic(levels),
    )
    ratio = Paragraph(
        "De verhouding is het aandeel op dit niveau gedeeld door dat op het niveau eronder: 1 is "
        "evenveel als daar. Het interval zegt hoe ver toeval alleen zo’n verhouding kan brengen."
    )
    table = of_rows(
        "diversiteit-ladder-tabel",
        "Aandelen van herkomstgroepen naar functieniveau, n in werknemers",
        LADDER,
        shown(levels),
        (
            text("Wie", 1.9, "populatie_label"),
            _day("Peildatum", 1.3, "peildatum"),
            text("Functieniveau", 1.3, "trede_label"),
            _group(1.5),
            _count(),
            number("Aandeel", 0.8, "aandeel_pct", 1),
            number("Verhouding", 1, "ratio_lager", 2),
            number("Interval van", 0.8, "ratio_lager_laag", 2),
            number("tot", 0.6, "ratio_lager_hoog", 2),
        ),
    )
    boards = [row for row in rows if row["categorie"] == _NEVER]
    forbidden = tuple(
        Paragraph(reason, is_synthetic=is_synthetic(boards))
        for reason in sorted({row["reden"] for row in boards if row["reden"]})
    )
    return (
        told,
        *((ratio, table) if table.rows else ()),
        *left_out(levels, LADDER),
        *_earlier(every, levels, LADDER),
        *forbidden,
    )


def _moves(source: Source) -> tuple[Block, ...]:
    """What share of each group came, rose or left, over all levels."""
    every = [row for row in source.rows(FLOWS) if row["trede"] == words.WHOLE]
    if not every:
        return (Paragraph("Er zijn bij deze editie geen twee peildatums van één organisatie."),)
    rows = _newest(every, *_WHO)
    table = of_rows(
        "diversiteit-doorstroom-tabel",
        "Deel van elke herkomstgroep dat erbij kwam, hoger kwam of vertrok, n werknemers",
        FLOWS,
        shown(rows),
        (
            text("Wie", 1.9, "populatie_label"),
            _day("Van", 1.3, "peildatum_van"),
            _day("Tot", 1.3, "peildatum"),
            Field("Stroom", 1.1, lambda row: Cell(words.of("stroom", row["stroom"]))),
            _group(1.8),
            _count(),
            number("Deel", 0.8, "aandeel_pct", 1),
        ),
    )
    return (
        Paragraph(
            "Hoger kwam wie op de tweede peildatum een hoger functieniveau had; wie al op het "
            "hoogste stond telt mee in n. Per functieniveau staan deze cijfers in de "
            "dataset. Van welk naar welk niveau mensen gingen is niet te tonen: dat gaat bijna "
            "steeds om minder dan tien mensen.",
            is_synthetic=is_synthetic(rows),
        ),
        *_or_none(table),
        *left_out(rows, FLOWS),
        *_earlier(every, rows, FLOWS),
    )


def _series(rows: Sequence[Row]) -> tuple[Block, ...]:
    """Shares over time, with the breaks in words."""
    if not rows:
        return (Paragraph("Bij deze editie waren er geen leveringen over personeel."),)
    table = of_rows(
        "diversiteit-ontwikkeling-tabel",
        "Aandelen van herkomstgroepen op opeenvolgende peildatums, n in banen",
        SERIES,
        [row for row in rows if row[STATUS] is None or row["breuk_reden"]],
        (
            text("Wie", 1.9, "populatie_label"),
            _day("Peildatum", 1.3, "peildatum"),
            _group(1.6),
            _count(),
            number("Aandeel", 0.8, "aandeel_pct", 1),
            number("Verandering (procentpunt)", 1.2, "verschil_pp", 1),
            Field("Breuk of vraag", 1.4, lambda row: Cell(_break(row))),
        ),
    )
    return (
        Paragraph(
            "Waar de reeks breekt is er geen verandering: de cijfers ervoor en erna gaan niet over "
            "hetzelfde. Een verandering van meer dan een procentpunt per jaar is eerst een vraag "
            "over de levering.",
            is_synthetic=is_synthetic(rows),
        ),
        *_or_none(table),
        *left_out(rows, SERIES),
    )


def _break(row: Row) -> str:
    if row["breuk_reden"]:
        return words.capital(
            ", ".join(words.of("breuk", code) for code in row["breuk_reden"].split())
        )
    return "Eerst nagaan" if row["is_sprong"] else words.NONE


def _beside(source: Source, reading_date: date) -> tuple[Block, ...]:
    """Organisations and sectors beside larger groups, and what others published."""
    blocks = _comparison(source.rows(BESIDE)) + _published(source.rows(PUBLISHED), reading_date)
    if not blocks:
        return (Paragraph("Er zijn bij deze editie geen cijfers om naast te leggen."),)
    marks = Paragraph(
        "Het merk zegt waar een gepubliceerd cijfer vandaan komt: V is gelezen bij de bron, V-2nd "
        "in een tweede bron, bijvoorbeeld een nieuwsbericht; derived is daaruit berekend, en "
        "synthetisch is een verzonnen voorbeeld."
    )
    return (marks, *blocks)


def _comparison(every: Sequence[Row]) -> tuple[Block, ...]:
    if not every:
        return ()
    rows = _newest(every, *_WHO)
    table = of_rows(
        "diversiteit-vergelijking-tabel",
        "Aandelen van herkomstgroepen naast die van anderen, n in werknemers",
        BESIDE,
        shown(rows),
        (
            text("Wie", 1.7, "populatie_label"),
            _day("Peildatum", 1.3, "peildatum"),
            text("Naast", 1.7, "vergelijking_label"),
            _group(1.5),
            _count(),
            number("Aandeel", 0.8, "aandeel_pct", 1),
            number("Ander", 0.7, "aandeel_vergelijking_pct", 1),
            text("Merk", 0.9, "merk"),
        ),
    )
    return (
        Paragraph(
            "Een organisatie is zelf deel van haar sector en van alle organisaties samen. De "
            "aandelen zijn zoals geteld, niet gecorrigeerd voor functieniveau. Een verschil is "
            "geen oordeel.",
            is_synthetic=is_synthetic(rows),
        ),
        *_or_none(table),
        *left_out(rows, BESIDE),
        *_earlier(every, rows, BESIDE),
    )


def _published(every: Sequence[Row], reading_date: date) -> tuple[Block, ...]:
    """Figures of others that were there on the day of the letter, those made up left out."""
    rows = [row for row in every if _had_begun(row, reading_date)]
    real = [row for row in rows if not row["is_synthetisch"]]
    table = of_rows(
        "diversiteit-gepubliceerd-tabel",
        "Aandelen van herkomstgroepen zoals anderen ze publiceerden",
        PUBLISHED,
        shown(real),
        (
            text("Wie", 2.2, "label"),
            Field("Periode", 1, lambda row: Cell(words.period(row["periode"]))),
            _group(1.9),
            number("Aandeel", 0.8, "aandeel_pct", 1),
            text("Merk", 0.9, "merk"),
            Field("Bron", 2.2, lambda row: words.source(row["bron"])),
        ),
    )
    if not table.rows:
        return ()
    made_up = len(rows) - len(real)
    return (
        table,
        *left_out(real, PUBLISHED),
        *(
            (
                Paragraph(
                    f"Verzonnen voorbeelden ({made_up}), met het merk synthetisch, staan alleen in "
                    f"{PUBLISHED}.csv.",
                    is_synthetic=True,
                ),
            )
            if made_up
            else ()
        ),
    )


def _had_begun(row: Row, reading_date: date) -> bool:
    """Whether the period of a published figure and its vintage had begun on the day of the letter.

    Both are a year or a month, with words or a quarter around it; without a year they say nothing.
    """
    for name in ("periode", "vintage"):
        found = re.search(r"\d{4}(-\d\d)?", row[name] or "")
        if found and found[0] > reading_date.isoformat()[: len(found[0])]:
            return False
    return True


def _newest(rows: Sequence[Row], *who: str) -> list[Row]:
    """Of everyone (the columns ``who``) the rows of the last peildatum, shown or not."""
    last: dict[tuple[str, ...], date] = {}
    for row in rows:
        name = tuple(row[column] for column in who)
        last[name] = max(last.get(name, row["peildatum"]), row["peildatum"])
    return [row for row in rows if row["peildatum"] == last[tuple(row[name] for name in who)]]


def _earlier(every: Sequence[Row], newest: Sequence[Row], dataset: str) -> tuple[Paragraph, ...]:
    """Where the earlier days are, if there are any."""
    if len(every) == len(newest):
        return ()
    return (
        Paragraph(
            f"Dit gaat over ieders laatste peildatum; eerdere staan in {dataset}.csv.",
            is_synthetic=is_synthetic(every),
        ),
    )


def _or_none(table: Table, chart: Block | None = None) -> tuple[Block, ...]:
    """The chart or else the table; nothing where not one figure is shown."""
    return (chart or table,) if table.rows else ()


def _day(head: str, width: float, name: str) -> Field:
    return Field(head, width, lambda row: Cell(words.day(row[name])))


def _group(width: float) -> Field:
    return Field("Herkomstgroep", width, lambda row: Cell(words.of("categorie", row["categorie"])))


def _count() -> Field:
    """What a share rests on; it may be shown where the share is not."""
    return Field("n", 0.7, lambda row: words.count(row["n"], row[STATUS]), is_number=True)


def _bar(row: Row, panel: str) -> charts.Bar:
    return charts.Bar(
        panel=f"{panel}, {words.day(row['peildatum'])}",
        label=words.of("categorie", row["categorie"]),
        value=row["aandeel_pct"],
        status=row[STATUS],
        is_synthetic=bool(row["is_synthetisch"]),
    )
