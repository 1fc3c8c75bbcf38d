"""What this machine lets us use: memory, and a spill folder a process; and which machine it is.

Belongs here: reading the machine's limits (physical memory, the control group of a container), what
tells it from others, and making and clearing spill folders. Does not belong here: opening a
connection (``duck``).
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import time
import uuid
from pathlib import Path

SHARE = 0.5
"""Of the memory there is: the other half is for Python, which holds a partner's file once."""

_LEAST_BYTES = 256 << 20
_GROUPS = (
    "sys/fs/cgroup/memory.max",
    "sys/fs/cgroup/memory.high",
    "sys/fs/cgroup/memory/memory.limit_in_bytes",
)
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_SPILL = "duckdb-"
_SPILL_NAME = re.compile(rf"{_SPILL}(\d+)-[0-9a-f]+")


def token() -> str:
    """A name for this machine since it began: another has another, and so has a copy of its disk.

    A container has no name of its own that stays (``/etc/machine-id`` is absent, or its image's):
    so it is the name that it was given, with what the kernel says of its own beginning.
    """
    return f"{socket.gethostname()} {_boot()}"


def _boot() -> str:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""  # no Linux


def memory_limit() -> str:
    """DuckDB's memory limit where nobody set another: half of what this machine may use."""
    return f"{max(_LEAST_BYTES, int(memory() * SHARE)) >> 20}MiB"


def memory(root: Path = Path("/")) -> int:
    """Bytes that this process may use: the physical memory, or less in a container.

    The limits of control groups (version 2 and 1) are read below ``root``; a container sees its
    own there.
    """
    known = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in _GROUPS:
        try:
            said = (root / name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if said.isdecimal():
            known.append(int(said))
    return min(known)


def spill_folder(scratch: Path) -> Path:
    """A name of its own below ``scratch`` for one connection; DuckDB makes it when it needs it."""
    return scratch / f"{_SPILL}{os.getpid()}-{uuid.uuid4().hex}"


def sweep_spills(scratch: Path, older_than_seconds: float) -> int:
    """Remove spill folders of processes that are gone; return how many.

    What a process spills is person-level data: a killed one leaves it behind. A folder younger
    than ``older_than_seconds`` stays: its process may live in another container.
    """
    found = 0
    for folder in sorted(scratch.glob(f"{_SPILL}*")) if scratch.exists() else []:
        named = _SPILL_NAME.fullmatch(folder.name)
        is_young = abs(time.time() - folder.stat().st_mtime) < older_than_seconds
        if named is None or is_young or _is_alive(int(named.group(1))):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        found += 1
    return found


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
