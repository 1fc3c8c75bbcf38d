"""``via inzage``: who looked up which figure, and whether the log of it was touched.

Belongs here: showing ``letters.inzage``. Exit codes: 0 the log is whole, 1 it was changed.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from via_pipeline.commands.guarding import looking
from via_pipeline.storage.home import Home

TOUCHED = 1


@looking
def inzage(
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """List who looked up which figure with `via cijfer`, and check that the log is whole.

    Exit codes: 0 it is whole, 1 it was changed afterwards.
    """
    from via_pipeline.letters import inzage as looked_up

    found = looked_up.read(Home.from_env())
    if as_json:
        told = {"inzagen": [dict(line) for line in found.lines], "problemen": list(found.problems)}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        for line in found.lines:
            account = f" ({line['account']})" if line["account"] != line["wie"] else ""
            typer.echo(f"{line['at']}  {line['wie']}{account}  {line['adres']}  {line['uitkomst']}")
        for problem in found.problems:
            typer.echo(f"Het logboek is aangetast: {problem}.", err=True)
        if not found.problems:
            typer.echo(f"{len(found.lines)} inzagen; het logboek is heel.")
    if found.problems:
        raise typer.Exit(TOUCHED)
