"""What every reader yields: a table of text with the sender's row numbers, streamed.

Belongs here: the shape that ``conform.py`` takes in, and the tally of rows that could not be read.
Does not belong here: any one format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from via_pipeline.contracts.model import Severity
from via_pipeline.intake.readers.header import Header
from via_pipeline.intake.records import Finding
from via_pipeline.intake.trouble import Refused

MAX_CELL_CHARS = 32_767  # The most that a cell of a spreadsheet can hold.
MAX_MALFORMED = 10_000
BATCH_ROWS = 20_000

Attach = Callable[[duckdb.DuckDBPyConnection, str], AbstractContextManager[None]]


@dataclass
class Tally:
    """Rows that have no place in the table, and what refused the file while it was read."""

    file: str
    table: str
    malformed: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    refused: Refused | None = None

    def malformed_row(
        self, row: int, explanation: str, *, rule: str = "bestand__rij", column: str | None = None
    ) -> None:
        """Set a row aside.

        Raises:
            Refused: there are so many that the file as such is wrong.
        """
        self.malformed.append(row)
        self.findings.append(
            Finding(rule, Severity.REJECT_ROW, explanation, self.file, self.table, row, column)
        )
        if len(self.malformed) > MAX_MALFORMED:
            raise Refused(
                "bestand__rij",
                f"Meer dan {MAX_MALFORMED} rijen hebben een ander aantal cellen dan de kopregel, "
                "of zijn niet te lezen. Controleer de export.",
                row=self.malformed[0],
            )

    def clear(self) -> None:
        """Start again, for another attempt at the same file."""
        self.malformed.clear()
        self.findings.clear()
        self.refused = None


@dataclass
class RawTable:
    """One table of a file, ready to be read.

    ``attempts`` are ways to make a view with the columns ``_row`` (BIGINT) and the contract's
    columns that the header has (VARCHAR); each is tried when the one before it failed.
    """

    header: Header
    tally: Tally
    attempts: tuple[Attach, ...]
    sniffed: dict[str, Any]
    drift: tuple[str, ...] = ()
    is_trimmed: bool = False
    """Whether it is certain that no cell begins or ends with a blank."""


def from_rows(
    header: Header, tally: Tally, rows: Callable[[], Iterable[tuple[int, Any]]]
) -> Attach:
    """A way to attach rows ``(row number, cells by header place)`` that Python yields.

    Cells must be text. Wholly empty rows are no rows; too large a cell sets its row aside.
    """

    @contextmanager
    def attach(connection: duckdb.DuckDBPyConnection, view: str) -> Iterator[None]:
        tally.clear()
        reader = pa.RecordBatchReader.from_batches(
            schema_of(header), _guarded(tally, _batches(header, tally, rows()))
        )
        with _in_order(connection):
            connection.register(view, reader)
            try:
                yield
            finally:
                connection.unregister(view)

    return attach


def from_batches(
    header: Header, tally: Tally, batches: Callable[[], Iterable[pa.RecordBatch]]
) -> Attach:
    """A way to attach record batches that have the schema of ``schema_of``."""

    @contextmanager
    def attach(connection: duckdb.DuckDBPyConnection, view: str) -> Iterator[None]:
        tally.clear()
        reader = pa.RecordBatchReader.from_batches(schema_of(header), _guarded(tally, batches()))
        with _in_order(connection):
            connection.register(view, reader)
            try:
                yield
            finally:
                connection.unregister(view)

    return attach


@contextmanager
def _in_order(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Scan with one thread: with more, batches from Python arrive in the order of their chance."""
    before = connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
    connection.execute("SET threads = 1")
    try:
        yield
    finally:
        connection.execute(f"SET threads = {int(before)}")


def schema_of(header: Header) -> pa.Schema:
    """``_row`` and the contract's columns in the order of the header."""
    names = sorted(header.places, key=header.places.__getitem__)
    return pa.schema([("_row", pa.int64()), *((name, pa.string()) for name in names)])


def batch_of(header: Header, numbers: list[int], columns: list[list[str]]) -> pa.RecordBatch:
    """A record batch of row numbers and one list of text a contract column."""
    schema = schema_of(header)
    arrays = [pa.array(numbers, pa.int64()), *(pa.array(c, pa.string()) for c in columns)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _batches(
    header: Header, tally: Tally, rows: Iterable[tuple[int, Any]]
) -> Iterator[pa.RecordBatch]:
    names = sorted(header.places, key=header.places.__getitem__)
    places = [header.places[name] for name in names]
    numbers: list[int] = []
    cells: list[Any] = []
    for number, row in rows:
        if not any(row):
            continue
        large = next((i for i, cell in enumerate(row) if len(cell) > MAX_CELL_CHARS), None)
        if large is not None:
            name = header.names[large] if large < len(header.names) else None
            tally.malformed_row(
                number,
                f"Rij {number}: een cel is langer dan {MAX_CELL_CHARS} tekens"
                + (f" (kolom '{name}')" if name in header.places else "")
                + ". Waarschijnlijk ontbreekt een aanhalingsteken of is er tekst in geplakt.",
                rule="bestand__cel",
                column=name if name in header.places else None,
            )
            continue
        numbers.append(number)
        cells.append(row)
        if len(numbers) == BATCH_ROWS:
            yield batch_of(header, numbers, [[row[p] for row in cells] for p in places])
            numbers, cells = [], []
    if numbers:
        yield batch_of(header, numbers, [[row[p] for row in cells] for p in places])


def _guarded(tally: Tally, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Keep what went wrong in the tally: an exception would be lost inside the engine."""
    try:
        yield from batches
    except Refused as refused:
        tally.refused = refused
    except Exception as error:
        tally.refused = Refused(
            "bestand__onleesbaar",
            "Het bestand kon niet tot het eind worden gelezen; het is waarschijnlijk beschadigd "
            f"({type(error).__name__}). Maak het opnieuw en lever het nog een keer.",
        )
