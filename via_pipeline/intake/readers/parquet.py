"""Read Parquet, as text in the contract's own forms, batch by batch.

Belongs here: what is particular to Parquet. A row's number is its place in the file, from 1.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from via_pipeline.contracts.model import Column, Table
from via_pipeline.intake.content import Content
from via_pipeline.intake.readers.cells import as_text
from via_pipeline.intake.readers.header import Header, NoHeader, of_names
from via_pipeline.intake.readers.raw import (
    BATCH_ROWS,
    RawTable,
    Tally,
    batch_of,
    from_batches,
    schema_of,
)
from via_pipeline.intake.trouble import Refused

MAGIC = b"PAR1"


def read(content: Content, table: Table) -> RawTable:
    """The table in a Parquet file.

    Raises:
        Refused: damaged, or the columns are not the contract's.
    """
    try:
        with content.open() as handle:
            schema = pq.ParquetFile(handle).schema_arrow
    except (pa.ArrowException, OSError, ValueError):
        raise Refused(
            "bestand__parquet",
            "Het Parquet-bestand is beschadigd of niet helemaal overgekomen. Maak het opnieuw.",
        ) from None
    try:
        header = of_names(schema.names, table)
    except NoHeader:
        raise NoHeader.refused(table, 1, 0) from None
    tally = Tally(content.name, table.name)
    return RawTable(
        header,
        tally,
        (from_batches(header, tally, lambda: _batches(content, header, table)),),
        {"format": "parquet"},
    )


def _batches(content: Content, header: Header, table: Table) -> Iterator[pa.RecordBatch]:
    names = sorted(header.places, key=header.places.__getitem__)
    with content.open() as handle:
        number = 0
        for batch in pq.ParquetFile(handle).iter_batches(batch_size=BATCH_ROWS):
            texts = [_text(batch.column(header.places[name]), table.column(name)) for name in names]
            numbers = pa.array(range(number + 1, number + 1 + batch.num_rows), pa.int64())
            number += batch.num_rows
            if not names:
                yield batch_of(header, numbers.to_pylist(), [])
                continue
            yield pa.RecordBatch.from_arrays([numbers, *texts], schema=schema_of(header))


def _text(values: pa.Array, column: Column) -> pa.Array:
    """Vectorised where the type allows; cell by cell for what is rare."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _text(values.dictionary_decode(), column)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return values.cast(pa.string())
    if pa.types.is_integer(kind):
        return values.cast(pa.string())
    if pa.types.is_date(kind) and column.logical_type == "date":
        return pc.strftime(values, format=column.strptime)
    return pa.array([as_text(value, column) for value in values.to_pylist()], pa.string())
