"""A small installation, and many nightly runs on it, each in a process forked from a warm one.

Belongs here: how the programs of this folder start ``via`` on a place of their own. Does not belong
here: what they do to it.

Importing Dagster and Great Expectations costs as much as a small night does, so it happens once,
here, and each run is a fork of this process: the same command (``via run``), the same code.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from via_pipeline.storage.home import Home

PROJECT = Path(__file__).parent.parent
# For these programs only: what they make is synthetic and thrown away.
KEY = "6661756c7473206f6e6c793a" + "00" * 32
FIRST = "p5_behoud/2019-02-18/p5_behoud_D_2018_synthetisch_v1.csv"
SECOND = "p5_behoud/2021-02-22/p5_behoud_E_2020_synthetisch_v1.csv"
SOURCE = "p5_behoud"
LIMIT_SECONDS = 900
_FORBIDDEN = ("DAGSTER_", "GX_", "VIA_")


class Gone(RuntimeError):
    """A run that was to end did not, or did not end well."""


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, or minus the signal that killed it."""

    code: int
    cpu_seconds: float
    output: str


def place(folder: Path, *deliveries: str) -> Home:
    """An installation below ``folder`` with these of the shipped sample deliveries in landing."""
    home = Home(folder / "home", folder / "data")
    for name in ("register", "reference"):
        shutil.copytree(PROJECT / "data" / name, home.data / name)
    home.landing.mkdir()
    for delivery in deliveries:
        deliver(home, delivery)
    return home


def deliver(home: Home, delivery: str) -> None:
    """A partner's file arrives."""
    target = home.landing / delivery
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROJECT / "data" / "landing" / delivery, target)


def copied(source: Home, folder: Path) -> Home:
    """A copy of an installation with all that it made; links stay links."""
    shutil.copytree(source.root, folder / "home", symlinks=True)
    shutil.copytree(source.data, folder / "data")
    return Home(folder / "home", folder / "data")


def environment(home: Home, **more: str) -> None:
    """Give this process the environment of ``home`` and nothing of the caller's own settings."""
    for name in [name for name in os.environ if name.startswith(_FORBIDDEN)]:
        del os.environ[name]
    os.environ |= {
        "VIA_HOME": str(home.root),
        "VIA_DATA": str(home.data),
        "VIA_PSEUDONYM_KEY": KEY,
        "VIA_SETTLE_SECONDS": "0",
        "GX_ANALYTICS_ENABLED": "False",
        "OPENBLAS_NUM_THREADS": "1",
        **more,
    }


def warm(home: Home, *, only: str | None = SOURCE) -> None:
    """Import all that a run imports and build its definitions; nothing is opened.

    ``only``: the night leaves out the assets of every other source. They have no delivery, their
    empty tables are there from a whole run, and without their checks a night costs a third.
    """
    environment(home)
    import dagster as dg
    import great_expectations  # noqa: F401 - warmed here

    from via_pipeline.contracts.model import load_all
    from via_pipeline.defs import walk
    from via_pipeline.defs.automation import LETTER, NIGHTLY
    from via_pipeline.defs.source_assets import conformed

    real = walk._definitions
    built = real(lambda step: _TELL[0](step))
    if only is not None:
        idle = [
            name
            for contract in load_all()
            if contract.source != only and contract.kept_in is None
            for name in (
                *(f"{room}__{contract.source}" for room in _ROOMS),
                *(f"pilots__{table.name}" for table in conformed(contract)),
                *(table.conformed for table in conformed(contract)),
            )
        ]
        there = {spec.key.to_user_string() for spec in built.resolve_all_asset_specs()}
        idle = sorted({name for name in idle if name in there})
        night = dg.define_asset_job(
            NIGHTLY, selection=dg.AssetSelection.all() - dg.AssetSelection.assets(LETTER, *idle)
        )
        built = dg.Definitions(
            assets=built.assets,
            asset_checks=built.asset_checks,
            jobs=[night, *(job for job in built.jobs or [] if job.name != NIGHTLY)],
            resources=built.resources,
            loggers=built.loggers,
            executor=built.executor,
        )
        built.resolve_job_def(NIGHTLY)

    def definitions(tell: Callable) -> dg.Definitions:
        _TELL[0] = tell
        return built

    walk._definitions = definitions


_ROOMS = ("landing", "intake", "quality", "outcomes")
_TELL: list[Callable] = [lambda step: None]


def fork(home: Home, work: Callable[[], int], log: Path) -> int:
    """Start ``work`` in a process of its own for ``home``; its pid. Output goes to ``log``."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        environment(home)
        code = work()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # No clean-up of what this process shares with the one that it was forked from.
        os._exit(code)


def via(*arguments: str) -> Callable[[], int]:
    """The command as a piece of work for ``fork``."""

    def work() -> int:
        from via_pipeline.cli import app

        app(list(arguments), standalone_mode=True)
        return 0

    return work


def wait(pid: int, log: Path, *, kill_at_cpu: float | None = None) -> Ended:
    """Wait for the end; SIGKILL at ``kill_at_cpu`` seconds of processor time.

    Raises:
        Gone: it did not end within the limit (and was killed).
    """
    until = time.monotonic() + LIMIT_SECONDS
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
            cpu = usage.ru_utime + usage.ru_stime
            return Ended(os.waitstatus_to_exitcode(status), cpu, said)
        if kill_at_cpu is not None and _cpu(pid) >= kill_at_cpu:
            os.kill(pid, signal.SIGKILL)
            kill_at_cpu = None
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise Gone(f"no end within {LIMIT_SECONDS} s")
        time.sleep(0.02 if kill_at_cpu is None else 0.005)


def run(home: Home, work: Callable[[], int], log: Path) -> Ended:
    """``fork`` and ``wait``."""
    return wait(fork(home, work, log), log)


def well(ended: Ended) -> Ended:
    """``ended`` itself.

    Raises:
        Gone: the exit code is not 0.
    """
    if ended.code != 0:
        raise Gone(f"exit code {ended.code}: {ended.output[-2000:]}")
    return ended


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
