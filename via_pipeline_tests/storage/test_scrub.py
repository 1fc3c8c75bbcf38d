"""What DuckDB leaves in a file, and that none of it is left after scrubbing."""

import duckdb
import pytest

from via_pipeline.storage.duck import literal
from via_pipeline.storage.scrub import ScrubError, checksum, scrub

CANARY = "KANARIE-999990019-Canarivoort"


def build(path, rows=3000, words=70):
    """A file with a column of text that fills four fifths of a block, as ``publish`` builds one."""
    with duckdb.connect(config={"threads": 1}) as connection:
        # Something of this process's past: texts that are gone before the file is written.
        connection.execute(
            f"CREATE TABLE verleden AS SELECT {literal(CANARY)} || i AS t FROM range(60000) r(i)"
        )
        connection.execute("DROP TABLE verleden")
        connection.execute("SET force_compression = 'uncompressed'")
        connection.execute(f"ATTACH {literal(path)} AS bouw (STORAGE_VERSION 'v1.0.0')")
        connection.execute(
            f"CREATE TABLE bouw.t AS SELECT i AS n, rpad(CAST(i AS VARCHAR), {words}, '.') AS a, "
            f"CASE WHEN i % 3 = 0 THEN NULL ELSE repeat('y', {words - 1}) END AS b, "
            "NULL::VARCHAR AS c, '' AS d "
            f"FROM range({rows}) r(i) ORDER BY i"
        )
        connection.execute("CHECKPOINT bouw")
        connection.execute("DETACH bouw")


def content(path):
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("FROM t ORDER BY n").fetchall()


@pytest.mark.parametrize(
    ("rows", "words"), [(3000, 70), (3100, 75), (20000, 40), (250000, 12), (300, 6000), (0, 5)]
)
def test_scrubbing_changes_no_row_and_gives_the_same_bytes_each_time(tmp_path, rows, words):
    files = [tmp_path / f"{number}.duckdb" for number in range(2)]
    for file in files:
        build(file, rows, words)
        before = content(file)
        scrub(file)
        assert content(file) == before
        assert scrub(file) == 0
        assert CANARY.encode() not in file.read_bytes()
    assert files[0].read_bytes() == files[1].read_bytes()


def test_without_scrubbing_memory_does_stand_in_the_file(tmp_path):
    # The day DuckDB clears its blocks itself, this fails and ``scrub`` can go.
    remains = []
    for number in range(5):
        build(tmp_path / f"{number}.duckdb")
        remains.append(scrub(tmp_path / f"{number}.duckdb"))
    assert max(remains) > 0


def test_a_block_that_is_not_as_expected_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "a.duckdb"
    build(path)
    damaged = bytearray(path.read_bytes())
    place = damaged.index(b"2999.....")
    damaged[place] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(ScrubError, match="checksum"):
        scrub(path)
    assert path.read_bytes() == bytes(damaged)


def test_text_stored_in_another_way_is_refused(tmp_path):
    path = tmp_path / "a.duckdb"
    with duckdb.connect() as connection:
        connection.execute("SET force_compression = 'dictionary'")
        connection.execute(f"ATTACH {literal(path)} AS bouw (STORAGE_VERSION 'v1.0.0')")
        connection.execute(
            "CREATE TABLE bouw.t AS SELECT 'x' || (i % 5) AS a FROM range(9000) r(i)"
        )
        connection.execute("DETACH bouw")
    with pytest.raises(ScrubError, match="stored as"):
        scrub(path)


def test_the_checksum_is_duckdbs(tmp_path):
    path = tmp_path / "a.duckdb"
    build(path)
    block = path.read_bytes()[3 * 4096 : 3 * 4096 + 262144]
    assert int.from_bytes(block[:8], "little") == checksum(block[8:])
