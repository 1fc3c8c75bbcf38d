"""The list that a folder is sealed with: what `sha256sum` accepts, and what it must notice."""

from __future__ import annotations

import subprocess

import pytest

from via_pipeline.storage import sums


@pytest.fixture
def folder(tmp_path):
    """A sealed folder with a file below another folder and one with a blank in its name."""
    (tmp_path / "csv-excel").mkdir()
    (tmp_path / "csv-excel" / "tabel.csv").write_text("a;b\n")
    (tmp_path / "lees mij.md").write_text("# é\n", encoding="utf-8")
    sums.write(tmp_path)
    return tmp_path


def test_others_can_check_it(folder):
    command = ["sha256sum", "--check", "--strict", "--quiet", sums.NAME]
    assert subprocess.run(command, cwd=folder, check=False).returncode == 0
    assert list(sums.read(folder)) == ["csv-excel/tabel.csv", "lees mij.md"]
    assert not list(sums.problems(folder))


def test_writing_it_again_changes_nothing(folder):
    before = sums.folder_hash(folder)
    sums.write(folder)
    assert sums.folder_hash(folder) == before != ""


@pytest.mark.parametrize(
    ("touch", "told"),
    [
        (lambda at: (at / "lees mij.md").write_text("# e\n"), ("lees mij.md", "veranderd")),
        (lambda at: (at / "lees mij.md").unlink(), ("lees mij.md", "ontbreekt")),
        (lambda at: (at / "erbij.txt").write_text(""), ("erbij.txt", "erbij")),
        (lambda at: (at / "csv-excel" / ".hidden").write_text(""), ("csv-excel/.hidden", "erbij")),
        (lambda at: (at / "naar").symlink_to("lees mij.md"), ("naar", "erbij")),
        (lambda at: (at / sums.NAME).unlink(), (sums.NAME, "lijst")),
        (lambda at: (at / sums.NAME).write_text(""), (sums.NAME, "lijst")),
        (lambda at: (at / sums.NAME).write_text("geen regel\n"), (sums.NAME, "lijst")),
    ],
)
def test_whatever_was_touched_is_told(folder, touch, told):
    touch(folder)
    assert [(problem.file, problem.kind) for problem in sums.problems(folder)] == [told]


def test_a_link_with_the_same_content_is_not_the_file(folder):
    copy = folder.parent / f"{folder.name}-copy"
    (folder / "lees mij.md").rename(copy)
    (folder / "lees mij.md").symlink_to(copy)
    assert [problem.kind for problem in sums.problems(folder)] == ["veranderd"]


def test_a_file_told_twice_makes_the_list_unreadable(folder):
    lines = (folder / sums.NAME).read_text(encoding="utf-8")
    (folder / sums.NAME).write_text(lines + lines, encoding="utf-8")
    assert [problem.file for problem in sums.problems(folder)] == [sums.NAME]
    with pytest.raises(ValueError, match="regel 3"):
        sums.read(folder)
