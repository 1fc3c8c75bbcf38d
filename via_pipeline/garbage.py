"""How often Python looks for garbage in a process that runs a night.

Belongs here: that one setting. Does not belong here: when a process runs a night.
"""

from __future__ import annotations

import gc

THRESHOLDS = (100_000, 50, 50)


def collect_less_often() -> None:
    """For the rest of this process.

    Dagster and Great Expectations make millions of short-lived objects beside a large heap that
    stays. Python's own thresholds have it go through that heap over and over: two seconds of
    every run, and a twentieth of every import.
    """
    gc.set_threshold(*THRESHOLDS)
