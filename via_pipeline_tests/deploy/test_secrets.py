"""No secret is where people look: in no file of a run, no event, no tag, no page of the UI."""

from __future__ import annotations

import base64
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from via_pipeline.intake import pseudonym
from via_pipeline.storage.home import Home
from via_pipeline_tests.journeys import house

RESTRICTED = ("lake", "quarantine", "ledger", "exclusions", "reports", "candidates", "audit",
              "run", "dagster", "scratch", "locks")  # fmt: skip


def _forms(key: str) -> list[bytes]:
    """The ways in which the key may stand in bytes."""
    raw = bytes.fromhex(key)
    texts = [key.lower(), key.upper(), str(list(raw))[1:-1]]
    packed = [base64.b64encode(raw), base64.b32encode(raw), base64.b64encode(key.encode())]
    found = [raw, *(text.encode() for text in texts), *(text.encode("utf-16-le") for text in texts)]
    return found + [text.rstrip(b"=") for text in packed]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _holding(folder: Path, needles: list[bytes]) -> list[str]:
    return [
        path.relative_to(folder).as_posix()
        for path in _files(folder)
        if any(needle in data for data in [path.read_bytes()] for needle in needles)
    ]


def test_the_key_is_in_no_byte_of_a_run(sample_run: house.Ran, tmp_path: Path) -> None:
    """Events, tags, logs and settings are files here: SQLite keeps texts as they are."""
    needles = _forms(os.environ[pseudonym.KEY_VARIABLE])
    assert _holding(sample_run.home.root, needles) == []
    assert not any(needle in sample_run.output.encode() for needle in needles)
    # The search finds what is there: as an event would hold it.
    database = sqlite3.connect(tmp_path / "events.db")
    database.execute("CREATE TABLE event_logs (event TEXT)")
    key = os.environ[pseudonym.KEY_VARIABLE]
    database.execute("INSERT INTO event_logs VALUES (?)", [f'{{"tags": {{"key": "{key}"}}}}'])
    database.commit()
    assert _holding(tmp_path, needles) == ["events.db"]


def test_events_and_tags_of_a_run_are_searched(sample_run: house.Ran) -> None:
    """What the search above looks through is really there, and is not packed."""
    runs = sample_run.home.dagster / "history" / "runs.db"
    assert runs.exists() and _holding(runs.parent, [b"nightly_refresh"])
    events = [path for path in _files(sample_run.home.dagster) if path.suffix == ".db"]
    assert any(b"ASSET_MATERIALIZATION" in path.read_bytes() for path in events)


def test_folders_of_a_run_are_as_open_as_what_is_in_them(sample_run: house.Ran) -> None:
    home = sample_run.home
    for name in RESTRICTED:
        assert stat.S_IMODE((home.root / name).stat().st_mode) == 0o700, name
    for path in [home.latest.resolve(), *home.latest.resolve().rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o444 == 0o444, path.name


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602])
def test_a_key_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "pseudonym.key"
    home = Home(tmp_path / "via", tmp_path / "data")
    assert pseudonym.make_key(path, home.root)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert pseudonym.key_from_file(path, home.root).fingerprint
    path.chmod(mode)
    with pytest.raises(pseudonym.KeyProblem, match="chmod 600") as told:
        pseudonym.key_from_file(path, home.root)
    assert path.read_text().strip() not in str(told.value)
