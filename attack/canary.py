"""Planted identifiers, looked for in every byte: as they are, encoded, packed and in databases.

Belongs here: in how many ways a text may stand in a file, and opening what holds files or rows.
Does not belong here: who the planted person is (the tests plant one; a file names another).
"""

from __future__ import annotations

import base64
import gzip
import html
import io
import sqlite3
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, quote_plus

import ahocorasick

from attack.findings import Finding, Severity

_ENCODINGS = ("utf-8", "cp1252", "cp850", "utf-16-le", "utf-16-be", "utf-32-le")
_DEPTH = 4
_GROUPS = ((3, 3, 3), (2, 3, 4), (4, 2, 3), (1, 4, 4))


def attack(folders: Iterable[Path], needles: Sequence[str]) -> list[Finding]:
    """Every file below ``folders`` that holds one of ``needles``, in contents or in its name.

    A finding names the place and the way, never the needle.
    """
    if not needles:
        return []
    # All forms at once, in one pass over the bytes: there are more than a hundred to a needle.
    # The automaton reads text, and Latin-1 is the text that has one character a byte.
    wanted = ahocorasick.Automaton()
    for number, needle in enumerate(needles, 1):
        for form, how in forms(needle):
            wanted.add_word(form.decode("latin-1"), f"needle {number}: {how}")
    wanted.make_automaton()
    found = set()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            where = path.relative_to(folder.parent).as_posix()
            pieces = [("its name", path.name.encode("utf-8", "surrogateescape"))]
            if path.is_file():
                pieces += list(opened(path.read_bytes(), "contents", path))
            for inside, data in pieces:
                ways = {
                    how
                    for text in (data.lower(), data)
                    for _, how in wanted.iter(text.decode("latin-1"))
                }
                found |= {
                    Finding(Severity.HIGH, "canary", _blind(where), inside, how) for how in ways
                }
    return sorted(found)


def forms(needle: str) -> Iterator[tuple[bytes, str]]:
    """The ways in which ``needle`` may stand in bytes, in lower case (base64 as it is)."""
    spelled = {needle, unicodedata.normalize("NFD", needle)}
    if needle.isdigit() and len(needle) == 9:
        for sizes in _GROUPS:
            places = [sum(sizes[:index]) for index in range(len(sizes))]
            parts = [needle[p : p + size] for p, size in zip(places, sizes, strict=True)]
            spelled |= {sign.join(parts) for sign in (".", " ", "-", "\xa0")}
    for text in sorted(spelled):
        small = text.lower()
        for encoding in _ENCODINGS:
            try:
                coded = small.encode(encoding)
            except UnicodeEncodeError:
                continue
            yield coded, encoding
            yield coded[::-1], f"{encoding}, reversed"
        plain = text.encode()
        yield plain.hex().encode(), "hexadecimal"
        for way in (quote, quote_plus):
            yield way(text).lower().encode(), "URL-encoded"
        yield small.encode("ascii", "backslashreplace"), "escaped"
        yield small.encode("ascii", "xmlcharrefreplace"), "as entities"
        yield html.escape(small).encode(), "as HTML"
        for before in range(3):
            # What stands before shifts base64 by a sixth of a byte: the middle stays the same.
            coded = base64.b64encode(b"\0" * before + plain)
            inner = coded[(before * 8 + 5) // 6 : len(coded) - 4]
            if len(inner) >= 8:
                yield inner, "base64"


def opened(data: bytes, inside: str, path: Path | None = None, depth: int = 0) -> Iterator:
    """``(place, bytes)`` of ``data`` itself and of all that it holds, unpacked."""
    yield inside, data
    if depth >= _DEPTH:
        return
    if data[:2] == b"PK" and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield f"{inside}, a member's name", name.encode()
                yield from opened(archive.read(name), f"{inside}, unpacked", None, depth + 1)
    elif data[:2] == b"\x1f\x8b":
        yield from opened(gzip.decompress(data), f"{inside}, unpacked", None, depth + 1)
    elif data[:15] == b"SQLite format 3":
        yield f"{inside}, rows", _rows_of_sqlite(data, path)
    elif data[:4] == b"PAR1":
        import pyarrow.parquet as pq

        with io.BytesIO(data) as handle:
            table = pq.read_table(handle)
        yield f"{inside}, rows", "\n".join(str(column) for column in table.to_pylist()).encode()
        yield f"{inside}, description", str(table.schema.metadata).encode()
    elif data[8:12] == b"DUCK" and path is not None:
        yield f"{inside}, rows", _rows_of_duckdb(path)


def _rows_of_sqlite(data: bytes, path: Path | None) -> bytes:
    connection = sqlite3.connect(":memory:")
    if path is not None:
        # With its write-ahead log beside it, unlike the bytes alone.
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    else:
        connection.deserialize(data)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        return "\n".join(connection.iterdump()).encode("utf-8", "surrogateescape")
    finally:
        connection.close()


def _rows_of_duckdb(path: Path) -> bytes:
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal")
        views = [name for (name,) in names.fetchall()]
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        rows = [
            str(connection.execute(f'SELECT * FROM "{name}"').fetchall())
            for name in [*views, *(name for (name,) in tables)]
        ]
        told = connection.execute("SELECT comment FROM duckdb_columns()").fetchall()
    return "\n".join([*rows, str(told)]).encode()


def _blind(where: str) -> str:
    """A place without what may be a needle in a file's name: its folder and its kind."""
    folder, _, name = where.rpartition("/")
    return f"{folder}/*{Path(name).suffix}" if any(map(str.isdigit, name)) else where
