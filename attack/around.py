"""What stands around the figures: words, order, file names, the run's own records.

Belongs here: everything that can give a figure away without being one. Does not belong here: the
search for planted identifiers in bytes (``canary``).
"""

from __future__ import annotations

import html
import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from attack.cells import HIDDEN, MINIMUM
from attack.findings import Finding, Severity
from attack.publication import Table

_FIGURES = (
    "schatting",
    "interval_laag",
    "interval_hoog",
    "p_waarde",
    "p_aangepast",
    "minimaal_aantoonbaar",
    "waarde",
    "aandeel_pct",
    "teller",
)
_WORDS = ("zin", "reden")
_LIMITS = {"10", "100", "250"}
"""Numbers that a published rule is known to name; they tell nothing of a row."""
_FEW = re.compile(rf"(?<![\d.,-])[1-{MINIMUM - 1}] (?:deelnemers|personen|mensen|medewerkers)")
_FEW_ROWS = re.compile(
    rf"(?<![\d.,<-])[1-{MINIMUM - 1}] (?:rijen|rij|keer|deelnemers|personen|mensen|medewerkers)\b"
)
_PUBLIC = {
    ".csv",
    ".parquet",
    ".json",
    ".jsonld",
    ".ttl",
    ".md",
    ".duckdb",
    ".xlsx",
    ".ods",
    ".zip",
    "",
}
# Metadata of the run that counts rows of people, where a row is a person or nearly so.
_PEOPLE = re.compile(r"rows_|row_count|unexpected|deelnemers|personen|hidden_n")


def attack(home: Path, tables: Sequence[Table], releases: Path | None = None) -> list[Finding]:
    """Everything around the figures of ``tables``, the records of ``home`` and of ``releases``."""
    return [
        *(one for table in tables for one in (*_words(table), *_order(table))),
        *_texts(home, [*home.glob("letters/**/*"), *home.glob("serve/**/*")]),
        *(_texts(releases, releases.glob("*/r*/**/*")) if releases else ()),
        *_site(home),
        *_events(home),
    ]


def _words(table: Table) -> Iterator[Finding]:
    """A hidden row that still says something: a figure, or a sentence with one."""
    for row in table.rows:
        if row.get("waarde_status") != HIDDEN:
            continue
        address = " / ".join(list(filter(None, row.values()))[:8])
        for name in _FIGURES:
            if row.get(name) is not None:
                yield Finding(
                    Severity.HIGH, "hidden, and told", table.where, address, f"{name} {row[name]}"
                )
        for name in _WORDS:
            if set(re.findall(r"\d+(?:[.,]\d+)*", row.get(name) or "")) - _LIMITS:
                yield Finding(
                    Severity.HIGH, "words", table.where, address, f"{name} holds a number"
                )


def _order(table: Table) -> Iterator[Finding]:
    """Rows that do not stand in the order of their key may stand in that of their size."""
    keys = [tuple(row[name] or "" for name in table.key) for row in table.rows]
    if table.key and keys != sorted(keys):
        yield Finding(
            Severity.LOW, "order", table.where, "", "rows are not in the order of the key"
        )


def _texts(root: Path, paths: Iterable[Path]) -> Iterator[Finding]:
    for path in sorted(paths):
        if path.is_dir():
            continue
        where = path.relative_to(root).as_posix()
        if path.suffix not in _PUBLIC:
            yield Finding(Severity.NOTICE, "files", where, "", "a file of an unknown kind")
        if path.suffix in (".md", ".json") and (few := _FEW.search(path.read_text("utf-8"))):
            yield Finding(Severity.HIGH, "words", where, "", few.group())


def _site(home: Path) -> Iterator[Finding]:
    """The status site: a few people told as such, or rows so exact that a difference tells them."""
    for path in sorted(home.glob("reports/site/**/*")):
        if path.is_dir():
            continue
        where = path.relative_to(home).as_posix()
        if path.suffix != ".html":
            yield Finding(Severity.NOTICE, "files", where, "", "a file of an unknown kind")
            continue
        source = path.read_text("utf-8")
        text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", source)))
        for few in sorted(set(_FEW_ROWS.findall(text))):
            yield Finding(Severity.HIGH, "words", where, "", few)
        for found in re.findall(r"Rijen (?!apart|in )(?:ongeveer )?(\d[\d.]*)", text):
            if int(found.replace(".", "")) % 100:
                yield Finding(Severity.HIGH, "exact", where, found, "rows, not in hundreds")
        if re.search(r"<(?:script|iframe|object|embed|link)\b|(?:src|href)=\"https?:", source):
            yield Finding(Severity.HIGH, "outside", where, "", "the page asks for something")


def _events(home: Path) -> Iterator[Finding]:
    """Metadata of the event log that counts one to nine rows: inside the house, to be looked at."""
    seen: dict[str, set[str]] = defaultdict(set)
    for path in sorted((home / "dagster").glob("**/*.db")):
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            for (text,) in connection.execute("SELECT event FROM event_logs"):
                for label, value in _entries(json.loads(text).get("dagster_event")):
                    if _PEOPLE.search(label) and isinstance(value, int) and 0 < value < MINIMUM:
                        asset = re.search(r'"path": \[([^\]]*)\]', text)
                        seen[label].add(asset.group(1) if asset else "?")
        except sqlite3.OperationalError:
            continue  # not an event log
        finally:
            connection.close()
    for label, assets in sorted(seen.items()):
        yield Finding(
            Severity.NOTICE,
            "run metadata",
            "dagster",
            label,
            f"1 to {MINIMUM - 1} rows, for {len(assets)} assets: " + ", ".join(sorted(assets)[:5]),
        )


def _entries(node: Any) -> Iterator[tuple[str, Any]]:
    """Every metadata entry below ``node``: label and value."""
    if isinstance(node, dict):
        data = node.get("entry_data")
        if isinstance(data, dict) and "label" in node:
            yield str(node["label"]), data.get("value", data.get("text"))
        for below in node.values():
            yield from _entries(below)
    elif isinstance(node, list):
        for below in node:
            yield from _entries(below)
