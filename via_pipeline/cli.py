"""``via``: what people do outside the Dagster UI.

Belongs here: commands, their words and exit codes. Does not belong here: the work itself. Nothing
heavy is imported before a command needs it: ``via --help`` knows neither Dagster, Great
Expectations, pandas nor DuckDB.

Exit codes: 0 it worked, also when a partner's file was rejected (that is an outcome); 1 a run
failed, is busy, or lacks what it needs; 2 the command or a setting was not understood; 3 the answer
is no (``via check``: the file would be rejected; ``via broken``: something is). docs/commands.md
lists them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from via_pipeline.commands import (
    backup,
    broken,
    check,
    cijfer,
    inzage,
    mend,
    privacy,
    quarantine,
    release,
    serve,
)
from via_pipeline.commands.guarding import Guarded, limited, looking, spinning, troubles
from via_pipeline.garbage import collect_less_often
from via_pipeline.storage import settings
from via_pipeline.storage.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from via_pipeline.defs.progress import Step

FAILED = 1
_STATE = "last.json"
_LOCK_SECONDS = 5
# What a killed run left half-written is removed by a later one; no write at work takes an hour.
_ORPHAN_SECONDS = 3600
_PLAIN_WIDTH = 120

app = typer.Typer(
    cls=Guarded,
    help="The data platform behind the progress letters of Programma VIA.",
    epilog=(
        "Exit codes: 0 ok (a rejected file is an outcome, not a failure), 1 failed, 2 usage or a "
        "wrong setting, 3 the answer is no (check, broken, reproduce). See docs/commands.md."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _main() -> None:
    """Two places: VIA_HOME (default .via) for what runs make, VIA_DATA (default data) for input."""
    # Before numpy is imported, and for every process started from here: one BLAS thread gives the
    # same last digit on any number of processors, and small matrices are faster without a second.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    collect_less_often()


@app.command()
@looking
def run(
    edition: Annotated[
        list[str] | None,
        typer.Option(help="Editions to publish; default: every one in the register."),
    ] = None,
    force: Annotated[bool, typer.Option(help="Run although nothing is new.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="For scripts: the outcome; words go to standard error.")
    ] = False,
) -> None:
    """Take in what is new, refresh every table and the BI file, and emit the letters.

    A second run with nothing new says so and does almost no work.
    """
    from via_pipeline.storage import kept
    from via_pipeline.storage.atomic import BusyError

    began = time.monotonic()
    # A place that cannot be used is a setting that is wrong, and told by ``Guarded``.
    home = Home.from_env().ensure()
    with _terminal(2 if as_json else 1) as console, troubles(console), limited(console):
        _ready_key(console, home)
        try:
            with kept.alone(home, _LOCK_SECONDS):
                outcome = _run(console, home, edition, force, began)
        except BusyError as error:
            console.print(str(error), style="red", markup=False)
            raise typer.Exit(FAILED) from None
    if as_json:
        typer.echo(json.dumps(outcome, ensure_ascii=False, indent=1))
    if not outcome["is_success"]:
        raise typer.Exit(FAILED)


def _run(
    console: Console, home: Home, chosen: list[str] | None, force: bool, began: float
) -> dict[str, Any]:
    """Run unless nothing is new; the outcome as ``--json`` tells it."""
    from via_pipeline import fingerprint, summary
    from via_pipeline.storage import kept
    from via_pipeline.storage.atomic import sweep
    from via_pipeline.storage.machine import sweep_spills

    for folder in (home.root, home.releases):
        sweep(folder, _ORPHAN_SECONDS)
    kept.tidy(home)
    sweep_spills(home.scratch, _ORPHAN_SECONDS)
    hashes = fingerprint.Hashes.of_home(home)
    state = home.run / _STATE
    known = _read(state)
    editions = _editions(home, chosen)
    now = {"inputs": _inputs(home, hashes), "editions": editions}
    hashes.save()
    if not force and _is_nothing_new(home, known, now):
        console.print(
            f"[green]Nothing new (niets nieuws)[/] since the run of {known['finished_at']}: "
            f"deliveries, register, reference, contracts and code are the same, and all that it "
            f"made is there. {time.monotonic() - began:.1f} s"
        )
        summary.show_places(console, home, editions)
        return {"is_success": True, "is_new": False, "editions": editions}
    # The day on which it began: a run over midnight may not have made the estimates of that day.
    today = _today()
    _wait_until_still(console, home)
    done = _walk(console, home, editions, expect_validation=known.get("inputs") != now["inputs"])
    found = summary.collect(home, datetime.now(UTC).date())
    summary.show(
        console,
        home,
        found,
        checks=done.checks,
        editions=editions,
        seconds=done.seconds,
        total=time.monotonic() - began,
    )
    _tell_trouble(console, home, done)
    if done.is_success and not done.crashes and not done.deferred:
        _write(state, now | {"next_reading": _next_reading(today)}, home, found.plain())
    else:
        state.unlink(missing_ok=True)
    return {
        "is_success": done.is_success,
        "is_new": True,
        "editions": editions,
        "runs": done.runs,
        "failed_steps": done.failed_steps,
        "checks": done.checks,
        "summary": found.plain(),
    }


def _walk(console: Console, home: Home, editions: list[str], *, expect_validation: bool) -> Any:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from via_pipeline.defs.walk import walk

    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[job]}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=not console.is_terminal) as progress:
        task = progress.add_task("importing Dagster and Great Expectations", job="start", total=1)

        def tell(step: Step) -> None:
            if step.kind == "run":
                progress.reset(task, total=step.steps, job=step.job, description="")
            elif step.kind == "start":
                progress.update(task, description=step.step)
            else:
                progress.advance(task)
            if step.kind == "failed":
                progress.print(f"[red]failed[/] {step.step}")

        at = datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return walk(home, editions, tell, expect_validation=expect_validation, at=at)


def _tell_trouble(console: Console, home: Home, done: Any) -> None:
    from via_pipeline.summary import plain, shown

    for crash in done.crashes:
        console.print("[red]crashed[/] ", *plain(crash))
    for step in done.failed_steps:
        console.print("[red]failed[/]  ", *plain(step))
    if done.deferred:
        console.print(
            f"[yellow]{done.deferred} file(s) were still changing and wait for the next run.[/]"
        )
    if done.alerts:
        console.print(f"[bold]Alerts[/]      {done.alerts} new in {shown(home.reports / 'alerts')}")
    if not done.is_success:
        console.print("[red]The run failed.[/] See it with: make ui")
        _tell_damage(console, home)


@app.command()
@looking
def ui(
    port: Annotated[int, typer.Option(help="Port on localhost.")] = 3000,
    host: Annotated[str, typer.Option(help="Address to bind; localhost unless behind a proxy.")] = (
        "127.0.0.1"
    ),
) -> None:
    """Start Dagster's UI with its daemon (schedule, sensors). Ctrl-C stops both.

    Schedules and sensors run here unless VIA_SCHEDULES is set to something else than "on".
    """
    from via_pipeline.defs.instance import prepare

    home = Home.from_env().ensure()
    os.environ["VIA_STATE" if home.url else "VIA_HOME"] = str(home.root)
    os.environ["VIA_DATA"] = str(home.data)
    os.environ.setdefault("VIA_SCHEDULES", "on")
    _ready_key(_console(), home)
    prepare(home)
    from via_pipeline.defs.desk import serve

    raise typer.Exit(serve(host, port))


@app.command()
def sample(
    scale: Annotated[float, typer.Option(help="1 is the shipped size.")] = 1.0,
    seed: Annotated[
        int | None, typer.Option(help="Same seed, same bytes; default: the shipped samples' seed.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder; gets <source>/<date>/<file>.")] = Path(
        "build/landing"
    ),
    source: Annotated[list[str] | None, typer.Option(help="Only these; default all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts: the files.")] = False,
) -> None:
    """Generate synthetic deliveries of every source, with known truth planted in them."""
    from via_pipeline.samples.generate import SHIPPED_SEED, generate

    chosen = SHIPPED_SEED if seed is None else seed
    with _bar(f"generating at scale {scale:g}") as tell:
        try:
            written = generate(out, scale=scale, seed=chosen, sources=source, tell=tell)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    if as_json:
        files = [path.as_posix() for path in written]
        typer.echo(json.dumps({"seed": chosen, "scale": scale, "files": files}, indent=1))
        return
    typer.echo(f"{len(written)} files in {out} (seed {chosen}, scale {scale:g})")


@app.command()
@looking
def deliveries(
    source: Annotated[str | None, typer.Argument(help="Only this source.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """List every file ever seen with its status, from the ledger."""
    home = Home.from_env()
    rows = []
    if home.ledger.exists():
        from via_pipeline.intake.ledger import Ledger

        rows = [
            {
                "source": row.source,
                "file": row.file_name,
                "received": row.received.isoformat() if row.received else None,
                "status": row.status.value,
                "rows_in": row.rows_in,
                "accepted": row.rows_accepted,
                "quarantined": row.rows_quarantined,
                "delivery_id": row.delivery_id,
                "supersedes": row.supersedes,
                "duplicate_of": row.duplicate_of,
                "corrects": row.corrects,
            }
            for row in Ledger(home.ledger).rows(source)
        ]
    if source is not None and not rows:
        from via_pipeline.contracts.model import source_names

        if source not in source_names():
            known = ", ".join(source_names())
            raise typer.BadParameter(f"no source of that name; known: {known}")
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    from rich.table import Table

    from via_pipeline.summary import plain

    console = _console()
    table = Table()
    for name in ("source", "received", "file", "status", "rows_in", "accepted", "quarantined"):
        numeric = name in ("rows_in", "accepted", "quarantined")
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(
            *plain(
                *(
                    "" if row[str(c.header)] is None else str(row[str(c.header)])
                    for c in table.columns
                )
            )
        )
    console.print(table if rows else "The ledger is empty: nothing was taken in yet.")


@app.command()
def template(
    source: Annotated[str, typer.Argument(help="A source, e.g. p5_behoud.")],
    out: Annotated[Path | None, typer.Option(help="Default: sjabloon_<source>.xlsx here.")] = None,
) -> None:
    """Write the template workbook that a partner can fill in, with drop-downs of the code lists."""
    from via_pipeline.contracts import codelists
    from via_pipeline.contracts.model import load, source_names
    from via_pipeline.contracts.rules import needs_codelists
    from via_pipeline.quality.template import write

    if source not in source_names():
        raise typer.BadParameter(f"no contract of that name; known: {', '.join(source_names())}")
    contract = load(source)
    reference = Home.from_env().data / "reference"
    names = {name for table in contract.tables for name in needs_codelists(table)}
    path = out or Path(f"sjabloon_{source}.xlsx")
    write(path, contract, {name: codelists.load(name, reference) for name in sorted(names)})
    typer.echo(str(path))


app.command()(check.check)
app.command()(broken.broken)
app.command()(cijfer.cijfer)
app.command()(inzage.inzage)
app.command()(mend.mend)
app.add_typer(serve.app, name="serve")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(release.app, name="release")
app.command()(spinning(release.verify, "comparing every byte"))
app.command()(spinning(release.reproduce, "making the edition again"))


# --- helpers ---------------------------------------------------------------------------------


def _inputs(home: Home, hashes: Any) -> str:
    """Everything that a run's results depend on, as one digest; the key by its fingerprint."""
    from via_pipeline import fingerprint
    from via_pipeline.intake.pseudonym import load_key

    return f"{fingerprint.whole(home, hashes)}-{load_key(home.root).fingerprint}"


def _is_nothing_new(home: Home, known: dict[str, Any], now: dict[str, Any]) -> bool:
    from via_pipeline import fingerprint

    reading = known.get("next_reading")
    return (
        known.get("inputs") == now["inputs"]
        # The day after a plan's reading date its estimates are due, whatever was delivered.
        and (reading is None or _today() <= date.fromisoformat(reading))
        and set(now["editions"]) <= set(known.get("editions", []))
        and known.get("outputs") == fingerprint.outputs(home)
    )


def _write(state: Path, now: dict[str, Any], home: Home, found: dict[str, Any]) -> None:
    from via_pipeline import fingerprint
    from via_pipeline.storage.atomic import write_json

    at = datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    outputs = fingerprint.outputs(home)
    write_json(state, now | {"outputs": outputs, "finished_at": at, "summary": found})


def _next_reading(day: date) -> str | None:
    """The first reading date that is not over on ``day``."""
    from via_pipeline.outcomes import effects

    reading = effects.next_reading(day)
    return reading.isoformat() if reading else None


def _today() -> date:
    """The day in the Netherlands, as the nightly refresh has it."""
    from zoneinfo import ZoneInfo

    return datetime.now(tz=ZoneInfo("Europe/Amsterdam")).date()


def _read(state: Path) -> dict[str, Any]:
    try:
        found = json.loads(state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _editions(home: Home, chosen: list[str] | None) -> list[str]:
    """The chosen editions, else every one in the register, also of before the first delivery."""
    from via_pipeline.defs.editions import editions

    names = [edition.name for edition in editions(home)]
    if unknown := sorted(set(chosen or []) - set(names)):
        raise typer.BadParameter(f"unknown edition {', '.join(unknown)}; known: {', '.join(names)}")
    return list(chosen or names)


def _ready_key(console: Console, home: Home) -> None:
    """See that there is a pseudonym key and that it is the lake's; make one where none is set."""
    from via_pipeline.intake import pseudonym
    from via_pipeline.intake.ledger import Ledger, LedgerError

    try:
        path = pseudonym.key_file()
        is_first = not home.ledger.exists() and not os.environ.get(pseudonym.KEY_VARIABLE)
        if is_first and pseudonym.make_key(path, home.root):
            console.print(
                f"Made a pseudonym key in {path} (only you can read it). Keep it: with another "
                "key, pseudonyms no longer match."
            )
        key = pseudonym.load_key(home.root)
        if home.ledger.exists():
            Ledger(home.ledger).check_key(key.fingerprint)
    except (pseudonym.KeyProblem, LedgerError) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(FAILED) from None


def _wait_until_still(console: Console, home: Home) -> None:
    """Intake leaves files that changed a moment ago; on a fresh clone that is all of them."""
    from via_pipeline import fingerprint

    settle = settings.settle_seconds()
    newest = max((path.stat().st_mtime for path in fingerprint.inputs(home)), default=0.0)
    wait = settle - (time.time() - newest)
    if 0 < wait <= settle:
        console.print(f"Waiting {wait:.0f} s: files in {home.data.name}/ changed a moment ago.")
        time.sleep(wait + 0.1)


@contextmanager
def _bar(doing: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, moved by what is yielded (done, total); silent off a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(doing, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _tell_damage(console: Console, home: Home) -> None:
    """Whether files of the lake are damaged: then another run would fail as well."""
    from via_pipeline.contracts.model import load_all
    from via_pipeline.pilots.mend import damaged

    if count := damaged(home, load_all()).count:
        console.print(
            f"[red]{count} deliveries or tables of the lake are damaged or incomplete.[/] "
            "Mend them with: via mend"
        )


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)


@contextmanager
def _terminal(standard: int = 1) -> Iterator[Console]:
    """A console on a copy of standard output (2: of standard error).

    Dagster redirects the original while a step runs.
    """
    from rich.console import Console

    with os.fdopen(os.dup(standard), "w", encoding="utf-8", errors="replace") as copy:
        width = None if copy.isatty() else _PLAIN_WIDTH
        yield Console(file=copy, highlight=False, width=width)


backup.register(app)
privacy.register(app)


if __name__ == "__main__":
    app()
