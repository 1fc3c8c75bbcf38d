"""What the instance knows of the checks, for the site and ``via broken``."""

from __future__ import annotations

import dagster as dg

from via_pipeline.defs import standing
from via_pipeline.status.facts import Outcome


@dg.asset
def tabel() -> None:
    """A table of which a check is planned."""


@dg.asset_check(asset=tabel)
def klopt() -> dg.AssetCheckResult:
    """Whether it holds."""
    return dg.AssetCheckResult(passed=True)


def test_a_check_that_was_planned_and_did_not_run_is_told_as_such() -> None:
    """A night that was broken off leaves plans behind, and still has its page."""
    definitions = dg.Definitions(
        [tabel], asset_checks=[klopt], jobs=[dg.define_asset_job("nacht", selection="*")]
    )
    graph = definitions.resolve_asset_graph()
    with dg.DagsterInstance.ephemeral() as instance:
        job = definitions.resolve_job_def("nacht")
        run = instance.create_run_for_job(job)
        facts = standing.gather(instance, graph, "2026-01-01T00:00:00Z", run_id=run.run_id)
    assert [(one.name, one.outcome) for one in facts.checks] == [("klopt", Outcome.NOT_RUN)]
