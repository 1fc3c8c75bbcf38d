"""``make s3``: a whole nightly run in a bucket of a real S3 server, beside the same run on a disk.

    python -m faults.object_storage [--server ceph|moto] [--source p5_behoud ...]

One run on a disk, one in a bucket, and one by another machine whose disk is empty, each ``via run``
in a process of its own on a copy of the sample deliveries. What is published must be the same byte
for byte, every working table the same rows, no person-level table may be left on the disk, and the
other machine may have nothing to read or judge. Then the times and what lies in the bucket. Exit
code 1 when anything differs.

The server is Debian's radosgw (Ceph) where that is installed, else moto's; it is said which.

Belongs here: that comparison. Does not belong here: the server (``s3_server``).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from faults import house, s3_server
from via_pipeline.storage.home import Home

URL = f"s3://{s3_server.BUCKET}/minister"
_SAME = ("letters", "serve")


@dataclass(frozen=True)
class Night:
    """One run: seconds of the clock and of the processor, and what it said of itself."""

    seconds: float
    cpu: float
    said: dict


def main() -> int:
    """The three runs and their table."""
    asked = argparse.ArgumentParser(prog="make s3", description=__doc__.splitlines()[0])
    default = s3_server.CEPH if s3_server.has_ceph() else s3_server.MOTO
    asked.add_argument("--server", choices=[s3_server.CEPH, s3_server.MOTO], default=default)
    asked.add_argument("--source", action="append", help="Only these sources; default all.")
    told = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="via-s3-") as place:
        return _compare(Path(place), told.server, told.source)


def _compare(folder: Path, kind: str, sources: list[str] | None) -> int:
    here = house.place(folder)
    for landed in sorted((house.PROJECT / "data" / "landing").iterdir()):
        if landed.is_dir() and (sources is None or landed.name in sources):
            shutil.copytree(landed, here.landing / landed.name)
    with s3_server.running(folder / "server", kind) as server:
        print(f"server: {kind} at {server.url}", flush=True)
        keys = server.environment()
        disk = _night(here, "on a disk", {"VIA_HOME": str(here.root)})
        states = [folder / "een", folder / "twee"]
        nights = [
            _night(here, name, keys | {"VIA_HOME": URL, "VIA_STATE": str(state)})
            for name, state in zip(("in a bucket", "by another machine"), states, strict=True)
        ]
        objects = server.objects()
    wrong = [
        *_different(here.root, states[0], "in a bucket"),
        *_different(here.root, states[1], "by another machine"),
        *_tables(here, objects),
        *(
            f"left on a disk: {path}"
            for state in states
            for path in state.rglob("*.parquet")
            if path.relative_to(state).parts[0] not in _SAME
        ),
    ]
    wrong += _again(*states)
    _tell(disk, nights, objects)
    for line in wrong:
        print(f"WRONG {line}")
    print("the same bytes" if not wrong else f"{len(wrong)} differences")
    return 1 if wrong else 0


def _night(home: Home, name: str, places: dict[str, str]) -> Night:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("VIA_", "AWS_"))}
    env |= {
        "VIA_DATA": str(home.data),
        "VIA_PSEUDONYM_KEY": house.KEY,
        "VIA_SETTLE_SECONDS": "0",
        **places,
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "via_pipeline.cli", "run", "--json"],
        cwd=house.PROJECT,
        env=env,
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"the run {name} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{name}: {seconds:.0f} s, {cpu:.0f} s of processor", flush=True)
    return Night(seconds, cpu, json.loads(done.stdout))


def _different(disk: Path, state: Path, name: str) -> list[str]:
    """Files of what is published that are not the same."""
    found = []
    for room in _SAME:
        one, other = _files(disk / room), _files(state / room)
        found += [
            f"{name}: {path}"
            for path in sorted(one.keys() | other.keys())
            if one.get(path) != other.get(path)
        ]
        if not one:
            found.append(f"nothing is published in {room}")
    return found


def _again(first: Path, second: Path) -> list[str]:
    """What the other machine read or judged although the first had: nothing, or its ledger grew."""
    found = []
    for table in ("staging", "verdict"):
        counts = []
        for state in (first, second):
            with closing(sqlite3.connect(state / "ledger" / "ledger.sqlite")) as opened:
                counts += opened.execute(f"SELECT count(*) FROM {table}").fetchone()
        if counts[0] != counts[1] or not counts[0]:
            found.append(f"{table}: {counts[0]} by one machine, {counts[1]} after the other")
    return found


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def _tables(home: Home, objects: dict[str, bytes]) -> list[str]:
    """Working tables of which the bucket's manifest names other content than the disk's."""
    prefix = URL.split("/", 3)[3]
    found = []
    manifests = sorted((home.root / "lake").glob("*/_manifest.json"))
    for path in manifests:
        there = objects.get(f"{prefix}/{path.relative_to(home.root).as_posix()}")
        if there != path.read_bytes():
            found.append(f"table {path.parent.name}")
    return found or ([] if manifests else ["there are no tables"])


def _tell(disk: Night, nights: list[Night], objects: dict[str, bytes]) -> None:
    prefix = URL.split("/", 3)[3] + "/"
    rooms: dict[str, list[int]] = {}
    for key, data in objects.items():
        rooms.setdefault(key.removeprefix(prefix).split("/")[0], []).append(len(data))
    for room, sizes in sorted(rooms.items()):
        print(f"  {room:<16}{len(sizes):>6} objects {sum(sizes) / 1e6:>9.2f} MB")
    for name, night in zip(("in a bucket", "by another machine"), nights, strict=True):
        print(
            f"{name}: {night.seconds / disk.seconds:.2f} times the clock of the disk, "
            f"{night.cpu / disk.cpu:.2f} times its processor"
        )


if __name__ == "__main__":
    sys.exit(main())
