"""What is in a package: which tables, with which rows, words and keys.

Belongs here: ``contents.yaml`` read, each table as a query over what the edition sees, and its
rows in memory. Does not belong here: figures (rooms to the left), bytes (``files``, ``workbook``,
``ods``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from via_pipeline.contracts import codelists
from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.model import Dataset, load_dataset
from via_pipeline.disclosure.protect import RULE, STATUS, SYNTHETIC, order_by
from via_pipeline.letters.address import CELL, CELL_WORDS, cell_sql
from via_pipeline.storage.duck import literal, quoted

_CONTENTS = Path(__file__).parent / "contents.yaml"
_CODES = Path(__file__).parent / "codes.yaml"
_SHIPPED_LISTS = Path(codelists.__file__).parent / "codelists"

CODES = "codelijst"
"""The table of a package that tells what the codes in the columns ``groep`` mean."""

_STATE = "stand_van_zaken"
_ADDED = {
    # A result is as definite as the register says its pilot is; nobody said so: provisional.
    "status": (
        f"coalesce((SELECT max(s.status) FROM disclosure__{_STATE} s "
        "WHERE s.locatie = 'alle' AND s.pilot_id = t.pilot_id), 'voorlopig')",
        "Hoe definitief de cijfers van deze pilot zijn, volgens het programmaregister bij deze "
        "editie: voorlopig, nader_voorlopig of definitief.",
    ),
}
"""Columns that the letter adds to a published dataset: their SQL (the row is ``t``) and words."""


@dataclass(frozen=True)
class Content:
    """One table of a package: its words, its key and the query that gives its rows in order.

    ``dataset`` is the published dataset that it comes from, None for a table of this room.
    ``figures`` are the columns that hold a figure, the first is the one that an address means.
    """

    name: str
    title: str
    description: str
    key: tuple[str, ...]
    words: Mapping[str, str]
    query: str
    dataset: Dataset | None = None
    figures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A content with its rows; ``types`` are columns with their DuckDB types, in order."""

    content: Content
    types: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(name for name, _ in self.types)

    @property
    def hidden(self) -> int:
        """Number of rows without their figure."""
        if STATUS not in self.columns:
            return 0
        place = self.columns.index(STATUS)
        return sum(row[place] is not None for row in self.rows)

    @property
    def is_synthetic(self) -> bool:
        """Whether any row rests on made-up deliveries."""
        if SYNTHETIC not in self.columns:
            return False
        place = self.columns.index(SYNTHETIC)
        return any(row[place] for row in self.rows)


class CellClash(RuntimeError):
    """Two rows of a table have one cell: an address would mean two figures."""


def contents(path: Path = _CONTENTS) -> list[Content]:
    """The datasets of a package, in order.

    Raises:
        KeyError: an entry names a dataset that is not published, or an unknown column to add.
    """
    return list(_contents(path))


@cache
def _contents(path: Path) -> tuple[Content, ...]:
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tuple(_content(name, item) for name, item in raw.items())


def read(connection: duckdb.DuckDBPyConnection, content: Content) -> Table:
    """The rows of ``content`` on ``connection``.

    Raises:
        CellClash: two keys have one cell (in ten thousand rows: one chance in five million).
    """
    relation = connection.sql(content.query)
    types = tuple(zip(relation.columns, (str(kind) for kind in relation.types), strict=True))
    rows = tuple(relation.fetchall())
    if content.dataset is not None:
        place = relation.columns.index(CELL)
        if len({row[place] for row in rows}) != len(rows):
            raise CellClash(f"{content.name}: two rows have the same cell")
    return Table(content, types, rows)


def code_table(connection: duckdb.DuckDBPyConnection) -> Content:
    """Make the table of code lists on ``connection``; all lists that ship, whatever is in use."""
    rows = [
        (path.stem, code, label)
        for path in sorted(_SHIPPED_LISTS.glob("*.csv"))
        for code, label in sorted(codelists.load(path.stem, _SHIPPED_LISTS).labels.items())
    ]
    return own_table(
        connection,
        name=CODES,
        title="Codelijsten",
        description="Codes die in de tabellen voorkomen, met hun betekenis.",
        columns={
            "lijst": ("VARCHAR", "Naam van de lijst; gelijk aan groep_soort in de resultaten."),
            "code": ("VARCHAR", "De code."),
            "label": ("VARCHAR", "Wat de code betekent."),
        },
        key=("lijst", "code"),
        rows=rows,
    )


def own_table(
    connection: duckdb.DuckDBPyConnection,
    *,
    name: str,
    title: str,
    description: str,
    columns: Mapping[str, tuple[str, str]],
    key: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
) -> Content:
    """Make a table of this room on ``connection``: columns -> (type, words), rows in order."""
    table = f"letters__{name}"
    defined = ", ".join(f"{quoted(column)} {kind}" for column, (kind, _) in columns.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({defined})")
    if rows:
        # Whole columns at once: row by row takes a hundred times as long.
        values = ", ".join(f"unnest(?::{kind}[])" for kind, _ in columns.values())
        connection.execute(
            f"INSERT INTO {table} SELECT {values}",
            [list(column) for column in zip(*rows, strict=True)],
        )
    return Content(
        name=name,
        title=title,
        description=description,
        key=key,
        words={column: words for column, (_, words) in columns.items()},
        query=f"SELECT * FROM {table} ORDER BY rowid",
    )


def codes(table: Table) -> dict[str, dict[str, str]]:
    """Per column with a closed list its codes and their labels, in the order of the list.

    A code that is in the rows and not on the list is added with itself for a label, so that the
    description never contradicts the data.
    """
    listed: dict[str, dict[str, str]] = yaml.safe_load(_CODES.read_text(encoding="utf-8"))
    listed[STATUS] = dictionary.symbols()
    found = {}
    for place, column in enumerate(table.columns):
        known = listed.get(f"{table.content.name}.{column}", listed.get(column))
        if known is not None:
            used = sorted({row[place] for row in table.rows} - {None})
            found[column] = known | {code: code for code in used if code not in known}
    return found


def _content(name: str, item: Mapping[str, Any]) -> Content:
    dataset = load_dataset(item["from"])
    conditions = [f"{quoted(c)} = {literal(value)}" for c, value in item.get("only", {}).items()]
    conditions += [
        f"{quoted(c)} <> {literal(value)}" for c, value in item.get("except", {}).items()
    ]
    added = {column: _ADDED[column] for column in item.get("add", [])}
    extra = "".join(f"{sql} AS {quoted(column)}, " for column, (sql, _) in added.items())
    words = dictionary.columns(dataset.name)
    closing = {column: words.pop(column) for column in (STATUS, RULE)}
    order = [*words, *added, *closing]
    return Content(
        name=name,
        title=item.get("title", dictionary.title(dataset.name)),
        description=dictionary.description(dataset.name),
        key=dataset.key,
        words=words
        | {column: text for column, (_, text) in added.items()}
        | closing
        | {CELL: CELL_WORDS},
        query=(
            f"SELECT {', '.join(map(quoted, order))}, {cell_sql(dataset.key)} AS {CELL} FROM ("
            f"SELECT {extra}t.* FROM {quoted(dataset.table)} t "
            f"WHERE {' AND '.join(conditions) or 'true'}) ORDER BY {order_by(dataset)}"
        ),
        dataset=dataset,
        figures=_figures(dataset),
    )


def _figures(dataset: Dataset) -> tuple[str, ...]:
    """Columns with a figure: the value first, then counts, then what goes along with it."""
    first = [name for name in (dataset.value, dataset.count, dataset.numerator) if name]
    return tuple(dict.fromkeys((*first, *dataset.numbers)))
