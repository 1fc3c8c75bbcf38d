"""The status site and the standing check "what is broken right now": the last step of a night.

Belongs here: wiring. Does not belong here: what is broken, a page (``status``).

It has no upstream in Dagster's sense, on purpose: Dagster skips what comes after a failed step, and
the night that fails is the one of which people want to read. The lowest priority makes it the last
step: in one process (the executor of this project) a step is chosen among all that are ready.
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from via_pipeline.defs import guard, metadata, policy, standing
from via_pipeline.defs.resources import Installation
from via_pipeline.storage.home import Home

NAME = standing.SITE
NOW = "nu_kapot"
_LAST = "-100"


@dg.asset(
    name=NAME,
    description=(
        "**Statussite**\n\nPlain HTML for people who run the house: what is broken, deliveries, "
        "quality per partner, dictionary, lineage, runs. Restricted; no value of a row."
    ),
    check_specs=[
        dg.AssetCheckSpec(
            NOW,
            asset=NAME,
            description=(
                "Er is nu niets kapot: geen controle, levering of tabel vraagt iemand. / Nothing "
                "is broken right now (via broken)."
            ),
        ),
        guard.processed_spec(NAME),
    ],
    op_tags={"dagster/priority": _LAST},
    pool=policy.POOL,
    code_version=metadata.CODE_VERSION,
)
def site(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:
    """Write the site; whatever goes wrong here is told by a check and fails no night."""
    home = installation.home()
    at = standing.stamp(datetime.now(tz=UTC))

    def work() -> list[Any]:
        from via_pipeline.contracts.model import load_all
        from via_pipeline.defs.assemble import at_hand
        from via_pipeline.status import broken
        from via_pipeline.status import site as room

        contracts = load_all()
        # The whole graph: a job knows its own part, and in one process no repository.
        graph = at_hand().resolve_asset_graph()
        facts = standing.gather(context.instance, graph, at, run_id=context.run_id)
        room.build(home, contracts, facts)
        return broken.broken(home, contracts, facts)

    attempt = guard.guarded(context, work)
    return dg.MaterializeResult(
        metadata=_figures(home, attempt.value),
        check_results=[attempt.check(NAME), _now(attempt.value)],
    )


def _figures(home: Home, found: list[Any] | None) -> dict[str, Any]:
    from via_pipeline.status import broken
    from via_pipeline.status.site import INDEX, folder_of

    if found is None:
        return {}
    counts = broken.counted(found)
    return {
        "page": metadata.relative(home, folder_of(home) / INDEX),
        "broken": sum(one.kind is not broken.Kind.WARNING for one in found),
        "warnings": counts.get(broken.Kind.WARNING.value, 0),
        "content": metadata.markdown_table(
            ["wat", "aantal"],
            ([broken.TITLES[broken.Kind(kind)], number] for kind, number in counts.items()),
        ),
    }


def _now(found: list[Any] | None) -> dg.AssetCheckResult:
    """Fails while anything is broken. It warns only: each thing has a check or alert of its own."""
    from via_pipeline.status import broken

    wrong = [one for one in found or [] if one.kind is not broken.Kind.WARNING]
    counts = broken.counted(wrong)
    told = "; ".join(f"{broken.TITLES[broken.Kind(kind)]}: {n}" for kind, n in counts.items())
    figures: dict[str, Any] = {"broken": len(wrong)}
    if wrong:
        figures["what_to_do"] = "Zie per regel hieronder. / See each line below; 'via broken'."
        figures["content"] = metadata.markdown_table(
            ["soort", "wat", "sinds", "wat te doen"],
            ([one.kind.value, one.subject, one.since, one.action] for one in wrong),
        )
    if found is None:
        told = "Niet nagegaan. / Could not be looked at."
    elif wrong:
        told = (
            f"{told}. Zie reports/site/index.html of 'via broken'. / Broken now, see the site or "
            "'via broken'."
        )
    return dg.AssetCheckResult(
        passed=found is not None and not wrong,
        check_name=NOW,
        asset_key=dg.AssetKey(NAME),
        severity=dg.AssetCheckSeverity.WARN,
        description=told or None,
        metadata=figures,
    )
