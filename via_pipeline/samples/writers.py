"""Write a delivery in the format that its partner uses, with the same bytes every time.

Belongs here: CSV (streamed), ZIP, SAV and Parquet; workbooks are in ``workbooks.py``. Does not
belong here: what is in the cells. Archives are stored, not compressed, and carry a fixed time:
compressed bytes differ between builds of zlib.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from via_pipeline.contracts.codelists import CodeList
from via_pipeline.contracts.model import Table
from via_pipeline.samples.cells import Columns, Tables
from via_pipeline.storage.atomic import replacing
from via_pipeline.storage.duck import literal, work

SYNTHETIC = "SYNTHETISCH: gegenereerd voorbeeld, geen gegevens van personen, geen uitkomst van VIA"
EPOCH = (2020, 1, 1, 0, 0, 0)
_COPY_BYTES = 1 << 20


def csv(
    path: Path,
    pieces: Iterator[Columns],
    *,
    delimiter: str = ";",
    encoding: str = "utf-8",
    newline: str = "\n",
) -> None:
    """One CSV file, streamed; memory use does not grow with the number of rows.

    ``encoding`` is a Python codec (``utf-8-sig`` writes a BOM).
    """
    plain = encoding == "utf-8" and newline == "\n"
    with replacing(path) as target:
        if plain:
            _copy_csv(target, pieces, delimiter)
            return
        with replacing(path.with_name(path.name + ".utf-8")) as first:
            _copy_csv(first, pieces, delimiter)
            with (
                first.open(encoding="utf-8", newline="") as source,
                target.open("w", encoding=encoding, newline="") as out,
            ):
                while piece := source.read(_COPY_BYTES):
                    out.write(piece.replace("\n", newline))
        path.with_name(path.name + ".utf-8").unlink()


def _copy_csv(path: Path, pieces: Iterator[Columns], delimiter: str) -> None:
    stream = _stream(pieces)
    with work() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET threads = 1")  # one thread keeps the rows in order for certain
        connection.register("stream", stream)
        connection.execute(
            f"COPY (FROM stream) TO {literal(path)} "
            f"(FORMAT csv, DELIMITER {literal(delimiter)}, HEADER, NULLSTR '')"
        )


def _stream(pieces: Iterator[Columns]) -> pa.RecordBatchReader:
    """Pieces as one Arrow stream; empty text becomes NULL, so that nothing is quoted."""
    head = next(pieces)
    schema = pa.schema([(name, pa.string()) for name in head])

    def batches() -> Iterator[pa.RecordBatch]:
        yield _batch(head, schema)
        for piece in pieces:
            yield _batch(piece, schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _batch(columns: Columns, schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow.compute as pc

    values = [
        pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        for text in columns.values()
    ]
    return pa.RecordBatch.from_arrays(
        [v.combine_chunks() if isinstance(v, pa.ChunkedArray) else v for v in values], schema=schema
    )


def zipped(path: Path, tables: Tables, members: Mapping[str, str]) -> None:
    """A ZIP of CSV files; ``members`` maps table to name. Tables are made one after the other."""
    with replacing(path) as target, zipfile.ZipFile(target, "w") as archive:
        for table, pieces in tables.items():
            inner = path.with_name(f"{path.name}.{table}.csv")
            csv(inner, pieces)
            with inner.open("rb") as source, archive.open(entry(members[table]), "w") as out:
                while piece := source.read(_COPY_BYTES):
                    out.write(piece)
            inner.unlink()


def entry(name: str) -> zipfile.ZipInfo:
    """A ZIP entry with a fixed time and owner."""
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = zipfile.ZIP_STORED
    info.create_system = 3
    info.external_attr = 0o644 << 16
    return info


def gathered(pieces: Iterator[Columns]) -> dict[str, list[str]]:
    """All pieces at once, for formats that cannot be streamed."""
    whole: dict[str, list[str]] = {}
    for piece in pieces:
        for name, values in piece.items():
            whole.setdefault(name, []).extend(values.to_pylist())
    return whole


def sav(
    path: Path, pieces: Iterator[Columns], table: Table, codelists: Mapping[str, CodeList]
) -> None:
    """An SPSS file: codes with value labels, whole numbers as numbers, user-missing values."""
    import pandas as pd
    import pyreadstat

    columns = gathered(pieces)
    frame = pd.DataFrame(index=range(len(next(iter(columns.values())))))
    labels: dict[str, dict[Any, str]] = {}
    missing: dict[str, list[Any]] = {}
    for column in table.delivered_columns:
        values = columns[column.name]
        if column.logical_type == "integer":
            frame[column.name] = pd.array(
                [None if text == "" else float(text) for text in values], dtype="Float64"
            ).to_numpy(dtype=float, na_value=float("nan"))
            codes = {int(code): kind for code, kind in column.missing.items() if code}
            if codes:
                missing[column.name] = sorted(codes)
                labels[column.name] = {
                    code: kind.replace("_", " ").capitalize() for code, kind in codes.items()
                }
        else:
            frame[column.name] = pd.Series(values, dtype=object)
            if column.codelist:
                labels[column.name] = dict(codelists[column.codelist.name].labels)
    with replacing(path) as target:
        pyreadstat.write_sav(
            frame,
            str(target),
            file_label=SYNTHETIC[:64],
            column_labels={c.name: c.description[:250] for c in table.delivered_columns},
            variable_value_labels=labels,
            missing_ranges=missing,
        )
        _fix_sav_time(target)


def _fix_sav_time(path: Path) -> None:
    """Overwrite the moment of writing, which stands at a fixed place in the header."""
    with path.open("r+b") as handle:
        handle.seek(92)
        handle.write(b"01 Jan 2000:00:00")


def parquet(path: Path, pieces: Iterator[Columns], table: Table) -> None:
    """A Parquet file with typed columns, streamed; the note on its origin is in its metadata."""
    kinds = {
        "string": pa.string(),
        "integer": pa.int64(),
        "date": pa.date32(),
        "boolean": pa.string(),
    }
    schema = pa.schema(
        [
            (
                column.name,
                pa.decimal128(18, column.scale)
                if column.logical_type == "number"
                else kinds[column.logical_type],
            )
            for column in table.delivered_columns
        ],
        metadata={"herkomst": SYNTHETIC},
    )
    with replacing(path) as target, pq.ParquetWriter(target, schema, compression="snappy") as out:
        for piece in pieces:
            plain = pa.schema([(name, pa.string()) for name in piece])
            batch = _batch(piece, plain)
            out.write_table(pa.Table.from_batches([batch]).select(schema.names).cast(schema))
