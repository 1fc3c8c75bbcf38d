"""How DuckDB reads Parquet in a bucket: a read-only filesystem that DuckDB asks for bytes.

Belongs here: the few calls that DuckDB makes, and remembering ends of files. Does not belong here:
writing (a file is made locally and then put: ``place``). fsspec is imported with this module only.

DuckDB's own extension for this (httpfs) reads a large file as fast, but loading it costs a tenth of
a second of processor time for every connection, and it is a second client with its own idea of keys
(decision 32). The end of a Parquet file tells where everything is: one request brings it, and of a
small file all of it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from fsspec import AbstractFileSystem

from via_pipeline.storage import bucket as buckets
from via_pipeline.storage.bucket import SCHEME, Bucket, BucketError, Found

_TAIL_BYTES = 2 << 20
_KEPT_BYTES = 64 << 20


class BucketFiles(AbstractFileSystem):  # type: ignore[misc]
    """The buckets that this process opened, for one DuckDB connection."""

    protocol = "s3"
    cachable = False

    def __init__(self) -> None:
        super().__init__(use_listings_cache=False)
        self._tails: OrderedDict[str, tuple[int, bytes, Found]] = OrderedDict()
        self._kept = 0
        self._keeping = threading.Lock()

    def open(self, path: str, mode: str = "rb", **_: Any) -> _Open:
        """A file to read.

        Raises:
            FileNotFoundError: there is no such object.
            BucketError: the server does not give it, or it is not to be read.
        """
        if mode != "rb":
            raise BucketError("DuckDB may not write to object storage by itself")
        bucket, key = _place(path)
        tail, found = self._tail(bucket, key)
        return _Open(bucket, found, tail)

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Size, kind and when it was written."""
        bucket, key = _place(path)
        found = self._tail(bucket, key)[1]
        return {
            "name": path,
            "size": found.size,
            "type": "file",
            "mtime": found.modified,
            "ETag": found.etag,
        }

    def size(self, path: str) -> int:
        """Bytes of an object."""
        return int(self.info(path)["size"])

    def modified(self, path: str) -> Any:
        """When an object was written."""
        return self.info(path)["mtime"]

    def exists(self, path: str, **_: Any) -> bool:
        """Whether there is such an object."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def glob(self, path: str, **_: Any) -> list[str]:
        """The path itself: this house names every file it reads."""
        return [self._strip_protocol(path)] if self.exists(path) else []

    def _tail(self, bucket: Bucket, key: str) -> tuple[bytes, Found]:
        name = f"{bucket.url}/{key}"
        kept = self._tails.get(name)
        if kept is not None and kept[0] == bucket.generation:
            return kept[1], kept[2]
        generation = bucket.generation
        tail, found = bucket.get_tail(key, _TAIL_BYTES)
        # DuckDB reads in several threads.
        with self._keeping:
            before = self._tails.pop(name, None)
            self._kept += len(tail) - (len(before[1]) if before else 0)
            self._tails[name] = (generation, tail, found)
            while self._kept > _KEPT_BYTES and len(self._tails) > 1:
                dropped = self._tails.popitem(last=False)[1]
                self._kept -= len(dropped[1])
        return tail, found


class _Open:
    """One open file: what DuckDB does with it is seek, tell, read and close."""

    def __init__(self, bucket: Bucket, found: Found, tail: bytes) -> None:
        self._bucket, self._found, self._tail = bucket, found, tail
        self._begin = found.size - len(tail)
        self._at = 0
        self.size = found.size

    def seek(self, place: int, whence: int = 0) -> int:
        self._at = (0, self._at, self.size)[whence] + place
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    def read(self, length: int = -1) -> bytes:
        end = self.size if length < 0 else min(self._at + length, self.size)
        start, self._at = self._at, max(end, self._at)
        if end <= start:
            return b""
        if start >= self._begin:
            return self._tail[start - self._begin : end - self._begin]
        return self._bucket.get_range(self._found.key, start, end, self._found.etag)

    def close(self) -> None:
        self._tail = b""


def _place(path: str) -> tuple[Bucket, str]:
    """The opened bucket that a path is in, and its key there."""
    name = path.removeprefix(SCHEME)
    for bucket in reversed(buckets.all_opened()):
        start = bucket.url.removeprefix(SCHEME) + "/"
        if name.startswith(start):
            return bucket, name.removeprefix(start)
    raise BucketError("a file in object storage was asked for that is not of this VIA_HOME")
