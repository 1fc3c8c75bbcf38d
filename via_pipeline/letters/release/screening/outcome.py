"""What a check of the screener says.

Belongs here: its form. Does not belong here: a check.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

FEW = 3


class Status(StrEnum):
    """``WARN`` asks a person to look; ``FAIL`` keeps the package inside."""

    PASS = "PASS"  # noqa: S105 - not a password
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, order=True)
class Outcome:
    """The word of one check. ``check`` is a stable name (family, two underscores, what is
    promised).

    ``where`` names the file, empty for the package as a whole; ``reason`` and ``todo`` are Dutch.
    """

    check: str
    status: Status
    where: str = ""
    reason: str = ""
    todo: str = ""

    @property
    def family(self) -> str:
        """The family of the check."""
        return self.check.split("__")[0]


def told(
    check: str, broken: Iterable[tuple[str, str]], todo: str, status: Status = Status.FAIL
) -> Iterator[Outcome]:
    """An outcome per file that breaks the promise (file, reason), or one PASS where none does.

    A check always reports: one that exists only when it fails has no history.
    """
    found = list(broken)
    for where, reason in found:
        yield Outcome(check, status, where, reason, todo)
    if not found:
        yield Outcome(check, Status.PASS)


def some(names: Iterable[object]) -> str:
    """The first few of ``names``, and how many more there are."""
    found = [str(name) for name in names]
    more = f" en nog {len(found) - FEW}" if len(found) > FEW else ""
    return ", ".join(found[:FEW]) + more
