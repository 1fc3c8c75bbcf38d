"""Files that nobody should have to open: samples of every agreed format, spoiled by chance.

Belongs here: the samples, and how number ``n`` of a seed is spoiled (the same each time). Does not
belong here: opening them (``fuzz``).
"""

from __future__ import annotations

import contextlib
import io
import random
import re
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent.parent / "data"
FORMULAS = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0")
_SAMPLES = {
    "csv": "landing/p5_behoud/2019-02-18/p5_behoud_D*.csv",
    "xlsx": "landing/p3_nudging/*/*.xlsx",
    "ods": "landing/p6_leren_werken/*/*.ods",
    "sav": "landing/*/*/*.sav",
    "parquet": "landing/p4_barometer/*/*.parquet",
    "zip": "landing/p8_begeleiding/*/*.zip",
    "markdown": "register/status/*.md",
}
PACKAGES = ("xlsx", "ods", "zip")
KINDS = (*_SAMPLES, "name")
_BYTES = (b"\0", b"\xff", b'"', b";", b"\r", b"\n", b"PK\x03\x04", b"\xef\xbb\xbf", b"<!ENTITY ")
_NUMBERS = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x80", b"\xff\xff\xff\x7f")
_NAMES = (
    *("../../etc/passwd", "/etc/passwd", "C:\\x.csv", "a\\..\\b.csv", "a/../../b.csv"),
    *("deelnemers\0.csv", "\u202egnp.csv", "x" * 5000, ".", "..", "con.csv", "a\nb.csv"),
)


# What may stand in a workbook, a descriptor or a status text, and what nobody expects there.
_VALUES = (
    *(b"0", b"-1", b"4294967296", b"99999999999999999999", b"1e400", b"NaN", b"2958466.5", b""),
    *(b"A1", b"A0", b"XFD1048576", b"AAAAAAAA99999999999", b"A1:XFD1048576", b"&#0;", b"&lol;"),
    *(b"s", b"b", b"e", b"n", b"d", b"str", b"inlineStr", b"float", b"date", b"boolean", b"string"),
    *(b"2020-13-45", b"0000-00-00", b"PT99999999H", b"TRUE", b"#N/A", b"=1+1", b"\xc3\x28"),
    *(b"../../etc/passwd", b"file:///etc/passwd", b"x" * 40_000),
)
_DOCTYPE = (
    b'<!DOCTYPE a [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">'
    b'<!ENTITY f SYSTEM "file:///etc/passwd">]>'
)
_ATTRIBUTE = re.compile(rb"""=\s*"([^"<]*)\"""")
_TEXT = re.compile(rb">([^<>]{1,200})<")
_TAG = re.compile(rb"</?[\w:-]+")
# Where a SAV file's header ends, and the tags of the records after it.
_SAV_HEADER = 176
_SAV_DATA = b"\xe7\x03\x00\x00"


@dataclass(frozen=True)
class Case:
    """One file as it would lie in the landing folder of ``source``."""

    kind: str
    source: str
    name: str
    data: bytes


def case(seed: int, number: int) -> Case:
    """Case ``number`` of ``seed``; the kinds take turns."""
    draw = random.Random(f"{seed}-{number}")  # noqa: S311 - chance, not secrecy
    kind = KINDS[number % len(KINDS)]
    found = sample(kind)
    if kind == "name":
        cut = _cut(draw, found.name.encode())[:200].decode("latin-1")
        return Case(kind, found.source, draw.choice([*_NAMES, cut]), found.data)
    return Case(kind, found.source, found.name, mutated(draw, kind, found.data))


def sample(kind: str) -> Case:
    """A whole file of that kind."""
    path = _path(kind if kind != "name" else "csv")
    source = "register" if kind == "markdown" else path.parts[-3]
    return Case(kind, source, path.name, path.read_bytes())


def mutated(
    draw: random.Random,
    kind: str,
    data: bytes,
    spoil: Callable[[random.Random, bytes], bytes] | None = None,
) -> bytes:
    """``data`` of that kind, spoiled mostly where its reader still comes.

    That is inside a package, in the dictionary of a SAV, in the footer of a Parquet.
    ``spoil`` does so to bytes; default: ``spoiled``.
    """
    spoil = spoil or spoiled
    with contextlib.suppress(Exception):  # It is not what it was any more.
        if draw.random() < 0.2:
            return spoil(draw, data)
        if kind in PACKAGES:
            return _inside(draw, data, spoil)
        if kind == "sav":
            return _in_sav(draw, data, spoil)
        if kind == "parquet":
            return _in_parquet(draw, data, spoil)
        if kind == "markdown" and draw.random() < 0.5:
            return _markup(draw, data)
    return spoil(draw, data)


def spoiled(draw: random.Random, data: bytes) -> bytes:
    """``data`` with one to eight things wrong."""
    for _ in range(draw.randint(1, 8)):
        data = draw.choice((_cut, _flip, _insert, _double, _number))(draw, data)
    return data


@cache
def _path(kind: str) -> Path:
    return min(DATA.glob(_SAMPLES[kind]), key=lambda path: (path.stat().st_size, path))


def _inside(
    draw: random.Random, data: bytes, spoil: Callable[[random.Random, bytes], bytes]
) -> bytes:
    """A ZIP of which a member, or a member's name, is spoiled and the directory is right."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        infos = old.infolist()
        victim = draw.randrange(len(infos))
        how = draw.choice(("data",) * 12 + ("name", "link", "bomb", "gone"))
        for place, info in enumerate(infos):
            content = old.read(info)
            made = zipfile.ZipInfo(info.filename)
            if place == victim:
                if how == "gone":
                    continue
                if how == "data":
                    is_markup = content.lstrip()[:1] == b"<" and draw.random() < 0.7
                    content = _markup(draw, content) if is_markup else spoil(draw, content)
                elif how == "name":
                    made.filename = draw.choice(_NAMES)
                elif how == "link":
                    made.external_attr = (stat.S_IFLNK | 0o777) << 16
                    content = b"/etc/passwd"
                else:
                    content = b"0" * (16 << 20)
                    made.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(made, content)
    return out.getvalue()


def _markup(draw: random.Random, data: bytes) -> bytes:
    """XML that mostly stays well-formed: other values, other texts, elements gone or repeated."""
    for _ in range(draw.randint(1, 4)):
        how = draw.random()
        if how < 0.7:
            found = list((_ATTRIBUTE if draw.random() < 0.6 else _TEXT).finditer(data))
            if found:
                start, end = draw.choice(found).span(1)
                data = data[:start] + draw.choice(_VALUES) + data[end:]
        elif how < 0.95:
            data = _element(draw, data)
        else:
            at = data.find(b"?>") + 2 if b"?>" in data else 0
            data = data[:at] + _DOCTYPE + data[at:]
    return data


def _element(draw: random.Random, data: bytes) -> bytes:
    """An element is gone, or is there many times; by its tags, without a parser."""
    found = list(_TAG.finditer(data))
    if not found:
        return data
    first = draw.choice(found)
    last = data.find(b"</" + first.group().lstrip(b"</"), first.start())
    end = data.find(b">", max(last, first.end())) + 1
    part = data[first.start() : end]
    return data[: first.start()] + part * draw.choice((0, 0, 2, 3, 50)) + data[end:]


def _in_sav(
    draw: random.Random, data: bytes, spoil: Callable[[random.Random, bytes], bytes]
) -> bytes:
    """Whole numbers of the header and the dictionary, or the cases behind them."""
    cases = data.find(_SAV_DATA, _SAV_HEADER)
    if cases < 0 or draw.random() < 0.25:
        return data[:_SAV_HEADER] + spoil(draw, data[_SAV_HEADER:])
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(64, cases + 8, 4)
        number = draw.choice((-1, 0, 1, 2, 3, 4, 5, 6, 7, 11, 13, 20, 21, 999, 65536, 2**31 - 1))
        data = data[:at] + number.to_bytes(4, "little", signed=True) + data[at + 4 :]
    return data


def _in_parquet(
    draw: random.Random, data: bytes, spoil: Callable[[random.Random, bytes], bytes]
) -> bytes:
    """The footer, with its length told right; or the pages, of the same length."""
    size = int.from_bytes(data[-8:-4], "little")
    pages, footer = data[: -8 - size], data[-8 - size : -8]
    if draw.random() < 0.6:
        footer = spoil(draw, footer)
    else:
        for _ in range(draw.randint(1, 6)):
            pages = _flip(draw, pages)
    return pages + footer + len(footer).to_bytes(4, "little") + data[-4:]


def _cut(draw: random.Random, data: bytes) -> bytes:
    at = draw.randint(0, len(data))
    return data[:at] if draw.random() < 0.5 else data[:at] + data[at + draw.randint(1, 64) :]


def _flip(draw: random.Random, data: bytes) -> bytes:
    if not data:
        return data
    at = draw.randrange(len(data))
    return data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]


def _insert(draw: random.Random, data: bytes) -> bytes:
    at = draw.randint(0, len(data))
    return data[:at] + draw.choice(_BYTES) * draw.choice((1, 1, 2, 1000)) + data[at:]


def _double(draw: random.Random, data: bytes) -> bytes:
    at = draw.randint(0, len(data))
    return data[:at] + data[at : at + draw.randint(1, 2000)] * 2 + data[at:]


def _number(draw: random.Random, data: bytes) -> bytes:
    at = draw.randint(0, max(0, len(data) - 4))
    return data[:at] + draw.choice(_NUMBERS) + data[at + 4 :]
