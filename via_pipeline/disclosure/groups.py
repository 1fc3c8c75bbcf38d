"""Things that belong together, by pairs.

Belongs here: a union-find over names. Does not belong here: what belongs together, and why.
"""

from __future__ import annotations

from via_pipeline.disclosure.engine.problem import Name


class Together:
    """Things that belong together, by pairs (a union-find); the least one names the group."""

    def __init__(self) -> None:
        self._parent: dict[Name, Name] = {}

    def head(self, one: Name) -> Name:
        """The least thing of the group that ``one`` belongs to."""
        self._parent.setdefault(one, one)
        while self._parent[one] != one:
            self._parent[one] = self._parent[self._parent[one]]
            one = self._parent[one]
        return one

    def join(self, one: Name, other: Name) -> None:
        """Say that two things belong together."""
        first, second = sorted((self.head(one), self.head(other)))
        self._parent[second] = first
