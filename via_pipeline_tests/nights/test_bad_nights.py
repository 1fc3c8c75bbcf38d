"""Bad nights in small: killed at renames, a full disk, damage; nothing lost, and the same bytes."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faults import events
from via_pipeline import cli
from via_pipeline.contracts.model import load
from via_pipeline.disclosure.run import protect
from via_pipeline.intake.ledger import Ledger
from via_pipeline.intake.pseudonym import load_key
from via_pipeline.pilots import conform
from via_pipeline.pilots.mend import damaged, mend
from via_pipeline.serving.publish import publish
from via_pipeline.storage.atomic import sweep
from via_pipeline.storage.home import Home
from via_pipeline_tests.disclosure import tables
from via_pipeline_tests.nights.small import (
    FIRST,
    NOW,
    SECOND,
    SOURCE,
    copied,
    deliver,
    made,
    night,
    place,
    shorten,
)


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> Home:
    """One delivery done, a second just arrived."""
    home = place(tmp_path_factory.mktemp("huis"))
    deliver(home, FIRST)
    night(home)
    deliver(home, SECOND)
    return home


@pytest.fixture(scope="module")
def quiet(before, tmp_path_factory) -> tuple[dict, int]:
    """What a night without trouble makes, and how many renames and removals it has."""
    folder = tmp_path_factory.mktemp("stil")
    home = copied(before, folder)
    assert in_a_fork(lambda: (events.record(folder / "events"), night(home))) == 0
    return made(home), len(events.recorded(folder / "events"))


def in_a_fork(work) -> int:
    """The exit code of ``work``, or minus the signal that ended it."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_killed_before_a_rename_the_next_night_makes_the_same_bytes(before, quiet, tmp_path):
    wanted, count = quiet
    assert count > 20
    for number in range(0, count, max(1, count // 6)):
        home = copied(before, tmp_path / str(number))
        kill = in_a_fork(lambda home=home, number=number: (events.kill_at(number), night(home)))
        assert kill == -signal.SIGKILL
        night(home)
        for room in (home.lake, home.quarantine, home.reports):
            sweep(room)
        assert made(home) == wanted, f"killed at event {number}"
        shutil.rmtree(home.root)


def test_killed_while_publishing_a_reader_has_a_whole_release(tmp_path: Path) -> None:
    home = tables.home_in(tmp_path)
    tables.example(home)
    protect(home)
    old = publish(home).sha256
    shorten(home, "disclosure__resultaat", 60)
    log, file = tmp_path / "events", home.latest / "via.duckdb"
    twin = tables.home_in(tmp_path / "twin")
    shutil.copytree(home.root, twin.root, symlinks=True, dirs_exist_ok=True)
    assert in_a_fork(lambda: (events.record(log), publish(twin))) == 0
    new = sha256(twin.latest / "via.duckdb")
    assert new != old
    count, seen = len(events.recorded(log)), []
    # The last steps: the folder's move, the list, the link, the clearing up.
    for number in range(count - 6, count):
        again = in_a_fork(lambda n=number: (events.kill_at(n), publish(home)))
        seen.append(sha256(file))
        if again == 0:
            break
    assert seen[0] == old
    assert {*seen} <= {old, new}
    publish(home)
    assert sha256(file) == new
    assert not [path for path in home.serve.iterdir() if path.name.startswith(".tmp-")]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("limit", [1_000, 6_000])
def test_a_full_disk_loses_nothing(before, quiet, tmp_path, limit: int) -> None:
    home = copied(before, tmp_path)

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        night(home)

    assert in_a_fork(full) == 1
    night(home)
    for room in (home.lake, home.quarantine, home.reports):
        sweep(room)
    assert made(home) == quiet[0]


def part(home: Home, delivery_index: int = 0) -> Path:
    table = load(SOURCE).tables[0]
    row = sorted(Ledger(home.ledger).current(SOURCE), key=lambda row: row.path)[delivery_index]
    return conform.accepted_path(home, table, row.delivery_id)


def spoil(path: Path) -> None:
    path.write_bytes(b"\0" * 100)


@pytest.mark.parametrize("harm", [spoil, Path.unlink])
def test_damaged_rows_of_a_delivery_are_made_anew(before, tmp_path, harm) -> None:
    home = copied(before, tmp_path)
    night(home)
    wanted = made(home)
    assert damaged(home, [load(SOURCE)]).count == 0
    harm(part(home))
    assert damaged(home, [load(SOURCE)]).count == 1
    done = mend(home, [load(SOURCE)], load_key(home.root), now=NOW, run_id="herstel")
    assert (done.deliveries, done.lost) == (1, ())
    assert damaged(home, [load(SOURCE)]).count == 0
    assert made(home) == wanted


def test_bits_that_rotted_are_seen_although_the_file_can_be_read(before, tmp_path) -> None:
    home = copied(before, tmp_path)
    night(home)
    shutil.copyfile(part(home, 1), part(home, 0))
    assert damaged(home, [load(SOURCE)]).count == 1


def test_a_damaged_delivery_without_its_file_is_told(before, tmp_path) -> None:
    home = copied(before, tmp_path)
    night(home)
    spoil(part(home))
    (home.landing / FIRST).unlink()
    done = mend(home, [load(SOURCE)], load_key(home.root), now=NOW, run_id="herstel")
    assert done.deliveries == 0
    assert len(done.lost) == 1


def test_a_deleted_landing_file_changes_nothing(before, quiet, tmp_path) -> None:
    home = copied(before, tmp_path)
    (home.landing / FIRST).unlink()
    night(home)
    assert made(home) == quiet[0]


TROUBLE = {
    "full": (OSError(28, "No space left on device"), "No space left on device"),
    "read-only": (OSError(30, "Read-only file system"), "Read-only file system"),
    "ours": (ValueError("cannot convert 999990019"), "the run stopped: ValueError"),
}


@pytest.mark.parametrize("kind", TROUBLE)
def test_trouble_is_told_in_a_line_without_a_value(kind: str, tmp_path, monkeypatch, capfd):
    error, said = TROUBLE[kind]
    monkeypatch.setenv("VIA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VIA_DATA", str(tmp_path / "data"))

    def run(*arguments) -> bool:
        raise error

    monkeypatch.setattr(cli, "_run", run)
    ended = CliRunner().invoke(cli.app, ["run"])
    told = " ".join(capfd.readouterr().out.split())
    assert ended.exit_code == 1
    assert said in told
    assert "via run" in told
    assert "Traceback" not in told
    assert "999990019" not in told


def test_a_run_that_does_not_end_is_ended(tmp_path, monkeypatch, capfd) -> None:
    monkeypatch.setenv("VIA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VIA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("VIA_RUN_HOURS", "0.0001")
    monkeypatch.setattr(cli, "_run", lambda *arguments: signal.pause())
    assert in_a_fork(lambda: CliRunner().invoke(cli.app, ["run"])) == 1
    assert "did not end within 0.0001 h" in capfd.readouterr().out
