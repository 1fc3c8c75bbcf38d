"""``via check FILE``: what would become of a file if it were sent.

Belongs here: the words and the exit code. Does not belong here: judging (``quality.rehearsal``).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from via_pipeline.commands.guarding import working
from via_pipeline.storage.home import Home

if TYPE_CHECKING:
    from via_pipeline.quality.rehearsal import Rehearsal

FAILED = 1
WOULD_BE_REJECTED = 3
_FIRST_ROWS = 10


def check(
    file: Annotated[Path, typer.Argument(help="The file (or folder) as it would be sent.")],
    source: Annotated[
        str | None, typer.Option(help="A source, where the file's name does not tell.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Also write the partner's report (XLSX) here.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Check a file before sending it: the same verdict as on arrival, and nothing is kept.

    Exit codes: 0 it would be taken over (perhaps with remarks), 3 it would be rejected, 1 it could
    not be judged, 2 usage.
    """
    from via_pipeline.contracts.codelists import UnknownCodeList
    from via_pipeline.contracts.model import ContractError
    from via_pipeline.quality import rehearsal
    from via_pipeline.quality.results import Verdict

    contract = _contract(file, source)
    reference = Home.from_env().data / "reference"
    try:
        with working("checking"):
            found = rehearsal.rehearse(file, contract, reference, datetime.now(tz=UTC), report)
    except FileNotFoundError:
        raise typer.BadParameter(f"there is no {file}") from None
    except (rehearsal.Unjudged, ContractError, UnknownCodeList, OSError) as error:
        typer.echo(f"via check: {error}", err=True)
        raise typer.Exit(FAILED) from None
    if as_json:
        typer.echo(json.dumps(_plain(found), ensure_ascii=False, indent=1))
    else:
        _show(found, contract.title)
        if report is not None:
            typer.echo(f"Verslag: {report}")
    if found.result.verdict is Verdict.REJECTED:
        raise typer.Exit(WOULD_BE_REJECTED)


def _contract(file: Path, source: str | None) -> Any:
    from via_pipeline.contracts.model import load_all
    from via_pipeline.quality.rehearsal import sources_of

    contracts = {one.source: one for one in load_all() if one.kept_in is None}
    if source is not None:
        if source not in contracts:
            raise typer.BadParameter(f"no such source; known: {', '.join(sorted(contracts))}")
        return contracts[source]
    fitting = sources_of(file.name, contracts.values())
    if len(fitting) != 1:
        raise typer.BadParameter(
            f"the name fits {'no' if not fitting else 'more than one'} agreement; say which with "
            f"--source ({', '.join(fitting or sorted(contracts))})"
        )
    return contracts[fitting[0]]


def _plain(found: Rehearsal) -> dict[str, Any]:
    result = asdict(found.result)
    result["rules"] = [rule for rule in result["rules"] if not rule["passed"]]
    return result


def _show(found: Rehearsal, title: str) -> None:
    """In Dutch: it is the partner who reads this."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from via_pipeline.quality.report import CONSEQUENCES, NEXT_STEPS, VERDICTS

    result = found.result
    console = Console(highlight=False)
    console.print(Text(f"{result.file_name}: {VERDICTS[result.verdict]}", style="bold"))
    console.print(Text(f"{title}, afspraak {result.contract_version}"))
    for reason in result.reasons:
        console.print(Text(reason))
    for count in result.counts:
        console.print(
            Text(
                f"{count.table}: {count.rows_in} rijen, {count.accepted} zouden worden "
                f"overgenomen, {count.quarantined} apart gezet"
            )
        )
    for table in found.staged.tables:
        for drift in table.drift:
            console.print(Text(f"{table.table}: {drift}"))
    broken = [rule for rule in result.rules if not rule.passed]
    if broken:
        shown = Table("tabel", "kolom", "regel", "gevolg", "aantal", "rijen", "wat u kunt doen")
        for rule in broken:
            rows = ", ".join(str(row) for row in rule.rows[:_FIRST_ROWS])
            shown.add_row(
                *(
                    Text(cell)
                    for cell in (
                        rule.table,
                        rule.column or "",
                        rule.rule,
                        CONSEQUENCES[rule.severity],
                        str(max(rule.failed, 1)),
                        rows + (", …" if len(rule.rows) > _FIRST_ROWS else ""),
                        rule.explanation,
                    )
                )
            )
        console.print(shown)
    console.print(Text(NEXT_STEPS[result.verdict]))
