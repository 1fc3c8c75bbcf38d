"""`make bench-disclosure`: what the joint suppression costs, in cells, value, time and memory.

Belongs here: generated tables (synthetic) of 300, 5 k and 50 k cells, and the measuring. Does not
belong here: the engine (``via_pipeline.disclosure.engine``), its tests.

The tables are like those of a labour-market programme: origin by organisation within sector by
function level, threshold ten, nearly half of the cells primary. Each size runs in a process of its
own, so that its peak memory is its own. With ``--argus`` tau-ARGUS Modular protects the same table
for comparison, through ``pytauargus``.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np

from via_pipeline.disclosure.audit.proof import audit
from via_pipeline.disclosure.engine.handover import published
from via_pipeline.disclosure.engine.problem import Problem
from via_pipeline.disclosure.engine.protect import protect
from via_pipeline.disclosure.engine.rules import Frequency, with_needs
from via_pipeline.disclosure.engine.tables import Dimension, Table

THRESHOLD = 10
SIZES = {"300": (0, [6, 6, 5], 13), "5k": (5, [7] * 9, 11), "50k": (8, [20] * 20, 12)}
"""Origins (0: no such dimension), organisations per sector, function levels."""
COLUMNS = ("cells", "primary", "secondary", "lost", "protect_s", "audit_s", "failing", "peak_mb")


def table(size: str, seed: int = 1) -> Table:
    """A synthetic table of that size; the same for the same seed."""
    origins, sectors, levels = SIZES[size]
    random = np.random.default_rng(seed)
    flat = not origins
    origins = origins or 1
    share = np.array([0.55] + [0.45 / max(1, origins - 1)] * (origins - 1))
    level = random.dirichlet(np.full(levels, 3.0))
    counts: dict[tuple[str, ...], int] = {}
    parent: dict[str, str] = {}
    for sector, organisations in enumerate(sectors):
        parent[f"S{sector:02d}"] = "T"
        for number in range(organisations):
            code = f"S{sector:02d}.{number:02d}"
            parent[code] = f"S{sector:02d}"
            people = int(150 * np.exp(random.normal(0, 0.6))) * origins * levels // 20 + 20
            chance = np.outer(
                random.dirichlet(share * 40 + 0.5), random.dirichlet(level * 30 + 0.5)
            ).ravel()
            drawn = random.multinomial(people, chance / chance.sum())
            for place, count in enumerate(drawn.tolist()):
                origin, of_level = divmod(place, levels)
                codes = (f"H{origin}", code, f"F{of_level:02d}")
                counts[codes[1:] if flat else codes] = count
    dimensions = [
        Dimension("herkomst", {f"H{one}": "T" for one in range(origins)}),
        Dimension("organisatie", parent),
        Dimension("functieniveau", {f"F{one:02d}": "T" for one in range(levels)}),
    ]
    return Table("synthetisch", tuple(dimensions[flat:]), counts)


def measure(size: str) -> dict[str, object]:
    """Protect and audit a table of that size in this process."""
    made = table(size)
    cells = with_needs(made.cells(), [Frequency(THRESHOLD)])
    relations = made.relations()
    start = time.perf_counter()
    pattern = protect(Problem(cells, relations), seconds=600)
    protected = time.perf_counter()
    verdict = audit(*published(Problem(cells, relations), pattern.hidden))
    audited = time.perf_counter()
    return {
        "cells": len(cells),
        "primary": sum(cell.need is not None for cell in cells),
        "secondary": len(pattern.secondary),
        "lost": pattern.lost,
        "protect_s": round(protected - start, 1),
        "audit_s": round(audited - protected, 1),
        "failing": len(verdict.failing),
        "summary": verdict.summary(),
        "solved": pattern.solved,
        "collapsed": len(pattern.collapsed),
        "unprotected": len(pattern.unprotected),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    print(measure(sys.argv[1]))
