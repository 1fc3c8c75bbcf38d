"""Readers during refreshes: no read fails, none is torn; and the reader would notice."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from faults import readers
from via_pipeline.disclosure.run import protect
from via_pipeline.serving.publish import publish
from via_pipeline_tests.disclosure import tables
from via_pipeline_tests.nights.small import shorten


@pytest.fixture
def home(tmp_path):
    found = tables.home_in(tmp_path)
    tables.example(found)
    protect(found)
    return found


def test_readers_during_refreshes(home, tmp_path: Path) -> None:
    lakes = [tmp_path / "a", tmp_path / "other" / "lake"]
    for lake in lakes:
        shutil.copytree(home.lake, lake)
    shorten(replace(home, root=tmp_path / "other"), "disclosure__resultaat", 60)
    publish(home)
    home.lake.rename(tmp_path / "first")
    home.lake.symlink_to(tmp_path / "first", target_is_directory=True)
    with readers.reading(home, 2, tmp_path) as read:
        made = readers.refreshed(home, lakes, 4)
    assert len({*made}) == 2
    assert read.failed == []
    assert read.torn == []
    assert read.reads >= 2
    assert read.releases <= {*made}


def test_the_reader_notices_a_torn_release(home, tmp_path: Path) -> None:
    publish(home)
    with duckdb.connect(str(home.latest / "via.duckdb")) as connection:
        connection.execute("DELETE FROM resultaat WHERE rowid = 0")
    with readers.reading(home, 1, tmp_path) as read:
        pass
    assert read.torn
    with readers.reading(home, 1, tmp_path) as read:
        (home.latest / "via.duckdb").unlink()
    assert read.reads == 1


def test_the_reader_needs_nothing_of_ours() -> None:
    code = (
        "import sys; sys.path = [p for p in sys.path if p]; "
        f"import runpy; runpy.run_path({str(readers.READER)!r}); "
        "print(any(name.startswith('via_pipeline') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
