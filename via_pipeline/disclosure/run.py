"""The protected tables: in the lake for now, on a connection for an edition.

Belongs here: connecting ``protect`` to the lake. Does not belong here: a rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from via_pipeline.contracts.model import load_all
from via_pipeline.disclosure import record
from via_pipeline.disclosure.history import Earlier, Truths
from via_pipeline.disclosure.model import Dataset, load_datasets, load_ruleset
from via_pipeline.disclosure.proof import NotSafe
from via_pipeline.disclosure.protect import Release, protect_all
from via_pipeline.intake.ledger import Ledger
from via_pipeline.intake.status import Status
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home

TONIGHT = "bi"
"""The release that the BI file is made of, among those whose proof is kept."""


class NothingTakenIn(LookupError):
    """A dataset cannot be made: of its source no delivery was accepted yet, or a room to the left
    did not come to an end. Names the dataset, the rejected files and what to do, in two languages.
    """


def protect_on(
    connection: duckdb.DuckDBPyConnection,
    earlier: Earlier = (),
    stays_inside: bool = False,
    truths: Truths | None = None,
) -> Release:
    """Protect every dataset, all together, from their sources on ``connection``.

    ``earlier`` is what was published before; the others as in ``protect_all``.

    Raises:
        TableError: a source is not as its dataset is described; nothing may be published then.
        NotSafe: something could be worked out; nothing may be published then.
    """
    datasets = load_datasets()
    chosen = [(one, load_ruleset(one.ruleset)) for one in datasets]
    return protect_all(connection, chosen, earlier, stays_inside, truths)


@dataclass(frozen=True)
class Protected:
    """Rows per table, per dataset the counts of the proof (see ``record``), and seconds taken.

    ``narrowed`` and ``coarser`` as of ``protect.Release``.
    """

    rows: dict[str, int] = field(default_factory=dict)
    summary: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    narrowed: tuple[str, ...] = ()
    coarser: tuple[str, ...] = ()


def protect(home: Home, earlier: Earlier = ()) -> Protected:
    """Write every ``disclosure__<dataset>`` into the lake.

    All are protected and proven before the first is replaced: a failure leaves yesterday's tables.
    The proof goes to the restricted tables of ``record``; one that failed too, so that checkers see
    which figures it was about.

    Raises:
        NothingTakenIn: a source was never written.
        TableError: see ``protect_on``.
        NotSafe: see ``protect_on``.
    """
    with work(home.scratch) as connection:
        for dataset in load_datasets():
            if dataset.source != record.SUMMARY:
                _view(connection, home, dataset)
        try:
            made = protect_on(connection, earlier, truths=record.truths(home))
        except NotSafe as error:
            record.refused(home, connection, TONIGHT, error)
            raise
        record.keep(home, connection, TONIGHT, made.proof)
        rows = {
            table: lake.replace_table(home.lake, table, connection, query).rows
            for table, query in made.queries.items()
        }
        return Protected(rows, made.proof.summary, made.seconds, made.narrowed, made.coarser)


def _view(connection: duckdb.DuckDBPyConnection, home: Home, dataset: Dataset) -> None:
    try:
        lake.view(connection, home.lake, dataset.source)
    except lake.NoSuchTable:
        raise NothingTakenIn(_never_written(home, dataset)) from None


def _never_written(home: Home, dataset: Dataset) -> str:
    """Why a dataset's source is not there, as far as the ledger tells."""
    delivered_as = {
        table.lake_table: (contract.source, table.name)
        for contract in load_all()
        for table in contract.tables
    }
    start = f"dataset {dataset.name}: table {dataset.source} was never written"
    if dataset.source not in delivered_as:
        return (
            f"{start}. A step before this one did not come to an end: `via broken` says which. "
            f"Nothing was replaced. / Nooit gemaakt: een eerdere stap is niet afgekomen, zie "
            f"`via broken`; er is niets vervangen."
        )
    source, name = delivered_as[dataset.source]
    rows = Ledger(home.ledger).rows(source) if home.ledger.exists() else []
    refused = sorted({row.path.strip("/") for row in rows if row.status is Status.REJECTED})
    if not refused:
        return (
            f"{start}: no delivery of {name} (source {source}) arrived yet. Put it into landing "
            f"and run again. Nothing was replaced. / Van {name} (bron {source}) is nog niets "
            f"ontvangen; lever het en draai opnieuw; er is niets vervangen."
        )
    what = f"{name} ({', '.join(refused)})"
    return (
        f"{start}: {what} was rejected and nothing of it was accepted before. The validation "
        f"report and `via check` name the rows and the rules that they break: mend the file and "
        f"run again. Nothing was replaced. / {what} is afgekeurd en er is geen eerdere goede "
        f"levering. Het validatierapport en `via check` noemen rijen en regels: herstel het "
        f"bestand en draai opnieuw; er is niets vervangen."
    )
