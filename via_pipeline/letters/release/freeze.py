"""Published editions: folders that are written once and never again.

Belongs here: putting a candidate in its place for good, and finding what was published. Does not
belong here: whether it may be published (``gate``).

A revision lies in ``releases/<edition>/r<revision>/``, for reading only. It appears there by one
rename; a record in the log makes it published. Killed before the rename there is nothing; killed
between rename and record there is a folder that is not published yet, and publishing again finds
it, sees that it is the approved package, and completes the record.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import uuid
from datetime import date
from pathlib import Path

from via_pipeline.letters import archive
from via_pipeline.letters.release import log
from via_pipeline.letters.release.dossier import Published, replay
from via_pipeline.storage import sums
from via_pipeline.storage.atomic import replacing
from via_pipeline.storage.hashing import sha256_of
from via_pipeline.storage.home import Home

NOTES = "REVISIES.md"
_READ_FILE = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
_READ_FOLDER = _READ_FILE | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


class FrozenError(RuntimeError):
    """Something else lies where a revision must come; it is never overwritten."""


def folder_of(home: Home, edition: str, revision: int) -> Path:
    """Where a published revision lies."""
    return home.releases / edition / f"r{revision}"


def freeze(home: Home, edition: str, revision: int, candidate: Path, package: str) -> Path:
    """Put the candidate in its place, for reading only; the folder.

    Call it inside ``log.writing``.

    Raises:
        FrozenError: the candidate is not the package of that hash, or another lies there already.
    """
    folder = folder_of(home, edition, revision)
    if folder.exists():
        _same(folder, package)
        return folder
    for leftover in folder.parent.glob(".tmp-*/"):
        remove(leftover)
    temporary = folder.with_name(f".tmp-{uuid.uuid4().hex}-{folder.name}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(candidate, temporary)
        _same(temporary, package)
        _settle(temporary)
        # Not os.replace of a folder that could be there: the rename fails on one that is not empty.
        temporary.rename(folder)
        _sync(folder.parent)
    finally:
        if temporary.exists():
            remove(temporary)
    return folder


def zip_of(home: Home, edition: str, revision: int) -> Path:
    """Where the ZIP of a published revision lies."""
    folder = folder_of(home, edition, revision)
    return folder.with_name(f"{edition}-{folder.name}.zip")


def freeze_zip(home: Home, edition: str, revision: int) -> tuple[Path, str]:
    """Make the ZIP of a frozen folder, for reading only; its path and SHA-256.

    Call it inside ``log.writing``, before the record that makes the revision published: until then
    a ZIP that a killed process left may be replaced, afterwards nothing writes here.
    """
    folder, path = folder_of(home, edition, revision), zip_of(home, edition, revision)
    said = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    with replacing(path) as temporary:
        day = date.fromisoformat(said["leesdatum"])
        archive.of_folder(temporary, folder, day, path.stem)
    path.chmod(_READ_FILE)
    for leftover in path.parent.glob(".tmp-*.zip"):
        leftover.unlink()
    return path, sha256_of(path)


def published(home: Home, edition: str | None = None) -> list[tuple[str, Published]]:
    """Every published revision (edition, revision), oldest first; those retracted as well.

    Editions whose log is damaged are told up to the damage: ``verify`` speaks of it.
    """
    names = [edition] if edition else editions(home)
    return sorted(
        ((name, item) for name in names for item in _published(home, name)),
        key=lambda pair: (pair[1].at, pair[0], pair[1].revision),
    )


def newest(home: Home, edition: str) -> Published | None:
    """The newest published revision of an edition that was not retracted."""
    standing = [item for item in _published(home, edition) if item.retracted is None]
    return standing[-1] if standing else None


def editions(home: Home) -> list[str]:
    """Editions that have a log or a published folder."""
    if not home.releases.is_dir():
        return []
    return sorted(
        path.name
        for path in home.releases.iterdir()
        if path.is_dir() and not path.name.startswith(".")
    )


def remove(folder: Path) -> None:
    """Remove a folder that is for reading only; never one that was published."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder)


def _published(home: Home, edition: str) -> tuple[Published, ...]:
    content = log.read(log.path_of(home, edition))
    return replay(edition, content.records)[0].published


def _same(folder: Path, package: str) -> None:
    broken = [f"{item.file} {item.text}" for item in sums.problems(folder)]
    if sums.folder_hash(folder) != package or broken:
        raise FrozenError(
            f"{folder.name.split('-')[-1]}: niet het pakket dat is goedgekeurd"
            + (f" ({'; '.join(broken)})" if broken else "")
        )


def _settle(folder: Path) -> None:
    """Flush every file, then take away the right to write, folders last."""
    paths = sorted(folder.rglob("*"), reverse=True)
    for path in paths:
        if path.is_file():
            _sync(path)
            path.chmod(_READ_FILE)
    for path in [*(path for path in paths if path.is_dir()), folder]:
        path.chmod(_READ_FOLDER)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
