"""Take a person out of everything that is kept of them (AVG art. 17).

The order makes a killed erasure safe to repeat: first the person goes on the list of who may not
come back, then out of the partners' files, then out of lake, quarantine and reports. Whether a file
still holds the person is found by reading it again, in a place that is thrown away, never by
remembered row numbers. Belongs here: that order. Does not belong here: formats (``rewrite.py``).
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from via_pipeline.contracts.binding import bound
from via_pipeline.contracts.model import Contract
from via_pipeline.intake import corrections, exclusions, readers, recognise, stage
from via_pipeline.intake.discover import Found
from via_pipeline.intake.ledger import Ledger, LedgerRow, Rewriting, stamp
from via_pipeline.intake.pseudonym import Key, message_of
from via_pipeline.intake.records import StagedTable, read_record, staging
from via_pipeline.pilots import conform
from via_pipeline.privacy import traces
from via_pipeline.privacy.rewrite import COPIED, CannotRewrite, holds, without
from via_pipeline.quality import page, report, results
from via_pipeline.quality.results import RuleResult
from via_pipeline.storage.atomic import replacing, write_text, writer_lock
from via_pipeline.storage.home import Home
from via_pipeline.storage.place import Place, rows_of

_TELLING = 6
"""Signs of an identifier from which on finding it in a file says that the person is still there."""


class _OnlyTried(Exception):
    """A dry run came as far as it may."""


class NobodyMeant(ValueError):
    """What was given is not an identifier of any contract; the message never repeats it."""


@dataclass(frozen=True)
class Touched:
    """One delivery that held the person. ``file`` tells what became of the partner's own file."""

    source: str
    delivery_id: str
    name: str
    rows: int
    file: str


@dataclass(frozen=True)
class Erased:
    """What an erasure did, or would do. No identifier and no pseudonym is in it."""

    id_type: str
    deliveries: tuple[Touched, ...] = ()
    unread: tuple[str, ...] = ()
    editions: tuple[str, ...] = ()
    is_dry: bool = False


def messages(
    contracts: Sequence[Contract], id_type: str, texts: Sequence[str], fields: Mapping[str, str]
) -> set[str]:
    """What the pseudonyms of this person are made of, over all contracts.

    Raises:
        NobodyMeant: no contract has that type, or what was given does not fit it.
    """
    found = set()
    problems = []
    for contract in contracts:
        for table in contract.tables:
            for person in table.persons:
                if person.id_type == id_type:
                    try:
                        found.add(message_of(person, fields, texts))
                    except ValueError as error:
                        problems.append(str(error))
    if not found:
        raise NobodyMeant(next(iter(problems), f"no contract has persons by '{id_type}'"))
    return found


def erase(
    home: Home,
    contracts: Sequence[Contract],
    key: Key,
    id_type: str,
    texts: Sequence[str],
    fields: Mapping[str, str],
    *,
    now: datetime,
    run_id: str,
    dry_run: bool = False,
) -> Erased:
    """Erase one person. ``texts`` are the identifier's parts, ``fields`` what it belongs to.

    Raises:
        NobodyMeant: see ``messages``.
        LedgerError: the key is not the lake's.
        OSError: a kept file cannot be written; run it again.
    """
    ledger = Ledger(home.ledger)
    ledger.check_key(key.fingerprint)
    meant = messages(contracts, id_type, texts, fields)
    pairs = {(id_type, key.digest(message)) for message in meant}
    if not dry_run:
        for message in meant:
            exclusions.add(home, key, exclusions.ERASED, id_type, message, _day(now))
    touched: list[Touched] = []
    unread: list[str] = []
    for contract in contracts:
        rows = ledger.rows(contract.source)
        unread += [row.file_name for row in rows if not row.is_readable]
        if any(person.id_type == id_type for table in contract.tables for person in table.persons):
            work = _Source(
                home, ledger, bound(contract, home.data / "reference"), key, pairs, texts
            )
            with (
                writer_lock(home.locks, f"intake-{contract.source}"),
                writer_lock(home.locks, f"judge-{contract.source}"),
            ):
                found = work.erase(rows, stamp(now), run_id, dry_run)
                if found and not dry_run:
                    conform.refresh(home, contract)
            touched += found
    known = {contract.source for contract in contracts}
    unread += [row.file_name for row in ledger.rows() if row.source not in known]
    editions = sorted(path.name for path in home.letters.iterdir()) if home.letters.exists() else []
    return Erased(
        id_type, tuple(touched), tuple(sorted(set(unread))), tuple(editions), is_dry=dry_run
    )


class _Source:
    """One source during one erasure."""

    def __init__(
        self,
        home: Home,
        ledger: Ledger,
        contract: Contract,
        key: Key,
        pairs: traces.Pairs,
        texts: Sequence[str],
    ) -> None:
        self.home, self.ledger, self.contract = home, ledger, contract
        self.key, self.pairs, self.texts = key, pairs, texts

    def erase(
        self, rows: Sequence[LedgerRow], at: str, run_id: str, dry_run: bool
    ) -> list[Touched]:
        holding = {
            row.delivery_id: row
            for row in rows
            if any(
                traces.rows_about(path, table, self.pairs)
                for table, path in traces.tables_of(self.home, self.contract, row.delivery_id)
            )
        }
        files = traces.kept_files(self.home, self.ledger, self.contract) if holding else []
        touched = []
        # Lists of corrections first: they count the rows of files that are still whole.
        for row in sorted(holding.values(), key=lambda one: one.corrects is None):
            paths = {one.path for one in rows if one.delivery_id == row.delivery_id}
            told = [
                self._list(row, found, rows, files, at, run_id, dry_run)
                if found.is_correction
                else self._file(row, found, at, run_id, dry_run)
                for sha256, place, found in files
                if sha256 == row.sha256 and place in paths
            ]
            count = self._lake(row, run_id, at, dry_run)
            touched.append(
                Touched(
                    row.source,
                    row.delivery_id,
                    row.file_name,
                    count,
                    ", ".join(sorted(set(told))) or "niet meer bewaard",
                )
            )
        if not dry_run:
            for row in holding.values():
                if row.corrects is not None:
                    self._follow(row, rows, files, at, run_id)
        return touched

    def _file(self, row: LedgerRow, found: Found, at: str, run_id: str, dry_run: bool) -> str:
        """Rewrite the partner's file without the person, or delete it where that cannot be done."""
        recognised = recognise.recognise(self.contract, found.file_name)
        with self._read_again(row, found, recognised) as staged:
            rows = self._rows(staged)
            before = sum(table.rows_in for table, _ in staged)
            others = self._others(staged)
        # Of a copy everybody else must read as before; of the others every other byte is there.
        count = sum(map(len, rows.values()))
        if not count:
            return "herschreven"
        kind = "map" if found.is_folder else readers.format_of(found.files()[0])
        try:
            if found.is_folder:
                raise CannotRewrite(kind)
            fresh = without(
                found.absolute.read_bytes(),
                kind,
                {name: numbers for name, numbers in rows.items() if numbers},
                self.contract.delivery.members,
            )
            # A hidden name is no delivery. Beside the file: identifiers stay inside landing.
            with replacing(found.absolute) as temporary:
                temporary.write_bytes(fresh)
                fresh_found = replace(found, absolute=temporary)
                with self._read_again(row, fresh_found, recognised) as staged:
                    after = sum(table.rows_in for table, _ in staged)
                    is_gone = not any(self._rows(staged).values()) and before - after == count
                    if not is_gone or (kind in COPIED and self._others(staged) != others):
                        raise CannotRewrite(kind)
                if any(holds(fresh, text) for text in self.texts if len(text) >= _TELLING):
                    raise CannotRewrite(kind)
                if dry_run:
                    raise _OnlyTried
                self.ledger.record_rewriting(
                    Rewriting(
                        row.delivery_id,
                        row.source,
                        found.measure()[1],
                        hashlib.sha256(fresh).hexdigest(),
                        len(fresh),
                        count,
                        run_id,
                        at,
                    )
                )
        except _OnlyTried:
            pass
        except CannotRewrite:
            if not dry_run:
                shutil.rmtree(found.absolute) if found.is_folder else found.absolute.unlink()
            return f"verwijderd ({kind}: niet per rij te wissen)"
        return "overgeschreven (alleen de gegevens)" if kind in COPIED else "herschreven"

    def _others(self, staged: Sequence[tuple[StagedTable, Place]]) -> dict[str, str]:
        """What everybody else's rows say, by table."""
        return {
            table.table: traces.others(path, self.contract.table(table.table), self.pairs)
            for table, path in staged
        }

    def _list(
        self,
        row: LedgerRow,
        found: Found,
        known: Sequence[LedgerRow],
        files: Sequence[tuple[str, str, Found]],
        at: str,
        run_id: str,
        dry_run: bool,
    ) -> str:
        """Write a list of corrections again without the person's rows; later rows move up.

        The list goes where the file that it corrects is not kept: nobody can count its rows.
        """
        base = next((one for one in known if one.delivery_id == row.corrects), None)
        file = next((one for sha256, _, one in files if base and sha256 == base.sha256), None)
        try:
            listed = corrections.read(found.absolute)
        except corrections.NotAList:
            listed = None
        if base is None or file is None or listed is None:
            if not dry_run:
                found.absolute.unlink()
            return "verwijderd (lijst met correcties zonder bestand)"
        recognised = recognise.recognise(self.contract, file.file_name)
        with self._read_again(base, file, recognised) as staged:
            gone = self._rows(staged)
        fresh = corrections.without(listed, gone)
        if dry_run or fresh == listed:
            return "herschreven"
        if not fresh.cells:
            found.absolute.unlink()
            return "verwijderd (lijst met correcties)"
        self._write_list(row, found, fresh, len(listed.cells) - len(fresh.cells), at, run_id)
        return "herschreven"

    def _follow(
        self,
        row: LedgerRow,
        known: Sequence[LedgerRow],
        files: Sequence[tuple[str, str, Found]],
        at: str,
        run_id: str,
    ) -> None:
        """Let a list name the bytes that its file has now: who has no ledger finds it by them."""
        base = next((one for one in known if one.delivery_id == row.corrects), None)
        file = next((one for sha256, _, one in files if base and sha256 == base.sha256), None)
        found = next((one for sha256, _, one in files if sha256 == row.sha256), None)
        if file and found and file.absolute.exists() and found.absolute.exists():
            listed = corrections.read(found.absolute)
            fresh = replace(listed, base_sha256=file.measure()[1])
            if fresh != listed:
                self._write_list(row, found, fresh, 0, at, run_id)

    def _write_list(
        self,
        row: LedgerRow,
        found: Found,
        fresh: corrections.CorrectionList,
        fewer: int,
        at: str,
        run_id: str,
    ) -> None:
        text = corrections.text_of(fresh)
        self.ledger.record_rewriting(
            Rewriting(
                row.delivery_id,
                row.source,
                found.measure()[1],
                hashlib.sha256(text.encode()).hexdigest(),
                len(text.encode()),
                fewer,
                run_id,
                at,
            )
        )
        write_text(found.absolute, text)
        found.absolute.chmod(0o600)

    def _rows(self, staged: Sequence[tuple[StagedTable, Place]]) -> dict[str, list[int]]:
        return {
            table.table: traces.rows_about(path, self.contract.table(table.table), self.pairs)
            for table, path in staged
        }

    @contextmanager
    def _read_again(
        self, row: LedgerRow, found: Found, recognised: recognise.Recognised
    ) -> Iterator[list[tuple[StagedTable, Place]]]:
        """The tables of a kept file, staged in a place of their own that is thrown away."""
        with tempfile.TemporaryDirectory(dir=self.home.scratch) as place:
            apart = Home(Path(place), self.home.data).ensure()
            measured = stage.Measured(row.delivery_id, row.bytes, row.sha256, row.file_name)
            staged = stage.stage(apart, self.contract, found, measured, recognised, self.key)
            folder = staging(apart.lake, row.delivery_id)
            yield [
                (table, folder / f"{table.table}.parquet")
                for table in staged.tables
                if table.parquet is not None
            ]

    def _lake(self, row: LedgerRow, run_id: str, at: str, dry_run: bool) -> int:
        """Take the rows out of lake and quarantine, and their numbers out of reports."""
        numbers: dict[str, set[int]] = {}
        found = list(traces.tables_of(self.home, self.contract, row.delivery_id))
        for table, path in found:
            rows = traces.rows_about(path, table, self.pairs)
            numbers.setdefault(table.name, set()).update(rows)
        if not dry_run:
            # Staging last: it tells a repeated erasure that there is something left to do.
            folder = staging(self.home.lake, row.delivery_id)
            for table, path in found:
                if path.parent != folder:
                    traces.without(path, table, self.pairs)
            self._reports(row, numbers, run_id, at)
            for table, path in found:
                if path.parent == folder:
                    traces.without(path, table, self.pairs)
        return sum(len(rows) for rows in numbers.values())

    def _reports(
        self, row: LedgerRow, numbers: Mapping[str, set[int]], run_id: str, at: str
    ) -> None:
        """Write result, page and workbook again, with counts as they are now (safe to repeat)."""
        folder = staging(self.home.lake, row.delivery_id)
        staged = read_record(folder)
        staged = replace(
            staged,
            tables=tuple(
                replace(
                    table,
                    rows_in=rows_of(folder / f"{table.table}.parquet")
                    - len(numbers.get(table.table, ()))
                    + len(table.malformed_rows),
                )
                for table in staged.tables
            ),
        )
        staged.write(folder)
        if not results.path_of(self.home.reports, row.delivery_id).exists():
            return
        before = results.read_result(self.home.reports, row.delivery_id)
        rows_in = {table.table: table.rows_in for table in staged.tables}
        counts = []
        for one in before.counts:
            part = conform.accepted_path(self.home, self.contract.table(one.table), row.delivery_id)
            whole = rows_in[one.table]
            kept = rows_of(part) if part.exists() else min(one.accepted, whole)
            counts.append(replace(one, rows_in=whole, accepted=kept, quarantined=whole - kept))
        result = replace(
            before,
            rules=tuple(
                _without_rows(rule, numbers.get(rule.table, set())) for rule in before.rules
            ),
            counts=tuple(counts),
        )
        self.ledger.record_verdict(
            row.delivery_id,
            result.contract_sha256,
            result.verdict.value,
            rows_in=sum(one.rows_in for one in counts),
            accepted=sum(one.accepted for one in counts),
            quarantined=sum(one.quarantined for one in counts),
            run_id=run_id,
            recorded_at=at,
        )
        report.write(report.path_of(self.home.reports, staged), self.contract, staged, result)
        page.write(self.home.reports, self.contract, staged, result)
        result.write(self.home.reports)


def _without_rows(rule: RuleResult, numbers: set[int]) -> RuleResult:
    rows = tuple(row for row in rule.rows if row not in numbers)
    fewer = len(rule.rows) - len(rows)
    return replace(rule, rows=rows, failed=rule.failed - fewer) if fewer else rule


def _day(now: datetime) -> date:
    return now.astimezone(ZoneInfo("Europe/Amsterdam")).date()
