"""A backup is whole, is checked before it is put back, and the next run makes the same bytes."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from via_pipeline.cli import app
from via_pipeline.intake.ledger import Ledger
from via_pipeline.intake.pseudonym import load_key
from via_pipeline.storage import backup
from via_pipeline.storage.atomic import BusyError, writer_lock
from via_pipeline.storage.home import Home
from via_pipeline_tests.journeys.house import bytes_of
from via_pipeline_tests.nights.small import FIRST, SECOND, copied, deliver, night, place


def empty(folder: Path) -> Home:
    return Home(folder / "home", folder / "data", folder / "uitgaven")


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Home:
    """One delivery done; a link to what is in force, an edition, and leftovers of a killed run."""
    home = place(tmp_path_factory.mktemp("huis"))
    deliver(home, FIRST)
    night(home)
    (home.serve / "abc").mkdir()
    (home.serve / "abc" / "via.duckdb").write_bytes(b"cijfers")
    home.latest.symlink_to("abc", target_is_directory=True)
    (home.releases / "derde").mkdir(parents=True)
    (home.releases / "derde" / "log.jsonl").write_text("{}\n")
    (home.lake / ".tmp-half").mkdir()
    (home.lake / ".tmp-half" / "half.parquet").write_bytes(b"half")
    return home


@pytest.fixture
def kept(house: Home, tmp_path: Path) -> Path:
    copy(house, tmp_path / "kopie")
    return tmp_path / "kopie"


def copy(home: Home, folder: Path, **more) -> backup.Copied:
    fingerprint = Ledger(home.ledger).key_fingerprint()
    at = "2021-03-01T03:00:00Z"
    return backup.back_up(home, folder, at=at, code="0", fingerprint=fingerprint, **more)


def test_the_next_run_in_an_empty_place_makes_the_same_bytes(house, kept, tmp_path) -> None:
    new = empty(tmp_path / "elders")
    backup.restore(kept, new)
    assert new.latest.readlink() == Path("abc")
    assert (new.releases / "derde" / "log.jsonl").read_text() == "{}\n"
    assert not (new.lake / ".tmp-half").exists()
    assert stat.S_IMODE(new.lake.stat().st_mode) == 0o700
    assert stat.S_IMODE(new.ledger.stat().st_mode) == 0o600
    before = bytes_of(house.lake)
    old = copied(house, tmp_path / "zelf")
    shutil.rmtree(old.lake / ".tmp-half")
    for home in (old, new):
        deliver(home, SECOND)
        night(home)
    assert bytes_of(new.lake) != before, "the second delivery changed nothing"
    for room in ("lake", "quarantine", "reports"):
        assert bytes_of(new.root / room) == bytes_of(old.root / room)
    facts = [
        [(r.delivery_id, r.status, r.seen_at) for r in Ledger(h.ledger).rows()] for h in (old, new)
    ]
    assert facts[0] == facts[1]


def test_the_key_is_named_and_not_copied(house, kept, tmp_path) -> None:
    key = os.environ["VIA_PSEUDONYM_KEY"]
    told = json.loads((kept / "backup.json").read_text())
    assert told["pseudonym_key"] == load_key(house.root).fingerprint
    for path in kept.rglob("*"):
        assert path.is_dir() or key.encode() not in path.read_bytes()
    copy(house, tmp_path / "met", key=key)
    file = tmp_path / "met" / backup.KEY
    assert file.read_text().strip() == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "met").stat().st_mode) == 0o700


@pytest.mark.parametrize("harm", ["changed", "missing", "extra", "outside"])
def test_a_damaged_backup_is_not_put_back(kept, tmp_path, harm: str) -> None:
    victim = next((kept / "home" / "lake").rglob("*.parquet"))
    if harm == "changed":
        victim.write_bytes(victim.read_bytes() + b"\0")
    elif harm == "missing":
        victim.unlink()
    elif harm == "extra":
        (kept / "data" / "landing" / "vreemd.csv").write_text("x")
    else:
        told = json.loads((kept / "backup.json").read_text())
        told["files"]["home/../../weg"] = {"sha256": "", "bytes": 0}
        (kept / "backup.json").write_text(json.dumps(told))
    new = empty(tmp_path / "elders")
    with pytest.raises(backup.BackupError):
        backup.restore(kept, new)
    assert not new.root.exists()


def test_nothing_is_overwritten_and_an_interrupted_restore_goes_on(kept, tmp_path) -> None:
    new = empty(tmp_path / "elders")
    backup.restore(kept, new)
    victim = sorted((new.lake).rglob("*.parquet"))[0]
    victim.unlink()
    backup.restore(kept, new)
    assert victim.exists(), "a second restore does not finish the first"
    deliver(new, SECOND)
    with pytest.raises(backup.BackupError, match="not empty"):
        backup.restore(kept, new)


def test_no_backup_while_a_run_is_at_work_or_in_a_wrong_place(house, tmp_path, monkeypatch) -> None:
    with pytest.raises(backup.BackupError, match="there already"):
        copy(house, tmp_path)
    with pytest.raises(backup.BackupError, match="inside"):
        copy(house, house.lake / "kopie")
    real = backup.writer_lock
    monkeypatch.setattr(backup, "writer_lock", lambda locks, name, wait: real(locks, name, 0.1))
    with writer_lock(house.locks, "serve"), pytest.raises(BusyError):
        copy(house, tmp_path / "bezig")
    assert not (tmp_path / "bezig").exists()


def test_the_commands(house, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VIA_HOME", str(house.root))
    monkeypatch.setenv("VIA_DATA", str(house.data))
    monkeypatch.setenv("VIA_RELEASES", str(house.releases))
    via, folder = CliRunner(), str(tmp_path / "kopie")
    made = via.invoke(app, ["backup", folder, "--with-key"])
    assert made.exit_code == 0
    assert "who has this folder can find people" in made.output
    again = via.invoke(app, ["backup", folder])
    assert again.exit_code == 1
    assert "there already" in again.output
    assert via.invoke(app, ["restore", folder, "--check"]).exit_code == 0
    for name in ("HOME", "DATA", "RELEASES"):
        monkeypatch.setenv(f"VIA_{name}", str(tmp_path / "elders" / name))
    back = via.invoke(app, ["restore", folder])
    assert back.exit_code == 0, back.output
    assert "The pseudonym key in use is the backup's." in back.output
    monkeypatch.setenv("VIA_PSEUDONYM_KEY", "ab" * 32)
    back = via.invoke(app, ["restore", folder])
    assert "not the backup's" in back.output
    assert str(tmp_path / "kopie" / "key") in back.output
