from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from via_pipeline.quality.quarantine import Note, write_accepted, write_quarantine
from via_pipeline.storage.duck import literal
from via_pipeline_tests.quality import examples, staged
from via_pipeline_tests.quality.staged import types_of

P5 = examples.p5()
TABLE = P5.tables[0]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Some 300 000 staged rows, in several row groups, in the order of the file."""
    one = staged.clean_rows(P5, TABLE, [], 1)
    seed = staged.write(tmp_path / "one.parquet", types_of(TABLE, []), one)
    path = tmp_path / "large.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * REPLACE (i AS _row) FROM read_parquet({literal(seed)}), "
            f"range(2, 300002) r(i) ORDER BY i) TO {literal(path)} (FORMAT parquet)"
        )
    return path


def test_the_bytes_do_not_depend_on_the_threads(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside = range(2, 300002, 7)
    notes = [Note("b__x", "Eerst.", tuple(aside)), Note("a__y", "Dan.", tuple(aside)[::2])]
    found = set()
    for threads in ("1", "2", "4"):
        monkeypatch.setenv("VIA_DUCKDB_THREADS", threads)
        part = write_accepted(tmp_path / threads, TABLE, large, "d", aside)
        count = write_quarantine(tmp_path / threads, TABLE, large, "d", notes, (), aside)
        assert part.rows + count == 300_000
        quarantine = tmp_path / threads / TABLE.lake_table / "d.parquet"
        found.add((part.sha256, quarantine.read_bytes()))
    assert len(found) == 1


def test_accepted_rows_are_ordered_and_typed(large: Path, tmp_path: Path) -> None:
    part = write_accepted(tmp_path, TABLE, large, "d", [2, 300_001])
    with duckdb.connect() as connection:
        source = f"read_parquet({literal(tmp_path / part.file)})"
        rows = connection.execute(f"SELECT _row FROM {source}").fetchall()
        types = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    assert [row for (row,) in rows] == list(range(3, 300_001))
    assert {name: kind for name, kind, *_ in types} == TABLE.conformed_types


def test_notes_stand_in_the_contracts_order(large: Path, tmp_path: Path) -> None:
    notes = [Note("z__eerst", "Eerst.", (5,)), Note("a__dan", "Dan.", (5, 9))]
    assert write_quarantine(tmp_path, TABLE, large, "d", notes, (), {5, 9}) == 2
    with duckdb.connect() as connection:
        path = tmp_path / TABLE.lake_table / "d.parquet"
        rows = connection.execute(
            f"SELECT _row, _regels, _uitleg FROM read_parquet({literal(path)})"
        ).fetchall()
    assert rows == [(5, ["z__eerst", "a__dan"], "Eerst. Dan."), (9, ["a__dan"], "Dan.")]


def test_what_was_set_aside_before_is_gone_when_nothing_is(tmp_path: Path, large: Path) -> None:
    path = tmp_path / TABLE.lake_table / "d.parquet"
    write_quarantine(tmp_path, TABLE, large, "d", [Note("a__b", "U.", (5,))], (), {5})
    assert path.exists()
    assert write_quarantine(tmp_path, TABLE, large, "d", [], (), set()) == 0
    assert not path.exists()


def test_malformed_rows_have_only_their_number(tmp_path: Path) -> None:
    assert write_quarantine(tmp_path, TABLE, None, "d", [], (7, 3), None) == 2
    with duckdb.connect() as connection:
        path = tmp_path / TABLE.lake_table / "d.parquet"
        rows = connection.execute(f"SELECT * FROM read_parquet({literal(path)})").fetchall()
    assert rows == [("d", 3, [], ""), ("d", 7, [], "")]
