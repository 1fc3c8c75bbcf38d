"""What outlives a machine when ``VIA_HOME`` is object storage: ledger, exclusions, reports.

These are local files (SQLite, links, folders that are swapped), in ``VIA_STATE``. A room of them is
kept in the bucket as the lake keeps a table: objects under their content's hash, which never
change, and ``<room>/_latest.json``, which names them and is put last, on condition that it still is
what this machine saw. So a reader sees a whole release or the one before, a killed process leaves
at most objects that nothing names, and of two machines the second is told (``Overtaken``).

Belongs here: fetching, pushing, tidying, being the only one at work. Does not belong here: the
claim on a bucket (``lease``), what the files mean. With a local ``VIA_HOME`` every function does
nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from via_pipeline.storage import lease, machine
from via_pipeline.storage.atomic import (
    TEMPORARY,
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
PUBLISHED = ("letters", "serve")
"""Rooms that others read: what the last index named stays until the next one."""

CANDIDATES = "candidates"

# The ledger last: what it says was done has been kept before.
ROOMS = (
    "exclusions",
    "audit",
    CANDIDATES,
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
# How often an index that another replaces while it is fetched is read again.
_TRIES = 5
_BESIDE_SQLITE = ("-journal", "-wal", "-shm")
# Places that this process fetched.
_fetched = set[tuple[str | None, Path]]()


@contextmanager
def alone(home: Home, wait_seconds: float) -> Iterator[None]:
    """Be the only one at work: the lock of this machine and, in a bucket, a lease for all others.

    What the bucket has newer is fetched first, and what was done is pushed at the end, also of
    work that failed or was cancelled.

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
        with lease.held(bucket, _owner(home), wait_seconds) as claim:
            bucket.tags.clear()
            fetch(home)
            try:
                yield
            except BaseException as error:  # a run that is cancelled, too
                _push_what_goes(home, error)
                raise
            claim.renew()
            push(home)


def tidy(home: Home) -> int:
    """Remove objects older than a day that no manifest and no index names; return how many.

    A process that was killed between an object and what names it leaves them, and one whose answer
    was lost. Call it while being ``alone``.

    Raises:
        BucketError: object storage does not answer.
    """
    from via_pipeline.storage import lake

    return lake.sweep(home.lake, _ORPHAN_SECONDS) + sweep(home, _ORPHAN_SECONDS)


def sweep(home: Home, older_than_seconds: float) -> int:
    """Remove objects of rooms that their index does not name; return how many.

    A younger one may be of a machine at work. A room without an index is left as it is: what lies
    there may be all that is left of it.
    """
    bucket = home.bucket
    if bucket is None:
        return 0
    latest = datetime.now(tz=UTC) - timedelta(seconds=older_than_seconds)
    found = 0
    for room in ROOMS:
        old = [one.key for one in bucket.below(f"{room}/files") if one.modified < latest]
        if not old:
            continue
        try:
            # After the list: what was put meanwhile is young, and what was named is read here.
            index = json.loads(bucket.get(f"{room}/{LATEST}"))
        except FileNotFoundError:
            continue
        for key in sorted(set(old) - _objects(index) - set(index["earlier"])):
            bucket.delete(key)
            found += 1
    return found


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
        done = [room for room in ROOMS if _fetch_room(home, bucket, told, room)]
    _fetched.add((home.url, home.root))
    return done


def _fetch_room(home: Home, bucket: Bucket, told: dict[str, Any], room: str) -> bool:
    """Whether there was something to make local."""
    for _ in range(_TRIES):
        try:
            content, tag = bucket.get_with_tag(f"{room}/{LATEST}")
        except FileNotFoundError:
            return False
        index = json.loads(content)
        _know_own(told, room, index, tag)
        known = told["rooms"].get(room)
        if known is not None and known["tag"] == tag and not _is_lost(home, room, index):
            return False
        # Who may write in the bucket is no user of this machine.
        if _leaves(index["files"], index["links"]):
            raise BucketError(
                f"{bucket.url}/{room}/{LATEST} names a place outside of its room, which this "
                "software never does; nothing of it was fetched. Find out who wrote it, and "
                "restore the version before"
            )
        begun = told["begun"].setdefault(room, [])
        _refuse_lost_work(home, room, known, index, begun)
        # Broken off from here on, this machine has something of both, and of nobody else's.
        begun.append(_content(index))
        write_json(home.run / _STATE, told)
        try:
            _materialise(home, bucket, room, index)
        except FileNotFoundError:
            # Another machine replaced the index, and took away what only this one named.
            continue
        told["rooms"][room] = _seen(home, room, index, tag)
        told["begun"].pop(room)
        write_json(home.run / _STATE, told)
        return True
    raise BucketError(
        f"{bucket.url}/{room}/{LATEST} names objects that are not there, or is replaced all the "
        "time. Run again; if it stays so, restore the earlier version of that index"
    )


def fetch_once(home: Home) -> None:
    """``fetch``, the first time in this process: a step may run on a machine that has nothing yet.

    Raises:
        SettingError, Overtaken, BucketError: see ``fetch``.
    """
    if (home.url, home.root) not in _fetched:
        fetch(home)


def push(home: Home) -> list[str]:
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
        return [room for room in ROOMS if _push_room(home, bucket, told, room)]


def _push_room(home: Home, bucket: Bucket, told: dict[str, Any], room: str) -> bool:
    """Whether something had changed."""
    if room in told["sent"]:
        try:
            content, tag = bucket.get_with_tag(f"{room}/{LATEST}")
            _know_own(told, room, json.loads(content), tag)
        except FileNotFoundError:
            told["sent"].pop(room)
    known = told["rooms"].get(room)
    with _local(home, room, known) as (files, links):
        if known is None and not files and not links:
            return False
        if known is not None and _content(known["index"]) == _content_of(files, links):
            return False
        if known is not None and _is_lost(home, room, known["index"]):
            raise BucketError(
                f"nothing is left of {home.root}/{room}, which no command takes away as a whole; "
                f"what {home.url} has of it stays. Run again: it is fetched"
            )
        if _leaves(files, links):
            raise BucketError(
                f"a link in {home.root}/{room} leads out of that folder; nothing of it was sent. "
                "Take it away, and run again"
            )
        before: dict[str, Any] = known["index"] if known else {"files": {}, "earlier": []}
        index = _put_objects(bucket, room, before, files, links)
        # From here on it may be in force although no answer comes, or nobody is there to hear it.
        stats = {name: file["stat"] for name, file in files.items()}
        told["sent"][room] = {"index": index, "stats": stats}
        write_json(home.run / _STATE, told)
        tag = bucket.put_if(
            f"{room}/{LATEST}", as_json(index).encode("utf-8"), known["tag"] if known else None
        )
        _know_own(told, room, index, tag)
        write_json(home.run / _STATE, told)
        gone = (_objects(before) | set(before["earlier"])) - _objects(index)
        for key in sorted(gone - set(index["earlier"])):
            bucket.delete(key)
    return True


def _put_objects(
    bucket: Bucket,
    room: str,
    before: dict[str, Any],
    files: dict[str, dict[str, Any]],
    links: dict[str, str],
) -> dict[str, Any]:
    """Put what the bucket has not yet; the index that names all of it."""
    there = _objects(before) | set(before["earlier"])
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
    # Who reads what is published may just have read the index before this one.
    earlier = _objects(before) - _objects(index) if room in PUBLISHED else set()
    index["earlier"] = sorted(earlier)
    return index


def _is_lost(home: Home, room: str, index: dict[str, Any]) -> bool:
    """Whether a disk lost a room that had files: nothing is left of it here.

    No command empties a room but publishing, which takes the candidate away and leaves the folder
    of its edition.
    """
    folder = home.root / room
    if not index["files"] or (room == CANDIDATES and folder.exists() and any(folder.iterdir())):
        return False
    return next(_within(folder), None) is None


def _within(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files and links of a room that are kept, by their way from it."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if any(part.startswith(TEMPORARY) for part in Path(name).parts):
            continue
        if path.is_symlink() or (path.is_file() and not name.endswith(_BESIDE_SQLITE)):
            yield name, path


def _know_own(told: dict[str, Any], room: str, index: dict[str, Any], tag: str) -> None:
    """Whether ``index`` in the bucket is the one that this machine sent last: then it knows it.

    Also where it never heard so: the answer was lost, or the process was killed.
    """
    sent = told["sent"].pop(room, None)
    if sent is not None and sent["index"] == index:
        told["rooms"][room] = sent | {"tag": tag}


def _objects(index: dict[str, Any]) -> set[str]:
    return {file["object"] for file in index["files"].values()}


def _push_what_goes(home: Home, error: BaseException) -> None:
    """After a failure, which is what must be told: keep what can be kept; else a note says so."""
    try:
        push(home)
    except Exception as other:
        error.add_note(f"and what was done could not be sent: {other}")


def _told(home: Home) -> dict[str, Any]:
    """What this machine saw last of the bucket."""
    try:
        found: dict[str, Any] = json.loads((home.run / _STATE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        found = {"url": home.url}
    if found["url"] != home.url:
        raise SettingError(
            f"VIA_STATE is '{home.root}', but that belongs to {found['url']} and not to "
            f"{home.url}; name another folder"
        )
    # Rooms by what was seen last; indexes that were sent and not answered; contents whose fetching
    # was begun and not ended.
    return {"rooms": {}, "sent": {}, "begun": {}} | found


@contextmanager
def _local(
    home: Home, room: str, known: dict[str, Any] | None
) -> Iterator[tuple[dict[str, dict[str, Any]], dict[str, str]]]:
    """Files of a room (path to read, sha256, bytes, mode, stat) and links, by their way from it.

    A file whose size and time are as they were is not read again. Of any other a copy is hashed and
    sent, so that one that is written meanwhile cannot become another than its hash says; a database
    is copied by its own engine.
    """
    stats = known["stats"] if known else {}
    index = known["index"]["files"] if known else {}
    files: dict[str, dict[str, Any]] = {}
    links: dict[str, str] = {}
    folder = home.root / room
    copies = home.scratch / f"{TEMPORARY}{secrets.token_hex(8)}-{Path(room).name}"
    copies.mkdir(parents=True, mode=0o700)
    try:
        for name, path in _within(folder):
            try:
                if path.is_symlink():
                    links[name] = os.fspath(path.readlink())
                    continue
                stat = path.stat()
                now = [stat.st_size, stat.st_mtime_ns]
                told: dict[str, Any] = {"stat": now, "mode": stat.st_mode & 0o777}
                if stats.get(name) == now:
                    same = {one: index[name][one] for one in ("sha256", "bytes")}
                    files[name] = told | same | {"path": path}
                else:
                    copy = _copied(path, copies / str(len(files)))
                    size = copy.stat().st_size
                    told |= {"path": copy, "sha256": sha256_of(copy), "bytes": size}
                    files[name] = told
            except FileNotFoundError:
                # Taken away since it was listed.
                continue
        yield files, links
    finally:
        shutil.rmtree(copies, ignore_errors=True)


def _copied(path: Path, copy: Path) -> Path:
    if path.suffix != ".sqlite":
        return Path(shutil.copyfile(path, copy))
    with (
        closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as opened,
        closing(sqlite3.connect(copy)) as target,
    ):
        opened.backup(target)
    return copy


def _refuse_lost_work(
    home: Home,
    room: str,
    known: dict[str, Any] | None,
    index: dict[str, Any],
    begun: list[dict[str, str]],
) -> None:
    """Fetching would write over work that only this machine has.

    A file is no work of this machine where it is as the bucket had it when that was seen last, has
    it now, or had it when a fetch was begun that did not come to its end.
    """
    with _local(home, room, known) as (files, links):
        mine = _content_of(files, links)
    theirs = [_content(index), *begun, *([_content(known["index"])] if known else [{}])]
    names = {*mine, *(name for one in theirs for name in one)}
    if not mine or all(mine.get(name) in [one.get(name) for one in theirs] for name in names):
        return
    raise Overtaken(
        f"{home.root}/{room} holds work that was never sent to {home.url}, and the bucket went on "
        "without it. Move VIA_STATE aside and run again: the bucket is what counts, and deliveries "
        "that it does not know are taken in again from landing"
    )


def _leaves(files: Iterable[str], links: Mapping[str, str]) -> bool:
    """Whether a name, or where a link leads, is outside of the room.

    With no step back in any of them, no link on the way to another leads out either.
    """
    ways = [PurePosixPath(name) for name in (*files, *links, *links.values())]
    return any(not way.parts or way.is_absolute() or ".." in way.parts for way in ways)


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


def _owner(home: Home) -> str:
    """A name for this state folder on this machine: who is killed and runs again need not wait.

    A copy of the folder is another folder, and a clone of the disk is on another machine, or on one
    that began anew: their name is another, so that they do not pass for the one that is at work.
    """
    path = home.run / "owner"
    if not path.exists():
        with replacing(path) as temporary:
            temporary.write_text(secrets.token_hex(8), encoding="ascii")
    told = f"{path.read_text(encoding='ascii')} {home.run.stat().st_ino} {machine.token()}"
    return hashlib.sha256(told.encode("utf-8")).hexdigest()[:16]
