"""Columns of text, vectorised: what a partner's cell holds, before any format is chosen.

Belongs here: numbers, dates, codes and booleans as text, and the frame that sources yield.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from via_pipeline.samples.draw import Ints

Columns = dict[str, pa.Array]
"""A piece of a table: column to text, as the partner's own CSV would hold it; "" is empty."""

Tables = dict[str, Iterator[Columns]]
"""A delivery: table to its pieces. A later table may depend on an earlier one being consumed."""

Damage = Callable[[str, int, Columns], Columns]
"""(table, index of the first row, columns) -> columns with the planted faults in them."""

_FIRST, _LAST = np.datetime64("1920-01-01"), np.datetime64("2030-12-31")


def _calendar(form: str) -> pa.Array:
    days = np.arange(_FIRST, _LAST + 1)
    iso = np.datetime_as_string(days)
    if form == "yyyy-MM-dd":
        return pa.array([*iso.tolist(), ""])
    return pa.array([*(f"{text[8:]}-{text[5:7]}-{text[:4]}" for text in iso.tolist()), ""])


_CALENDARS = {form: _calendar(form) for form in ("dd-MM-yyyy", "yyyy-MM-dd")}


def days(values: NDArray[np.datetime64], form: str = "dd-MM-yyyy") -> pa.Array:
    """Dates as text; NaT is empty."""
    calendar = _CALENDARS[form]
    place = (values - _FIRST).astype("int64")
    return calendar.take(pa.array(np.where(np.isnat(values), len(calendar) - 1, place)))


def day(value: date) -> np.datetime64:
    """A date as NumPy has it."""
    return np.datetime64(value, "D")


def whole(values: Ints) -> pa.Array:
    """Whole numbers as text."""
    return pa.array(values).cast(pa.string())


def codes(options: Sequence[str], index: Ints) -> pa.Array:
    """The options drawn, as text."""
    return pa.array(list(options), pa.string()).take(pa.array(index))


def yes_no(values: NDArray[np.bool_]) -> pa.Array:
    """J or N."""
    return codes(("N", "J"), values.astype(np.int64))


def hundredths(values: Ints, mark: str) -> pa.Array:
    """Whole hundredths as a number with two decimals: 1234 -> ``12,34``."""
    tail = pa.array([f"{mark}{part:02d}" for part in range(100)])
    return pc.binary_join_element_wise(whole(values // 100), tail.take(pa.array(values % 100)), "")


def same(text: str, n: int) -> pa.Array:
    """One text for all rows."""
    return pa.array([text]).take(pa.array(np.zeros(n, dtype=np.int64)))


def where(mask: NDArray[np.bool_], text: str, otherwise: pa.Array) -> pa.Array:
    """``text`` where the mask holds."""
    return pc.if_else(pa.array(mask), text, otherwise)


def kept(mask: NDArray[np.bool_], columns: Columns) -> Columns:
    """The rows where the mask holds."""
    chosen = pa.array(mask)
    return {name: values.filter(chosen) for name, values in columns.items()}
