"""The section on cultural diversity at organisations, and at the top of them.

Belongs here: the shares that the Barometer's rules let be shown, the ladder with what is forbidden
on it, flows, change over time, and published figures beside. Does not belong here: which
classification of origin is shown on which day (``disclosure`` decides).
"""

from __future__ import annotations

from collections.abc import Sequence

from via_pipeline.letters.documents import charts, words
from via_pipeline.letters.documents.blocks import Block, Cell, Column, Paragraph, Section, Table
from via_pipeline.letters.documents.pilots import ADDRESS
from via_pipeline.letters.documents.rows import Row, Source, is_synthetic
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


def section(source: Source, theme: Theme) -> Section:
    """Whole organisations; the levels up to the top; who moves; change; published figures."""
    whole = [row for row in source.rows(SHARES) if row["kenmerk"] == words.WHOLE]
    parts = (
        Section("diversiteit-organisaties", "Organisaties als geheel", _whole(whole, theme)),
        Section("diversiteit-top", "Culturele diversiteit aan de top", _top(source.rows(LADDER))),
        Section("diversiteit-doorstroom", "Wie erbij kwam, hoger kwam of vertrok", _moves(source)),
        Section("diversiteit-ontwikkeling", "Ontwikkeling", _series(source.rows(SERIES))),
        Section("diversiteit-vergelijking", "Naast andere cijfers", _beside(source)),
    )
    return Section("diversiteit", "Culturele diversiteit", (), parts)


def _whole(rows: Sequence[Row], theme: Theme) -> tuple[Block, ...]:
    if not rows:
        return (Paragraph("Bij deze editie waren er geen leveringen over personeel."),)
    table = _table(
        "diversiteit-totaal", "Aandelen van herkomstgroepen in organisaties als geheel", rows
    )
    chart = charts.bars(
        "diversiteit-totaal",
        "Aandelen van herkomstgroepen per organisatie",
        [_bar(row, f"Organisatie {row['organisatie']}") for row in _last(rows)],
        theme,
        table,
    )
    return (
        Paragraph(
            "Alleen organisaties van minstens 250. Is een van de drie herkomstgroepen te klein om "
            "te tonen, dan vervallen alle drie: samen zijn zij honderd procent.",
            is_synthetic=is_synthetic(rows),
        ),
        chart or table,
    )


def _top(rows: Sequence[Row]) -> tuple[Block, ...]:
    """The ladder, what is forbidden on it, and the ratio to the level below."""
    levels = [row for row in rows if row["ladder"] == _LEVEL and row["trede"] != _BOARD]
    if not levels:
        return (Paragraph("Over functieniveaus is bij deze editie niets bekend."),)
    last = max(row["trede_volgorde"] for row in levels)
    top = [row for row in levels if row["trede_volgorde"] == last]
    shown = any(row["aandeel_pct"] is not None for row in top)
    boards = [row for row in rows if row["categorie"] == _NEVER]
    told = Paragraph(
        f"Het hoogste functieniveau is {top[0]['trede_label'].lower()}. "
        + (
            "Daarvan is ten minste voor één organisatie, sector of alle samen een aandeel te tonen."
            if shown
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
    forbidden = tuple(
        Paragraph(text, is_synthetic=is_synthetic(boards))
        for text in sorted({row["reden"] for row in boards if row["reden"]})
    )
    return (told, ratio, _ladder(levels), *forbidden)


def _ladder(rows: Sequence[Row]) -> Table:
    return Table(
        name="diversiteit-ladder",
        caption="Aandelen van herkomstgroepen naar functieniveau, n in werknemers",
        columns=(
            Column("Wie", 1.4),
            Column("Peildatum", 1.5),
            Column("Functieniveau", 1.3),
            Column("Herkomstgroep", 1.8),
            Column("n", 0.7, is_number=True),
            Column("Aandeel", 0.8, is_number=True),
            Column("Verhouding", 0.9, is_number=True),
            Column("Interval", 1.1, is_number=True),
            ADDRESS,
        ),
        rows=tuple(
            (
                Cell(row["populatie_label"]),
                Cell(words.day(row["peildatum"])),
                Cell(row["trede_label"]),
                Cell(words.of("categorie", row["categorie"])),
                words.count(row["n"], row["waarde_status"]),
                words.figure(row["aandeel_pct"], row["waarde_status"], 1),
                words.figure(row["ratio_lager"], row["waarde_status"], 2),
                _interval(row["ratio_lager_laag"], row["ratio_lager_hoog"], row["waarde_status"]),
                words.cell_of(row["_adres"]),
            )
            for row in rows
        ),
        dataset=LADDER,
        is_synthetic=is_synthetic(rows),
    )


def _interval(low, high, status: str | None) -> Cell:
    if status is not None:
        return Cell(status, status=status)
    if low is None or high is None:
        return Cell(words.NONE)
    return Cell(f"{words.number(low, 2)}–{words.number(high, 2)}")


def _moves(source: Source) -> tuple[Block, ...]:
    """What share of each group came, rose or left, over all levels."""
    every = source.rows(FLOWS)
    rows = [row for row in every if row["trede"] == words.WHOLE]
    if not rows:
        return (Paragraph("Er zijn bij deze editie geen twee peildatums van één organisatie."),)
    table = Table(
        name="diversiteit-doorstroom",
        caption="Deel van elke herkomstgroep dat erbij kwam, hoger kwam of vertrok, n werknemers",
        columns=(
            Column("Wie", 1.4),
            Column("Van", 1.4),
            Column("Tot", 1.4),
            Column("Stroom", 1.1),
            Column("Herkomstgroep", 1.8),
            Column("n", 0.7, is_number=True),
            Column("Deel", 0.8, is_number=True),
            ADDRESS,
        ),
        rows=tuple(
            (
                Cell(row["populatie_label"]),
                Cell(words.day(row["peildatum_van"])),
                Cell(words.day(row["peildatum"])),
                Cell(words.of("stroom", row["stroom"])),
                Cell(words.of("categorie", row["categorie"])),
                words.count(row["n"], row["waarde_status"]),
                words.figure(row["aandeel_pct"], row["waarde_status"], 1),
                words.cell_of(row["_adres"]),
            )
            for row in rows
        ),
        dataset=FLOWS,
        is_synthetic=is_synthetic(rows),
    )
    return (
        Paragraph(
            "Hoger kwam wie op de tweede peildatum een hoger functieniveau had; wie al op het "
            "hoogste stond telt mee in n. Per functieniveau staan deze cijfers in de "
            "dataset. Van welk naar welk niveau mensen gingen is niet te tonen: dat gaat bijna "
            "steeds om minder dan tien mensen.",
            is_synthetic=is_synthetic(rows),
        ),
        table,
    )


def _series(rows: Sequence[Row]) -> tuple[Block, ...]:
    """Shares over time, with the breaks in words."""
    if not rows:
        return (Paragraph("Bij deze editie waren er geen leveringen over personeel."),)
    table = Table(
        name="diversiteit-ontwikkeling",
        caption="Aandelen van herkomstgroepen op opeenvolgende peildatums, n in banen",
        columns=(
            Column("Wie", 1.4),
            Column("Peildatum", 1.5),
            Column("Herkomstgroep", 1.8),
            Column("n", 0.7, is_number=True),
            Column("Aandeel", 0.8, is_number=True),
            Column("Verandering (procentpunt)", 1.1, is_number=True),
            Column("Breuk of vraag", 1.6),
            ADDRESS,
        ),
        rows=tuple(
            (
                Cell(row["populatie_label"]),
                Cell(words.day(row["peildatum"])),
                Cell(words.of("categorie", row["categorie"])),
                words.count(row["n"], row["waarde_status"]),
                words.figure(row["aandeel_pct"], row["waarde_status"], 1),
                words.figure(row["verschil_pp"], row["waarde_status"], 1),
                Cell(_break(row)),
                words.cell_of(row["_adres"]),
            )
            for row in rows
        ),
        dataset=SERIES,
        is_synthetic=is_synthetic(rows),
    )
    return (
        Paragraph(
            "Waar de reeks breekt is er geen verandering: de cijfers ervoor en erna gaan niet over "
            "hetzelfde. Een verandering van meer dan een procentpunt per jaar is eerst een vraag "
            "over de levering.",
            is_synthetic=is_synthetic(rows),
        ),
        table,
    )


def _break(row: Row) -> str:
    if row["breuk_reden"]:
        return words.capital(
            ", ".join(words.of("breuk", code) for code in row["breuk_reden"].split())
        )
    return "Eerst nagaan" if row["is_sprong"] else words.NONE


def _beside(source: Source) -> tuple[Block, ...]:
    """Organisations and sectors beside larger groups, and what others published."""
    rows, published = source.rows(BESIDE), source.rows(PUBLISHED)
    blocks: list[Block] = []
    if rows:
        blocks += [
            Paragraph(
                "Een organisatie is zelf deel van haar sector en van alle organisaties samen. De "
                "aandelen zijn zoals geteld, niet gecorrigeerd voor functieniveau. Een verschil is "
                "geen oordeel.",
                is_synthetic=is_synthetic(rows),
            ),
            _comparison(rows),
        ]
    if published:
        blocks += [
            Paragraph(
                "Het merk zegt waar een gepubliceerd cijfer is gelezen: V bij de bron, V-2nd in "
                "een tweede bron, bijvoorbeeld een nieuwsbericht. De cijfers van het dashboard van "
                "de Barometer zijn hier verzonnen voorbeelden; hun merk is synthetisch.",
            ),
            _benchmarks(published),
        ]
    return tuple(blocks) or (Paragraph("Er zijn bij deze editie geen cijfers om naast te leggen."),)


def _comparison(rows: Sequence[Row]) -> Table:
    return Table(
        name="diversiteit-vergelijking",
        caption="Aandelen van herkomstgroepen naast die van anderen, n in werknemers",
        columns=(
            Column("Wie", 1.4),
            Column("Peildatum", 1.4),
            Column("Naast", 1.7),
            Column("Herkomstgroep", 1.7),
            Column("n", 0.7, is_number=True),
            Column("Aandeel", 0.8, is_number=True),
            Column("Ander", 0.8, is_number=True),
            Column("Merk", 0.9),
            ADDRESS,
        ),
        rows=tuple(
            (
                Cell(row["populatie_label"]),
                Cell(words.day(row["peildatum"])),
                Cell(row["vergelijking_label"]),
                Cell(words.of("categorie", row["categorie"])),
                words.count(row["n"], row["waarde_status"]),
                words.figure(row["aandeel_pct"], row["waarde_status"], 1),
                words.figure(row["aandeel_vergelijking_pct"], row["waarde_status"], 1),
                Cell(row["merk"] or words.NONE),
                words.cell_of(row["_adres"]),
            )
            for row in rows
        ),
        dataset=BESIDE,
        is_synthetic=is_synthetic(rows),
    )


def _benchmarks(rows: Sequence[Row]) -> Table:
    return Table(
        name="diversiteit-gepubliceerd",
        caption="Aandelen van herkomstgroepen zoals anderen ze publiceerden",
        columns=(
            Column("Wie", 2.2),
            Column("Periode", 1),
            Column("Herkomstgroep", 1.9),
            Column("Aandeel", 0.8, is_number=True),
            Column("Merk", 0.9),
            Column("Bron", 2.2),
            ADDRESS,
        ),
        rows=tuple(
            (
                Cell(row["label"]),
                Cell(words.period(row["periode"])),
                Cell(words.of("categorie", row["categorie"])),
                words.figure(row["aandeel_pct"], row["waarde_status"], 1),
                Cell(row["merk"]),
                words.source(row["bron"]),
                words.cell_of(row["_adres"]),
            )
            for row in rows
        ),
        dataset=PUBLISHED,
        is_synthetic=is_synthetic(rows),
    )


def _last(rows: Sequence[Row]) -> list[Row]:
    """Of every organisation the rows of its last day, for those with a figure shown at all."""
    last: dict[str, object] = {}
    for row in rows:
        name = row["organisatie"]
        last[name] = max(last.get(name, row["peildatum"]), row["peildatum"])
    return [row for row in rows if row["peildatum"] == last[row["organisatie"]]]


def _bar(row: Row, panel: str) -> charts.Bar:
    return charts.Bar(
        panel=f"{panel}, {words.day(row['peildatum'])}",
        label=words.of("categorie", row["categorie"]),
        value=row["aandeel_pct"],
        status=row["waarde_status"],
        is_synthetic=bool(row["is_synthetisch"]),
    )


def _table(name: str, caption: str, rows: Sequence[Row]) -> Table:
    counted = " of ".join(sorted({row["eenheid_statistiek"] for row in rows}))
    return Table(
        name=name,
        caption=f"{caption}, n in {counted}",
        columns=(
            Column("Organisatie", 1.1),
            Column("Peildatum", 1.8),
            Column("Herkomstgroep", 2.3),
            Column("n", 0.8, is_number=True),
            Column("Aandeel", 0.9, is_number=True),
            ADDRESS,
        ),
        rows=tuple(
            (
                Cell(row["organisatie"]),
                Cell(words.day(row["peildatum"])),
                Cell(words.of("categorie", row["categorie"])),
                words.count(row["n"], row["waarde_status"]),
                words.figure(row["aandeel_pct"], row["waarde_status"], 1),
                words.cell_of(row["_adres"]),
            )
            for row in rows
        ),
        dataset=SHARES,
        is_synthetic=is_synthetic(rows),
    )
