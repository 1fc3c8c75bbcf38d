"""Every rule of P7 and P4 on large generated files, and outcomes, by the engine that is named.

Belongs here: taking in once, then judging, conforming and counting twice. Does not belong here:
comparing, printing (``cluster``).
"""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.refresh import deliveries, work
from beyond import chosen
from via_pipeline.contracts.model import load
from via_pipeline.intake.ledger import Ledger
from via_pipeline.intake.run import take_in
from via_pipeline.outcomes import run as outcomes
from via_pipeline.pilots import conform
from via_pipeline.quality import engines
from via_pipeline.quality.run import judge
from via_pipeline.storage.home import Home

KEPT = ("register", "reference")
PILOTS = ("p7_ww", "p4_barometer")
RUN = "beyond"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class TooSmall(ValueError):
    """A file is judged in pandas by both engines, so that their verdicts say nothing of Spark."""


def staged(folder: Path, rows: int) -> Home:
    """An installation that took in ``rows`` generated rows in few large files, not judged yet.

    Raises:
        TooSmall: a file has too few rows for Great Expectations to run on Spark.
    """
    data = folder / "data"
    deliveries.generate(data, rows, organisations=1, quarters=2)
    home = Home(folder / "staged", data).ensure()
    os.environ["VIA_PSEUDONYM_KEY"] = work.KEY
    for source in (*KEPT, *PILOTS):
        take_in(home, load(source), run_id=RUN, now=NOON, settle_seconds=0)
    for source in KEPT:
        judge(home, load(source), run_id=RUN)
        conform.refresh(home, load(source))
    sizes = [row.rows_in for one in PILOTS for row in Ledger(home.ledger).rows(one)]
    if min(sizes, default=0) <= engines.PANDAS_LIMIT_ROWS:
        raise TooSmall(
            f"files of {', '.join(f'{size:,}' for size in sizes) or 'no'} rows: Great Expectations "
            f"runs on Spark beyond {engines.PANDAS_LIMIT_ROWS:,} a file"
        )
    return home


def judged(home: Home, engine: str) -> tuple[Home, float]:
    """A copy of ``home`` in which ``engine`` judged and counted both pilots; seconds it took."""
    own = Home(home.root.with_name(engine), home.data)
    shutil.copytree(home.root, own.root, symlinks=True)
    began = time.monotonic()
    with chosen.engine(engine):
        for source in PILOTS:
            judge(own, load(source), run_id=RUN)
            conform.refresh(own, load(source))
            outcomes.refresh(own, source)
    return own, time.monotonic() - began
