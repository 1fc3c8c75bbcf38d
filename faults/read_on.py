"""One reader of what is published, in a process of its own, again and again until told to stop.

    python faults/read_on.py serve/latest stop-file [seed]

Belongs here: reading as a BI tool does, with plain DuckDB and no code of ``via_pipeline``. Each
time it connects anew, works out the checksum of every table and compares it with table
``publicatie`` in the same file; then it compares one of the files beside it, drawn by chance, with
``SHA256SUMS``.
JSON on stdout: reads, what failed, what was torn, which releases were seen.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import random
import sys
from pathlib import Path

READ = Path(__file__).parent.parent / "compat" / "read_release.py"


def main(latest: Path, stop: Path, seed: int) -> dict:
    """Read until ``stop`` is there, and at least once."""
    spec = importlib.util.spec_from_file_location("read_release", READ)
    outside = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(outside)
    outside.QUERIES = {"releases": "SELECT DISTINCT uitgave FROM publicatie"}
    draw = random.Random(seed)  # noqa: S311 - chance, not secrecy
    told = {"reads": 0, "failed": [], "torn": [], "releases": []}
    while not told["reads"] or not stop.exists():
        told["reads"] += 1
        try:
            # A reader of several files goes by the folder that the link names at that moment.
            here = Path(os.path.realpath(latest))
            found = outside.read(str(latest / "via.duckdb"))
            releases = [row[0] for row in found["answers"]["releases"]]
            if found["wrong"] or len(releases) != 1:
                told["torn"].append(f"tables {found['wrong']} of {releases}")
            sums = (here / "SHA256SUMS").read_text("utf-8").splitlines()
            digest, name = draw.choice(sums).split("  ", 1)
            if hashlib.sha256((here / name).read_bytes()).hexdigest() != digest:
                told["torn"].append(name)
            told["releases"] = sorted({*told["releases"], *releases})
        except Exception as error:
            told["failed"].append(f"{type(error).__name__}: {str(error)[:200]}")
    return told


if __name__ == "__main__":
    os.nice(10)
    json.dump(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])), sys.stdout)
