"""The section on cultural diversity at organisations, and at the top of them.

Belongs here: the shares that the Barometer's rules let be shown. Does not belong here: which
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
_PILOT = "P4"
# Breakdowns that tell how high in the organisation people are.
_LADDER = "functieniveau"


def section(source: Source, theme: Theme) -> Section:
    """Whole organisations, then by level of function up to the top."""
    rows = source.rows(SHARES)
    whole = [row for row in rows if row["kenmerk"] == words.WHOLE]
    ladder = [row for row in rows if row["kenmerk"] == _LADDER]
    parts = (
        Section("diversiteit-organisaties", "Organisaties als geheel", _whole(whole, theme)),
        Section("diversiteit-top", "Culturele diversiteit in de top", _top(ladder, theme)),
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


def _top(rows: Sequence[Row], theme: Theme) -> tuple[Block, ...]:
    if not rows:
        return (Paragraph("Over functieniveaus is bij deze editie niets bekend."),)
    levels = sorted({row["subgroep"] for row in rows})
    top = words.group(_PILOT, _LADDER, levels[-1])
    shown = any(row["aandeel_pct"] is not None for row in rows if row["subgroep"] == levels[-1])
    table = _table("diversiteit-functie", "Aandelen van herkomstgroepen naar functieniveau", rows)
    return (
        Paragraph(
            f"Het hoogste functieniveau is {top.lower()}. "
            + (
                "Daarvan is voor ten minste één organisatie een aandeel te tonen."
                if shown
                else "Daarvan is bij geen organisatie een aandeel te tonen, omdat het om minder "
                "dan 250 werknemers gaat of om een ander cijfer te beschermen."
            ),
            is_synthetic=is_synthetic(rows),
        ),
        table,
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
    is_split = any(row["kenmerk"] != words.WHOLE for row in rows)
    counted = " of ".join(sorted({row["eenheid_statistiek"] for row in rows}))
    return Table(
        name=name,
        caption=f"{caption}, n in {counted}",
        columns=(
            Column("Organisatie", 1.1),
            Column("Peildatum", 1.8),
            *([Column("Functieniveau", 1.5)] if is_split else []),
            Column("Herkomstgroep", 2.3),
            Column("n", 0.8, is_number=True),
            Column("Aandeel", 0.9, is_number=True),
            ADDRESS,
        ),
        rows=tuple(
            (
                Cell(row["organisatie"]),
                Cell(words.day(row["peildatum"])),
                *([Cell(words.group(_PILOT, row["kenmerk"], row["subgroep"]))] if is_split else []),
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
