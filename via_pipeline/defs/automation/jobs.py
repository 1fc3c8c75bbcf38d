"""The jobs: everything of a night, one edition of the letter, and what workers do before a night.

Belongs here: which assets and checks go together. Does not belong here: when (``schedules.py``).
"""

from __future__ import annotations

import dagster as dg

from via_pipeline.defs.automation import COUNT, LETTER, NIGHTLY, PEILDATUM, PUBLISH, TAKE_IN

nightly_refresh = dg.define_asset_job(
    NIGHTLY,
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(LETTER, PEILDATUM),
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

take_in = dg.define_asset_job(
    TAKE_IN,
    selection=dg.AssetSelection.groups(
        "landing", "intake", "quality", "pilots", "register", "reference"
    ),
    description=(
        "Only take in and judge what is new. With workers, what it brings is then counted in "
        "parallel, and the nightly run finds the counts; without, the nightly run does it all."
    ),
    tags={"via/soort": "inname"},
)

count_peildatum = dg.define_asset_job(
    COUNT,
    selection=dg.AssetSelection.assets(PEILDATUM),
    description="Count the jobs of one peildatum; many at once, on as many workers as there are.",
    tags={"via/soort": "telling"},
)
