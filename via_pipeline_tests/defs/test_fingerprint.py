"""The fingerprint sees every change of content and none of place or time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from via_pipeline import fingerprint
from via_pipeline.storage.home import Home


def _house(tmp_path: Path, name: str = "a") -> Home:
    data = tmp_path / name
    for folder, file, text in (
        ("landing/p5_behoud/2020-01-01", "x.csv", "1;2"),
        ("register", "doel.csv", "doel"),
        ("reference", "land.csv", "land"),
    ):
        (data / folder).mkdir(parents=True)
        (data / folder / file).write_text(text)
    return Home(tmp_path / f"home-{name}", data)


def _content(home: Home) -> str:
    return fingerprint.content(home, fingerprint.Hashes(home.root / "hashes.json"))


def test_same_files_elsewhere_at_another_time_give_the_same_digest(tmp_path: Path) -> None:
    one, two = _house(tmp_path, "a"), _house(tmp_path, "b")
    os.utime(two.data / "register" / "doel.csv", (1, 1))
    assert _content(one) == _content(two)
    assert fingerprint.listing(one) != fingerprint.listing(two)


def test_every_change_is_seen(tmp_path: Path) -> None:
    home = _house(tmp_path)
    seen = {_content(home)}
    (home.data / "register" / "doel.csv").write_text("doeL")
    seen.add(_content(home))
    (home.data / "landing" / "p5_behoud" / "2020-01-01" / "y.csv").write_text("1;2")
    seen.add(_content(home))
    shutil.move(home.data / "reference" / "land.csv", home.data / "reference" / "landen.csv")
    seen.add(_content(home))
    home.house_style.mkdir()
    (home.house_style / "brief.docx").write_bytes(b"a ministry's own template")
    seen.add(_content(home))
    assert len(seen) == 5


def test_every_file_of_the_code_counts_and_every_library(tmp_path: Path) -> None:
    """A template that is no text, and the layout of the annex, change a letter's bytes too."""
    own = tmp_path / "via_pipeline"
    (own / "__pycache__").mkdir(parents=True)
    seen = {fingerprint.code(own)}
    for name in ("annex.typ", "brief.docx", "brief.odt", "rules.yaml", "module.py"):
        (own / name).write_text("x")
        seen.add(fingerprint.code(own))
    assert len(seen) == 6
    (own / "__pycache__" / "module.cpython-311.pyc").write_text("x")
    assert fingerprint.code(own) in seen
    assert {"duckdb", "typst", "docxtpl", "vl-convert-python"} <= set(fingerprint.libraries())
    assert "pytest" not in fingerprint.libraries()


def test_a_change_behind_the_clock_is_seen_through_the_remembered_hashes(tmp_path: Path) -> None:
    """Same size and same modification time: the inode's change time still tells."""
    home = _house(tmp_path)
    file = home.data / "register" / "doel.csv"
    cache = tmp_path / "hashes.json"
    hashes = fingerprint.Hashes(cache)
    before = hashes.sha256(file)
    hashes.save()
    stat = file.stat()
    file.write_text("DOEL")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert fingerprint.Hashes(cache).sha256(file) != before


def test_unchanged_files_are_not_read_again(tmp_path: Path) -> None:
    home = _house(tmp_path)
    cache = tmp_path / "hashes.json"
    first = fingerprint.Hashes(cache)
    file = home.data / "register" / "doel.csv"
    digest = first.sha256(file)
    first.save()
    text = cache.read_text().replace(digest, "f" * 64)
    cache.write_text(text)
    assert fingerprint.Hashes(cache).sha256(file) == "f" * 64


def test_hidden_files_and_links_are_no_deliveries(tmp_path: Path) -> None:
    home = _house(tmp_path)
    before = _content(home)
    (home.data / "register" / ".swp").write_text("x")
    (home.data / "register" / "link.csv").symlink_to(home.data / "register" / "doel.csv")
    assert _content(home) == before


def test_code_and_settings_count(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "a.py").write_text("1")
    one = fingerprint.code(package)
    (package / "a.py").write_text("2")
    assert fingerprint.code(package) != one
    assert fingerprint.settings({"VIA_PSEUDONYM_KEY_FILE": "x"}) != fingerprint.settings({})


def test_outputs_change_when_one_is_removed(tmp_path: Path) -> None:
    home = _house(tmp_path).ensure()
    (home.serve / "via.duckdb").write_text("x")
    before = fingerprint.outputs(home)
    (home.serve / "via.duckdb").unlink()
    assert fingerprint.outputs(home) != before


def test_code_is_read_once_as_long_as_no_file_of_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "a.py").write_text("1")
    stat = (package / "a.py").stat()
    one = fingerprint.code(package)
    with monkeypatch.context() as patched:
        patched.setattr(fingerprint, "sha256_of", lambda path: pytest.fail(f"read {path} again"))
        assert fingerprint.code(package) == one
    (package / "a.py").write_text("2")
    os.utime(package / "a.py", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert fingerprint.code(package) != one
