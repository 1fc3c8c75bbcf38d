"""A vote that nobody can read before both are in: sealed first, opened later.

Belongs here: sealing, and checking an opened vote against its seal. Does not belong here: who may
vote and when (``dossier``).

The seal is a SHA-256 over the vote, the package, the voter and a random salt of 128 bits (a hash
commitment; without the salt anyone could hash the two possible votes and compare). Only the seal is
written down. The ballot with the salt goes to the voter and is kept nowhere: not in a file, not in
a log, not in a run's configuration. After both seals are in each voter opens the own ballot;
another vote than was sealed does not fit.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from via_pipeline.letters.release.record import canonical

SALT_BYTES = 16


class BallotError(ValueError):
    """A ballot that cannot be read, or does not fit its seal."""


class Vote(StrEnum):
    """What a checker can say."""

    YES = "akkoord"
    NO = "niet_akkoord"


@dataclass(frozen=True)
class Ballot:
    """A vote with what binds it: edition, revision, round, package and voter."""

    edition: str
    revision: int
    round: int
    package: str
    who: str
    vote: Vote
    note: str
    salt: str

    def seal(self) -> str:
        """The hash that is written down before the vote may be known."""
        content = {
            "editie": self.edition,
            "revisie": self.revision,
            "ronde": self.round,
            "pakket": self.package,
            "wie": self.who,
            "stem": str(self.vote),
            "toelichting": self.note,
            "zout": self.salt,
        }
        return hashlib.sha256(canonical(content).encode()).hexdigest()

    def code(self) -> str:
        """What the voter keeps to open the vote with: vote, note and salt in one word."""
        text = canonical([str(self.vote), self.note, self.salt])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def opened(code: str, *, edition: str, revision: int, round: int, package: str, who: str) -> Ballot:
    """The ballot behind a code.

    Raises:
        BallotError: the code is not one; it is not told what in it is wrong.
    """
    try:
        raw = base64.urlsafe_b64decode(code.strip() + "=" * (-len(code.strip()) % 4))
        vote, note, salt = json.loads(raw)
        if not (isinstance(note, str) and isinstance(salt, str)):
            raise TypeError
        return Ballot(edition, revision, round, package, who, Vote(vote), note, salt)
    except (ValueError, TypeError, binascii.Error):
        raise BallotError("dit is geen stembriefje; neem de hele code over") from None
