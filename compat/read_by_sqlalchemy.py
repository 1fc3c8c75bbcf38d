"""Read a published file through the driver that Superset uses; JSON on stdout.

    python compat/read_by_sqlalchemy.py serve/latest/via.duckdb

Belongs here: ``duckdb-engine`` under SQLAlchemy 1.4, as Superset pins it: tables, comments and the
same queries as ``read_release.py``.
"""

from __future__ import annotations

import json
import sys

import sqlalchemy
from read_release import QUERIES


def read(path: str) -> dict:
    """What the driver gives of the file at ``path``."""
    engine = sqlalchemy.create_engine(f"duckdb:///{path}?access_mode=read_only")
    with engine.connect() as connection:
        inspector = sqlalchemy.inspect(connection)
        return {
            "duckdb": f"duckdb-engine, SQLAlchemy {sqlalchemy.__version__}",
            "tables": sorted(inspector.get_table_names()),
            "answers": {
                name: [
                    [None if cell is None else str(cell) for cell in row]
                    for row in connection.execute(sqlalchemy.text(sql))
                ]
                for name, sql in QUERIES.items()
            },
        }


if __name__ == "__main__":
    json.dump(read(sys.argv[1]), sys.stdout, ensure_ascii=False)
