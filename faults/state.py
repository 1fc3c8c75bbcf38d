"""What an installation holds, to be compared: bytes, the ledger's facts, what a reader sees.

Belongs here: looking. Does not belong here: harm, or mending.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from via_pipeline.storage.home import Home

READER = Path(__file__).parent.parent / "compat" / "read_release.py"
_COMPARED = ("lake", "quarantine", "letters", "serve", "reports", "exclusions", "candidates")
# What carries the time or the run that made it: not compared by its bytes.
_OF_THE_MOMENT = re.compile(r"reports/alerts/|reports/\.?site\b|letters/.*\.zip$")
# Dagster keeps a history: it grows by a run a night, by design, until its own retention.
_HISTORY = "dagster/"


def bytes_of(home: Home) -> dict[str, str]:
    """SHA-256 by path of all that must be the same bytes; links by where they point."""
    found = {}
    for room in _COMPARED:
        for path in sorted((home.root / room).rglob("*")):
            name = path.relative_to(home.root).as_posix()
            if _OF_THE_MOMENT.search(name):
                continue
            if path.is_symlink():
                found[name] = f"-> {path.readlink()}"
            elif path.is_file():
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def files_of(home: Home) -> set[str]:
    """Every path below ``VIA_HOME`` but Dagster's history: nothing may pile up among them.

    Alerts are left out: a run that was killed leaves one, for whom it concerns.
    """
    names = {path.relative_to(home.root).as_posix() for path in home.root.rglob("*")}
    return {name for name in names if not name.startswith(_HISTORY) and "/alerts/" not in name}


def unfinished_in(home: Home) -> list[str]:
    """Temporary names anywhere, Dagster's folder included, and SQLite journals."""
    return sorted(
        path.relative_to(home.root).as_posix()
        for path in home.root.rglob("*")
        if path.name.startswith(".tmp-") or path.name.endswith(("-journal", ".wal"))
    )


def age(home: Home, hours: float) -> None:
    """Make what lies under a temporary name look ``hours`` old, as the next night finds it."""
    then = time.time() - hours * 3600
    for path in sorted(home.root.rglob("*")):
        if any(part.startswith(".tmp-") for part in path.relative_to(home.root).parts):
            os.utime(path, (then, then), follow_symlinks=False)
    for path in home.scratch.rglob("*") if home.scratch.exists() else ():
        os.utime(path, (then, then), follow_symlinks=False)


def seen_by_a_reader(home: Home) -> dict[str, Any] | None:
    """What ``serve/latest/via.duckdb`` holds, read in another process without our code.

    None where it cannot be read at all. ``wrong`` names tables that are not what ``publicatie``
    in the same file says, ``files`` those that are not what ``SHA256SUMS`` says.
    """
    file = home.latest / "via.duckdb"
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(READER), str(file)], capture_output=True, timeout=300, check=False
    )
    if done.returncode != 0:
        return None
    told = json.loads(done.stdout)
    here = file.resolve().parent
    lines = (here / "SHA256SUMS").read_text("utf-8").splitlines()
    wrong = [
        name
        for digest, name in (line.split("  ", 1) for line in lines)
        if hashlib.sha256((here / name).read_bytes()).hexdigest() != digest
    ]
    return {"checksums": told["checksums"], "wrong": told["wrong"], "files": wrong}


def facts_of(home: Home) -> list[tuple]:
    """The ledger's rows without the run and the moment."""
    from via_pipeline.intake.ledger import Ledger

    return sorted(
        (
            row.source,
            row.path,
            row.sha256,
            row.delivery_id,
            row.status.value,
            row.rows_in,
            row.rows_accepted,
            row.rows_quarantined,
            row.contract_sha256,
            str(row.supersedes),
            str(row.duplicate_of),
        )
        for row in Ledger(home.ledger).rows()
    )


def disagreements(home: Home) -> list[str]:
    """Where ledger and lake do not say the same, in words; empty: they agree."""
    import duckdb

    from via_pipeline.intake.ledger import Ledger
    from via_pipeline.quality import run as quality

    del quality
    found = []
    with duckdb.connect() as connection:

        def rows(files: list[Path]) -> int:
            if not files:
                return 0
            names = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
            said = connection.execute(
                f"SELECT count(*) FROM read_parquet([{names}], union_by_name=true)"
            )
            return said.fetchall()[0][0]

        for row in Ledger(home.ledger).rows():
            if row.rows_accepted is None:
                if row.is_readable:
                    found.append(f"{row.delivery_id}: read, never judged")
                continue
            accepted = sorted((home.lake / "accepted").rglob(f"*{row.delivery_id}*.parquet"))
            accepted += sorted((home.lake / "accepted").glob(f"**/{row.delivery_id}/*.parquet"))
            kept = rows(sorted(set(accepted)))
            if row.removed is None and row.status.value != "rejected" and kept != row.rows_accepted:
                found.append(f"{row.delivery_id}: ledger {row.rows_accepted}, lake {kept} rows")
            if row.rows_in != row.rows_accepted + (row.rows_quarantined or 0):
                found.append(f"{row.delivery_id}: rows do not add up")
    for manifest in sorted(home.lake.glob("*/_manifest.json")):
        for part in json.loads(manifest.read_text("utf-8"))["parts"]:
            path = home.lake / part["file"]
            if not path.exists():
                found.append(f"{manifest.parent.name}: {part['file']} is not there")
            elif hashlib.sha256(path.read_bytes()).hexdigest() != part["sha256"]:
                found.append(f"{manifest.parent.name}: {part['file']} has other bytes")
    return found


def runs_without_end(home: Home) -> list[str]:
    """Dagster runs that are still said to be at work although no process is."""
    import dagster as dg

    from via_pipeline.defs.instance import opened

    at_work = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    with opened(home) as instance:
        return [run.run_id for run in instance.get_runs(at_work)]
