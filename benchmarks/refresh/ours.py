"""The product on the same deliveries: ``nightly_refresh`` through Dagster, and where time goes.

    python -m benchmarks.refresh.ours --home HOME --data DATA

Belongs here: one night in this process, timed by Dagster's own event log, and what it left behind
brought into the shape of ``work``. Does not belong here: the night itself (``defs/walk.py``, which
is what ``via run`` does too).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from pathlib import Path

import duckdb

from benchmarks.refresh import work

SHARES = {
    "intake": "reading and conforming",
    "quality": "validating",
    "rules__": "rules told to Dagster",
    "tables__": "conforming",
    "pilots__": "aggregating",
    "outcomes": "aggregating",
    "context": "aggregating",
    "diversity": "diversity",
    "disclosure": "disclosure",
    "letters": "documents",
    "documents": "documents",
    "uitgave": "documents",
    "serving": "publishing",
    "status": "status site",
}
"""What a step's time went to, by how its name begins. Reading and conforming are one pass."""

ALIKE = frozenset(
    f"{room}__{source}"
    for room in ("intake", "quality", "tables", "outcomes")
    for source in work.SOURCES
)
"""The steps that do what the others do too: read, judge, write, count two tables of outcomes."""
IMPORTED = ("dagster", "great_expectations", "definitions")


def night(home_root: Path, data: Path, editions: list[str]) -> dict[str, object]:
    """One walk in this process; seconds (``s``) and processor seconds (``cpu_s``) by what they
    went to. A step lasts from the event that starts it to the event that ends it.
    """
    from via_pipeline.defs.walk import walk
    from via_pipeline.storage.home import Home

    home = Home(home_root.absolute(), data.absolute()).ensure()
    said: dict[str, dict[str, float]] = {}
    open_steps: dict[str, tuple[float, float]] = {}

    def tell(step) -> None:
        now = time.perf_counter(), time.process_time()
        if step.kind == "start":
            open_steps[step.step] = now
        elif step.step in open_steps:
            began = open_steps.pop(step.step)
            said[step.step] = {"s": now[0] - began[0], "cpu_s": now[1] - began[1]}

    began, before = time.perf_counter(), time.process_time()
    done = walk(home, editions, tell, expect_validation=True, at="2026-01-01T00:00:00Z")
    if not done.is_success or done.crashes:
        raise RuntimeError(f"the night failed: {done.failed_steps} {done.crashes}")
    total = {"s": time.perf_counter() - began, "cpu_s": time.process_time() - before}
    by_share: dict[str, dict[str, float]] = defaultdict(lambda: {"s": 0.0, "cpu_s": 0.0})
    for name, took in said.items():
        share = next((told for start, told in SHARES.items() if name.startswith(start)), "other")
        for unit, value in took.items():
            by_share[share][unit] += value
    steps = {unit: sum(took[unit] for took in said.values()) for unit in ("s", "cpu_s")}
    for name, key in (
        ("import of Dagster", "dagster"),
        ("import of Great Expectations", "great_expectations"),
        ("loading the definitions", "definitions"),
    ):
        by_share[name] |= {"s": done.seconds.get(key, 0.0)}
    by_share["Dagster between steps"] |= {"s": done.seconds["runs"] - steps["s"]}
    imported = sum(done.seconds.get(name, 0.0) for name in IMPORTED)
    alike = {
        # Imports are work for one processor.
        unit: imported + sum(took[unit] for name, took in said.items() if name in ALIKE)
        for unit in ("s", "cpu_s")
    }
    return {"split": by_share, "walk": total, "in_steps": steps, "alike": alike, "steps": said,
            "checks": sum(done.checks.values())}  # fmt: skip


def results(home_root: Path, data: Path, out: Path) -> None:
    """What a night left, in the shape that all implementations are compared in."""
    from via_pipeline.contracts.model import load
    from via_pipeline.intake.ledger import Ledger
    from via_pipeline.quality.results import read_result
    from via_pipeline.storage import lake
    from via_pipeline.storage.home import Home

    home = Home(home_root.absolute(), data.absolute())
    warned = []
    with duckdb.connect() as connection:
        for source in work.SOURCES:
            table = load(source).tables[0]
            columns = ", ".join(work.CONFORMED[source])
            for row in Ledger(home.ledger).current(source):
                stem = Path(row.file_name).stem
                for kind, path in (
                    ("conformed", home.lake / "accepted" / table.lake_table),
                    ("quarantine", home.quarantine / table.lake_table),
                ):
                    found = path / f"{row.delivery_id}.parquet"
                    if not found.exists():
                        continue
                    target = out / kind / source / f"{stem}.parquet"
                    target.parent.mkdir(parents=True, exist_ok=True)
                    chosen = columns if kind == "conformed" else "_row, _regels AS regels"
                    connection.execute(
                        f"COPY (SELECT {chosen} FROM read_parquet('{found}')) TO '{target}'"
                    )
                warned += [
                    (stem, rule.rule, len(rule.rows) or 1)
                    for rule in read_result(home.reports, row.delivery_id).rules
                    if rule.severity.value == "warn" and not rule.passed
                ]
            made = lake.scan(home.lake, lake.parts(home.lake, f"outcomes__{source}"))
            (out / "outcomes").mkdir(parents=True, exist_ok=True)
            connection.execute(f"COPY ({made}) TO '{out}/outcomes/{source}.parquet'")
        connection.execute("CREATE TABLE w (bestand VARCHAR, regel VARCHAR, rijen BIGINT)")
        if warned:
            connection.executemany("INSERT INTO w VALUES (?, ?, ?)", warned)
        connection.execute(f"COPY w TO '{out}/warnings.parquet'")


def main() -> None:
    """One night; JSON on the last line of standard output."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--home", type=Path, required=True)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--edition", action="append", default=[])
    options.add_argument("--began", type=float, default=None, help="time.time() of the caller")
    asked = options.parse_args()
    own = {"s": time.time() - asked.began if asked.began else 0.0, "cpu_s": time.process_time()}
    told = night(asked.home, asked.data, asked.edition)
    told["split"]["process start"] = own
    told["alike"] = {unit: told["alike"][unit] + own[unit] for unit in own}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
