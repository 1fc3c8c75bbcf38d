"""Find deliveries: what lies in ``landing/<source>/[<received date>/]``, and the kept folders.

Belongs here: which paths are a delivery, when they were received, their bytes and hash. Does not
belong here: what is in them. Hidden and temporary names are no deliveries: programs that copy or
edit a file use them while at work.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from via_pipeline.intake import corrections
from via_pipeline.intake.content import Content, sha256_of
from via_pipeline.storage.home import Home

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TEMPORARY = re.compile(r"\..*|~\$.*|.*~|.*\.(part|filepart|crdownload|tmp)", re.IGNORECASE)
_README = re.compile(r"(readme|leesmij)(\.(md|txt))?", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """One delivery as found. ``path`` is relative to the data folder; ``received`` None: kept."""

    source: str
    absolute: Path
    path: str
    received: date | None

    @property
    def file_name(self) -> str:
        """The name of the file or folder."""
        return self.absolute.name

    @property
    def is_correction(self) -> bool:
        """Whether it is a list of corrections of another delivery, where such lists lie."""
        return self.path.startswith(f"{corrections.FOLDER}/") and corrections.is_list(
            self.file_name
        )

    @property
    def is_folder(self) -> bool:
        """Whether the delivery is a folder of files."""
        return self.absolute.is_dir() and not self.absolute.is_symlink()

    def files(self) -> list[Content]:
        """The files that make up the delivery, by name; names are relative to the delivery."""
        if not self.is_folder:
            return [Content(self.file_name, self.absolute)]
        inside = sorted(
            (path.relative_to(self.absolute).as_posix(), path)
            for path in self.absolute.rglob("*")
            if path.is_file() and not path.is_symlink()
        )
        return [
            Content(name, path)
            for name, path in inside
            if not any(_TEMPORARY.fullmatch(part) for part in name.split("/"))
        ]

    def newest_change(self) -> float:
        """The latest modification time (seconds since 1970) of any of its files."""
        if self.absolute.is_symlink():
            return self.absolute.lstat().st_mtime
        paths = [content.path for content in self.files() if content.path]
        return max((path.stat().st_mtime for path in paths), default=0.0)

    def measure(self) -> tuple[int, str]:
        """Number of bytes and sha256; of a folder over sorted relative names and contents."""
        if self.absolute.is_symlink():
            target = str(self.absolute.readlink()).encode("utf-8", "surrogateescape")
            return len(target), hashlib.sha256(b"symlink\0" + target).hexdigest()
        files = self.files()
        total = sum(content.path.stat().st_size for content in files if content.path)
        if not self.is_folder:
            return total, sha256_of(files[0])
        digest = hashlib.sha256()
        for content in files:
            digest.update(f"{content.name}\0{sha256_of(content)}\n".encode())
        return total, digest.hexdigest()


def deliveries(home: Home, source: str, today: date) -> list[Found]:
    """Deliveries in the landing folder of ``source``, ordered by received date and path.

    What lies directly in the source's folder counts as received ``today``. Correction lists of the
    source come with them; whatever else lies beside those lists is no delivery.
    """
    folder = home.landing / source
    found = _corrections(home, source)
    for entry in _entries(folder):
        received = _received(entry)
        if received is None:
            found.append(Found(source, entry, _relative(home, entry), today))
        else:
            found += [
                Found(source, inner, _relative(home, inner), received) for inner in _entries(entry)
            ]
    return sorted(found, key=lambda item: (item.received or date.min, item.path))


def _corrections(home: Home, source: str) -> list[Found]:
    found = [
        Found(source, inner, _relative(home, inner), _received(day))
        for day in _entries(home.data / corrections.FOLDER / source)
        if _received(day) is not None
        for inner in _entries(day)
    ]
    return [one for one in found if one.is_correction and not one.absolute.is_symlink()]


def kept(home: Home, source: str, folder: str) -> list[Found]:
    """The kept folder ``data/<folder>`` as one delivery; empty where it does not exist."""
    path = home.data / folder
    return [Found(source, path, _relative(home, path), None)] if path.is_dir() else []


def of_unknown(home: Home, known: Iterable[str], today: date) -> list[Found]:
    """Deliveries in landing folders that are no source's, and files beside those folders.

    A read-me directly in ``landing/`` is for people and is no delivery.
    """
    known = set(known)
    found: list[Found] = []
    for entry in _entries(home.landing):
        if entry.is_dir() and not entry.is_symlink():
            if entry.name not in known:
                found += deliveries(home, entry.name, today)
        elif not _README.fullmatch(entry.name):
            found.append(Found("onbekend", entry, _relative(home, entry), today))
    return found


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not _TEMPORARY.fullmatch(path.name))


def _received(entry: Path) -> date | None:
    """The date that a folder is named after; None where it is not a date folder."""
    if entry.is_dir() and not entry.is_symlink() and _DATE.fullmatch(entry.name):
        try:
            return date.fromisoformat(entry.name)
        except ValueError:
            return None
    return None


def _relative(home: Home, path: Path) -> str:
    return path.relative_to(home.data).as_posix()
