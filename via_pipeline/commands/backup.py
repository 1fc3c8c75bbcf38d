"""``via backup`` and ``via restore``: a copy of everything that cannot be made again, and back.

Belongs here: commands, their words and exit codes. Does not belong here: copying
(``storage.backup``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from via_pipeline.storage.home import Home

FAILED = 1


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Copy the pseudonym key too; guard the folder so.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Copy Dagster's run history too (large).")
    ] = False,
) -> None:
    """Copy data, ledger, lake, quarantine and what was published, with a hash of every file.

    Waits for no run: it refuses while one is at work. The folder appears whole or not at all and
    holds person-level data (0700). Exit codes: 0 made, 1 not made, 2 usage.
    """
    from via_pipeline import __version__
    from via_pipeline.intake.ledger import Ledger
    from via_pipeline.storage.backup import back_up

    home = Home.from_env()
    with _trouble():
        fingerprint = Ledger(home.ledger).key_fingerprint() if home.ledger.exists() else None
        done = back_up(
            home,
            folder,
            at=datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            code=__version__,
            fingerprint=fingerprint,
            key=_key_text(home) if with_key else None,
            history=history,
        )
    typer.echo(f"{done.files} files ({done.bytes / 1e6:.1f} MB) in {folder}")
    if with_key:
        typer.echo("The pseudonym key is in it: who has this folder can find people.")
    else:
        typer.echo(
            f"The pseudonym key is not in it; keep it elsewhere (fingerprint {done.fingerprint})."
        )


def restore(
    folder: Annotated[Path, typer.Argument(help="What `via backup` made.")],
    check: Annotated[
        bool, typer.Option("--check", help="Only compare every file with its hash.")
    ] = False,
) -> None:
    """Put a backup back into VIA_HOME, VIA_DATA and VIA_RELEASES, which must be empty.

    Every file is compared with its hash first. Interrupted: run it again. Then: `via run`.
    Exit codes: 0 done, 1 refused, 2 usage.
    """
    from via_pipeline.storage import backup as copies

    home = Home.from_env()
    with _trouble():
        if check:
            told = copies.check(folder)
            typer.echo(f"{len(told['files'])} files, all as they were on {told['made_at']}")
            return
        done = copies.restore(folder, home)
    typer.echo(f"{done.files} files ({done.bytes / 1e6:.1f} MB) put back. Next: via run")
    typer.echo(_about_key(home, folder / copies.KEY, done.fingerprint))


def _key_text(home: Home) -> str:
    from via_pipeline.intake import pseudonym

    pseudonym.load_key(home.root)
    text = os.environ.get(pseudonym.KEY_VARIABLE) or pseudonym.key_file().read_text("ascii")
    return text.strip()


def _about_key(home: Home, copy: Path, fingerprint: str | None) -> str:
    """What to do about the key, in one line; it is never put anywhere by itself."""
    from via_pipeline.intake import pseudonym

    if fingerprint is None:
        return "The backup names no pseudonym key: nothing with persons was taken in."
    try:
        if pseudonym.load_key(home.root).fingerprint == fingerprint:
            return "The pseudonym key in use is the backup's."
        what = "The pseudonym key in use is not the backup's"
    except pseudonym.KeyProblem:
        what = "There is no pseudonym key yet"
    where = f"; a copy is {copy}" if copy.exists() else ""
    return (
        f"{what} (fingerprint {fingerprint}){where}. Put it outside VIA_HOME and name it in "
        f"{pseudonym.KEY_FILE_VARIABLE} before the next run."
    )


@contextmanager
def _trouble() -> Iterator[None]:
    from via_pipeline.intake.ledger import LedgerError
    from via_pipeline.intake.pseudonym import KeyProblem
    from via_pipeline.storage.atomic import BusyError
    from via_pipeline.storage.backup import BackupError

    try:
        yield
    except (BackupError, BusyError, KeyProblem, LedgerError) as error:
        typer.echo(f"via: {error}", err=True)
        raise typer.Exit(FAILED) from None
    except OSError as error:
        # The path may name a partner's file.
        typer.echo(f"via: a file cannot be copied: {error.strerror}", err=True)
        raise typer.Exit(FAILED) from None
