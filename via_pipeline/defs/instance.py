"""Dagster's instance: where it lies and how it is opened.

Belongs here: DAGSTER_HOME. Does not belong here: its settings (``dagster.yaml``, shipped with the
project). Imports Dagster inside functions only: the CLI prepares the folder without it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from via_pipeline.storage.atomic import write_text
from via_pipeline.storage.home import Home

if TYPE_CHECKING:
    import dagster as dg

PROJECT = Path(__file__).parent.parent.parent
SETTINGS = PROJECT / "dagster.yaml"
_FAST_LOG = """
# Added by via_pipeline: Dagster's own SQLite event log, four times faster; the files are the same.
event_log_storage:
  module: via_pipeline.defs.event_store
  class: KeptOpenSqliteEventLogStorage
  config:
    base_dir:
      env: DAGSTER_HOME
"""
# Dagster's own switch, off where nothing says so (``dagster._core.instance.utils``): what a run
# plans is stored in batches. An operator's own value stands.
_BATCHES = {"DAGSTER_EVENT_BATCH_SIZE": "1000"}


def prepare(home: Home) -> Path:
    """Make ``VIA_HOME/dagster`` ready and point this process and its children at it.

    An operator who keeps a DAGSTER_HOME of their own sets it; it is then left as it is.
    """
    quiet()
    if own := os.environ.get("DAGSTER_HOME"):
        return Path(own)
    home.ensure()
    settings = SETTINGS.read_text(encoding="utf-8") + _FAST_LOG
    target = home.dagster / "dagster.yaml"
    if not target.exists() or target.read_text(encoding="utf-8") != settings:
        write_text(target, settings)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    for name, value in _BATCHES.items():
        os.environ.setdefault(name, value)
    return home.dagster


def quiet() -> None:
    """No reporting home by Great Expectations; Dagster's own switch is in ``dagster.yaml``."""
    os.environ["GX_ANALYTICS_ENABLED"] = "False"


@contextmanager
def opened(home: Home) -> Iterator[dg.DagsterInstance]:
    """The instance of ``home``."""
    import dagster

    prepare(home)
    with dagster.DagsterInstance.get() as instance:
        yield instance
