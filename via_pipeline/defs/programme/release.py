"""Editions on their way out and afterwards: the gate as a job, and the nightly look at what is out.

Belongs here: wiring the gate to a job, and its nightly questions to checks. Does not belong here: a
rule of the gate (``letters.release``). A run's configuration is kept and can be read by everyone
who sees the UI: so a vote goes in here as its seal only (``via release vote --seal-only``).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from via_pipeline.defs import automation, guard, metadata, policy
from via_pipeline.defs.programme.publication import PROTECTED
from via_pipeline.defs.resources import Installation
from via_pipeline.storage.home import Home

RELEASES = "letters__uitgave"
INTACT, REBUILT, CURRENT = "ongeschonden", "nagerekend", "niet_achterhaald"

_ACTIONS = {
    INTACT: (
        "Draai 'via verify' voor alle regels, zoek uit wie het was, en zet pakket, logboek of "
        "levering terug uit het versiebeheer of de reservekopie; overschrijf niets. / Run 'via "
        "verify' for every line, find out who did it, restore the file from version control or "
        "the backup; overwrite nothing."
    ),
    REBUILT: (
        "Draai 'via reproduce EDITIE': het noemt de bestanden en de oorzaak. Is de levering, het "
        "register of de huisstijl veranderd, zet die terug; is de code nieuwer, reken na met de "
        "code van toen. / Run 'via reproduce EDITION' for files and cause: restore what was "
        "changed, or check out the commit of the publication."
    ),
    CURRENT: (
        "Lees het verslag met wie de brief maakt en beslis of er een correctie komt: 'via release "
        "revise EDITIE --reason ...'. Aan de uitgave zelf verandert niets. / Read the report with "
        "the author and decide on a correction; what is published stays as it is."
    ),
}
"""Per check what to do when it fails: for who works on the letter, and for engineers."""

_CRASHED = (
    "Lees het log van de stap en draai opnieuw; de uitgave zelf is niet aangeraakt. / Read the "
    "step's log and run again; what is published was not touched."
)
_SHOWN = 5


@dg.asset(
    name=RELEASES,
    description=(
        "**Gepubliceerde uitgaven**\n\nWhat was published and signed off, frozen: where each "
        "edition stands at the gate. Nothing here is made by a run; the checks look after it."
    ),
    deps=list(PROTECTED),
    check_specs=[
        dg.AssetCheckSpec(
            INTACT,
            asset=RELEASES,
            description=(
                "Aan geen pakket, logboek of bewaarde levering is gezeten. / Nothing was touched "
                "(via verify)."
            ),
        ),
        dg.AssetCheckSpec(
            REBUILT,
            asset=RELEASES,
            description=(
                "De nieuwste uitgave is uit de bewaarde leveringen opnieuw te maken, byte voor "
                "byte. / The newest edition can be made again (via reproduce)."
            ),
        ),
        dg.AssetCheckSpec(
            CURRENT,
            asset=RELEASES,
            description=(
                "Geen late of gecorrigeerde levering zou een gepubliceerde uitgave veranderen. / "
                "Nothing late would change what was published (via release impact)."
            ),
        ),
    ],
    pool=policy.POOL,
    code_version=metadata.CODE_VERSION,
)
def uitgave(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:
    """Look after what was published; nothing is changed."""
    home = installation.home()
    return dg.MaterializeResult(
        metadata=_standing(home),
        check_results=[
            _checked(INTACT, lambda: _intact(home)),
            _checked(REBUILT, lambda: _rebuilt(home)),
            _checked(CURRENT, lambda: _current(home)),
        ],
    )


class GateConfig(dg.Config):
    """One step at the gate. ``action`` is a command of ``via release``: submit, assign, tick, vote,
    open, revote, return, publish, withdraw or revise; the other fields are its options.
    """

    edition: str
    action: str
    who: str
    at: str = ""
    reason: str = ""
    checkers: list[str] = []  # noqa: RUF012 - a field of a Pydantic model
    item: str = ""
    answer: str = "ja"
    note: str = ""
    seal: str = ""
    code: str = ""


@dg.op(name="stap", pool=policy.POOL)
def step(context: dg.OpExecutionContext, config: GateConfig, installation: Installation) -> None:
    """Take one step; the gate's refusal fails the run and says why."""
    from via_pipeline.letters.release.gate import Refused
    from via_pipeline.letters.release.log import LogError

    try:
        found = _taken(installation.home(), config)
    except (Refused, LogError, LookupError) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None
    context.log.info(f"{found.edition} r{found.revision}: {found.state.value}")
    context.add_output_metadata(
        {"editie": found.edition, "revisie": found.revision, "staat": found.state.value}
    )


@dg.job(
    name=automation.GATE,
    description=(
        "One step at the release gate: edition, action, who, at. A vote goes in as its seal only "
        "(via release vote --seal-only)."
    ),
    tags={"via/soort": "uitgave"},
)
def release_gate() -> None:
    """The gate for who works in the UI; the same rules and the same log as ``via release``."""
    step()


def _taken(home: Home, config: GateConfig) -> Any:
    from via_pipeline.letters.release import concept, gate
    from via_pipeline.letters.release.record import instant

    at = config.at or instant(datetime.now(tz=UTC))
    edition, who, reason = config.edition, config.who, config.reason
    steps: dict[str, Callable[[], Any]] = {
        "submit": lambda: gate.submit(home, edition, who, at),
        "assign": lambda: gate.assign(home, edition, config.checkers, who, at),
        "tick": lambda: gate.tick(home, edition, config.item, config.answer, config.note, who, at),
        "vote": lambda: gate.vote_sealed(home, edition, config.seal, who, at),
        "open": lambda: gate.open_vote(home, edition, config.code, who, at),
        "revote": lambda: gate.revote(home, edition, reason, who, at),
        "return": lambda: gate.send_back(home, edition, reason, who, at),
        "publish": lambda: gate.publish(home, edition, who, at)[0],
        "withdraw": lambda: gate.withdraw(home, edition, reason, who, at),
        "revise": lambda: concept.revise(home, edition, reason, who, at),
    }
    if config.action not in steps:
        raise LookupError(f"no action '{config.action}'; known: {', '.join(steps)}")
    return steps[config.action]()


def _standing(home: Home) -> dict[str, Any]:
    from via_pipeline.letters.release import freeze, gate
    from via_pipeline.letters.release.log import LogError

    rows = []
    for name in freeze.editions(home):
        try:
            found = gate.dossier(home, name)
        except (LogError, ValueError):
            rows.append([name, "?", "logboek beschadigd", ""])
            continue
        last = found.published[-1].at if found.published else ""
        rows.append([name, f"r{found.revision}", found.state.value, last])
    return {
        "editions": len(rows),
        "published": len(freeze.published(home)),
        "content": metadata.markdown_table(["editie", "revisie", "staat", "gepubliceerd"], rows),
    }


def _checked(name: str, look: Callable[[], dict[str, Any]]) -> dg.AssetCheckResult:
    """The check's result with what to do; a crash fails the check and keeps the others."""
    try:
        found = {"metadata": {}, **look()}
    except Exception as error:  # whatever it is: it is told, and the night goes on
        found = {
            "passed": False,
            "description": f"Niet nagegaan. / Could not be looked at, crashed: {guard.tell(error)}",
            "metadata": {"what_to_do": _CRASHED},
        }
    if not found["passed"]:
        found["metadata"] = {"what_to_do": _ACTIONS[name]} | found["metadata"]
    return dg.AssetCheckResult(check_name=name, asset_key=dg.AssetKey(RELEASES), **found)


def _intact(home: Home) -> dict[str, Any]:
    from via_pipeline.letters.release.verify import Severity, verify

    found = verify(home)
    wrong = [item for item in found.findings if item.severity is Severity.WRONG]
    told = "; ".join(
        f"{item.edition} {item.kind} {item.where}: {item.text}".strip() for item in wrong[:_SHOWN]
    )
    return {
        "passed": not wrong,
        "description": f"{told} / {len(wrong)} findings: touched, gone or added" if wrong else None,
        "metadata": {
            "wrong": len(wrong),
            "files": found.files,
            "records": found.records,
            "deliveries": found.deliveries,
        },
    }


def _rebuilt(home: Home) -> dict[str, Any]:
    from via_pipeline.letters.release.night import backtest

    found = backtest(home)
    if found is None:
        return {"passed": True, "description": "nog niets gepubliceerd / nothing is published yet"}
    told = "; ".join(found.reasons) or "de bestanden zijn anders"
    failed = (
        f"{len(found.different)} of {found.files} files differ"
        if found.is_made
        else "cannot be made again"
    )
    return {
        "passed": found.is_equal,
        # After an upgrade other bytes are to be looked at; with the same code they are a fault.
        "severity": (
            dg.AssetCheckSeverity.ERROR if found.is_same_code else dg.AssetCheckSeverity.WARN
        ),
        "description": None if found.is_equal else f"{told} / {failed}",
        "metadata": {
            "edition": f"{found.edition} r{found.revision}",
            "files": found.files,
            "different": len(found.different),
            "remembered": found.is_remembered,
        },
    }


def _current(home: Home) -> dict[str, Any]:
    from via_pipeline.letters.release.night import changes

    found = changes(home)
    told = [item for item in found if item.cells]
    cells = sum(item.cells for item in found)
    reports = "; ".join(
        f"{item.edition} r{item.revision}: {item.cells} cellen door {item.deliveries} "
        f"leveringen (reports/uitgaven/{item.edition}-r{item.revision})"
        for item in told
    )
    return {
        "passed": not told,
        "severity": dg.AssetCheckSeverity.WARN,
        "description": f"{reports} / {cells} published cells would change" if told else None,
        "metadata": {"editions": len(found), "cells": cells},
    }
