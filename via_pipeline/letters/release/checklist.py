"""The checklist of a release, read from ``checklist.yaml``.

Belongs here: its items, and which are open. Does not belong here: who answered what (``dossier``).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from via_pipeline.contracts.declared import Declared, Name, read
from via_pipeline.letters.release.states import Role

CHECKLIST = Path(__file__).parent / "checklist.yaml"
YES = "ja"
NOT_APPLICABLE = "nvt"


class ChecklistError(ValueError):
    """``checklist.yaml`` does not say what it must."""


class Item(Declared):
    """One item: what is asked, and of whom."""

    text: str
    by: Role


@cache
def items(path: Path = CHECKLIST) -> dict[str, Item]:
    """Every item by name, in order.

    Raises:
        ChecklistError: the file is not valid.
    """
    return dict(read(path, dict[Name, Item], ChecklistError))


def still_open(answered: Iterable[str]) -> list[str]:
    """Names of the items without an answer, in order."""
    done = set(answered)
    return [name for name in items() if name not in done]
