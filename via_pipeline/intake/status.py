"""What a delivery is now, worked out from facts: a pure function, so that no order matters.

Belongs here: the rule by which deliveries of one source are duplicates, revisions or rejected.
Does not belong here: where facts are kept (``ledger.py``) or how a verdict comes about
(``quality/``).

The rule, per source and delivery key, in the order (received, path); corrections of a delivery come
right after that delivery, so that what the partner sends afterwards replaces both:

- the same delivery (bytes and key) seen again, or the same normalised rows for the same key, is a
  *duplicate* of the first;
- an original that could not be read, or that quality rejected, is *rejected* and never supersedes;
- of the accepted originals the last is in force; the earlier ones are *superseded*;
- an original without a verdict is *received*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

Key = tuple[tuple[str, str], ...]


class Status(StrEnum):
    """What a file ever seen is now."""

    RECEIVED = "received"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    ACCEPTED_WITH_WARNINGS = "accepted_with_warnings"
    SUPERSEDED = "superseded"


_ACCEPTED = {"accepted": Status.ACCEPTED, "accepted_with_warnings": Status.ACCEPTED_WITH_WARNINGS}


@dataclass(frozen=True)
class Fact:
    """One file as seen.

    ``key`` is None for a file that no contract recognises. ``received`` is None for what people
    keep in version control (always visible). ``turn`` breaks the tie between two files that lay
    under one path on one day. ``verdict`` is quality's word, None until judged.
    """

    source: str
    key: Key | None
    received: date | None
    path: str
    turn: int
    delivery_id: str
    content_sha256: str | None
    is_readable: bool
    verdict: str | None
    corrects: str | None = None
    """The delivery that this one corrects, where a person resolved its rows."""


@dataclass(frozen=True)
class Standing:
    """What follows from the facts for one file."""

    status: Status
    duplicate_of: str | None = None
    supersedes: str | None = None
    superseded_by: str | None = None

    @property
    def is_in_force(self) -> bool:
        """Whether the rows of this delivery count now."""
        return self.status in _ACCEPTED.values()


def standings(facts: Sequence[Fact]) -> list[Standing]:
    """The standing of every fact, in the order given; the order given changes nothing else."""
    bases = {fact.delivery_id: _place(fact) for fact in sorted(facts, key=_place, reverse=True)}
    order = sorted(
        range(len(facts)),
        key=lambda index: (
            bases.get(facts[index].corrects or "", _place(facts[index])),
            facts[index].corrects is not None,
            _place(facts[index]),
        ),
    )
    result: dict[int, Standing] = {}
    first_of: dict[tuple[str, str], str] = {}
    same_rows: dict[tuple[str, Key, str], str] = {}
    accepted: dict[tuple[str, Key], list[int]] = {}
    for index in order:
        fact = facts[index]
        earlier = first_of.get((fact.source, fact.delivery_id))
        if earlier is None and fact.key is not None and fact.content_sha256 is not None:
            earlier = same_rows.get((fact.source, fact.key, fact.content_sha256))
        if earlier is not None:
            result[index] = Standing(Status.DUPLICATE, duplicate_of=earlier)
            continue
        first_of[fact.source, fact.delivery_id] = fact.delivery_id
        if fact.key is not None and fact.content_sha256 is not None:
            same_rows[fact.source, fact.key, fact.content_sha256] = fact.delivery_id
        if not fact.is_readable or fact.key is None or fact.verdict == "rejected":
            result[index] = Standing(Status.REJECTED)
        elif fact.verdict is None:
            result[index] = Standing(Status.RECEIVED)
        else:
            accepted.setdefault((fact.source, fact.key), []).append(index)
    for group in accepted.values():
        ids = [facts[index].delivery_id for index in group]
        for place, index in enumerate(group):
            before = ids[place - 1] if place else None
            after = ids[place + 1] if place + 1 < len(ids) else None
            verdict = facts[index].verdict or ""
            status = Status.SUPERSEDED if after else _ACCEPTED[verdict]
            result[index] = Standing(status, supersedes=before, superseded_by=after)
    return [result[index] for index in range(len(facts))]


def _place(fact: Fact) -> tuple[date, str, int]:
    return (fact.received or date.min, fact.path, fact.turn)
