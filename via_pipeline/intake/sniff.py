"""Decide how a text file is written: its encoding and delimiter. Refuse where it is not clear.

Belongs here: the decision, and the facts it rests on, which are recorded. Does not belong here:
reading the rows. Nothing is guessed: an encoding is one that the contract allows and that fits
every byte, and where two such would read a byte differently the file is refused.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from via_pipeline.contracts.model import CsvFormat, Table
from via_pipeline.intake.content import Content
from via_pipeline.intake.readers.header import Header, NoHeader, locate
from via_pipeline.intake.trouble import Refused, listed

_HEAD_BYTES = 1 << 18
_SPOKEN = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 met BOM",
    "cp1252": "Windows-1252",
    "iso-8859-15": "ISO-8859-15",
    "latin-1": "ISO-8859-1",
}
_SIGNS = {";": "puntkomma", ",": "komma", "\t": "tab", "|": "sluisteken"}
_WIDE_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class TextForm:
    """How the text is written.

    ``encoding`` is a Python codec that also eats a BOM. ``is_utf8`` says that the bytes are UTF-8
    as they stand. ``is_plain`` says that nothing in them asks for the careful reader: no empty
    line, no NUL, no lone carriage return, no blank after a closing quote.
    """

    encoding: str
    has_bom: bool
    is_utf8: bool
    is_plain: bool


def encoding(content: Content, allowed: tuple[str, ...]) -> TextForm:
    """The encoding of ``content`` among those ``allowed`` by the contract.

    Raises:
        Refused: empty, UTF-16, an encoding that is not allowed, ambiguous, or no text at all.
    """
    allowed = tuple(codecs.lookup(name).name if name != "utf-8-sig" else name for name in allowed)
    head = content.head(4)
    if not head:
        raise Refused("bestand__leeg", "Het bestand is leeg (0 bytes).")
    if head.startswith(_WIDE_BOMS):
        raise _not_allowed("UTF-16", allowed)
    scan = _scan(content)
    if scan.size == len(codecs.BOM_UTF8) and scan.has_bom:
        raise Refused("bestand__leeg", "Het bestand is leeg.")
    takes_utf8 = bool({"utf-8", "utf-8-sig"} & set(allowed))
    if scan.is_ascii:
        return TextForm("utf-8", False, True, scan.is_plain)
    if scan.has_bom or scan.is_utf8:
        if not scan.is_utf8:
            raise _undecodable(scan, ("utf-8",))
        if not takes_utf8:
            raise _not_allowed("UTF-8", allowed)
        return TextForm("utf-8-sig", scan.has_bom, True, scan.is_plain)
    return _eight_bit(content, scan, allowed)


def delimiter(
    content: Content,
    form: TextForm,
    table: Table,
    csv_format: CsvFormat,
    header_rows: int,
    title_rows: int,
) -> tuple[str, Header, int]:
    """The delimiter under which the header has the contract's columns, that header, and the
    number of physical lines up to and including it (0 where a header cell spans lines).

    Raises:
        Refused: no header, another delimiter than agreed, or more than one fits.
    """
    text = content.head(_HEAD_BYTES).decode(form.encoding, errors="replace")
    allowed = csv_format.delimiters
    tried = {sign: _try(text, sign, table, header_rows, title_rows) for sign in allowed}
    fits = {sign: found for sign, found in tried.items() if found is not None}
    if not fits:
        for other in (sign for sign in _SIGNS if sign not in allowed):
            if _try(text, other, table, header_rows, title_rows):
                raise Refused(
                    "bestand__scheidingsteken",
                    f"De kolommen zijn gescheiden met een {_SIGNS[other]}; afgesproken is een "
                    f"{listed([_SIGNS.get(sign, sign) for sign in allowed], 'of')}.",
                    row=1,
                )
        raise NoHeader.refused(table, header_rows, title_rows)
    best = max(found[0].score for found in fits.values())
    winners = [sign for sign, found in fits.items() if found[0].score == best]
    if len(winners) > 1 and len({fits[sign][0].names for sign in winners}) > 1:
        raise Refused(
            "bestand__scheidingsteken",
            "Het is niet duidelijk welk teken de kolommen scheidt: zowel "
            f"{listed([_SIGNS.get(sign, sign) for sign in winners])} past bij de kopregel.",
            row=1,
        )
    header, lines = fits[winners[0]]
    return winners[0], header, lines


def _try(
    text: str, sign: str, table: Table, header_rows: int, title_rows: int
) -> tuple[Header, int] | None:
    """The header under one delimiter, and the physical lines it takes; None where not found."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign, doublequote=True)
    rows: list[list[str]] = []
    ends: list[int] = []
    try:
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
            if len(rows) > title_rows + header_rows:
                break
    except csv.Error:
        pass
    try:
        header = locate(rows, table, header_rows, title_rows)
    except NoHeader:
        return None
    last = header.first_data_index - 1
    return header, ends[last] if ends[last] == last + 1 else 0


# Each begins with one letter, which is found as fast as the memory is read; a search for two takes
# four times as long.
_EMPTY_LINE = re.compile(rb"\n[\n\r]")
_BLANK_AFTER_QUOTE = re.compile(rb'"[ \t]')
_LONE_RETURN = re.compile(rb"\r[^\n]")


@dataclass
class _Scan:
    size: int = 0
    has_bom: bool = False
    is_ascii: bool = True
    is_utf8: bool = True
    is_plain: bool = True
    bad_line: int | None = None


def _scan(content: Content) -> _Scan:
    """One pass over the bytes; what a piece cannot hold is not looked for."""
    scan = _Scan()
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    tail = b""
    for place, piece in enumerate(content.chunks()):
        if scan.size == 0:
            scan.has_bom = piece.startswith(codecs.BOM_UTF8)
            if piece[:1] in b"\r\n":
                scan.is_plain = False
        scan.size += len(piece)
        scan.is_ascii = scan.is_ascii and piece.isascii()
        if scan.is_utf8 and not scan.is_ascii:
            try:
                decoder.decode(piece)
            except UnicodeDecodeError as error:
                scan.is_utf8 = False
                # The decoder may have carried bytes over from the piece before: none is a newline.
                before = error.object[: error.start].count(b"\n")
                scan.bad_line = 1 + before + _line_ends(itertools.islice(content.chunks(), place))
        window = tail + piece
        if scan.is_plain and (
            b"\0" in piece
            or _EMPTY_LINE.search(window)
            or (b'"' in window and _BLANK_AFTER_QUOTE.search(window))
            or (b"\r" in window and _LONE_RETURN.search(window))
        ):
            scan.is_plain = False
        tail = window[-2:]
    if scan.is_utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            scan.is_utf8, scan.bad_line = False, 1 + _line_ends(content.chunks())
    if tail.endswith(b"\r"):
        scan.is_plain = False
    return scan


def _line_ends(pieces: Iterable[bytes]) -> int:
    return sum(piece.count(b"\n") for piece in pieces)


def _eight_bit(content: Content, scan: _Scan, allowed: tuple[str, ...]) -> TextForm:
    used = set()
    for piece in content.chunks():
        used |= set(piece)
    names = [name for name in allowed if name not in ("utf-8", "utf-8-sig")]
    tables = {name: _table_of(name) for name in names}
    fits = [name for name in names if all(tables[name][byte] is not None for byte in used)]
    if not fits:
        if not names:
            raise _undecodable(scan, allowed)
        foreign = {byte for byte in used if all(tables[name][byte] is None for name in names)}
        scan.bad_line = _first_line_with(content, foreign or used) if foreign else scan.bad_line
        raise _undecodable(scan, allowed)
    differ = {byte for byte in used if len({tables[name][byte] for name in fits}) > 1}
    if differ:
        raise Refused(
            "bestand__codering",
            f"De tekencodering is niet eenduidig: {listed([_spoken(n) for n in fits])} lezen een "
            f"teken in regel {_first_line_with(content, differ)} verschillend. Sla het bestand op "
            "als UTF-8, of spreek één codering af.",
            row=_first_line_with(content, differ),
        )
    return TextForm(fits[0], False, False, scan.is_plain)


def _table_of(name: str) -> list[str | None]:
    """Byte to character; None where the encoding has no character, or a control character."""
    table: list[str | None] = []
    for byte in range(256):
        try:
            sign: str | None = bytes([byte]).decode(name)
        except UnicodeDecodeError:
            sign = None
        if sign is not None and 0x80 <= ord(sign) <= 0x9F:
            sign = None
        table.append(sign)
    return table


def _first_line_with(content: Content, wanted: set[int]) -> int:
    line = 1
    for piece in content.chunks():
        places = [place for byte in wanted if (place := piece.find(bytes([byte]))) >= 0]
        if places:
            return line + piece[: min(places)].count(b"\n")
        line += piece.count(b"\n")
    return line


def _spoken(name: str) -> str:
    return _SPOKEN.get(name, {codecs.lookup(k).name: v for k, v in _SPOKEN.items()}.get(name, name))


def _spoken_list(allowed: tuple[str, ...]) -> str:
    return listed([_spoken(name) for name in allowed], "of")


def _not_allowed(found: str, allowed: tuple[str, ...]) -> Refused:
    return Refused(
        "bestand__codering",
        f"Het bestand is opgeslagen in {found}; afgesproken is {_spoken_list(allowed)}. Sla het "
        "opnieuw op in die codering.",
    )


def _undecodable(scan: _Scan, allowed: tuple[str, ...]) -> Refused:
    where = f"Regel {scan.bad_line} bevat" if scan.bad_line else "Het bestand bevat"
    return Refused(
        "bestand__codering",
        f"{where} een teken dat niet te lezen is als {_spoken_list(allowed)}. Sla het bestand "
        "opnieuw op in die codering.",
        row=scan.bad_line,
    )
