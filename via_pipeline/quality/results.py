"""What quality says of one delivery: the result of every rule, and the verdict.

Kept as ``reports/validation/<delivery_id>.json``: everything downstream (asset checks, pages, the
report to the partner, the ledger) is made of it. It holds row numbers, never a cell's value.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from via_pipeline.contracts.model import Severity
from via_pipeline.storage.atomic import write_json


class Verdict(StrEnum):
    """What becomes of a delivery."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_WARNINGS = "accepted_with_warnings"
    REJECTED = "rejected"


@dataclass(frozen=True)
class RuleResult:
    """One rule on one table of one delivery.

    ``rows`` are the failing rows as the sender counts them, all of them, ascending; empty for a
    rule about the whole table. ``evaluated`` is the number of rows (or 1) that the rule looked at.
    ``explanation`` is Dutch. A rule that could not be run is not passed and says why in ``error``.
    """

    rule: str
    table: str
    column: str | None
    suite: str
    severity: Severity
    expectation: str
    passed: bool
    evaluated: int
    failed: int
    rows: tuple[int, ...]
    explanation: str
    error: str | None = None


@dataclass(frozen=True)
class TableCounts:
    """Rows of one table: ``rows_in == accepted + quarantined``, always."""

    table: str
    rows_in: int
    accepted: int
    quarantined: int


@dataclass(frozen=True)
class ValidationResult:
    """The judgement of one delivery under one version of its contract."""

    delivery_id: str
    source: str
    file_name: str
    contract_version: str
    contract_sha256: str
    verdict: Verdict
    reasons: tuple[str, ...]
    rules: tuple[RuleResult, ...]
    counts: tuple[TableCounts, ...]

    def write(self, reports: Path) -> None:
        """Keep the result."""
        write_json(path_of(reports, self.delivery_id), asdict(self))


def path_of(reports: Path, delivery_id: str) -> Path:
    """Where the result of a delivery is kept."""
    return reports / "validation" / f"{delivery_id}.json"


def read_result(reports: Path, delivery_id: str) -> ValidationResult:
    """The kept result of a delivery.

    Raises:
        FileNotFoundError: the delivery was not judged yet.
    """
    raw = json.loads(path_of(reports, delivery_id).read_text(encoding="utf-8"))
    raw["verdict"] = Verdict(raw["verdict"])
    raw["reasons"] = tuple(raw["reasons"])
    raw["rules"] = tuple(
        RuleResult(**(item | {"severity": Severity(item["severity"]), "rows": tuple(item["rows"])}))
        for item in raw["rules"]
    )
    raw["counts"] = tuple(TableCounts(**item) for item in raw["counts"])
    return ValidationResult(**raw)
