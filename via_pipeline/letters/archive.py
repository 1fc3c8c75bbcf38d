"""ZIP files that are the same bytes for the same content: fixed order, dates and permissions.

Belongs here: writing a ZIP. Does not belong here: what goes into one.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path

_MODE = 0o100644 << 16
_LEVEL = 6
_UNIX = 3


def write(path: Path, entries: Iterable[tuple[str, bytes]], day: date, plain: int = 0) -> None:
    """Write ``entries`` (name, content) in the order given, dated ``day``.

    The first ``plain`` entries are stored without compression, as some formats want of a first
    entry that names them.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for number, (name, content) in enumerate(entries):
            info = zipfile.ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0))
            info.external_attr = _MODE
            info.create_system = _UNIX
            kind = zipfile.ZIP_STORED if number < plain else zipfile.ZIP_DEFLATED
            archive.writestr(info, content, compress_type=kind, compresslevel=_LEVEL)


def of_folder(path: Path, folder: Path, day: date, name: str | None = None) -> None:
    """Write every file below ``folder``, under ``name`` (the folder's own), sorted, dated
    ``day``."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    write(
        path,
        (
            (f"{name or folder.name}/{file.relative_to(folder).as_posix()}", file.read_bytes())
            for file in files
        ),
        day,
    )
