"""One record of the gate: who did what, when, to which package; and its place in the hash chain.

Belongs here: the form of a record, its canonical bytes and its hash. Does not belong here: the file
(``log``), what a record means (``dossier``).

A record's hash is the SHA-256 of its canonical JSON (RFC 8785 in so far as texts, whole numbers and
booleans need it: sorted keys, no blanks, UTF-8) without the hash itself, and holds the hash of the
record before it. Who changes, removes or inserts a record breaks every link after it.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from via_pipeline.letters.release.states import Action

FIRST = "0" * 64
"""What the first record names as the one before it."""

TORN = "_afgebroken_bytes"
"""In ``gegevens``: so many bytes of an unfinished line stood where this record stands."""

_NAME = re.compile(r"[\w][\w.@+-]{0,63}")
_EDITION = re.compile(r"[a-z][a-z0-9_]{0,63}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_HASH = re.compile(r"[0-9a-f]{64}")
_FIELDS = {
    "nr": int,
    "editie": str,
    "revisie": int,
    "at": str,
    "wie": str,
    "actie": str,
    "pakket": str,
    "gegevens": dict,
    "vorige": str,
    "sha256": str,
}


class RecordError(ValueError):
    """A line that is no record, or a value that no record may hold."""


@dataclass(frozen=True)
class Record:
    """One record. ``at`` is UTC to the second; ``pakket`` the SHA-256 of the package's
    ``SHA256SUMS`` (empty where none was submitted yet); ``gegevens`` what the action adds.
    """

    nr: int
    editie: str
    revisie: int
    at: str
    wie: str
    actie: Action
    pakket: str
    gegevens: Mapping[str, Any]
    vorige: str
    sha256: str = ""

    def digest(self) -> str:
        """The hash that this record should carry."""
        content = asdict(self) | {"actie": str(self.actie), "gegevens": dict(self.gegevens)}
        del content["sha256"]
        return hashlib.sha256(canonical(content).encode()).hexdigest()

    def sealed(self) -> Record:
        """The record with its hash."""
        return replace(self, sha256=self.digest())

    def line(self) -> str:
        """The record as a line of the log, without the line end."""
        return canonical(asdict(self) | {"actie": str(self.actie), "gegevens": dict(self.gegevens)})


def parse(line: str) -> Record:
    """The record in a line; whether its hash is right is not looked at.

    Raises:
        RecordError: the line is not a record.
    """
    try:
        found = json.loads(line)
    except ValueError as error:
        raise RecordError("geen geldige JSON") from error
    if not isinstance(found, dict) or set(found) != set(_FIELDS):
        raise RecordError("niet de velden van een aantekening")
    for name, kind in _FIELDS.items():
        if not isinstance(found[name], kind) or isinstance(found[name], bool):
            raise RecordError(f"veld {name} heeft niet de goede soort")
    try:
        action = Action(found["actie"])
    except ValueError as error:
        raise RecordError("onbekende actie") from error
    if not _INSTANT.fullmatch(found["at"]) or not _HASH.fullmatch(found["sha256"]):
        raise RecordError("tijdstip of controlegetal heeft niet de goede vorm")
    return Record(**(found | {"actie": action}))


def canonical(value: Any) -> str:
    """``value`` as JSON with sorted keys and no blanks: the same value gives the same text."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def person(name: str) -> str:
    """A user name as the gate compares it: ``Anna`` and ``anna`` are one person.

    Raises:
        RecordError: empty, too long, or not one word of letters, digits and ``. _ @ + -``.
    """
    plain = unicodedata.normalize("NFKC", name).strip().casefold()
    if not _NAME.fullmatch(plain):
        raise RecordError(
            f"'{name}' is geen gebruikersnaam: één woord van letters, cijfers en . _ @ + -"
        )
    return plain


def edition_name(name: str) -> str:
    """``name`` where it can be an edition's: small letters, digits, underscores; it names folders.

    Raises:
        RecordError: it cannot.
    """
    if not _EDITION.fullmatch(name):
        raise RecordError(f"'{name}' is geen naam van een editie")
    return name


def instant(now: datetime) -> str:
    """``now`` as a record keeps it: UTC, to the second.

    Raises:
        ValueError: ``now`` carries no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
