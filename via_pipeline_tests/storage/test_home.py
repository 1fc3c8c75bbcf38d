"""Who may look where: restricted folders are the owner's alone, what is published is not."""

import os
import stat

import pytest

from via_pipeline.storage.home import Home


def test_every_folder_is_for_its_owner_only_but_those_that_are_published(tmp_path):
    home = Home(tmp_path / "via", tmp_path / "data").ensure()
    open_to_all = {
        path.name for path in home.root.iterdir() if stat.S_IMODE(path.stat().st_mode) != 0o700
    }
    assert open_to_all == {"letters", "serve"}
    assert {home.lake, home.quarantine, home.run, home.ledger.parent} < set(home.root.iterdir())


def test_a_folder_that_was_left_open_is_closed_again(tmp_path):
    home = Home(tmp_path / "via", tmp_path / "data").ensure()
    home.run.chmod(0o755)
    home.ensure()
    assert stat.S_IMODE(home.run.stat().st_mode) == 0o700


@pytest.mark.parametrize("umask", [0o077, 0o002])
def test_the_way_to_what_is_published_is_open_whatever_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        home = Home(tmp_path / "via", tmp_path / "data").ensure()
    finally:
        os.umask(before)
    for path in (home.root, home.letters, home.serve):
        assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert stat.S_IMODE(home.quarantine.stat().st_mode) == 0o700


def test_who_closes_what_is_published_finds_it_closed(tmp_path):
    home = Home(tmp_path / "via", tmp_path / "data").ensure()
    home.letters.chmod(0o750)
    home.ensure()
    assert stat.S_IMODE(home.letters.stat().st_mode) == 0o750
