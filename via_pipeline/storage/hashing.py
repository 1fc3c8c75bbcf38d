"""The hash of a file. Belongs here: that alone, so that every room takes it the same way."""

from __future__ import annotations

import hashlib
from pathlib import Path


def sha256_of(path: Path) -> str:
    """The SHA-256 (hex) of the bytes of the file at ``path``, read in pieces.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
