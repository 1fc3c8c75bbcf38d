"""What the orchestrator knows, as plain values: the shell hands it over, this room reads it.

Belongs here: the shapes. Does not belong here: where they come from. No value of them describes a
row: of a check only its fixed description comes here, not what it said of a delivery.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum


class Outcome(StrEnum):
    """How a check stands."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not_run"
    """It was to run in the last run and did not: its step was skipped or crashed."""
    NEVER = "never"


@dataclass(frozen=True)
class CheckState:
    """One asset check: ``promise`` is its fixed description; ``at`` (UTC, ISO) when it was last
    evaluated, None if never.
    """

    asset: str
    name: str
    outcome: Outcome
    is_error: bool
    promise: str
    at: str | None
    is_rule: bool = False
    """Whether it is a rule of a contract: the kept results tell its files."""


@dataclass(frozen=True)
class RunLine:
    """One run: ``status`` in Dutch; ``seconds`` None while it runs."""

    job: str
    edition: str | None
    started: str
    seconds: int | None
    status: str
    is_failed: bool
    run_id: str


@dataclass(frozen=True)
class AssetState:
    """One asset that runs make: when it was last made (UTC, ISO; None: never), and how many hours
    old it may be before somebody should look (``warn``) and before it is wrong (``fail``).
    """

    name: str
    made_at: str | None
    warn_hours: float | None
    fail_hours: float | None


@dataclass(frozen=True)
class Facts:
    """Everything at one moment. ``upstream`` maps an asset to what it is made of."""

    at: str
    checks: tuple[CheckState, ...] = ()
    runs: tuple[RunLine, ...] = ()
    assets: tuple[AssetState, ...] = ()
    upstream: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def moment(self) -> datetime:
        """``at`` as a moment in UTC."""
        return instant(self.at)


def instant(text: str) -> datetime:
    """A moment as it is kept (``2026-01-31T02:00:00Z``).

    Raises:
        ValueError: it is not one.
    """
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
