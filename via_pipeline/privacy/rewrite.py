"""Write a partner's file again without some of its rows.

Belongs here: plain CSV, a ZIP of CSV files and Parquet, of which all else stays; and workbooks and
SPSS files, of which a plain copy is made. Does not belong here: which rows, and the proof that
everybody else's rows read as they did (``erase``).

A workbook keeps its rows in more places than its cells (shared texts, caches of pivots, comments,
hidden names), and no library takes one row out of all of them. So nothing is taken out: the values
of the sheets that hold the contract's tables are written into a new file, and all else of the old
one is gone: styles, formulas, other sheets. Of an SPSS file the variables stay, with their labels,
missing values and formats.
"""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from via_pipeline.intake import archive
from via_pipeline.intake.content import Content
from via_pipeline.intake.readers import extent
from via_pipeline.intake.trouble import Refused
from via_pipeline.storage.spreadsheet import unmarked

COPIED = ("xlsx", "ods", "sav")
"""Formats of which a plain copy is made; the rest of the file does not stay byte for byte."""

_MADE = datetime(2000, 1, 1)
_DAY, _MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"


class CannotRewrite(ValueError):
    """A format, or a file, that cannot be written again without a row."""


def without(
    data: bytes, kind: str, rows: Mapping[str, Collection[int]], members: Mapping[str, str]
) -> bytes:
    """``data`` without ``rows`` (by table, as the sender counts them, the header is row 1).

    ``kind`` is csv, zip or parquet; ``members`` maps a table to the pattern of its file's name.

    Raises:
        CannotRewrite: another format, an archive that holds another, or a file that its own library
            cannot read and write.
    """
    if kind in ("xlsx", "ods"):
        return _workbook(data, kind, rows, members)
    if kind == "sav":
        return _sav(data, set().union(*rows.values()))
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


def holds(data: bytes, text: str) -> bool:
    """Whether ``text`` stands in ``data``, or in what it packs."""
    if text.encode() in data:
        return True
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return False
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return any(text.encode() in package.read(name) for name in package.namelist())


def _workbook(
    data: bytes, kind: str, rows: Mapping[str, Collection[int]], members: Mapping[str, str]
) -> bytes:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with archive.opened(Content(kind, data=data)) as package:
            extent.check(package)
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = {}
        for table, pattern in members.items():
            for name in book.sheet_names:
                if re.fullmatch(pattern, name):
                    kept = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                    numbers = set(rows.get(table, ()))
                    sheets[name] = [row for at, row in enumerate(kept, 1) if at not in numbers]
    except (CalamineError, Refused, ValueError, OSError):
        raise CannotRewrite(kind) from None
    if not sheets:
        raise CannotRewrite(kind)
    return _xlsx(sheets) if kind == "xlsx" else _ods(sheets)


def _plain(value: Any) -> Any:
    """A cell's value as its reader will see it again; lengths of time as the text that they are."""
    return str(value) if isinstance(value, time | timedelta) else value


def _xlsx(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.set_properties({"created": _MADE})
        forms = {
            kind: book.add_format({"num_format": form})
            for kind, form in ((date, _DAY), (datetime, _MOMENT))
        }
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for line, row in enumerate(rows):
                for column, value in enumerate(map(_plain, row)):
                    if value is None or value == "":
                        continue
                    if isinstance(value, bool):
                        sheet.write_boolean(line, column, value)
                    elif isinstance(value, date):
                        form = forms[datetime if isinstance(value, datetime) else date]
                        sheet.write_datetime(line, column, value, form)
                    elif isinstance(value, int | float):
                        sheet.write_number(line, column, value)
                    else:
                        sheet.write_string(line, column, unmarked(str(value)))
    return out.getvalue()


def _ods(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> bytes:
    from odfdo import Cell, Document, Row, Table

    document = Document("spreadsheet")
    document.body.clear()
    for name, rows in sheets.items():
        table = Table(name)
        made = []
        for values in rows:
            row = Row()
            row.extend_cells([Cell(None if one == "" else _plain(one)) for one in values])
            made.append(row)
        table.extend_rows(made)
        document.body.append(table)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _sav(data: bytes, numbers: Collection[int]) -> bytes:
    import pyreadstat

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kopie.sav"
        path.write_bytes(data)
        try:
            frame, meta = pyreadstat.read_sav(path, user_missing=True)
            stays = [place not in numbers for place in range(1, len(frame) + 1)]
            pyreadstat.write_sav(
                frame.loc[stays],
                path,
                column_labels=meta.column_names_to_labels,
                variable_value_labels=meta.variable_value_labels,
                missing_ranges=meta.missing_ranges,
                variable_measure=meta.variable_measure,  # type: ignore[arg-type]
                variable_format=meta.original_variable_types,  # type: ignore[arg-type]
            )
        except Exception:  # pyreadstat raises several kinds, and its messages may quote the file
            raise CannotRewrite("sav") from None
        return path.read_bytes()
