"""What outlives a machine when ``VIA_HOME`` is object storage: ledger, exclusions, reports.

These are local files (SQLite, links, folders that are swapped), in ``VIA_STATE``. A room of them is
kept in the bucket as the lake keeps a table: objects under their content's hash, which never
change, and ``<room>/_latest.json``, which names them and is put last, on condition that it still is
what this machine saw. So a reader sees a whole release or the one before, a killed process leaves
at most objects that nothing names, and of two machines the second is told (``Overtaken``).

Belongs here: fetching, pushing, being the only one at work. Does not belong here: what the files
mean. With a local ``VIA_HOME`` every function does nothing.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from via_pipeline.storage.atomic import (
    TEMPORARY,
    BusyError,
    as_json,
    replacing,
    write_json,
    writer_lock,
)
from via_pipeline.storage.bucket import Bucket, BucketError, Overtaken
from via_pipeline.storage.hashing import sha256_of
from via_pipeline.storage.home import Home
from via_pipeline.storage.settings import SettingError

LATEST = "_latest.json"
LEASE = "lease.json"
BEAT = "via-lease"
PUBLISHED = ("letters", "serve")
"""Rooms that others read: what the last index named stays until the next one."""

# The ledger last: what it says was done has been kept before.
ROOMS = (
    "exclusions",
    "audit",
    "candidates",
    "reports",
    "run/uitgaven",
    *PUBLISHED,
    "ledger",
)
_LOCK = "via-run"
_SENDING = "kept"
_STATE = "kept.json"
# Long enough for what workers counted before the night that takes it up.
_ORPHAN_SECONDS = 24 * 3600
_BEAT_SECONDS = 20
_DEAD_SECONDS = 120
_BESIDE_SQLITE = ("-journal", "-wal", "-shm")


@contextmanager
def alone(home: Home, wait_seconds: float) -> Iterator[None]:
    """Be the only one at work: the lock of this machine and, in a bucket, a lease for all others.

    What the bucket has newer is fetched first, and what was done is pushed at the end, also of
    work that failed.

    Raises:
        BusyError: another process, or another machine, is at work.
        Overtaken: another machine took over meanwhile; what it wrote stands.
        BucketError: object storage cannot be used.
    """
    with writer_lock(home.locks, _LOCK, wait_seconds):
        bucket = home.bucket
        if bucket is None:
            yield
            return
        from via_pipeline.storage import lake

        with _leased(home, bucket):
            bucket.tags.clear()
            fetch(home)
            lake.sweep(home.lake, _ORPHAN_SECONDS)
            try:
                yield
            except Exception:
                _push_what_goes(home)
                raise
            push(home)


def fetch(home: Home) -> list[str]:
    """Make local what the bucket has and this machine has not seen; the rooms that it did.

    Raises:
        SettingError: ``VIA_STATE`` belongs to another ``VIA_HOME``.
        Overtaken: this machine has work that was never pushed, and the bucket went on without it.
        BucketError: object storage does not answer.
    """
    bucket = home.bucket
    if bucket is None:
        return []
    home.ensure()
    with writer_lock(home.locks, _SENDING):
        told = _told(home)
        done = []
        for room in ROOMS:
            try:
                content, tag = bucket.get_with_tag(f"{room}/{LATEST}")
            except FileNotFoundError:
                continue
            known = told["rooms"].get(room)
            if known is not None and known["tag"] == tag:
                continue
            index = json.loads(content)
            _refuse_lost_work(home, room, known, index)
            _materialise(home, bucket, room, index)
            told["rooms"][room] = _seen(home, room, index, tag)
            write_json(home.run / _STATE, told)
            done.append(room)
    return done


_fetched = set[tuple[str | None, Path]]()


def fetch_once(home: Home) -> None:
    """``fetch``, the first time in this process: a step may run on a machine that has nothing yet.

    Raises:
        SettingError, Overtaken, BucketError: see ``fetch``.
    """
    if (home.url, home.root) not in _fetched:
        fetch(home)
        _fetched.add((home.url, home.root))


def push(home: Home, rooms: tuple[str, ...] = ROOMS) -> list[str]:
    """Put what changed on this machine into the bucket; the rooms of which something had.

    Raises:
        Overtaken: another machine pushed meanwhile; nothing of that room was put.
        BucketError: object storage does not answer; what was not pushed is tried again next time.
    """
    bucket = home.bucket
    if bucket is None:
        return []
    # Steps that run beside each other on this machine share what it saw last.
    with writer_lock(home.locks, _SENDING):
        told = _told(home)
        done = []
        for room in rooms:
            known = told["rooms"].get(room)
            with _local(home, room, known) as (files, links):
                if known is not None and _content(known["index"]) == _content_of(files, links):
                    continue
                if known is None and not files and not links:
                    continue
                told["rooms"][room] = _put(bucket, room, known, files, links)
            write_json(home.run / _STATE, told)
            done.append(room)
    return done


def _put(
    bucket: Bucket,
    room: str,
    known: dict[str, Any] | None,
    files: dict[str, dict[str, Any]],
    links: dict[str, str],
) -> dict[str, Any]:
    """Objects, then the index, then away with what no index names any more."""
    before: dict[str, Any] = known["index"] if known else {"files": {}, "earlier": []}
    there = {file["object"] for file in before["files"].values()} | set(before["earlier"])
    index: dict[str, Any] = {"room": room, "files": {}, "links": links}
    for name, file in sorted(files.items()):
        key = f"{room}/files/{file['sha256'][:16]}/{Path(name).name}"
        if key not in there:
            bucket.put(key, file["path"], {"sha256": file["sha256"]})
            there.add(key)
        index["files"][name] = {
            "object": key,
            "sha256": file["sha256"],
            "bytes": file["bytes"],
            "mode": file["mode"],
        }
    named = {file["object"] for file in index["files"].values()}
    last = {file["object"] for file in before["files"].values()}
    # Who reads what is published may just have read the index before this one.
    index["earlier"] = sorted(last - named) if room in PUBLISHED else []
    tag = bucket.put_if(
        f"{room}/{LATEST}", as_json(index).encode("utf-8"), known["tag"] if known else None
    )
    for key in sorted((last | set(before["earlier"])) - named - set(index["earlier"])):
        bucket.delete(key)
    stats = {name: file["stat"] for name, file in files.items()}
    return {"tag": tag, "index": index, "stats": stats}


def _push_what_goes(home: Home) -> None:
    """After a failure, which is what must be told: keep what can be kept."""
    try:
        push(home)
    except (BucketError, OSError):
        return


def _told(home: Home) -> dict[str, Any]:
    """What this machine saw last of the bucket."""
    try:
        found: dict[str, Any] = json.loads((home.run / _STATE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        found = {"url": home.url, "rooms": {}}
    if found["url"] != home.url:
        raise SettingError(
            f"VIA_STATE is '{home.root}', but that belongs to {found['url']} and not to "
            f"{home.url}; name another folder"
        )
    return found


@contextmanager
def _local(
    home: Home, room: str, known: dict[str, Any] | None
) -> Iterator[tuple[dict[str, dict[str, Any]], dict[str, str]]]:
    """Files of a room (path to read, sha256, bytes, mode, stat) and links, by their way from it.

    A file whose size and time are as they were is not read again. A database is copied by its own
    engine, so that it is whole.
    """
    stats = known["stats"] if known else {}
    index = known["index"]["files"] if known else {}
    files: dict[str, dict[str, Any]] = {}
    links: dict[str, str] = {}
    copies: list[Path] = []
    folder = home.root / room
    try:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if any(part.startswith(TEMPORARY) for part in Path(name).parts):
                continue
            if path.is_symlink():
                links[name] = os.fspath(path.readlink())
            elif path.is_file() and not name.endswith(_BESIDE_SQLITE):
                stat = path.stat()
                now = [stat.st_size, stat.st_mtime_ns]
                told: dict[str, Any] = {"stat": now, "mode": stat.st_mode & 0o777}
                source = path
                if stats.get(name) == now:
                    same = {one: index[name][one] for one in ("sha256", "bytes")}
                    files[name] = told | same | {"path": path}
                    continue
                if path.suffix == ".sqlite":
                    source = _copied(home, path)
                    copies.append(source)
                files[name] = told | {
                    "path": source,
                    "sha256": sha256_of(source),
                    "bytes": source.stat().st_size,
                }
        yield files, links
    finally:
        for copy in copies:
            copy.unlink(missing_ok=True)


def _copied(home: Home, database: Path) -> Path:
    copy = home.scratch / f"{TEMPORARY}{secrets.token_hex(8)}-{database.name}"
    with (
        closing(sqlite3.connect(f"file:{database}?mode=rw", uri=True)) as opened,
        closing(sqlite3.connect(copy)) as target,
    ):
        opened.backup(target)
    return copy


def _refuse_lost_work(
    home: Home, room: str, known: dict[str, Any] | None, index: dict[str, Any]
) -> None:
    """Fetching would write over work that only this machine has."""
    with _local(home, room, known) as (files, links):
        mine = _content_of(files, links)
    if not mine or mine == _content(index) or (known and mine == _content(known["index"])):
        return
    raise Overtaken(
        f"{home.root}/{room} holds work that was never sent to {home.url}, and the bucket went on "
        "without it. Move VIA_STATE aside and run again: the bucket is what counts, and deliveries "
        "that it does not know are taken in again from landing"
    )


def _materialise(home: Home, bucket: Bucket, room: str, index: dict[str, Any]) -> None:
    """Make a local room what the index says; each file appears whole."""
    folder = home.root / room
    for name, file in sorted(index["files"].items()):
        path = folder / name
        if path.is_file() and sha256_of(path) == file["sha256"]:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            bucket.download(file["object"], temporary)
            if sha256_of(temporary) != file["sha256"]:
                raise BucketError(
                    f"{bucket.url}/{file['object']} is not what its index says; it was changed or "
                    "damaged. Restore that version of the bucket"
                )
            temporary.chmod(file["mode"])
    for name, target in sorted(index["links"].items()):
        link = folder / name
        if not (link.is_symlink() and os.fspath(link.readlink()) == target):
            new = link.with_name(f"{TEMPORARY}{secrets.token_hex(8)}-{link.name}")
            new.symlink_to(target)
            new.replace(link)
    named = {*index["files"], *index["links"]}
    for path in sorted(folder.rglob("*"), reverse=True):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif name not in named:
            path.unlink()


def _seen(home: Home, room: str, index: dict[str, Any], tag: str) -> dict[str, Any]:
    folder = home.root / room
    stats = {}
    for name in index["files"]:
        stat = (folder / name).stat()
        stats[name] = [stat.st_size, stat.st_mtime_ns]
    return {"tag": tag, "index": index, "stats": stats}


def _content(index: dict[str, Any]) -> dict[str, str]:
    files = {name: file["sha256"] for name, file in index["files"].items()}
    return files | {name: f"-> {target}" for name, target in index["links"].items()}


def _content_of(files: dict[str, dict[str, Any]], links: dict[str, str]) -> dict[str, str]:
    return _content({"files": files, "links": links})


# --- one machine at a time -----------------------------------------------------------------------


@contextmanager
def _leased(home: Home, bucket: Bucket) -> Iterator[None]:
    """Hold ``lease.json``: it is written again while work goes on, and removed at the end.

    A lease that nobody wrote for two minutes is of a machine that died, and is taken over. That
    rests on clocks that agree within that time; where they do not, the conditions on every index
    and manifest still let only one through.
    """
    owner = _owner(home)
    tag = _take(bucket, owner)
    held = [tag]
    lost = threading.Event()
    done = threading.Event()

    def beat() -> None:
        while not done.wait(_BEAT_SECONDS):
            try:
                held[0] = bucket.put_if(LEASE, _lease(owner), held[0])
            except Overtaken:
                lost.set()
                return
            except OSError:
                continue

    thread = threading.Thread(target=beat, name=BEAT, daemon=True)
    thread.start()
    try:
        yield
        if lost.is_set():
            raise Overtaken(
                f"another machine took over {bucket.url} while this one did not answer; what it "
                "wrote stands. Run again"
            )
    finally:
        done.set()
        thread.join()
        if not lost.is_set():
            # Where that fails it ends by itself.
            with suppress(BucketError):
                bucket.delete(LEASE)


def _take(bucket: Bucket, owner: str) -> str:
    """The tag of the lease, which is ours now.

    Raises:
        BusyError: another machine holds it.
        BucketError: the server does not know conditional writes.
    """
    try:
        tag = bucket.put_if(LEASE, _lease(owner), None)
    except Overtaken:
        found = bucket.head(LEASE)
        if found is None:
            return _take(bucket, owner)
        holder = json.loads(bucket.get(LEASE))
        is_dead = datetime.now(tz=UTC) - found.modified > timedelta(seconds=_DEAD_SECONDS)
        busy = BusyError(
            f"another machine is at work in {bucket.url} (last seen {holder.get('seen')}); wait "
            f"for it to end. If it died, its claim ends by itself after {_DEAD_SECONDS} s"
        )
        if holder.get("owner") != owner and not is_dead:
            raise busy from None
        try:
            tag = bucket.put_if(LEASE, _lease(owner), found.etag)
        except Overtaken:
            # It lives: it wrote in between.
            raise busy from None
    try:
        bucket.put_if(LEASE, _lease(owner), None)
    except Overtaken:
        return tag
    bucket.delete(LEASE)
    raise BucketError(
        f"the object storage of {bucket.url} does not keep to conditional writes (If-None-Match): "
        "two machines could write over each other. Use a server that does"
    )


def _owner(home: Home) -> str:
    """A name for this state folder: who is killed and runs again need not wait for itself."""
    path = home.run / "owner"
    if not path.exists():
        with replacing(path) as temporary:
            temporary.write_text(secrets.token_hex(8), encoding="ascii")
    return path.read_text(encoding="ascii")


def _lease(owner: str) -> bytes:
    now = datetime.now(tz=UTC)
    told = {"owner": owner, "seen": f"{now:%Y-%m-%dT%H:%M:%SZ}", "beat": time.monotonic_ns()}
    return as_json(told).encode("utf-8")
