"""A write is there whole or not at all, and what a killed one left does not stay for ever."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from via_pipeline.storage.atomic import (
    BusyError,
    replacing,
    replacing_folder,
    sweep,
    write_json,
    writer_lock,
)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_is_replaced_as_one(tmp_path: Path) -> None:
    path = tmp_path / "edition"
    for words in ("first", "second"):
        with replacing_folder(path) as temporary:
            (temporary / f"{words}.txt").write_text(words)
    assert [item.name for item in path.iterdir()] == ["second.txt"]
    assert [item.name for item in tmp_path.iterdir()] == ["edition"]


def test_the_same_value_gives_the_same_bytes(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": "é"})
    write_json(tmp_path / "b.json", {"a": "é", "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_sweeping_takes_old_remains_only(tmp_path: Path) -> None:
    old, new, kept = tmp_path / "t" / ".tmp-1-a", tmp_path / "t" / ".tmp-2-a", tmp_path / "t" / "a"
    old.mkdir(parents=True)
    (old / "inside").write_text("x")
    new.write_text("x")
    kept.write_text("x")
    an_hour_ago = time.time() - 3700
    os.utime(old, (an_hour_ago, an_hour_ago))
    assert sweep(tmp_path, older_than_seconds=3600) == 1
    assert {path.name for path in (tmp_path / "t").iterdir()} == {".tmp-2-a", "a"}
    assert sweep(tmp_path) == 1
    assert {path.name for path in (tmp_path / "t").iterdir()} == {"a"}


def test_a_second_writer_waits_and_leaves_with_a_message(tmp_path: Path) -> None:
    with (
        writer_lock(tmp_path, "serving"),
        pytest.raises(BusyError, match="another run is writing 'serving'"),
        writer_lock(tmp_path, "serving", wait_seconds=0.2),
    ):
        pytest.fail("two writers at once")
