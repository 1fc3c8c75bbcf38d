"""Whole runs for tests: a place of its own, a command in a process of its own, a watched network.

Belongs here: how tests start ``via``. Does not belong here: what they find.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from via_pipeline.storage.home import Home

PROJECT = Path(__file__).parents[2]
DETECTOR = Path(__file__).parent / "detector"
# What a person's shell may carry and must not change a byte, nor send one out.
_FORBIDDEN = ("DAGSTER_", "GX_", "VIA_", "DO_NOT_TRACK", "http_proxy", "https_proxy")


@dataclass(frozen=True)
class Ran:
    """What one command did."""

    home: Home
    code: int
    output: str
    python_log: list[str] = field(default_factory=list)
    system_log: list[str] | None = None

    def write(self, path: Path) -> None:
        """Keep this beside the run, for another process."""
        told = asdict(self) | {"home": [str(self.home.root), str(self.home.data)]}
        path.write_text(json.dumps(told), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Ran:
        """What ``write`` kept."""
        told = json.loads(path.read_text(encoding="utf-8"))
        return cls(**told | {"home": Home(*map(Path, told["home"]))})


def environment(home: Home, **more: str) -> dict[str, str]:
    """A plain environment for ``home``, with the tests' own pseudonym key."""
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FORBIDDEN) and name not in ("CI", "TZ")
    }
    return plain | {
        "VIA_HOME": str(home.root),
        "VIA_DATA": str(home.data),
        "VIA_PSEUDONYM_KEY": os.environ["VIA_PSEUDONYM_KEY"],
        "VIA_SETTLE_SECONDS": "0",
        "PYTHONPATH": str(PROJECT),
        **more,
    }


def place(folder: Path, *, landing: bool = True) -> Home:
    """A copy of the shipped data below ``folder``, and an empty home."""
    home = Home(folder / "home", folder / "data")
    for name in ("register", "reference", *(["landing"] if landing else [])):
        shutil.copytree(PROJECT / "data" / name, home.data / name)
    home.landing.mkdir(exist_ok=True)
    return home


def informed(folder: Path) -> Home:
    """An installation that knows its register and reference data, and has no deliveries."""
    from via_pipeline.contracts.model import load
    from via_pipeline.intake.run import take_in
    from via_pipeline.pilots import conform
    from via_pipeline.quality.run import judge

    home = Home(folder / "home", folder / "data").ensure()
    for kept in ("register", "reference"):
        shutil.copytree(PROJECT / "data" / kept, home.data / kept)
        contract = load(kept)
        now = datetime(2021, 12, 1, tzinfo=UTC)
        take_in(home, contract, run_id="test", now=now, settle_seconds=0)
        judge(home, contract, run_id="test")
        conform.refresh(home, contract)
    return home


def copied(source: Home, folder: Path) -> Home:
    """A copy of an installation and what it made: links stay links, so nothing is new in it."""
    shutil.copytree(source.root, folder / "home", symlinks=True)
    shutil.copytree(source.data, folder / "data", symlinks=True)
    return Home(folder / "home", folder / "data")


def via(home: Home, *arguments: str, watched: bool = False, **more: str) -> Ran:
    """Run ``via`` on ``home`` in a process of its own; ``watched`` logs every connection tried.

    Two detectors: an audit hook in every Python process (addresses and names looked up) and, where
    strace is installed, the system calls of every process.
    """
    command = [sys.executable, "-m", "via_pipeline.cli", *arguments]
    return run(home, command, watched=watched, **more)


def run(home: Home, command: list[str], *, watched: bool = False, **more: str) -> Ran:
    """Run any command as ``via`` is run."""
    env = environment(home, **more)
    python_log, system_log = home.root.parent / "python.log", home.root.parent / "system.log"
    if watched:
        env["PYTHONPATH"] = f"{DETECTOR}{os.pathsep}{env['PYTHONPATH']}"
        env["VIA_TEST_CONNECTIONS"] = str(python_log)
        if strace := shutil.which("strace"):
            trace = ["-f", "--seccomp-bpf", "-qq", "-e", "trace=connect,sendto,sendmmsg"]
            command = [strace, *trace, "-o", str(system_log), *command]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    return Ran(
        home,
        done.returncode,
        done.stdout,
        python_log.read_text().splitlines() if python_log.exists() else [],
        system_log.read_text().splitlines() if system_log.exists() else None,
    )


def to_the_network(lines: list[str] | None) -> list[str]:
    """The system calls that address the network; the machine's own sockets (AF_UNIX) do not."""
    return [line for line in lines or [] if "AF_INET" in line]


def bytes_of(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below ``folder`` by relative path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
