"""Estimates by the analysis plans: their sentences word for word, a chart and a table.

Belongs here: choosing among readings, and laying comparisons out. Does not belong here: a sentence
about an estimate (the column ``zin``; ``outcomes.wording`` made it as strong as the design allows).
"""

from __future__ import annotations

from collections.abc import Sequence

from via_pipeline.letters.documents import charts, words
from via_pipeline.letters.documents.blocks import Block, Cell, Paragraph, Table
from via_pipeline.letters.documents.rows import Row
from via_pipeline.letters.documents.tables import Field, left_out, number, of_rows, shown
from via_pipeline.letters.documents.theme import Theme

DATASET = "vergelijkingen"
# Comparisons around an event go to the section on COVID-19, wherever they were made.
_EVENT_METHOD = "verschil_rond_gebeurtenis"


def newest(comparisons: Sequence[Row]) -> list[Row]:
    """The planned method's rows of the last reading of each outcome."""
    last: dict[tuple[str, ...], object] = {}
    for row in comparisons:
        last[outcome(row)] = max(last.get(outcome(row), row["leesdatum"]), row["leesdatum"])
    return [
        row for row in comparisons if row["reeks"] == 1 and row["leesdatum"] == last[outcome(row)]
    ]


def of_event(row: Row) -> bool:
    """Whether a comparison is one around an event such as the first measures against COVID-19."""
    return row["methode"].startswith(_EVENT_METHOD)


def outcome(row: Row) -> tuple[str, ...]:
    """What is compared, whatever the reading date and the group."""
    return tuple(row[name] for name in ("pilot_id", "locatie", "uitkomst", "horizon"))


def blocks(name: str, title: str, rows: Sequence[Row], theme: Theme) -> tuple[Block, ...]:
    """The sentences of whole groups, all that is shown as a chart and a table, and how many are
    not shown."""
    if not rows:
        return ()
    whole = [row for row in rows if row["groep_soort"] == words.WHOLE]
    sentences = [
        Paragraph(
            row["zin"],
            is_synthetic=bool(row["is_synthetisch"]),
            address=row["_adres"],
        )
        for row in whole
        if row["zin"]
    ]
    rest = left_out(rows, DATASET)
    if not shown(rows):
        return (*sentences, *rest)
    table = _table(f"{name}-tabel", f"{title}: vergelijkingen", shown(rows))
    chart = charts.intervals(
        name,
        f"{title}: verschillen met hun interval van 95 procent",
        [_interval(row) for row in shown(whole)],
        theme,
        table,
    )
    return (*sentences, chart or table, *rest)


def short(name: str, caption: str, rows: Sequence[Row]) -> Table:
    """Of whole groups what is shown, a line each, for who reads one page."""
    return of_rows(
        name,
        caption,
        DATASET,
        [row for row in shown(rows) if row["groep_soort"] == words.WHOLE],
        (
            Field("Pilot", 0.7, lambda row: Cell(row["pilot_id"])),
            Field("Uitkomst", 4, lambda row: Cell(_label(row))),
            Field("Eenheid", 1.5, lambda row: Cell(row["eenheid"])),
            *_numbers(),
        ),
    )


def _interval(row: Row) -> charts.Interval:
    return charts.Interval(
        label=_label(row),
        unit=row["eenheid"],
        value=row["schatting"],
        low=row["interval_laag"],
        high=row["interval_hoog"],
        status=row["waarde_status"],
        is_synthetic=bool(row["is_synthetisch"]),
    )


def _table(name: str, caption: str, rows: Sequence[Row]) -> Table:
    return of_rows(
        name,
        caption,
        DATASET,
        rows,
        (
            Field("Uitkomst", 2.4, lambda row: Cell(_label(row))),
            Field("Groep", 1.5, lambda row: Cell(_group(row))),
            Field("Gelezen op", 1.7, lambda row: Cell(read_on(row))),
            Field("Eenheid", 1.3, lambda row: Cell(row["eenheid"])),
            *_numbers(),
        ),
    )


def _numbers() -> tuple[Field, ...]:
    return (
        number("Verschil", 0.9, "schatting", 2),
        number("Interval van", 0.9, "interval_laag", 2),
        number("tot", 0.9, "interval_hoog", 2),
    )


def _label(row: Row) -> str:
    return f"{words.capital(row['uitkomst_label'])}, {row['horizon']}"


def _group(row: Row) -> str:
    return words.capital(words.group(row["pilot_id"], row["groep_soort"], row["groep"]))


def read_on(row: Row) -> str:
    """When a comparison was read, and how definite it is."""
    return f"{words.day(row['leesdatum'])}, {words.of('status', row['status'])}"
