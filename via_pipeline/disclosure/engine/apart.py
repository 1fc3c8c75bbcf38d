"""A long computation in a process of its own, within limits of time and memory.

Belongs here: starting the process, its limits, handing over what goes in and what comes out, and
ending it with all its children. Does not belong here: what is computed, and what to do when there
is no answer: that is for the caller, who must then give less detail and never less safety.

Figures go through pipes only: nothing is written to a disk, nothing of the process is shown.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

MEMORY = 3_000_000_000
"""Bytes of address space. That is more than the memory in use, which stays below a third of it."""
_THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class NoAnswer(RuntimeError):
    """The process met a limit or died; says which, and nothing of the figures."""


def apart(function: Callable[..., Any], *given: object, seconds: float, memory: int) -> Any:
    """``function(*given)``, computed elsewhere; both ways by ``pickle``.

    Raises:
        NoAnswer: it took longer than ``seconds`` or more address space than ``memory`` bytes, or
            its process died. Every process that it started is gone then.
        Exception: what ``function`` raises by itself.
    """
    work = pickle.dumps((function.__module__, function.__qualname__, given))
    process = subprocess.Popen(  # noqa: S603 - this interpreter and this module
        [sys.executable, "-m", __name__, str(memory), str(max(1, int(2 * seconds) + 30))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **_THREADS},
        start_new_session=True,
    )
    try:
        answer, _ = process.communicate(work, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"no answer within {seconds:g} seconds") from None
    finally:
        _end(process)
    if process.returncode != 0 or not answer:
        raise NoAnswer("out of memory, or ended from outside")
    is_result, found = pickle.loads(answer)  # noqa: S301 - written by our own process
    if not is_result:
        raise found
    return found


def _end(process: subprocess.Popen) -> None:
    """End the process and all that it started: it leads a session, and so a group, of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.communicate()


def _main() -> None:
    import resource

    memory, cpu = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # Should the parent be gone before its time is up, this ends by itself.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(2, 1)  # what a library prints is not an answer
    module, name, given = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent
    try:
        answer = True, getattr(importlib.import_module(module), name)(*given)
    except MemoryError:
        os._exit(1)
    except Exception as error:
        answer = False, error
    pickle.dump(answer, answers)
    answers.close()


if __name__ == "__main__":
    _main()
