"""What the attacker found, and how it is shown.

Belongs here: one finding as a value, its order and its line on the terminal. Does not belong here:
finding anything. Only the terminal shows a recovered value; nothing is written to a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """How bad it is. ``NOTICE`` is to be looked at by a person and does not fail the attack."""

    NOTICE = 0
    LOW = 1
    HIGH = 2


@dataclass(frozen=True, order=True)
class Finding:
    """One thing found: by which attack, at which address, and what came out."""

    severity: Severity
    attack: str
    where: str
    address: str
    found: str


def failing(findings: Iterable[Finding]) -> list[Finding]:
    """Those that fail the attack."""
    return [one for one in findings if one.severity > Severity.NOTICE]


def lines(findings: Iterable[Finding], most: int = 40) -> list[str]:
    """The findings as text, worst first; of one kind in one place no more than ``most``."""
    told: list[str] = []
    shown: dict[tuple, int] = {}
    for one in sorted(set(findings), key=lambda one: (-one.severity, *one.__dict__.values())):
        kind = (one.severity, one.attack, one.where)
        shown[kind] = shown.get(kind, 0) + 1
        if shown[kind] <= most:
            told.append(
                f"{one.severity.name.lower():<7} {one.attack:<18} {one.where}  "
                f"{one.address}  {one.found}"
            )
    told += [
        f"{severity.name.lower():<7} {attack:<18} {where}  ... and {count - most} more"
        for (severity, attack, where), count in shown.items()
        if count > most
    ]
    return told
