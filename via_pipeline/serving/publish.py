"""Publishing: build the file from scratch, check it, put it in the place of the old one.

Belongs here: files in ``serve/``. Does not belong here: what stands in them (``content``), what
must hold of them (``verify``).

A reader that holds the old file keeps it; one that connects anew sees the new one whole. The same
lake gives the same bytes: one thread, no compression (FSST's is not stable), no remains of memory
(``scrub``), the storage version that DuckDB 1.0 and later read.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from via_pipeline.disclosure.model import load_datasets
from via_pipeline.serving import content
from via_pipeline.serving.scrub import scrub
from via_pipeline.serving.verify import verify
from via_pipeline.storage import lake
from via_pipeline.storage.atomic import replacing, sweep, writer_lock
from via_pipeline.storage.duck import literal, quoted, reader, work
from via_pipeline.storage.home import Home

FILE = "via.duckdb"
STORAGE_VERSION = "v1.0.0"
_BUILD = "bouw"


@dataclass(frozen=True)
class Publication:
    """What was published: the file, its bytes' SHA-256, the release and rows per table."""

    path: Path
    sha256: str
    release: str
    rows: dict[str, int]


def publish(home: Home) -> Publication:
    """Build and swap in ``serve/via.duckdb`` and ``serve/parquet/<table>.parquet``.

    Raises:
        BusyError: another process is publishing.
        ContentError: something in the lake may not be published; the old file stays.
        NoSuchTable: a protected table was never written; the old file stays.
        ScrubError: old memory in the built file cannot be cleared; the old file stays.
        VerificationError: the built file is not right; the old file stays.
    """
    live = home.serve / FILE
    with writer_lock(home.locks, "serve"):
        home.serve.mkdir(parents=True, exist_ok=True)
        sweep(home.serve)
        with replacing(live) as building:
            _build(home, building)
            scrub(building)
            rows = verify(building)
            # A write-ahead log that a killed writer left beside the live file would be replayed
            # into the new one.
            live.with_name(live.name + ".wal").unlink(missing_ok=True)
        _parquet(live, home.serve / "parquet")
        with live.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        return Publication(live, digest, _release(live), rows)


def _build(home: Home, path: Path) -> None:
    with work(home.scratch) as connection:
        connection.execute("SET threads = 1")
        connection.execute("SET force_compression = 'uncompressed'")
        for dataset in load_datasets():
            lake.view(connection, home.lake, dataset.table)
        connection.execute(
            f"ATTACH {literal(path)} AS {_BUILD} (STORAGE_VERSION {literal(STORAGE_VERSION)})"
        )
        content.load(connection, _BUILD, home.data / "reference")
        connection.execute(f"CHECKPOINT {_BUILD}")
        connection.execute(f"DETACH {_BUILD}")


def _parquet(live: Path, folder: Path) -> None:
    with reader(live) as connection:
        connection.execute("SET threads = 1")
        for table in content.allowed():
            with replacing(folder / f"{table}.parquet") as temporary:
                _copy(connection, table, temporary)
    for older in folder.glob("*.parquet"):
        if older.stem not in content.allowed():
            older.unlink()


def _copy(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> None:
    connection.execute(
        f"COPY (SELECT * FROM {quoted(table)} ORDER BY rowid) TO {literal(path)} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )


def _release(live: Path) -> str:
    with reader(live) as connection:
        found = connection.execute("SELECT DISTINCT uitgave FROM publicatie").fetchone()
    assert found is not None
    return found[0]
