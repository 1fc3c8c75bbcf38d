"""A process of ours that does one dangerous thing: what it gets to see, and what it may use.

Belongs here: its environment and its limits, the same for each of them. Does not belong here: what
it does, and how it is talked to (``intake.readers.sav``, ``disclosure.engine.apart``).
"""

from __future__ import annotations

import os
import resource

_OURS = ("VIA_", "DAGSTER_", "PG", "AWS_")
OUT_OF_MEMORY = 77
"""How a process ends that asked for more memory than it may have."""


def environment() -> dict[str, str]:
    """This process's environment without our settings: no key, no lake, no bucket, no password."""
    return {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}


def limit(memory: int) -> None:
    """From now on this process has at most ``memory`` bytes of address space, and leaves no core:
    that would be its figures or a partner's rows on a disk.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_cpu(seconds: float) -> None:
    """From now on this process may use so many seconds of a processor more; then it is ended."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))
