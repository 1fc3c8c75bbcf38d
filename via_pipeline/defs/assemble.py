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

# No list: Dagster, which loads this module as well, would take what is in a list for ours to add.
_newest: dict[str, dg.Definitions] = {}


def build_defs(
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors.

    ``resources`` overrides by key (``installation``); ``loggers`` adds loggers that a run may
    choose in its config (the CLI's progress). ``at_hand`` gives them again.
    """
    made = _built(resources, loggers)
    _newest["made"] = made
    return made


def at_hand() -> dg.Definitions:
    """The definitions that this process built last; where it built none, built now.

    For a step that asks about the whole graph: Dagster gives it its own job only, and to build all
    of them once more, and their graph, takes a second each time.
    """
    return _newest.get("made") or build_defs()


def _built(
    resources: Mapping[str, Any] | None, loggers: Mapping[str, dg.LoggerDefinition] | None
) -> dg.Definitions:
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
