"""`make bench-disclosure`: what the joint suppression costs, in cells, value, time and memory.

Belongs here: generated tables (synthetic) of 300, 5 k and 50 k cells, and the measuring. Does not
belong here: the engine (``via_pipeline.disclosure.engine``), its tests.

The tables are like those of a labour-market programme: origin by organisation within sector by
function level, threshold ten, nearly half of the cells primary. Each size runs in a process of its
own, so that its peak memory is its own. Beside it tau-ARGUS Modular protects the same table, and
for 300 cells its optimum (OPT), both through ``pytauargus``. The machine may be busy, so processor
time is printed next to the clock.

    make bench-disclosure            all sizes, some minutes
    make bench-disclosure SIZES=5k   one of them
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

from via_pipeline.disclosure.engine.first import MODULAR, OPTIMAL, first_pattern
from via_pipeline.disclosure.engine.problem import Problem
from via_pipeline.disclosure.engine.protect import protect
from via_pipeline.disclosure.engine.proven import audited
from via_pipeline.disclosure.engine.rules import Frequency, with_needs
from via_pipeline.disclosure.engine.tables import Dimension, Table

THRESHOLD = 10
SIZES = {"300": (0, [6, 6, 5], 13), "5k": (5, [7] * 9, 11), "50k": (8, [20] * 20, 12)}
"""Origins (0: no such dimension), organisations per sector, function levels."""
COLUMNS = {
    "method": "method",
    "cells": "cells",
    "primary": "primary",
    "secondary": "secondary",
    "lost": "value lost",
    "hidden_ratio": "hidden / primary",
    "lost_ratio": "lost / primary value",
    "protect_s": "protect s",
    "audit_s": "audit s",
    "cpu_s": "CPU s",
    "failing": "failing",
    "coarser": "less detail",
    "peak_mb": "peak MB",
}
PATIENCE = 1_800.0


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


def measure(size: str, method: str) -> dict[str, object]:
    """Protect a table of that size in this process and those it starts, and audit it."""
    made = table(size)
    cells = with_needs(made.cells(), [Frequency(THRESHOLD)])
    problem = Problem(cells, made.relations())
    start, before = time.perf_counter(), _cpu()
    coarser = ""
    if method == "engine":
        pattern = protect(problem, seconds=PATIENCE)
        hidden = set(pattern.hidden)
        # Cells given up because the search met a limit: such a line measures the fallback.
        why = pattern.limit or "out of work"
        coarser = f"{len(pattern.collapsed)} cells: {why}" if pattern.is_coarser else "no"
    else:
        hidden = set(first_pattern(made, THRESHOLD, PATIENCE, method))
    protected = time.perf_counter()
    cpu = _cpu() - before
    failing: object = ""
    audited_s: object = ""
    if method == "engine":
        failing = len(audited(problem, hidden, seconds=PATIENCE).failing)
        audited_s = round(time.perf_counter() - protected, 1)
        cpu = _cpu() - before
    primary = {cell.name for cell in cells if cell.need}
    if not hidden >= primary:
        return {"method": method, "cells": len(cells), "secondary": "no answer"}
    secondary = hidden - primary
    lost = sum(cell.value for cell in cells if cell.name in secondary)
    return {
        "method": method,
        "cells": len(cells),
        "primary": len(primary),
        "secondary": len(secondary),
        "lost": lost,
        "hidden_ratio": round(len(hidden) / len(primary), 3),
        "lost_ratio": round(lost / sum(cell.value for cell in cells if cell.need), 3),
        "protect_s": round(protected - start, 1),
        "audit_s": audited_s,
        "cpu_s": round(cpu, 1),
        "failing": failing,
        "coarser": coarser,
        "peak_mb": max(
            resource.getrusage(who).ru_maxrss // 1024
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ),
    }


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    """Measure every size and method asked for, each in a process of its own, and print a table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("sizes", nargs="*", default=list(SIZES), help="300, 5k, 50k")
    options.add_argument("--one", nargs=2, metavar=("SIZE", "METHOD"), help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.one:
        print(json.dumps(measure(*asked.one)))
        return
    print("Synthetic tables, threshold ten; CPU s is of protect and audit together.")
    print("| " + " | ".join(COLUMNS.values()) + " |")
    print("|" + " --- |" * len(COLUMNS))
    for size in asked.sizes or SIZES:
        methods = ["engine", MODULAR, *([OPTIMAL] if size == "300" else [])]
        for method in methods:
            done = subprocess.run(  # noqa: S603 - this interpreter and this file
                [sys.executable, __file__, "--one", size, method],
                capture_output=True,
                text=True,
                check=True,
            )
            found = json.loads(done.stdout)
            print("| " + " | ".join(str(found.get(one, "")) for one in COLUMNS) + " |", flush=True)


if __name__ == "__main__":
    main()
