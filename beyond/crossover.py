"""`make bench-spark`: the national counts by DuckDB and by a Spark cluster, at growing sizes.

    python -m beyond.crossover             100 k, 1 M and 10 M jobs on two days (an hour or more)
    python -m beyond.crossover 1e5 1e6     some minutes

Each size is counted once by each; Spark has counted the smallest size before, so that neither the
start of its processes nor the warming up of its code is in the figures. Results are compared, and a
difference ends it. Printed, never asserted. The machine may be busy, so processor seconds stand
beside the clock: of this process for DuckDB, of driver and executors for Spark.

Belongs here: measuring. Does not belong here: what is counted (``cube``).
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from beyond import cube
from beyond.chosen import same_sums
from beyond.standalone import Cluster, cluster

DAYS = 2
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Line:
    """One size: rows, and per engine seconds on the clock and of processors."""

    rows: int
    duckdb_s: float
    duckdb_cpu_s: float
    spark_s: float
    spark_cpu_s: float


def processors(groups: set[int], alone: int) -> float:
    """Processor seconds so far of all processes in ``groups`` and of process ``alone``."""
    total = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            told = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(told[2]) in groups or int(entry.parent.name) == alone:
            total += int(told[11]) + int(told[12])
    return total / _TICKS


def measure(found: Cluster, folder: Path, jobs: int) -> Line:
    """One size by both engines.

    Raises:
        NotEqual: they counted something else.
    """
    from pyspark import SparkContext

    rows = cube.generate(folder, jobs, DAYS)
    began = time.process_time()
    known = cube.counted(folder, "duckdb")
    duckdb_cpu = time.process_time() - began
    groups = {worker.pid for worker in found.workers}
    driver = SparkContext._gateway.proc.pid if SparkContext._gateway else 0
    before = processors(groups, driver)
    told = cube.counted(folder, "spark")
    spark_cpu = processors(groups, driver) - before
    same_sums(known, told, f"{jobs} jobs")
    return Line(rows, float(known["seconds"]), duckdb_cpu, float(told["seconds"]), spark_cpu)


def main() -> None:
    """Measure every size and print ratios, growth, and where the lines meet."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("jobs", nargs="*", type=float, default=[1e5, 1e6, 1e7])
    sizes = [int(size) for size in options.parse_args().jobs]
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="via_crossover_", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        with cluster(place / "cluster") as found:
            os.environ.update(found.environment)
            from via_pipeline.engine import session

            try:
                cube.generate(place / "warm", min(sizes), DAYS)
                cube.counted(place / "warm", "spark")
                print("| rows | DuckDB s | CPU s | Spark s | CPU s | clock, × | CPU, × |")
                for jobs in sizes:
                    one = measure(found, place / str(jobs), jobs)
                    lines.append(one)
                    print(
                        f"| {one.rows:,} | {one.duckdb_s:.1f} | {one.duckdb_cpu_s:.1f} | "
                        f"{one.spark_s:.1f} | {one.spark_cpu_s:.1f} | "
                        f"{one.spark_s / one.duckdb_s:.1f} | "
                        f"{one.spark_cpu_s / one.duckdb_cpu_s:.1f} |",
                        flush=True,
                    )
                    shutil.rmtree(place / str(jobs))
            finally:
                session.stop()
    for one, two in pairwise(lines):
        more = math.log(two.rows / one.rows)
        for name in ("duckdb_cpu_s", "spark_cpu_s"):
            grown = math.log(getattr(two, name) / getattr(one, name)) / more
            sys.stdout.write(f"{name}: exponent {grown:.2f} from {one.rows:,} to {two.rows:,}\n")


if __name__ == "__main__":
    main()
