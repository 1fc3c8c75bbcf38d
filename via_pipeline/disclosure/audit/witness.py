"""The last word: whole tables tested in Python's own whole numbers.

Belongs here: whether a table that differs from the true one agrees with everything published. Does
not belong here: finding such tables (``attack``). No solver, no floating point.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from via_pipeline.disclosure.audit.model import AuditError, Figure, Name, Tie


class Exact:
    """Tests tables against figures and ties.

    Raises:
        AuditError: the true table does not agree with what is said to be published.
    """

    def __init__(self, figures: Iterable[Figure], ties: Iterable[Tie]) -> None:
        self._figures = {figure.name: figure for figure in figures}
        self._ties = list(ties)
        self._of: dict[Name, list[tuple[int, int]]] = defaultdict(list)
        self._sums: list[int] = []
        for place, tie in enumerate(self._ties):
            self._sums.append(sum(f * self._figures[name].truth for name, f in tie.terms))
            for name, factor in tie.terms:
                self._of[name].append((place, factor))
            if not tie.low <= self._sums[-1] <= tie.high:
                raise AuditError("the true figures do not keep a tie")
        for figure in self._figures.values():
            if not _allows(figure, figure.truth):
                raise AuditError(f"{figure.name} is not what is published of it")

    def agrees(self, changes: Mapping[Name, int], attacker: str = "") -> bool:
        """Whether the true table with these differences is possible for all that is published.

        ``attacker`` knows the figures that they own: those may not differ.
        """
        moved: dict[int, int] = defaultdict(int)
        for name, change in changes.items():
            figure = self._figures[name]
            if not isinstance(change, int) or not _allows(figure, figure.truth + change):
                return False
            if change and attacker and figure.owner == attacker:
                return False
            for place, factor in self._of[name]:
                moved[place] += factor * change
        return all(
            self._ties[place].low <= self._sums[place] + by <= self._ties[place].high
            for place, by in moved.items()
        )


def _allows(figure: Figure, value: int) -> bool:
    if figure.seen is not None and not figure.seen[0] <= value <= figure.seen[1]:
        return False
    return figure.least is None or value >= figure.least
