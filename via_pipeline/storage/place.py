"""A place that is a local path or one in object storage: what is done with both.

Belongs here: writing a file or folder as one, hashing it, counting its rows, taking it away, where
it lies decides how. Does not belong here: what a file means. Local files are written beside their
place and renamed (``atomic``), without a copy. In object storage a file is made in the spool folder
of ``VIA_STATE`` and sent in one request; a folder is sent file by file, the one that makes it count
last.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from via_pipeline.storage import atomic
from via_pipeline.storage.bucket import BucketPath
from via_pipeline.storage.hashing import sha256_of as _sha256_of

Place = Path | BucketPath

_SHA256, _ROWS = "sha256", "rows"


@contextmanager
def replacing(place: Place) -> Iterator[Path]:
    """Yield a temporary local path; on success it takes the place of ``place``, at once.

    On an exception ``place`` is untouched.

    Raises:
        BucketError: object storage did not take it; ``place`` is untouched.
    """
    if isinstance(place, Path):
        with atomic.replacing(place) as temporary:
            yield temporary
        return
    with spooled(place) as temporary:
        yield temporary
        send(temporary, place)


@contextmanager
def replacing_folder(place: Place, last: str) -> Iterator[Path]:
    """Yield a temporary local folder; on success it takes the place of ``place``.

    ``last`` is the file that makes the folder count: whoever opens it meanwhile finds that file
    absent, never a folder that is half the old one. In object storage a killed process may leave
    other files without it; writing the folder again replaces them.
    """
    if isinstance(place, Path):
        with atomic.replacing_folder(place) as temporary:
            yield temporary
        return
    with spooled(place) as temporary:
        temporary.mkdir(mode=0o700)
        yield temporary
        before = {found.key for found in place.bucket.below(place.key)}
        if (place / last).key in before:
            place.bucket.delete((place / last).key)
        names = sorted(path.name for path in temporary.iterdir() if path.name != last)
        for name in [*names, *([last] if (temporary / last).exists() else [])]:
            send(temporary / name, place / name)
        for key in sorted(before - {(place / name).key for name in (*names, last)}):
            place.bucket.delete(key)


def write_text(place: Place, text: str) -> None:
    """Write UTF-8 text with ``\\n`` line ends, at once."""
    if isinstance(place, Path):
        atomic.write_text(place, text)
    else:
        place.bucket.put(place.key, text.encode("utf-8"))


def remove_tree(folder: Place) -> None:
    """Take a folder away with all that is in it; one that is not there is no trouble."""
    if isinstance(folder, Path):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        folder.remove_tree()


def sha256_of(place: Place) -> str:
    """The SHA-256 (hex) of the bytes that lie there now: they are read.

    Raises:
        OSError: it cannot be read.
    """
    if isinstance(place, Path):
        return _sha256_of(place)
    with fetched(place) as local:
        return _sha256_of(local)


def described(place: Place) -> tuple[int, str]:
    """Rows and SHA-256 of a Parquet file; in object storage as they were told when it was put.

    Raises:
        OSError: it cannot be read.
    """
    if isinstance(place, Path):
        return _rows(place), _sha256_of(place)
    told = place.bucket.about(place.key)
    if told.get(_SHA256) and told.get(_ROWS, "").isdecimal():
        return int(told[_ROWS]), told[_SHA256]
    with fetched(place) as local:
        return _rows(local), _sha256_of(local)


def rows_of(place: Place) -> int:
    """Rows of a Parquet file."""
    return _rows(place) if isinstance(place, Path) else described(place)[0]


@contextmanager
def fetched(place: Place) -> Iterator[Path]:
    """A local file with its content; a copy of one in object storage goes afterwards."""
    if isinstance(place, Path):
        yield place
        return
    with spooled(place) as local:
        place.bucket.download(place.key, local)
        yield local


def copy_tree(folder: Place, target: Path) -> None:
    """Copy a folder to a local one."""
    if isinstance(folder, Path):
        shutil.copytree(folder, target)
        return
    for place in folder.rglob("*"):
        copy = target / place.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        place.bucket.download(place.key, copy)


def below(folder: Place, pattern: str) -> list[Place]:
    """Files anywhere below a folder whose own name fits ``pattern``, sorted."""
    if isinstance(folder, Path):
        return [*sorted(folder.rglob(pattern))]
    return [*folder.rglob(pattern)]


def within(folder: Place, pattern: str) -> list[Place]:
    """What lies in a folder and fits ``pattern`` (``*.parquet``), sorted."""
    if isinstance(folder, Path):
        return [*sorted(folder.glob(pattern))]
    return [*folder.glob(pattern)]


def send(file: Path, place: BucketPath, known: tuple[int, str] | None = None) -> None:
    """Put a local file; of a Parquet file its rows and hash (``known``: ``described``) are told."""
    about = {}
    if file.suffix == ".parquet":
        rows, sha256 = known or described(file)
        about = {_SHA256: sha256, _ROWS: str(rows)}
    place.bucket.put(place.key, file, about)


def _rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


@contextmanager
def spooled(place: BucketPath) -> Iterator[Path]:
    """A name of its own in the spool folder; what is there afterwards is removed.

    What a killed process leaves has a temporary name and is swept with all others of that kind.
    """
    spool = place.bucket.spool
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = spool / f"{atomic.TEMPORARY}{uuid.uuid4().hex}-{place.name}"
    try:
        yield temporary
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)
