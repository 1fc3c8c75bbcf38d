"""Write workbooks as partners send them: XLSX with a title block and merged header, and ODS.

Belongs here: both formats, with the same bytes every time. XLSX is xlsxwriter's; its archive is
packed again with fixed times and without compression. ODS is written directly: the format is a few
XML files, no ODS library is a runtime dependency, and those there are put in the time of writing.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from via_pipeline.contracts.model import Column, Table
from via_pipeline.samples.cells import Columns
from via_pipeline.samples.writers import EPOCH, SYNTHETIC, entry, gathered
from via_pipeline.storage.atomic import replacing

_NAMESPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" '
    'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
)
_MIME = "application/vnd.oasis.opendocument.spreadsheet"


def xlsx(
    path: Path,
    pieces: Iterator[Columns],
    table: Table,
    *,
    sheet: str,
    titles: Sequence[str],
    groups: Sequence[tuple[str, int]],
) -> None:
    """A workbook with ``titles`` above a header of two rows.

    ``groups`` are the texts of the upper header row and the number of columns each spans; a group
    of one column without a text has its column name merged over both rows.
    """
    import xlsxwriter

    columns = gathered(pieces)
    names = list(columns)
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_properties(
        {"title": titles[0], "comments": SYNTHETIC, "created": datetime(*EPOCH[:3])}
    )
    page = book.add_worksheet(sheet)
    bold = book.add_format({"bold": True})
    head = book.add_format({"bold": True, "align": "center", "valign": "top", "border": 1})
    dated = book.add_format({"num_format": "dd-mm-yyyy"})
    for row, title in enumerate(titles):
        page.write_string(row, 0, title, bold if row == 0 else None)
    top = len(titles)
    place = 0
    for text, width in groups:
        if not text:
            page.merge_range(top, place, top + 1, place, names[place], head)
        else:
            if width > 1:
                page.merge_range(top, place, top, place + width - 1, text, head)
            else:
                page.write_string(top, place, text, head)
            for index in range(place, place + width):
                page.write_string(top + 1, index, names[index], head)
        place += width
    page.freeze_panes(top + 2, 0)
    known = {column.name: column for column in table.delivered_columns}
    for index, name in enumerate(names):
        column = known.get(name)
        for row, text in enumerate(columns[name], top + 2):
            moment = _date_of(text, column)
            if moment is not None:
                page.write_datetime(row, index, moment, dated)
            else:
                page.write_string(row, index, text)
    book.close()
    _packed_again(buffer, path)


def _date_of(text: str, column: Column | None) -> datetime | None:
    """The date that a text stands for; None for other columns and dates that do not exist."""
    if column is None or column.logical_type != "date" or not text:
        return None
    try:
        return datetime.strptime(text, column.strptime)
    except ValueError:
        return None


def _packed_again(buffer: io.BytesIO, path: Path) -> None:
    with (
        zipfile.ZipFile(buffer) as source,
        replacing(path) as target,
        zipfile.ZipFile(target, "w") as archive,
    ):
        for name in source.namelist():
            archive.writestr(entry(name), source.read(name))


def ods(path: Path, pieces: Iterator[Columns], table: Table, *, sheet: str) -> None:
    """A workbook of one sheet with a plain header; dates are date cells."""
    columns = gathered(pieces)
    known = {column.name: column for column in table.delivered_columns}
    rows = ["".join(_text_cell(name) for name in columns)]
    for values in zip(*columns.values(), strict=True):
        rows.append(
            "".join(
                _cell(text, known.get(name)) for name, text in zip(columns, values, strict=True)
            )
        )
    body = "".join(f"<table:table-row>{row}</table:table-row>\n" for row in rows)
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content {_NAMESPACES} '
        'office:version="1.3"><office:body><office:spreadsheet>'
        f"<table:table table:name={quoteattr(sheet)}>"
        f'<table:table-column table:number-columns-repeated="{len(columns)}"/>\n{body}'
        "</table:table></office:spreadsheet></office:body></office:document-content>\n"
    )
    meta = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-meta {_NAMESPACES} '
        f'office:version="1.3"><office:meta><dc:title>{escape(SYNTHETIC)}</dc:title>'
        "</office:meta></office:document-meta>\n"
    )
    parts = {"/": _MIME, "content.xml": "text/xml", "meta.xml": "text/xml"}
    manifest = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<manifest:manifest {_NAMESPACES} '
        'manifest:version="1.3">'
        + "".join(
            f'<manifest:file-entry manifest:full-path="{name}" manifest:media-type="{kind}"/>'
            for name, kind in parts.items()
        )
        + "</manifest:manifest>\n"
    )
    with replacing(path) as target, zipfile.ZipFile(target, "w") as archive:
        archive.writestr(entry("mimetype"), _MIME)
        archive.writestr(entry("content.xml"), content)
        archive.writestr(entry("meta.xml"), meta)
        archive.writestr(entry("META-INF/manifest.xml"), manifest)


def _cell(text: str, column: Column | None) -> str:
    if not text:
        return "<table:table-cell/>"
    moment = _date_of(text, column)
    if moment is None:
        return _text_cell(text)
    return (
        f'<table:table-cell office:value-type="date" office:date-value="{moment:%Y-%m-%d}">'
        f"<text:p>{escape(text)}</text:p></table:table-cell>"
    )


def _text_cell(text: str) -> str:
    return (
        '<table:table-cell office:value-type="string">'
        f"<text:p>{escape(text)}</text:p></table:table-cell>"
    )
