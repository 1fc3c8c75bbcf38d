"""Dagster's entry point: what ``workspace.yaml`` and ``dg`` load. The work is in ``defs``."""

import dagster as dg

from via_pipeline.defs.assemble import build_defs


@dg.definitions
def defs() -> dg.Definitions:
    """The code location as production runs it."""
    return build_defs()
