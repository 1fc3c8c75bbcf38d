"""Write a partner's file again without some of its rows, everything else byte for byte.

Belongs here: plain CSV, a ZIP of CSV files and Parquet. Does not belong here: which rows. A
workbook or an SPSS file is not rewritten: its rows lie about in shared texts, caches and
statistics, and no library removes a row from all of them; ``CannotRewrite`` says so, and the whole
file goes.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Mapping

import pyarrow as pa
import pyarrow.parquet as pq


class CannotRewrite(ValueError):
    """The format keeps rows in more places than we can see."""


def without(
    data: bytes, kind: str, rows: Mapping[str, Collection[int]], members: Mapping[str, str]
) -> bytes:
    """``data`` without ``rows`` (by table, as the sender counts them, the header is row 1).

    ``kind`` is csv, zip or parquet; ``members`` maps a table to the pattern of its file's name.

    Raises:
        CannotRewrite: another format, or an archive that holds another.
    """
    if kind == "csv":
        return _csv(data, set().union(*rows.values()))
    if kind == "parquet":
        return _parquet(data, set().union(*rows.values()))
    if kind != "zip":
        raise CannotRewrite(kind)
    out = io.BytesIO()
    wanted = {table: set(numbers) for table, numbers in rows.items()}
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for item in source.infolist():
            inner = source.read(item)
            names = (item.filename, item.filename.rsplit("/", 1)[-1])
            for table in [one for one in wanted if _fits(members[one], names)]:
                if not item.filename.lower().endswith((".csv", ".txt")):
                    raise CannotRewrite("zip")
                inner = _csv(inner, wanted.pop(table))
            target.writestr(item, inner, item.compress_type)
    if wanted:
        raise CannotRewrite("zip")
    return out.getvalue()


def _fits(pattern: str, names: Collection[str]) -> bool:
    return any(re.fullmatch(pattern, name) for name in names)


def _csv(data: bytes, numbers: Collection[int]) -> bytes:
    """Records end at a line end outside quotes; the bytes of all others stay."""
    kept, record, number = [], b"", 1
    for line in data.splitlines(keepends=True):
        record += line
        if record.count(b'"') % 2 == 0:
            if number not in numbers:
                kept.append(record)
            record, number = b"", number + 1
    return b"".join([*kept, record])


def _parquet(data: bytes, numbers: Collection[int]) -> bytes:
    table = pq.read_table(io.BytesIO(data))
    stays = [place not in numbers for place in range(1, table.num_rows + 1)]
    out = io.BytesIO()
    pq.write_table(table.filter(pa.array(stays)), out, compression="snappy")
    return out.getvalue()
