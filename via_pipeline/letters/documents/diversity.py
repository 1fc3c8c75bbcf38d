"""The section on cultural diversity at organisations, and at the top of them.

Belongs here: the shares that the Barometer's rules let be shown, the ladder with what is forbidden
on it, flows, change over time, and published figures beside. Does not belong here: which
classification of origin is shown on which day (``disclosure`` decides).

What a policy reader needs stands here, on some three pages; the datasets have the rest, and a
sentence says so. Of whole organisations every origin group is told; by level, over time and beside
others only the group that the programme is about; of moves also the group beside which they mean
something. Only figures that are shown stand in a table, and of everyone those of the newest
peildatum; what is left out is told below it. Change over time keeps every peildatum, and every
break, also where the figure is hidden.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
# The group that the programme is about, in either classification, and the one it is held against.
_PROGRAMME = ("niet_westers", "buiten_europa")
_DUTCH = ("nederlands", "nederland")
_GROUPS = (*_PROGRAMME, *_DUTCH, "westers", "europa")
_MADE_UP = "synthetisch"


def section(source: Source, theme: Theme) -> Section:
    """Whole organisations; the levels up to the top; who moves; change; published figures.

    An edition from before the first deliveries has the published figures only.
    """
    beside = Section("diversiteit-vergelijking", "Naast andere cijfers", _beside(source))
    if not source.rows(SHARES):
        nothing = Paragraph("Bij deze editie waren er geen leveringen over personeel.")
        return Section("diversiteit", "Culturele diversiteit", (nothing,), (beside,))
    whole = [row for row in source.rows(SHARES) if row["kenmerk"] == words.WHOLE]
    parts = (
        Section("diversiteit-organisaties", "Organisaties als geheel", _whole(whole, theme)),
        Section("diversiteit-top", "Culturele diversiteit aan de top", _top(source.rows(LADDER))),
        Section("diversiteit-doorstroom", "Wie erbij kwam, hoger kwam of vertrok", _moves(source)),
        Section("diversiteit-ontwikkeling", "Ontwikkeling", _series(source.rows(SERIES))),
        beside,
    )
    return Section("diversiteit", "Culturele diversiteit", _introduction(source), parts)


def _introduction(source: Source) -> tuple[Paragraph, ...]:
    """Which of the groups the tables are about."""
    return (
        Paragraph(
            "De tabellen naar functieniveau, over de tijd en naast andere cijfers gaan over de "
            "groep van het programma: mensen met een niet-westerse migratieachtergrond, in de "
            "indeling van 2022 met herkomst buiten Europa. De andere herkomstgroepen staan in de "
            "datasets.",
            is_synthetic=is_synthetic(source.rows(SHARES)),
        ),
    )


def _whole(rows: Sequence[Row], theme: Theme) -> tuple[Block, ...]:
    last = _newest(rows, "organisatie")
    counted = " of ".join(sorted({row["eenheid_statistiek"] for row in last}))
    table = of_rows(
        "diversiteit-totaal",
        f"Aandelen van herkomstgroepen in organisaties als geheel, n in {counted}",
        SHARES,
        shown(last),
        (
            text("Organisatie", 1.1, "organisatie"),
            _day("Peildatum"),
            _group(),
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
    about = _of(levels, _PROGRAMME)
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
        "Aandeel van de groep van het programma naar functieniveau, n in werknemers",
        LADDER,
        shown(about),
        (
            _who(2.6),
            _day("Peildatum"),
            text("Functieniveau", 1.5, "trede_label"),
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
        *left_out(about, LADDER),
        *_earlier(every, levels, LADDER),
        *forbidden,
    )


def _moves(source: Source) -> tuple[Block, ...]:
    """What share of each group came, rose or left, over all levels."""
    every = [row for row in source.rows(FLOWS) if row["trede"] == words.WHOLE]
    if not every:
        return (Paragraph("Er zijn bij deze editie geen twee peildatums van één organisatie."),)
    newest = _newest(every, *_WHO)
    rows = _of(newest, (*_PROGRAMME, *_DUTCH))
    table = of_rows(
        "diversiteit-doorstroom-tabel",
        "Deel van een herkomstgroep dat erbij kwam, hoger kwam of vertrok, n werknemers",
        FLOWS,
        shown(rows),
        (
            _who(2.7),
            _day("Van", "peildatum_van"),
            _day("Tot"),
            Field("Stroom", 1.3, lambda row: Cell(words.of("stroom", row["stroom"]))),
            _group(),
            _count(),
            number("Deel", 0.8, "aandeel_pct", 1),
        ),
    )
    return (
        Paragraph(
            "Hoger kwam wie op de tweede peildatum een hoger functieniveau had; wie al op het "
            "hoogste stond telt mee in n. De groep van het programma staat naast de Nederlandse. "
            "Van welk naar welk niveau mensen gingen is niet te tonen: dat gaat bijna steeds om "
            "minder dan tien mensen.",
            is_synthetic=is_synthetic(rows),
        ),
        *_or_none(table),
        *left_out(rows, FLOWS),
        *_earlier(every, newest, FLOWS),
    )


def _series(every: Sequence[Row]) -> tuple[Block, ...]:
    """Shares over time, with the breaks in words."""
    rows = _of(every, _PROGRAMME)
    table = of_rows(
        "diversiteit-ontwikkeling-tabel",
        "Aandeel van de groep van het programma op opeenvolgende peildatums, n in banen",
        SERIES,
        [row for row in rows if row[STATUS] is None or row["breuk_reden"]],
        (
            _who(3),
            _day("Peildatum"),
            _count(),
            number("Aandeel", 0.8, "aandeel_pct", 1),
            number("Verandering (procentpunt)", 1.2, "verschil_pp", 1),
            Field("Breuk of vraag", 1.6, lambda row: Cell(_break(row))),
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


def _beside(source: Source) -> tuple[Block, ...]:
    """Organisations and sectors beside larger groups, and what others published."""
    blocks = _comparison(source.rows(BESIDE)) + _published(source.rows(PUBLISHED))
    return blocks or (Paragraph("Er zijn bij deze editie geen cijfers om naast te leggen."),)


def _comparison(every: Sequence[Row]) -> tuple[Block, ...]:
    if not every:
        return ()
    newest = _newest(every, *_WHO)
    about = _of(newest, _PROGRAMME)
    rows = [row for row in about if row["merk"] != _MADE_UP]
    table = of_rows(
        "diversiteit-vergelijking-tabel",
        "Aandeel van de groep van het programma naast dat van anderen, n in werknemers",
        BESIDE,
        shown(rows),
        (
            _who(2.6),
            _day("Peildatum"),
            text("Naast", 2.6, "vergelijking_label"),
            _count(),
            number("Aandeel", 0.8, "aandeel_pct", 1),
            number("Ander", 0.7, "aandeel_vergelijking_pct", 1),
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
        *_made_up(len(about) - len(rows), BESIDE),
        *_earlier(every, newest, BESIDE),
    )


def _published(rows: Sequence[Row]) -> tuple[Block, ...]:
    """Figures of others that were public on the day of the letter, those made up left out."""
    real = [row for row in rows if not row["is_synthetisch"]]
    table = of_rows(
        "diversiteit-gepubliceerd-tabel",
        "Aandelen van herkomstgroepen zoals anderen ze publiceerden",
        PUBLISHED,
        shown(real),
        (
            text("Wie", 2.2, "label"),
            Field("Periode", 0.8, lambda row: Cell(words.period(row["periode"]))),
            _group(),
            number("Aandeel", 0.8, "aandeel_pct", 1),
            text("Merk", 0.8, "merk"),
            Field("Bron", 3.2, lambda row: words.source(row["bron"])),
        ),
    )
    if not table.rows:
        return ()
    return (
        Paragraph(
            "Wat anderen publiceerden en op de dag van de brief openbaar was. Het merk zegt waar "
            "het gelezen is: V bij de bron, V-2nd in een tweede bron, bijvoorbeeld een "
            "nieuwsbericht; derived is daaruit berekend."
        ),
        table,
        *left_out(real, PUBLISHED),
        *_made_up(len(rows) - len(real), PUBLISHED),
    )


def _made_up(number_of: int, dataset: str) -> tuple[Paragraph, ...]:
    """Where the invented examples are, if there are any."""
    if not number_of:
        return ()
    return (
        Paragraph(
            f"Verzonnen voorbeelden ({number_of}), met het merk {_MADE_UP}, staan alleen in "
            f"{dataset}.csv.",
            is_synthetic=True,
        ),
    )


def _of(rows: Sequence[Row], groups: Collection[str]) -> list[Row]:
    """The rows of those origin groups, and those that are hidden for all groups together."""
    return [row for row in rows if row["categorie"] in groups or row["categorie"] not in _GROUPS]


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


def _who(width: float) -> Field:
    return text("Wie", width, "populatie_label")


def _day(head: str, name: str = "peildatum") -> Field:
    return Field(head, 1.1, lambda row: Cell(f"{row[name]:%d-%m-%Y}"))


def _group() -> Field:
    return Field("Herkomst", 1.35, lambda row: Cell(words.of("categorie_kort", row["categorie"])))


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
