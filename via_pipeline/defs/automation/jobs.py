"""The two jobs: everything of a night, and one edition of the letter.

Belongs here: which assets and checks go together. Does not belong here: when (``schedules.py``).
"""

from __future__ import annotations

import dagster as dg

from via_pipeline.defs.automation import LETTER, NIGHTLY, PUBLISH

nightly_refresh = dg.define_asset_job(
    NIGHTLY,
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(LETTER),
    description=(
        "Take in what is new, judge it, refresh every table and the file that BI reads. "
        "Does little where nothing is new."
    ),
    tags={"via/soort": "nacht"},
)

publish_letter = dg.define_asset_job(
    PUBLISH,
    selection=dg.AssetSelection.assets(LETTER),
    description=(
        "Emit the datasets of one edition of the progress letter. It sees only deliveries received "
        "and register rows known by the edition's reading date."
    ),
    tags={"via/soort": "brief"},
)
