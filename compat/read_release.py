"""Read a published file as an outsider would, with whatever DuckDB is at hand; JSON on stdout.

    python compat/read_release.py serve/latest/via.duckdb

Belongs here: plain SQL that every DuckDB from 1.0.0 on knows, in Python that needs nothing but
``duckdb``. Does not belong here: anything of ``via_pipeline``. A reader of the file has none of it.

``checksums`` holds per table the number of rows and the SHA-256 as table ``publicatie`` explains
it, worked out here; ``wrong`` names the tables for which ``publicatie`` says otherwise. ``answers``
holds results of queries like those of a BI tool, as text, to be compared between versions.
"""

from __future__ import annotations

import json
import sys

import duckdb

QUERIES = {
    "per table": "SELECT tabel, rijen FROM publicatie ORDER BY tabel",
    "words": "SELECT tabel, count(*), min(omschrijving) FROM woordenboek GROUP BY 1 ORDER BY 1",
    "comments": "SELECT table_name, comment FROM duckdb_tables() WHERE NOT internal ORDER BY 1",
    "types": "SELECT table_name, column_name, data_type FROM information_schema.columns "
    "WHERE table_schema = 'main' ORDER BY 1, ordinal_position",
    "results": "SELECT pilot_id, maat, count(*), sum(n), sum(waarde), "
    "count(*) FILTER (waarde_status IS NOT NULL) FROM resultaat GROUP BY 1, 2 ORDER BY 1, 2",
    "shares in order": "SELECT organisatie, categorie, aandeel_pct, rank() OVER "
    "(PARTITION BY categorie ORDER BY aandeel_pct DESC, organisatie, kenmerk, subgroep, peildatum) "
    "FROM diversiteit WHERE aandeel_pct IS NOT NULL ORDER BY 2, 4",
    "labels joined": "SELECT l.label, count(*) FROM resultaat r JOIN codelijst l "
    "ON l.lijst = r.groep_soort AND l.code = r.groep GROUP BY 1 ORDER BY 1",
    "why hidden": "SELECT s.betekenis, count(*) FROM resultaat JOIN symbool s "
    "USING (waarde_status) GROUP BY 1 ORDER BY 1",
}


def read(path: str) -> dict:
    """What stands in the file at ``path``."""
    connection = duckdb.connect(path, read_only=True)
    told = connection.execute("SELECT tabel, rijen, sha256 FROM publicatie").fetchall()
    checksums = {table: _checksum(connection, table) for table, *_ in told}
    return {
        "duckdb": duckdb.__version__,
        "checksums": checksums,
        "wrong": [table for table, *said in told if checksums[table] != said],
        "answers": {
            name: [[None if cell is None else str(cell) for cell in row] for row in rows]
            for name, sql in QUERIES.items()
            for rows in [connection.execute(sql).fetchall()]
        },
    }


def _checksum(connection: duckdb.DuckDBPyConnection, table: str) -> list:
    columns = [column for column, *_ in connection.execute(f'SELECT * FROM "{table}"').description]
    cells = ", ".join(f"coalesce(CAST(\"{column}\" AS VARCHAR), '\\N')" for column in columns)
    row = connection.execute(
        f"SELECT count(*), sha256(coalesce(string_agg(concat_ws(chr(31), {cells}), chr(10) "
        f"ORDER BY rowid), '')) FROM \"{table}\""
    ).fetchone()
    return list(row)


if __name__ == "__main__":
    json.dump(read(sys.argv[1]), sys.stdout, ensure_ascii=False)
