"""A log that shows when it was touched: by a byte, by a line, or at its end."""

from __future__ import annotations

import json
import multiprocessing
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from via_pipeline.storage import chain


def _log(folder: Path, lines: int = 4) -> Path:
    path = folder / "audit" / "log.jsonl"
    for number in range(lines):
        chain.add(path, folder / "locks", {"wie": "anna", "wat": f"cel {number}"})
    return path


def test_what_was_added_is_read_back_in_order(tmp_path: Path) -> None:
    path = _log(tmp_path)
    found = chain.read(path)
    assert found.problems == ()
    assert [line["wat"] for line in found.lines] == ["cel 0", "cel 1", "cel 2", "cel 3"]
    assert found.lines[0]["vorige"] == chain.FIRST
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert chain.read(tmp_path / "none.jsonl") == chain.Content((), ())


@pytest.fixture(scope="module")
def two_lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _log(tmp_path_factory.mktemp("two"), 2)


@given(place=st.floats(0, 1, exclude_max=True), by=st.integers(1, 255))
def test_a_changed_byte_is_seen(two_lines: Path, place: float, by: int) -> None:
    raw = two_lines.read_bytes()
    changed = bytearray(raw)
    changed[int(place * len(raw))] ^= by
    try:
        two_lines.write_bytes(bytes(changed))
        assert chain.read(two_lines).problems
    finally:
        two_lines.write_bytes(raw)
    assert chain.read(two_lines).problems == ()


@pytest.mark.parametrize("gone", [0, 1, 2, 3])
def test_a_line_that_is_gone_is_seen_also_the_last(tmp_path: Path, gone: int) -> None:
    path = _log(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
    (problem,) = chain.read(path).problems
    assert ("eraf gehaald" if gone == 3 else "weg of bij") in problem


def test_a_forged_line_with_a_good_hash_is_seen(tmp_path: Path) -> None:
    """Who knows how the hash is made can make a chain; not one that this installation wrote."""
    path = _log(tmp_path)
    forged = tmp_path / "elders"
    other = _log(forged, 3)
    chain.add(other, forged / "locks", {"wie": "niemand", "wat": "niets"})
    path.write_bytes(other.read_bytes())
    assert chain.read(path).problems == ("regel 4 is een andere dan hier geschreven werd",)


def test_an_unfinished_line_of_a_killed_process_is_told_by_the_next(tmp_path: Path) -> None:
    path = _log(tmp_path, 1)
    with path.open("ab") as handle:
        handle.write(b'{"nr":2,"wie"')
    assert len(chain.read(path).lines) == 1 and chain.read(path).problems == ()
    chain.add(path, tmp_path / "locks", {"wie": "bram"})
    found = chain.read(path)
    assert found.problems == () and found.lines[1][chain.TORN] == 13


def test_a_name_of_the_chain_itself_cannot_be_a_fact(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sha256"):
        chain.add(tmp_path / "log.jsonl", tmp_path / "locks", {"sha256": "0"})


def _adding(folder: str, who: str) -> None:
    for number in range(10):
        chain.add(Path(folder) / "audit" / "log.jsonl", Path(folder) / "locks",
                  {"wie": who, "wat": number})  # fmt: skip


def test_two_at_once_make_one_chain(tmp_path: Path) -> None:
    started = multiprocessing.get_context("spawn")
    both = [started.Process(target=_adding, args=(str(tmp_path), who)) for who in ("anna", "bram")]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    found = chain.read(tmp_path / "audit" / "log.jsonl")
    assert found.problems == () and len(found.lines) == 20
    head = json.loads((tmp_path / "audit" / "log.laatste.json").read_text())
    assert head["nr"] == 20
