"""The protected tables: in the lake for now, on a connection for an edition.

Belongs here: connecting ``protect`` to the lake. Does not belong here: a rule.
"""

from __future__ import annotations

import duckdb

from via_pipeline.disclosure.model import load_datasets, load_ruleset
from via_pipeline.disclosure.protect import order_by
from via_pipeline.disclosure.protect import protect as protect_dataset
from via_pipeline.storage import lake
from via_pipeline.storage.duck import quoted, work
from via_pipeline.storage.home import Home


def protect_on(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Protect every dataset, each from its source on ``connection``.

    Returns the name of each table made, with the query that reads it in its order.

    Raises:
        TableError: a source is not as its dataset is described; nothing may be published then.
    """
    made = {}
    for dataset in load_datasets():
        protect_dataset(connection, dataset, load_ruleset(dataset.ruleset))
        made[dataset.table] = f"SELECT * FROM {quoted(dataset.table)} ORDER BY {order_by(dataset)}"
    return made


def protect(home: Home) -> dict[str, int]:
    """Write every ``disclosure__<dataset>`` into the lake; rows per table.

    All are protected before the first is replaced: a failure leaves yesterday's tables.

    Raises:
        NoSuchTable: a source was never written.
        TableError: see ``protect_on``.
    """
    with work(home.scratch) as connection:
        for dataset in load_datasets():
            lake.view(connection, home.lake, dataset.source)
        return {
            table: lake.replace_table(home.lake, table, connection, query).rows
            for table, query in protect_on(connection).items()
        }
