"""``via serve``: which release BI tools read, and going back to an earlier one.

Belongs here: words and exit codes. Does not belong here: files (``serving.releases``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from via_pipeline.commands.guarding import changing, looking
from via_pipeline.storage.home import Home

FAILED = 1
AsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]

app = typer.Typer(help="What BI tools read: releases, and going back to one.", no_args_is_help=True)


@app.command("list")
@looking
def list_(as_json: AsJson = False) -> None:
    """The releases that are kept, the newest first, and which of them readers get.

    Exit code 1 when a file of one of them was changed since it was published.
    """
    from via_pipeline.serving.releases import Releases, changed

    home = Home.from_env()
    known = Releases.read(home)
    rows = [
        {
            "release": release,
            "in_force": release == known.in_force,
            "changed": changed(home.serve / release),
        }
        for release in reversed(known.order)
    ]
    if as_json:
        pin = {"release": known.pin.release, "reason": known.pin.reason} if known.pin else None
        typer.echo(json.dumps({"releases": rows, "fixed": pin}, ensure_ascii=False, indent=1))
    else:
        for row in rows:
            marks = "  <- latest" if row["in_force"] else ""
            marks += f"  CHANGED: {', '.join(row['changed'])}" if row["changed"] else ""
            typer.echo(f"{row['release']}{marks}")
        if known.pin:
            typer.echo(f"Fixed on {known.pin.release}: {known.pin.reason} (via serve follow)")
        if not rows:
            typer.echo("Nothing was published yet.")
    if any(row["changed"] for row in rows):
        raise typer.Exit(FAILED)


@app.command()
@changing
def rollback(
    reason: Annotated[str, typer.Option(help="Why; shown until readers follow again.")],
    release: Annotated[str | None, typer.Argument(help="Default: the one before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give readers an earlier release, and keep them there until `via serve follow`."""
    from via_pipeline.serving.releases import roll_back

    home = Home.from_env()
    now = _told(lambda: roll_back(home, reason, release))
    _say(as_json, now, f"Readers get {now} from now on.")


@app.command()
@changing
def follow(as_json: AsJson = False) -> None:
    """Let readers get the newest release again."""
    from via_pipeline.serving import releases

    home = Home.from_env()
    now = _told(lambda: releases.follow(home))
    _say(as_json, now, f"Readers get {now}, and each newer one.")


def _say(as_json: bool, release: str, sentence: str) -> None:
    typer.echo(json.dumps({"in_force": release}) if as_json else sentence)


@app.command()
@looking
def kit(
    folder: Annotated[Path, typer.Argument(help="Where to write the kit.")],
    at: Annotated[
        str | None,
        typer.Option(
            help="Where readers see serve/latest, such as a share; default: this machine."
        ),
    ] = None,
) -> None:
    """Files and steps for Power BI, Excel, Tableau, Superset, Metabase, DBeaver, Python and R.

    Exit codes: 0 written, 1 nothing was published yet, 2 usage.
    """
    from via_pipeline.serving.kit import write
    from via_pipeline.serving.publish import FILE

    latest = Home.from_env().latest.absolute()
    try:
        there = write.place(at or str(latest))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from None
    try:
        written = write.write(latest / FILE, there, folder)
    except FileNotFoundError:
        typer.echo("via serve: nothing was published yet; run `via run` first", err=True)
        raise typer.Exit(FAILED) from None
    typer.echo(f"{len(written)} files in {folder}; start with {folder / 'LEESMIJ.md'}")


def _told(work: Callable[[], str]) -> str:
    from via_pipeline.serving.releases import ReleaseError
    from via_pipeline.storage.atomic import BusyError

    try:
        return work()
    except (ReleaseError, BusyError) as error:
        typer.echo(f"via serve: {error}", err=True)
        raise typer.Exit(FAILED) from None
