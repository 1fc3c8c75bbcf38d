"""The desk: Dagster's webserver and daemon as two children of one process.

Belongs here: starting and stopping them together. Does not belong here: what they show. ``dg dev``
does the same and is fine for developing; this one needs no dg project at hand, keeps one
DAGSTER_HOME with every other command, and ends when either of the two does.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time

from via_pipeline.defs.instance import PROJECT

_STOP_SECONDS = 20


def commands(host: str, port: int) -> list[list[str]]:
    """The two commands, run by this very Python."""
    workspace = ["--workspace", str(PROJECT / "workspace.yaml")]
    return [
        [sys.executable, "-m", "dagster_webserver", "-h", host, "-p", str(port), *workspace],
        [sys.executable, "-m", "dagster._daemon", "run", *workspace],
    ]


def serve(host: str, port: int) -> int:
    """Run both until one ends or a signal comes; the exit code of the one that ended, else 0."""
    children = [
        subprocess.Popen(command, cwd=PROJECT)  # noqa: S603 - our own Python
        for command in commands(host, port)
    ]

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
    try:
        while all(child.poll() is None for child in children):
            time.sleep(0.5)
        return next(child.returncode for child in children if child.returncode is not None)
    except KeyboardInterrupt:
        return 0
    finally:
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
