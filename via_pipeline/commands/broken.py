"""``via broken``: what is broken right now, as the status site and the standing check have it.

Belongs here: the words and the exit code. Does not belong here: what is broken (``status.broken``),
reading Dagster's records (``defs.standing``).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from via_pipeline.commands.guarding import changing_when, working
from via_pipeline.storage.home import Home

if TYPE_CHECKING:
    from via_pipeline.status.broken import Broken

FAILED = 1
SOMETHING = 3


@changing_when(lambda options: options["site"])
def broken(
    warnings: Annotated[bool, typer.Option(help="Also show what only warns.")] = False,
    site: Annotated[bool, typer.Option(help="Also write the status site anew.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts: all of it.")] = False,
) -> None:
    """What is broken right now: runs, checks, rejected and late deliveries, tables that are old.

    Exit codes: 0 nothing (perhaps warnings), 3 something is broken, 1 it could not be looked at.
    """
    home = Home.from_env()
    with working("looking"):
        found, page = _look(home, site)
    from via_pipeline.status.broken import is_wrong

    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1))
    else:
        _show(found, warnings)
        if page:
            typer.echo(f"Statussite: {page}")
    if is_wrong(found):
        raise typer.Exit(SOMETHING)


def _look(home: Home, site: bool) -> tuple[list[Broken], str | None]:
    import warnings as silence

    # In a home in which nothing ever ran there is nothing to ask, and nothing is made by asking.
    # Who keeps a DAGSTER_HOME of their own (another database, say) has one.
    has_run = bool(os.environ.get("DAGSTER_HOME")) or (home.dagster / "history").exists()
    from via_pipeline.contracts.model import load_all
    from via_pipeline.status import broken as room
    from via_pipeline.status.facts import Facts

    at = datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    facts: Any = Facts(at=at)
    if has_run:
        with silence.catch_warnings():
            silence.simplefilter("ignore")
            from via_pipeline.defs import standing
            from via_pipeline.defs.assemble import build_defs
            from via_pipeline.defs.instance import opened

            with opened(home) as instance:
                facts = standing.gather(instance, build_defs().resolve_asset_graph(), at)
    contracts = load_all()
    page = None
    if site:
        from via_pipeline.status import site as pages
        from via_pipeline.summary import shown

        page = shown(pages.build(home.ensure(), contracts, facts))
    return room.broken(home, contracts, facts), page


def _show(found: list[Broken], warnings: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    from via_pipeline.status.broken import TITLES, Kind, counted

    console = Console(highlight=False, soft_wrap=True)
    counts = counted(found)
    if not any(one.kind is not Kind.WARNING for one in found):
        console.print(Text("Niets is kapot.", style="green"))
    for kind in Kind:
        items = [one for one in found if one.kind is kind]
        if not items or (kind is Kind.WARNING and not warnings):
            continue
        style = "yellow" if kind is Kind.WARNING else "red"
        console.print(Text(f"{TITLES[kind]} ({len(items)})", style=f"bold {style}"))
        for one in items:
            since = f"  [{one.since[:10]}]" if one.since else ""
            console.print(Text(f"  {one.subject}{since}\n    {one.told}\n    > {one.action}"))
    hidden = counts.get(Kind.WARNING.value, 0)
    if hidden and not warnings:
        console.print(Text(f"Waarschuwingen: {hidden} (via broken --warnings)", style="yellow"))
