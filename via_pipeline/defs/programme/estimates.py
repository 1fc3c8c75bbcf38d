"""The estimates: one step that looks at the analysis plans, and the tables that it keeps.

Belongs here: the assets of ``outcomes.effects``, and what the UI says of them: how many rows, how
many withheld. Does not belong here: a figure. These tables are before disclosure control; figures
are shown with ``disclosure__effect``.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from via_pipeline.contracts import model
from via_pipeline.defs import guard, metadata, policy
from via_pipeline.defs.automation import schedules
from via_pipeline.defs.resources import Installation
from via_pipeline.defs.source_assets import conformed
from via_pipeline.storage.home import Home

EFFECT = "outcomes__effect"
TABLES = {
    "outcomes__plan": "**Analyseplannen**\n\nThe plan behind each reading: hash, lock date, "
    "design, what is missing from its data.",
    "outcomes__flow": "**Deelnemersstroom**\n\nParticipants per arm at each step (CONSORT 2025).",
    "outcomes__attrition": "**Uitval**\n\nLoss to follow-up, overall, by arm and between arms.",
    "outcomes__balance": "**Vergelijkbaarheid**\n\nCharacteristics at the start per arm, "
    "standardised differences, joint test.",
    "outcomes__missing": "**Ontbrekende waarden**\n\nMissing values per column and arm.",
    "outcomes__heterogeneity": "**Verschillen tussen groepen**\n\nInteraction tests of the "
    "subgroups that the plan names.",
    "outcomes__schatting": "**Te publiceren vergelijkingen**\n\nThe comparisons among the "
    "estimates, as disclosure control takes them; shares of one group stay inside.",
    EFFECT: "**Schattingen volgens het analyseplan**\n\nOne row an outcome, horizon, group and "
    "method of each reading: estimate, interval, claim, and the Dutch sentence. Made at reading "
    "dates only; a night with nothing new computes nothing.",
}


@dg.definitions
def estimates() -> dg.Definitions:
    """The step; its upstream follows from the contracts."""
    upstream = [
        table.lake_table
        for contract in model.load_all()
        if contract.pilot
        for table in conformed(contract)
    ]

    @dg.multi_asset(
        name="outcomes__estimates",
        specs=[
            dg.AssetSpec(
                name,
                description=f"{text} Not yet disclosure-checked: restricted.",
                deps=[*upstream, "register__doel"],
                metadata={"dagster/table_name": name},
                code_version=metadata.CODE_VERSION,
            )
            for name, text in TABLES.items()
        ],
        pool=policy.POOL,
    )
    def step(context: dg.AssetExecutionContext, installation: Installation):
        from via_pipeline.outcomes import effects

        home = installation.home()
        today = datetime.now(tz=ZoneInfo(schedules.TIME_ZONE)).date()
        done = guard.told(context, lambda: effects.refresh(home, today))
        for name in TABLES:
            figures = metadata.lake_figures(home, name)
            if name == EFFECT:
                figures |= _readings(home) | {"readings_computed": done.computed}
            yield dg.MaterializeResult(asset_key=name, metadata=figures)

    return dg.Definitions(assets=[step])


def _readings(home: Home) -> dict[str, Any]:
    """Rows and withheld rows per reading; no figure of a pilot."""
    from via_pipeline.outcomes import effects
    from via_pipeline.storage import lake
    from via_pipeline.storage.duck import work

    with work(home.scratch) as connection:
        lake.view(connection, home.lake, EFFECT, effects.TABLES[EFFECT])
        found = connection.execute(
            "SELECT pilot_id, locatie, reading_date, status, max(claim), "
            "left(plan_hash, 12), count(*), count(waarde_status) "
            f"FROM {EFFECT} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    header = ["pilot", "locatie", "leesdatum", "status", "claim", "plan", "rijen", "zonder cijfer"]
    return {
        "readings": len(found),
        "withheld": sum(row[-1] for row in found),
        "content": metadata.markdown_table(header, found),
    }
