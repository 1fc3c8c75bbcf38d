"""DuckDB stays within what the machine gives, spills in a place of its own, and says the same."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from via_pipeline.storage import duck, machine, settings
from via_pipeline.storage.duck import work
from via_pipeline.storage.lake import write_part

GIB = 1 << 30
SORTED = (
    "SELECT i AS nummer, md5(i::VARCHAR) AS tekst FROM range(900000) r(i) ORDER BY md5(i::VARCHAR)"
)


def said(connection, name: str) -> str:
    return connection.execute(f"SELECT current_setting('{name}')").fetchall()[0][0]


@pytest.mark.parametrize(
    "file", ["sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"]
)
def test_a_container_has_less_than_the_machine(tmp_path: Path, file: str) -> None:
    whole = machine.memory(tmp_path)
    assert whole == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = tmp_path / file
    limit.parent.mkdir(parents=True)
    limit.write_text("max\n")
    assert machine.memory(tmp_path) == whole
    limit.write_text("9223372036854771712\n")
    assert machine.memory(tmp_path) == whole, "no limit, as version 1 says it"
    limit.write_text(f"{GIB}\n")
    assert machine.memory(tmp_path) == GIB


def test_half_of_the_memory_unless_told_otherwise(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv(settings.MEMORY, raising=False)
    monkeypatch.delenv(settings.THREADS, raising=False)
    monkeypatch.setattr(machine, "memory", lambda: 8 * GIB)
    with work(tmp_path) as connection:
        assert said(connection, "memory_limit") == "4.0 GiB"
    monkeypatch.setenv(settings.MEMORY, "1GB")
    monkeypatch.setenv(settings.THREADS, "1")
    with work(tmp_path) as connection:
        assert said(connection, "memory_limit") == "953.6 MiB"
        assert said(connection, "threads") == 1


def test_the_same_bytes_whatever_the_limit(tmp_path: Path, monkeypatch) -> None:
    scratch, written = tmp_path / "scratch", []
    scratch.mkdir()
    spilled = []
    for memory, threads in (("1GB", "2"), ("96MB", "2"), ("96MB", "1")):
        monkeypatch.setenv(settings.MEMORY, memory)
        monkeypatch.setenv(settings.THREADS, threads)
        with work(scratch) as connection:
            lake = tmp_path / f"{memory}-{threads}"
            written.append(write_part(lake, "tabel", "deel", connection, SORTED).sha256)
            spilled.append(any(scratch.iterdir()))
        assert list(scratch.iterdir()) == [], "the spill folder goes with its connection"
    assert len({*written}) == 1
    assert any(spilled[1:]), "the small limits did not make it spill"


def test_what_a_killed_process_spilled_is_removed_and_nothing_else(tmp_path: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1)
    old = time.time() - 7200
    dead, fresh, own, other = (
        tmp_path / f"duckdb-{int(gone.stdout)}-aa",
        tmp_path / f"duckdb-{int(gone.stdout)}-bb",
        tmp_path / f"duckdb-{os.getpid()}-cc",
        tmp_path / "iets anders",
    )
    for folder in (dead, fresh, own, other):
        folder.mkdir()
        (folder / "blok").write_text("rijen")
        if folder != fresh:
            os.utime(folder, (old, old))
    assert machine.sweep_spills(tmp_path, 3600) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [fresh.name, own.name, other.name]
    )


def test_no_spill_outside_the_installation(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("VIA_HOME", str(tmp_path / "none"))
    with work() as connection:
        assert said(connection, "temp_directory") == ""
    (tmp_path / "home" / "scratch").mkdir(parents=True)
    monkeypatch.setenv("VIA_HOME", str(tmp_path / "home"))
    with work() as connection:
        assert Path(said(connection, "temp_directory")).parent == tmp_path / "home" / "scratch"


@pytest.mark.parametrize(
    ("memory", "threads", "expected"), [("8GB", "4", 4), ("1GB", "4", 2), ("96MB", "4", 1)]
)
def test_as_many_at_once_as_have_400_megabytes_each(
    monkeypatch: pytest.MonkeyPatch, memory: str, threads: str, expected: int
) -> None:
    monkeypatch.setenv(settings.MEMORY, memory)
    monkeypatch.setenv(settings.THREADS, threads)
    assert duck.at_once() == expected


def test_connections_side_by_side_share_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.MEMORY, "3GiB")
    with duck.in_order(at_once=3) as connection:
        assert said(connection, "memory_limit") == "1.0 GiB"
