"""Split a staged table into the part that is accepted and the part that is set aside.

Belongs here: the two Parquet files that a judged table leaves behind. Does not belong here: which
rows those are (``verdict.py``). The split is made inside DuckDB: a large table never comes into
Python. Neither file holds an identifying value, for staging holds none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from via_pipeline.contracts.model import Table
from via_pipeline.storage.duck import in_order, literal, quoted
from via_pipeline.storage.lake import PARQUET, Part, write_part
from via_pipeline.storage.place import Place, replacing

ACCEPTED = "accepted"

# Most rows break the same few rules: texts are put together once per set of those, not once a row.
_NOTED = """
WITH gemeld AS (SELECT _row, list_sort(list(nr)) AS nrs FROM melding GROUP BY _row),
samen AS (
    SELECT nrs, list(regel ORDER BY nr) AS _regels, string_agg(uitleg, ' ' ORDER BY nr) AS _uitleg
    FROM (SELECT nrs, unnest(nrs) AS nr FROM (SELECT DISTINCT nrs FROM gemeld))
    JOIN regel USING (nr) GROUP BY nrs
)
SELECT _row, _regels, _uitleg FROM gemeld JOIN samen USING (nrs)
"""


@dataclass(frozen=True)
class Note:
    """Why rows are set aside: a rule, what it says in Dutch, and the rows it says that of."""

    rule: str
    explanation: str
    rows: tuple[int, ...]


def accepted_table(table: Table) -> str:
    """The folder below the lake in which accepted parts of ``table`` lie."""
    return f"{ACCEPTED}/{table.lake_table}"


def write_accepted(
    lake: Place,
    table: Table,
    staged: Place,
    delivery_id: str,
    set_aside: Collection[int],
    connection: duckdb.DuckDBPyConnection | None = None,
) -> Part:
    """Write the rows that are not set aside, with the conformed columns, ordered by row.

    ``connection`` is one of ``duck.in_order`` that is open already; opening one takes as long as
    writing 10,000 rows.
    """
    columns = ", ".join(
        f"CAST({quoted(name)} AS {kind}) AS {quoted(name)}"
        for name, kind in table.conformed_types.items()
    )
    # One bit a row, and no join: a join may take rows out of the order of the file, which is that
    # of their numbers, and sorting a large table is not for nothing.
    last = max(set_aside, default=0)
    bits = bytearray(b"0" * (last + 1))
    for row in set_aside:
        bits[row] = ord("1")
    with _open(connection) as opened:
        opened.execute("SET VARIABLE apart = $1::BIT", [bits.decode("ascii")])
        return write_part(
            lake,
            accepted_table(table),
            delivery_id,
            opened,
            f"SELECT {columns} FROM read_parquet({literal(staged)}) WHERE _row > {last} "
            "OR get_bit(getvariable('apart')::BIT, least(_row, "
            f"{last})::INTEGER) = 0",
        )


def write_quarantine(
    folder: Place,
    table: Table,
    staged: Place | None,
    delivery_id: str,
    notes: Sequence[Note],
    malformed: Collection[int],
    set_aside: Collection[int] | None,
    connection: duckdb.DuckDBPyConnection | None = None,
) -> int:
    """Write the rows that are set aside, with ``_regels`` and ``_uitleg``; return how many.

    ``set_aside`` None means all of them (a rejected delivery). Rows that could not be read
    (``malformed``) have only their number. Where nothing is set aside no file is left.
    """
    path = folder / table.lake_table / f"{delivery_id}.parquet"
    with _open(connection) as opened:
        _stage(opened, staged, delivery_id, malformed)
        if set_aside is not None:
            _register(opened, "apart", sorted(set_aside))
            opened.execute(
                "CREATE OR REPLACE VIEW gekozen AS SELECT * FROM alle "
                "WHERE _row IN (SELECT _row FROM apart)"
            )
        else:
            opened.execute("CREATE OR REPLACE VIEW gekozen AS SELECT * FROM alle")
        _register_notes(opened, notes)
        with replacing(path) as temporary:
            written = opened.execute(
                "COPY (SELECT gekozen.*, coalesce(_regels, []) AS _regels, "
                f"coalesce(_uitleg, '') AS _uitleg FROM gekozen LEFT JOIN ({_NOTED}) USING (_row) "
                f"ORDER BY _row) TO {literal(temporary)} ({PARQUET})"
            )
            count: int = written.fetchall()[0][0]
    if not count:
        path.unlink()
    return count


@contextmanager
def _open(connection: duckdb.DuckDBPyConnection | None) -> Iterator[duckdb.DuckDBPyConnection]:
    if connection is not None:
        yield connection
    else:
        with in_order() as opened:
            yield opened


def _stage(
    connection: duckdb.DuckDBPyConnection,
    staged: Place | None,
    delivery_id: str,
    malformed: Collection[int],
) -> None:
    """A view ``alle``: the staged rows without the helper columns, and the malformed rows."""
    _register(connection, "misvormd", sorted(malformed))
    only_numbers = f"SELECT {literal(delivery_id)} AS _delivery, _row FROM misvormd"
    if staged is None:
        connection.execute(f"CREATE OR REPLACE VIEW alle AS {only_numbers}")
        return
    connection.execute(
        "CREATE OR REPLACE VIEW alle AS SELECT COLUMNS("
        "kolom -> NOT starts_with(kolom, 'regel__') AND NOT ends_with(kolom, '__fout')) "
        f"FROM read_parquet({literal(staged)}) UNION ALL BY NAME {only_numbers}"
    )


def _register_notes(connection: duckdb.DuckDBPyConnection, notes: Sequence[Note]) -> None:
    connection.register(
        "regel",
        pa.table(
            {
                "nr": pa.array(range(len(notes)), pa.int64()),
                "regel": pa.array([note.rule for note in notes], pa.string()),
                "uitleg": pa.array([note.explanation for note in notes], pa.string()),
            }
        ),
    )
    numbers = [nr for nr, note in enumerate(notes) for _ in note.rows]
    rows = [row for note in notes for row in note.rows]
    connection.register(
        "melding",
        pa.table({"nr": pa.array(numbers, pa.int64()), "_row": pa.array(rows, pa.int64())}),
    )


def _register(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[int]) -> None:
    connection.register(name, pa.table({"_row": pa.array(rows, pa.int64())}))
