"""One peildatum counted by a run of its own: the part of a night that workers can share.

Belongs here: the asset that is partitioned by peildatum. Does not belong here: what a count is
(``diversity.run``), which runs there are and when (``automation``).

The asset is no table: it writes the parts that ``diversity`` takes up in the same night. Without
it the night counts by itself, and everything is the same to the last byte. It is in no pool: parts
come whole or not at all, and every peildatum writes its own.
"""

from datetime import date

import dagster as dg

from via_pipeline.defs import automation, guard, metadata
from via_pipeline.defs.resources import Installation

PARTITIONS = dg.DynamicPartitionsDefinition(name="peildatum")


@dg.asset(
    name=automation.PEILDATUM,
    description=(
        "**Eén peildatum geteld**\n\nJobs, employees and moves of one reference date, counted by a "
        "run of its own, on whichever worker is free. The nightly run takes up what it finds and "
        "counts the rest itself. Not yet disclosure-checked: restricted."
    ),
    deps=["pilots__p4_baan", "reference__land", "register__organisatie"],
    partitions_def=PARTITIONS,
    code_version=metadata.CODE_VERSION,
)
def peildatum(context: dg.AssetExecutionContext, installation: Installation):
    """Count the peildatum that is the partition's key."""
    from via_pipeline.diversity import run

    home = installation.home()
    day = date.fromisoformat(context.partition_key)
    done = guard.told(context, lambda: run.count(home, day))
    return dg.MaterializeResult(
        metadata={"parts_computed": len(done.computed), "parts_kept": len(done.kept)}
    )
