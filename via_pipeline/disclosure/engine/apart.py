"""Long computations in a process of their own, within limits of time and memory.

Belongs here: starting the process, its limits, handing over what goes in and what comes out, and
ending it with all its children. Does not belong here: what is computed, and what to do when there
is no answer: that is for the caller, who must then give less detail or stop, and never less safety.

Figures go through pipes only: nothing is written to a disk, nothing of the process is shown, and
none of this installation's settings (key, lake, passwords) are there.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from via_pipeline.storage import child

MEMORY = 3_000_000_000
"""Bytes of address space. That is more than the memory in use, which stays below a third of it."""
_THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class NoAnswer(RuntimeError):
    """The process met a limit or died; says which, and nothing of the figures."""


class Apart:
    """A process that computes one thing after another; it is started by the first question.

    ``memory`` is the most address space, in bytes, that it may have. Used as a context: at its end
    the process is gone, with all that it started.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self._memory = memory
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def ask(self, function: Callable[..., Any], *given: object, seconds: float) -> Any:
        """``function(*given)``, computed there; both ways by ``pickle``.

        Raises:
            NoAnswer: it took longer than ``seconds`` or more than the memory it may have, or its
                process died. The process is gone then, and the next question starts another.
            Exception: what ``function`` raises by itself.
        """
        question = pickle.dumps((function.__module__, function.__qualname__, given, seconds))
        process = self._process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        is_late = threading.Event()

        def late() -> None:
            is_late.set()
            _kill(process)

        timer = threading.Timer(seconds, late)
        timer.daemon = True
        timer.start()
        try:
            process.stdin.write(question)
            process.stdin.flush()
            is_result, found = pickle.load(process.stdout)  # noqa: S301 - written by our own process
        except (OSError, EOFError, pickle.UnpicklingError):
            self._end()
            if is_late.is_set():
                raise NoAnswer(f"no answer within {seconds:g} seconds") from None
            raise NoAnswer(_ended(process.returncode)) from None
        except BaseException:
            self._end()
            raise
        finally:
            timer.cancel()
        if not is_result:
            raise found
        return found

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - this interpreter and this module
            [sys.executable, "-m", __name__, str(self._memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**child.environment(), **_THREADS},
            start_new_session=True,
        )

    def _end(self) -> None:
        """End the process and all that it started."""
        process, self._process = self._process, None
        if process is not None:
            _kill(process)
            with contextlib.suppress(OSError):
                process.communicate()


def apart(function: Callable[..., Any], *given: object, seconds: float, memory: int) -> Any:
    """``function(*given)``, computed in a process for it alone: see ``Apart.ask``."""
    with Apart(memory) as process:
        return process.ask(function, *given, seconds=seconds)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """It leads a session, and so a group, of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _ended(code: int) -> str:
    """Why the process is gone, by how it ended."""
    if code == child.OUT_OF_MEMORY:
        return "out of the memory that it may use"
    return "ended from outside, as by a machine that is out of memory"


def _main() -> None:
    child.limit(int(sys.argv[1]))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(2, 1)  # what a library prints is not an answer
    while True:
        try:
            module, name, given, seconds = pickle.load(sys.stdin.buffer)  # noqa: S301 - our parent
        except EOFError:
            return
        except MemoryError:
            os._exit(child.OUT_OF_MEMORY)
        # Should the parent be gone before its time is up, this ends by itself.
        child.limit_cpu(2 * seconds + 30)
        try:
            answer = True, getattr(importlib.import_module(module), name)(*given)
        except MemoryError:
            os._exit(child.OUT_OF_MEMORY)
        except Exception as error:
            answer = False, error
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    _main()
