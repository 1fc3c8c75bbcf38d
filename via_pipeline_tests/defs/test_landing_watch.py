"""The landing sensor's decision: still for a tick, new content, never half a file."""

from __future__ import annotations

from pathlib import Path

from via_pipeline import fingerprint
from via_pipeline.defs.landing_watch import Cursor, decide
from via_pipeline.storage.home import Home


def _never() -> str:
    raise AssertionError("files were read although they were not still")


def test_first_sight_waits_and_the_second_still_tick_starts_a_run() -> None:
    first = decide(Cursor(), "a", _never)
    assert first.run_key is None
    second = decide(first.cursor, "a", lambda: "content")
    assert second.run_key == "content"
    third = decide(second.cursor, "a", lambda: "content")
    assert third.run_key is None


def test_a_growing_file_is_not_taken(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", tmp_path)
    folder = tmp_path / "landing" / "p5_behoud" / "2020-01-01"
    folder.mkdir(parents=True)
    file = folder / "file.csv"
    cursor = Cursor()
    for size in range(1, 5):
        file.write_text("x" * size)
        decision = decide(cursor, fingerprint.listing(home), _never)
        assert decision.run_key is None
        cursor = decision.cursor
    hashes = fingerprint.Hashes(tmp_path / "cache.json")
    decision = decide(cursor, fingerprint.listing(home), lambda: fingerprint.content(home, hashes))
    assert decision.run_key


def test_the_same_content_touched_starts_nothing(tmp_path: Path) -> None:
    cursor = Cursor("old listing", "content")
    moved = decide(cursor, "new listing", _never)
    assert decide(moved.cursor, "new listing", lambda: "content").run_key is None


def test_the_cursor_is_small_and_a_foreign_one_is_a_fresh_start() -> None:
    cursor = Cursor("a" * 64, "b" * 64)
    assert len(cursor.to_json()) < 200
    assert Cursor.from_json(cursor.to_json()) == cursor
    for foreign in (None, "", "not json", "[]", "3", "null"):
        assert Cursor.from_json(foreign) == Cursor()
