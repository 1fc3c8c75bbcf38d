"""Writing so that a reader, or a killed process, never leaves half a file behind.

Everything is written under a temporary name in the same folder, flushed to disk and renamed.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

TEMPORARY = ".tmp-"
LOCK_WAIT_SECONDS = 120


class BusyError(RuntimeError):
    """Another process holds the lock and did not let go within the wait."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it takes the place of ``path``.

    On an exception the temporary file is removed and ``path`` is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}-{path.name}")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; on success it takes the place of ``path``.

    An existing folder is moved aside first and removed after the rename: a reader that opens the
    folder in between finds it absent, never half.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}-{path.name}")
    aside = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}-old-{path.name}")
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _flush(file)
        if path.exists():
            path.replace(aside)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def replacing_by_link(link: Path) -> Iterator[Path]:
    """Yield a temporary folder; on success the symbolic link ``link`` points at it.

    There is no moment without a folder at ``link``. Two folders beside it take turns, so who still
    reads the old one may finish. A real folder at ``link`` (an older layout) gives way, once.
    """
    turns = [link.with_name(f".{link.name}-{turn}") for turn in (1, 2)]
    is_link = link.is_symlink()
    target = turns[1] if is_link and link.readlink().name == turns[0].name else turns[0]
    with replacing_folder(target) as temporary:
        yield temporary
    if link.exists() and not is_link:
        link.replace(turns[1])
    new = link.with_name(f"{TEMPORARY}{uuid.uuid4().hex}-{link.name}")
    new.symlink_to(target.name, target_is_directory=True)
    new.replace(link)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with ``\\n`` line ends, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, so that the same value gives the same bytes; atomically."""
    write_text(path, as_json(value))


def as_json(value: Any) -> str:
    """JSON with sorted keys, so that the same value gives the same text."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def sweep(folder: Path, older_than_seconds: float = 0) -> int:
    """Remove what a killed process left under a temporary name below ``folder``; return how many.

    Call it only while holding the lock of that folder's writer, or for things of an age that no
    writer at work has.
    """
    found = 0
    latest = time.time() - older_than_seconds
    for leftover in sorted(folder.rglob(f"{TEMPORARY}*")) if folder.exists() else []:
        if not os.path.lexists(leftover) or leftover.lstat().st_mtime > latest:
            continue
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
        found += 1
    return found


@contextmanager
def writer_lock(locks: Path, name: str, wait_seconds: float = LOCK_WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock ``name``; one process writes a thing at a time.

    Raises:
        BusyError: another process kept the lock for longer than ``wait_seconds``.
    """
    locks.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(str(locks / f"{name}.lock"), timeout=wait_seconds):
            yield
    except Timeout as error:
        raise BusyError(
            f"another run is writing '{name}' and did not finish within {wait_seconds:.0f} s; "
            "wait for it to end, or stop it in the Dagster UI"
        ) from error


def _flush(path: Path) -> None:
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())
