"""Unemployment by background, with its change over a year worked out again.

Belongs here: ``context__werkloosheid`` as SQL over ``reference__werkloosheid``. Does not belong
here: explaining a change.

A change is taken within one vintage only, between a period and the same one a year before; where
that one is not published the change is NULL. ``merk`` tells a published figure (V) from one that
was derived (a derived figure of last year makes a change circular: it checks the table, not CBS).
"""

from __future__ import annotations

import duckdb

COLUMNS: dict[str, str] = {
    "periode": "VARCHAR",
    "achtergrond": "VARCHAR",
    "werkloosheid_pct": "DECIMAL(18,1)",
    "verschil_jaar_pp": "DECIMAL(18,1)",
    "bron": "VARCHAR",
    "vintage": "VARCHAR",
    "merk": "VARCHAR",
}
"""Columns of ``context__werkloosheid`` and their DuckDB types, in order."""

KEY = ("vintage", "periode", "achtergrond")
"""Columns that together are unique, and by which the table is ordered."""


def results(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """``context__werkloosheid`` over the catalog on ``connection``, which holds ``reference``."""
    return connection.sql(query())


def query() -> str:
    """SQL of ``context__werkloosheid``."""
    cast = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in COLUMNS.items())
    return f"""
WITH gelezen AS (
    SELECT n.* EXCLUDE (verschil_jaar_pp),
        n.werkloosheid_pct - v.werkloosheid_pct AS verschil_jaar_pp
    FROM reference__werkloosheid n
    LEFT JOIN reference__werkloosheid v
        ON v.vintage = n.vintage AND v.achtergrond = n.achtergrond
        AND v.periode = CAST(CAST(n.periode[1:4] AS INTEGER) - 1 AS VARCHAR) || n.periode[5:]
)
SELECT {cast} FROM gelezen ORDER BY {", ".join(KEY)}
"""
