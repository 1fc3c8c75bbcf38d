import csv
import hashlib
import multiprocessing
import re
import subprocess
import sys
import time

import duckdb
import pytest

from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.run import protect
from via_pipeline.serving import content
from via_pipeline.serving import publish as publishing
from via_pipeline.serving.content import ContentError, allowed, checksum
from via_pipeline.serving.publish import publish
from via_pipeline.serving.verify import VerificationError, verify
from via_pipeline.storage import lake
from via_pipeline.storage.duck import quoted, reader, work
from via_pipeline_tests.disclosure import tables


def live(home):
    return home.latest / "via.duckdb"


def hashes(home) -> dict[str, str]:
    """Of the release in force."""
    folder = home.latest.resolve()
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_file_holds_the_protected_tables_and_dictionaries(home):
    told = publish(home)
    with reader(live(home)) as connection:
        found = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
        assert found == set(allowed())
        assert set(dictionary.tables()) < found
        assert told.rows["resultaat"] == 108
        hidden = connection.execute(
            "SELECT count(*), count(n), count(teller), count(waarde) FROM resultaat "
            "WHERE groep = 'intake×westers' AND locatie = 'liander'"
        ).fetchone()
        assert hidden == (3, 0, 0, 0)
    assert sorted(hashes(home)) == sorted(
        ["SHA256SUMS", "via.duckdb"]
        + [f"{kind}/{name}.{kind}" for name in allowed() for kind in ("csv", "parquet")]
    )


def test_every_table_and_column_has_a_dutch_comment_and_synthetic_tables_say_so(home):
    publish(home)
    with reader(live(home)) as connection:
        comments = dict(
            connection.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall()
        )
        assert all(comments.values())
        assert {name for name, text in comments.items() if "synthetische" in text} == {
            "resultaat",
            "bereik",
            "covid_gebeurtenis",
            "diversiteit",
            "leveringskwaliteit",
            "schatting",
            "stand_van_zaken",
        }
        bare = connection.execute(
            "SELECT count(*) FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"
        ).fetchone()
        assert bare == (0,)
        listed = connection.execute(
            "SELECT tabel, kolom FROM woordenboek WHERE kolom IS NOT NULL"
        ).fetchall()
        assert listed == [(table, name) for table, names in allowed().items() for name in names]


def test_only_plain_types_and_no_constraints(home):
    publish(home)
    with reader(live(home)) as connection:
        kinds = connection.execute(
            "SELECT DISTINCT data_type FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
        assert {re.sub(r"\(.*", "", kind) for (kind,) in kinds} <= set(content.PLAIN_TYPES)
        assert connection.execute("SELECT count(*) FROM duckdb_constraints()").fetchone() == (0,)
        tags = connection.execute(
            "SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal"
        ).fetchone()
        assert "v1.0.0" in str(tags)


def test_the_same_lake_gives_the_same_bytes(home, tmp_path):
    first = publish(home)
    before = hashes(home)
    assert publish(home) == first
    assert hashes(home) == before
    other = tables.home_in(tmp_path / "other")
    tables.example(other)
    protect(other)
    assert publish(other).sha256 == first.sha256
    assert hashes(other) == before


def test_other_figures_make_another_release(home):
    first = publish(home)
    tables.example(home, measure="stage")
    protect(home)
    assert publish(home).release != first.release


def test_what_did_not_pass_disclosure_is_not_in_the_file(home):
    with work() as connection:
        for name in ("pilots__p6_traject", "outcomes__geheim", "disclosure__geheim"):
            lake.replace_table(home.lake, name, connection, "SELECT 'kanarie' AS persoon_id")
    publish(home)
    for path in home.serve.rglob("*"):
        if path.is_file():
            assert b"kanarie" not in path.read_bytes()
    with reader(live(home)) as connection:
        assert {name for (name,) in connection.execute("SHOW TABLES").fetchall()} == set(allowed())


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT * EXCLUDE (waarde_status) FROM oud", "did not pass disclosure"),
        ("SELECT *, 'x' AS persoon_id FROM oud", "persoon_id"),
        (
            "SELECT * REPLACE (CASE WHEN waarde_status IS NOT NULL THEN 7 ELSE waarde END AS "
            "waarde) FROM oud",
            "contradict",
        ),
    ],
)
def test_a_table_that_is_not_as_disclosure_leaves_it_is_refused(home, query, told):
    before = publish(home)
    with work() as connection:
        lake.view(connection, home.lake, "disclosure__resultaat")
        connection.execute("CREATE TABLE oud AS FROM disclosure__resultaat")
        lake.replace_table(home.lake, "disclosure__resultaat", connection, query)
    with pytest.raises(ContentError, match=told):
        publish(home)
    assert hashlib.sha256(live(home).read_bytes()).hexdigest() == before.sha256


def test_a_table_never_written_leaves_the_old_file(home):
    before = publish(home)
    (home.lake / "disclosure__vervolgstap" / "_manifest.json").unlink()
    with pytest.raises(lake.NoSuchTable):
        publish(home)
    assert hashlib.sha256(live(home).read_bytes()).hexdigest() == before.sha256


@pytest.mark.parametrize(
    "fault",
    [
        "CREATE TABLE erbij AS SELECT 1 AS a",
        "DROP TABLE symbool",
        "DELETE FROM resultaat WHERE maat = 'baan'",
        "UPDATE resultaat SET n = 11 WHERE n IS NULL",
        "COMMENT ON COLUMN resultaat.n IS NULL",
        "COMMENT ON TABLE resultaat IS NULL",
        "ALTER TABLE resultaat RENAME n TO persoon_id",
        "ALTER TABLE resultaat ALTER n TYPE DOUBLE",
    ],
)
def test_verification_sees_what_is_wrong_and_leaves_the_old_file(home, monkeypatch, fault):
    before = publish(home)
    built = publishing._build

    def spoiled(home, path):
        built(home, path)
        with duckdb.connect(str(path)) as connection:
            connection.execute(fault)

    monkeypatch.setattr(publishing, "_build", spoiled)
    with pytest.raises(VerificationError):
        publish(home)
    assert hashlib.sha256(live(home).read_bytes()).hexdigest() == before.sha256
    assert [path.name for path in home.serve.iterdir() if path.name.startswith(".tmp-")] == []
    assert verify(live(home)) == before.rows


_KILLED_WRITER = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("SET checkpoint_threshold = '1GB'")
connection.execute("PRAGMA disable_checkpoint_on_shutdown")
connection.execute("DELETE FROM resultaat")
os._exit(9)
"""


def test_the_log_of_a_killed_writer_is_not_replayed_into_the_new_file(home):
    before = publish(home)
    subprocess.run([sys.executable, "-c", _KILLED_WRITER, str(live(home))], check=False)
    log = live(home).with_name("via.duckdb.wal")
    assert log.exists(), "the writer left no log: this test would show nothing"
    with duckdb.connect(str(live(home)), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM resultaat").fetchone() == (0,)
    assert publish(home) == before
    assert not log.exists()
    assert verify(live(home)) == before.rows


def _poll(path, stop, results):
    """Connect again and again; note every error, and every file that is not one release."""
    errors, reads, releases = [], 0, set()
    while not stop.is_set() or reads < 5:
        try:
            with reader(path) as connection:
                told = connection.execute(
                    "SELECT uitgave, tabel, rijen, sha256 FROM publicatie"
                ).fetchall()
                for release, table, rows, digest in told:
                    releases.add(release)
                    if checksum(connection, quoted(table)) != (rows, digest):
                        errors.append(f"mixed {table}")
        except Exception as error:
            errors.append(repr(error))
        reads += 1
    results.put((errors, reads, releases))


def test_a_polling_reader_sees_whole_releases_only(home):
    first = publish(home)
    context = multiprocessing.get_context("spawn")
    stop, results = context.Event(), context.Queue()
    # Does not outlive a test that fails.
    process = context.Process(target=_poll, args=(live(home), stop, results), daemon=True)
    process.start()
    seen = {first.release}
    time.sleep(1)
    for measure in ("stage", "baan") * 2:
        tables.example(home, measure=measure)
        protect(home)
        seen.add(publish(home).release)
    stop.set()
    errors, reads, releases = results.get(timeout=120)
    process.join(30)
    assert errors == []
    assert reads >= 5
    assert releases <= seen and len(seen) == 2


def test_parquet_twins_hold_the_same_rows(home):
    publish(home)
    with reader(live(home)) as connection:
        for table in allowed():
            twin = home.latest / "parquet" / f"{table}.parquet"
            here = connection.execute(f"FROM {quoted(table)}").fetchall()
            assert connection.execute("FROM read_parquet(?)", [str(twin)]).fetchall() == here
            with (home.latest / "csv" / f"{table}.csv").open(encoding="utf-8", newline="") as flat:
                told = list(csv.reader(flat))[1:]
            texts = connection.execute(
                f"SELECT coalesce(CAST(COLUMNS(*) AS VARCHAR), '') FROM {quoted(table)}"
            ).fetchall()
            assert told == [list(row) for row in texts]
