"""A run that was killed is said to have failed by the next one; nobody else's run is touched."""

import dagster as dg

from via_pipeline.defs import walk


@dg.op
def nothing() -> None: ...


@dg.job
def night() -> None:
    nothing()


def test_the_next_run_ends_the_killed_ones() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        mine, other = (
            instance.create_run_for_job(night, tags=tags, status=dg.DagsterRunStatus.STARTED)
            for tags in (walk._TAGS, {})
        )
        walk._end_the_killed(instance)
        said = {run.run_id: run.status for run in instance.get_runs()}
        assert said[mine.run_id] is dg.DagsterRunStatus.FAILURE
        assert said[other.run_id] is dg.DagsterRunStatus.STARTED
