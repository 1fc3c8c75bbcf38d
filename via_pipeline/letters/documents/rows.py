"""Rows of the published tables, and the address of each.

Belongs here: reading ``disclosure__*`` in the order of its dataset, which depends on no figure.
Does not belong here: any other table; documents have no other source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb

from via_pipeline.letters.files import Content, contents

Row = Mapping[str, Any]
# Of the SHA-256 over the cells of the key, as the CSV has them.
_DIGITS = 12


@dataclass(frozen=True)
class Source:
    """The published tables of an edition, as rows."""

    connection: duckdb.DuckDBPyConnection
    edition: str

    def rows(self, dataset: str) -> list[Row]:
        """All rows of one dataset of the package, in its order; each with its address.

        Raises:
            KeyError: the package has no such dataset.
        """
        content = _contents()[dataset]
        relation = self.connection.sql(content.query)
        names = [name for name, *_ in relation.description]
        found = (dict(zip(names, row, strict=True)) for row in relation.fetchall())
        return [row | {"_adres": self.address(content, row)} for row in found]

    def address(self, content: Content, row: Row) -> str:
        """``<edition>/<dataset>/<cell>``: the one place where the documents ask for an address."""
        key = "\x1f".join(str(row[name]) for name in content.dataset.key)
        cell = hashlib.sha256(key.encode()).hexdigest()[:_DIGITS]
        return f"{self.edition}/{content.name}/{cell}"


def ruleset_of(dataset: str) -> str | None:
    """The rule set that protects a dataset of the package; None where none does."""
    content = _contents().get(dataset)
    return content.dataset.ruleset if content is not None else None


@cache
def _contents() -> dict[str, Content]:
    return {content.name: content for content in contents()}


def is_synthetic(rows: Iterable[Row]) -> bool:
    """Whether any of the rows rests on synthetic deliveries."""
    return any(row["is_synthetisch"] for row in rows)
