"""`make bench-diversity`: national scale, in time, memory and growth. Printed, never asserted.

Belongs here: generating jobs inside DuckDB (synthetic: nobody exists), running the room on them,
and measuring. Does not belong here: the room itself (``via_pipeline.diversity``).

Each size runs in a process of its own, so that its peak memory is its own: by default 1 and 10
million jobs on four peildata, 10,000 jobs an organisation. DuckDB may use 3 GB and spills to disk;
the process stays below 4. What is measured is ``run.refresh_on``: all peildata but one, then once
more with nothing new, then the last peildatum; ``all`` is the first and the last together.

    python benchmarks/diversity.py --jobs 1e6 1e7 --peildata 4
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from via_pipeline.storage.home import Home

ORGANISATION_JOBS = 10_000
MEMORY = "3GB"
FIRST_YEAR = 2019
REPOSITORY = Path(__file__).resolve().parents[1]

# Shares of birth countries that make the published margins of 2020: 76/12/12 and 75/10/15.
_COUNTRIES = (
    (750, "NL", "NL", "NL"),
    (755, "DE", "NL", "NL"),
    (760, "SR", "NL", "NL"),
    (855, "PL", "PL", "PL"),
    (880, "ID", "ID", "ID"),
    (1000, "MA", "MA", "MA"),
)


def _country(place: int, salt: int) -> str:
    cases = " ".join(f"WHEN h < {row[0]} THEN '{row[place]}'" for row in _COUNTRIES)
    return f"CASE {cases.replace('h <', f'hash(p, {salt}) % 1000 <')} END"


def people(first: int, organisations: int, jobs: int, years: int) -> str:
    """SQL of everybody who ever works at one organisation, with where they are in each year.

    People come, rise and leave; 2% have a second job.
    """
    most = int(jobs * 0.98 * (1 + 0.08 * years) / organisations)
    level = "CASE WHEN hash(p, 3) % 100 < 32 THEN 1 WHEN hash(p, 3) % 100 < 68 THEN 2 "
    level += "WHEN hash(p, 3) % 100 < 89 THEN 3 WHEN hash(p, 3) % 100 < 97 THEN 4 ELSE 5 END"
    in_years = []
    for year in range(years):
        gone = " OR ".join(f"hash(p, {100 + k}) % 100 < 8" for k in range(1, year + 1)) or "false"
        risen = " + ".join(f"(hash(p, {200 + k}) % 100 < 6)::INT" for k in range(1, year + 1))
        here = f"nr < {int(jobs * 0.98 * (1 + 0.08 * year) / organisations)}"
        in_years += [
            f"{here} AND NOT ({gone}) AS is_hier_{year}",
            f"least(5, {level} + {risen or 0})::INT AS niveau_{year}",
        ]
    return f"""
    SELECT p, baan_nr, p * 2 + baan_nr AS _row, sha256(p::VARCHAR) AS persoon_id,
        1955 + (hash(p, 5) % 47)::INT AS geboortejaar,
        'Onderdeel ' || (hash(p, 6) % 5) AS onderdeel,
        DATE '1990-01-01' + (hash(p, 8) % 10000)::INT AS datum_in_dienst,
        {_country(1, 4)} AS geboorteland, {_country(2, 4)} AS geboorteland_moeder,
        {_country(3, 4)} AS geboorteland_vader, {", ".join(in_years)}
    FROM (SELECT range AS nr, {first} + range * {organisations} AS p FROM range({most})),
        (SELECT unnest([1, 2]) AS baan_nr)
    WHERE baan_nr = 1 OR hash(p, 9) % 100 < 2"""


def generate(connection, home, jobs: int, days: list[str]) -> None:
    """Write the accepted parts of all days, a file an organisation and day."""
    from via_pipeline.contracts.model import load

    organisations = max(1, jobs // ORGANISATION_JOBS)
    types = load("p4_barometer").table("baan").conformed_types
    for first in range(organisations):
        made = people(first, organisations, jobs, len(days))
        connection.execute(f"CREATE OR REPLACE TEMP TABLE mensen AS {made}")
        for year, day in enumerate(days):
            name = f"p4_barometer-O{first:05d}-{day}"
            known = {
                "_delivery": f"'{name}'",
                "persoon_id_soort": "'gba_sleutel'",
                "salarisschaal": f"niveau_{year} * 3 + hash(p, 7) % 3",
                "functieniveau": f"niveau_{year}",
                "uurloon": "25",
            }
            known |= {
                column: column
                for column in ("_row", "persoon_id", "baan_nr", "geboortejaar", "onderdeel",
                               "datum_in_dienst", "geboorteland", "geboorteland_moeder",
                               "geboorteland_vader")
            }  # fmt: skip
            columns = ", ".join(
                f"CAST({known.get(column, 'NULL')} AS {kind}) AS {column}"
                for column, kind in types.items()
            )
            path = home.lake / "accepted" / "pilots__p4_baan" / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            connection.execute(
                f"COPY (SELECT {columns} FROM mensen WHERE is_hier_{year}) TO '{path}' "
                "(FORMAT parquet)"
            )
    connection.execute("DROP TABLE mensen")


def deliver(connection, home, days: list[str]) -> None:
    """Put the files of ``days`` in force: on the catalog's tables and in the manifest."""
    from via_pipeline.contracts.model import load
    from via_pipeline.storage import lake

    files = (home.lake / "accepted" / "pilots__p4_baan").glob("*.parquet")
    parts = [lake.describe(home.lake, path, path.stem) for path in sorted(files)
             if path.stem[-10:] in days]  # fmt: skip
    connection.execute("DELETE FROM pilots__levering")
    connection.executemany(
        "INSERT INTO pilots__levering VALUES (?, 'p4_barometer', '', ?, ?, "
        "MAP {'organisatie': ?}, true, true)",
        [(one.name, one.name[-10:], one.name[-10:], one.name.split("-")[1]) for one in parts],
    )
    lake.commit(home.lake, "pilots__p4_baan", parts)
    types = load("p4_barometer").table("baan").conformed_types
    lake.view(connection, home.lake, "pilots__p4_baan", types)


def register(connection, organisations: int) -> None:
    """Reference data of the repository; half of the organisations named, over all sections."""
    from via_pipeline.contracts.model import load
    from via_pipeline.pilots import catalog

    for source in ("reference", "register"):
        for table in load(source).tables:
            columns = ", ".join(f"NULL::{kind} AS {n}" for n, kind in table.conformed_types.items())
            connection.execute(f"CREATE TABLE {table.lake_table} AS SELECT {columns} LIMIT 0")
    for name, chosen in (
        ("land", "code, indeling_oud, indeling_2022"),
        ("gemeente", "code, provinciecode, provincienaam, geldig_van, geldig_tot"),
        ("sbi_sectie", "code, label"),
    ):
        path = REPOSITORY / "data" / "reference" / f"{name}.csv"
        connection.execute(
            f"INSERT INTO reference__{name} BY NAME SELECT {chosen} FROM "
            f"read_csv('{path}', delim=';', header=true, all_varchar=true)"
        )
    connection.execute(
        "INSERT INTO register__organisatie BY NAME SELECT 'O' || lpad(range::VARCHAR, 5, '0') AS "
        f"organisatie, 'Synthetisch ' || range AS naam FROM range({organisations})"
    )
    connection.execute(
        "INSERT INTO register__organisatie_indeling BY NAME SELECT organisatie, 'SBI 2008' AS "
        "sbi_versie, chr(65 + (hash(organisatie) % 21)::INT) AS sbi_sectie, "
        "'0363' AS gemeentecode, DATE '2018-01-01' AS geldig_van FROM register__organisatie"
    )
    connection.execute(
        "INSERT INTO register__organisatie_verklaring BY NAME SELECT organisatie, 'toestemming' AS "
        "soort, DATE '2019-01-01' AS bekend_op FROM register__organisatie "
        "WHERE hash(organisatie) % 2 = 0"
    )
    connection.execute(catalog._DELIVERIES_TABLE)


def home_of(folder: Path) -> Home:
    """The installation below ``folder`` in which the nation lies."""
    from via_pipeline.storage.home import Home

    return Home(folder / "via", REPOSITORY / "data").ensure()


def days_of(number: int) -> list[str]:
    """The last days of so many years."""
    return [f"{FIRST_YEAR + year}-12-31" for year in range(number)]


def measure(jobs: int, peildata: int, folder: Path) -> dict[str, object]:
    """Run one size in this process, below ``folder``."""
    from via_pipeline.diversity import run
    from via_pipeline.storage.duck import work

    home, days = home_of(folder), days_of(peildata)
    seconds = {}
    clock, processor = time.perf_counter(), time.process_time()

    def lap(name: str) -> None:
        """Seconds on the clock, and of all processors: the machine may be shared."""
        nonlocal clock, processor
        seconds[f"{name}_s"] = round(time.perf_counter() - clock, 1)
        seconds[f"{name}_cpu_s"] = round(time.process_time() - processor, 1)
        clock, processor = time.perf_counter(), time.process_time()

    with work(home.scratch) as connection:
        connection.execute("SET preserve_insertion_order = false")
        register(connection, max(1, jobs // ORGANISATION_JOBS))
        generate(connection, home, jobs, days)
        lap("generate")
        deliver(connection, home, days[:-1])
        lap("deliver")
        run.refresh_on(connection, home)
        lap("all_but_one")
        run.refresh_on(connection, home)
        lap("nothing_new")
        deliver(connection, home, days)
        lap("deliver_last")
        done = run.refresh_on(connection, home)
        lap("one_more")
        for kind in ("s", "cpu_s"):
            seconds[f"all_{kind}"] = round(
                seconds[f"all_but_one_{kind}"] + seconds[f"one_more_{kind}"], 1
            )
        rows = connection.execute("SELECT count(*) FROM pilots__p4_baan").fetchone()[0]
        open_ends = run.questions(home).open_ends
    return {
        "jobs": jobs,
        "peildata": peildata,
        "rows": rows,
        **seconds,
        "marts": sum(done.rows.values()),
        "computed_for_one_more": done.computed,
        "open_ends": open_ends,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Measure every size in a process of its own and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", nargs="+", type=float, default=[1e6, 1e7])
    parser.add_argument("--peildata", type=int, default=4)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        print(json.dumps(measure(int(given.jobs[0]), given.peildata, given.inside)))
        return
    found = []
    for jobs in given.jobs:
        with tempfile.TemporaryDirectory(prefix="via_bench_") as folder:
            done = subprocess.run(  # noqa: S603 - our own Python
                [sys.executable, __file__, "--inside", folder, "--jobs", str(jobs),
                 "--peildata", str(given.peildata)],
                env={"VIA_DUCKDB_MEMORY": MEMORY} | os.environ | {"PYTHONPATH": str(REPOSITORY)},
                stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
        found.append(json.loads(done.stdout.splitlines()[-1]))
        print("\n".join(f"{name:>24}: {value}" for name, value in found[-1].items()), "\n")
    for one, two in pairwise(found):
        for name in ("all_s", "all_cpu_s", "one_more_cpu_s", "nothing_new_cpu_s"):
            grown = math.log(two[name] / one[name]) / math.log(two["rows"] / one["rows"])
            print(f"{name}: x{two[name] / one[name]:.1f} from {one['rows']} to {two['rows']} rows, "
                  f"exponent {grown:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
