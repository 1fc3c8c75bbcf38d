"""Columns that the marts about populations share: their names, types and order.

Belongs here: what ``ladder``, ``flow``, ``benchmark`` and ``trend`` have alike. Does not belong
here: a column of one mart, any value.
"""

from __future__ import annotations

POPULATION: dict[str, str] = {
    "populatie_soort": "VARCHAR",
    "populatie": "VARCHAR",
    "populatie_label": "VARCHAR",
    "sector": "VARCHAR",
    "sector_label": "VARCHAR",
    "sbi_versie": "VARCHAR",
}
"""Who a row is about."""

POPULATION_KEY = ("populatie_soort", "populatie", "sbi_versie")

CLASSIFICATION: dict[str, str] = {"indeling": "VARCHAR", "indeling_versie": "VARCHAR"}

GROUP: dict[str, str] = {
    "categorie": "VARCHAR",
    "categorie_label": "VARCHAR",
    "eenheid_statistiek": "VARCHAR",
}
"""Which origin group, and what is counted of it."""

SHARE: dict[str, str] = {
    "n": "BIGINT",
    "n_klasse": "VARCHAR",
    "teller": "BIGINT",
    "aandeel_pct": "DECIMAL(18,4)",
}

SHARE_INTERVAL: dict[str, str] = {
    "aandeel_laag_pct": "DECIMAL(18,4)",
    "aandeel_hoog_pct": "DECIMAL(18,4)",
}

CLOSING: dict[str, str] = {
    "leveringen": "VARCHAR",
    "is_synthetisch": "BOOLEAN",
    "is_toegestaan": "BOOLEAN",
    "waarde_status": "VARCHAR",
    "reden": "VARCHAR",
}
"""What a row rests on, and why it has no figure where it has none."""

INSIDE: dict[str, str] = {
    "_rest_n": "BIGINT",
    "_rest_teller": "BIGINT",
    "_deel_van": "VARCHAR",
}
"""Never published, needed by disclosure control: what is left of the row after subtraction of what
is shown elsewhere, and the larger population that it can be subtracted from (``populations``)."""

COMPARED: dict[str, str] = {"_vergeleken": "VARCHAR"}
"""Never published: the key of the row that some columns of this row are worked out from as well,
its values joined by a slash. Where that row is hidden, so are they."""


def cast(columns: dict[str, str]) -> str:
    """SQL that selects ``columns`` in their order, as their types."""
    return ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in columns.items())


def listed(key: tuple[str, ...]) -> str:
    """SQL: the columns of a key."""
    return ", ".join(key)
