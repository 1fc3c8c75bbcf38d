"""What the proof of a release leaves behind: intervals for checkers, a summary for everybody.

Belongs here: the restricted lake tables ``audit__interval`` and ``audit__samenvatting``, one part a
release; ``audit__verborgen``, all that was ever hidden, which the next release is held against; and
the rows of the published table ``beveiliging``. Does not belong here: the proof.

The published summary tells how many figures are hidden, never how many of them by themselves: with
two hidden figures and their sum that alone could tell both. It follows from what is shown alone, so
that an edition that is made again says the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import duckdb

from via_pipeline.disclosure.proof import NotSafe, Proof
from via_pipeline.storage import lake
from via_pipeline.storage.atomic import write_json
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home

SUMMARY = "audit__samenvatting"
INTERVALS = "audit__interval"
HIDDEN = "audit__verborgen"
REFUSED = "_geweigerd"
MANY = 10
"""Hidden figures of a kind from which on it may be told how many there are."""

_INTERVAL_COLUMNS = (
    "dataset VARCHAR, cel VARCHAR, grootheid VARCHAR, aanvaller VARCHAR, waarde BIGINT, "
    "laagste BIGINT, hoogste BIGINT, is_exact BOOLEAN, is_primair BOOLEAN, regel VARCHAR, "
    "is_veilig BOOLEAN"
)
_HIDDEN_COLUMNS = (
    "dataset VARCHAR, cel VARCHAR, grootheid VARCHAR, leveringen VARCHAR, waarde BIGINT"
)
_COUNTS = (
    "cellen",
    "waarde",
    "primair",
    "aanvullend",
    "waarde_primair",
    "waarde_aanvullend",
    "intervallen",
    "niet_veilig",
)


@dataclass(frozen=True)
class Promise:
    """What a release promises of a dataset: the rule set's ``title``, and how wide (``width``) what
    it hides was kept. ``detail``: the size from which a site is broken down; None where there is no
    such bound. ``is_coarser``: more is hidden than need be, because a search met its bound.
    """

    title: str
    width: int
    detail: int | None = None
    is_coarser: bool = False


def summary(
    connection: duckdb.DuckDBPyConnection, proof: Proof, promised: Mapping[str, Promise]
) -> None:
    """Make the source of the published table ``beveiliging`` on ``connection``.

    ``promised`` by dataset.
    """
    rows = []
    for name, found in proof.summary.items():
        hidden = found.get("primair", 0) + found.get("aanvullend", 0)
        lost = found.get("waarde_primair", 0) + found.get("waarde_aanvullend", 0)
        share = round(100 * lost / found["waarde"]) if found.get("waarde") else None
        if found.get("cellen"):
            unsafe = found.get("niet_veilig", 0)
            rows.append((name, *astuple(promised[name]), found["cellen"], hidden, share, unsafe))
    _table(
        connection,
        SUMMARY,
        "dataset VARCHAR, regelset VARCHAR, breedte BIGINT, uitgesplitst_vanaf BIGINT, "
        "is_grover BOOLEAN, cellen BIGINT, verborgen BIGINT, waarde_verloren_pct BIGINT, "
        "niet_veilig BIGINT",
        rows,
    )


def keep(home: Home, connection: duckdb.DuckDBPyConnection, release: str, proof: Proof) -> None:
    """Write intervals and full summary of ``release`` into the lake, beside other releases'.

    The summary goes to ``reports/disclosure/<release>.json`` as well, for who checks an edition.
    """
    folder = home.lake
    write_json(_report(home, release), proof.summary)
    _report(home, release + REFUSED).unlink(missing_ok=True)
    _part(folder, connection, INTERVALS, release, _INTERVAL_COLUMNS, map(astuple, proof.lines))
    columns = "dataset VARCHAR, " + ", ".join(f"{name} BIGINT" for name in _COUNTS)
    rows = [(name, *(of.get(one, 0) for one in _COUNTS)) for name, of in proof.summary.items()]
    _part(folder, connection, SUMMARY, release, columns, rows)
    if not release.endswith(REFUSED):
        remember(home, connection, proof)


def remember(home: Home, connection: duckdb.DuckDBPyConnection, proof: Proof) -> None:
    """Add what a release hides to all that was hidden before, over whatever deliveries."""
    _table(connection, "_verborgen", _HIDDEN_COLUMNS, proof.hidden)
    try:
        before = f"UNION {lake.scan(home.lake, lake.parts(home.lake, HIDDEN), {})}"
    except lake.NoSuchTable:
        before = ""
    query = f"FROM _verborgen {before} ORDER BY ALL"
    lake.replace_table(home.lake, HIDDEN, connection, query)
    connection.execute("DROP TABLE _verborgen")


def truths(home: Home) -> dict[tuple[str, str, str, str], list[int]]:
    """What ``remember`` kept, as ``history`` takes it; empty where nothing was hidden yet."""
    found: dict[tuple[str, str, str, str], list[int]] = {}
    with work(home.scratch) as connection:
        try:
            lake.view(connection, home.lake, HIDDEN)
        except lake.NoSuchTable:
            return found
        for *place, value in connection.execute(f"FROM {HIDDEN} ORDER BY ALL").fetchall():
            found.setdefault((place[0], place[1], place[2], place[3]), []).append(value)
    return found


def refused(
    home: Home, connection: duckdb.DuckDBPyConnection, release: str, error: NotSafe
) -> None:
    """Write the intervals of a proof that failed, as ``<release>_geweigerd``, for who repairs it.

    What was kept of the last release that went out stays.
    """
    if error.proof is not None:
        keep(home, connection, f"{release}{REFUSED}", error.proof)


def summary_of(home: Home, release: str) -> dict[str, dict[str, int]]:
    """The counts of the proof of ``release`` per dataset, as ``keep`` wrote them.

    Raises:
        FileNotFoundError: it was never proven here.
    """
    return json.loads(_report(home, release).read_text(encoding="utf-8"))


def effort(found: Mapping[str, int]) -> dict[str, int]:
    """What protecting a dataset took, for engineers: whole per cents, of the counts of a proof.

    ``hidden_pct`` of its figures are hidden and ``value_lost_pct`` of the sum of its counts;
    ``primary_only_...`` is the part that the rules alone ask for. Those say how many figures are
    hidden by themselves, and with a handful of hidden figures that would tell which: so they are
    there only where both kinds count at least ``MANY``.
    """
    cells, value = found.get("cellen", 0), found.get("waarde", 0)
    primary, more = found.get("primair", 0), found.get("aanvullend", 0)
    lost = found.get("waarde_primair", 0), found.get("waarde_aanvullend", 0)
    told = {"figures": cells, "figures_hidden": primary + more}
    if cells:
        told["hidden_pct"] = round(100 * (primary + more) / cells)
    if value:
        told["value_lost_pct"] = round(100 * sum(lost) / value)
    if min(primary, more) >= MANY:
        told["primary_only_hidden_pct"] = round(100 * primary / cells)
        told["primary_only_value_lost_pct"] = round(100 * lost[0] / value) if value else 0
    return told


def _report(home: Home, release: str) -> Path:
    return home.reports / "disclosure" / f"{release}.json"


def _part(folder: Path, connection, table: str, release: str, columns: str, rows) -> None:
    _table(connection, "_bewijs", columns, list(rows))
    try:
        gone = {release, release + REFUSED}
        others = [part for part in lake.parts(folder, table) if part.name not in gone]
    except lake.NoSuchTable:
        others = []
    query = f"SELECT '{release}' AS uitgave, * FROM _bewijs ORDER BY ALL"
    lake.commit(
        folder, table, [*others, lake.write_part(folder, table, release, connection, query)]
    )
    connection.execute("DROP TABLE _bewijs")


def _table(connection, name: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")
    if rows:
        # Whole columns at once: row by row takes a hundred times as long.
        names = [one.rsplit(" ", 1) for one in columns.split(", ")]
        values = ", ".join(f"unnest(?::{kind}[])" for _, kind in names)
        connection.execute(
            f"INSERT INTO {name} SELECT {values}", [list(of) for of in zip(*rows, strict=True)]
        )
