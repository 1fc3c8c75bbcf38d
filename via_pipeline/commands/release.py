"""``via release``, ``via verify``, ``via reproduce``: an edition on its way out, and afterwards.

Belongs here: commands, their Dutch words and exit codes. Does not belong here: the gate itself
(``letters.release``).

Exit codes: 0 done, all is well; 1 the gate refuses, the screener has a FAIL, something was touched
or differs; 2 the command was not understood; 3 an edition could not be made again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from via_pipeline.commands.guarding import changing, changing_when, looking
from via_pipeline.storage import sums
from via_pipeline.storage.home import Home

if TYPE_CHECKING:
    from via_pipeline.letters.release.dossier import Dossier
    from via_pipeline.letters.release.screening.outcome import Outcome

REFUSED = 1
NOT_MADE = 3
USER = "VIA_USER"

app = typer.Typer(
    help="Een editie van concept naar gepubliceerd: indienen, controleren, stemmen, publiceren.",
    epilog="Exit: 0 gelukt, 1 geweigerd of FAIL, 2 verkeerd gebruik. Zie docs/releasing.md.",
    no_args_is_help=True,
)

Edition = Annotated[str, typer.Argument(help="Een editie uit het register, bijvoorbeeld derde.")]
Who = Annotated[
    str,
    typer.Option("--as", envvar=USER, help="Gebruikersnaam; wordt vastgelegd, niet bewezen."),
]
At = Annotated[
    str | None, typer.Option("--at", help="Tijdstip (UTC, 2020-11-10T09:00:00Z); anders nu.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Voor scripts.")]
Reason = Annotated[str, typer.Option(help="In gewone woorden; verplicht.")]

_NEXT = {
    "concept": "indienen: via release submit",
    "ingediend": "controleurs aanwijzen: via release assign",
    "goedgekeurd": "publiceren: via release publish",
    "gepubliceerd": "een correctie begint met: via release revise",
    "teruggestuurd": "verbeteren en opnieuw indienen: via release submit",
    "ingetrokken": "opnieuw beginnen: via release revise",
}


@app.command()
@looking
def status(
    edition: Annotated[str | None, typer.Argument(help="Een editie; anders alle.")] = None,
    as_json: AsJson = False,
) -> None:
    """Waar staat een editie, en wie is aan zet?"""
    from via_pipeline.letters.release import freeze, gate

    home = Home.from_env()
    with _refusals():
        names = sorted({*freeze.editions(home), *_concepts(home)})
        found = [gate.dossier(home, name) for name in ([edition] if edition else names)]
    if as_json:
        _json([_plain(item) for item in found])
        return
    if not found:
        typer.echo("Er is nog geen editie. Draai eerst: via run")
    for item in found:
        _tell(item)


@app.command()
@changing
def submit(edition: Edition, who: Who, at: At = None, as_json: AsJson = False) -> None:
    """Dien het concept in zoals het er nu ligt; vanaf hier gaat alles over deze bytes."""
    from via_pipeline.letters.release import gate

    _do(as_json, lambda home: gate.submit(home, edition, who, _moment(at)))


@app.command()
@changing
def assign(
    edition: Edition,
    who: Who,
    checker: Annotated[list[str], typer.Option(help="Een controleur; twee keer te geven.")],
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Wijs twee controleurs aan, geen van beiden de indiener."""
    from via_pipeline.letters.release import gate

    _do(as_json, lambda home: gate.assign(home, edition, checker, who, _moment(at)))


@app.command()
@changing_when(lambda options: options["who"] is not None)
def screen(
    edition: Edition,
    who: Annotated[
        str | None, typer.Option("--as", envvar=USER, help="Leg vast dat er gescreend is.")
    ] = None,
    at: At = None,
    everything: Annotated[bool, typer.Option("--all", help="Toon ook elke PASS.")] = False,
    as_json: AsJson = False,
) -> None:
    """Laat de screener naar het concept of het ingediende pakket kijken: PASS, WARN, FAIL."""
    from via_pipeline.letters.release import gate
    from via_pipeline.letters.release.screening.outcome import Status
    from via_pipeline.letters.release.screening.run import counted

    with _refusals():
        outcomes = gate.screened(Home.from_env(), edition, who, _moment(at))
    counts = counted(outcomes)
    if as_json:
        _json({"aantallen": counts, "uitkomsten": [_outcome(item) for item in outcomes]})
    else:
        _show_outcomes(outcomes, everything)
        typer.echo(", ".join(f"{count} {name}" for name, count in counts.items()))
    if counts[Status.FAIL.value]:
        raise typer.Exit(REFUSED)


@app.command()
@changing
def check(edition: Edition, who: Who, at: At = None, as_json: AsJson = False) -> None:
    """Voor een controleur: wat zit er in elk bestand, en wat zegt de screener? Wordt vastgelegd."""
    from via_pipeline.letters.release import gate

    with _refusals():
        seen = gate.check(Home.from_env(), edition, who, _moment(at))
    if as_json:
        _json(
            _plain(seen.dossier)
            | {
                "map": str(seen.folder),
                "bestanden": [asdict(item) for item in seen.files],
                "screener": [_outcome(item) for item in seen.outcomes],
                "audit": seen.audit,
            }
        )
        return
    _show_files(seen.files)
    if seen.audit is None:
        typer.echo("Audit van de onthulling: er is geen samenvatting van de intervallen.")
    else:
        typer.echo(f"Audit van de onthulling: {json.dumps(seen.audit, ensure_ascii=False)}")
    _show_outcomes(seen.outcomes, everything=False)
    _tell(seen.dossier)
    typer.echo(f"Het pakket zelf: {_shown(seen.folder)}")


@app.command()
@changing
def tick(
    edition: Edition,
    item: Annotated[str, typer.Argument(help="Een punt van de checklist; zie via release status.")],
    who: Who,
    answer: Annotated[str, typer.Option(help="ja of nvt.")] = "ja",
    note: Annotated[str, typer.Option(help="Toelichting; verplicht bij nvt.")] = "",
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Beantwoord een punt van de checklist."""
    from via_pipeline.letters.release import gate

    _do(as_json, lambda home: gate.tick(home, edition, item, answer, note, who, _moment(at)))


@app.command()
@changing_when(lambda options: not options["seal_only"])
def vote(
    edition: Edition,
    who: Who,
    choice: Annotated[
        str, typer.Option("--vote", prompt="Uw stem (akkoord / niet_akkoord)", help="Uw stem.")
    ],
    note: Annotated[str, typer.Option(help="Toelichting; gaat open met de stem.")] = "",
    seal_only: Annotated[
        bool, typer.Option("--seal-only", help="Niets vastleggen: alleen zegel en briefje maken.")
    ] = False,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Stem, verzegeld. Bewaar het briefje: alleen daarmee gaat de stem straks open.

    Niemand kan de stem lezen voordat beide binnen zijn, ook de beheerder niet.
    """
    from via_pipeline.letters.release import gate

    salt = secrets.token_hex(16)
    with _refusals():
        home = Home.from_env()
        if seal_only:
            seal, code = gate.sealed(home, edition, _vote(choice), note, who, salt=salt)
            _json({"zegel": seal, "briefje": code})
            return
        found = gate.vote(home, edition, _vote(choice), note, who, _moment(at), salt=salt)
    is_open = not found.dossier.sealed or who in found.dossier.opened
    if as_json:
        _json(_plain(found.dossier) | {"briefje": None if is_open else found.code})
        return
    if is_open or len(found.dossier.opened):
        typer.echo("Beide stemmen zijn binnen; de uwe is geopend.")
    else:
        typer.echo("Uw stem is binnen en verzegeld. Bewaar dit briefje tot de tweede stem er is:")
        typer.echo(f"\n  {found.code}\n")
        typer.echo(f"Daarna: via release open {edition} --as {who}")
    _tell(found.dossier)


@app.command(name="open")
@changing
def open_(
    edition: Edition,
    who: Who,
    code: Annotated[str, typer.Option(prompt="Uw briefje", help="Het briefje van uw stem.")],
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Open de eigen stem, als beide binnen zijn. Twee keer akkoord is goedgekeurd."""
    from via_pipeline.letters.release import gate

    _do(as_json, lambda home: gate.open_vote(home, edition, code, who, _moment(at)))


@app.command()
@changing
def revote(
    edition: Edition, who: Who, reason: Reason, at: At = None, as_json: AsJson = False
) -> None:
    """Begin een nieuwe stemronde (een briefje is zoek)."""
    from via_pipeline.letters.release import gate

    _do(as_json, lambda home: gate.revote(home, edition, reason, who, _moment(at)))


@app.command(name="return")
@changing
def return_(
    edition: Edition, who: Who, reason: Reason, at: At = None, as_json: AsJson = False
) -> None:
    """Stuur het pakket terug naar de indiener."""
    from via_pipeline.letters.release import gate

    _do(as_json, lambda home: gate.send_back(home, edition, reason, who, _moment(at)))


@app.command()
@changing
def publish(edition: Edition, who: Who, at: At = None, as_json: AsJson = False) -> None:
    """Publiceer wat is goedgekeurd: bevroren, voor altijd."""
    from via_pipeline.letters.release import gate

    with _refusals():
        found, folder = gate.publish(Home.from_env(), edition, who, _moment(at))
    if as_json:
        _json(_plain(found) | {"map": str(folder)})
        return
    _tell(found)
    typer.echo(f"Bevroren in {_shown(folder)}. Leg die map en het logboek vast in versiebeheer.")


@app.command()
@changing
def withdraw(
    edition: Edition, who: Who, reason: Reason, at: At = None, as_json: AsJson = False
) -> None:
    """Trek in. Van wat gepubliceerd is, blijft alles staan; de reden wordt openbaar."""
    from via_pipeline.letters.release import gate

    _do(as_json, lambda home: gate.withdraw(home, edition, reason, who, _moment(at)))


@app.command()
@changing
def revise(
    edition: Edition, who: Who, reason: Reason, at: At = None, as_json: AsJson = False
) -> None:
    """Begin een correctie: een nieuwe revisie, met een reden die openbaar wordt."""
    from via_pipeline.letters.release import concept

    _do(as_json, lambda home: concept.revise(home, edition, reason, who, _moment(at)))


@app.command()
@looking
def log(edition: Edition, as_json: AsJson = False) -> None:
    """Het logboek van een editie: wie deed wat, wanneer."""
    from via_pipeline.letters.release import log as logs
    from via_pipeline.letters.release.record import edition_name

    with _refusals():
        content = logs.read(logs.path_of(Home.from_env(), edition_name(edition)))
    if as_json:
        _json([json.loads(record.line()) for record in content.records])
    else:
        for record in content.records:
            more = {k: v for k, v in record.gegevens.items() if k not in ("zegel", "zout", "code")}
            told = json.dumps(more, ensure_ascii=False) if more else ""
            typer.echo(
                f"{record.nr:>3}  {record.at}  r{record.revisie}  {record.wie:<12} "
                f"{record.actie:<12} {told}".rstrip()
            )
        if content.records:
            last = content.records[-1]
            typer.echo(f"Sluitcontrolegetal na aantekening {last.nr}: {last.sha256}")
        else:
            typer.echo("Het logboek is leeg.")
    if content.problems:
        typer.echo("\n".join(content.problems), err=True)
        raise typer.Exit(REFUSED)


@app.command()
@changing
def impact(
    edition: Edition,
    revision: Annotated[int | None, typer.Option(help="Anders de nieuwste.")] = None,
    as_json: AsJson = False,
) -> None:
    """Wat zouden late en gecorrigeerde leveringen aan een gepubliceerde editie veranderen?

    De editie blijft zoals zij is. Het overzicht per cel komt in reports/ (alleen voor binnen).
    """
    from via_pipeline.letters.release import impact as impacts

    home = Home.from_env().ensure()
    with _refusals():
        found = impacts.impact(home, edition, revision)
        folder = impacts.write(home, found)
    if as_json:
        _json(
            {
                "editie": edition,
                "revisie": found.revision,
                "leveringen_erbij": found.added,
                "leveringen_niet_meer": found.dropped,
                "cellen": len(found.cells),
                "per_dataset": found.by_dataset,
                "map": str(folder),
            }
        )
        return
    typer.echo(impacts.text(found))
    typer.echo(f"Cel voor cel: {_shown(folder / 'gevolgen.csv')}")


@looking
def verify(
    edition: Annotated[str | None, typer.Argument(help="Een editie; anders alles.")] = None,
    as_json: AsJson = False,
) -> None:
    """Is er aan iets gezeten? Pakketten, het logboek van de poort, en de bewaarde leveringen.

    Exit: 0 alles klopt, 1 er is iets veranderd of weg, 2 verkeerd gebruik.
    """
    from via_pipeline.letters.release import verify as room

    with _refusals():
        found = room.verify(Home.from_env(), edition)
    if as_json:
        _json({"klopt": found.is_right} | asdict(found))
    else:
        for item in found.findings:
            what = f"{item.edition} " if item.edition else ""
            typer.echo(
                f"{item.severity.value.upper():<7} {what}{item.kind} {item.where}: {item.text}"
            )
        typer.echo(
            f"{'Alles klopt' if found.is_right else 'Er klopt iets niet'}: {found.files} "
            "bestanden, "
            f"{found.records} aantekeningen en {found.deliveries} leveringen nagegaan."
        )
    if not found.is_right:
        raise typer.Exit(REFUSED)


@looking
def reproduce(
    edition: Edition,
    revision: Annotated[int | None, typer.Option(help="Anders de nieuwste.")] = None,
    as_json: AsJson = False,
) -> None:
    """Maak een gepubliceerde editie opnieuw uit de bewaarde leveringen en vergelijk elk bestand.

    Exit: 0 gelijk, 1 anders, 2 verkeerd gebruik, 3 niet te maken (een levering ontbreekt).
    """
    from via_pipeline.letters.release import rebuild

    home = Home.from_env().ensure()
    with _refusals():
        found = rebuild.rebuild(home, edition, revision)
    if as_json:
        _json(asdict(found) | {"is_equal": found.is_equal})
    elif found.is_equal:
        typer.echo(f"Gelijk: alle {found.files} bestanden van {edition} r{found.revision}.")
    else:
        if found.is_made:
            typer.echo(f"Anders: {len(found.differences)} van {found.files} bestanden.")
        else:
            typer.echo(f"Niet opnieuw te maken: {edition} r{found.revision}.")
        for item in found.differences:
            typer.echo(f"  {item.kind:<10} {item.file}")
        for reason in found.reasons:
            typer.echo(f"Reden: {reason}")
    if not found.is_made:
        raise typer.Exit(NOT_MADE)
    if not found.is_equal:
        raise typer.Exit(REFUSED)


# --- helpers ---------------------------------------------------------------------------------


@contextmanager
def _refusals() -> Iterator[None]:
    """A refusal is told in a sentence, with exit code 1; a wrong name is a usage error."""
    from via_pipeline.intake.pseudonym import KeyProblem
    from via_pipeline.letters.release.candidate import NoPackage
    from via_pipeline.letters.release.dossier import Refused
    from via_pipeline.letters.release.freeze import FrozenError
    from via_pipeline.letters.release.log import LogError
    from via_pipeline.letters.release.rebuild import NotPublished
    from via_pipeline.letters.release.record import RecordError
    from via_pipeline.storage.atomic import BusyError

    known = (Refused, LogError, NoPackage, FrozenError, NotPublished, BusyError, KeyProblem)
    try:
        yield
    except known as error:
        typer.echo(f"Geweigerd: {error}", err=True)
        raise typer.Exit(REFUSED) from None
    except (RecordError, LookupError) as error:
        raise typer.BadParameter(str(error.args[0] if error.args else error)) from None


def _do(as_json: bool, step: Callable[[Home], Dossier]) -> None:
    with _refusals():
        found = step(Home.from_env().ensure())
    if as_json:
        _json(_plain(found))
    else:
        _tell(found)


def _tell(found: Dossier) -> None:
    """Where an edition stands, and who is next."""
    typer.echo(f"{found.edition} r{found.revision}: {found.state.value}")
    if found.note:
        typer.echo(f"  reden van deze revisie: {found.note}")
    if found.reason and found.state.value in ("teruggestuurd", "ingetrokken"):
        typer.echo(f"  reden: {found.reason}")
    if found.authors:
        typer.echo(f"  ingediend door {', '.join(sorted(found.authors))}")
    if found.checkers:
        typer.echo(f"  controleurs {', '.join(found.checkers)}")
    for name, (said, note) in sorted(found.opened.items()):
        typer.echo(f"  {name}: {said.value}{f' ({note})' if note else ''}")
    if found.state.value in ("in_controle", "goedgekeurd") and found.open_items:
        from via_pipeline.letters.release import checklist

        typer.echo("  open op de checklist:")
        for name in found.open_items:
            item = checklist.items()[name]
            typer.echo(f"    {name} ({item.by.value}): {item.text}")
    for item in found.published:
        gone = " (ingetrokken)" if item.retracted else ""
        typer.echo(f"  gepubliceerd: r{item.revision} op {item.at} door {item.who}{gone}")
    typer.echo(f"  aan zet: {_turn(found)}")


def _turn(found: Dossier) -> str:
    if found.state.value != "in_controle":
        return _NEXT[found.state.value]
    waiting = ", ".join(found.waiting_for)
    if len(found.sealed) < len(found.checkers):
        return f"{waiting} (via release check, tick en vote)"
    return f"{waiting} (via release open)"


def _plain(found: Dossier) -> dict[str, Any]:
    return {
        "editie": found.edition,
        "revisie": found.revision,
        "staat": found.state.value,
        "ronde": found.round,
        "pakket": found.package,
        "indieners": sorted(found.authors),
        "controleurs": list(found.checkers),
        "bekeken": sorted(found.viewed),
        "gestemd": sorted(found.sealed),
        "stemmen": {name: said.value for name, (said, _) in sorted(found.opened.items())},
        "open_op_checklist": found.open_items,
        "gepubliceerd": [asdict(item) for item in found.published],
        "reden": found.reason,
        "aan_zet": _turn(found),
    }


def _outcome(item: Outcome) -> dict[str, str]:
    return {
        "controle": item.check,
        "status": item.status.value,
        "bestand": item.where,
        "reden": item.reason,
        "wat_te_doen": item.todo,
    }


def _show_outcomes(outcomes: Any, everything: bool) -> None:
    for item in outcomes:
        if everything or item.status.value != "PASS":
            where = f" {item.where}" if item.where else ""
            typer.echo(
                f"{item.status.value}  {item.check}{where}"
                + (f": {item.reason}" * bool(item.reason))
            )
            if item.todo and item.status.value != "PASS":
                typer.echo(f"      {item.todo}")


def _show_files(files: Any) -> None:
    for item in files:
        if item.rows is None:
            typer.echo(f"{item.file}: {item.bytes} bytes")
            continue
        typer.echo(f"{item.file}: {item.rows} rijen, waarvan {item.synthetic} synthetisch")
        for name, value in item.smallest.items():
            base = item.rounded_to[name]
            rounded = (
                "te weinig cijfers om afronding te zien"
                if base is None
                else "niet afgerond"
                if base == 1
                else f"afgerond op {base}"
            )
            typer.echo(f"    {name}: kleinste boven nul {value}; {rounded}")
        typer.echo(f"    sommen: {item.sums_checked} nagerekend, {item.sums_wrong} fout")
        hidden = ", ".join(f"{count} {code}" for code, count in item.hidden.items()) or "geen"
        typer.echo(f"    zonder cijfer: {hidden}")


def _vote(text: str) -> Any:
    from via_pipeline.letters.release.ballot import Vote

    try:
        return Vote(text.strip().lower().replace(" ", "_"))
    except ValueError:
        raise typer.BadParameter("de stem is akkoord of niet_akkoord") from None


def _moment(at: str | None) -> str:
    from via_pipeline.letters.release.record import instant

    if at is None:
        return instant(datetime.now(tz=UTC))
    try:
        return instant(datetime.fromisoformat(at))
    except ValueError:
        raise typer.BadParameter("een tijdstip heeft een tijdzone: 2020-11-10T09:00:00Z") from None


def _concepts(home: Home) -> list[str]:
    return [path.parent.name for path in home.letters.glob(f"*/{sums.NAME}")]


def _json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def _shown(path: Path) -> str:
    from via_pipeline.summary import shown

    return shown(path)
