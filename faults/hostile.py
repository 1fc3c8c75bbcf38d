"""Files that nobody should have to open: samples of every agreed format, spoiled by chance.

Belongs here: the samples, and how number ``n`` of a seed is spoiled (the same each time). Does not
belong here: opening them (``fuzz``).
"""

from __future__ import annotations

import io
import random
import stat
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LANDING = Path(__file__).parent.parent / "data" / "landing"
FORMULAS = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0")
_SAMPLES = {
    "csv": "p5_behoud/2019-02-18/p5_behoud_D*.csv",
    "xlsx": "p3_nudging/*/*.xlsx",
    "ods": "p6_leren_werken/*/*.ods",
    "sav": "*/*/*.sav",
    "parquet": "p4_barometer/*/*.parquet",
    "zip": "p8_begeleiding/*/*.zip",
}
KINDS = (*_SAMPLES, "name")
_BYTES = (b"\0", b"\xff", b'"', b";", b"\r", b"\n", b"PK\x03\x04", b"\xef\xbb\xbf", b"<!ENTITY ")
_NUMBERS = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x80", b"\xff\xff\xff\x7f")
_NAMES = (
    *("../../etc/passwd", "/etc/passwd", "C:\\x.csv", "a\\..\\b.csv", "a/../../b.csv"),
    *("deelnemers\0.csv", "\u202egnp.csv", "x" * 5000, ".", "..", "con.csv", "a\nb.csv"),
)


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
    path = _sample(kind if kind != "name" else "csv")
    data, name = path.read_bytes(), path.name
    if kind == "name":
        name = draw.choice([*_NAMES, _cut(draw, name.encode())[:200].decode("latin-1")])
    elif kind in ("xlsx", "ods", "zip") and draw.random() < 0.7:
        data = _inside(draw, data)
    else:
        data = spoiled(draw, data)
    return Case(kind, path.parts[-3], name, data)


def spoiled(draw: random.Random, data: bytes) -> bytes:
    """``data`` with one to eight things wrong."""
    for _ in range(draw.randint(1, 8)):
        data = draw.choice((_cut, _flip, _insert, _double, _number))(draw, data)
    return data


@cache
def _sample(kind: str) -> Path:
    return min(LANDING.glob(_SAMPLES[kind]), key=lambda path: (path.stat().st_size, path))


def _inside(draw: random.Random, data: bytes) -> bytes:
    """A ZIP of which a member, or a member's name, is spoiled and the directory is right."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        infos = old.infolist()
        victim = draw.randrange(len(infos))
        how = draw.choice(("data", "data", "data", "name", "link", "bomb", "gone"))
        for place, info in enumerate(infos):
            content = old.read(info)
            made = zipfile.ZipInfo(info.filename)
            if place == victim:
                if how == "gone":
                    continue
                if how == "data":
                    content = spoiled(draw, content)
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
