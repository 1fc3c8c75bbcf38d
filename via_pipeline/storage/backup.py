"""Copy an installation to a folder, and put it back in an empty place.

What is copied: what partners and people keep (``VIA_DATA``), published editions with their logs
(``VIA_RELEASES``), and of ``VIA_HOME`` all that the next run builds on: ledger, lake, quarantine,
exclusions, reports, serve, letters, candidates. Left out: locks, the spill folder, what ``via run``
remembers of files by their inode (it looks again), and Dagster's history, unless asked for.

``backup.json`` lists every file with its SHA-256, and the pseudonym key by its fingerprint. The key
itself is copied only when asked: who has the key and the lake can find people.

Belongs here: copying, hashing, refusing. Does not belong here: words on a terminal.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from via_pipeline.storage.atomic import replacing, replacing_folder, write_json, writer_lock
from via_pipeline.storage.hashing import sha256_of
from via_pipeline.storage.home import Home

MANIFEST = "backup.json"
KEY = "key/pseudonym.key"
VERSION = 1
_ROOMS = (
    "ledger",
    "lake",
    "quarantine",
    "exclusions",
    "reports",
    "serve",
    "letters",
    "candidates",
)
_HISTORY = "dagster"
_SQLITE = (".sqlite", ".db")
_BESIDE_SQLITE = ("-journal", "-wal", "-shm")
_SHOWN = 5


class BackupError(RuntimeError):
    """A backup cannot be made or put back; nothing was overwritten. The message says why."""


@dataclass(frozen=True)
class Copied:
    """What was copied: number of files and bytes; ``fingerprint`` names the key of the lake."""

    files: int
    bytes: int
    fingerprint: str | None


def back_up(
    home: Home,
    folder: Path,
    *,
    at: str,
    code: str,
    fingerprint: str | None,
    key: str | None = None,
    history: bool = False,
) -> Copied:
    """Copy ``home`` to ``folder``, which must not be there yet; it appears whole or not at all.

    No writer is at work meanwhile: every lock of the installation is held. ``at`` (UTC) and
    ``code`` (the version) are told in the manifest. ``fingerprint`` is that of the key that the
    ledger knows; ``key`` (hexadecimal) is written too where it is given, 0600.

    Raises:
        BackupError: the folder is there, or lies inside what is to be copied.
        BusyError: a run is at work.
    """
    _refuse_bucket(home)
    folder = folder.absolute()
    if folder.exists() or folder.is_symlink():
        raise BackupError(f"{folder} is there already; name a folder that is not")
    for name, root in _roots(home).items():
        if folder.resolve().is_relative_to(root.resolve()):
            raise BackupError(f"{folder} lies inside what is to be copied ({name}: {root})")
    if not home.ledger.exists():
        raise BackupError(f"{home.root} has no ledger: nothing was taken in yet")
    with _still(home), replacing_folder(folder) as target:
        target.chmod(0o700)
        files, links = {}, {}
        for name, path in _all(home, history):
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if path.is_symlink():
                links[name] = os.fspath(path.readlink())
                continue
            if path.suffix in _SQLITE:
                _copy_database(path, copy)
            else:
                shutil.copy2(path, copy)
            files[name] = _described(copy)
        if key is not None:
            (target / KEY).parent.mkdir(mode=0o700)
            descriptor = os.open(target / KEY, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as handle:
                handle.write(key + "\n")
            files[KEY] = _described(target / KEY)
        write_json(
            target / MANIFEST,
            {
                "version": VERSION,
                "made_at": at,
                "code": code,
                "pseudonym_key": fingerprint,
                "files": files,
                "links": links,
            },
        )
    return Copied(len(files), sum(file["bytes"] for file in files.values()), fingerprint)


def check(folder: Path) -> dict[str, Any]:
    """The manifest of the backup in ``folder``, after every file was compared with it.

    Raises:
        BackupError: it is no backup, or files are missing, extra, or not what they were.
    """
    try:
        told: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files, links = told["files"], told["links"]
    except (OSError, ValueError, KeyError, TypeError):
        raise BackupError(f"{folder} is no backup: there is no readable {MANIFEST} in it") from None
    if told.get("version") != VERSION:
        raise BackupError(f"{folder} is a backup of another kind (version {told.get('version')})")
    for name in [*files, *links]:
        _honest(name)
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() or path.is_symlink()
    } - {MANIFEST}
    wrong = sorted(there ^ files.keys()) + sorted(
        name for name in files.keys() & there if _described(folder / name) != files[name]
    )
    if wrong:
        raise BackupError(
            f"the backup is not what it was: {len(wrong)} file(s) missing, extra or changed, "
            f"such as {', '.join(wrong[:_SHOWN])}. Take another backup"
        )
    return told


def restore(folder: Path, home: Home) -> Copied:
    """Put the backup in ``folder`` back into ``home``.

    Files that are there already with the same bytes are left: an interrupted restore is finished
    by running it again. The key is not put anywhere.

    Raises:
        BackupError: the backup is damaged, or the place holds files that are not the backup's.
        BusyError: a run is at work there.
    """
    _refuse_bucket(home)
    folder = folder.absolute()
    told = check(folder)
    files = {name: found for name, found in told["files"].items() if name != KEY}
    home.ensure()
    with _still(home):
        _refuse_foreign(home, files, told["links"])
        for name, found in sorted(files.items()):
            target = _place(home, name)
            if target.exists() and _described(target) == found:
                continue
            with replacing(target) as temporary:
                shutil.copy2(folder / name, temporary)
        for name, target in sorted(told["links"].items()):
            link = _place(home, name)
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(target)
    home.ensure()
    return Copied(len(files), sum(f["bytes"] for f in files.values()), told["pseudonym_key"])


def _refuse_bucket(home: Home) -> None:
    """A copy of the state folder alone would pass for a backup."""
    if home.url is not None:
        raise BackupError(
            f"VIA_HOME is object storage ({home.url}): its versions and replication are the backup "
            "there, see docs/object-storage.md"
        )


def _roots(home: Home) -> dict[str, Path]:
    return {"home": home.root, "data": home.data, "releases": home.releases}


def _place(home: Home, name: str) -> Path:
    root, _, rest = name.partition("/")
    return _roots(home)[root] / rest


def _all(home: Home, history: bool) -> Iterator[tuple[str, Path]]:
    """Every file and link to copy, with its name in the backup."""
    rooms = (*_ROOMS, _HISTORY) if history else _ROOMS
    for room in rooms:
        yield from _below(home.root / room, f"home/{room}")
    releases = home.releases.absolute()
    for name, path in _below(home.data, "data"):
        if not path.absolute().is_relative_to(releases):
            yield name, path
    yield from _below(home.releases, "releases")


def _below(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if any(part.startswith(".tmp-") for part in inside.parts):
            continue
        if path.name.endswith(_BESIDE_SQLITE):
            continue
        if path.is_symlink() or path.is_file():
            yield f"{prefix}/{inside.as_posix()}", path


def _refuse_foreign(home: Home, files: dict[str, Any], links: dict[str, str]) -> None:
    foreign = []
    for name, path in _all(home, True):
        if name in links and path.is_symlink() and os.fspath(path.readlink()) == links[name]:
            continue
        if name in files and not path.is_symlink() and _described(path) == files[name]:
            continue
        foreign.append(str(path))
    if foreign:
        raise BackupError(
            f"the place is not empty: {len(foreign)} file(s) are not the backup's, such as "
            f"{', '.join(foreign[:_SHOWN])}. Let VIA_HOME, VIA_DATA and VIA_RELEASES name empty "
            "folders, or move these files away"
        )


@contextmanager
def _still(home: Home) -> Iterator[None]:
    """Hold every lock that a writer of this installation ever took."""
    names = {"via-run", *(path.stem for path in home.locks.glob("*.lock"))}
    with ExitStack() as stack:
        for name in sorted(names, key=lambda name: (name != "via-run", name)):
            stack.enter_context(writer_lock(home.locks, name, 5))
        yield


def _described(path: Path) -> dict[str, Any]:
    return {"sha256": sha256_of(path), "bytes": path.stat().st_size}


def _copy_database(source: Path, target: Path) -> None:
    """SQLite's own copy: whole also where a journal of a killed writer lies beside it."""
    with (
        closing(sqlite3.connect(f"file:{source}?mode=rw", uri=True)) as opened,
        closing(sqlite3.connect(target)) as copy,
    ):
        opened.backup(copy)
    shutil.copymode(source, target)


def _honest(name: str) -> None:
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or parts[0] not in ("home", "data", "releases", "key"):
        raise BackupError(f"the manifest names a path outside the backup: {name}")
