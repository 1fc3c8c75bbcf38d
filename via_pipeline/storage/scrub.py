"""Zeros where DuckDB leaves a process's old memory in a file.

DuckDB 1.5 writes a block of text whole: row offsets in front, the texts at the end. A block more
than four fifths full is not compacted, and the room in between is written as the memory happened
to be. That was measured here: remains of other columns stood in the file, and the same tables gave
other bytes each time. In a process that has handled personnel files the remains could be theirs.

Belongs here: finding those gaps, filling them with zeros, setting the block's checksum right. Does
not belong here: anything else of the file format. Whatever is not as expected is refused: a file
that cannot be cleaned is not published.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from pathlib import Path

import numpy as np

from via_pipeline.storage.duck import literal, quoted, reader

# Storage version v1.0.0: three headers, then blocks of equal size, each led by its checksum.
_HEADERS = 3 * 4096
_CHECKSUM = 8
_SEED = np.uint64(5381)
_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
# A segment of text: bytes of text and where the text ends, then an offset a row.
_SEGMENT = struct.Struct("<II")
_OFFSET = 4


class ScrubError(RuntimeError):
    """The file is not laid out as DuckDB's storage v1.0.0 is known to be; nothing was written."""


def scrub(path: Path) -> int:
    """Fill every gap in the closed DuckDB file at ``path`` with zeros; bytes that were not zero.

    Raises:
        ScrubError: a block's checksum or a segment is not as expected.
    """
    size, segments = _text_segments(path)
    found = 0
    with path.open("r+b") as file:
        for block, places in sorted(segments.items()):
            start = _HEADERS + block * size
            file.seek(start)
            content = bytearray(file.read(size))
            if len(content) != size or _told(content) != checksum(content[_CHECKSUM:]):
                raise ScrubError(f"block {block} does not have the checksum that is expected")
            for offset, rows in places:
                begin, end = _gap(content, offset, rows)
                found += (end - begin) - content.count(0, begin, end)
                content[begin:end] = bytes(end - begin)
            content[:_CHECKSUM] = struct.pack("<Q", checksum(content[_CHECKSUM:]))
            file.seek(start)
            file.write(content)
    return found


def checksum(content: bytes | bytearray) -> int:
    """DuckDB's checksum of a block's content, whose size is a multiple of eight."""
    words = np.frombuffer(bytes(content), dtype="<u8")
    return int(np.bitwise_xor.reduce(words * _FACTOR) ^ _SEED)


def _told(content: bytearray) -> int:
    return int(struct.unpack_from("<Q", content)[0])


def _gap(content: bytearray, offset: int, rows: int) -> tuple[int, int]:
    """Begin and end, within a block, of the room between offsets and texts of one segment."""
    start = _CHECKSUM + offset
    length, text_end = _SEGMENT.unpack_from(content, start)
    begin = start + _SEGMENT.size + _OFFSET * rows
    end = start + text_end - length
    if not begin <= end <= len(content) or start + text_end > len(content):
        raise ScrubError("a segment of text is not laid out as expected")
    return begin, end


def _text_segments(path: Path) -> tuple[int, dict[int, list[tuple[int, int]]]]:
    """The file's block size, and per block the offset and rows of each segment of text."""
    segments: dict[int, list[tuple[int, int]]] = defaultdict(list)
    with reader(path) as connection:
        sizes = connection.execute("SELECT block_size FROM pragma_database_size()").fetchall()
        tables = connection.execute(
            "SELECT table_name FROM duckdb_tables() ORDER BY table_name"
        ).fetchall()
        for (table,) in tables:
            for kind, how, block, offset, rows in connection.execute(
                "SELECT segment_type, compression, block_id, block_offset, count "
                f"FROM pragma_storage_info({literal(quoted(table))}) "
                "WHERE segment_type = 'VARCHAR' AND persistent AND block_id >= 0"
            ).fetchall():
                if how != "Uncompressed":
                    raise ScrubError(f"a segment of type {kind} is stored as {how}")
                segments[block].append((offset, rows))
    return sizes[0][0], segments
