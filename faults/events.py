"""Where a file changes its name or goes away: the points at which a run can be killed.

Belongs here: Python's audit hook, which sees every such call of any library in the process just
before it is made. Does not belong here: choosing points.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

WATCHED = ("os.rename", "os.remove", "os.rmdir", "shutil.rmtree", "os.symlink")


def record(to: Path) -> None:
    """From now on, keep each event of this process with the place that asked for it."""
    descriptor = os.open(to, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    sys.addaudithook(
        lambda event, arguments: (
            os.write(descriptor, (json.dumps([event, *_site()]) + "\n").encode())
            if event in WATCHED
            else None
        )
    )


def recorded(path: Path) -> list[tuple[str, str]]:
    """What ``record`` kept: event and place, in order."""
    return [tuple(json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def kill_at(number: int) -> None:
    """SIGKILL this process just before its event ``number`` (from 0)."""
    seen = -1

    def hook(event: str, arguments: tuple) -> None:
        nonlocal seen
        if event in WATCHED:
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _site() -> tuple[str]:
    """The innermost two places of this project, past the audit hook: file:line < file:line."""
    frame, found = sys._getframe(2), []
    while frame is not None and len(found) < 2:
        name = frame.f_code.co_filename
        if "/via_pipeline/" in name:
            found.append(f"{name.rpartition('/via_pipeline/')[2]}:{frame.f_lineno}")
        elif not found and frame.f_back is None:
            found.append(Path(name).name)
        frame = frame.f_back
    return (" < ".join(found) or "a library",)
