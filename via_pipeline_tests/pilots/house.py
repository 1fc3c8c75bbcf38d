"""A small house for tests of the middle rooms: deliveries in the ledger, accepted rows in the lake.

Rows are plain dictionaries; what a row leaves out is NULL. No intake and no quality runs: their
facts are written through their own interfaces.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import duckdb
import frontmatter
import pyarrow as pa

from via_pipeline.contracts.model import Contract, load
from via_pipeline.intake.ledger import Ledger, Sighting
from via_pipeline.intake.records import StagedDelivery
from via_pipeline.pilots import conform
from via_pipeline.storage import duck
from via_pipeline.storage.home import Home

REPOSITORY = Path(__file__).parents[2]
_NOW = "2020-01-01T00:00:00Z"
Rows = Sequence[Mapping[str, Any]]


def home_in(folder: Path) -> Home:
    """An installation of its own, with the repository's register and reference data."""
    return Home(root=folder / "via", data=REPOSITORY / "data").ensure()


def deliver(
    home: Home,
    source: str,
    key: Mapping[str, str],
    tables: Mapping[str, Rows],
    *,
    received: date | None,
    verdict: str = "accepted",
    revision: int = 1,
    synthetic: bool = True,
    refresh: bool = True,
) -> str:
    """Put one judged delivery in place and return its id."""
    contract = load(source)
    words = "_".join(key.values())
    mark = "_synthetisch" if synthetic else ""
    name = f"{source}_{words}{mark}_v1_{revision}"
    delivery_id = f"{source}-{words}-{revision}"
    ledger = Ledger(home.ledger)
    ledger.record_sighting(
        Sighting(
            source, f"landing/{name}", name, received, 1, delivery_id, delivery_id, "test", _NOW
        )
    )
    staged = StagedDelivery(
        delivery_id=delivery_id,
        source=source,
        file_name=name,
        fields=dict(key),
        peildatum=contract.delivery.peildatum_of(key).isoformat(),
        contract_version=contract.version,
        contract_sha256=contract.sha256,
        bytes=1,
        sha256=delivery_id,
        content_sha256=delivery_id,
        sniffed={},
    )
    ledger.record_staged(staged, tuple(sorted(key.items())), run_id="test", recorded_at=_NOW)
    count = sum(len(rows) for rows in tables.values())
    if verdict != "rejected":
        for table, rows in tables.items():
            _write(home, contract, table, delivery_id, rows)
    ledger.record_verdict(
        delivery_id,
        contract.sha256,
        verdict,
        rows_in=count,
        accepted=0 if verdict == "rejected" else count,
        quarantined=0,
        run_id="test",
        recorded_at=_NOW,
    )
    if refresh:
        conform.refresh(home, contract)
    return delivery_id


def keep(home: Home, source: str, revision: int = 1, **instead: Rows) -> None:
    """Put the repository's own register or reference folder in place, read plainly.

    ``instead`` are tables with other rows than there.
    """
    typed = _kept(source, home.data / source) | instead
    deliver(home, source, {}, typed, received=None, synthetic=False, revision=revision)


@cache
def _kept(source: str, folder: Path) -> dict[str, Rows]:
    """Its tables by name, read once: nobody changes the repository's folders meanwhile."""
    contract = load(source)
    tables = {}
    for table in contract.tables:
        if table.name == "status":
            tables[table.name] = [_status(path) for path in sorted(folder.glob("status/*.md"))]
        else:
            tables[table.name] = plain_csv(folder / f"{table.name}.csv")
    return {name: [_typed(contract, name, row) for row in rows] for name, rows in tables.items()}


def plain_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a kept CSV file, as text."""
    import csv

    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter=";"))


def persons(column: str, number: int, kind: str = "test") -> dict[str, str]:
    """The pseudonym pair of the ``number``-th made-up person."""
    return {f"{column}_id": f"{number:064x}", f"{column}_id_soort": kind}


def _status(path: Path) -> dict[str, str]:
    page = frontmatter.load(str(path))
    return {name: str(value) for name, value in page.metadata.items()} | {"tekst": page.content}


def _typed(contract: Contract, table: str, row: Mapping[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for column in contract.table(table).columns:
        text = row[column.name].strip()
        if not text:
            result[column.name] = None
        elif column.logical_type == "boolean":
            result[column.name] = text == "J"
        else:
            result[column.name] = text.replace(",", ".") if _is_number(column) else text
    return result


def _is_number(column: Any) -> bool:
    return column.logical_type == "number"


def _write(home: Home, contract: Contract, table: str, delivery_id: str, rows: Rows) -> None:
    model = contract.table(table)
    types = model.conformed_types
    path = conform.accepted_path(home, model, delivery_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    full = [
        {"_delivery": delivery_id, "_row": n} | dict(row) for n, row in enumerate(rows, start=2)
    ]
    for row in full:
        if unknown := set(row) - set(types):
            raise KeyError(f"{table} has no columns {sorted(unknown)}")
    cells = tuple(
        tuple(None if row.get(name) is None else str(row[name]) for row in full) for name in types
    )
    path.write_bytes(_parquet(tuple(types.items()), cells))


@lru_cache(maxsize=500)
def _parquet(
    types: tuple[tuple[str, str], ...], cells: tuple[tuple[str | None, ...], ...]
) -> bytes:
    """A file of those columns, ordered by ``_row``; the same tables stand in many houses.

    Through text, all rows at once: an INSERT a row takes a minute for some thousand rows.
    """
    texts = pa.table(
        {
            name: pa.array(column, pa.string())
            for (name, _), column in zip(types, cells, strict=True)
        }
    )
    cast = ", ".join(
        f"CAST({duck.quoted(name)} AS {kind}) AS {duck.quoted(name)}" for name, kind in types
    )
    connection, path = _writer()
    connection.register("texts", texts)
    connection.execute(
        f"COPY (SELECT {cast} FROM texts ORDER BY _row) TO {duck.literal(path)} (FORMAT parquet)"
    )
    connection.unregister("texts")
    return path.read_bytes()


@cache
def _writer() -> tuple[duckdb.DuckDBPyConnection, Path]:
    """One for all tables, and its file: opening one takes longer than writing a table of a test."""
    folder = Path(tempfile.mkdtemp(prefix="via-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return duckdb.connect(), folder / "rows.parquet"
