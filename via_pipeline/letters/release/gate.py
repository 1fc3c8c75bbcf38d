"""The gate: what people do with an edition, each step checked, recorded, and only then carried out.

Belongs here: the steps, one function each. Does not belong here: whether a step is allowed
(``dossier``), words on a terminal (``commands``). ``who`` is a user name as it was given: the gate
records it and holds it to the rules, but does not prove who it was (see docs/releasing.md). ``at``
is the moment, UTC, passed in (``record.instant``).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from via_pipeline import __version__, fingerprint
from via_pipeline.letters.release import candidate, freeze, log, overview
from via_pipeline.letters.release.ballot import Ballot, Vote
from via_pipeline.letters.release.dossier import (
    CHECKERS,
    GATE,
    Dossier,
    Refused,
    after,
    ballot_of,
    replay,
)
from via_pipeline.letters.release.log import Content, LogError
from via_pipeline.letters.release.overview import FileSummary
from via_pipeline.letters.release.record import RecordError, edition_name, person
from via_pipeline.letters.release.screening.outcome import Outcome, Status
from via_pipeline.letters.release.screening.run import counted, screen
from via_pipeline.letters.release.states import Action, State
from via_pipeline.storage import sums
from via_pipeline.storage.atomic import write_text
from via_pipeline.storage.home import Home


class Blocked(Refused):
    """The screener found something that must be solved first; ``failures`` says what."""

    def __init__(self, failures: Sequence[Outcome]) -> None:
        self.failures = tuple(failures)
        said = "; ".join(
            f"{item.check} {item.where}: {item.reason}".replace(" :", ":") for item in failures
        )
        super().__init__(f"de screener geeft {len(failures)} keer FAIL: {said}")


@dataclass(frozen=True)
class Seen:
    """What a checker gets to see: the package, its summary per file, the screener, the audit."""

    dossier: Dossier
    folder: Path
    files: tuple[FileSummary, ...]
    outcomes: tuple[Outcome, ...]
    audit: Mapping[str, Any] | None


@dataclass(frozen=True)
class Voted:
    """A vote that was sealed. ``code`` opens it: for the voter only, and kept nowhere."""

    dossier: Dossier
    code: str


def dossier(home: Home, edition: str) -> Dossier:
    """Where an edition stands; an edition without a log is a concept.

    Raises:
        Refused: there is no such name for an edition.
        LogError: the log is damaged, cut off, or holds what the rules do not allow.
    """
    return _read(home, _named(edition))[1]


def screened(home: Home, edition: str, who: str | None = None, at: str = "") -> list[Outcome]:
    """The screener's word on the candidate, or on the concept where nothing was submitted.

    With ``who`` the outcome is recorded; a concept has no record yet.

    Raises:
        Refused, LogError, NoPackage: see ``submit``.
    """
    found = dossier(home, edition)
    has_candidate = found.state in (State.SUBMITTED, State.IN_REVIEW, State.APPROVED)
    folder = _candidate(home, found) if has_candidate else home.letters / edition
    if not folder.is_dir():
        raise candidate.NoPackage(f"er is geen concept van editie '{edition}'; draai: via run")
    outcomes = screen(folder, edition)
    if has_candidate and who is not None:
        with _at_work(home, edition) as desk:
            desk.add(Action.SCREEN, who, at, {"screener": counted(outcomes)})
    return outcomes


def submit(home: Home, edition: str, who: str, at: str) -> Dossier:
    """Submit the concept as it lies there: from now on everything is about these bytes.

    Raises:
        Blocked: the screener finds a FAIL.
        Refused: the state or the person does not allow it.
        NoPackage: there is no concept, or it is not whole.
        LogError: the log is damaged.
        BusyError: another process is at work on this edition.
    """
    with _at_work(home, edition) as desk:
        # Before anything is copied: may this be done at all?
        desk.allowed(Action.SUBMIT, who, at, {}, package="0" * 64)
        folder, package = candidate.make(home, desk.dossier)
        outcomes = screen(folder, edition)
        _block(outcomes)
        more = {"screener": counted(outcomes), "bestanden": len(sums.actual(folder))}
        return desk.add(Action.SUBMIT, who, at, more, package=package)


def assign(home: Home, edition: str, checkers: Sequence[str], who: str, at: str) -> Dossier:
    """Name the two checkers.

    Raises:
        Refused: not two different people, or one of them submitted the package.
    """
    with _at_work(home, edition) as desk:
        return desk.add(Action.ASSIGN, who, at, {"controleurs": [_who(name) for name in checkers]})


def check(home: Home, edition: str, who: str, at: str) -> Seen:
    """Show a checker the package: summary per file, screener, audit. That it was seen is recorded.

    Raises:
        Refused: ``who`` is not a checker of this package, or it is not in control.
    """
    with _at_work(home, edition) as desk:
        folder = _candidate(home, desk.dossier)
        outcomes = screen(folder, edition)
        files = overview.summarise(folder, edition)
        more = {"screener": counted(outcomes), "bestanden": len(files)}
        found = desk.add(Action.VIEW, who, at, more)
        return Seen(found, folder, tuple(files), tuple(outcomes), overview.audit(home, edition))


def tick(home: Home, edition: str, item: str, answer: str, note: str, who: str, at: str) -> Dossier:
    """Answer an item of the checklist.

    Raises:
        Refused: no such item or answer, or it is not this person's to answer.
    """
    from via_pipeline.letters.release import checklist

    if item not in checklist.items():
        known = ", ".join(checklist.items())
        raise Refused(f"de checklist heeft geen punt '{item}'; wel: {known}")
    with _at_work(home, edition) as desk:
        more = {"punt": item, "antwoord": answer, "toelichting": note.strip()}
        return desk.add(Action.TICK, who, at, more)


def vote(
    home: Home, edition: str, choice: Vote, note: str, who: str, at: str, *, salt: str
) -> Voted:
    """Vote, sealed. The second vote opens at once, since both are in; the first then can be opened.

    ``salt`` is random, 128 bits or more in hexadecimal: who knows it can guess the vote.

    Raises:
        Refused: not a checker, not looked at the package, or voted before.
    """
    name = _who(who)
    with _at_work(home, edition) as desk:
        mine = _ballot(desk.dossier, choice, note, name, salt)
        return Voted(_cast(desk, mine.seal(), name, at, mine), mine.code())


def sealed(
    home: Home, edition: str, choice: Vote, note: str, who: str, *, salt: str
) -> tuple[str, str]:
    """The seal and the code of a vote, made without handing it in (see ``vote_sealed``).

    Raises:
        Refused: not a name.
    """
    mine = _ballot(dossier(home, edition), choice, note, _who(who), salt)
    return mine.seal(), mine.code()


def vote_sealed(home: Home, edition: str, seal: str, who: str, at: str) -> Dossier:
    """Hand in a seal that was made elsewhere (a Dagster run keeps its configuration: no vote
    there).

    Raises:
        Refused: see ``vote``.
    """
    with _at_work(home, edition) as desk:
        return _cast(desk, seal, who, at, None)


def open_vote(home: Home, edition: str, code: str, who: str, at: str) -> Dossier:
    """Open the own vote; when both are open the edition is approved or goes back, by itself.

    Raises:
        Refused: a vote is not in yet, or the code does not fit the seal.
    """
    with _at_work(home, edition) as desk:
        name = _who(who)
        # The state first: a wrong code tells nothing where nothing can be opened.
        _opened(desk, ballot_of(desk.dossier, name, code), name, at)
        return desk.dossier


def revote(home: Home, edition: str, reason: str, who: str, at: str) -> Dossier:
    """Throw this round's votes away and vote again (a lost ballot).

    Raises:
        Refused: nobody voted yet, or no reason is given.
    """
    return _with_reason(home, edition, Action.REVOTE, reason, who, at)


def send_back(home: Home, edition: str, reason: str, who: str, at: str) -> Dossier:
    """Send a package back to its author.

    Raises:
        Refused: the state or the person does not allow it, or no reason is given.
    """
    return _with_reason(home, edition, Action.RETURN, reason, who, at)


def withdraw(home: Home, edition: str, reason: str, who: str, at: str) -> Dossier:
    """Withdraw: before publication it goes no further; of a published edition a public note says
    so.

    The bytes of a published edition stay where they are.

    Raises:
        Refused: the state or the person does not allow it, or no reason is given.
    """
    is_out = dossier(home, edition).state is State.PUBLISHED
    action = Action.RETRACT if is_out else Action.WITHDRAW
    return _with_reason(home, edition, action, reason, who, at)


def revise(home: Home, edition: str, reason: str, who: str, at: str) -> Dossier:
    """Begin a new revision of a published edition; the reason is published with it.

    Raises:
        Refused: nothing is published, or no reason is given.
    """
    return _with_reason(home, edition, Action.REVISE, reason, who, at, later=1)


def publish(home: Home, edition: str, who: str, at: str) -> tuple[Dossier, Path]:
    """Freeze the approved package and publish it; the dossier, and where it lies.

    Raises:
        Blocked: the screener finds a FAIL, by the rules of today.
        Refused: not approved by two, or the checklist is open.
        FrozenError: another package lies in its place.
    """
    with _at_work(home, edition) as desk:
        found = desk.dossier
        more = {"code": fingerprint.code(), "code_versie": __version__}
        desk.allowed(Action.PUBLISH, who, at, more)
        source = _frozen_or_candidate(home, found)
        _block(screen(source, edition))
        folder = freeze.freeze(home, edition, found.revision, source, found.package)
        _, zipped = freeze.freeze_zip(home, edition, found.revision)
        done = desk.add(Action.PUBLISH, who, at, more | {"zip": zipped})
        shutil.rmtree(candidate.folder_of(home, edition, found.revision), ignore_errors=True)
        return done, folder


def notes(found: Dossier) -> str:
    """The public page of an edition: every published revision, with its reason and what became of
    it.
    """
    lines = [f"# Uitgaven van editie {found.edition}", ""]
    for item in reversed(found.published):
        lines += [f"## Revisie {item.revision}, gepubliceerd op {item.at[:10]}", ""]
        lines += [item.note or "Eerste uitgave.", ""]
        if item.retracted:
            lines += [f"**Ingetrokken.** {item.retracted}", ""]
        lines += [f"Controlegetal van SHA256SUMS: `{item.package}`", ""]
    return "\n".join(lines)


# Inside ----------------------------------------------------------------------------------------


class _Desk:
    """One edition, its log locked."""

    def __init__(self, home: Home, edition: str, content: Content, found: Dossier) -> None:
        self.home, self.edition = home, edition
        self.content, self.dossier = content, found

    def allowed(
        self,
        action: Action,
        who: str,
        at: str,
        more: Mapping[str, Any],
        *,
        package: str | None = None,
        later: int = 0,
    ) -> tuple[log.Record, Dossier]:
        """The record and the dossier after it, if the gate allows it; nothing is written."""
        record = log.following(
            self.content,
            self.edition,
            revision=self.dossier.revision + later,
            at=at,
            who=who if who == GATE and action in (Action.APPROVE, Action.REJECT) else _who(who),
            action=action,
            package=self.dossier.package if package is None else package,
            more=more,
        )
        return record, after(self.dossier, record)

    def add(self, action: Action, who: str, at: str, more: Mapping[str, Any], **so: Any) -> Dossier:
        """Record it, if the gate allows it."""
        record, following = self.allowed(action, who, at, more, **so)
        self.content = log.add(self.home, self.content, record)
        self.dossier = following
        self._tell()
        return following

    def _tell(self) -> None:
        """Keep the public page as the log says; a killed process may have left it behind."""
        page = self.home.releases / self.edition / freeze.NOTES
        text = notes(self.dossier)
        if self.dossier.published and (
            not page.is_file() or page.read_text(encoding="utf-8") != text
        ):
            write_text(page, text)


@contextmanager
def _at_work(home: Home, edition: str) -> Iterator[_Desk]:
    name = _named(edition)
    with log.writing(home, name):
        yield _Desk(home, name, *_read(home, name))


def _read(home: Home, edition: str) -> tuple[Content, Dossier]:
    content = log.read(log.path_of(home, edition))
    found, refused = replay(edition, content.records)
    wrong = [*content.problems, refused, log.against_head(home, edition, content)]
    told = "; ".join(filter(None, wrong))
    if told:
        raise LogError(f"het logboek van '{edition}' deugt niet: {told}. Zie: via verify {edition}")
    return content, found


def _with_reason(
    home: Home, edition: str, action: Action, reason: str, who: str, at: str, **so: Any
) -> Dossier:
    more = {"reden": " ".join(reason.split())}
    with _at_work(home, edition) as desk:
        return desk.add(
            action, who, at, more, **({"package": ""} if action is Action.REVISE else {}), **so
        )


def _ballot(found: Dossier, choice: Vote, note: str, who: str, salt: str) -> Ballot:
    said = note.strip()
    return Ballot(
        found.edition, found.revision, found.round, found.package, who, choice, said, salt
    )


def _cast(desk: _Desk, seal: str, who: str, at: str, mine: Ballot | None) -> Dossier:
    found = desk.add(Action.VOTE, who, at, {"zegel": seal})
    if mine is not None and len(found.sealed) == CHECKERS:
        _opened(desk, mine, who, at)
    return desk.dossier


def _opened(desk: _Desk, mine: Ballot, who: str, at: str) -> None:
    more = {"stem": str(mine.vote), "toelichting": mine.note, "zout": mine.salt}
    found = desk.add(Action.OPEN, who, at, more)
    if found.follows is not None:
        desk.add(found.follows, GATE, at, {})


def _candidate(home: Home, found: Dossier) -> Path:
    """The candidate, if it is still the package that was submitted.

    Raises:
        Refused: it is gone or changed.
    """
    folder = candidate.folder_of(home, found.edition, found.revision)
    broken = (
        [f"{item.file} {item.text}" for item in sums.problems(folder)] if folder.is_dir() else []
    )
    if broken or sums.folder_hash(folder) != found.package or not found.package:
        said = f" ({'; '.join(broken)})" if broken else ""
        raise Refused(
            f"het pakket dat is ingediend, is er niet meer zoals het was{said}; stuur het terug en "
            "dien het opnieuw in"
        )
    return folder


def _frozen_or_candidate(home: Home, found: Dossier) -> Path:
    """What to publish: the candidate, or the folder that a killed process had put in its place."""
    frozen = freeze.folder_of(home, found.edition, found.revision)
    if frozen.is_dir() and sums.folder_hash(frozen) == found.package:
        return frozen
    return _candidate(home, found)


def _block(outcomes: Sequence[Outcome]) -> None:
    failures = [item for item in outcomes if item.status is Status.FAIL]
    if failures:
        raise Blocked(failures)


def _named(edition: str) -> str:
    try:
        return edition_name(edition)
    except RecordError as error:
        raise Refused(str(error)) from error


def _who(name: str) -> str:
    try:
        return person(name)
    except RecordError as error:
        raise Refused(str(error)) from error
