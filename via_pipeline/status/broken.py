"""What is broken right now: one list for the site, the terminal and the standing check.

Belongs here: which deliveries, checks and tables need a person, and what that person does. Does not
belong here: history (``alerts``), or mending. A delivery that was replaced is not broken; a partner
who is told and has not answered is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

from via_pipeline.contracts.model import Contract
from via_pipeline.disclosure.small import told_count
from via_pipeline.intake.calendar import Arrival
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.intake.status import Status
from via_pipeline.pilots import objections
from via_pipeline.pilots.objections import Objections
from via_pipeline.quality.results import path_of, read_result
from via_pipeline.quality.run import results_in_force
from via_pipeline.status.facts import CheckState, Facts, Outcome, instant
from via_pipeline.storage.home import Home

_ZONE = ZoneInfo("Europe/Amsterdam")
_MOST_FILES = 5


class Kind(StrEnum):
    """The kinds, in the order in which they are looked at."""

    RUN = "run"
    CHECK = "controle"
    REJECTED = "afgekeurd"
    LATE = "te laat"
    STALE = "verouderd"
    WARNING = "waarschuwing"


TITLES = {
    Kind.RUN: "Runs die niet goed eindigden",
    Kind.CHECK: "Controles die niet slaagden",
    Kind.REJECTED: "Afgekeurde leveringen zonder opvolger",
    Kind.LATE: "Leveringen die te laat zijn",
    Kind.STALE: "Tabellen die te oud zijn",
    Kind.WARNING: "Waarschuwingen",
}


@dataclass(frozen=True)
class Broken:
    """One thing: what (``subject`` is stable), in Dutch what is wrong and what to do, since when.

    ``since`` is a day or moment, ISO, or "" where nobody knows. ``source`` is the contract it
    belongs to, "" where it is the house's own.
    """

    kind: Kind
    subject: str
    told: str
    action: str
    since: str
    source: str = ""


def today(facts: Facts) -> date:
    """The day in the Netherlands at the moment of ``facts``."""
    return facts.moment.astimezone(_ZONE).date()


def broken(home: Home, contracts: Iterable[Contract], facts: Facts) -> list[Broken]:
    """Everything that is broken at the moment of ``facts``, by kind and subject.

    A rejected file counts while its delivery key has no accepted one and no newer file. Counts of
    rows are told as outsiders may know them (``disclosure.small``).
    """
    contracts = list(contracts)
    rows = Ledger(home.ledger).rows() if home.ledger.exists() else []
    objected = objections.known(home, contracts)
    # Nobody asks an organisation that objected for another file.
    for contract in contracts:
        rows = objected.without(contract, rows)
    found = [
        *_runs(facts),
        *_checks(home, contracts, facts),
        *_rejected(home, contracts, rows),
        *_late(contracts, rows, today(facts), objected),
        *_stale(facts),
    ]
    order = list(Kind)
    return sorted(found, key=lambda one: (order.index(one.kind), one.source, one.subject))


def counted(found: Sequence[Broken]) -> dict[str, int]:
    """How many of each kind, in order, those of which there are none left out."""
    return {
        kind.value: number for kind in Kind if (number := sum(one.kind is kind for one in found))
    }


def is_wrong(found: Iterable[Broken]) -> bool:
    """Whether there is more than warnings."""
    return any(one.kind is not Kind.WARNING for one in found)


def _runs(facts: Facts) -> list[Broken]:
    """The newest run of each job and edition, where it failed."""
    newest = {}
    for run in sorted(facts.runs, key=lambda one: (one.started, one.run_id)):
        newest[run.job, run.edition] = run
    return [
        Broken(
            Kind.RUN,
            run.job + (f" ({run.edition})" if run.edition else ""),
            f"De laatste run is {run.status}.",
            f"Bekijk run {run.run_id[:8]} in Dagster, herstel de oorzaak en draai opnieuw.",
            run.started,
        )
        for run in newest.values()
        if run.is_failed
    ]


def _checks(home: Home, contracts: Sequence[Contract], facts: Facts) -> list[Broken]:
    sources = {
        **{f"quality__{contract.source}": contract for contract in contracts},
        **{
            table.lake_table: contract
            for contract in contracts
            for table in contract.tables
            if table.conformed
        },
    }
    files = _Files(home)
    found = []
    for check in facts.checks:
        if check.outcome in (Outcome.PASSED, Outcome.NEVER):
            continue
        contract = sources.get(check.asset)
        kind = Kind.CHECK if check.is_error else Kind.WARNING
        told = _dutch(check.promise)
        action = f"Open de controle bij {check.asset} in Dagster; daar staat wat te doen."
        if check.outcome is Outcome.NOT_RUN:
            kind = Kind.CHECK
            told = f"Niet uitgevoerd in de laatste run: {told}"
            action = "Kijk in die run welke stap ervoor is afgebroken, en draai opnieuw."
        elif contract is not None and check.is_rule:
            told += files.told(contract, check)
            action = (
                f"Stuur het verslag in reports/partners/{contract.source} aan de afzender en vraag "
                "om een verbeterde levering, of herstel de rijen met 'via quarantine export'."
            )
        found.append(
            Broken(
                kind,
                f"{check.asset}: {check.name}",
                told,
                action,
                check.at or "",
                contract.source if contract else "",
            )
        )
    return found


class _Files:
    """The files in which a rule of a contract fails, from the kept results; read once a source."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._results: dict[str, list] = {}

    def told(self, contract: Contract, check: CheckState) -> str:
        """``" Fout: 12 rijen in a.csv, <10 in b.csv."``; empty where the results know nothing."""
        if contract.source not in self._results:
            self._results[contract.source] = results_in_force(self._home, contract)
        failing = [
            (result.file_name, rule.failed)
            for result in self._results[contract.source]
            for rule in result.rules
            if not rule.passed and check.name in (rule.rule, f"{rule.table}__{rule.rule}")
        ]
        if not failing:
            return ""
        parts = [
            f"{told_count(count)} rijen in {name}" if count else name
            for name, count in failing[:_MOST_FILES]
        ]
        more = len(failing) - _MOST_FILES
        return f" Fout: {', '.join(parts)}" + (f" en nog {more} bestanden." if more > 0 else ".")


def _rejected(home: Home, contracts: Sequence[Contract], rows: Sequence[LedgerRow]) -> list[Broken]:
    known = {contract.source: contract for contract in contracts}
    answered = {
        (row.source, row.key)
        for row in rows
        if row.key is not None
        and row.status in (Status.ACCEPTED, Status.ACCEPTED_WITH_WARNINGS, Status.RECEIVED)
    }
    newest: dict[object, LedgerRow] = {}
    for row in sorted(rows, key=lambda one: (one.received or date.min, one.path)):
        if row.status is Status.REJECTED and row.removed is None:
            if row.key is None:
                newest[row.source, row.path] = row
            elif (row.source, row.key) not in answered:
                newest[row.source, row.key] = row
    found = []
    for row in newest.values():
        if row.source not in known:
            reason = "Voor deze map bestaat geen afspraak; het bestand is niet geopend."
            action = "Vraag de afzender wat het is, en haal het bestand weg of maak een afspraak."
        else:
            reason = _first_reason(home, row)
            action = (
                f"Stuur het verslag in reports/partners/{row.source} aan de afzender; een nieuwe "
                "levering met dezelfde sleutel vervangt deze vanzelf."
            )
        found.append(
            Broken(
                Kind.REJECTED,
                f"{row.source}: {row.file_name}",
                reason,
                action,
                row.received.isoformat() if row.received else "",
                row.source,
            )
        )
    return found


def _first_reason(home: Home, row: LedgerRow) -> str:
    """Why the file was rejected: its broken rules, never a count of its rows."""
    if not path_of(home.reports, row.delivery_id).exists():
        return "Het bestand is afgekeurd."
    result = read_result(home.reports, row.delivery_id)
    broken_rules = sorted({rule.rule for rule in result.rules if not rule.passed})
    if not broken_rules:
        return "Het bestand is afgekeurd."
    return f"Het bestand is afgekeurd op {', '.join(broken_rules[:_MOST_FILES])}" + (
        f" en nog {len(broken_rules) - _MOST_FILES} regels."
        if len(broken_rules) > _MOST_FILES
        else "."
    )


def _late(
    contracts: Sequence[Contract], rows: Sequence[LedgerRow], day: date, objected: Objections
) -> list[Broken]:
    return [
        Broken(
            Kind.LATE,
            f"{contract.source}: {' '.join(value for _, value in line.key)}",
            f"Verwacht op {line.due.isoformat()}; er is geen bruikbaar bestand.",
            f"Vraag {contract.owner} wanneer de levering komt.",
            line.due.isoformat(),
            contract.source,
        )
        for contract in contracts
        for line in objected.expected(contract, rows, day)
        if line.arrival is Arrival.LATE
    ]


def _stale(facts: Facts) -> list[Broken]:
    found = []
    for asset in facts.assets:
        if asset.warn_hours is None:
            continue
        if asset.made_at is None:
            found.append(
                Broken(
                    Kind.STALE,
                    asset.name,
                    "Deze tabel is nog nooit gemaakt.",
                    "Start nightly_refresh in Dagster, of 'via run'.",
                    "",
                )
            )
            continue
        hours = (facts.moment - instant(asset.made_at)).total_seconds() / 3600
        if hours > asset.warn_hours:
            is_wrong = asset.fail_hours is not None and hours > asset.fail_hours
            found.append(
                Broken(
                    Kind.STALE if is_wrong else Kind.WARNING,
                    asset.name,
                    f"Voor het laatst gemaakt meer dan {int(hours)} uur geleden.",
                    "Kijk waarom de nachtelijke run deze stap niet deed, en draai opnieuw.",
                    asset.made_at,
                )
            )
    return found


def _dutch(promise: str) -> str:
    """The Dutch half of a check's description (``Dutch / English``)."""
    return promise.split(" / ")[0].strip()
