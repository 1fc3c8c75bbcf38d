"""What the audit is given, and what it finds.

Belongs here: figures as outsiders see them, ties between them, intervals and the verdict. Does not
belong here: the search (``attack``), the exact test (``witness``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

Name = tuple[str, ...]


class AuditError(ValueError):
    """Input that contradicts itself, so that nothing could be concluded; names no value."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. ``truth`` is used to make and test witnesses, never to narrow an interval.

    ``seen``: lowest and highest value that is published or known of it; None when it is hidden.
    ``least``: what everybody knows it is not below (None: it may be negative). ``lower``,
    ``upper``, ``sliding``: how far the ends of its interval must lie below and above the truth, and
    from each other. ``owner``: who knows it all the same.
    """

    name: Name
    truth: int
    seen: tuple[int, int] | None
    least: int | None = 0
    lower: int = 0
    upper: int = 0
    sliding: int = 0
    owner: str = ""
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class Tie:
    """Figures, each times a whole factor, sum to between ``low`` and ``high``; everybody knows."""

    terms: tuple[tuple[Name, int], ...]
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Interval:
    """What ``attacker`` ("" is any reader) can know of a hidden figure.

    ``low`` and ``high`` are proven possible by a witness, or, where ``is_exact``, the furthest
    values that any table can have. ``high`` is None when nothing bounds it. ``witness_low`` and
    ``witness_high`` number the tables of ``Audit.witnesses`` that reach furthest; -1 is the truth.
    """

    name: Name
    attacker: str
    low: int
    high: int | None
    is_exact: bool
    is_safe: bool
    witness_low: int
    witness_high: int


@dataclass
class Audit:
    """All intervals, and the whole tables behind them as differences from the true one."""

    intervals: list[Interval] = field(default_factory=list)
    witnesses: list[dict[Name, int]] = field(default_factory=list)

    def add(self, other: Audit) -> None:
        """Take in what was found of other figures."""
        before = len(self.witnesses)
        for one in other.intervals:
            low, high = (
                number if number < 0 else number + before
                for number in (one.witness_low, one.witness_high)
            )
            self.intervals.append(replace(one, witness_low=low, witness_high=high))
        self.witnesses.extend(other.witnesses)

    @property
    def failing(self) -> list[Interval]:
        """What can be known too well."""
        return [one for one in self.intervals if not one.is_safe]

    def rows(self) -> list[dict[str, object]]:
        """The intervals as a table for checkers, by attacker and name.

        It shows how near an outsider gets to hidden values: not for publication.
        """
        ordered = sorted(self.intervals, key=lambda one: (one.attacker, one.name))
        return [
            {
                "figure": " / ".join(one.name),
                "attacker": one.attacker or "any reader",
                "low": one.low,
                "high": one.high,
                "is_exact": one.is_exact,
                "is_safe": one.is_safe,
                "witness_low": one.witness_low,
                "witness_high": one.witness_high,
            }
            for one in ordered
        ]

    def summary(self) -> dict[str, int]:
        """Counts that may leave the house: no figure can be told from them."""
        return {
            "intervals": len(self.intervals),
            "exact": sum(one.is_exact for one in self.intervals),
            "witnesses": len(self.witnesses),
            "failing": len(self.failing),
        }
