"""Faults, planted on purpose: in a cell, or in the file as a whole.

Belongs here: the kinds of fault and how they change a piece of a table. Which delivery has which is
in ``schedule.py``. A cell fault names the rule that must find it, so that tests can ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from via_pipeline.samples.cells import Columns


@dataclass(frozen=True)
class CellFault:
    """``text`` stands in ``column`` of the rows named (from 0), or of every ``every``-th row.

    ``rule`` is the contract's rule that each of these rows breaks. Text None takes the value of
    the row above, which makes a double of a key.
    """

    table: str
    column: str
    text: str | None
    rule: str
    rows: tuple[int, ...] = ()
    every: int = 0

    def hits(self, start: int, length: int) -> list[int]:
        """Places within a piece that begins at row ``start``."""
        if self.every:
            return [at for at in range(length) if (start + at) % self.every == self.every - 1]
        return [row - start for row in self.rows if start <= row < start + length]


@dataclass(frozen=True)
class Renamed:
    """The header of ``column`` reads ``name``."""

    table: str
    column: str
    name: str


class Damager:
    """Puts the faults of one delivery into the pieces of its tables."""

    def __init__(self, faults: Sequence[CellFault], renamed: Sequence[Renamed] = ()) -> None:
        self._faults = faults
        self._renamed = {(item.table, item.column): item.name for item in renamed}

    def __call__(self, table: str, start: int, columns: Columns) -> Columns:
        """The columns with the faults in them; the rows they begin at is ``start``."""
        result = dict(columns)
        for fault in self._faults:
            if fault.table != table:
                continue
            values = result[fault.column]
            if hits := fault.hits(start, len(values)):
                texts = values.to_pylist()
                for at in hits:
                    texts[at] = texts[at - 1] if fault.text is None else fault.text
                result[fault.column] = pa.array(texts, pa.string())
        return {self._renamed.get((table, name), name): values for name, values in result.items()}
