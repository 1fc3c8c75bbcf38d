"""``via mend``: make the lake good again after a disk damaged or lost a file of it.

Belongs here: the command, its words and exit codes. Does not belong here: the work
(``pilots.mend``).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from via_pipeline.commands.guarding import looking
from via_pipeline.storage.home import Home

FAILED = 1
_BUSY_SECONDS = 5


@looking
def mend(
    check: Annotated[bool, typer.Option("--check", help="Only look; change nothing.")] = False,
) -> None:
    """Find damaged or missing files of the lake, make them anew from landing, and run.

    Exit codes: 0 all is well; 1 something is damaged (--check), or a delivery cannot be made anew
    because its file is not in landing any more; 2 usage.
    """
    from via_pipeline.contracts.model import load_all
    from via_pipeline.intake.ledger import LedgerError
    from via_pipeline.intake.pseudonym import KeyProblem, load_key
    from via_pipeline.pilots import mend as work
    from via_pipeline.storage import kept
    from via_pipeline.storage.atomic import BusyError

    home = Home.from_env()
    if not home.ledger.exists():
        typer.echo("Nothing was taken in yet.")
        return
    now = datetime.now(tz=UTC)
    try:
        with kept.alone(home, _BUSY_SECONDS):
            if check:
                found = work.damaged(home, load_all())
                _tell(found)
                if found.count:
                    raise typer.Exit(FAILED)
                return
            run_id = f"mend-{now:%Y%m%dT%H%M%SZ}"
            done = work.mend(home, load_all(), load_key(home.root), now=now, run_id=run_id)
    except (BusyError, KeyProblem, LedgerError) as error:
        typer.echo(f"via mend: {error}", err=True)
        raise typer.Exit(FAILED) from None
    typer.echo(
        f"{done.deliveries} deliveries read and judged again, {done.tables} tables to be made anew."
    )
    for delivery_id in done.lost:
        typer.echo(f"{delivery_id}: its file is not in landing any more; see `via restore`.")
    if done.lost:
        raise typer.Exit(FAILED)
    if done.deliveries or done.tables:
        from via_pipeline.cli import run

        run(force=True)


def _tell(found) -> None:
    for source, ids in sorted(found.deliveries.items()):
        for delivery_id in ids:
            typer.echo(f"{source}: {delivery_id} is damaged or incomplete")
    for table in found.tables:
        typer.echo(f"table {table} is damaged")
    typer.echo(f"{found.count} found" + ("; mend with: via mend" if found.count else ""))
