"""A small installation with staged deliveries of ``p5_behoud`` and ``p2_mbo``, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from via_pipeline.contracts import model
from via_pipeline.contracts.binding import bound
from via_pipeline.contracts.model import Contract
from via_pipeline.intake.ledger import Ledger, Sighting
from via_pipeline.intake.records import Finding, StagedDelivery, StagedTable, staging
from via_pipeline.quality.run import rules_by_table
from via_pipeline.storage.home import Home
from via_pipeline_tests.quality import staged

NOW = "2020-11-09T01:00:00Z"


def home(root: Path) -> Home:
    """An empty installation with the project's own reference lists."""
    data = root / "data"
    data.mkdir()
    (data / "reference").symlink_to(staged.REFERENCE)
    return Home(root / "via", data).ensure()


def stage(
    where: Home,
    contract: Contract,
    delivery_id: str,
    *,
    rows: Sequence[staged.Row] | None = None,
    changes: dict[int, dict[str, Any]] | None = None,
    count: int = 20,
    malformed: tuple[int, ...] = (),
    findings: tuple[Finding, ...] = (),
    header: tuple[str, ...] | None = None,
    file_name: str = "p5_behoud_A_2019_v1.csv",
    key: tuple[tuple[str, str], ...] | None = (("periode", "2019"), ("werkgever", "A")),
    received: date = date(2020, 3, 1),
    is_staged: bool = True,
) -> StagedDelivery:
    """Stage clean rows, with ``changes`` per row number, and tell the ledger as intake does."""
    tables = []
    for table, rules in rules_by_table(contract, staged.REFERENCE).items():
        spec = contract.table(table)
        made = (
            list(rows)
            if rows is not None
            else [
                row | (changes or {}).get(row["_row"], {})
                for row in staged.clean_rows(contract, spec, rules, count)
            ]
        )
        path = staging(where.lake, delivery_id) / f"{table}.parquet"
        if is_staged:
            staged.write(path, staged.types_of(spec, rules), made)
        tables.append(
            StagedTable(
                table=table,
                file=file_name,
                header=header or tuple(column.name for column in spec.delivered_columns),
                drift=(),
                rows_in=len(made) + len(malformed),
                malformed_rows=malformed,
                parquet=str(path.relative_to(where.lake)) if is_staged else None,
            )
        )
    record = StagedDelivery(
        delivery_id=delivery_id,
        source=contract.source,
        file_name=file_name,
        fields=dict(key or ()),
        peildatum="2019-01-01",
        contract_version=contract.version,
        contract_sha256=bound(contract, staged.REFERENCE).sha256,
        bytes=1,
        sha256=delivery_id,
        content_sha256=delivery_id,
        sniffed={},
        findings=findings,
        tables=tuple(tables),
    )
    staging(where.lake, delivery_id).mkdir(parents=True, exist_ok=True)
    record.write(staging(where.lake, delivery_id))
    ledger = Ledger(where.ledger)
    ledger.record_sighting(
        Sighting(contract.source, f"landing/{contract.source}/{received}/{delivery_id}", file_name,
                 received, 1, delivery_id, delivery_id, "run-1", NOW)
    )  # fmt: skip
    ledger.record_staged(record, key, run_id="run-1", recorded_at=NOW)
    return record


def p5() -> Contract:
    """The contract that these examples follow."""
    return model.load("p5_behoud")
