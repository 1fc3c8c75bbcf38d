"""What is known of an organisation on a peildatum: sector, region, consent to its name.

Belongs here: ``diversity__organisatie`` as SQL over the register and the deliveries in force. Does
not belong here: a figure.

- Sector and municipality come from the register, as valid on the peildatum, and never from a name.
  Where two versions of the SBI run side by side the older one counts, so that a series goes on.
- A municipality that is not valid on the peildatum (gemeente.csv) gives no region.
- An organisation that objected against a peildatum is not here: the catalog leaves it out.
- An organisation appears on its own only where the last word on that peildatum is a recorded
  consent; a withdrawal of the same day goes before it. All others are seen in larger groups only.
"""

from __future__ import annotations

from via_pipeline.diversity.origin import UNKNOWN
from via_pipeline.pilots.catalog import DELIVERIES
from via_pipeline.storage.duck import literal

TABLE = "diversity__organisatie"
SOURCE = "p4_barometer"


def query() -> str:
    """SQL of ``diversity__organisatie``: one row per organisation and peildatum delivered.

    Columns: organisatie, peildatum, levering, is_synthetisch, naam, sector, sector_label,
    sbi_versie, gemeentecode, regio, regio_label, is_genoemd. What the register does not tell
    is ``onbekend``; ``naam`` and ``gemeentecode`` are NULL.
    """
    unknown = literal(UNKNOWN)
    covers = (
        "v.organisatie = d.organisatie AND coalesce(v.peildatum_van <= d.peildatum, true) "
        "AND coalesce(v.peildatum_tot >= d.peildatum, true)"
    )
    return f"""
WITH geleverd AS (
    SELECT sleutel['organisatie'] AS organisatie, peildatum, delivery_id AS levering,
        is_synthetisch
    FROM {DELIVERIES}
    WHERE bron = {literal(SOURCE)} AND is_in_gebruik AND peildatum IS NOT NULL
),
ingedeeld AS (
    SELECT d.organisatie, d.peildatum, i.sbi_versie, i.sbi_sectie, i.gemeentecode
    FROM geleverd d JOIN register__organisatie_indeling i
        ON i.organisatie = d.organisatie AND i.geldig_van <= d.peildatum
        AND coalesce(i.geldig_tot >= d.peildatum, true)
    QUALIFY row_number() OVER (PARTITION BY d.organisatie, d.peildatum
        ORDER BY i.sbi_versie, i.geldig_van DESC, i.bekend_op DESC) = 1
),
laatste_woord AS (
    SELECT d.organisatie, d.peildatum, v.soort
    FROM geleverd d JOIN register__organisatie_verklaring v ON {covers}
    WHERE v.soort IN ('toestemming', 'intrekking')
    QUALIFY row_number() OVER (PARTITION BY d.organisatie, d.peildatum
        ORDER BY v.bekend_op DESC, v.soort) = 1
)
SELECT d.organisatie, d.peildatum, d.levering, d.is_synthetisch, o.naam,
    coalesce(i.sbi_sectie, {unknown}) AS sector,
    coalesce(s.label, {unknown}) AS sector_label,
    coalesce(i.sbi_versie, {unknown}) AS sbi_versie,
    i.gemeentecode,
    coalesce(g.provinciecode, {unknown}) AS regio,
    coalesce(g.provincienaam, {unknown}) AS regio_label,
    coalesce(w.soort = 'toestemming', false) AS is_genoemd
FROM geleverd d
LEFT JOIN register__organisatie o ON o.organisatie = d.organisatie
LEFT JOIN ingedeeld i ON i.organisatie = d.organisatie AND i.peildatum = d.peildatum
LEFT JOIN laatste_woord w ON w.organisatie = d.organisatie AND w.peildatum = d.peildatum
LEFT JOIN reference__sbi_sectie s ON s.code = i.sbi_sectie AND i.sbi_versie = 'SBI 2008'
LEFT JOIN reference__gemeente g ON g.code = i.gemeentecode
    AND coalesce(g.geldig_van <= d.peildatum, true)
    AND coalesce(g.geldig_tot >= d.peildatum, true)
ORDER BY d.organisatie, d.peildatum
"""
