"""The lake: a table is a manifest over immutable Parquet files.

``lake/<table>/_manifest.json`` lists the files that make up the table now; replacing it is one
``os.replace``, or one conditional put in object storage, so a table changes at once or not at all.
Files may lie in another table's folder (a conformed table selects the accepted parts of deliveries
without copying them).

In object storage a manifest is replaced only if it still is the one that this process wrote last,
or else read first since it is at work (``kept.alone``), or found when it began to replace the whole
table. A later look, of whoever needs the table for something else, does not count: what is written
rests on the earlier one. So of two writers the second is told (``Overtaken``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import duckdb

from via_pipeline.storage.atomic import as_json
from via_pipeline.storage.bucket import BucketPath
from via_pipeline.storage.duck import literal, quoted
from via_pipeline.storage.place import Place, described, replacing, send, spooled, write_text

MANIFEST = "_manifest.json"
PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
"""How working tables are written. Of a level that squeezes more, writing takes twice as long."""


@dataclass(frozen=True, order=True)
class Part:
    """One immutable Parquet file of a table. ``file`` is relative to the lake's root."""

    name: str
    file: str
    rows: int
    sha256: str


class NoSuchTable(LookupError):
    """The lake has no table of that name yet."""


def write_part(
    lake: Place, table: str, name: str, connection: duckdb.DuckDBPyConnection, query: str
) -> Part:
    """Write the rows of ``query`` as one Parquet file and describe it; the manifest is untouched.

    The query must order its rows: the same rows in the same order give the same bytes.
    """
    file = f"{table}/{name}.parquet"
    place = lake / file
    with spooled(place) if isinstance(place, BucketPath) else replacing(place) as temporary:
        connection.execute(f"COPY ({query}) TO {literal(temporary)} ({PARQUET})")
        rows, sha256 = described(temporary)
        if isinstance(place, BucketPath):
            send(temporary, place, (rows, sha256))
    return Part(name, file, rows, sha256)


def describe(lake: Place, path: Place, name: str) -> Part:
    """The ``Part`` of a Parquet file that lies below ``lake``."""
    rows, sha256 = described(path)
    return Part(name, _inside(lake, path), rows, sha256)


def commit(lake: Place, table: str, parts: Iterable[Part]) -> None:
    """Make ``parts`` the content of ``table``, at once.

    Raises:
        Overtaken: in object storage, another writer changed the table meanwhile.
    """
    path = lake / table / MANIFEST
    text = as_json({"table": table, "parts": [asdict(part) for part in sorted(parts)]})
    if isinstance(path, Path):
        write_text(path, text)
        return
    tags = path.bucket.tags
    if path.key not in tags:
        _notice(path)
    try:
        tags[path.key] = path.bucket.put_if(path.key, text.encode("utf-8"), tags[path.key])
    except OSError:
        # Whatever happened: who tries again looks again.
        tags.pop(path.key, None)
        raise


def replace_table(
    lake: Place, table: str, connection: duckdb.DuckDBPyConnection, query: str
) -> Part:
    """Write the rows of ``query`` as the whole of ``table``, then remove what it replaces.

    Raises:
        Overtaken: in object storage, another writer changed the table meanwhile.
    """
    if isinstance(lake, BucketPath):
        return _replace_in_bucket(lake, table, connection, query)
    written = write_part(lake, table, "data", connection, query)
    path = lake / written.file
    final = path.with_name(_content_name(written.sha256))
    path.replace(final)
    part = Part("data", _inside(lake, final), written.rows, written.sha256)
    commit(lake, table, [part])
    for older in (lake / table).glob("data-*.parquet"):
        if older != final:
            older.unlink()
    return part


def _replace_in_bucket(
    lake: BucketPath, table: str, connection: duckdb.DuckDBPyConnection, query: str
) -> Part:
    """The part under its content's name, then the manifest, then away with what that named.

    Only what the manifest named before goes: a file that another writer just put is not ours.
    """
    _notice(lake / table / MANIFEST)
    try:
        before = parts(lake, table)
    except NoSuchTable:
        before = []
    with spooled(lake / table / "data.parquet") as temporary:
        connection.execute(f"COPY ({query}) TO {literal(temporary)} ({PARQUET})")
        rows, sha256 = described(temporary)
        final = lake / table / _content_name(sha256)
        send(temporary, final, (rows, sha256))
    part = Part("data", _inside(lake, final), rows, sha256)
    commit(lake, table, [part])
    for older in before:
        if older.file != part.file and older.file.startswith(f"{table}/"):
            (lake / older.file).unlink(missing_ok=True)
    return part


def parts(lake: Place, table: str) -> list[Part]:
    """The files that make up ``table`` now.

    Raises:
        NoSuchTable: the table was never written.
    """
    path = lake / table / MANIFEST
    try:
        text = path.read_text(encoding="utf-8") if isinstance(path, Path) else _noticed(path)
    except FileNotFoundError:
        raise NoSuchTable(f"table '{table}' is not in the lake yet") from None
    return [Part(**part) for part in json.loads(text)["parts"]]


def listed(lake: Place, table: str) -> dict[str, Part]:
    """The parts of ``table`` by name; none where it was never written."""
    try:
        return {part.name: part for part in parts(lake, table)}
    except NoSuchTable:
        return {}


def remembered(lake: Place, table: str, name: str, known: Mapping[str, Part]) -> Part | None:
    """The part of that name if it is there, so that it need not be made again.

    For parts that are named after all that they are made of. What the manifest says of it
    (``known``, see ``listed``) stands, so that damage since then is still seen as damage.
    """
    path = lake / table / f"{name}.parquet"
    if not path.exists():
        return None
    return known.get(name) or describe(lake, path, name)


def settle(lake: Place, table: str, parts: Sequence[Part]) -> None:
    """Make ``parts`` the content of ``table`` and clear away every other Parquet file it has.

    Raises:
        Overtaken: in object storage, another writer changed the table meanwhile.
    """
    commit(lake, table, parts)
    current = {lake / part.file for part in parts}
    for other in (lake / table).glob("*.parquet"):
        if other not in current:
            other.unlink(missing_ok=True)


def sweep(lake: Place, older_than_seconds: float) -> int:
    """Remove Parquet files of tables in object storage that no manifest names; return how many.

    A process killed between a file and its manifest leaves them. A younger one may be of a writer
    at work. A local lake has none: there the file itself is written under a temporary name.
    """
    if isinstance(lake, Path):
        return 0
    named = set[str]()
    latest = datetime.now(tz=UTC) - timedelta(seconds=older_than_seconds)
    present = list(lake.bucket.below(lake.key))
    start = len(PurePosixPath(lake.key).parts)
    manifests = [found.key for found in present if PurePosixPath(found.key).name == MANIFEST]
    owners = {PurePosixPath(key).parts[start] for key in manifests}
    for table in owners:
        named |= {(lake / part.file).key for part in parts(lake, table)}
    gone = [
        found.key
        for found in present
        if PurePosixPath(found.key).parts[start] in owners
        and found.key.endswith(".parquet")
        and found.key not in named
        and found.modified < latest
    ]
    for key in gone:
        lake.bucket.delete(key)
    return len(gone)


def tables(lake: Place) -> list[str]:
    """Names of all tables that have a manifest, sorted."""
    return sorted(path.parent.name for path in lake.glob(f"*/{MANIFEST}"))


def scan(lake: Place, files: Iterable[Part], empty: Mapping[str, str] | None = None) -> str:
    """SQL that reads ``files`` together, in the order of their names.

    ``empty`` maps column to DuckDB type and gives the shape when there is no file.
    """
    paths = [literal(lake / part.file) for part in sorted(files)]
    if paths:
        return f"SELECT * FROM read_parquet([{', '.join(paths)}])"
    if not empty:
        raise NoSuchTable("a table without files needs its columns told")
    columns = ", ".join(f"NULL::{kind} AS {quoted(name)}" for name, kind in empty.items())
    return f"SELECT {columns} WHERE false"


def view(
    connection: duckdb.DuckDBPyConnection,
    lake: Place,
    table: str,
    empty: Mapping[str, str] | None = None,
) -> None:
    """Make ``table`` readable under its own name on ``connection``."""
    query = scan(lake, parts(lake, table), empty)
    connection.execute(f"CREATE OR REPLACE VIEW {quoted(table)} AS {query}")


def _inside(lake: Place, path: Place) -> str:
    """The way from the lake's root to a file in it."""
    # Two of one kind, which the types do not say.
    return path.relative_to(lake).as_posix()  # type: ignore[arg-type]


def _content_name(sha256: str) -> str:
    return f"data-{sha256[:16]}.parquet"


def _notice(manifest: BucketPath) -> None:
    """Remember which manifest is there now, if any."""
    manifest.bucket.tags.pop(manifest.key, None)
    with suppress(FileNotFoundError):
        _noticed(manifest)


def _noticed(manifest: BucketPath) -> str:
    """The text of a manifest; which one it was, or that none is there, is remembered at first."""
    tags = manifest.bucket.tags
    try:
        content, tag = manifest.bucket.get_with_tag(manifest.key)
    except FileNotFoundError:
        tags.setdefault(manifest.key, None)
        raise
    tags.setdefault(manifest.key, tag)
    return content.decode("utf-8")
