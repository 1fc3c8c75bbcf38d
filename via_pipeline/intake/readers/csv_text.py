"""Read CSV: DuckDB's reader for clean files, Python's for everything else. Same rows from both.

Belongs here: rows of delimited text. The fast way gives up at the first thing it cannot read, and
the careful way then reads the whole file again: ragged rows and stray quotes are set aside by row
number, never lost. Rows are numbered as a spreadsheet shows them: empty lines count, a cell with a
line break is one row.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from via_pipeline.contracts.model import Delivery, Table
from via_pipeline.intake import sniff
from via_pipeline.intake.content import Content
from via_pipeline.intake.readers.header import Header
from via_pipeline.intake.readers.raw import MAX_CELL_CHARS, Attach, RawTable, Tally, from_rows
from via_pipeline.intake.trouble import Refused
from via_pipeline.storage.duck import literal, quoted

_FIELD_LIMIT = 64 << 20
_PIECE = 1 << 20
# Tab, no-break space and byte order mark in UTF-8: conform.py takes them off cells as well.
_OTHER_BLANKS = (b"\t", b"\xc2\xa0", b"\xef\xbb\xbf")
_INNER_END = re.compile(rb'"(?:(?=[ \n\r])|(?<=[ \n\r]"))')


def read(content: Content, table: Table, delivery: Delivery) -> RawTable:
    """The table in a CSV file.

    Raises:
        Refused: encoding, delimiter or header is not what was agreed, or not clear.
    """
    form = sniff.encoding(content, delivery.csv.encodings)
    sign, header, lines = sniff.delimiter(
        content, form, table, delivery.csv, delivery.header_rows, delivery.title_rows
    )
    tally = Tally(content.name, table.name)
    attempts: list[Attach] = []
    is_trimmed = False
    if form.is_plain and lines:
        looked = _look(content, sign, lines, len(header.names))
        is_trimmed = looked.is_trimmed and form.is_utf8
        if looked.has_no_cell_too_many and Path("/proc/self/fd").exists():
            attempts.append(_fast(content, form, sign, header, lines))
    attempts.append(
        from_rows(header, tally, lambda: careful_rows(content, form, sign, header, tally))
    )
    return RawTable(
        header,
        tally,
        tuple(attempts),
        {"encoding": _name(form), "bom": form.has_bom, "delimiter": sign, "format": "csv"},
        is_trimmed=is_trimmed,
    )


def _name(form: sniff.TextForm) -> str:
    return "utf-8" if form.encoding == "utf-8-sig" else form.encoding


@dataclass(frozen=True)
class _Look:
    """What is certain of the rows below the header, see ``_look``."""

    has_no_cell_too_many: bool
    is_trimmed: bool


def _look(content: Content, sign: str, lines: int, width: int) -> _Look:
    """What one pass over the bytes below the header makes certain.

    ``has_no_cell_too_many``: no row ends in empty cells beyond its columns. DuckDB drops such cells
    without a word. Counting delimiters and lines outside quotes tells (a row too short, which could
    make up for one too long, is an error to DuckDB), where every quote stands at the end of a cell.
    ``is_trimmed``: no cell begins or ends with a blank. The text must be plain
    (``sniff.TextForm``), and UTF-8 for the latter.
    """
    mark = sign.encode()
    # It begins with the quote itself: those are found fast.
    ends = re.escape(mark)
    stray_quote = re.compile(rb'"(?:(?<=[^\n"%b]")|(?=[^\r\n"%b]))' % (ends, ends))
    outer_end = re.compile(rb" (?:(?=[\n\r]|%b)|(?<=\n )|(?<=%b ))" % (ends, ends))
    signs = newlines = 0
    is_trimmed = sign not in " \t"
    # The first cell stands after a line end too.
    outer_tail, inner_tail = b"\n", b""
    quoted_text = _Quoted()
    with content.open() as handle:
        for _ in range(lines):
            handle.readline()
        while piece := handle.read(_PIECE):
            outer, inner = quoted_text.apart(piece)
            signs += _count(outer, mark)
            newlines += _count(outer, b"\n")
            window = outer_tail + outer
            if b'"' in window and stray_quote.search(window):
                return _Look(has_no_cell_too_many=False, is_trimmed=False)
            within = inner_tail + inner
            if is_trimmed:
                is_trimmed = (
                    not any(
                        blank[:1] in text and blank in text
                        for blank in _OTHER_BLANKS
                        for text in (window, within)
                    )
                    and not (b" " in window and outer_end.search(window))
                    and not (within and _INNER_END.search(within))
                )
            outer_tail, inner_tail = window[-3:], within[-3:]
    if quoted_text.is_open:
        return _Look(has_no_cell_too_many=False, is_trimmed=False)
    rows = newlines + (outer_tail[-1:] != b"\n")
    return _Look(signs == rows * (width - 1), is_trimmed and not outer_tail.endswith(b" "))


def _count(text: bytes, sign: bytes) -> int:
    """How often a text of one byte occurs; where that is often numpy counts ten times as fast."""
    if len(sign) > 1:
        return text.count(sign)
    import numpy as np

    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == sign[0]))


class _Quoted:
    """Takes text apart, piece by piece, into what stands outside quotes and what stands within.

    A quote stands in the outer text for every text in quotes, and around each in the inner text. A
    quote that is doubled ends one and begins another.
    """

    is_open = False

    def apart(self, piece: bytes) -> tuple[bytes, bytes]:
        """The outer and the inner text of the next piece."""
        if not self.is_open and b'"' not in piece:
            return piece, b""
        parts = piece.split(b'"')
        was_open = self.is_open
        self.is_open = was_open == (len(parts) % 2 == 1)
        outer, inner = parts[was_open::2], parts[not was_open :: 2]
        opened_last = self.is_open and len(parts) > 1
        return (
            b'"'.join(outer) + (b'"' if opened_last else b""),
            (b"" if was_open else b'"') + b'""'.join(inner) + (b"" if self.is_open else b'"'),
        )


def _fast(content: Content, form: sniff.TextForm, sign: str, header: Header, lines: int) -> Attach:
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(header.names)))
    wanted = sorted(header.places.items(), key=lambda item: item[1])
    chosen = ", ".join(f"c{place} AS {quoted(name)}" for name, place in wanted)
    any_cell = ", ".join(f"c{index}" for index in range(len(header.names)))

    @contextmanager
    def attach(connection: duckdb.DuckDBPyConnection, view: str) -> Iterator[None]:
        with content.lent_path(None if form.is_utf8 else form.encoding) as path:
            connection.execute(
                f"CREATE OR REPLACE TEMP VIEW {quoted(view)} AS SELECT _row, {chosen} FROM ("
                f"SELECT row_number() OVER () + {lines} AS _row, * FROM read_csv({literal(path)}, "
                f"auto_detect=false, columns={{{columns}}}, header=false, skip={lines}, "
                f"delim={literal(sign)}, quote='\"', escape='\"', strict_mode=true, "
                f"null_padding=false, ignore_errors=false, max_line_size={MAX_CELL_CHARS}"
                f")) WHERE coalesce({any_cell}, NULL) IS NOT NULL"
            )
            try:
                yield
            finally:
                connection.execute(f"DROP VIEW IF EXISTS {quoted(view)}")

    return attach


def careful_rows(
    content: Content, form: sniff.TextForm, sign: str, header: Header, tally: Tally
) -> Iterator[tuple[int, list[str]]]:
    """Every row after the header with its number; rows that cannot be read go to ``tally``.

    Raises:
        Refused: a quote is opened and never closed.
    """
    csv.field_size_limit(_FIELD_LIMIT)
    width = len(header.names)
    with content.open() as handle, io.TextIOWrapper(handle, form.encoding, newline="") as text:
        rows = csv.reader(text, delimiter=sign, doublequote=True, strict=True)
        number = 0
        while True:
            number += 1
            started = rows.line_num
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                if number <= header.first_data_index:
                    continue
                _broken(tally, number, str(error), rows.line_num - started)
                continue
            if number <= header.first_data_index or not any(row):
                continue
            if len(row) != width:
                tally.malformed_row(
                    number,
                    f"Rij {number} heeft {len(row)} cellen, de kopregel {width} kolommen. "
                    "Controleer of een scheidingsteken in een tekst tussen aanhalingstekens staat.",
                )
                continue
            if any("\0" in cell for cell in row):
                tally.malformed_row(number, f"Rij {number} bevat een onleesbaar teken (NUL).")
                continue
            yield number, row


def _broken(tally: Tally, number: int, problem: str, lines: int) -> None:
    swallowed = "unexpected end" in problem or ("field larger" in problem and lines > 1)
    if swallowed:
        raise Refused(
            "bestand__aanhalingsteken",
            f"In rij {number} begint een tekst met een aanhalingsteken dat niet wordt gesloten; "
            "wat erna komt is niet te lezen. Sluit het aanhalingsteken, of verdubbel het als het "
            "bij de tekst hoort.",
            row=number,
        )
    if "field larger" in problem:
        tally.malformed_row(
            number,
            f"Rij {number}: een cel is langer dan {MAX_CELL_CHARS} tekens.",
            rule="bestand__cel",
        )
        return
    tally.malformed_row(
        number,
        f"Rij {number} bevat een aanhalingsteken op een plaats waar het niet kan. Verdubbel "
        "een aanhalingsteken dat bij de tekst hoort.",
    )
