"""Publishing: build a release from scratch, check it, give it to readers at once.

Belongs here: the files of a release. Does not belong here: what stands in them (``content``), what
must hold of them (``verify``), which release is in force (``releases``).

A reader that holds the old release keeps it; one that connects anew sees the new one whole. The
same lake gives the same bytes (``storage.duckfile``).
"""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from via_pipeline.disclosure.model import load_datasets
from via_pipeline.serving import content, releases
from via_pipeline.serving.verify import verify
from via_pipeline.storage import lake, sums
from via_pipeline.storage.atomic import replacing, sweep, writer_lock
from via_pipeline.storage.duck import literal, quoted, reader, work
from via_pipeline.storage.duckfile import building as building_file
from via_pipeline.storage.hashing import sha256_of
from via_pipeline.storage.home import Home
from via_pipeline.storage.spreadsheet import harmless_columns

FILE = "via.duckdb"
_BUILD = "bouw"
_TWINS = {
    "parquet": "FORMAT parquet, COMPRESSION zstd",
    # RFC 4180, as the package of a letter has it: commas, CRLF, quotes where needed.
    "csv": "FORMAT csv, HEADER, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NEW_LINE '\\r\\n'",
}


@dataclass(frozen=True)
class Publication:
    """What was published: the file, its bytes' SHA-256, the release and rows per table.

    ``is_in_force`` is False while somebody keeps readers on another release.
    """

    path: Path
    sha256: str
    release: str
    rows: dict[str, int]
    is_in_force: bool = True


def publish(home: Home) -> Publication:
    """Build ``serve/<release>/`` (DuckDB file, Parquet and CSV twins) and let readers get it.

    Raises:
        BusyError: another process is publishing.
        ContentError: something in the lake may not be published; the old release stays.
        NoSuchTable: a protected table was never written; the old release stays.
        ScrubError: old memory in the built file cannot be cleared; the old release stays.
        VerificationError: the built file is not right; the old release stays.
    """
    with writer_lock(home.locks, releases.LOCK):
        home.serve.mkdir(parents=True, exist_ok=True)
        sweep(home.serve)
        building = home.serve / f".tmp-{uuid.uuid4().hex}-{_BUILD}"
        building.mkdir()
        try:
            with replacing(building / FILE) as file:
                _build(home, file)
                rows = verify(file)
            for name, options in _TWINS.items():
                _twins(building / FILE, building / name, options)
            sums.write(building)
            _open(building)
            release = _release(building / FILE)
            _place(building, home.serve / release)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        releases.came_into_force(home, release)
        path = home.serve / release / FILE
        in_force = releases.Releases.read(home).in_force
        return Publication(path, sha256_of(path), release, rows, in_force == release)


def _open(folder: Path) -> None:
    """Readers have accounts of their own: what is published is readable, whatever the umask."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _place(building: Path, folder: Path) -> None:
    """Make ``folder`` what was built; one that is right is left alone, a spoiled one mended.

    Mended file by file: the folder may be in use, and must not be away for a moment. A write-ahead
    log that a killed writer left beside the file would be replayed into the new one, so strays go
    first.
    """
    if not folder.exists():
        building.replace(folder)
        return
    spoiled = releases.changed(folder)
    for name in spoiled:
        if not (building / name).exists():
            (folder / name).unlink()
    for name in spoiled:
        if (building / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (building / name).replace(folder / name)


def _build(home: Home, path: Path) -> None:
    with work(home.scratch) as connection:
        for dataset in load_datasets():
            lake.view(connection, home.lake, dataset.table)
        with building_file(connection, path) as catalog:
            content.load(connection, catalog, home.data / "reference")


def _twins(file: Path, folder: Path, options: str) -> None:
    """Every table as a file of its own, named after the table and the kind of file."""
    with reader(file) as connection:
        connection.execute("SET threads = 1")
        for table in content.allowed():
            columns = "*"
            if folder.name == "csv":
                described = connection.execute(f"DESCRIBE {quoted(table)}").fetchall()
                columns = harmless_columns((name, kind) for name, kind, *_ in described)
            with replacing(folder / f"{table}.{folder.name}") as temporary:
                connection.execute(
                    f"COPY (SELECT {columns} FROM {quoted(table)} ORDER BY rowid) TO "
                    f"{literal(temporary)} ({options})"
                )


def _release(live: Path) -> str:
    with reader(live) as connection:
        found = connection.execute("SELECT DISTINCT uitgave FROM publicatie").fetchone()
    assert found is not None
    return str(found[0])
