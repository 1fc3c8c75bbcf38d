"""What all commands of ``via`` have in common: no traceback for a slip, a sign of life when long.

Belongs here: which trouble is the user's or the machine's, its sentence and its exit code. Does not
belong here: a refusal that one command knows (its module). What is not foreseen stays a traceback:
that is a fault of ours, and the place it happened is what we need.

Exit codes: 1 it could not be done (busy, no key, damaged file, full disk), 2 the command or a
setting is wrong (VIA_HOME cannot be used, VIA_SETTLE_SECONDS is no number, ...).
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from via_pipeline.storage import settings
from via_pipeline.storage.bucket import BucketError
from via_pipeline.storage.home import Home

if TYPE_CHECKING:
    from rich.console import Console

FAILED, USAGE = 1, 2
BUSY_SECONDS = 5
"""How long a command waits for another one that is at work."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_BYTES = 1 << 20
_AFTER_THE_DISK = "Nothing half-written stays; make room or mend it, and run again: via run"
_ALREADY_TOLD = (typer.Exit, typer.Abort, typer.BadParameter)


class Guarded(TyperGroup):
    """The group of all commands: settings are looked at first, and known trouble is a sentence."""

    def invoke(self, ctx: typer.Context) -> Any:
        """Run the command, or say what keeps it from running."""
        with told():
            settings.check()
            _check_places(Home.from_env())
            try:
                return super().invoke(ctx)
            except _ALREADY_TOLD as error:
                for note in getattr(error, "__notes__", ()):
                    typer.echo(f"via: {note}", err=True)
                raise


def looking(command: Callable[..., Any]) -> Callable[..., Any]:
    """``command`` that changes nothing that is kept in object storage, or is ``alone`` by itself.

    What another machine did is seen first; nothing is sent. Not before its options are understood:
    help needs no server. Its options stay what they are.
    """

    @wraps(command)
    def looked(*arguments: Any, **options: Any) -> Any:
        home = Home.from_env()
        if home.url is not None:
            from via_pipeline.storage import kept

            kept.fetch(home)
        return command(*arguments, **options)

    return looked


def changing(command: Callable[..., Any]) -> Callable[..., Any]:
    """``command`` that changes what is kept in object storage: no other is at work meanwhile.

    What another machine did is seen first, and what it did is sent at its end. With a folder
    nothing changes: there the locks of what is written are enough.
    """
    return changing_when(lambda options: True)(command)


def changing_when(
    does: Callable[[dict[str, Any]], bool],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``changing`` where its options (by name) say so, else ``looking``."""

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def changed(*arguments: Any, **options: Any) -> Any:
            home = Home.from_env()
            if home.url is None or not does(options):
                return looking(command)(*arguments, **options)
            from via_pipeline.storage import kept

            with kept.alone(home, BUSY_SECONDS):
                return command(*arguments, **options)

        return changed

    return decorated


@contextmanager
def told() -> Iterator[None]:
    """Known trouble becomes a sentence on standard error and an exit code; the rest goes on."""
    try:
        yield
    except _ALREADY_TOLD:
        raise
    except settings.SettingError as error:
        _leave(str(error), USAGE)
    except OSError as error:
        _leave(*_of_system(error))
    except sqlite3.DatabaseError as error:
        _leave(f"a database in VIA_HOME (ledger or run history) cannot be read: {error}", FAILED)
    except Exception as error:
        if not _is_foreseen(error):
            raise
        _leave(str(error), FAILED)


@contextmanager
def troubles(console: Console) -> Iterator[None]:
    """Trouble of the machine in one line, exit code 1; never a value of anybody."""
    try:
        yield
    except (*_ALREADY_TOLD, settings.SettingError):
        raise
    except BucketError as error:
        said = str(error)
    except OSError as error:
        # The path may name a partner's file.
        said = (
            f"the disk does not let the run go on: {error.strerror or type(error).__name__}. "
            f"{_AFTER_THE_DISK}"
        )
    except Exception as error:
        from via_pipeline.defs.guard import tell

        said = (
            f"the run stopped: {tell(error)}. What was in force still is. Run again: via run; "
            "docs/bad-nights.md says more"
        )
        if _is_full(Home.from_env().root):
            said = f"the disk of VIA_HOME is full. {_AFTER_THE_DISK}"
    else:
        return
    console.print(said, style="red", markup=False)
    raise typer.Exit(FAILED)


def _is_full(place: Path) -> bool:
    """SQLite and DuckDB have errors of their own for a full disk, and words that may quote data."""
    try:
        return shutil.disk_usage(place).free < _FULL_BYTES
    except OSError:
        return False


@contextmanager
def limited(console: Console) -> Iterator[None]:
    """End this process when the run takes longer than ``VIA_RUN_HOURS``.

    At once, as a kill does: that is safe at any moment, and it is the one way out of a call that
    does not return. Dagster's own limit (``dagster.yaml``) is held by a daemon; here is none.
    """
    hours = settings.run_hours()

    def end() -> None:
        console.print(
            f"[red]The run did not end within {hours:g} h and was stopped[/] ({settings.RUN}). "
            "Nothing half-written stays; run again: via run"
        )
        os._exit(FAILED)

    clock = threading.Timer(hours * 3600, end)
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()


@contextmanager
def working(doing: str) -> Iterator[None]:
    """A spinner with ``doing`` on standard error while work goes on; only on a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(doing):
        yield


def spinning(command: Callable[..., Any], doing: str) -> Callable[..., Any]:
    """``command`` with the spinner of ``working``; its options stay what they are."""

    @wraps(command)
    def spun(*arguments: Any, **options: Any) -> Any:
        with working(doing):
            return command(*arguments, **options)

    return spun


def _leave(text: str, code: int) -> None:
    typer.echo(f"via: {text}", err=True)
    raise typer.Exit(code)


def _check_places(home: Home) -> None:
    """VIA_HOME and VIA_DATA may be absent, but what is there must be a folder that can be used."""
    for name, path, mode in (
        ("VIA_STATE" if home.url else "VIA_HOME", home.root, os.R_OK | os.W_OK | os.X_OK),
        ("VIA_DATA", home.data, os.R_OK | os.X_OK),
    ):
        if not path.exists():
            continue
        if not path.is_dir():
            raise settings.SettingError(f"{name} is '{path}', but that is a file and not a folder")
        if mode & os.W_OK and os.statvfs(path).f_flag & os.ST_RDONLY:
            # A disk that was taken away from us is no matter of rights.
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        if not os.access(path, mode):
            raise settings.SettingError(
                f"{name} is '{path}', but you may not use that folder; see its owner and rights"
            )


def _of_system(error: OSError) -> tuple[str, int]:
    """What the system says, with its path only where that is a place of ours, and the code."""
    if isinstance(error, BucketError):
        return str(error), FAILED
    home = Home.from_env()
    reason = error.strerror or type(error).__name__
    if error.errno in _FULL:
        return f"the disk is full ({reason}); make room and run the same command again", FAILED
    if error.errno == errno.EROFS:
        return f"{reason}; have the disk looked at, then run the same command again", FAILED
    path = Path(os.fsdecode(error.filename)) if error.filename else None
    if path is not None and home.landing in path.parents:
        # A partner's file name may hold an identifier.
        path = home.landing
    place = f"{path}: {reason}" if path else reason
    if path is not None and any(
        path == root or root in path.parents or path in root.parents
        for root in (home.root, home.data)
    ):
        return f"{place}. Are VIA_HOME ({home.root}) and VIA_DATA ({home.data}) right?", USAGE
    return place, FAILED


def _is_foreseen(error: Exception) -> bool:
    """Whether the class is one of ours: their messages are made to be read."""
    return type(error).__module__.startswith("via_pipeline.")
