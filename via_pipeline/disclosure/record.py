"""What the proof of a release leaves behind: intervals for checkers, a summary for everybody.

Belongs here: the restricted lake tables ``audit__interval`` and ``audit__samenvatting``, one part a
release, and the rows of the published table ``beveiliging``. Does not belong here: the proof.

The published summary tells how many figures are hidden, never how many of them by themselves: with
two hidden figures and their sum that alone could tell both. It follows from what is shown alone, so
that an edition that is made again says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import duckdb

from via_pipeline.disclosure.proof import Proof
from via_pipeline.storage import lake
from via_pipeline.storage.atomic import write_json
from via_pipeline.storage.home import Home

SUMMARY = "audit__samenvatting"
INTERVALS = "audit__interval"

_INTERVAL_COLUMNS = (
    "dataset VARCHAR, cel VARCHAR, grootheid VARCHAR, aanvaller VARCHAR, waarde BIGINT, "
    "laagste BIGINT, hoogste BIGINT, is_exact BOOLEAN, is_primair BOOLEAN, regel VARCHAR, "
    "is_veilig BOOLEAN"
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


def summary(connection: duckdb.DuckDBPyConnection, proof: Proof) -> None:
    """Make the source of the published table ``beveiliging`` on ``connection``."""
    rows = []
    for name, found in proof.summary.items():
        hidden = found.get("primair", 0) + found.get("aanvullend", 0)
        lost = found.get("waarde_primair", 0) + found.get("waarde_aanvullend", 0)
        share = round(100 * lost / found["waarde"]) if found.get("waarde") else None
        if found.get("cellen"):
            rows.append((name, found["cellen"], hidden, share, found.get("niet_veilig", 0)))
    _table(
        connection,
        SUMMARY,
        "dataset VARCHAR, cellen BIGINT, verborgen BIGINT, waarde_verloren_pct BIGINT, "
        "niet_veilig BIGINT",
        rows,
    )


def keep(home: Home, connection: duckdb.DuckDBPyConnection, release: str, proof: Proof) -> None:
    """Write intervals and full summary of ``release`` into the lake, beside other releases'.

    The summary goes to ``reports/disclosure/<release>.json`` as well, for who checks an edition.
    """
    folder = home.lake
    write_json(home.reports / "disclosure" / f"{release}.json", proof.summary)
    _part(folder, connection, INTERVALS, release, _INTERVAL_COLUMNS, map(astuple, proof.lines))
    columns = "dataset VARCHAR, " + ", ".join(f"{name} BIGINT" for name in _COUNTS)
    rows = [(name, *(of.get(one, 0) for one in _COUNTS)) for name, of in proof.summary.items()]
    _part(folder, connection, SUMMARY, release, columns, rows)


def _part(folder: Path, connection, table: str, release: str, columns: str, rows) -> None:
    _table(connection, "_bewijs", columns, list(rows))
    try:
        others = [part for part in lake.parts(folder, table) if part.name != release]
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
