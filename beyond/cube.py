"""The national counts of diversity, by the engine that is named, and what they add up to.

Belongs here: making the synthetic nation once (``benchmarks/diversity.py`` has the people) and
running the product's own queries over it. Does not belong here: comparing, printing.
"""

from __future__ import annotations

import time
from pathlib import Path

import duckdb

from benchmarks import diversity as nation
from beyond import chosen
from via_pipeline.diversity import counts, organisations
from via_pipeline.engine import heavy
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home


def generate(folder: Path, jobs: int, days: int) -> int:
    """Write the nation's accepted files below ``folder``; how many jobs there are."""
    home = nation.home_of(folder)
    with work(home.scratch) as connection:
        connection.execute("SET preserve_insertion_order = false")
        nation.register(connection, max(1, jobs // nation.ORGANISATION_JOBS))
        nation.generate(connection, home, jobs, nation.days_of(days))
        nation.deliver(connection, home, nation.days_of(days))
        found = connection.execute("SELECT count(*) FROM pilots__p4_baan").fetchall()
    return int(found[0][0])


def counted(folder: Path, engine: str) -> dict[str, str]:
    """Counts and moves of the nation by ``engine``: ``rows``, ``sums`` and ``seconds``.

    ``sums`` has per table the rows and a sum of the hashes of the rows: equal multisets.
    """
    home = nation.home_of(folder)
    with chosen.engine(engine), work(home.scratch) as connection:
        nation.register(connection, max(1, _organisations(home)))
        nation.deliver(connection, home, _days(home))
        connection.execute(f"CREATE TEMP TABLE {organisations.TABLE} AS {organisations.query()}")
        began, sums, rows = time.monotonic(), [], 0
        for table, query in ((counts.COUNTS, counts.counts()), (counts.MOVES, counts.moves())):
            text = heavy.counted(connection, f"via_{table}", query)
            number, total = connection.execute(
                f"SELECT count(*), sum(hash(rij)::HUGEINT) FROM ({text}) AS rij"
            ).fetchall()[0]
            sums.append(f"{table} {number} {total}")
            rows += number
        seconds = time.monotonic() - began
    return {"rows": f"{rows:,}", "sums": "; ".join(sums), "seconds": f"{seconds:.1f}"}


def rejected(home: Path) -> int:
    """Rows that a night set aside."""
    files = sorted(map(str, (home / "quarantine").rglob("*.parquet")))
    if not files:
        return 0
    with duckdb.connect() as connection:
        found = connection.execute("SELECT sum(num_rows) FROM parquet_file_metadata(?)", [files])
        return int(found.fetchall()[0][0])


def _files(home: Home) -> list[str]:
    return sorted(path.stem for path in (home.lake / "accepted").rglob("*.parquet"))


def _days(home: Home) -> list[str]:
    return sorted({name[-10:] for name in _files(home)})


def _organisations(home: Home) -> int:
    return len({name.split("-")[1] for name in _files(home)})
