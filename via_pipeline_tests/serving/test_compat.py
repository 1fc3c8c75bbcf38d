"""Every DuckDB from 1.0.0 on reads the published file, and all give the same answers."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import duckdb
import pytest

from via_pipeline.serving.publish import FILE
from via_pipeline_tests.journeys.house import PROJECT

READERS = Path(sys.prefix) / "compat"
pytestmark = pytest.mark.skipif(
    not READERS.is_dir(), reason=f"no readers in {READERS} (make .venv/.compat)"
)


@pytest.fixture(scope="module")
def matrix():
    sys.path.insert(0, str(PROJECT / "compat"))
    try:
        import matrix as found

        yield found
    finally:
        sys.path.remove(str(PROJECT / "compat"))


@pytest.fixture(scope="module")
def file(published):
    return published.latest / FILE


@pytest.fixture(scope="module")
def extremes(matrix):
    """The oldest and the newest reader that are installed, and those that are no DuckDB alone."""
    there = matrix.installed(READERS)
    plain = [one for one in there if one.name.startswith("duckdb-")]
    return [plain[0], plain[-1]]


def test_all_agree(matrix, file):
    readers = [matrix.ask(reader, file) for reader in matrix.installed(READERS)]
    assert len(readers) >= 2
    assert matrix.differences(readers) == []
    versions = [reader.said["duckdb"] for reader in readers if reader.name.startswith("duckdb-")]
    assert (
        versions
        == [one.name.removeprefix("duckdb-") for one in matrix.installed(READERS)][: len(versions)]
    ), "a reader read with another DuckDB than its own"


def test_a_changed_figure_is_noticed_by_each(matrix, file, extremes, tmp_path):
    changed = tmp_path / FILE
    shutil.copy(file, changed)
    changed.chmod(0o644)
    with duckdb.connect(str(changed)) as connection:
        connection.execute("UPDATE resultaat SET n = n + 1 WHERE n IS NOT NULL")
    wrong = matrix.differences([matrix.ask(reader, changed) for reader in extremes])
    assert [f"{one.name}: table resultaat is not as told" for one in extremes] == wrong


def test_a_file_that_old_readers_cannot_open_is_noticed(matrix, file, extremes, tmp_path):
    newer = tmp_path / FILE
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS old (READ_ONLY)")
        connection.execute(f"ATTACH '{newer}' AS new (STORAGE_VERSION 'v1.5.0')")
        connection.execute("COPY FROM DATABASE old TO new")
    wrong = matrix.differences([matrix.ask(extremes[0], newer)])
    assert len(wrong) == 1
    assert "version number" in wrong[0]
