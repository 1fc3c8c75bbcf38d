"""``via cijfer <adres>``: what a figure in a letter means and where it comes from.

Belongs here: showing what ``letters.lookup`` finds in the package that ``release.resolve`` names,
and recording that it was asked. Exit codes: 0 found, 1 no such figure here, 2 no address.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from via_pipeline.commands.guarding import changing
from via_pipeline.storage.home import Home

if TYPE_CHECKING:
    from via_pipeline.letters.address import Address
    from via_pipeline.letters.lookup import Figure
    from via_pipeline.letters.release.resolve import Found

NOT_FOUND = 1


@changing
def cijfer(
    adres: Annotated[str, typer.Argument(help="editie/tabel/cel, or editie/tabel/cel/kolom.")],
    package: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a package; default: as published, else the concept in VIA_HOME."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Explain a figure in a letter by its address: value, formula, n, deliveries, rules.

    Exit codes: 0 found, 1 no such figure here, 2 not an address.
    """
    from via_pipeline.letters import address, lookup
    from via_pipeline.letters.release import resolve

    home = Home.from_env()
    at = datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        wanted = address.parse(adres)
    except address.AddressError as error:
        raise typer.BadParameter(str(error)) from None
    where = resolve.Found(package) if package else resolve.find(home, wanted)
    try:
        found = lookup.find(home, wanted, where.folder)
    except (lookup.UnknownAddress, lookup.PackageError) as error:
        if home.root.exists():
            _record(home, adres, "niet_gevonden", at)
        typer.echo(str(error), err=True)
        raise typer.Exit(NOT_FOUND) from None
    # Recorded before it is told. A package elsewhere, without an installation, is its holder's.
    if package is None or home.root.exists():
        _record(home, adres, "gevonden", at)
    told = _package(home, wanted, where, found, package)
    if as_json:
        typer.echo(json.dumps(found.plain() | {"pakket": told}, ensure_ascii=False, indent=1))
    else:
        typer.echo(_text(found, told))


def _record(home: Home, adres: str, outcome: str, at: str) -> None:
    """Nothing is told that is not recorded: without a log there is no answer."""
    from via_pipeline.letters import inzage
    from via_pipeline.storage.atomic import BusyError

    try:
        inzage.record(home, adres, outcome, at)
    except (OSError, BusyError) as error:
        why = getattr(error, "strerror", None) or str(error)
        typer.echo(
            f"De inzage kan niet worden vastgelegd ({why}), dus er volgt geen antwoord.", err=True
        )
        raise typer.Exit(NOT_FOUND) from None


def _package(
    home: Home, wanted: Address, where: Found, found: Figure, given: Path | None
) -> dict[str, str]:
    """Which package this is from, what to beware of, and what the newest revision says."""
    from via_pipeline.letters import lookup
    from via_pipeline.letters.release import resolve

    if where.published is None:
        return {"gelezen_uit": str(given) if given else "concept van de laatste run"}
    told = {"gelezen_uit": resolve.name(wanted.edition, where.published)}
    if where.published.retracted:
        told["ingetrokken"] = where.published.retracted
    if where.is_touched:
        told["let_op"] = "aan deze map is gezeten sinds de publicatie; zie: via verify"
    if where.newest is not None:
        later = resolve.in_newest(wanted, where.newest)
        told["nieuwste"] = resolve.name(wanted.edition, where.newest)
        try:
            figure = lookup.find(home, later, resolve.find(home, later).folder)
            said = figure.waarde or f"geen cijfer ({figure.waarde_status or '-'})"
            is_same = (figure.waarde, figure.waarde_status) == (found.waarde, found.waarde_status)
            told["daar"] = "hetzelfde" if is_same else f"{later}: {said}"
        except (lookup.UnknownAddress, lookup.PackageError):
            told["daar"] = "dit cijfer staat er niet meer in"
    return told


def _text(found: Figure, told: dict[str, str]) -> str:
    """The answer for people, one thing a line."""
    value = "geen cijfer" if found.waarde is None else f"{found.waarde} {found.eenheid or ''}"
    lines = [
        ("Adres", found.adres),
        ("Gelezen uit", told["gelezen_uit"]),
        ("Ingetrokken", told.get("ingetrokken")),
        ("Let op", told.get("let_op")),
        ("Nieuwste", f"{told['nieuwste']}: {told['daar']}" if "nieuwste" in told else None),
        ("Tabel", f"{found.titel} ({found.tabel}), stand {found.leesdatum}"),
        ("Rij", "; ".join(f"{name} = {text or '-'}" for name, text in found.sleutel.items())),
        ("Kolom", f"{found.kolom}: {found.omschrijving}" if found.kolom else None),
        ("Waarde", value.strip() if found.kolom else None),
        ("Waarom leeg", f"{found.waarde_status}: {found.betekenis}" if found.betekenis else None),
        ("Regel", found.regel),
        ("Status", found.status),
        ("Claim", found.claim),
        ("Berekend als", found.formule),
        ("Definitie", found.definitie),
        ("n", "; ".join(f"{name} = {n or 'geen cijfer'}" for name, n in found.n.items()) or None),
        ("Let op", "rust op synthetische (verzonnen) leveringen" if found.synthetisch else None),
        ("Maten", _hashed(found.maten, "sha256")),
        ("Analyseplan", _hashed(found.analyseplan, "plan_hash")),
        ("Programmatuur", f"{found.code_versie} ({found.code_sha256[:16]})"),
        ("Run", found.run),
    ]
    for item in found.leveringen:
        lines.append(
            (
                "Levering",
                f"{item.levering}: {item.bestand or '(naam niet genoemd)'}, ontvangen "
                f"{item.ontvangen or '(bijgehouden in het register)'}, contract {item.bron} "
                f"{item.contract_versie}, nu {item.status or 'onbekend'}, run {item.run or '-'}",
            )
        )
    return "\n".join(f"{name:<14}{text}" for name, text in lines if text)


def _hashed(item: dict[str, str] | None, name: str) -> str | None:
    return f"{item['bestand']} ({item[name][:16]})" if item else None
