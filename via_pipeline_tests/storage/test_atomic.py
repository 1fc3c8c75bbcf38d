"""A write is there whole or not at all, and what a killed one left does not stay for ever."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from via_pipeline.storage.atomic import (
    BusyError,
    replacing,
    replacing_by_link,
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


def test_a_linked_folder_is_never_absent(tmp_path: Path) -> None:
    """A reader that looks all the time meets one folder or the next, each of them whole."""
    link, stop = tmp_path / "site", threading.Event()
    seen: set[str] = set()

    def look() -> None:
        while not stop.is_set():
            seen.add((link / "a.html").read_text())

    def build(words: str) -> None:
        with replacing_by_link(link) as temporary:
            (temporary / "a.html").write_text(words)

    build("0")
    with ThreadPoolExecutor() as pool:
        reader = pool.submit(look)
        for number in range(1, 200):
            build(str(number))
        stop.set()
        reader.result(timeout=60)
    assert len(seen) > 20, "the reader looked too seldom to meet a swap"
    assert (link / "a.html").read_text() == "199"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".site-1", ".site-2", "site"]


def test_who_still_reads_the_old_folder_may_finish(tmp_path: Path) -> None:
    for words in ("old", "new"):
        with replacing_by_link(tmp_path / "site") as temporary:
            (temporary / f"{words}.html").write_text(words)
        if words == "old":
            opened = (tmp_path / "site").resolve()
    assert (opened / "old.html").read_text() == "old"
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["new.html"]


def test_a_folder_of_an_older_layout_gives_way_to_the_link(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    for words in ("first", "second"):
        with replacing_by_link(tmp_path / "site") as temporary:
            (temporary / f"{words}.html").write_text(words)
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["second.html"]


def test_a_failed_write_leaves_the_linked_folder(tmp_path: Path) -> None:
    with replacing_by_link(tmp_path / "site") as temporary:
        (temporary / "a.html").write_text("old")
    with pytest.raises(ZeroDivisionError), replacing_by_link(tmp_path / "site") as temporary:
        raise ZeroDivisionError
    assert (tmp_path / "site" / "a.html").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".site-1", "site"]


def test_the_same_value_gives_the_same_bytes(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": "é"})
    write_json(tmp_path / "b.json", {"a": "é", "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_sweeping_takes_old_remains_only(tmp_path: Path) -> None:
    old, new, kept = tmp_path / "t" / ".tmp-1-a", tmp_path / "t" / ".tmp-2-a", tmp_path / "t" / "a"
    old.mkdir(parents=True)
    (old / "inside").write_text("x")
    link = tmp_path / "t" / ".tmp-3-site"
    link.symlink_to("a")
    new.write_text("x")
    kept.write_text("x")
    an_hour_ago = time.time() - 3700
    for one in (old, link):
        os.utime(one, (an_hour_ago, an_hour_ago), follow_symlinks=False)
    assert sweep(tmp_path, older_than_seconds=3600) == 2
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
