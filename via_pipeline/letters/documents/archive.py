"""The same content, the same bytes: office files are ZIPs, and a ZIP remembers when it was made.

Belongs here: writing such a file anew with one moment for all parts. Does not belong here: content.
"""

from __future__ import annotations

import io
import zipfile
from datetime import date

# OpenDocument, part 2, 3.3: this part comes first and is not compressed.
_FIRST = "mimetype"
_UNIX = 3
_MODE = 0o644 << 16


def stable(content: bytes, day: date) -> bytes:
    """The ZIP file ``content`` with its parts by name, every one dated ``day``."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        names = sorted(
            {name for name in old.namelist() if not name.endswith("/")},
            key=lambda name: (name != _FIRST, name),
        )
        for name in names:
            part = zipfile.ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0))
            part.create_system, part.external_attr = _UNIX, _MODE
            part.compress_type = zipfile.ZIP_STORED if name == _FIRST else zipfile.ZIP_DEFLATED
            new.writestr(part, old.read(name))
    return made.getvalue()
