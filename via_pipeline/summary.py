"""What a person wants to read after a run: deliveries, quarantine by reason, checks, where it lies.

Belongs here: counting from the ledger and the kept results, and showing it on a terminal. Does not
belong here: running anything. Reads facts and row numbers, never a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from via_pipeline.storage.home import Home

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from via_pipeline.intake.ledger import LedgerRow

_MAX_REASONS = 15
_NO_CONTRACT = "Voor deze map bestaat geen afspraak (contract); het bestand is niet geopend."


@dataclass(frozen=True)
class Summary:
    """The state after a run, as plain values.

    ``deliveries`` counts files by status, what people keep (register, reference) left out.
    ``quarantine`` counts rows by (source, rule); a row that breaks two rules counts in both.
    ``rejected`` lists file and first reason (Dutch); ``rows_of_rejected`` are their rows, all of
    them in quarantine. ``held`` lists files that are in force by an earlier acceptance.
    ``calendar`` counts expected deliveries by how they stand; ``twins`` lists files in force whose
    very bytes also came under another name.
    """

    deliveries: dict[str, int] = field(default_factory=dict)
    rows_in: int = 0
    rows_accepted: int = 0
    rows_quarantined: int = 0
    quarantine: list[tuple[str, str, int, str]] = field(default_factory=list)
    rejected: list[tuple[str, str, str]] = field(default_factory=list)
    rows_of_rejected: int = 0
    held: list[tuple[str, str]] = field(default_factory=list)
    calendar: dict[str, int] = field(default_factory=dict)
    twins: list[tuple[str, str]] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)


def collect(home: Home, today: date) -> Summary:
    """The state as ledger and kept results tell it; ``today`` decides what is late."""
    from via_pipeline.contracts.model import Severity, load_all
    from via_pipeline.intake.ledger import Ledger
    from via_pipeline.pilots import objections
    from via_pipeline.quality.results import path_of, read_result

    contracts = load_all()
    objected = objections.known(home, contracts)
    known = {contract.source for contract in contracts}
    kept = {contract.source for contract in contracts if contract.kept_in is not None}
    rows = [row for row in Ledger(home.ledger).rows() if row.source not in kept]
    reasons: Counter[tuple[str, str, str]] = Counter()
    rejected = []
    for row in rows:
        if row.status.value == "rejected" and row.source not in known:
            rejected.append((row.source, row.file_name, _NO_CONTRACT))
        if row.status.value == "duplicate" or not path_of(home.reports, row.delivery_id).exists():
            continue
        result = read_result(home.reports, row.delivery_id)
        if row.status.value == "rejected":
            rejected.append((row.source, row.file_name, next(iter(result.reasons), "")))
        for rule in result.rules:
            if not rule.passed and rule.severity is Severity.REJECT_ROW:
                reasons[(row.source, rule.rule, rule.explanation)] += max(rule.failed, 1)
    judged = [row for row in rows if row.rows_accepted is not None]
    judged = [row for row in judged if row.status.value != "duplicate"]
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return Summary(
        deliveries=dict(sorted(Counter(row.status.value for row in rows).items())),
        rows_in=sum(row.rows_in for row in judged),
        rows_accepted=sum(row.rows_accepted or 0 for row in judged),
        rows_quarantined=sum(row.rows_quarantined or 0 for row in judged),
        quarantine=[(source, rule, n, told) for (source, rule, told), n in ranked],
        rejected=sorted(rejected),
        rows_of_rejected=sum(row.rows_in for row in judged if row.status.value == "rejected"),
        calendar=dict(
            Counter(
                line.arrival.value
                for contract in contracts
                for line in objected.expected(contract, rows, today)
            )
        ),
        twins=sorted((row.source, row.file_name) for row in rows if _is_odd_twin(row, rows)),
        held=sorted((row.source, row.file_name) for row in rows if row.held_verdict),
    )


def _is_odd_twin(row: LedgerRow, rows: Sequence[LedgerRow]) -> bool:
    """In force for its key, with the bytes of another delivery that is in force for another."""
    return row.is_in_force and any(
        other.is_in_force and other.delivery_id in row.same_bytes_as and other.key != row.key
        for other in rows
    )


def show(
    console: Console,
    home: Home,
    summary: Summary,
    *,
    checks: Mapping[str, int],
    editions: list[str],
    seconds: Mapping[str, float],
    total: float,
) -> None:
    """Print the summary."""
    from rich.table import Table

    from via_pipeline.engine import heavy
    from via_pipeline.storage import settings

    console.print()
    _deliveries(console, summary)
    if summary.rejected:
        table = Table(title="Rejected files (nothing of them is taken over)", title_justify="left")
        for name in ("source", "file", "first reason, as the partner reads it"):
            table.add_column(name, overflow="fold")
        for source, file, reason in summary.rejected:
            table.add_row(*plain(source, file, reason))
        console.print(table)
    if summary.quarantine:
        table = Table(title="Rows in quarantine, by reason", title_justify="left")
        table.add_column("source")
        table.add_column("rule")
        table.add_column("rows", justify="right")
        table.add_column("reason", overflow="fold")
        for source, rule, count, told in summary.quarantine[:_MAX_REASONS]:
            table.add_row(*plain(source, rule, f"{count:,}", told))
        more = summary.quarantine[_MAX_REASONS:]
        if more:
            table.add_row("...", f"{len(more)} more", f"{sum(item[2] for item in more):,}", "")
        console.print(table)
    console.print(
        f"[bold]Checks[/]      {checks.get('passed', 0)} passed, {checks.get('warn', 0)} warned, "
        f"{checks.get('error', 0)} failed"
    )
    if (engine := heavy.label()) != settings.DUCKDB:
        console.print("[bold]Counted by[/] ", *plain(engine))
    show_places(console, home, editions)
    _times(console, seconds, total)


def plain(*cells: str) -> list[Text]:
    """Cells that show what they hold: a partner's file name may look like Rich's markup."""
    from rich.text import Text

    return [Text(cell) for cell in cells]


def _deliveries(console: Console, summary: Summary) -> None:
    found = summary.deliveries
    accepted = found.get("accepted", 0) + found.get("accepted_with_warnings", 0)
    warned = found.get("accepted_with_warnings", 0)
    console.print(
        f"[bold]Deliveries[/]  {accepted} accepted ({warned} with warnings), "
        f"{found.get('rejected', 0)} rejected, {found.get('duplicate', 0)} duplicates, "
        f"{found.get('superseded', 0)} superseded by a revision"
    )
    console.print(
        f"[bold]Rows[/]        {summary.rows_in:,} in = {summary.rows_accepted:,} accepted + "
        f"{summary.rows_quarantined:,} in quarantine ({summary.rows_of_rejected:,} of these are "
        "all the rows of rejected files)"
    )
    late, missing = summary.calendar.get("received_late", 0), summary.calendar.get("late", 0)
    console.print(
        f"[bold]Calendar[/]    {sum(summary.calendar.values())} expected: "
        f"{summary.calendar.get('received', 0)} in time, {late} late, {missing} missing"
    )
    if summary.twins:
        console.print(
            "[yellow]The same file under two names[/] counts for both; is one of the names wrong?"
        )
        for cells in summary.twins:
            console.print("  ", *plain(*cells))
    if summary.held:
        console.print(
            f"[yellow]{len(summary.held)} deliveries no longer pass their rules or code lists[/]; "
            "what was taken over earlier stands. See their failed checks:"
        )
        for cells in summary.held:
            console.print("  ", *plain(*cells))


def show_places(console: Console, home: Home, editions: list[str]) -> None:
    """Say where the file for BI, the letters and the reports lie."""
    console.print(f"[bold]BI file[/]     {shown(home.latest / 'via.duckdb')}")
    for edition in editions:
        console.print(f"[bold]Letter[/]      {shown(home.letters / edition)}")
    console.print(f"[bold]Reports[/]     {shown(home.reports / 'partners')} (XLSX, to send back)")
    console.print(
        f"[bold]Validation[/]  {shown(home.reports / 'validation')} (HTML, a page a file)"
    )


def _times(console: Console, seconds: Mapping[str, float], total: float) -> None:
    dagster = seconds.get("dagster", 0.0)
    engine = seconds.get("great_expectations", 0.0)
    console.print(
        f"[bold]Time[/]        {total:.1f} s, of which importing Dagster {dagster:.1f} s and Great "
        f"Expectations {engine:.1f} s"
    )


def shown(path: Path) -> str:
    """``path`` as one types it: relative to the working directory where it lies below it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
