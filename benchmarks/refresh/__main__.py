"""`make bench`: the same night by everybody, side by side, at growing sizes.

    python -m benchmarks.refresh                      100 k, 1 M and 10 M rows (an hour; 30 GB)
    python -m benchmarks.refresh 1e5                  one size (minutes)
    python -m benchmarks.refresh 1e7 --only floor us  some of those that there are

Belongs here: the order of measuring. Does not belong here: what is measured, how it is told
(``report``). Everybody runs in a process of its own, one after another; what they made is compared
with the floor, and a difference ends the benchmark. A peer whose environment is not there
(``make bench`` makes it) is left out and named.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

from benchmarks import child
from benchmarks.refresh import deliveries, ours, report, work

REPOSITORY = deliveries.REPOSITORY
PLACE = REPOSITORY / "build" / "bench"
PEERS = {
    "pandas + GX": ("frames", "peers/pandas_gx.py"),
    "Polars + dataframely": ("frames", "peers/polars_dataframely.py"),
    "dbt under Dagster": ("dbt", "peers/dbt/run.py"),
}
SHORT = {"floor": report.FLOOR, "us": report.US, "pandas": "pandas + GX",
         "polars": "Polars + dataframely", "dbt": "dbt under Dagster"}  # fmt: skip
MANY = 50
"""Organisations of the night with one correction: two peildata each, a hundred deliveries."""


class NotEqual(RuntimeError):
    """Somebody made something else than the floor: there is nothing to compare."""


def environment(place: Path, data: Path) -> dict[str, str]:
    """What the product is given: places, a key of the benchmark's own, no schedules."""
    return {
        "VIA_HOME": str(place / "home"),
        "VIA_DATA": str(data),
        "VIA_RELEASES": str(place / "releases"),
        "VIA_PSEUDONYM_KEY": work.KEY,
        "VIA_SETTLE_SECONDS": "0",
        "OPENBLAS_NUM_THREADS": "1",
        "GX_ANALYTICS_ENABLED": "False",
    }


def others(place: Path, wanted: set[str], told: list[str]) -> list[report.Line]:
    """The floor and the peers on the order in ``place``; every result equal to the floor's."""
    rows = int(place.name)
    scripts = {report.FLOOR: (Path(sys.executable), "refresh/floor.py")}
    for name, (venv, script) in PEERS.items():
        python = PLACE / venv / "bin" / "python"
        if python.exists() and (REPOSITORY / "benchmarks" / script).exists():
            scripts[name] = (python, script)
        elif name in wanted:
            told.append(f"{name} is left out: build/bench/{venv} is not there.")
    lines = []
    for name, (python, script) in scripts.items():
        if name not in wanted and name != report.FLOOR:
            continue
        out = place / "out" / script.rsplit("/", 2)[-1].removesuffix(".py")
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        took = child.run([python, REPOSITORY / "benchmarks" / script, place / "work.json", out])
        lines.append(report.Line(rows, name, took.seconds, took.cpu_s, took.peak_mb))
        tell(lines[-1])
        if name != report.FLOOR:
            compare(place, out, name)
            shutil.rmtree(out)
    return lines


def compare(place: Path, out: Path, name: str) -> None:
    """Raise where ``out`` differs from what the floor made in ``place``."""
    if found := work.differences(place / "out" / "floor", out):
        raise NotEqual(f"{name}: " + "; ".join(found))


def us(place: Path) -> tuple[list[report.Line], dict]:
    """Two nights of the product on the data in ``place``: all new, and nothing new."""
    rows, data = int(place.name), place / "data"
    given = environment(place, data)
    for name in ("home", "releases"):
        shutil.rmtree(place / name, ignore_errors=True)
    (place / "releases").mkdir()
    lines = []
    for name in (report.US, report.AGAIN):
        took, told = night(place, data, given)
        lines.append(report.Line(rows, name, took.seconds, took.cpu_s, took.peak_mb, told["split"]))
        tell(lines[-1])
        if name == report.US:
            alike = told["alike"]
            line = report.Line(rows, report.ALIKE, alike["s"], alike["cpu_s"], took.peak_mb)
            lines.append(line)
            tell(line)
    out = place / "out" / "ours"
    shutil.rmtree(out, ignore_errors=True)
    ours.results(place / "home", data, out)
    compare(place, out, report.US)
    return lines, told


def night(place: Path, data: Path, given: dict[str, str]) -> tuple[child.Took, dict]:
    """One night of the product in a process of its own."""
    took = child.run(
        [sys.executable, "-m", "benchmarks.refresh.ours", "--home", place / "home",
         "--data", data, "--began", str(time.time())],
        cwd=REPOSITORY, env=given,
    )  # fmt: skip
    return took, json.loads(took.said.splitlines()[-1])


def corrected(place: Path, rows: int) -> list[report.Line]:
    """A hundred P4 deliveries, then one of them corrected; each line is a whole night."""
    shutil.rmtree(place, ignore_errors=True)
    data = place / "data"
    deliveries.generate(data, rows, organisations=MANY)
    given = environment(place, data)
    (place / "releases").mkdir()
    lines = []
    for name in ("a hundred deliveries", "nothing new", "one of them corrected"):
        if name.startswith("one"):
            with deliveries.connected(data) as connection:
                deliveries.personnel(
                    connection, data, 7, deliveries.DAYS[0], rows // 2 // (2 * MANY), version=2
                )
        took, told = night(place, data, given)
        lines.append(report.Line(rows, name, took.seconds, took.cpu_s, took.peak_mb, told["split"]))
        tell(lines[-1])
    return lines


def starts(place: Path) -> list[report.Line]:
    """What is started often: the help, the code location, the UI, ``via run`` with nothing new."""
    via = Path(sys.executable).with_name("via")
    given = environment(place, place / "data")
    shutil.rmtree(place / "home", ignore_errors=True)
    (place / "releases").mkdir(exist_ok=True)
    load = "import via_pipeline.definitions as d; d.defs()"
    child.run([via, "run"], cwd=REPOSITORY, env=given)
    lines = []
    for name, command in (
        ("via --help", [via, "--help"]),
        ("import dagster", [sys.executable, "-c", "import dagster"]),
        ("loading the code location", [sys.executable, "-c", load]),
        ("via run, nothing new", [via, "run"]),
    ):
        best = min(
            (child.run(command, cwd=REPOSITORY, env=given) for _ in range(3)),
            key=lambda took: took.cpu_s,
        )
        lines.append(report.Line(0, name, best.seconds, best.cpu_s, best.peak_mb))
        tell(lines[-1])
    bare = place / "dagster"
    bare.mkdir(exist_ok=True)
    one_asset = Path(__file__).with_name("one_asset.py")
    for name, command, own in (
        ("UI ready, Dagster with one asset",
         [via.with_name("dagster"), "dev", "-f", one_asset, "-p", "{port}"],
         {"DAGSTER_HOME": str(bare)}),
        ("UI ready, via ui", [via, "ui", "--port", "{port}"], {}),
    ):  # fmt: skip
        asked = [sys.executable, "-m", "benchmarks.refresh.ui", *command]
        found = [child.run(asked, cwd=REPOSITORY, env=given | own) for _ in range(3)]
        best = min(found, key=lambda took: float(took.said.splitlines()[-1]))
        ready = float(best.said.splitlines()[-1])
        lines.append(report.Line(0, name, ready, best.cpu_s, best.peak_mb))
        tell(lines[-1])
    return lines


def tell(line: report.Line) -> None:
    """One line as soon as it is known."""
    sys.stdout.write(
        f"{line.rows:>11,} rows  {line.who:<28}{line.seconds:>9.1f} s {line.cpu_s:>9.1f} CPU s "
        f"{line.peak_mb:>7} MB  load {os.getloadavg()[0]:.1f}\n"
    )
    sys.stdout.flush()


def main() -> None:
    """Measure, compare, write ``build/bench/report.md`` and its plots."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("rows", nargs="*", type=float, default=[1e5, 1e6, 1e7])
    options.add_argument("--only", nargs="+", choices=SHORT, default=list(SHORT))
    options.add_argument("--keep", action="store_true", help="keep and reuse deliveries")
    options.add_argument("--quick", action="store_true", help="without corrections and starts")
    asked = options.parse_args()
    wanted = {SHORT[name] for name in asked.only}
    lines, notes, more = [], [], []
    for rows in map(int, asked.rows):
        place = PLACE / str(rows)
        if not (asked.keep and (place / "work.json").exists()):
            files = deliveries.generate(place / "data", rows)
            work.order(files, place / "data" / "reference").write(place / "work.json")
        lines += others(place, wanted, notes)
        if report.US in wanted:
            lines += us(place)[0]
            if rows == min(map(int, asked.rows)) and not asked.quick:
                more += starts(place)
        if not asked.keep:
            shutil.rmtree(place)
    if report.US in wanted and not asked.quick:
        more += corrected(PLACE / "corrected", 1_000_000)
        if not asked.keep:
            shutil.rmtree(PLACE / "corrected")
    written = report.write(PLACE, lines, more, notes)
    sys.stdout.write(f"\n{written.read_text(encoding='utf-8')}\n{written}\n")


if __name__ == "__main__":
    main()
