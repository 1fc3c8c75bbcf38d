"""Has anything changed? Content fingerprints of what goes in, kept cheap.

Belongs here: hashing files and folders, remembering hashes by a file's stat. Does not belong here:
what a change leads to (the CLI and the landing sensor decide). Imports nothing heavy: the CLI
answers "nothing new" before Dagster or Great Expectations is loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from via_pipeline.storage.atomic import write_json
from via_pipeline.storage.hashing import sha256_of
from via_pipeline.storage.home import Home

PACKAGE = Path(__file__).parent
_CACHE = "hashes.json"
_COMPILED = ".pyc"
_LIBRARY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# Reports that come about outside a run as well: looking again must not ask for a run.
_ASIDE = ("alerts", "uitgaven")
# The environment that results depend on; VIA_HOME and VIA_DATA are places, not content.
_SETTINGS = ("VIA_PSEUDONYM_KEY", "VIA_PSEUDONYM_KEY_FILE")


@dataclass(frozen=True)
class Stat:
    """What the system says of a file without reading it.

    ``changed_ns`` (ctime) cannot be set by a user's program, so a file rewritten with its old
    size and modification time still shows.
    """

    size: int
    modified_ns: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Stat:
        """The stat of ``path``, links followed."""
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)

    def listed(self) -> list[int]:
        """As JSON keeps it."""
        return [self.size, self.modified_ns, self.changed_ns, self.inode]


class Hashes:
    """SHA-256 of files, remembered by stat in a small JSON file: unchanged ones are not read.

    Does not grow: ``save`` keeps only the files asked for since it was opened.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._known = _read_json(cache)
        self._used: dict[str, list[object]] = {}

    @classmethod
    def of_home(cls, home: Home) -> Hashes:
        """The hashes remembered in ``VIA_HOME``."""
        return cls(home.run / _CACHE)

    def sha256(self, path: Path) -> str:
        """The SHA-256 (hex) of the file's bytes."""
        stat = Stat.of(path).listed()
        # By inode and not by name: a partner's file name may hold an identifier.
        name = str(stat[-1])
        known = self._known.get(name)
        if isinstance(known, list) and len(known) == 2 and known[0] == stat:
            digest = str(known[1])
        else:
            digest = sha256_of(path)
        self._used[name] = [stat, digest]
        return digest

    def save(self) -> None:
        """Remember, atomically; what was not asked for is forgotten."""
        if self._used != self._known:
            write_json(self._cache, self._used)


def files_in(folder: Path) -> Iterator[Path]:
    """Every file below ``folder``, sorted by relative path; hidden files and links are left out.

    Intake leaves them out too: they are not deliveries.
    """
    if not folder.is_dir():
        return
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(here) / name
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path


def inputs(home: Home) -> list[Path]:
    """The files that people and partners keep in ``VIA_DATA``."""
    return [
        path
        for folder in ("landing", "correcties", "register", "reference", home.house_style.name)
        for path in files_in(home.data / folder)
    ]


def listing(home: Home) -> str:
    """A digest of names, sizes and times only: is anything moving?"""
    return digest(
        [path.relative_to(home.data).as_posix(), *map(str, Stat.of(path).listed())]
        for path in inputs(home)
    )


def content(home: Home, hashes: Hashes) -> str:
    """A digest of names and contents: the same deliveries give the same digest, anywhere."""
    return digest(
        [path.relative_to(home.data).as_posix(), hashes.sha256(path)] for path in inputs(home)
    )


def code(package: Path = PACKAGE) -> str:
    """A digest of this package's own files, templates too, and of the libraries it stands on.

    A night asks for it a dozen times: files that lie as they lay are not read again.
    """
    own = tuple((path, Stat.of(path)) for path in files_in(package) if path.suffix != _COMPILED)
    return _code(package, own)


@lru_cache(maxsize=1)
def _code(package: Path, files: tuple[tuple[Path, Stat], ...]) -> str:
    own = ([path.relative_to(package).as_posix(), sha256_of(path)] for path, _ in files)
    return digest([*own, *([name, metadata.version(name)] for name in libraries())])


def libraries() -> list[str]:
    """The libraries that this package requires in every installation, by name, sorted.

    All of them: which one a byte of a letter depends on is not for a list kept by hand.
    """
    required = metadata.requires(PACKAGE.name) or []
    return sorted(
        match[0] for line in required if "extra ==" not in line and (match := _LIBRARY.match(line))
    )


def settings(environ: Mapping[str, str] = os.environ) -> str:
    """A digest of the environment that results depend on. It does not let the key be guessed:

    the key has 256 bits, and only the first 16 hex of the digest of all is kept.
    """
    return digest([name, environ.get(name, "")] for name in _SETTINGS)[:16]


def whole(home: Home, hashes: Hashes) -> str:
    """One digest of everything that a run's results depend on."""
    left_out = hashlib.sha256(_bytes(home.exclusions)).hexdigest()
    return digest(
        [
            ["content", content(home, hashes)],
            ["code", code()],
            ["settings", settings()],
            ["left out", left_out],
        ]
    )


def outputs(home: Home) -> dict[str, list[int]]:
    """Stat by path of what a run leaves for readers and for the next run.

    Ledger and Dagster's storage are left out: they change when they are only looked at.
    """
    found = {
        path.relative_to(home.root).as_posix(): Stat.of(path).listed()[:2]
        for folder in (home.letters, home.serve, home.reports)
        for path in files_in(folder)
        if folder != home.reports or path.relative_to(home.reports).parts[0] not in _ASIDE
    }
    for place in (home.lake, home.quarantine):
        if isinstance(place, Path):
            for path in files_in(place):
                found[path.relative_to(home.root).as_posix()] = Stat.of(path).listed()[:2]
        else:
            for one in place.bucket.below(place.key):
                found[one.key] = [one.size, int(one.modified.timestamp() * 1e9)]
    if home.latest.exists():
        found[home.latest.relative_to(home.root).as_posix()] = []
    return found


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def digest(rows: Iterable[Iterable[str]]) -> str:
    """SHA-256 (hex) over rows of texts, in order; no two different lists run together."""
    found = hashlib.sha256()
    for row in rows:
        for value in row:
            found.update(value.encode())
            found.update(b"\x1f")
        found.update(b"\x1e")
    return found.hexdigest()


def _read_json(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
