"""What a chart shows, said in words: the text that stands for the picture.

Belongs here: alt texts, made of shown figures alone. Does not belong here: a claim. What is hidden
is said to be hidden; no order, extreme or comparison takes it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from via_pipeline.disclosure import dictionary
from via_pipeline.letters.documents import words

if TYPE_CHECKING:
    from via_pipeline.letters.documents.charts import Bar, Interval


def withheld(label: str, status: str | None) -> str:
    """The sentence of a figure that is not shown."""
    return f"{words.capital(label)}: geen cijfer. {meaning(status)}"


def meaning(status: str | None) -> str:
    """What a symbol means; of no symbol, that there was nothing."""
    return dictionary.symbols().get(status or "", "Niet geleverd.")


def of_bars(bars: Sequence[Bar], unit: str) -> str:
    """Per panel the highest and the lowest of what is shown, and how much is not shown."""
    parts = []
    for panel in dict.fromkeys(bar.panel for bar in bars):
        own = [bar for bar in bars if bar.panel == panel]
        parts.append(f"{panel}: {_panel(own, unit)}.")
    return " ".join(parts)


def _panel(bars: Sequence[Bar], unit: str) -> str:
    shown = [(bar.shown, bar.label) for bar in bars if bar.shown is not None]
    hidden = len(bars) - len(shown)
    rest = f"; {hidden} van {len(bars)} niet getoond" if hidden else ""
    if not shown:
        return "geen van de cijfers wordt getoond"
    if len(shown) == 1:
        return f"{shown[0][1]} {_said(shown[0][0], unit)}{rest}"
    high, low = max(value for value, _ in shown), min(value for value, _ in shown)
    if high == low:
        return f"overal {_said(high, unit)}{rest}"
    return (
        f"het hoogst bij {_labels(shown, high)} ({_said(high, unit)}), "
        f"het laagst bij {_labels(shown, low)} ({_said(low, unit)}){rest}"
    )


def _said(value: Decimal, unit: str) -> str:
    return f"{words.number(value, 1)} {unit}"


def _labels(shown: Sequence[tuple[Decimal, str]], value: Decimal) -> str:
    return " en ".join(label for found, label in shown if found == value)


def of_intervals(rows: Sequence[Interval]) -> str:
    """Which intervals lie above zero, below zero or on both sides of it."""
    said = {"boven nul": [], "onder nul": [], "aan beide kanten van nul": []}
    hidden = []
    for row in rows:
        if row.shown is None:
            hidden.append(row.label)
            continue
        _, low, high = row.shown
        where = "boven nul" if low > 0 else "onder nul" if high < 0 else "aan beide kanten van nul"
        said[where].append(row.label)
    parts = [
        f"Het interval van 95 procent ligt {where} bij: {'; '.join(labels)}."
        for where, labels in said.items()
        if labels
    ]
    if hidden:
        parts.append(f"Niet getoond: {'; '.join(hidden)}.")
    return " ".join(parts)
