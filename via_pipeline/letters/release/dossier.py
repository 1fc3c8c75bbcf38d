"""The dossier of an edition: what its log adds up to, and whether the next record is allowed.

Belongs here: the rules of the gate, as one pure step from dossier and record to dossier. The same
step decides before a record is written and judges a log afterwards, so a forged log that obeys the
hash chain but not the rules is noticed. Does not belong here: files, clocks, packages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from via_pipeline.letters.release import ballot, checklist
from via_pipeline.letters.release.ballot import BallotError, Vote
from via_pipeline.letters.release.record import TORN, Record, RecordError, person
from via_pipeline.letters.release.states import Action, Role, State, transitions

CHECKERS = 2
GATE = "poort"
"""Who signs what follows by itself from the votes; no person can bear this name."""


class Refused(ValueError):
    """The gate does not allow this; the message says in Dutch why and what can be done."""


@dataclass(frozen=True)
class Published:
    """A revision that was published: its package, when, by whom; ``retracted`` is the public note
    with which it was taken back, if it was. ``zip`` is the hash of the frozen ZIP.
    """

    revision: int
    package: str
    at: str
    who: str
    note: str
    code: str
    retracted: str | None = None
    zip: str = ""


@dataclass(frozen=True)
class Dossier:
    """Where an edition stands. ``sealed`` maps checker to seal, ``opened`` to vote and note;
    ``answers`` item to (answer, note, who). All four, and ``viewed``, are of this round of control.
    """

    edition: str
    state: State = State.CONCEPT
    revision: int = 1
    round: int = 0
    note: str = ""
    package: str = ""
    authors: frozenset[str] = frozenset()
    checkers: tuple[str, ...] = ()
    viewed: frozenset[str] = frozenset()
    sealed: Mapping[str, str] = field(default_factory=dict)
    opened: Mapping[str, tuple[Vote, str]] = field(default_factory=dict)
    answers: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    published: tuple[Published, ...] = ()
    reason: str = ""
    last_at: str = ""

    @property
    def waiting_for(self) -> list[str]:
        """Checkers whose vote is not in yet, or is in but not open while both are in."""
        if len(self.sealed) < CHECKERS:
            return [name for name in self.checkers if name not in self.sealed]
        return [name for name in self.checkers if name not in self.opened]

    @property
    def follows(self) -> Action | None:
        """What the votes lead to by themselves, once both are open."""
        if self.state is not State.IN_REVIEW or len(self.opened) < CHECKERS:
            return None
        agreed = all(vote is Vote.YES for vote, _ in self.opened.values())
        return Action.APPROVE if agreed else Action.REJECT

    @property
    def open_items(self) -> list[str]:
        """Items of the checklist without an answer."""
        return checklist.still_open(self.answers)


def replay(edition: str, records: Iterable[Record]) -> tuple[Dossier, str | None]:
    """The dossier after ``records``; and which record was not allowed, with the reason, if one was.

    What follows a record that was not allowed is not looked at.
    """
    found = Dossier(edition)
    for record in records:
        try:
            found = after(found, record)
        except Refused as error:
            return found, f"aantekening {record.nr} ({record.actie}) mocht niet: {error}"
    return found, None


def after(found: Dossier, record: Record) -> Dossier:
    """The dossier after one more record.

    Raises:
        Refused: the record is not allowed here.
    """
    transition = transitions()[record.actie]
    _about(found, record)
    if found.state not in transition.start:
        raise Refused(
            f"'{record.actie}' kan niet in de staat '{found.state}'; wel in "
            f"{', '.join(transition.start)}"
        )
    _by(found, record, transition.by)
    if transition.reason != "none" and not _text(record, "reden"):
        raise Refused(f"'{record.actie}' vraagt een reden in gewone woorden")
    step = _STEPS.get(record.actie)
    result = step(found, record) if step else found
    reason = _text(record, "reden") if transition.reason != "none" else result.reason
    return replace(result, state=transition.to or found.state, last_at=record.at, reason=reason)


def _about(found: Dossier, record: Record) -> None:
    if record.editie != found.edition:
        raise Refused(f"de aantekening gaat over editie '{record.editie}'")
    expected = found.revision + (record.actie is Action.REVISE)
    if record.revisie != expected:
        raise Refused(f"de aantekening gaat over revisie {record.revisie}, niet {expected}")
    if record.at < found.last_at:
        raise Refused(f"het tijdstip {record.at} ligt voor de vorige aantekening ({found.last_at})")
    if record.actie not in (Action.SUBMIT, Action.REVISE) and record.pakket != found.package:
        raise Refused("de aantekening gaat over een ander pakket dan er is ingediend")


def _by(found: Dossier, record: Record, roles: Iterable[Role]) -> None:
    roles = set(roles)
    if Role.GATE in roles:
        if record.wie != GATE:
            raise Refused(f"'{record.actie}' volgt vanzelf uit de stemmen; niemand kan het doen")
        return
    try:
        is_plain = person(record.wie) == record.wie
    except RecordError as error:
        raise Refused(str(error)) from error
    if not is_plain or record.wie == GATE:
        raise Refused(f"'{record.wie}' is geen gebruikersnaam van een persoon")
    allowed = Role.ANYONE in roles
    allowed |= Role.AUTHOR in roles and record.wie in found.authors
    allowed |= Role.CHECKER in roles and record.wie in found.checkers
    if not allowed:
        raise Refused(
            f"'{record.actie}' is aan {' of '.join(sorted(roles))}; {record.wie} is dat niet"
        )


# One step an action; what is not here changes nothing but the state ----------------------------


def _submit(found: Dossier, record: Record) -> Dossier:
    if len(record.pakket) != 64:
        raise Refused("er is geen pakket om in te dienen")
    return replace(
        found,
        package=record.pakket,
        authors=found.authors | {record.wie},
        round=found.round + 1,
        checkers=(),
        viewed=frozenset(),
        sealed={},
        opened={},
        answers={},
    )


def _assign(found: Dossier, record: Record) -> Dossier:
    said = record.gegevens.get("controleurs")
    if not isinstance(said, list) or not all(isinstance(name, str) for name in said):
        raise Refused("er zijn geen controleurs genoemd")
    try:
        named = [person(name) for name in said]
    except RecordError as error:
        raise Refused(str(error)) from error
    if named != said:
        raise Refused("de namen van de controleurs zijn niet zoals de poort ze schrijft")
    if len(set(named)) != CHECKERS or len(named) != CHECKERS:
        raise Refused(f"er zijn precies {CHECKERS} verschillende controleurs nodig")
    both = sorted(set(named) & (found.authors | {GATE}))
    if both:
        raise Refused(f"{' en '.join(both)} diende dit in en kan het dus niet controleren")
    return replace(found, checkers=tuple(sorted(named)))


def _view(found: Dossier, record: Record) -> Dossier:
    return replace(found, viewed=found.viewed | {record.wie})


def _tick(found: Dossier, record: Record) -> Dossier:
    name, answer = _text(record, "punt"), _text(record, "antwoord")
    item = checklist.items().get(name)
    # An item of an earlier checklist stays what it was: an answer that no longer counts.
    if item is not None:
        mine = found.authors if item.by is Role.AUTHOR else set(found.checkers)
        if record.wie not in mine:
            raise Refused(f"het punt '{name}' is aan de {item.by}; {record.wie} is dat niet")
    if answer not in (checklist.YES, checklist.NOT_APPLICABLE):
        raise Refused(f"het antwoord is {checklist.YES} of {checklist.NOT_APPLICABLE}")
    note = _text(record, "toelichting")
    if answer == checklist.NOT_APPLICABLE and not note:
        raise Refused("zeg erbij waarom het punt niet van toepassing is")
    return replace(found, answers={**found.answers, name: (answer, note, record.wie)})


def _vote(found: Dossier, record: Record) -> Dossier:
    if record.wie not in found.viewed:
        raise Refused("wie stemt, heeft eerst dit pakket bekeken (via release check)")
    if record.wie in found.sealed:
        raise Refused(f"{record.wie} heeft in deze ronde al gestemd")
    seal = _text(record, "zegel")
    if len(seal) != 64 or set(record.gegevens) - {"zegel", TORN}:
        raise Refused("een stem gaat verzegeld: alleen het zegel, niets van de stem zelf")
    return replace(found, sealed={**found.sealed, record.wie: seal})


def _open(found: Dossier, record: Record) -> Dossier:
    if len(found.sealed) < CHECKERS:
        raise Refused("een stem gaat pas open als beide binnen zijn")
    if record.wie in found.opened:
        raise Refused(f"de stem van {record.wie} is al open")
    try:
        vote = Vote(_text(record, "stem"))
    except ValueError as error:
        raise Refused("de stem is akkoord of niet_akkoord") from error
    note = _text(record, "toelichting")
    told = ballot.Ballot(
        found.edition,
        found.revision,
        found.round,
        found.package,
        record.wie,
        vote,
        note,
        _text(record, "zout"),
    )
    if told.seal() != found.sealed[record.wie]:
        raise Refused("dit briefje past niet op het zegel: het is een andere stem dan toen")
    return replace(found, opened={**found.opened, record.wie: (vote, note)})


def _revote(found: Dossier, record: Record) -> Dossier:
    if not found.sealed:
        raise Refused("er is in deze ronde nog niet gestemd")
    return replace(found, round=found.round + 1, sealed={}, opened={})


def _approve(found: Dossier, record: Record) -> Dossier:
    if found.follows is not record.actie:
        raise Refused("dat is niet wat uit de stemmen volgt")
    return found


def _publish(found: Dossier, record: Record) -> Dossier:
    if found.open_items:
        raise Refused(f"op de checklist staat nog open: {', '.join(found.open_items)}")
    return replace(
        found,
        published=(
            *found.published,
            Published(
                found.revision,
                found.package,
                record.at,
                record.wie,
                found.note,
                _text(record, "code"),
                zip=_text(record, "zip"),
            ),
        ),
    )


def _retract(found: Dossier, record: Record) -> Dossier:
    *before, last = found.published
    taken_back = replace(last, retracted=_text(record, "reden"))
    return replace(found, published=(*before, taken_back))


def _revise(found: Dossier, record: Record) -> Dossier:
    return Dossier(
        found.edition,
        revision=found.revision + 1,
        note=_text(record, "reden"),
        published=found.published,
    )


_STEPS = {
    Action.SUBMIT: _submit,
    Action.ASSIGN: _assign,
    Action.VIEW: _view,
    Action.TICK: _tick,
    Action.VOTE: _vote,
    Action.OPEN: _open,
    Action.REVOTE: _revote,
    Action.APPROVE: _approve,
    Action.REJECT: _approve,
    Action.PUBLISH: _publish,
    Action.RETRACT: _retract,
    Action.REVISE: _revise,
}


def _text(record: Record, name: str) -> str:
    value: Any = record.gegevens.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def ballot_of(found: Dossier, who: str, code: str) -> ballot.Ballot:
    """The ballot behind ``code`` as a vote of ``who`` in this round.

    Raises:
        Refused: the code is not a ballot.
    """
    try:
        return ballot.opened(
            code,
            edition=found.edition,
            revision=found.revision,
            round=found.round,
            package=found.package,
            who=who,
        )
    except BallotError as error:
        raise Refused(str(error)) from error
