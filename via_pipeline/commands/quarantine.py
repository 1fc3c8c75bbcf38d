"""``via quarantine``: rows set aside, resolved by a person in a sheet and read back.

Belongs here: the words and the exit codes. Does not belong here: the sheet (``quality.resolve``),
the list of corrections (``intake.corrections``), taking it in (a run).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from via_pipeline.commands.guarding import looking, working
from via_pipeline.storage.home import Home

REFUSED = 3
AsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]

app = typer.Typer(
    help="Rows set aside: a sheet to resolve them in, and the sheet read back.",
    epilog="Exit codes: 0 done, 3 some lines of the sheet were refused, 1 failed, 2 usage.",
    no_args_is_help=True,
)


@app.command()
@looking
def export(
    source: Annotated[str, typer.Argument(help="A source, e.g. p5_behoud.")],
    out: Annotated[
        Path | None, typer.Option(help="Default: herstel_<source>.xlsx here; .csv is fine too.")
    ] = None,
    delivery: Annotated[str | None, typer.Option(help="Only this delivery (its id).")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the sheet: a line a broken rule of a row in quarantine, the last column to fill in.

    It holds rows of the partner: keep it where only those may read who may.
    """
    from via_pipeline.contracts.model import load, source_names
    from via_pipeline.quality import resolve

    if source not in source_names():
        raise typer.BadParameter(f"no contract of that name; known: {', '.join(source_names())}")
    home = Home.from_env()
    path = out or Path(f"herstel_{source}.xlsx")
    if path.suffix not in (".xlsx", ".csv"):
        raise typer.BadParameter("the sheet is .xlsx or .csv")
    with working("looking in quarantine"):
        found = resolve.lines(home, load(source), delivery) if home.ledger.exists() else []
        resolve.write(path, found)
    if as_json:
        typer.echo(json.dumps({"sheet": str(path), "lines": len(found)}, indent=1))
    else:
        typer.echo(f"{path}: {len(found)} regels om te herstellen")


@app.command()
@looking
def replay(
    file: Annotated[Path, typer.Argument(help="The sheet, filled in.")],
    who: Annotated[str, typer.Option("--as", envvar="VIA_USER", help="Who resolved it; recorded.")],
    dry_run: Annotated[bool, typer.Option(help="Say what would be done; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read the sheet back: a list of corrections a delivery, in data/correcties/.

    The partner's file stays as it is. The next run takes the corrections in as a revision: rows
    that keep their rules then are accepted, the others stay in quarantine with the reason.
    """
    from via_pipeline.contracts.model import load_all
    from via_pipeline.intake import corrections
    from via_pipeline.quality import resolve

    if not who.strip():
        raise typer.BadParameter("say who resolved it (--as)")
    home = Home.from_env()
    now = datetime.now(tz=UTC)
    try:
        filled = resolve.read(file)
    except FileNotFoundError:
        raise typer.BadParameter(f"there is no {file}") from None
    except resolve.SheetError as error:
        raise typer.BadParameter(str(error)) from None
    if not home.ledger.exists():
        raise typer.BadParameter("nothing was taken in yet: there is no quarantine")
    with working("comparing with the quarantine"):
        plan = resolve.plan(
            home, load_all(), filled, who=who.strip(), at=f"{now:%Y-%m-%dT%H:%M:%SZ}"
        )
    day = now.astimezone(ZoneInfo("Europe/Amsterdam")).date()
    written = [] if dry_run else [corrections.write(home, one, day) for one in plan.lists]
    if as_json:
        outcome = {
            "lists": [path.relative_to(home.data).as_posix() for path in written],
            "deliveries": [one.base for one in plan.lists],
            "cells": sum(len(one.cells) for one in plan.lists),
            "refused": [asdict(one) for one in plan.refused],
            "empty": plan.empty,
        }
        typer.echo(json.dumps(outcome, ensure_ascii=False, indent=1))
    else:
        for one in plan.lists:
            typer.echo(f"{one.base}: {len(one.cells)} cellen")
        for path in written:
            typer.echo(f"  {path}")
        for refusal in plan.refused:
            typer.echo(f"regel {refusal.line} niet overgenomen: {refusal.told}")
        if plan.lists:
            typer.echo("Niets geschreven." if dry_run else "De volgende 'via run' past ze toe.")
        elif not plan.refused:
            typer.echo("Er is niets ingevuld.")
    if plan.refused:
        raise typer.Exit(REFUSED)


@app.command("list")
@looking
def list_(
    source: Annotated[str | None, typer.Argument(help="Only this source.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every list of corrections that was taken in: who, when, which delivery; no value."""
    from via_pipeline.intake.ledger import Ledger

    home = Home.from_env()
    found = Ledger(home.ledger).corrections(source) if home.ledger.exists() else []
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1))
        return
    for one in found:
        typer.echo(
            f"{one.made_at}  {one.who}  {one.base} -> {one.delivery_id}  {one.cells} cellen  "
            f"sha256 {one.sha256[:12]}"
        )
    if not found:
        typer.echo("Nog geen correcties.")
