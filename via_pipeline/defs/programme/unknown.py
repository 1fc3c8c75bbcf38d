"""Files in landing that belong to no contract: recorded, refused, visible.

Belongs here: the one asset for them. Does not belong here: any source that has a contract.
"""

from datetime import UTC, datetime

import dagster as dg

from via_pipeline.contracts.model import load_all
from via_pipeline.defs import guard, metadata, policy
from via_pipeline.defs.resources import Installation
from via_pipeline.storage.home import Home

NAME = "intake__onbekend"
KNOWN = "map__heeft_contract"


@dg.definitions
def unknown() -> dg.Definitions:
    """The landing folder without a contract, and what becomes of its files."""
    landing = dg.AssetSpec(
        "landing__onbekend",
        description=(
            "**Mappen zonder afspraak**\n\nWhatever lies in `landing/` outside the folders that a "
            "contract names, for instance a file for a pilot that does not exist."
        ),
        kinds={"file"},
    )

    @dg.multi_asset(
        name=NAME,
        specs=[
            dg.AssetSpec(
                NAME,
                deps=["landing__onbekend"],
                description=(
                    "**Bestanden zonder afspraak**\n\nRecorded in the ledger by name and hash, and "
                    "refused unopened: nobody agreed what may be in them."
                ),
                code_version=metadata.CODE_VERSION,
            )
        ],
        check_specs=[
            guard.processed_spec(NAME),
            dg.AssetCheckSpec(
                KNOWN,
                asset=NAME,
                description=(
                    "Elk bestand in landing ligt in een map waarvoor een contract bestaat. / "
                    "Every file in landing lies in a folder that a contract names."
                ),
            ),
        ],
        pool=policy.POOL,
    )
    def intake_unknown(
        context: dg.AssetExecutionContext, installation: Installation
    ) -> dg.MaterializeResult:
        from via_pipeline.intake.run import take_in_unknown

        home = installation.home()
        contracts = load_all()
        attempt = guard.guarded(
            context,
            lambda: take_in_unknown(
                home, contracts, run_id=context.run_id, now=datetime.now(tz=UTC)
            ),
        )
        summary = attempt.value
        return dg.MaterializeResult(
            asset_key=NAME,
            metadata={"deferred": len(summary.deferred) if summary else 0},
            check_results=[attempt.check(NAME), _known(home, [c.source for c in contracts])],
        )

    return dg.Definitions(assets=[landing, intake_unknown])


def _known(home: Home, sources: list[str]) -> dg.AssetCheckResult:
    """Fails while a refused file still lies there."""
    from via_pipeline.intake.ledger import Ledger

    rows = [
        row
        for row in Ledger(home.ledger).rows()
        if row.source not in sources and (home.data / row.path).exists()
    ]
    figures: dict[str, object] = {"files": len(rows)}
    if rows:
        figures["what_to_do"] = (
            "Vraag de afzender wat het is; haal het bestand weg of maak een afspraak. / Ask the "
            "sender; remove the file, or add a contract (docs/add-a-pilot.md)."
        )
        figures["examples"] = metadata.markdown_table(
            ["bestand", "ontvangen"], ([row.path, row.received] for row in rows)
        )
    return dg.AssetCheckResult(
        passed=not rows,
        check_name=KNOWN,
        severity=dg.AssetCheckSeverity.ERROR,
        description=(
            f"Geen contract voor: {', '.join(sorted({row.source for row in rows}))}. / No contract "
            "names these folders; the files were refused unopened."
            if rows
            else None
        ),
        metadata=figures,
    )
