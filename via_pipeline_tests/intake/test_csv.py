"""CSV: two ways of reading give the same rows; nothing is guessed; no row is lost."""

from __future__ import annotations

import csv
import io
from unittest import mock

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from via_pipeline.contracts.model import CsvFormat, Delivery, Table, load
from via_pipeline.intake import sniff
from via_pipeline.intake.content import Content
from via_pipeline.intake.readers import csv_text
from via_pipeline.intake.readers.raw import MAX_CELL_CHARS, Attach, RawTable
from via_pipeline.intake.trouble import Refused

TABLE: Table = load("p5_behoud").table("medewerker")
NAMES = [column.name for column in TABLE.delivered_columns]


def _delivery(
    encodings: tuple[str, ...] = ("utf-8",), delimiters: tuple[str, ...] = (";",), titles: int = 0
) -> Delivery:
    return Delivery("x", (), "", ("csv",), {}, CsvFormat(delimiters, encodings), 1, titles, 10.0)


def _read(data: bytes, delivery: Delivery | None = None) -> RawTable:
    return csv_text.read(Content("a.csv", data=data), TABLE, delivery or _delivery())


def _rows(attempt: Attach) -> list[tuple]:
    """The rows of one way of reading, blank and NULL alike."""
    with duckdb.connect() as connection, attempt(connection, "raw"):
        cells = ", ".join(f"coalesce({name}, '')" for name in NAMES)
        return connection.execute(f"SELECT _row, {cells} FROM raw").fetchall()


def _csv(rows: list[list[str]], end: str = "\r\n") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator=end).writerows([NAMES, *rows])
    return out.getvalue().encode()


_cell = st.text(alphabet='ab"; \n,é', max_size=4)


@settings(deadline=None)
@given(st.lists(st.lists(_cell, min_size=len(NAMES), max_size=len(NAMES)), max_size=6))
@example([["a\n\nb"] + [""] * (len(NAMES) - 1)])
def test_both_ways_give_the_same_rows(rows):
    raw = _read(_csv(rows))
    careful = _rows(raw.attempts[-1])
    assert [row[1:] for row in careful] == [tuple(row) for row in rows if any(row)]
    for attempt in raw.attempts[:-1]:
        assert _rows(attempt) == careful


_END = st.sampled_from(["\n", "\r\n"])
_TAIL = st.sampled_from(["", "", "", ";", ";;", ';""', ';"";', ';"";""', "; ", ";a", ';"a"'])
_SHORT = st.sampled_from(["", "a", "é", '"b;"', '""', " "])
_FULL = st.lists(_SHORT, min_size=len(NAMES), max_size=len(NAMES)).map(";".join)


@st.composite
def _full_rows(draw: st.DrawFn) -> str:
    """Rows as wide as the header, some with cells too many, mostly empty ones."""
    end = draw(_END)
    rows = draw(st.lists(st.builds("".join, st.tuples(_FULL, _TAIL)), min_size=1, max_size=4))
    return end.join(rows) + draw(st.sampled_from(["", end]))


@settings(deadline=None)
@given(st.text(alphabet='ab"; \n\r\té0', max_size=60) | _full_rows())
@example(";".join(["x"] * len(NAMES)) + ";\n")
@example(";".join(["x"] * len(NAMES)) + ";;")
@example(";".join(["x"] * len(NAMES)) + ';""\r\n')
@example(";".join(['"x"'] * len(NAMES)) + ";\r\n")
@example(";".join(["x"] * len(NAMES)) + ";\n" + ";".join(["x"] * (len(NAMES) - 1)) + "\n")
def test_on_any_text_the_fast_way_agrees_or_gives_up(text):
    raw = _read((";".join(NAMES) + "\n" + text).encode())
    careful = _rows(raw.attempts[-1])
    spoilt = bool(raw.tally.malformed) or raw.tally.refused is not None
    for attempt in raw.attempts[:-1]:
        try:
            fast = _rows(attempt)
        except duckdb.InvalidInputException:
            continue
        assert fast == careful and not spoilt


@settings(deadline=None)
@given(st.text(alphabet='ab"; \n\r\té\u00a0\ufeff', max_size=40) | _full_rows(), st.integers(1, 9))
def test_cells_are_called_trimmed_only_where_they_are(text, piece):
    with mock.patch.object(csv_text, "_PIECE", piece):
        raw = _read((";".join(NAMES) + "\n" + text).encode())
    if raw.is_trimmed:
        cells = [cell for row in _rows(raw.attempts[-1]) for cell in row[1:] if cell]
        assert cells == [cell.strip(" \t\n\r\u00a0\ufeff") for cell in cells]


def test_a_clean_file_is_called_trimmed():
    row = ["a b"] * (len(NAMES) - 1)
    assert _read(_csv([[*row, "x;y"], [*row, ""]])).is_trimmed
    assert not _read(_csv([[*row, "x;y "]])).is_trimmed
    assert not _read(_csv([[" a", *row]])).is_trimmed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "iso-8859-15"])
def test_the_same_rows_in_every_encoding(encoding):
    text = _csv([["Zoë"] + ["x"] * (len(NAMES) - 1)]).decode()
    raw = _read(text.encode(encoding), _delivery((encoding,)))
    assert len(raw.attempts) == 2
    for attempt in raw.attempts:
        assert _rows(attempt) == [(2, "Zoë", *["x"] * (len(NAMES) - 1))]


def test_the_euro_sign_tells_apart_what_is_ambiguous():
    euro = _csv([["€"] + ["x"] * (len(NAMES) - 1)]).decode()
    both = _delivery(("cp1252", "iso-8859-15"))
    # 0x80 exists in cp1252 only; 0xA4 is a euro in one and a currency sign in the other.
    assert _read(euro.encode("cp1252"), both).sniffed["encoding"] == "cp1252"
    with pytest.raises(Refused) as refusal:
        _read(euro.encode("iso-8859-15"), both)
    assert refusal.value.rule == "bestand__codering" and refusal.value.row == 2
    assert "niet eenduidig" in refusal.value.explanation


@settings(deadline=None)
@given(
    data=st.lists(
        st.sampled_from([b"a", b"\n", b"\r", b"\r\n", b'"', b" ", b"\t", b"\0", b"\xc3", b"\xab"]),
        min_size=1,
    ),
    size=st.integers(1, 5),
)
def test_what_a_pass_over_the_bytes_finds_does_not_depend_on_how_they_are_cut(data, size):
    data = b"".join(data)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    with mock.patch.object(Content, "chunks", lambda self: iter(pieces)):
        scan = sniff._scan(Content("a.csv", data=data))
    pairs = {data[at : at + 2] for at in range(len(data) - 1)}
    odd = {b"\n\n", b"\n\r", b'" ', b'"\t'} & pairs
    is_lone = b"\r" in data.replace(b"\r\n", b"")
    assert scan.is_plain == (
        not odd and not is_lone and b"\0" not in data and data[:1] not in (b"\r", b"\n")
    )
    assert scan.is_ascii == data.isascii()
    try:
        data.decode()
        bad_line = None
    except UnicodeDecodeError as error:
        bad_line = 1 + data[: error.start].count(b"\n")
    assert (scan.is_utf8, scan.bad_line) == (bad_line is None, bad_line)


def test_plain_ascii_needs_no_decision():
    raw = _read(_csv([["x"] * len(NAMES)]), _delivery(("cp1252", "iso-8859-15")))
    assert raw.sniffed == {"encoding": "utf-8", "bom": False, "delimiter": ";", "format": "csv"}


def test_rows_are_numbered_as_a_spreadsheet_shows_them():
    row = ";".join(["x"] * len(NAMES))
    two_lines = '"a\nb";' + ";".join(["x"] * (len(NAMES) - 1))
    data = f"{';'.join(NAMES)}\n{row}\n\n{two_lines}\n{row}\n".encode()
    assert [found[0] for found in _rows(_read(data).attempts[-1])] == [2, 4, 5]


def test_a_title_above_the_header_is_skipped():
    data = b"Personeel 2018\n\n" + _csv([["x"] * len(NAMES)])
    raw = _read(data, _delivery(titles=3))
    for attempt in raw.attempts:
        assert [found[0] for found in _rows(attempt)] == [4]
    with pytest.raises(Refused, match="bestand__kop"):
        _read(data)


def test_ragged_rows_are_set_aside_and_the_others_read():
    row = ";".join(["x"] * len(NAMES))
    data = f"{';'.join(NAMES)}\n{row}\n{row};extra\nkort\n{row}\n".encode()
    raw = _read(data)
    assert len(raw.attempts) == 1
    assert [found[0] for found in _rows(raw.attempts[-1])] == [2, 5]
    assert raw.tally.malformed == [3, 4]
    assert "Rij 3 heeft 12 cellen, de kopregel 11 kolommen" in raw.tally.findings[0].explanation


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize("tail", [";", ";;", ';""', ';"";'])
@pytest.mark.parametrize("cell", ["x", '"x"'])
def test_an_empty_cell_too_many_is_not_dropped(cell, tail, end, monkeypatch):
    row = ";".join([cell] * len(NAMES))
    data = f"{';'.join(NAMES)}\n{row}\n{row}{tail}{end}".encode()
    # Pieces of every size: what is looked for may lie across two of them.
    for size in (1, 2, 3, 5, 1 << 20):
        monkeypatch.setattr(csv_text, "_PIECE", size)
        raw = _read(data)
        assert len(raw.attempts) == 1
    assert [found[0] for found in _rows(raw.attempts[0])] == [2]
    assert raw.tally.malformed == [3]


@pytest.mark.parametrize(("last", "value"), [("", ""), ("x", "x"), ('"x;"', "x;")])
def test_a_clean_file_is_read_the_fast_way(last, value):
    row = ";".join(["x"] * (len(NAMES) - 1) + [last])
    raw = _read(f"{';'.join(NAMES)}\n{row}\n{row}".encode())
    assert len(raw.attempts) == 2
    cells = ["x"] * (len(NAMES) - 1) + [value]
    assert _rows(raw.attempts[0]) == [(2, *cells), (3, *cells)]


def test_a_cell_at_the_limit_is_read_and_one_above_it_is_set_aside():
    rest = ["x"] * (len(NAMES) - 1)
    raw = _read(_csv([["a" * MAX_CELL_CHARS, *rest], ["a" * (MAX_CELL_CHARS + 1), *rest]]))
    assert [found[0] for found in _rows(raw.attempts[-1])] == [2]
    assert raw.tally.malformed == [3] and raw.tally.findings[0].rule == "bestand__cel"
    with pytest.raises(duckdb.InvalidInputException):
        _rows(raw.attempts[0])


def test_a_nul_byte_is_set_aside():
    raw = _read(_csv([["a\0b"] + ["x"] * (len(NAMES) - 1), ["x"] * len(NAMES)]))
    assert len(raw.attempts) == 1
    assert [found[0] for found in _rows(raw.attempts[0])] == [3] and raw.tally.malformed == [2]


def test_a_delimiter_that_fits_twice_is_refused():
    # Either delimiter leaves one of the two names standing.
    names = ["jaar", "promotie"]
    two = Table("t", "l", "d", tuple(TABLE.column(name) for name in names), (), ())
    data = b"jaar;x,promotie\n1;2,3\n"
    form = sniff.TextForm("utf-8", False, True, True)
    with pytest.raises(Refused, match="scheidingsteken"):
        sniff.delimiter(Content("a", data=data), form, two, CsvFormat((";", ",")), 1, 0)


def test_many_malformed_rows_reject_the_file():
    raw = _read(f"{';'.join(NAMES)}\n".encode() + b"kort\n" * 10_002)
    assert _rows(raw.attempts[-1]) == []
    assert raw.tally.refused is not None and raw.tally.refused.rule == "bestand__rij"
