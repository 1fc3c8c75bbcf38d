"""Persons whose rows do not count, or may not come back: objections and erasures.

One restricted file, ``VIA_HOME/exclusions/list.json``. A person stands in it twice, never by an
identifier: as the pseudonym under the present key (what the lake's rows have), and as a *mark*, the
HMAC of the same message under the list's own key. That key is random and lies in the file, covered
by the pseudonym key: the file alone tells nobody anything, and a change of the pseudonym key needs
no identifier, only a new cover.

- ``bezwaar``: rows are kept and judged, and left out of every conformed table from that day on.
- ``gewist``: rows were deleted, and intake drops any that a partner sends later.

Belongs here: the list. Does not belong here: deleting (``privacy/erase.py``).
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from via_pipeline.contracts.model import Table
from via_pipeline.intake.pseudonym import Key
from via_pipeline.storage.atomic import replacing, writer_lock
from via_pipeline.storage.duck import literal, quoted
from via_pipeline.storage.home import Home

OBJECTED, ERASED = "bezwaar", "gewist"
PREFIX = "via_list"
"""Of the DuckDB variables that hold the list's key."""


class ListProblem(RuntimeError):
    """The list cannot be read with this key; nothing may be taken in as if it were empty."""


@dataclass(frozen=True, order=True)
class Entry:
    """One person, one reason. ``pseudonym`` is None while no row under the present key is known."""

    kind: str
    id_type: str
    mark: str
    pseudonym: str | None
    since: str


@dataclass(frozen=True)
class Exclusions:
    """The list, opened with the pseudonym key."""

    key: Key | None
    entries: tuple[Entry, ...] = ()

    @property
    def erased(self) -> frozenset[str]:
        """Marks of persons whose rows may not be written."""
        return frozenset(entry.mark for entry in self.entries if entry.kind == ERASED)

    @property
    def unknown(self) -> frozenset[str]:
        """Marks of persons whose pseudonym under the present key is not known yet."""
        return frozenset(
            entry.mark
            for entry in self.entries
            if entry.kind == OBJECTED and entry.pseudonym is None
        )


def opened(home: Home, key: Key) -> Exclusions:
    """The list as intake needs it; without a key where there is none yet.

    Raises:
        ListProblem: the list belongs to another pseudonym key.
    """
    raw = _raw(home)
    if raw is None:
        return Exclusions(None)
    if raw["key_fingerprint"] != key.fingerprint:
        raise ListProblem("the list of excluded persons was made with another pseudonym key")
    own = Key(key.wrapped(bytes.fromhex(raw["key"])))
    return Exclusions(own, tuple(Entry(**entry) for entry in raw["entries"]))


def add(home: Home, key: Key, kind: str, id_type: str, message: str, since: date) -> bool:
    """Put a person on the list; False when they stand there for that reason already."""
    with writer_lock(home.locks, "exclusions"):
        found = opened(home, key)
        secret = None if found.key is None else bytes.fromhex(_raw(home)["key"])  # type: ignore[index]
        own = found.key
        if own is None or secret is None:
            fresh = secrets.token_bytes(32)
            own, secret = Key(fresh), key.wrapped(fresh)
        entry = Entry(kind, id_type, own.digest(message), key.digest(message), since.isoformat())
        if any((known.kind, known.mark) == (kind, entry.mark) for known in found.entries):
            return False
        _write(home, secret, key, [*found.entries, entry])
    return True


def resolve(home: Home, key: Key, known: Iterable[tuple[str, str]]) -> None:
    """Fill in pseudonyms under the present key; ``known`` are pairs of mark and pseudonym."""
    pairs = dict(known)
    if not pairs:
        return
    with writer_lock(home.locks, "exclusions"):
        found = opened(home, key)
        entries = [
            replace(entry, pseudonym=pairs.get(entry.mark, entry.pseudonym))
            for entry in found.entries
        ]
        _write(home, bytes.fromhex(_raw(home)["key"]), key, entries)  # type: ignore[index]


def rekey(home: Home, old: Key, new: Key) -> None:
    """Cover the list's key with ``new``; pseudonyms under ``old`` are forgotten. Safe to repeat."""
    raw = _raw(home)
    if raw is None or raw["key_fingerprint"] == new.fingerprint:
        return
    with writer_lock(home.locks, "exclusions"):
        found = opened(home, old)
        bare = old.wrapped(bytes.fromhex(raw["key"]))
        entries = [replace(entry, pseudonym=None) for entry in found.entries]
        _write(home, new.wrapped(bare), new, entries)


def pairs(home: Home, as_of: date | None = None) -> set[tuple[str, str]]:
    """(identifier type, pseudonym) of all who are left out, now or on the evening of ``as_of``."""
    raw = _raw(home)
    entries = [Entry(**entry) for entry in raw["entries"]] if raw else []
    return {
        (entry.id_type, entry.pseudonym)
        for entry in entries
        if entry.pseudonym and (as_of is None or date.fromisoformat(entry.since) <= as_of)
    }


def not_of(table: Table, left_out: Collection[tuple[str, str]]) -> str:
    """SQL that holds for rows of ``table`` that are about none of the pairs ``left_out``."""
    listed = ", ".join(f"({literal(kind)}, {literal(name)})" for kind, name in sorted(left_out))
    return " AND ".join(
        f"coalesce(({quoted(person.name + '_id_soort')}, {quoted(person.name + '_id')}) "
        f"NOT IN ({listed}), true)"
        for person in table.persons
    )


def _raw(home: Home) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(home.exclusions.read_text(encoding="utf-8"))
        return found
    except FileNotFoundError:
        return None


def _write(home: Home, secret: bytes, key: Key, entries: Iterable[Entry]) -> None:
    value = {
        "key": secret.hex(),
        "key_fingerprint": key.fingerprint,
        "entries": [asdict(entry) for entry in sorted(entries, key=lambda e: (e.kind, e.mark))],
    }
    with replacing(home.exclusions) as temporary:
        descriptor = os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(json.dumps(value, indent=1, sort_keys=True) + "\n")
