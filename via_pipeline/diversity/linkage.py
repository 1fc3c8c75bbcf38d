"""How many jobs could not be linked to the population register, by kind of number.

Belongs here: ``diversity__koppeling`` as SQL over ``diversity__telling``. Does not belong here:
what becomes of an unknown origin (``origin``, ``barometer``).

A job is not linked when neither the person's country of birth nor that of either parent is known.
CBS gives the largest shares to expect: 0.1% with the citizen service number (BSN), 5% with the
other key (date of birth, sex, postcode, house number, addition):
https://www.cbs.nl/nl-nl/faq/culturele-diversiteit/proces/
welke-gegevens-lever-ik-aan-het-cbs-als-identificatiegegevens-voor-de-ingezoomde-barometer-
"""

from __future__ import annotations

from via_pipeline.diversity import counts
from via_pipeline.diversity.barometer import share
from via_pipeline.diversity.organisations import TABLE as ORGANISATIONS
from via_pipeline.storage.duck import literal

TABLE = "diversity__koppeling"
MAXIMUM_PCT = {"bsn": 0.1}
OTHER_KEY_PCT = 5.0

COLUMNS: dict[str, str] = {
    "organisatie": "VARCHAR",
    "peildatum": "DATE",
    "sleutel_soort": "VARCHAR",
    "n": "BIGINT",
    "teller": "BIGINT",
    "aandeel_pct": "DECIMAL(18,4)",
    "maximum_pct": "DECIMAL(18,4)",
    "is_binnen": "BOOLEAN",
    "leveringen": "VARCHAR",
    "is_synthetisch": "BOOLEAN",
    "_is_genoemd": "BOOLEAN",
}
"""Columns of ``diversity__koppeling``: ``teller`` of ``n`` jobs not linked. ``_is_genoemd`` says
whether the organisation may be named outside the house."""

KEY = ("organisatie", "peildatum", "sleutel_soort")
"""Columns that together are unique, and by which the table is ordered."""


def mart() -> str:
    """SQL of ``diversity__koppeling`` over counts and organisations. Columns: ``COLUMNS``."""
    cast = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in COLUMNS.items())
    known = " ".join(f"WHEN {literal(kind)} THEN {pct}" for kind, pct in MAXIMUM_PCT.items())
    return f"""
WITH som AS (
    SELECT organisatie, peildatum, subgroep AS sleutel_soort, sum(banen) AS n,
        coalesce(sum(banen) FILTER (WHERE categorie = {literal(counts.NOT_LINKED)}), 0) AS teller
    FROM {counts.COUNTS} WHERE kenmerk = {literal(counts.LINK)} GROUP BY ALL
),
aandeel AS (
    SELECT *, {share("teller", "n")} AS aandeel_pct,
        CASE sleutel_soort {known} ELSE {OTHER_KEY_PCT} END AS maximum_pct
    FROM som
)
SELECT {cast} FROM (
    SELECT a.*, 100 * teller <= maximum_pct * n AS is_binnen, o.levering AS leveringen,
        o.is_synthetisch, o.is_genoemd AS _is_genoemd
    FROM aandeel a JOIN {ORGANISATIONS} o USING (organisatie, peildatum))
ORDER BY {", ".join(KEY)}
"""
