"""`make spark`: the product on a Spark cluster, beside DuckDB, to the last digit; a worker killed.

    python -m beyond.cluster                     everything (a quarter of an hour, 3 GB of disk)
    python -m beyond.cluster --only night        the night on the shipped samples, by both engines
    python -m beyond.cluster --only verdicts     generated deliveries: every rule of P7 and P4
    python -m beyond.cluster --only cube kill    the national counts, and with a worker killed

- *night*: ``via run`` on the sample deliveries, once with ``VIA_ENGINE=duckdb`` and once with
  ``spark``. Every file of lake, quarantine, reports, letters and BI must be the same bytes.
- *verdicts*: judging and counting generated deliveries of P7 and P4, one row in a hundred with a
  fault, large enough that Great Expectations runs on Spark; compared likewise.
- *cube*: every job of the larger organisations (``--jobs``), counts and moves of diversity.
- *kill*: the same counts again; a worker is killed while tasks run on it. The other finishes.

Belongs here: the order of the proof, and what is compared. Does not belong here: starting a cluster
(``standalone``), speed at growing sizes (``crossover``).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import child
from benchmarks.refresh import work
from beyond import cube
from beyond.chosen import NotEqual, same_files, same_sums
from beyond.standalone import Cluster, cluster
from faults import state

REPOSITORY = Path(__file__).resolve().parents[1]
PARTS = ("night", "verdicts", "cube", "kill")
LONGEST_SECONDS = 600


def night(found: Cluster, place: Path, data: Path) -> None:
    """One night by each engine on ``data``; all that it leaves must be the same bytes.

    Raises:
        NotEqual: a file differs, or is there once only.
    """
    from via_pipeline.storage.home import Home

    made, took = {}, {}
    for engine in ("duckdb", "spark"):
        home = place / engine
        given = {
            "VIA_HOME": str(home),
            "VIA_DATA": str(data),
            "VIA_RELEASES": str(place / "releases"),
            "VIA_PSEUDONYM_KEY": work.KEY,
            "VIA_SETTLE_SECONDS": "0",
            "VIA_ENGINE": engine,
        }
        (place / "releases").mkdir(exist_ok=True)
        via = Path(sys.executable).with_name("via")
        took[engine] = child.run([via, "run"], cwd=REPOSITORY, env=found.environment | given)
        made[engine] = state.bytes_of(Home(home, data))
    files = same_files(made)
    rows = cube.rejected(place / "spark")
    tell(
        f"{files} files, the same bytes; {rows:,} rows in quarantine. DuckDB "
        f"{took['duckdb'].seconds:.0f} s, Spark {took['spark'].seconds:.0f} s: "
        f"{took['spark'].seconds / took['duckdb'].seconds:.1f} times as long"
    )


def judged(place: Path, rows: int) -> None:
    """Judge and count generated deliveries by each engine; all that it leaves must be the same.

    Raises:
        NotEqual: a file differs, or is there once only.
    """
    from beyond import verdicts

    staged = verdicts.staged(place, rows)
    made, took = {}, {}
    for engine in ("duckdb", "spark"):
        home, took[engine] = verdicts.judged(staged, engine)
        made[engine] = state.bytes_of(home)
    files = same_files(made)
    tell(
        f"{files} files, the same bytes; {cube.rejected(place / 'spark'):,} rows in quarantine. "
        f"DuckDB {took['duckdb']:.0f} s, Spark {took['spark']:.0f} s"
    )


def national(place: Path, jobs: int, days: int) -> tuple[Path, dict[str, str]]:
    """The synthetic nation below ``place`` and DuckDB's sums of its counts, told."""
    folder = place / "nation"
    if not folder.exists():
        began = time.monotonic()
        rows = cube.generate(folder, jobs, days)
        tell(f"{rows:,} jobs on {days} days made in {time.monotonic() - began:.0f} s")
    return folder, cube.counted(folder, "duckdb")


def killed(found: Cluster, folder: Path, known: dict[str, str]) -> None:
    """Count on Spark, kill the second worker as soon as its tasks run, and compare.

    Raises:
        NotEqual: the counts differ, or no worker was killed while it worked.
    """
    from via_pipeline.engine import session

    tracker = session.session().sparkContext._jsc.sc().statusTracker()  # type: ignore[union-attr]
    before = len(tracker.getExecutorInfos()) - 1
    seen: list[int] = []
    done = threading.Event()

    def watch() -> None:
        until = time.monotonic() + LONGEST_SECONDS
        while not done.is_set() and time.monotonic() < until:
            busy = sum(one.numRunningTasks() for one in tracker.getExecutorInfos())
            if busy >= len(found.workers):  # both work: one of these tasks is lost
                found.kill(1)
                seen.append(busy)
                return
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.monotonic()
    try:
        told = cube.counted(folder, "spark")
    finally:
        done.set()
        watcher.join()
    if not seen:
        raise NotEqual("no worker was killed while it worked: too few jobs")
    same_sums(known, told, "after the loss of a worker")
    left = len(tracker.getExecutorInfos()) - 1
    tell(
        f"worker 2 of 2 killed with {seen[0]} tasks running; the job went on with {left} of "
        f"{before} executors and gave the same counts in {time.monotonic() - began:.0f} s"
    )


def tell(text: str) -> None:
    """One line as soon as it is known."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _proof(options: argparse.Namespace, place: Path) -> None:
    from via_pipeline.engine import session

    with cluster(place / "cluster") as found:
        kind = "two hosts (network namespaces)" if found.are_hosts else (
            "two processes on this host (no root, or no network namespaces here)")  # fmt: skip
        tell(f"Spark standalone, master {found.master}, workers: {kind}, one core each")
        os.environ.update(found.environment)
        if "night" in options.only:
            tell("\nA night on the shipped samples")
            night(found, _folder(place / "night"), REPOSITORY / "data")
        if "verdicts" in options.only:
            tell(f"\nP7 and P4, {options.rows:,} generated rows: Great Expectations on Spark")
        try:
            if "verdicts" in options.only:
                judged(_folder(place / "verdicts"), options.rows)
            if {"cube", "kill"} & set(options.only):
                tell("\nDiversity at national scale")
                folder, known = national(place, int(options.jobs), options.days)
                told = cube.counted(folder, "spark")
                same_sums(known, told, "national counts")
                tell(
                    f"{known['rows']} rows of counts and moves, equal. DuckDB "
                    f"{known['seconds']} s, Spark {told['seconds']} s"
                )
            if "kill" in options.only:
                tell("\nA worker falls over")
                killed(found, folder, known)
        finally:
            session.stop()


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def main() -> None:
    """Prove it, and leave nothing running."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options.add_argument("--rows", type=int, default=220_000)
    options.add_argument("--jobs", type=float, default=1e6)
    options.add_argument("--days", type=int, default=2)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="via_cluster_", ignore_cleanup_errors=True) as place:
        _proof(asked, Path(place))
    tell("\nEqual to the last digit; the cluster is gone.")


if __name__ == "__main__":
    main()
