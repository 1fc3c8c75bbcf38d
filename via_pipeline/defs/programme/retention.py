"""The nightly asset that deletes what has been kept for its term, and says how much.

Belongs here: wiring, and counts per source. Does not belong here: what is due (``privacy``).
"""

from collections import Counter
from datetime import UTC, datetime

import dagster as dg

from via_pipeline.contracts.model import load_all
from via_pipeline.defs import guard, metadata, policy
from via_pipeline.defs.resources import Installation

NAME = "privacy__bewaartermijn"


@dg.definitions
def retention() -> dg.Definitions:
    """The asset; it comes after judging, so that it never deletes under a reader."""
    sources = [contract.source for contract in load_all() if contract.kept_in is None]

    @dg.multi_asset(
        name=NAME,
        specs=[
            dg.AssetSpec(
                NAME,
                description=(
                    "**Bewaartermijnen**\n\nDeletes rows, reports and kept deliveries whose term "
                    "(contract, `retention`) is over; the ledger keeps what was deleted, by hash."
                ),
                deps=[f"quality__{source}" for source in sources],
                code_version=metadata.CODE_VERSION,
            )
        ],
        check_specs=[guard.processed_spec(NAME)],
        pool=policy.POOL,
    )
    def enforce(
        context: dg.AssetExecutionContext, installation: Installation
    ) -> dg.MaterializeResult:
        from via_pipeline.intake.ledger import Ledger
        from via_pipeline.privacy import retention as room

        home = installation.home()
        now = datetime.now(tz=UTC)
        attempt = guard.guarded(
            context, lambda: room.enforce(home, load_all(), now=now, run_id=context.run_id)
        )
        all_time = Counter(one.source for one in Ledger(home.ledger).removals())
        return dg.MaterializeResult(
            asset_key=NAME,
            metadata={
                "deleted_now": len(attempt.value or []),
                "deleted_ever": sum(all_time.values()),
                "per_source": metadata.markdown_table(
                    ["bron", "verwijderde leveringen"], sorted(all_time.items())
                ),
            },
            check_results=[attempt.check(NAME)],
        )

    return dg.Definitions(assets=[enforce])
