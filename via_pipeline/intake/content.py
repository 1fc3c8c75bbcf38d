"""The bytes of a delivery, wherever they are: a file in landing, or a ZIP's member in memory.

Belongs here: opening, hashing, and lending a path to a library that insists on one. Raw bytes are
never written to disk outside landing: a lent path is the landing file itself or an anonymous file
in memory (``memfd``), which has no name and is gone when closed.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20


class NoMemoryFile(OSError):
    """This system has no anonymous memory files (memfd), so no path can be lent."""


@dataclass(frozen=True)
class Content:
    """One file's bytes. ``name`` is how the sender knows it (``levering.zip/studenten.csv``)."""

    name: str
    path: Path | None = None
    data: bytes | None = field(default=None, repr=False)

    @property
    def base_name(self) -> str:
        """The last part of the name."""
        return self.name.rsplit("/", 1)[-1]

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """A binary stream over the bytes, at their beginning."""
        if self.path is not None:
            with self.path.open("rb") as handle:
                yield handle
        else:
            yield io.BytesIO(self.data or b"")

    def chunks(self, size: int = _CHUNK) -> Iterator[bytes]:
        """The bytes in pieces of ``size``."""
        with self.open() as handle:
            while piece := handle.read(size):
                yield piece

    def head(self, size: int) -> bytes:
        """The first ``size`` bytes."""
        with self.open() as handle:
            return handle.read(size)

    def read(self) -> bytes:
        """All bytes at once; for formats that cannot be streamed."""
        if self.data is not None:
            return self.data
        with self.open() as handle:
            return handle.read()

    @contextmanager
    def lent_path(self, encoding: str | None = None) -> Iterator[str]:
        """A path under which a library may read the bytes, as long as the context lasts.

        With ``encoding`` the text is offered as UTF-8.

        Raises:
            NoMemoryFile: the bytes are not in a file and this system has no memfd.
        """
        if self.path is not None and encoding is None:
            yield str(self.path)
            return
        if not hasattr(os, "memfd_create"):
            raise NoMemoryFile("os.memfd_create is not available on this system")
        descriptor = os.memfd_create("via-intake")
        try:
            with os.fdopen(os.dup(descriptor), "wb") as out:
                for piece in self._recoded(encoding) if encoding else self.chunks():
                    out.write(piece)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)

    def _recoded(self, encoding: str) -> Iterator[bytes]:
        with self.open() as handle, io.TextIOWrapper(handle, encoding, newline="") as text:
            while piece := text.read(_CHUNK):
                yield piece.encode("utf-8")


def sha256_of(content: Content) -> str:
    """The sha256 of the bytes, streamed, in hex."""
    digest = hashlib.sha256()
    for piece in content.chunks():
        digest.update(piece)
    return digest.hexdigest()
