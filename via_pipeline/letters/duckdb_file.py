"""The package's tables as one DuckDB file, each table and column with its words.

Belongs here: filling that file. Does not belong here: how it gets its bytes
(``storage.duckfile``), the file that BI reads (``serving``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from via_pipeline.disclosure import dictionary
from via_pipeline.letters.files import Written
from via_pipeline.storage.duck import literal, quoted
from via_pipeline.storage.duckfile import building


def write(connection: duckdb.DuckDBPyConnection, written: Sequence[Written], path: Path) -> None:
    """Write the tables of ``written``, which are on ``connection``, to a file at ``path``.

    Raises:
        ScrubError: old memory in the file cannot be cleared.
    """
    with building(connection, path) as catalog:
        for item in written:
            name = f"{catalog}.{quoted(item.name)}"
            content = item.table.content
            said = f"{content.title}. {content.description}"
            if item.is_synthetic:
                said = f"{said} {dictionary.synthetic_notice()}"
            connection.execute(f"CREATE TABLE {name} AS {content.query}")
            connection.execute(f"COMMENT ON TABLE {name} IS {literal(said)}")
            for column in item.table.columns:
                words = literal(content.words[column])
                connection.execute(f"COMMENT ON COLUMN {name}.{quoted(column)} IS {words}")
