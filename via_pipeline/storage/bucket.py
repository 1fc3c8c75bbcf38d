"""Object storage: a bucket of an S3-compatible server, and places in it that read like paths.

Belongs here: the client (obstore, imported when the first bucket is opened), its settings, what its
trouble is called, and ``BucketPath``: the part of ``pathlib`` that this house uses. Does not belong
here: what lies in a bucket (``lake``, ``kept``), and how DuckDB reads it (``bucket_files``).

Settings are the standard ``AWS_*`` variables (obstore reads them itself, roles and tokens too) and
``VIA_S3_ENDPOINT`` or ``AWS_ENDPOINT_URL``. No key is kept, shown or part of a message.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from via_pipeline.storage.settings import SettingError

SCHEME = "s3://"
ENDPOINT, PLAIN_HTTP = "VIA_S3_ENDPOINT", "VIA_S3_ALLOW_HTTP"
_ENDPOINTS = (ENDPOINT, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_REGION = "us-east-1"
_LOCAL = ("localhost", "127.0.0.1", "::1")
_TIMEOUT = "300s"
_RETRIES = 3
_RETRY_WITHIN = timedelta(seconds=20)
_REFUSED = ("PreconditionError", "AlreadyExistsError")


class BucketError(OSError):
    """Object storage did not do what was asked; ``strerror`` says what, without a key."""

    def __init__(self, message: str) -> None:
        super().__init__(errno.EIO, message)

    def __str__(self) -> str:
        return self.strerror or ""


class Overtaken(BucketError):
    """Another writer changed the object since this one looked; nothing of this one's was put."""


@dataclass(frozen=True)
class Found:
    """One object: its key in the bucket, bytes, entity tag and when it was written."""

    key: str
    size: int
    etag: str
    modified: datetime


@dataclass(eq=False)
class Bucket:
    """A connection to the part of a bucket below ``prefix``.

    ``spool`` is a local, restricted folder: a file is written there before it is sent. Who must not
    write any more is told by ``may_write``, which is asked before everything that changes an object
    and raises then (``lease``). Safe to use from several threads.
    """

    name: str
    prefix: str
    spool: Path
    generation: int = 0
    trouble: BucketError | None = None
    tags: dict[str, str | None] = field(default_factory=dict, repr=False)
    may_write: Callable[[], None] | None = field(default=None, repr=False)
    _store: Any = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """``s3://bucket/prefix``."""
        return SCHEME + "/".join(part for part in (self.name, self.prefix) if part)

    @property
    def root(self) -> BucketPath:
        """The place of everything below the prefix."""
        return BucketPath(self, "")

    def get(self, key: str) -> bytes:
        """The bytes of an object.

        Raises:
            FileNotFoundError: there is none.
            BucketError: the server does not give it.
        """
        with self._asking(key):
            return bytes(self._client().get(self._at(key)).bytes())

    def get_with_tag(self, key: str) -> tuple[bytes, str]:
        """The bytes of an object, and its entity tag at that moment."""
        with self._asking(key):
            got = self._client().get(self._at(key))
            return bytes(got.bytes()), _bare(got.meta["e_tag"])

    def get_range(self, key: str, start: int, end: int, tag: str) -> bytes:
        """Bytes ``start`` up to but not including ``end`` of the object that has that entity tag.

        Raises:
            BucketError: another object took its place since; bytes of two are no file.
        """
        options: Any = {"range": (start, end), "if_match": f'"{tag}"'}
        with self._asking(key):
            try:
                got = self._client().get(self._at(key), options=options)
                # Not every server knows the condition; the tag is that of what it sent.
                if _bare(got.meta["e_tag"]) == tag:
                    return bytes(got.bytes())
            except Exception as error:
                if type(error).__name__ != "PreconditionError":
                    raise
            # Ends of files that are remembered may be of the one before.
            self.generation += 1
            raise BucketError(f"{self.url}/{key} was replaced while it was read; run again")

    def get_tail(self, key: str, length: int) -> tuple[bytes, Found]:
        """The last ``length`` bytes, or all where there are fewer, and what the object is."""
        with self._asking(key):
            try:
                got = self._client().get(self._at(key), options={"range": {"suffix": length}})
                return bytes(got.bytes()), _found(key, got.meta)
            except FileNotFoundError:
                raise
            except Exception:
                # Some servers answer a range that is the whole, or more, in ways of their own. Of
                # a larger object the whole may be more than the memory there is.
                if int(self._client().head(self._at(key))["size"]) > length:
                    raise
                got = self._client().get(self._at(key))
                return bytes(got.bytes())[-length:], _found(key, got.meta)

    def download(self, key: str, target: Path) -> None:
        """Write an object to a local file, in pieces."""
        with self._asking(key), target.open("wb") as file:
            for piece in self._client().get(self._at(key)).stream():
                file.write(piece)

    def about(self, key: str) -> dict[str, str]:
        """What was told of an object when it was put (``put``), lower-case names.

        Raises:
            FileNotFoundError: there is no such object.
        """
        with self._asking(key):
            got = self._client().get(self._at(key), options={"head": True})
            return {str(name).lower(): str(value) for name, value in got.attributes.items()}

    def head(self, key: str) -> Found | None:
        """The object of that key; None where there is none."""
        try:
            with self._asking(key):
                return _found(key, self._client().head(self._at(key)))
        except FileNotFoundError:
            return None

    def put(self, key: str, content: bytes | Path, about: Mapping[str, str] | None = None) -> None:
        """Write an object: at once, whole or not at all; it takes the place of another."""
        self._changing()
        with self._asking(key):
            self._put(key, content, about=about)

    def put_if(self, key: str, content: bytes, tag: str | None) -> str:
        """Write an object if it still is what it was: of that entity tag, or absent (None).

        Returns the new tag.

        Raises:
            Overtaken: it is not.
        """
        self._changing()
        with self._asking(key):
            try:
                made: str | None = self._put(
                    key, content, "create" if tag is None else {"e_tag": f'"{tag}"'}
                )
            except Exception as error:
                # Of a tag whose object is gone some servers say that there is none.
                is_gone = tag is not None and _is_gone(error)
                if not is_gone and type(error).__name__ not in _REFUSED:
                    raise
                made = None if is_gone else self._once_more(key, content, tag)
            if made is None:
                raise Overtaken(
                    f"another writer changed {self.url}/{key} meanwhile; nothing was put in its "
                    "place. Let the other finish, then run again"
                )
            return made

    def delete(self, key: str) -> None:
        """Delete an object; one that is not there is no trouble."""
        self._changing()
        self.tags.pop(key, None)
        with self._asking(key):
            try:
                self._client().delete(self._at(key))
            except FileNotFoundError:
                return

    def below(self, key: str = "") -> Iterator[Found]:
        """Every object below a key (a folder), in the order of their keys."""
        prefix = self._at(key) + "/" if key or self.prefix else ""
        cut = len(self.prefix) + 1 if self.prefix else 0
        with self._asking(key):
            found = [
                _found(str(meta["path"])[cut:], meta)
                for batch in self._client().list(prefix or None)
                for meta in batch
            ]
        yield from sorted(found, key=lambda one: one.key)

    def names_in(self, key: str) -> list[str]:
        """Names directly in a folder: objects and folders, sorted."""
        with self._asking(key):
            found = self._client().list_with_delimiter(self._at(key) or None)
        places = [*found["common_prefixes"], *(meta["path"] for meta in found["objects"])]
        return sorted({PurePosixPath(str(place)).name for place in places})

    def _put(
        self,
        key: str,
        content: bytes | Path,
        mode: Any = "overwrite",
        about: Mapping[str, str] | None = None,
    ) -> str:
        extra: dict[str, Any] = {"attributes": dict(about)} if about else {}
        if mode != "overwrite":
            extra |= {"mode": mode, "use_multipart": False}
        return _bare(self._client().put(self._at(key), content, **extra)["e_tag"])

    def _once_more(self, key: str, content: bytes, tag: str | None) -> str | None:
        """The tag after a conditional write that was refused; None where another came first.

        A request that is sent twice (its answer was lost) is refused because of itself: then what
        lies there is what was to be put. And Ceph 16 compares with the tag without its quotes.
        """
        lies, now = self._lies(key)
        if lies == content:
            return now
        if tag is None or now != tag:
            return None
        try:
            return self._put(key, content, {"e_tag": tag})
        except Exception as error:
            if type(error).__name__ != "PreconditionError":
                raise
            lies, now = self._lies(key)  # this one may have been sent twice as well
            return now if lies == content else None

    def _lies(self, key: str) -> tuple[bytes | None, str | None]:
        """What lies there and its tag; None, None where nothing does."""
        try:
            there = self._client().get(self._at(key))
        except FileNotFoundError as error:
            if _is_gone(error):
                return None, None
            raise
        return bytes(there.bytes()), _bare(there.meta["e_tag"])

    def _changing(self) -> None:
        """Before an object is changed: whether that may be, and that nothing remembered holds."""
        if self.may_write is not None:
            self.may_write()
        self.generation += 1

    def _at(self, key: str) -> str:
        return "/".join(part for part in (self.prefix, key) if part)

    def _client(self) -> Any:
        if self._store is None:
            self._store = _connect(self.name)
        return self._store

    def _asking(self, key: str) -> _Asking:
        return _Asking(self, key)


class _Asking:
    """Turns the client's exceptions into ours; ``Bucket.trouble`` remembers the last one."""

    def __init__(self, bucket: Bucket, key: str) -> None:
        self.bucket, self.key = bucket, key

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: Any, _: object) -> None:
        if isinstance(error, BucketError):
            self.bucket.trouble = error
        if not isinstance(error, Exception) or isinstance(error, BucketError | SettingError):
            return
        place = f"{self.bucket.url}/{self.key}"
        text = str(error)
        if "NoSuchBucket" in text:
            said = f"there is no bucket '{self.bucket.name}' at {endpoint_shown()}"
        elif isinstance(error, FileNotFoundError):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), place) from None
        elif type(error).__name__ in ("PermissionDeniedError", "UnauthenticatedError"):
            said = (
                f"the object storage at {endpoint_shown()} refuses its keys for {place}; look at "
                "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy"
            )
        else:
            said = (
                f"the object storage at {endpoint_shown()} does not answer as it should for "
                f"{place} ({_kind(error)}); what was in force still is. Run again when it does"
            )
        trouble = BucketError(said)
        self.bucket.trouble = trouble
        raise trouble from None


class BucketPath:
    """A place in a bucket, with the part of ``pathlib.Path`` that this house uses.

    There are no folders in object storage: one exists while an object lies below it, and making it
    or setting its rights does nothing (rights are the bucket's). It is no ``os.PathLike`` on
    purpose: what would open a local file of that name fails at once.
    """

    __slots__ = ("bucket", "key")

    def __init__(self, bucket: Bucket, key: str) -> None:
        self.bucket, self.key = bucket, key

    def __truediv__(self, other: str | PurePosixPath) -> BucketPath:
        return BucketPath(self.bucket, (PurePosixPath(self.key) / other).as_posix())

    def __str__(self) -> str:
        return f"{self.bucket.url}/{self.key}" if self.key else self.bucket.url

    def __repr__(self) -> str:
        return f"BucketPath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BucketPath) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __lt__(self, other: BucketPath) -> bool:
        return str(self) < str(other)

    @property
    def name(self) -> str:
        """The last part."""
        return PurePosixPath(self.key).name

    @property
    def stem(self) -> str:
        """The last part without its suffix."""
        return PurePosixPath(self.key).stem

    @property
    def suffix(self) -> str:
        """``.parquet``."""
        return PurePosixPath(self.key).suffix

    @property
    def parent(self) -> BucketPath:
        """The folder that it lies in."""
        found = PurePosixPath(self.key).parent.as_posix()
        return BucketPath(self.bucket, "" if found == "." else found)

    def relative_to(self, other: BucketPath) -> PurePosixPath:
        """The way from ``other`` to here.

        Raises:
            ValueError: it does not lie below ``other``.
        """
        return PurePosixPath(self.key).relative_to(other.key)

    def is_file(self) -> bool:
        """Whether there is an object of this very name."""
        return self.bucket.head(self.key) is not None

    def is_dir(self) -> bool:
        """Whether something lies below it."""
        return bool(self.bucket.names_in(self.key))

    def exists(self) -> bool:
        """Whether there is an object of this name, or one below it."""
        return self.is_file() or (not self.suffix and self.is_dir())

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        """Nothing: see the class."""

    def chmod(self, mode: int) -> None:
        """Nothing: see the class."""

    def iterdir(self) -> Iterator[BucketPath]:
        """What lies directly in it, by name."""
        yield from (self / name for name in self.bucket.names_in(self.key))

    def glob(self, pattern: str) -> Iterator[BucketPath]:
        """Places below it whose way from here fits ``pattern``, part by part, by name."""
        wanted = pattern.split("/")
        seen = set()
        start = len(PurePosixPath(self.key).parts)
        for found in self.bucket.below(self.key):
            parts = PurePosixPath(found.key).parts[start:][: len(wanted)]
            fits = len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
            if fits and parts not in seen:
                seen.add(parts)
                yield self / "/".join(parts)

    def rglob(self, pattern: str) -> Iterator[BucketPath]:
        """Objects below it whose own name fits ``pattern``, by name."""
        for found in self.bucket.below(self.key):
            if fnmatchcase(PurePosixPath(found.key).name, pattern):
                yield BucketPath(self.bucket, found.key)

    def read_bytes(self) -> bytes:
        """The object's bytes.

        Raises:
            FileNotFoundError: there is none.
            BucketError: the server does not give it.
        """
        return self.bucket.get(self.key)

    def read_text(self, encoding: str = "utf-8") -> str:
        """The object's text."""
        return self.read_bytes().decode(encoding)

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete the object.

        Raises:
            FileNotFoundError: there is none, unless ``missing_ok``.
        """
        if not missing_ok and not self.is_file():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self))
        self.bucket.delete(self.key)

    def remove_tree(self) -> None:
        """Delete every object below it."""
        for found in self.bucket.below(self.key):
            self.bucket.delete(found.key)


_opened: dict[tuple[str, Path], Bucket] = {}
_opening = threading.Lock()


def opened(url: str, spool: Path) -> Bucket:
    """The bucket of ``url``; one connection a process. Nothing is asked of the server yet.

    Raises:
        SettingError: the URL names no bucket.
    """
    parts = urlsplit(url)
    prefix = parts.path.strip("/")
    if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc or parts.query:
        raise SettingError(
            "VIA_HOME names object storage, but not as s3://bucket/prefix (keys do not belong "
            "there: they are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
        )
    with _opening:
        return _opened.setdefault((url, spool), Bucket(parts.netloc, prefix, spool))


def all_opened() -> list[Bucket]:
    """Every bucket that this process opened."""
    return list(_opened.values())


def trouble_in(error: Exception) -> BucketError | None:
    """Our own words for an error of DuckDB that came of object storage; None where it did not.

    DuckDB passes on the class and the text of what its filesystem raised, not the exception.
    """
    for one in _opened.values():
        if one.trouble is not None and one.trouble.strerror and one.trouble.strerror in str(error):
            return one.trouble
    return None


def endpoint(environ: Mapping[str, str] = os.environ) -> str | None:
    """Where the server is; None is Amazon's own.

    Raises:
        SettingError: it is reached without encryption, over a network.
    """
    found = next((environ[name] for name in _ENDPOINTS if environ.get(name)), None)
    if found is None:
        return None
    parts = urlsplit(found)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise SettingError(f"{ENDPOINT} must be an address such as https://s3.example.org")
    is_plain = parts.scheme == "http" and parts.hostname not in _LOCAL
    if is_plain and environ.get(PLAIN_HTTP, "").lower() not in ("on", "1", "true"):
        raise SettingError(
            f"{ENDPOINT} is not https, and what goes there is about persons. Use https, or set "
            f"{PLAIN_HTTP}=on where the network itself is encrypted"
        )
    return found.rstrip("/")


def endpoint_shown() -> str:
    """The server as a message may name it."""
    return endpoint() or "Amazon S3"


def _connect(name: str) -> Any:
    try:
        from obstore.store import S3Store
    except ImportError:
        raise SettingError(
            "VIA_HOME is object storage, but the package for it is not installed: "
            "pip install 'via_pipeline[s3]'"
        ) from None
    where = endpoint()
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _REGION
    options: Any = {"timeout": _TIMEOUT, "connect_timeout": "5s"}
    extra: dict[str, Any] = {}
    if where is not None:
        extra["endpoint"] = where
        options["allow_http"] = where.startswith("http://")
    return S3Store(
        name,
        region=region,
        client_options=options,
        retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_WITHIN},
        **extra,
    )


def _found(key: str, meta: Any) -> Found:
    return Found(key, int(meta["size"]), _bare(meta["e_tag"]), meta["last_modified"])


def _bare(tag: str | None) -> str:
    return (tag or "").strip('"')


def _is_gone(error: Exception) -> bool:
    """Whether there is no such object; a bucket that is not there is another matter."""
    return isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error)


def _kind(error: Exception) -> str:
    """The status that the server gave, or the kind of the client's error; never its text."""
    text = str(error)
    if "status code: " in text:
        return "status " + text.split("status code: ", 1)[1][:3]
    return "no connection" if "onnect" in text else type(error).__name__
