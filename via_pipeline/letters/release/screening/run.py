"""All checks of the screener over one package.

Belongs here: the order, and counting. Does not belong here: a check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from via_pipeline.letters.release.screening import documents, figures, files, tables, words
from via_pipeline.letters.release.screening.outcome import Outcome, Status
from via_pipeline.letters.release.screening.package import load


def screen(folder: Path, edition: str) -> list[Outcome]:
    """Every outcome for the package in ``folder``: each check at least once, failures first.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    package = load(folder, edition)
    rank = {Status.FAIL: 0, Status.WARN: 1, Status.PASS: 2}
    read = documents.Reading(package)
    found = [
        *(outcome for family in (files, tables, figures) for outcome in family.checks(package)),
        *documents.checks(package, read),
        *words.checks(package, read),
    ]
    return sorted(found, key=lambda item: (rank[item.status], item))


def counted(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many outcomes there are of each status."""
    counts = Counter(item.status for item in outcomes)
    return {status.value: counts[status] for status in Status}
