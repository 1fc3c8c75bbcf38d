"""``via erase``, ``via bezwaar``, ``via rekey``, ``via retention``, ``via avg``: people's rights.

Belongs here: commands, their words and exit codes. Does not belong here: the work (``privacy``). An
identifier is read from standard input only: arguments stand in the shell's history and in every
list of processes. Nothing here prints or logs one, nor a pseudonym.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from via_pipeline.commands.guarding import looking, working
from via_pipeline.storage.home import Home

if TYPE_CHECKING:
    from via_pipeline.intake.pseudonym import Key
    from via_pipeline.privacy.erase import Erased

FAILED = 1
_BUSY_SECONDS = 5
_TEXT = typer.Option("--type", help="Kind of identifier: bsn, onderwijsnummer, personeelsnummer.")
_FIELD = typer.Option(help="What the identifier belongs to, e.g. werkgever=A. May be repeated.")

avg = typer.Typer(
    help="Documents that the AVG asks for, made of the contracts (Dutch, Markdown).",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command("erase")(erase)
    app.command("bezwaar")(objection)
    app.command("rekey")(rekey)
    app.command("retention")(retention)
    app.add_typer(avg, name="avg")


@looking
def erase(
    id_type: Annotated[str, _TEXT],
    field: Annotated[list[str] | None, _FIELD] = None,
    dry_run: Annotated[bool, typer.Option(help="Say what would be done; change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts; no identifier.")] = False,
) -> None:
    """Erase a person: the identifier is read from standard input, its parts a line each.

    Takes the person out of lake, quarantine, reports and kept deliveries, and sees to it that no
    later delivery brings them back. Figures are made anew by the next 'via run'.
    """
    from via_pipeline.contracts.model import load_all
    from via_pipeline.privacy.erase import NobodyMeant
    from via_pipeline.privacy.erase import erase as work

    home, texts = Home.from_env().ensure(), _standard_input()
    with _trouble(home), _alone(home), working("erasing"):
        try:
            done = work(
                home,
                load_all(),
                _key(home),
                id_type,
                texts,
                _fields(field),
                now=datetime.now(tz=UTC),
                run_id=_run_id("erase"),
                dry_run=dry_run,
            )
        except NobodyMeant as error:
            raise typer.BadParameter(str(error)) from None
    if as_json:
        _json(asdict(done))
    else:
        _tell(done)


@looking
def objection(
    id_type: Annotated[str, _TEXT],
    field: Annotated[list[str] | None, _FIELD] = None,
) -> None:
    """Note an objection (AVG art. 21): the identifier is read from standard input.

    From the next 'via run' the person is in no table that anything is counted from.
    """
    from via_pipeline.contracts.model import load_all
    from via_pipeline.intake import exclusions
    from via_pipeline.intake.ledger import Ledger
    from via_pipeline.privacy.erase import NobodyMeant, messages

    home, texts = Home.from_env().ensure(), _standard_input()
    with _trouble(home), _alone(home):
        key = _key(home)
        Ledger(home.ledger).check_key(key.fingerprint)
        try:
            meant = messages(load_all(), id_type, texts, _fields(field))
        except NobodyMeant as error:
            raise typer.BadParameter(str(error)) from None
        today = datetime.now(tz=UTC).date()
        new = [
            exclusions.add(home, key, exclusions.OBJECTED, id_type, message, today)
            for message in sorted(meant)
        ]
    typer.echo(
        "Het bezwaar is vastgelegd; vanaf de volgende verwerking telt deze persoon nergens mee.\n"
        "The objection is noted; from the next run on this person counts nowhere."
        if any(new)
        else "Dit bezwaar was al vastgelegd. / This objection was noted before."
    )


@looking
def rekey(
    new_key_file: Annotated[
        Path, typer.Option(help="File with the new key (hexadecimal, 0600, outside VIA_HOME).")
    ],
) -> None:
    """Take another pseudonym key: every kept delivery is read again under it.

    The present key comes from VIA_PSEUDONYM_KEY or the key file. Afterwards put the new key in its
    place. When it is interrupted, run the same command again before anything else.
    """
    from via_pipeline.contracts.model import load_all
    from via_pipeline.intake.pseudonym import KeyProblem, key_from_file
    from via_pipeline.privacy.rekey import NotKept, OldKeyLeft
    from via_pipeline.privacy.rekey import rekey as work

    home = Home.from_env().ensure()
    with _trouble(home), _alone(home), working("reading every delivery again"):
        try:
            new = key_from_file(new_key_file, home.root)
            done = work(
                home,
                load_all(),
                _key(home),
                new,
                now=datetime.now(tz=UTC),
                run_id=_run_id("rekey"),
            )
        except (KeyProblem, NotKept, OldKeyLeft, ValueError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(FAILED) from None
    typer.echo(
        f"{done.deliveries} deliveries read again; {done.persons_before} pseudonyms replaced by "
        f"{done.persons_after}. Now put the new key in the place of the old one "
        "(VIA_PSEUDONYM_KEY or the key file), destroy the old one, and run 'via run'."
    )


@looking
def retention(
    dry_run: Annotated[bool, typer.Option(help="List what is due; delete nothing.")] = False,
    today: Annotated[
        str | None, typer.Option(help="With --dry-run: as on this day (YYYY-MM-DD).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Delete what was kept for its term; the nightly refresh does the same."""
    from via_pipeline.contracts.model import load_all
    from via_pipeline.privacy import retention as room

    if today is not None and not dry_run:
        raise typer.BadParameter("--today goes with --dry-run only")
    home = Home.from_env().ensure()
    now = datetime.now(tz=UTC)
    if dry_run:
        try:
            day = date.fromisoformat(today) if today else now.date()
        except ValueError:
            raise typer.BadParameter(f"'{today}' is not a day; write it as 2026-01-31") from None
        items = room.due(home, load_all(), day)
        if as_json:
            _json(
                [
                    {"until": item.until, "source": item.row.source, "file": item.row.file_name}
                    for item in items
                ]
            )
            return
        for item in items:
            typer.echo(f"{item.until}  {item.row.source}  {item.row.file_name}")
        return
    with _trouble(home), _alone(home):
        done = room.enforce(home, load_all(), now=now, run_id=_run_id("retention"))
    if as_json:
        _json([asdict(removal) for removal in done])
        return
    for removal in done:
        typer.echo(f"{removal.delivery_id}: {removal.rows} rows, {removal.files} files deleted")
    typer.echo(f"{len(done)} deliveries deleted.")


@avg.command("register")
def avg_register() -> None:
    """The record of processing activities (register van verwerkingen, AVG art. 30)."""
    from via_pipeline.contracts.model import load_all
    from via_pipeline.privacy.avg import register_of_processing

    typer.echo(register_of_processing(load_all()), nl=False)


@avg.command("dpia")
def avg_dpia() -> None:
    """The starting text of a DPIA (AVG art. 35)."""
    from via_pipeline.contracts.model import load_all
    from via_pipeline.privacy.avg import dpia

    typer.echo(dpia(load_all()), nl=False)


def _tell(done: Erased) -> None:
    head = "Zou worden gewist" if done.is_dry else "Gewist"
    typer.echo(f"{head}: {len(done.deliveries)} leveringen / deliveries ({done.id_type}).")
    for one in done.deliveries:
        typer.echo(f"  {one.source}  {one.name}: {one.rows} rijen / rows; bestand: {one.file}")
    if done.unread:
        typer.echo(
            "Niet te doorzoeken, kijk zelf / could not be searched, look yourself: "
            + ", ".join(done.unread)
        )
    typer.echo(
        "\nUitgebrachte cijfers veranderen niet. Zij zijn tellingen en gemiddelden die door de "
        "onthullingscontrole zijn gegaan en van niemand meer persoonsgegevens zijn; een editie "
        "die de Kamer heeft gekregen blijft wat zij was (AVG art. 17 lid 3 onder d). "
        "Edities: " + (", ".join(done.editions) or "geen") + ".\n"
        "Published figures do not change. They are counts and means that passed disclosure "
        "control and are nobody's personal data any more; an edition that Parliament has received "
        "stays what it was (GDPR art. 17(3)(d)). Editions: "
        + (", ".join(done.editions) or "none")
        + ".\nNieuwe cijfers / new figures: via run."
    )


def _json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def _standard_input() -> list[str]:
    """The identifier's parts, a line each; never echoed."""
    texts = [line.strip() for line in sys.stdin.read().splitlines()]
    while texts and not texts[-1]:
        texts.pop()
    if not texts:
        raise typer.BadParameter("nothing on standard input: give the identifier there")
    return texts


def _fields(given: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in given or []]
    if any(not sign for _, sign, _ in pairs):
        raise typer.BadParameter("a field is written as name=value")
    return {name: value for name, _, value in pairs}


def _key(home: Home) -> Key:
    from via_pipeline.intake.pseudonym import load_key

    return load_key(home.root)


def _run_id(what: str) -> str:
    return f"{what}-{datetime.now(tz=UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}"


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """No run meanwhile, and the next one finds something to do."""
    from via_pipeline.storage import kept

    with kept.alone(home, _BUSY_SECONDS):
        yield


@contextmanager
def _trouble(home: Home) -> Iterator[None]:
    from via_pipeline.intake.exclusions import ListProblem
    from via_pipeline.intake.ledger import LedgerError
    from via_pipeline.intake.pseudonym import KeyProblem
    from via_pipeline.storage.atomic import BusyError

    try:
        yield
    except (BusyError, KeyProblem, LedgerError, ListProblem) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FAILED) from None
    except OSError as error:
        # The path may name a partner's file.
        typer.echo(f"a file cannot be written: {error.strerror}; run it again", err=True)
        raise typer.Exit(FAILED) from None
