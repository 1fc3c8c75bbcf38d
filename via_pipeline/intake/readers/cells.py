"""A typed cell (workbook, SAV, Parquet) as the text that the contract's own file would hold.

Belongs here: numbers without a needless ``.0``, dates in the contract's format, the contract's
decimal mark. Does not belong here: judging the text.
"""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from via_pipeline.contracts.model import Column

_SIGNIFICANT = 15  # What a spreadsheet shows, and what a double holds for certain.


def as_text(value: Any, column: Column | None) -> str:
    """The text of one cell; ``column`` is None for a cell of no contract column."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "J" if value else "N"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value, column)
    if isinstance(value, Decimal):
        return _marked(format(value.normalize() + 0, "f"), column)
    if isinstance(value, datetime):
        if value.time() == time():
            return _date(value.date(), column)
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return _date(value, column)
    if isinstance(value, (time, timedelta)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "; ".join(as_text(item, column) for item in value)
    return str(value)


def _number(value: float, column: Column | None) -> str:
    if math.isnan(value) or math.isinf(value):
        return ""
    if value.is_integer() and abs(value) < 10**_SIGNIFICANT:
        return str(int(value))
    return _marked(format(Decimal(f"{value:.{_SIGNIFICANT}g}"), "f"), column)


def _marked(text: str, column: Column | None) -> str:
    return text.replace(".", column.decimal_mark) if column is not None else text


def _date(value: date, column: Column | None) -> str:
    if column is None or column.logical_type != "date":
        return value.isoformat()
    form = column.date_format or "yyyy-MM-dd"
    return (
        form.replace("yyyy", f"{value.year:04}")
        .replace("MM", f"{value.month:02}")
        .replace("dd", f"{value.day:02}")
    )
