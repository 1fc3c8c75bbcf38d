"""Replace direct identifiers by a keyed pseudonym, in the same pass that reads them.

HMAC-SHA-256 (RFC 2104) over the kind of identifier, the delivery's key fields that belong to it
and the identifying text, normalised. Computed inside DuckDB; a test compares it with Python's
``hmac``. Belongs here: the key and the SQL. The key comes from ``VIA_PSEUDONYM_KEY`` (hex) or from
a file outside the repository and outside ``VIA_HOME``, and never reaches a message or a file.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from via_pipeline.contracts.model import Person, Table
from via_pipeline.intake import bsn
from via_pipeline.storage.duck import literal

KEY_VARIABLE = "VIA_PSEUDONYM_KEY"
KEY_FILE_VARIABLE = "VIA_PSEUDONYM_KEY_FILE"
MIN_BYTES = 32
_BLOCK = 64
_SEPARATOR = "\x1f"
_PROJECT = Path(__file__).resolve().parents[2]


class KeyProblem(RuntimeError):
    """There is no usable key; the message says what to do and never holds the key."""


class Key:
    """A pseudonym key. Never printed."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MIN_BYTES:
            raise KeyProblem(
                f"the pseudonym key is too short: at least {MIN_BYTES} bytes "
                f"({2 * MIN_BYTES} hexadecimal digits) are needed"
            )
        self._secret = secret if len(secret) <= _BLOCK else hashlib.sha256(secret).digest()

    def __repr__(self) -> str:
        return "Key(...)"

    @property
    def fingerprint(self) -> str:
        """Tells keys apart without giving anything away: the HMAC of a fixed text."""
        return hmac.new(self._secret, b"via_pipeline key check 1", hashlib.sha256).hexdigest()[:16]

    def lend(self, connection: duckdb.DuckDBPyConnection, prefix: str = "via") -> None:
        """Put the key's two pads into variables of an in-memory connection."""
        block = self._secret.ljust(_BLOCK, b"\0")
        for name, mask in ((f"{prefix}_ipad", 0x36), (f"{prefix}_opad", 0x5C)):
            connection.execute(f"SET VARIABLE {name} = $1", [bytes(b ^ mask for b in block)])

    def digest(self, message: str) -> str:
        """The HMAC of ``message``, hex: what ``expression`` works out in SQL."""
        return hmac.new(self._secret, message.encode(), hashlib.sha256).hexdigest()

    def wrapped(self, secret: bytes) -> bytes:
        """A secret of 32 bytes, covered by this key; covering twice uncovers it."""
        label = b"via_pipeline cover of the list key 1"
        cover = hmac.new(self._secret, label, hashlib.sha256).digest()
        return bytes(one ^ other for one, other in zip(secret, cover, strict=True))


def default_key_file() -> Path:
    """Where the key lies when neither variable is set."""
    return Path.home() / ".config" / "via_pipeline" / "pseudonym.key"


def key_file() -> Path:
    """The key file in use: ``VIA_PSEUDONYM_KEY_FILE``, else the default."""
    named = os.environ.get(KEY_FILE_VARIABLE)
    return Path(named) if named else default_key_file()


def load_key(home_root: Path) -> Key:
    """The key from the environment, else from the key file.

    Raises:
        KeyProblem: there is none, it is malformed, others may read it, or it lies in a place that
            is copied around (the repository, ``VIA_HOME``).
    """
    if text := os.environ.get(KEY_VARIABLE):
        return Key(_unhex(text, KEY_VARIABLE))
    return key_from_file(key_file(), home_root)


def key_from_file(path: Path, home_root: Path) -> Key:
    """The key in ``path``.

    Raises:
        KeyProblem: see ``load_key``.
    """
    _refuse_place(path, home_root)
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise KeyProblem(
            f"there is no pseudonym key: set {KEY_VARIABLE} (hexadecimal, {MIN_BYTES} bytes or "
            f"more), or make a key file ({KEY_FILE_VARIABLE} names it)"
        ) from None
    except (OSError, UnicodeDecodeError):
        raise KeyProblem("the pseudonym key file cannot be read") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyProblem(
            f"the pseudonym key file {path.name} may be read by others; allow its owner only "
            "(chmod 600)"
        )
    return Key(_unhex(text, path.name))


def make_key(path: Path, home_root: Path | None = None) -> bool:
    """Make a random key file, 0600; False when there is one already.

    Raises:
        KeyProblem: the place is inside the repository or ``VIA_HOME``.
    """
    _refuse_place(path, home_root)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(secrets.token_hex(MIN_BYTES) + "\n")
    return True


def expression(
    table: Table,
    person: Person,
    fields: Mapping[str, str],
    texts: Mapping[str, str],
    prefix: str = "via",
) -> str:
    """SQL of the pseudonym of ``person``, hex; NULL where a required part is missing.

    ``texts`` maps each identifying column to SQL of its trimmed text (NULL when missing). The
    message is ``id_type``, the key fields and the columns, joined by the unit separator.
    """
    fixed = _SEPARATOR.join(
        [person.id_type, *(normalised(fields.get(name, "")) for name in person.key_fields)]
    )
    parts = [literal(fixed)]
    needed = []
    for name in person.columns:
        text = f"upper({texts[name]})"
        if person.id_type == "bsn":
            text = bsn.padded(text)
        parts.append(f"coalesce({text}, '')")
        if table.column(name).required or len(person.columns) == 1:
            needed.append(f"{texts[name]} IS NOT NULL")
    message = f" || {literal(_SEPARATOR)} || ".join(parts)
    digest = (
        f"sha256(getvariable('{prefix}_opad')::BLOB || "
        f"unhex(sha256(getvariable('{prefix}_ipad')::BLOB || encode({message}))))"
    )
    return f"CASE WHEN {' AND '.join(needed) or 'true'} THEN {digest} END"


def message_of(person: Person, fields: Mapping[str, str], texts: Sequence[str]) -> str:
    """What the pseudonym of ``person`` is the HMAC of; ``texts`` in the order of its columns.

    Raises:
        ValueError: the number of texts is not that of the columns, or a key field is not given.
    """
    if len(texts) != len(person.columns):
        raise ValueError(f"expected {len(person.columns)} values: {', '.join(person.columns)}")
    if missing := [name for name in person.key_fields if not fields.get(name)]:
        raise ValueError(f"the identifier belongs to a {', '.join(missing)}; say which")
    parts = [normalised(text) for text in texts]
    if person.id_type == "bsn":
        parts = [part.zfill(9) for part in parts]
    keys = [normalised(fields[name]) for name in person.key_fields]
    return _SEPARATOR.join([person.id_type, *keys, *parts])


def normalised(text: str) -> str:
    """An identifying text as it enters the message: no outer blanks, upper case."""
    return text.strip().upper()


def _refuse_place(path: Path, home_root: Path | None) -> None:
    resolved = path.absolute().resolve()
    for place, what in ((_PROJECT, "the repository"), (home_root, "VIA_HOME")):
        if place is None or (place == _PROJECT and not (_PROJECT / "pyproject.toml").exists()):
            continue
        if resolved.is_relative_to(place.resolve()):
            raise KeyProblem(
                f"the pseudonym key file lies inside {what}, where it would be copied along; "
                f"keep it elsewhere and name it in {KEY_FILE_VARIABLE}"
            )


def _unhex(text: str, where: str) -> bytes:
    try:
        return bytes.fromhex(text.strip())
    except ValueError:
        raise KeyProblem(f"the pseudonym key in {where} is not hexadecimal") from None
