"""The ledger: every file ever seen, what was read of it and what was judged. Facts only.

SQLite, append-only (the database itself refuses an update or a delete). A file's status is not
stored: ``rows()`` derives it (``status.py``). Does not belong here: reading files, judging rows.

Identifying values never come here; a fingerprint of the pseudonym key does, so that two keys are
never mixed in one lake.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from via_pipeline.intake.records import StagedDelivery
from via_pipeline.intake.status import Fact, Key, Standing, Status, standings

_BUSY_SECONDS = 60
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sighting (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, path TEXT NOT NULL,
    file_name TEXT NOT NULL, received TEXT, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    delivery_id TEXT NOT NULL, run_id TEXT NOT NULL, seen_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS staging (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, delivery_id TEXT NOT NULL, source TEXT NOT NULL,
    contract_version TEXT NOT NULL, contract_sha256 TEXT NOT NULL, fields TEXT NOT NULL,
    delivery_key TEXT, peildatum TEXT, content_sha256 TEXT, sniffed TEXT NOT NULL,
    is_readable INTEGER NOT NULL, rows_in INTEGER NOT NULL, run_id TEXT NOT NULL,
    recorded_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS verdict (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, delivery_id TEXT NOT NULL,
    contract_sha256 TEXT NOT NULL, verdict TEXT NOT NULL, rows_in INTEGER NOT NULL,
    accepted INTEGER NOT NULL, quarantined INTEGER NOT NULL, run_id TEXT NOT NULL,
    recorded_at TEXT);
CREATE TABLE IF NOT EXISTS removal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, delivery_id TEXT NOT NULL, source TEXT NOT NULL,
    reason TEXT NOT NULL, sha256 TEXT NOT NULL, files INTEGER NOT NULL, rows INTEGER NOT NULL,
    kept_file TEXT NOT NULL, run_id TEXT NOT NULL, recorded_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rewriting (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, delivery_id TEXT NOT NULL, source TEXT NOT NULL,
    old_sha256 TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, rows INTEGER NOT NULL,
    run_id TEXT NOT NULL, recorded_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS correction (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, delivery_id TEXT NOT NULL, source TEXT NOT NULL,
    base TEXT NOT NULL, base_sha256 TEXT NOT NULL, sha256 TEXT NOT NULL, who TEXT NOT NULL,
    made_at TEXT NOT NULL, cells INTEGER NOT NULL, run_id TEXT NOT NULL,
    recorded_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS sighting_path ON sighting (source, path);
CREATE INDEX IF NOT EXISTS staging_delivery ON staging (delivery_id);
CREATE INDEX IF NOT EXISTS verdict_delivery ON verdict (delivery_id);
"""
_APPEND_ONLY = """
CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""


class LedgerError(RuntimeError):
    """The ledger refuses: another pseudonym key, or a file that is not a ledger."""


@dataclass(frozen=True)
class Sighting:
    """One file as found: where, when, how large, which bytes. ``path`` is relative to ``data``."""

    source: str
    path: str
    file_name: str
    received: date | None
    bytes: int
    sha256: str
    delivery_id: str
    run_id: str
    seen_at: str


@dataclass(frozen=True)
class LedgerRow:
    """One file ever seen, with what was read and judged of it and the status that follows.

    ``key`` is the delivery's key (field, value), None where no contract recognised the file.
    ``rows_in`` counts all tables of the delivery; ``rows_accepted`` and ``rows_quarantined`` are
    None until judged. ``same_bytes_as`` names other deliveries of the source with these very
    bytes under another key: worth a question to the partner.
    """

    source: str
    path: str
    file_name: str
    received: date | None
    seen_at: str
    run_id: str
    bytes: int
    sha256: str
    delivery_id: str
    fields: dict[str, str]
    key: Key | None
    peildatum: str | None
    contract_version: str
    contract_sha256: str
    content_sha256: str | None
    encoding: str | None
    is_readable: bool
    verdict: str | None
    held_verdict: str | None
    rows_in: int
    rows_accepted: int | None
    rows_quarantined: int | None
    status: Status
    duplicate_of: str | None
    supersedes: str | None
    superseded_by: str | None
    same_bytes_as: tuple[str, ...]
    removed: str | None = None
    """Why its rows are no longer here (``bewaartermijn``); None: they are, as far as judged."""
    corrects: str | None = None
    """The delivery that this list of corrections corrects; None for what a partner sent."""
    corrects_sha256: str | None = None
    """The hash of the bytes of that delivery."""

    @property
    def is_in_force(self) -> bool:
        """Whether the rows of this delivery count now."""
        return self.status in (Status.ACCEPTED, Status.ACCEPTED_WITH_WARNINGS)


@dataclass(frozen=True)
class Removal:
    """Rows of a delivery that were deleted: which delivery, why, and how much. No identifier.

    ``kept_file`` tells what became of the partner's own file: ``verwijderd`` or ``afwezig``.
    """

    delivery_id: str
    source: str
    reason: str
    sha256: str
    files: int
    rows: int
    kept_file: str
    run_id: str
    recorded_at: str


@dataclass(frozen=True)
class Rewriting:
    """A kept file that was rewritten without a person's rows."""

    delivery_id: str
    source: str
    old_sha256: str
    sha256: str
    bytes: int
    rows: int
    run_id: str
    recorded_at: str


@dataclass(frozen=True)
class Correction:
    """A list of corrections as taken in: which delivery, by whom, when, how many cells; no value.

    ``delivery_id`` is the corrected delivery, ``base`` the one as sent; ``sha256`` is the list's.
    """

    delivery_id: str
    source: str
    base: str
    base_sha256: str
    sha256: str
    who: str
    made_at: str
    cells: int
    run_id: str
    recorded_at: str


class Ledger:
    """The ledger in one SQLite file (0600), made on first use. Safe across processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        with self._writing() as connection:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            for table in ("sighting", "staging", "verdict", "removal", "rewriting", "correction"):
                for verb in ("UPDATE", "DELETE"):
                    connection.execute(_APPEND_ONLY.format(table=table, verb=verb))

    # Writing -------------------------------------------------------------------------------

    def check_key(self, fingerprint: str) -> None:
        """Remember the pseudonym key's fingerprint, or compare with the remembered one.

        Raises:
            LedgerError: the lake was made with another key.
        """
        with self._writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO meta VALUES ('pseudonym_key', ?)", (fingerprint,)
            )
            known = connection.execute(
                "SELECT value FROM meta WHERE name = 'pseudonym_key'"
            ).fetchone()[0]
            coming = connection.execute(
                "SELECT value FROM meta WHERE name = 'pseudonym_key_next'"
            ).fetchone()
        if coming is not None:
            raise LedgerError(
                "a change of the pseudonym key was not finished: the lake holds pseudonyms of two "
                "keys. Run the same 'via rekey' again"
            )
        if known != fingerprint:
            raise LedgerError(
                "the pseudonym key differs from the one that this lake was made with; pseudonyms "
                "of the two cannot be joined. Set VIA_PSEUDONYM_KEY or VIA_PSEUDONYM_KEY_FILE to "
                "the earlier key, or start a new VIA_HOME"
            )

    def record_sighting(self, sighting: Sighting) -> bool:
        """Remember that a file was seen; False when its path last held the same delivery."""
        with self._writing() as connection:
            last = connection.execute(
                "SELECT delivery_id FROM sighting WHERE source = ? AND path = ? "
                "ORDER BY seq DESC LIMIT 1",
                (sighting.source, sighting.path),
            ).fetchone()
            if last is not None and last[0] == sighting.delivery_id:
                return False
            connection.execute(
                "INSERT INTO sighting (source, path, file_name, received, bytes, sha256, "
                "delivery_id, run_id, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    sighting.source,
                    sighting.path,
                    sighting.file_name,
                    sighting.received.isoformat() if sighting.received else None,
                    sighting.bytes,
                    sighting.sha256,
                    sighting.delivery_id,
                    sighting.run_id,
                    sighting.seen_at,
                ),
            )
        return True

    def record_staged(
        self, staged: StagedDelivery, key: Key | None, *, run_id: str, recorded_at: str
    ) -> None:
        """Remember what intake made of a delivery; ``key`` is None where none was recognised."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO staging (delivery_id, source, contract_version, contract_sha256, "
                "fields, delivery_key, peildatum, content_sha256, sniffed, is_readable, rows_in, "
                "run_id, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    staged.delivery_id,
                    staged.source,
                    staged.contract_version,
                    staged.contract_sha256,
                    json.dumps(staged.fields, sort_keys=True),
                    None if key is None else json.dumps(key),
                    staged.peildatum,
                    staged.content_sha256,
                    json.dumps(staged.sniffed, sort_keys=True),
                    int(staged.is_readable),
                    sum(table.rows_in for table in staged.tables),
                    run_id,
                    recorded_at,
                ),
            )

    def record_verdict(
        self,
        delivery_id: str,
        contract_sha256: str,
        verdict: str,
        *,
        rows_in: int,
        accepted: int,
        quarantined: int,
        run_id: str,
        recorded_at: str | None = None,
    ) -> None:
        """Remember quality's verdict (``accepted``, ``accepted_with_warnings``, ``rejected``).

        Raises:
            ValueError: the verdict is no such word, or the counts do not add up.
        """
        if verdict not in ("accepted", "accepted_with_warnings", "rejected"):
            raise ValueError(f"no verdict is called {verdict!r}")
        if rows_in != accepted + quarantined and verdict != "rejected":
            raise ValueError(
                f"{delivery_id}: {rows_in} rows in, but {accepted} accepted and {quarantined} "
                "quarantined"
            )
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO verdict (delivery_id, contract_sha256, verdict, rows_in, accepted, "
                "quarantined, run_id, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    delivery_id,
                    contract_sha256,
                    str(verdict),
                    rows_in,
                    accepted,
                    quarantined,
                    run_id,
                    recorded_at,
                ),
            )

    def record_removal(self, removal: Removal) -> None:
        """Remember that the rows of a delivery were deleted: how much, why, by hash; no row."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO removal (delivery_id, source, reason, sha256, files, rows, kept_file, "
                "run_id, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                tuple(asdict(removal).values()),
            )

    def record_rewriting(self, rewriting: Rewriting) -> None:
        """Remember that a kept file was rewritten without a person: it stays the same delivery."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO rewriting (delivery_id, source, old_sha256, sha256, bytes, rows, "
                "run_id, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                tuple(asdict(rewriting).values()),
            )

    def record_correction(self, correction: Correction) -> None:
        """Remember a list of corrections; once a list."""
        with self._writing() as connection:
            names = [item.name for item in fields(Correction)]
            connection.execute(
                f"INSERT INTO correction ({', '.join(names)}) "
                f"SELECT {', '.join('?' * len(names))} WHERE NOT EXISTS "
                "(SELECT 1 FROM correction WHERE delivery_id = ?)",
                (*asdict(correction).values(), correction.delivery_id),
            )

    def replace_key(self, fingerprint: str) -> None:
        """Take another pseudonym key for this lake's; every pseudonym must be new by then."""
        with self._writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO meta VALUES ('pseudonym_key', ?)", (fingerprint,)
            )
            connection.execute("DELETE FROM meta WHERE name = 'pseudonym_key_next'")

    def begin_key(self, fingerprint: str) -> None:
        """Remember that another key is being taken; until it is, nothing is taken in."""
        with self._writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO meta VALUES ('pseudonym_key_next', ?)", (fingerprint,)
            )

    # Reading -------------------------------------------------------------------------------

    def is_staged(self, delivery_id: str, contract_sha256: str) -> bool:
        """Whether intake has already read this delivery under this very contract."""
        with self._reading() as connection:
            last = connection.execute(
                "SELECT contract_sha256 FROM staging WHERE delivery_id = ? "
                "ORDER BY seq DESC LIMIT 1",
                (delivery_id,),
            ).fetchone()
        return last is not None and last[0] == contract_sha256

    def hashes_of(self, source: str, key: Key) -> dict[str, str | None]:
        """The hash of the rows of every delivery with ``key`` that could be read.

        By delivery; None where it was not worked out. One that was deleted for good counts: the
        same rows do not come back under other bytes.
        """
        with self._reading() as connection:
            found = connection.execute(
                "SELECT delivery_id, content_sha256 FROM staging WHERE source = ? "
                "AND delivery_key = ? AND is_readable ORDER BY seq",
                (source, json.dumps(key)),
            ).fetchall()
        return dict(found)

    def is_known(self, delivery_id: str) -> bool:
        """Whether intake ever read this delivery, under whatever contract."""
        with self._reading() as connection:
            found = connection.execute(
                "SELECT 1 FROM staging WHERE delivery_id = ? LIMIT 1", (delivery_id,)
            ).fetchone()
        return found is not None

    def key_fingerprint(self) -> str | None:
        """The fingerprint of the key that this lake was made with; None before the first."""
        with self._reading() as connection:
            found = connection.execute(
                "SELECT value FROM meta WHERE name = 'pseudonym_key'"
            ).fetchone()
        return found[0] if found else None

    def removals(self) -> list[Removal]:
        """Every deletion, in the order in which they were recorded."""
        with self._reading() as connection:
            found = connection.execute("SELECT * FROM removal ORDER BY seq").fetchall()
        columns = [item.name for item in fields(Removal)]
        return [Removal(**{name: row[name] for name in columns}) for row in found]

    def corrections(self, source: str | None = None) -> list[Correction]:
        """Every list of corrections that was taken in, in that order."""
        with self._reading() as connection:
            found = connection.execute(
                "SELECT * FROM correction WHERE ? IS NULL OR source = ? ORDER BY seq",
                (source, source),
            ).fetchall()
        columns = [item.name for item in fields(Correction)]
        return [Correction(**{name: row[name] for name in columns}) for row in found]

    def first_hashes(self, source: str, sha256: str) -> list[tuple[str, str]]:
        """Deliveries that these bytes are a rewritten form of: hash and name as they first came."""
        with self._reading() as connection:
            found = connection.execute(
                "SELECT DISTINCT s.sha256, s.file_name FROM rewriting r "
                "JOIN sighting s USING (delivery_id) WHERE r.source = ? AND r.sha256 = ? "
                "ORDER BY s.sha256, s.file_name",
                (source, sha256),
            ).fetchall()
        return [(row[0], row[1]) for row in found]

    def sightings(self, source: str | None = None) -> list[Sighting]:
        """Every sighting, in the order in which they were recorded."""
        with self._reading() as connection:
            found = connection.execute(
                "SELECT * FROM sighting WHERE ? IS NULL OR source = ? ORDER BY seq",
                (source, source),
            ).fetchall()
        return [_sighting(row) for row in found]

    def rows(self, source: str | None = None, as_of: date | None = None) -> list[LedgerRow]:
        """One row a file ever seen, ordered by source, received and path, with its status.

        ``as_of`` sees only what was received on or before that day.
        """
        with self._reading() as connection:
            seen = connection.execute(
                "SELECT * FROM sighting WHERE ? IS NULL OR source = ? ORDER BY seq",
                (source, source),
            ).fetchall()
            stagings = connection.execute("SELECT * FROM staging ORDER BY seq").fetchall()
            verdicts = {
                (row["delivery_id"], row["contract_sha256"]): row
                for row in connection.execute("SELECT * FROM verdict ORDER BY seq")
            }
            removed = dict(
                connection.execute(
                    "SELECT delivery_id, reason FROM removal ORDER BY seq"
                ).fetchall()
            )
            corrected = {
                row["delivery_id"]: (row["base"], row["base_sha256"])
                for row in connection.execute("SELECT * FROM correction ORDER BY seq")
            }
        staged = {row["delivery_id"]: row for row in stagings}
        held = _held(stagings, verdicts)
        visible = [
            row
            for row in _newest_of_each_file(seen)
            if as_of is None or row["received"] is None or _day(row["received"]) <= as_of
        ]
        plain = [
            replace(
                _plain(row, staged.get(row["delivery_id"]), verdicts, held.get(row["delivery_id"])),
                removed=removed.get(row["delivery_id"]),
                corrects=corrected.get(row["delivery_id"], (None, None))[0],
                corrects_sha256=corrected.get(row["delivery_id"], (None, None))[1],
            )
            for row in visible
        ]
        facts = [_fact(row, sighting["seq"]) for row, sighting in zip(plain, visible, strict=True)]
        twins = _twins(plain)
        rows = [
            _with_standing(row, standing, twins)
            for row, standing in zip(plain, standings(facts), strict=True)
        ]
        return sorted(rows, key=lambda row: (row.source, row.received or date.min, row.path))

    def current(self, source: str, as_of: date | None = None) -> list[LedgerRow]:
        """The deliveries whose rows are in force: one a key, ordered by key.

        ``as_of`` tells what was in force on that day's evening, by received date.
        """
        found = [row for row in self.rows(source, as_of) if row.is_in_force]
        return sorted(found, key=lambda row: row.key or ())

    # Connections ---------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(
                sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
            ) as connection:
                connection.row_factory = sqlite3.Row
                yield connection
        except sqlite3.DatabaseError as error:
            raise LedgerError(f"the ledger {self.path.name} cannot be used: {error}") from error


def stamp(now: datetime) -> str:
    """An instant as the ledger keeps it: UTC, to the second.

    Raises:
        ValueError: ``now`` carries no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _newest_of_each_file(seen: list[sqlite3.Row]) -> list[sqlite3.Row]:
    """One sighting per path and delivery.

    Of a received file the first counts; of what people keep (no received date) the last, because
    going back to an earlier state makes that state the one in force again.
    """
    chosen: dict[tuple[str, str, str], sqlite3.Row] = {}
    for row in seen:
        place = (row["source"], "" if row["received"] is None else row["path"], row["delivery_id"])
        if row["received"] is None or place not in chosen:
            chosen[place] = row
    return list(chosen.values())


def _sighting(row: sqlite3.Row) -> Sighting:
    fields: dict[str, Any] = {name: row[name] for name in row.keys() if name != "seq"}  # noqa: SIM118
    fields["received"] = _day(fields["received"]) if fields["received"] else None
    return Sighting(**fields)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _held(
    stagings: list[sqlite3.Row], verdicts: dict[tuple[str, str], sqlite3.Row]
) -> dict[str, str]:
    """Per delivery the last acceptance under the contract's present version, if there is one.

    A slip in a code list or a rule must not take a pilot out of tonight's tables: until the
    delivery is accepted again, what was taken over stands. A new version of the contract starts
    afresh, because its columns may be others.
    """
    version = {row["delivery_id"]: row["contract_version"] for row in stagings}
    held: dict[str, str] = {}
    for row in stagings:
        judged = verdicts.get((row["delivery_id"], row["contract_sha256"]))
        if (
            judged is not None
            and judged["verdict"] != "rejected"
            and row["contract_version"] == version[row["delivery_id"]]
        ):
            held[row["delivery_id"]] = judged["verdict"]
    return held


def _plain(
    seen: sqlite3.Row,
    staged: sqlite3.Row | None,
    verdicts: dict[tuple[str, str], sqlite3.Row],
    held: str | None,
) -> LedgerRow:
    """A row without its standing. ``verdict`` is that under the present contract and code lists;
    ``held_verdict`` an earlier acceptance that stands in for it where it is none.
    """
    judged = (
        verdicts.get((seen["delivery_id"], staged["contract_sha256"]))
        if staged is not None
        else None
    )
    key = json.loads(staged["delivery_key"]) if staged and staged["delivery_key"] else None
    sniffed = json.loads(staged["sniffed"]) if staged else {}
    return LedgerRow(
        source=seen["source"],
        path=seen["path"],
        file_name=seen["file_name"],
        received=_day(seen["received"]) if seen["received"] else None,
        seen_at=seen["seen_at"],
        run_id=seen["run_id"],
        bytes=seen["bytes"],
        sha256=seen["sha256"],
        delivery_id=seen["delivery_id"],
        fields=json.loads(staged["fields"]) if staged else {},
        key=None if key is None else tuple((name, value) for name, value in key),
        peildatum=staged["peildatum"] if staged else None,
        contract_version=staged["contract_version"] if staged else "",
        contract_sha256=staged["contract_sha256"] if staged else "",
        content_sha256=staged["content_sha256"] if staged else None,
        encoding=_encoding(sniffed),
        is_readable=bool(staged["is_readable"]) if staged else True,
        verdict=judged["verdict"] if judged else None,
        held_verdict=held if judged is None or judged["verdict"] == "rejected" else None,
        rows_in=judged["rows_in"] if judged else (staged["rows_in"] if staged else 0),
        rows_accepted=judged["accepted"] if judged else None,
        rows_quarantined=judged["quarantined"] if judged else None,
        status=Status.RECEIVED,
        duplicate_of=None,
        supersedes=None,
        superseded_by=None,
        same_bytes_as=(),
    )


def _encoding(sniffed: dict[str, Any]) -> str | None:
    """The encodings of a delivery's files, joined where they differ."""
    found = {
        item["encoding"]
        for item in sniffed.values()
        if isinstance(item, dict) and item.get("encoding")
    }
    return ", ".join(sorted(found)) or None


def _fact(row: LedgerRow, turn: int) -> Fact:
    return Fact(
        source=row.source,
        # A delivery not staged yet has no key; it is received, not unrecognised.
        key=row.key if row.contract_version or row.key is not None else (("", row.delivery_id),),
        received=row.received,
        path=row.path,
        turn=turn,
        delivery_id=row.delivery_id,
        content_sha256=row.content_sha256,
        is_readable=row.is_readable or row.held_verdict is not None,
        verdict=row.held_verdict or row.verdict,
        corrects=row.corrects,
    )


def _twins(rows: list[LedgerRow]) -> dict[tuple[str, str], set[str]]:
    twins: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        twins.setdefault((row.source, row.sha256), set()).add(row.delivery_id)
    return twins


def _with_standing(
    row: LedgerRow, standing: Standing, twins: dict[tuple[str, str], set[str]]
) -> LedgerRow:
    return replace(
        row,
        status=standing.status,
        duplicate_of=standing.duplicate_of,
        supersedes=standing.supersedes,
        superseded_by=standing.superseded_by,
        same_bytes_as=tuple(sorted(twins[row.source, row.sha256] - {row.delivery_id})),
    )
