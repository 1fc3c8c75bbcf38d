"""Take in what lies in landing: one call a source, and one for files of unknown sources.

New deliveries are read side by side, one a processor, and recorded one after another in their
order, so that the ledger is the same on every machine.

Belongs here: which deliveries are new, and the ledger's facts about them. Does not belong here: how
a delivery is read (``stage.py``). One bad file never stops another.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import duckdb

from via_pipeline.contracts.binding import bound
from via_pipeline.contracts.codelists import UnknownCodeList
from via_pipeline.contracts.model import Contract, ContractError, Severity
from via_pipeline.intake import corrections, discover, names, recognise, stage
from via_pipeline.intake.discover import Found
from via_pipeline.intake.ledger import Correction, Ledger, Sighting, stamp
from via_pipeline.intake.pseudonym import Key, load_key
from via_pipeline.intake.records import RECORD, Finding, StagedDelivery, read_record, staging
from via_pipeline.intake.status import Key as DeliveryKey
from via_pipeline.intake.trouble import Refused
from via_pipeline.storage import duck, settings
from via_pipeline.storage.atomic import writer_lock
from via_pipeline.storage.home import Home
from via_pipeline.storage.place import remove_tree

UNKNOWN_RULE = "bestand__onbekende_bron"
_ZONE = ZoneInfo("Europe/Amsterdam")
_AHEAD_SECONDS = 24 * 60 * 60
_log = logging.getLogger(__name__)

# What is wrong here is the machine or the contract, not the file: it must be tried again.
_NOT_THE_FILE = (
    OSError,
    MemoryError,
    ContractError,
    UnknownCodeList,
    duckdb.IOException,
    duckdb.OutOfMemoryException,
)


@dataclass(frozen=True)
class IntakeSummary:
    """What one call did, as delivery ids; ``known`` were there before and cost no work.

    ``rejected`` could not be read; ``duplicates`` repeat an earlier delivery; ``deferred`` are
    paths of files that were still changing and are left for the next run.
    """

    source: str
    new: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()


def take_in(
    home: Home,
    contract: Contract,
    *,
    run_id: str,
    now: datetime,
    settle_seconds: float | None = None,
    key: Key | None = None,
    again: bool = False,
) -> IntakeSummary:
    """Find, read, pseudonymise and stage what is new for ``contract``; record it in the ledger.

    A delivery is new when the ledger does not know it under this very contract and its code lists.
    A file changed less than ``settle_seconds`` (``VIA_SETTLE_SECONDS``, default 5) before ``now``
    is left for the next run: it may still be growing. ``key`` is the pseudonym key unless given.
    What was deleted for good is not taken in again. ``again`` reads everything anew under ``key``,
    whatever key the lake was made with (a change of the key).

    Raises:
        KeyProblem: there is no usable pseudonym key.
        LedgerError: the key is another than the lake was made with.
        ContractError: the contract is wrong; every other delivery was still taken in.
        OSError: disk or file trouble with a delivery; every other was still taken in.
        BusyError: another run takes in this source.
    """
    home.ensure()
    contract = bound(contract, home.data / "reference")
    key = key or load_key(home.root)
    ledger = Ledger(home.ledger)
    if not again:
        ledger.check_key(key.fingerprint)
    with writer_lock(home.locks, f"intake-{contract.source}"):
        _sweep(home, contract.source)
        if contract.kept_in is not None:
            found = discover.kept(home, contract.source, contract.kept_in)
        else:
            found = discover.deliveries(home, contract.source, _today(now))
        settle = _settle(settle_seconds)
        run = _Run(home, ledger, contract, key, run_id, now, settle, again)
        run.take(found)
        return run.summary()


def take_in_unknown(
    home: Home,
    contracts: Iterable[Contract],
    *,
    run_id: str,
    now: datetime,
    settle_seconds: float | None = None,
) -> IntakeSummary:
    """Record and reject what lies in landing outside the folders of ``contracts``.

    Nothing of such a file is read but its bytes' hash: nobody agreed what may be in it.
    """
    home.ensure()
    ledger = Ledger(home.ledger)
    known = sorted(c.source for c in contracts if c.kept_in is None)
    settle = _settle(settle_seconds)
    new: list[str] = []
    old: list[str] = []
    deferred: list[str] = []
    with writer_lock(home.locks, "intake-unknown"):
        for found in discover.of_unknown(home, known, _today(now)):
            if _is_changing(found, now, settle):
                deferred.append(names.shown(found.path))
                continue
            size, digest = found.measure()
            source, place = names.shown(found.source), place_of(found, digest)
            measured = stage.Measured(
                recognise.delivery_id(source, digest, {"bestand": place}),
                size,
                digest,
                names.shown_file(found.file_name, digest),
            )
            _see(ledger, found, source, place, measured, run_id, now)
            if ledger.is_staged(measured.delivery_id, ""):
                old.append(measured.delivery_id)
                continue
            finding = Finding(
                UNKNOWN_RULE,
                Severity.REJECT_FILE,
                f"Voor de map '{source}' bestaat geen afspraak (contract); het bestand is "
                f"niet geopend. Bekende mappen zijn: {', '.join(known)}.",
                measured.name,
            )
            staged = stage.rejected(home, source, measured, finding)
            ledger.record_staged(staged, None, run_id=run_id, recorded_at=stamp(now))
            new.append(measured.delivery_id)
    return IntakeSummary("onbekend", tuple(new), (), tuple(new), tuple(old), tuple(deferred))


@dataclass
class _Begun:
    """A delivery that was looked at. ``bytes_now`` is the hash of the file as it is now.

    ``staged`` is what is being made of it meanwhile, if anything is.
    """

    found: Found
    size: int
    bytes_now: str
    measured: stage.Measured
    recognised: recognise.Recognised | None
    refused: Refused | None
    staged: Future[StagedDelivery] | None = None


class _Run:
    """The deliveries of one source in one call."""

    def __init__(
        self,
        home: Home,
        ledger: Ledger,
        contract: Contract,
        key: Key,
        run_id: str,
        now: datetime,
        settle: float,
        again: bool = False,
    ) -> None:
        self.home, self.ledger, self.contract, self.key = home, ledger, contract, key
        self.run_id, self.now, self.settle, self.again = run_id, now, settle, again
        self.removed = {removal.delivery_id for removal in ledger.removals()}
        self.new: list[str] = []
        self.rejected: list[str] = []
        self.known: list[str] = []
        self.repeated: list[str] = []
        self.deferred: list[str] = []
        self.begun: set[str] = set()
        self.bases: dict[str, tuple[Found, stage.Measured, recognise.Recognised]] = {}
        self.trouble: list[BaseException] = []

    def take(self, found: Iterable[Found]) -> None:
        """Every delivery, recorded in the order given; what is wrong with one stays with it.

        Corrections last, whatever their day: by then every delivery that they name is known.
        """
        later = []
        at_once = duck.at_once()
        with ThreadPoolExecutor(at_once, thread_name_prefix="intake") as readers:
            waiting: deque[_Begun] = deque()
            for one in found:
                if one.is_correction:
                    later.append(one)
                    continue
                with self._of_its_own(one):
                    if (begun := self._begin(one)) is None:
                        continue
                    self._read_ahead(begun, readers, at_once)
                    waiting.append(begun)
                if len(waiting) > at_once:
                    self._end(waiting.popleft())
            while waiting:
                self._end(waiting.popleft())
        for one in later:
            with self._of_its_own(one):
                self._take_corrections(one)

    @contextmanager
    def _of_its_own(self, found: Found) -> Iterator[None]:
        """What is wrong with one delivery stays with it."""
        try:
            yield
        except _NOT_THE_FILE as error:
            told = names.shown(found.path, self.contract)
            _log.error("%s: not taken in now (%s)", told, type(error).__name__)
            self.trouble.append(error)

    def summary(self) -> IntakeSummary:
        """What was done; raises the first trouble that was not the file's."""
        if self.trouble:
            raise self.trouble[0]
        duplicate = {
            row.delivery_id
            for row in self.ledger.rows(self.contract.source)
            if row.duplicate_of not in (None, row.delivery_id) and row.delivery_id in self.new
        }
        return IntakeSummary(
            self.contract.source,
            new=tuple(self.new),
            duplicates=tuple([*self.repeated, *(i for i in self.new if i in duplicate)]),
            rejected=tuple(self.rejected),
            known=tuple(self.known),
            deferred=tuple(self.deferred),
        )

    def _begin(self, found: Found) -> _Begun | None:
        """Look at a delivery; None where it is still changing."""
        contract = self.contract
        if contract.kept_in is None and _is_changing(found, self.now, self.settle):
            self.deferred.append(names.shown(found.path, contract))
            return None
        size, bytes_now = found.measure()
        # A file that was rewritten without an erased person is still the delivery that came.
        digest = first_hash(self.ledger, found, bytes_now, contract)
        name = names.shown_file(found.file_name, digest, contract)
        refused: Refused | None = None
        try:
            recognised = recognise.recognise(contract, found.file_name)
            fields = recognised.fields
        except Refused as caught:
            recognised, refused = None, caught
            fields = {"bestand": name}
        measured = stage.Measured(
            recognise.delivery_id(contract.source, digest, fields), size, digest, name
        )
        if recognised is not None:
            # By id, and by bytes: without the ledger a file that was rewritten has another id.
            self.bases[measured.delivery_id] = (found, measured, recognised)
            self.bases.setdefault(bytes_now, (found, measured, recognised))
        return _Begun(found, size, bytes_now, measured, recognised, refused)

    def _read_ahead(self, begun: _Begun, readers: ThreadPoolExecutor, at_once: int) -> None:
        """Have a new delivery read meanwhile; not one that is being read under another name."""
        delivery_id = begun.measured.delivery_id
        if begun.recognised is None or delivery_id in self.removed | self.begun:
            return
        if self.again or not self.ledger.is_staged(delivery_id, self.contract.sha256):
            self.begun.add(delivery_id)
            begun.staged = readers.submit(
                self._staged, begun.found, begun.measured, begun.recognised, at_once=at_once
            )

    def _end(self, begun: _Begun) -> None:
        with self._of_its_own(begun.found):
            self._take(begun)

    def _take(self, begun: _Begun) -> None:
        contract, found = self.contract, begun.found
        measured, recognised, refused = begun.measured, begun.recognised, begun.refused
        place = place_of(found, measured.sha256, contract)
        if measured.delivery_id in self.removed:
            self.known.append(measured.delivery_id)
            return
        if not self.again and self.ledger.is_staged(measured.delivery_id, contract.sha256):
            is_new_place = self._see(found, place, measured)
            (self.repeated if is_new_place else self.known).append(measured.delivery_id)
            return
        if recognised is None:
            assert refused is not None
            staged = stage.rejected(
                self.home,
                contract.source,
                measured,
                refused.finding(measured.name),
                contract=contract,
                fields=contract.delivery.match(found.file_name),
            )
        else:
            staged = self._read(begun, recognised)
        if contract.kept_in is None and found.measure() != (begun.size, begun.bytes_now):
            remove_tree(staging(self.home.lake, measured.delivery_id))
            self.deferred.append(names.shown(found.path, contract))
            return
        self._see(found, place, measured)
        self._record(staged, recognised.key if recognised else None)
        self.new.append(measured.delivery_id)
        if not staged.is_readable:
            self.rejected.append(measured.delivery_id)

    def _take_corrections(self, found: Found) -> None:
        """A list: the delivery that it names, with its cells; a revision of that delivery.

        It is never still growing: we write it ourselves, in one rename.
        """
        contract = self.contract
        size, bytes_now = found.measure()
        digest = first_hash(self.ledger, found, bytes_now, contract)
        listed: corrections.CorrectionList | None = None
        try:
            listed = corrections.read(found.absolute)
            told = corrections.problems(contract, listed.cells)
            if listed.source != contract.source:
                told.append("de lijst noemt een andere bron")
        except corrections.NotAList as error:
            told = [str(error)]
        base = listed.base if listed else ""
        delivery_id = recognise.delivery_id(contract.source, digest, {"corrigeert": base})
        if delivery_id in self.removed:
            self.known.append(delivery_id)
            return
        if not self.again and self.ledger.is_staged(delivery_id, contract.sha256):
            self.known.append(delivery_id)
            return
        named = self.bases.get(base) or self.bases.get(listed.base_sha256 if listed else "")
        if not told and named is None:
            if self.ledger.is_known(delivery_id):
                # What it corrects is no longer kept: what was made of it then stands.
                self.known.append(delivery_id)
                return
            told = ["de levering die de lijst noemt is er niet (meer)"]
        if listed is None or named is None or told:
            measured = stage.Measured(delivery_id, size, digest, found.file_name)
            finding = Finding(
                corrections.RULE,
                Severity.REJECT_FILE,
                f"De lijst met correcties is niet toegepast: {'; '.join(told)}.",
                found.file_name,
            )
            staged = stage.rejected(
                self.home, contract.source, measured, finding, contract=contract
            )
            key = None
        else:
            file, original, recognised = named
            measured = stage.Measured(delivery_id, size, digest, original.name)
            staged = self._staged(file, measured, recognised, listed.overlay())
            key = recognised.key
        self._see(found, place_of(found, digest, contract), measured)
        if listed is not None and not told:
            self.ledger.record_correction(
                Correction(
                    delivery_id,
                    contract.source,
                    named[1].delivery_id if named else listed.base,
                    named[1].sha256 if named else listed.base_sha256,
                    digest,
                    listed.who,
                    listed.at,
                    len(listed.cells),
                    self.run_id,
                    stamp(self.now),
                )
            )
        self._record(staged, key)
        self.new.append(delivery_id)
        if not staged.is_readable:
            self.rejected.append(delivery_id)

    def _record(self, staged: StagedDelivery, key: DeliveryKey | None) -> None:
        """Remember what was staged; with a hash of its rows where another has the same key.

        Rows are compared with those of the same key only, and most keys come once: hashing every
        delivery costs a fifth of taking it in. So the first gets its hash when a second arrives.
        """
        told = {"run_id": self.run_id, "recorded_at": stamp(self.now)}
        others = self.ledger.hashes_of(staged.source, key) if key is not None else {}
        if others.keys() - {staged.delivery_id}:
            content = stage.content_of(self.home, self.contract, staged)
            staged = replace(staged, content_sha256=content)
        for delivery_id in sorted(others.keys() - {staged.delivery_id}):
            if others[delivery_id] is None and key is not None:
                hash_rows(self.home, self.ledger, self.contract, delivery_id, key, **told)
        self.ledger.record_staged(staged, key, **told)

    def _see(self, found: Found, place: str, measured: stage.Measured) -> bool:
        return _see(self.ledger, found, found.source, place, measured, self.run_id, self.now)

    def _read(self, begun: _Begun, recognised: recognise.Recognised) -> StagedDelivery:
        """What was read ahead, else what is read now; with all memory if its share did not do."""
        if begun.staged is not None:
            try:
                return begun.staged.result()
            except (MemoryError, duckdb.OutOfMemoryException):
                _log.info("%s: read again, with all memory", begun.measured.name)
        return self._staged(begun.found, begun.measured, recognised)

    def _staged(
        self,
        found: Found,
        measured: stage.Measured,
        recognised: recognise.Recognised,
        overlay: corrections.Overlay | None = None,
        at_once: int = 1,
    ) -> StagedDelivery:
        try:
            return stage.stage(
                self.home, self.contract, found, measured, recognised, self.key, overlay, at_once
            )
        except _NOT_THE_FILE:
            raise
        except Exception as error:
            # The message may hold what the file holds; its kind is all that may be told.
            _log.error("%s: unexpected %s", measured.name, type(error).__name__)
            finding = Finding(
                "bestand__onverwacht",
                Severity.REJECT_FILE,
                f"Het bestand kon door een onverwachte fout niet worden gelezen "
                f"({type(error).__name__}). De beheerder is op de hoogte; controleer of het "
                "bestand bij u wel te openen is.",
                measured.name,
            )
            refused = stage.rejected(
                self.home,
                self.contract.source,
                measured,
                finding,
                contract=self.contract,
                fields=recognised.fields,
            )
            return replace(refused, peildatum=recognised.peildatum)


def hash_rows(
    home: Home,
    ledger: Ledger,
    contract: Contract,
    delivery_id: str,
    key: DeliveryKey,
    *,
    run_id: str,
    recorded_at: str,
) -> None:
    """Record the hash of the rows of a staged delivery, if they are still there and can be read.

    By it the same rows are known again when they come in other bytes.
    """
    place = staging(home.lake, delivery_id)
    if not (place / RECORD).exists():
        return
    staged = read_record(place)
    content = stage.content_of(home, contract, staged)
    if content is not None:
        staged = replace(staged, content_sha256=content)
        ledger.record_staged(staged, key, run_id=run_id, recorded_at=recorded_at)


def first_hash(ledger: Ledger, found: Found, sha256: str, contract: Contract | None = None) -> str:
    """The hash under which a file first came; ``sha256`` unless a person was erased from it."""
    for first, name in ledger.first_hashes(found.source, sha256):
        if found.is_correction or names.shown_file(found.file_name, first, contract) == name:
            return first
    return sha256


def place_of(found: Found, digest: str, contract: Contract | None = None) -> str:
    """The delivery's path as it may be kept: unique also where parts of it may not be told."""
    if found.is_correction:
        return found.path
    folder, _, name = found.path.rpartition("/")
    return f"{names.shown(folder, contract)}/{names.shown_file(name, digest, contract)}"


def _see(
    ledger: Ledger,
    found: Found,
    source: str,
    place: str,
    measured: stage.Measured,
    run_id: str,
    now: datetime,
) -> bool:
    return ledger.record_sighting(
        Sighting(
            source=source,
            path=place,
            file_name=measured.name,
            received=found.received,
            bytes=measured.bytes,
            sha256=measured.sha256,
            delivery_id=measured.delivery_id,
            run_id=run_id,
            seen_at=stamp(now),
        )
    )


def _sweep(home: Home, source: str) -> None:
    """Remove what a killed run of this source left half-written. Only under its lock."""
    for leftover in (home.lake / "staging").glob(f".tmp-*-{source}-*"):
        remove_tree(leftover)


def _settle(given: float | None) -> float:
    return settings.settle_seconds() if given is None else given


def _is_changing(found: Found, now: datetime, settle: float) -> bool:
    """Whether a file may still be growing: changed just now, or by a clock that was set back since.

    A day or more ahead is no clock of this machine: such a time came along with the file.
    """
    return settle > 0 and -_AHEAD_SECONDS < now.timestamp() - found.newest_change() < settle


def _today(now: datetime) -> date:
    return now.astimezone(_ZONE).date()
