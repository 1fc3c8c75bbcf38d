"""What the UI shows beside an asset: column schemas, figures, small tables, links.

Belongs here: turning the rooms' plain values into Dagster metadata. Does not belong here: counting.
Values of identifying columns never come this far; nothing here reads a table's rows.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg

from via_pipeline import __version__
from via_pipeline.contracts.model import Contract, Table
from via_pipeline.storage.home import Home

_OWN_COLUMNS = {
    "_delivery": "Levering waar de rij uit komt (id in het grootboek).",
    "_row": "Rijnummer in het bestand van de afzender.",
}
MAX_TABLE_ROWS = 25
CODE_VERSION = __version__


def plain(value: Any) -> Any:
    """``value`` as Python's own types: what JSON and Dagster take.

    NumPy scalars become int, float or bool; NaN and infinities None; dates ISO text; decimals
    float; containers are walked.
    """
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else None
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value


def column_schema(table: Table) -> dg.TableSchema:
    """The conformed table's columns, with the contract's descriptions and personal-data classes."""
    described = {column.name: column for column in table.stored_columns}
    unique = set(table.key)
    columns = []
    for name, kind in table.conformed_types.items():
        column = described.get(name)
        columns.append(
            dg.TableColumn(
                name=name,
                type=kind.lower(),
                description=column.description if column else _own_description(table, name),
                constraints=dg.TableColumnConstraints(
                    nullable=not (column.required if column else name.startswith("_")),
                    other=["deel van de sleutel"] if name in unique else [],
                ),
                tags={"persoonsgegeven": _personal(column, name)},
            )
        )
    return dg.TableSchema(columns=columns)


def _own_description(table: Table, name: str) -> str:
    if name in _OWN_COLUMNS:
        return _OWN_COLUMNS[name]
    if name.endswith("__ontbreekt"):
        return f"Waarom '{name.removesuffix('__ontbreekt')}' leeg is."
    if name.endswith("_id_soort"):
        return "Soort nummer waar het pseudoniem van gemaakt is."
    return "Pseudoniem (HMAC-SHA-256); met de soort erbij wijst het dezelfde persoon aan."


def _personal(column: Any, name: str) -> str:
    if column is not None:
        return column.personal_data.value
    return "pseudonym" if name.endswith("_id") else "none"


def described(contract: Contract, what: str) -> str:
    """Title and purpose (Dutch, from the contract), then what the asset is (English)."""
    title = f"**{contract.title}** ({contract.source}, contract {contract.version})"
    return f"{title}\n\n{what}\n\n{contract.purpose}"


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[Any]]
) -> dg.MarkdownMetadataValue:
    """A small table; after ``MAX_TABLE_ROWS`` rows it says how many more there are."""
    rows = [[_cell(plain(value)) for value in row] for row in rows]
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows[:MAX_TABLE_ROWS]]
    if len(rows) > MAX_TABLE_ROWS:
        lines.append(f"\n... en nog {len(rows) - MAX_TABLE_ROWS}")
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def relative(home: Home, path: Path) -> str:
    """``path`` as seen from ``VIA_HOME`` (or ``VIA_DATA``), so that no machine's path shows."""
    for name, root in (("VIA_HOME", home.root), ("VIA_DATA", home.data)):
        if path.is_relative_to(root):
            return f"{name}/{path.relative_to(root).as_posix()}"
    return path.name


def lake_figures(home: Home, table: str) -> dict[str, Any]:
    """Row count, number of files and content hash of a lake table as it stands now; lineage."""
    from via_pipeline.defs import columns
    from via_pipeline.storage import lake

    lineage = columns.told(table)
    try:
        parts = lake.parts(home.lake, table)
    except lake.NoSuchTable:
        return lineage | {"dagster/row_count": 0, "files": 0}
    digest = hashlib.sha256("".join(part.sha256 for part in sorted(parts)).encode()).hexdigest()
    return lineage | {
        "dagster/row_count": sum(part.rows for part in parts),
        "files": len(parts),
        "content_sha256": digest,
    }


def hidden_figures(home: Home, tables: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By protected table how many of its rows are hidden, by status; aggregates only."""
    from via_pipeline.storage import lake
    from via_pipeline.storage.duck import quoted, work

    figures = {}
    with work(home.scratch) as connection:
        for table in tables:
            lake.view(connection, home.lake, table)
            found = connection.execute(
                f"SELECT coalesce(waarde_status, '') AS status, count(*) FROM {quoted(table)} "
                "GROUP BY ALL ORDER BY ALL"
            ).fetchall()
            figures[table] = {"hidden": sum(count for status, count in found if status)} | {
                f"hidden_{status}": count for status, count in found if status
            }
    return figures
