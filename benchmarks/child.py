"""Run a command in a process of its own and say what it took: seconds, processor seconds, memory.

Belongs here: measuring a child. Does not belong here: what it does, and what is made of the
figures. The machine may be busy, so processor time always stands next to the clock.

The command is started by a small process in between (this file, run as a script): the kernel counts
what a process held before it became another program, so a child of a large process would seem as
large as its parent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_MB = 1024 if sys.platform == "linux" else 1024 * 1024
_TOLD = 2_000


class ChildFailed(RuntimeError):
    """The command ended with another code than zero; the message has the end of what it said."""


@dataclass(frozen=True)
class Took:
    """What a child took, with all that it waited for; ``peak_mb`` is of its largest process."""

    seconds: float
    cpu_s: float
    peak_mb: int
    said: str


def run(
    command: Sequence[str | Path], cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Took:
    """Run ``command``; ``env`` comes on top of this process's environment.

    Raises:
        ChildFailed: it did not end well.
    """
    done = subprocess.run(  # noqa: S603 - commands of the benchmarks themselves
        [sys.executable, "-S", "-E", __file__, *map(str, command)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    said, _, told = done.stdout.rstrip("\n").rpartition("\n")
    took = json.loads(told)
    if took["code"]:
        shown = " ".join(str(part) for part in command)
        raise ChildFailed(f"{shown} ended with {took['code']}:\n{said[-_TOLD:]}")
    return Took(took["seconds"], took["cpu_s"], took["peak_mb"], said)


def _launch(command: Sequence[str]) -> dict[str, float]:
    """In the process in between: start, wait, and read the kernel's account of that one child."""
    began = time.perf_counter()
    child = subprocess.Popen(command)  # noqa: S603 - as above
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return {
        "code": child.returncode,
        "seconds": time.perf_counter() - began,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss // _MB,
    }


if __name__ == "__main__":
    told = _launch(sys.argv[1:])
    sys.stdout.write("\n" + json.dumps(told) + "\n")
