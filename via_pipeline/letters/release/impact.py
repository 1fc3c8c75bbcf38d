"""What deliveries of after the reading date would change in a published edition, cell by cell.

Belongs here: which deliveries belong to the edition's time, the edition as it would be with them,
and the comparison with what was published. The published edition is not touched. Does not belong
here: deciding on a correction; people do (``gate.revise``).

The edition is made by the very code that makes editions, over a copy of the ledger in which those
deliveries came in on the reading date. What was or would be hidden is not shown: such a cell says
that it changes and nothing more. The report compares two versions of one table, which a reader of
the published one must not be able to do: it stays in ``reports/`` (restricted).
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from via_pipeline import fingerprint
from via_pipeline.contracts.model import Contract, load_all
from via_pipeline.disclosure.protect import RULE, STATUS
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.intake.what_if import as_if_received
from via_pipeline.letters import published as known
from via_pipeline.letters.files import dutch_text
from via_pipeline.letters.release import freeze
from via_pipeline.letters.release.rebuild import published
from via_pipeline.letters.release.screening.package import Package, Table, load
from via_pipeline.storage.atomic import replacing, write_json, write_text
from via_pipeline.storage.home import Home
from via_pipeline.storage.place import copy_tree

HIDDEN = "verandert, niet getoond"
NO_DELIVERY = "code, regels of register"
ELSEWHERE = "verandering elders in de tabel"
_IDS = "leveringen"
FOLDER = "uitgaven"
_COLUMNS = ("dataset", "sleutel", "kolom", "soort", "gepubliceerd", "zou_worden", "leveringen")
# Words about the delivery, not about the world: they change whenever anything does.
_BESIDE = {_IDS, "plan_hash", STATUS, RULE}


@dataclass(frozen=True)
class Cell:
    """One cell that would be another. ``soort``: gewijzigd, nieuw, vervallen, verborgen.

    ``gepubliceerd`` and ``zou_worden`` are texts as in the CSV, or ``HIDDEN``.
    """

    dataset: str
    sleutel: str
    kolom: str
    soort: str
    gepubliceerd: str
    zou_worden: str
    leveringen: str


@dataclass(frozen=True)
class Impact:
    """What would change in a published revision, and by which deliveries (ids).

    ``added`` came late or corrected another; ``dropped`` are no longer in force without them.
    """

    edition: str
    revision: int
    reading_date: date
    added: tuple[str, ...]
    dropped: tuple[str, ...]
    cells: tuple[Cell, ...]

    @property
    def by_dataset(self) -> dict[str, int]:
        """Number of cells per dataset."""
        return dict(sorted(Counter(cell.dataset for cell in self.cells).items()))


def impact(home: Home, edition: str, revision: int | None = None) -> Impact:
    """Work out what would change in a published revision (the newest unless told).

    Raises:
        NotPublished: there is no such revision.
        PartMissing: a delivery of then is no longer in the lake.
        TableError: the tables as they would be cannot be protected.
    """
    chosen = published(home, edition, revision)
    frozen = load(freeze.folder_of(home, edition, chosen.revision), edition)
    read_on = date.fromisoformat(str(frozen.descriptor["leesdatum"]))
    late = [row.delivery_id for row in _late(home, read_on)]
    with _as_if(home, late, read_on) as scratch:
        from via_pipeline.letters.package import emit

        known.lay_out(home, scratch)
        would_be = load(emit(scratch, edition, stays_inside=True).folder, edition)
    then, now = _deliveries(frozen), _deliveries(would_be)
    added = tuple(sorted(now.keys() - then.keys()))
    dropped = tuple(sorted(then.keys() - now.keys()))
    changed = _by_source({**then, **now}, [*added, *dropped])
    return Impact(
        edition,
        chosen.revision,
        read_on,
        added,
        dropped,
        tuple(sorted(_cells(frozen, would_be, changed), key=_order)),
    )


def state_of(home: Home, edition: str) -> str:
    """A digest of what the answer depends on: the same digest, the same answer.

    Raises:
        NotPublished: nothing of the edition is published.
    """
    chosen = published(home, edition)
    rows = Ledger(home.ledger).rows() if home.ledger.exists() else []
    said = [chosen.package, fingerprint.code(), *sorted(_standing(row) for row in rows)]
    return fingerprint.digest([said])


def write(home: Home, found: Impact) -> Path:
    """Write the report (JSON, CSV, Markdown) into the restricted reports; its folder."""
    folder = home.reports / FOLDER / f"{found.edition}-r{found.revision}"
    folder.mkdir(parents=True, exist_ok=True)
    (home.reports / FOLDER).chmod(0o700)
    write_json(
        folder / "gevolgen.json",
        {
            "editie": found.edition,
            "revisie": found.revision,
            "leesdatum": found.reading_date.isoformat(),
            "erbij": found.added,
            "niet_meer": found.dropped,
            "per_dataset": found.by_dataset,
            "cellen": [asdict(cell) for cell in found.cells],
        },
    )
    with (
        replacing(folder / "gevolgen.csv") as temporary,
        temporary.open("w", encoding="utf-8-sig", newline="") as handle,
    ):
        writer = csv.writer(handle, delimiter=";", lineterminator="\r\n")
        writer.writerow(_COLUMNS)
        writer.writerows(
            [dutch_text(asdict(cell)[name]) for name in _COLUMNS] for cell in found.cells
        )
    write_text(folder / "gevolgen.md", text(found))
    return folder


def text(found: Impact) -> str:
    """The report in Dutch: counts per table and per delivery; the cells stand in the CSV."""
    lines = [
        f"# Wat late en gecorrigeerde leveringen zouden veranderen in editie {found.edition}, "
        f"revisie {found.revision}",
        "",
        "De gepubliceerde uitgave is niet gewijzigd. Dit overzicht is alleen voor binnen: het legt "
        "twee versies van een tabel naast elkaar.",
        "",
    ]
    if not found.cells:
        return "\n".join([*lines, "Er zou niets veranderen.", ""])
    lines += ["| tabel | cellen | waarvan niet te tonen |", "| --- | ---: | ---: |"]
    hidden = Counter(cell.dataset for cell in found.cells if cell.soort == "verborgen")
    lines += [f"| {name} | {count} | {hidden[name]} |" for name, count in found.by_dataset.items()]
    lines += ["", "| door levering | cellen |", "| --- | ---: |"]
    causes = Counter(cell.leveringen for cell in found.cells)
    lines += [f"| {name} | {count} |" for name, count in sorted(causes.items())]
    return "\n".join([*lines, ""])


# Which deliveries -----------------------------------------------------------------------------


def _late(home: Home, read_on: date) -> Iterator[LedgerRow]:
    """Deliveries in force that came after the reading date and are about what it could have known.

    A correction of a delivery that was in force then; one that was due by then; and, where the
    calendar does not name it, one with a reference date of by then. A new period is news, not a
    change of this edition.
    """
    ledger = Ledger(home.ledger)
    for contract in load_all():
        if contract.kept_in is not None:
            continue
        then = {row.key for row in ledger.current(contract.source, read_on)}
        due = _due(contract)
        for row in ledger.current(contract.source):
            if row.received is None or row.received <= read_on:
                continue
            day = due.get(frozenset(row.key or ()))
            if day is None and row.peildatum:
                day = date.fromisoformat(row.peildatum)
            if row.key in then or (day is not None and day <= read_on):
                yield row


def _due(contract: Contract) -> dict[frozenset[tuple[str, str]], date]:
    return {frozenset(line.key): line.due for line in contract.calendar}


@contextmanager
def _as_if(home: Home, late: Sequence[str], read_on: date) -> Iterator[Home]:
    """A VIA_HOME of its own: this lake, and a ledger in which ``late`` came on the reading date."""
    home.ensure()
    folder = Path(tempfile.mkdtemp(prefix="gevolgen-", dir=home.scratch))
    try:
        scratch = Home(folder / "home", home.data, home.releases)
        (folder / "home" / "lake").mkdir(parents=True)
        for table in home.lake.iterdir():
            # What is written (estimates, proofs) is copied; what is only read is linked, unless it
            # lies in object storage.
            is_written = table.name.startswith(("outcomes__", "audit__"))
            if is_written or not isinstance(table, Path):
                copy_tree(table, folder / "home" / "lake" / table.name)
            else:
                (folder / "home" / "lake" / table.name).symlink_to(table)
        scratch.ensure()
        as_if_received(home.ledger, scratch.ledger, late, read_on)
        yield scratch
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _deliveries(package: Package) -> dict[str, str]:
    """Delivery id -> source, of what partners delivered; what people keep is the register's."""
    return {
        str(item["levering"]): str(item["bron"])
        for item in package.origin.get("leveringen", [])
        if item.get("ontvangen")
    }


def _by_source(sources: Mapping[str, str], changed: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in sorted(changed):
        found.setdefault(sources[name], []).append(name)
    return found


def _standing(row: LedgerRow) -> str:
    return f"{row.delivery_id} {row.status} {row.received}"


# The comparison -------------------------------------------------------------------------------


def _cells(
    frozen: Package, would_be: Package, changed: Mapping[str, Sequence[str]]
) -> Iterator[Cell]:
    pilots = {contract.pilot: contract.source for contract in load_all() if contract.pilot}
    # Tables of this room (what changed, how it is worked out) repeat what the others say.
    old_tables = {table.name: table for table in frozen.tables if table.dataset}
    new_tables = {table.name: table for table in would_be.tables if table.dataset}
    # What disclosure control says of itself changes by no delivery.
    for name in sorted((old_tables.keys() & new_tables.keys()) - {"beveiliging"}):
        olds, news = _keyed(old_tables[name]), _keyed(new_tables[name])
        for key in sorted(olds.keys() | news.keys()):
            before, after = olds.get(key), news.get(key)
            if _said(before) == _said(after):
                continue
            cause = _cause(before, after, changed, pilots)
            shown = " / ".join(filter(None, key))
            yield from _of_row(name, shown, old_tables[name], before, after, cause)


def _cause(
    before: Mapping[str, str] | None,
    after: Mapping[str, str] | None,
    changed: Mapping[str, Sequence[str]],
    pilots: Mapping[Any, str],
) -> str:
    """The deliveries by which a row changes: those it names, else those of its source."""
    rows = [row for row in (before, after) if row is not None]
    named = {one for row in rows for one in row.get(_IDS, "").split()}
    moved = {one for ids in changed.values() for one in ids}
    if own := sorted(named & moved):
        return ", ".join(own)
    for row in rows:
        for source in (row.get("bron"), pilots.get(row.get("pilot_id"))):
            if source in changed:
                return ", ".join(changed[source])
    statuses = {row.get(STATUS) for row in rows}
    return ELSEWHERE if moved and len(statuses) > 1 else NO_DELIVERY


def _of_row(
    dataset: str,
    key: str,
    table: Table,
    before: Mapping[str, str] | None,
    after: Mapping[str, str] | None,
    cause: str,
) -> Iterator[Cell]:
    is_hidden = any(row is not None and row.get(STATUS) == "c" for row in (before, after))
    numbers = set(table.dataset.numbers) if table.dataset else set()
    if before is None or after is None:
        kind = "nieuw" if before is None else "vervallen"
        yield Cell(dataset, key, "(rij)", kind, "", HIDDEN if is_hidden else "", cause)
        if is_hidden:
            return
    for name in table.header:
        if name in table.key or name in _BESIDE:
            continue
        old, new = (before or {}).get(name, ""), (after or {}).get(name, "")
        if old == new:
            continue
        if is_hidden and (name in numbers or not numbers):
            yield Cell(dataset, key, name, "verborgen", HIDDEN, HIDDEN, cause)
        elif before is not None and after is not None:
            yield Cell(dataset, key, name, "gewijzigd", old, new, cause)
        elif name in numbers:
            kind = "nieuw" if before is None else "vervallen"
            yield Cell(dataset, key, name, kind, old, new, cause)


def _keyed(table: Table) -> dict[tuple[str, ...], dict[str, str]]:
    return {tuple(record[name] for name in table.key): record for record in table.records}


def _said(row: Mapping[str, str] | None) -> dict[str, str] | None:
    """What a row says of the world: without the words about deliveries and rules."""
    if row is None:
        return None
    return {name: text for name, text in row.items() if name not in _BESIDE or name == STATUS}


def _order(cell: Cell) -> tuple[str, ...]:
    return (cell.dataset, cell.sleutel, cell.kolom)
