"""What a checker looks at first: per file of a package, what is in it and what is not.

Belongs here: counting what is published. Everything is worked out from the files themselves, so
that a checker sees what a reader will see. Does not belong here: a judgement (``screening``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any

from via_pipeline.disclosure.protect import RULE, STATUS, SYNTHETIC
from via_pipeline.letters.release.screening import figures
from via_pipeline.letters.release.screening.package import Table, load
from via_pipeline.storage import sums
from via_pipeline.storage.home import Home

# A base is only told where the figures are many enough for it not to be chance.
_ENOUGH = 8


@dataclass(frozen=True)
class FileSummary:
    """One file. Of a file that is no table everything but name, size and hash is None.

    ``smallest`` maps each column of counts to its smallest figure above zero; ``rounded_to`` to the
    largest number that divides all its figures (1: not rounded), None where there are too few to
    tell. ``sums_checked`` counts the sums that the file shows in full, ``sums_wrong`` those that do
    not hold. ``hidden`` counts rows per symbol, ``by_rule`` per published rule. How many of
    these only keep others from being worked out stands in the audit's summary, not in a package.
    """

    file: str
    bytes: int
    sha256: str
    rows: int | None = None
    synthetic: int | None = None
    smallest: Mapping[str, int] | None = None
    rounded_to: Mapping[str, int | None] | None = None
    sums_checked: int | None = None
    sums_wrong: int | None = None
    hidden: Mapping[str, int] | None = None
    by_rule: Mapping[str, int] | None = None


def summarise(folder: Path, edition: str) -> list[FileSummary]:
    """A summary per file of the package in ``folder``, tables first.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    package = load(folder, edition)
    tables = {table.file: table for table in package.tables}
    hashes = sums.actual(folder)
    found = []
    for name in sorted(hashes, key=lambda name: (name not in tables, name)):
        size = (folder / name).stat().st_size
        table = tables.get(name)
        found.append(
            _of_table(table, size, hashes[name]) if table else FileSummary(name, size, hashes[name])
        )
    return found


def audit(home: Home, edition: str) -> dict[str, Any] | None:
    """The summary of the disclosure audit's intervals for this edition, where one was written.

    It is read from ``reports/disclosure/<edition>.json`` (or ``audit.json`` for all editions), made
    by the disclosure room; None where it made none, and then the checker is told so.
    """
    for name in (f"{edition}.json", "audit.json"):
        path = home.reports / "disclosure" / name
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(found, dict):
            return found
    return None


def _of_table(table: Table, size: int, digest: str) -> FileSummary:
    records = table.records
    smallest, rounded = {}, {}
    for name in figures.count_columns(table):
        shown = [int(record[name]) for record in records if record[name].isdecimal()]
        above = [value for value in shown if value > 0]
        if above:
            smallest[name] = min(above)
            rounded[name] = _base(above)
    checked = _sums(table)
    rules = Counter(record[RULE] for record in records if record.get(RULE))
    return FileSummary(
        table.file,
        size,
        digest,
        rows=len(table.rows),
        synthetic=sum(record.get(SYNTHETIC) == "true" for record in records),
        smallest=smallest,
        rounded_to=rounded,
        sums_checked=sum(item.checked for item in checked),
        sums_wrong=sum(len(item.wrong) for item in checked),
        hidden=dict(sorted(Counter(r[STATUS] for r in records if r.get(STATUS)).items())),
        by_rule=dict(sorted(rules.items())),
    )


def _sums(table: Table) -> list[figures.Sums]:
    if table.dataset is None or figures.lost(table, table.dataset):
        return []
    return [check(table, table.dataset) for check in (figures.sites, figures.groups, figures.parts)]


def _base(values: Iterable[int]) -> int | None:
    found = list(values)
    return gcd(*found) if len(set(found)) >= _ENOUGH else None
