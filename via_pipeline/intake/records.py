"""What intake hands to quality: the record of one staged delivery.

A delivery is one path in ``landing/<source>/<received date>/``: a file, a ZIP or a folder. Its
``delivery_id`` is ``<source>-<16 hex over its bytes and its file name's fields>``, so the same
bytes for the same period are the same delivery wherever and whenever they are seen. What intake
makes of it lies in ``lake/staging/<delivery_id>/``: ``record.json`` and one ``<table>.parquet`` a
table.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from via_pipeline.contracts.model import Severity
from via_pipeline.storage.atomic import as_json
from via_pipeline.storage.place import Place, write_text

RECORD = "record.json"


@dataclass(frozen=True)
class Finding:
    """Something about a file that keeps it, or a row of it, from being read.

    ``rule`` is a stable id (``bestand__codering``, ``bestand__zip``, ``bestand__rij``, ...);
    ``explanation`` is Dutch, tells the sender what to change and never holds a cell's value of an
    identifying column. ``row`` counts as the sender's own program does (the header is a row).
    """

    rule: str
    severity: Severity
    explanation: str
    file: str
    table: str | None = None
    row: int | None = None
    column: str | None = None


@dataclass(frozen=True)
class StagedTable:
    """One table of a delivery as staged.

    ``header`` is the file's own header; ``drift`` says in Dutch how it differs from the contract.
    ``rows_in`` counts every row of the file, also ``malformed_rows`` (row numbers), which have no
    place in the Parquet file. ``parquet`` is relative to the lake, None when not staged.
    """

    table: str
    file: str
    header: tuple[str, ...]
    drift: tuple[str, ...]
    rows_in: int
    malformed_rows: tuple[int, ...]
    parquet: str | None


@dataclass(frozen=True)
class StagedDelivery:
    """One delivery as staged; ``is_readable`` is False when a finding rejects the file as such."""

    delivery_id: str
    source: str
    file_name: str
    fields: dict[str, str]
    peildatum: str | None
    contract_version: str
    contract_sha256: str
    bytes: int
    sha256: str
    content_sha256: str | None
    sniffed: dict[str, Any]
    findings: tuple[Finding, ...] = ()
    tables: tuple[StagedTable, ...] = field(default=())

    @property
    def is_readable(self) -> bool:
        """Whether every table could be staged."""
        return not any(finding.severity is Severity.REJECT_FILE for finding in self.findings)

    def write(self, folder: Place) -> None:
        """Write ``record.json`` into ``folder``."""
        write_text(folder / RECORD, as_json(asdict(self)))


def read_record(folder: Place) -> StagedDelivery:
    """The record that ``StagedDelivery.write`` wrote into ``folder``.

    Raises:
        FileNotFoundError: nothing was staged there.
    """
    raw = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    raw["findings"] = tuple(
        Finding(**(item | {"severity": Severity(item["severity"])})) for item in raw["findings"]
    )
    raw["tables"] = tuple(
        StagedTable(
            **(item | {name: tuple(item[name]) for name in ("header", "drift", "malformed_rows")})
        )
        for item in raw["tables"]
    )
    return StagedDelivery(**raw)


def staged_file(delivery_id: str, table: str) -> str:
    """Where a staged table lies, from the lake's root."""
    return f"staging/{delivery_id}/{table}.parquet"


def staging(lake: Place, delivery_id: str) -> Place:
    """The folder of a staged delivery."""
    return lake / "staging" / delivery_id
