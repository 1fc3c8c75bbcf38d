"""The one assembler: the same definitions for production, the CLI and tests.

Belongs here: putting the pieces together. Does not belong here: any piece.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from via_pipeline.defs import executor, policy
from via_pipeline.defs.resources import Installation


def build_defs(
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors.

    ``resources`` overrides by key (``installation``); ``loggers`` adds loggers that a run may
    choose in its config (the CLI's progress).
    """
    loaded = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    shared = dg.Definitions(
        resources={"installation": Installation()} | dict(resources or {}),
        loggers=dict(loggers or {}),
        executor=executor.alone,
    )
    with warnings.catch_warnings():
        # In preview in 1.13 (pinned): the one way to map a policy over every spec.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.Definitions.merge(loaded, shared).map_asset_specs(func=policy.applied)
