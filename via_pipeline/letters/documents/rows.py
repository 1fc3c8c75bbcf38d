"""Rows of the published tables, and the address of each.

Belongs here: reading ``disclosure__*`` in the order of its dataset, which depends on no figure.
Does not belong here: any other table; documents have no other source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb

from via_pipeline.letters.address import CELL
from via_pipeline.letters.content import Content, contents

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """The published tables of an edition, as rows."""

    connection: duckdb.DuckDBPyConnection
    release: str

    def rows(self, dataset: str) -> list[Row]:
        """All rows of one dataset of the package, in its order; each with its address.

        Raises:
            KeyError: the package has no such dataset.
        """
        content = _contents()[dataset]
        relation = self.connection.sql(content.query)
        names = [name for name, *_ in relation.description]
        found = (dict(zip(names, row, strict=True)) for row in relation.fetchall())
        return [row | {"_adres": f"{self.release}/{dataset}/{row[CELL]}"} for row in found]


def ruleset_of(dataset: str) -> str | None:
    """The rule set that protects a dataset of the package; None where none does."""
    content = _contents().get(dataset)
    found = content.dataset if content is not None else None
    return found.ruleset if found is not None else None


@cache
def _contents() -> dict[str, Content]:
    return {content.name: content for content in contents()}


def is_synthetic(rows: Iterable[Row]) -> bool:
    """Whether any of the rows rests on synthetic deliveries."""
    return any(row["is_synthetisch"] for row in rows)
