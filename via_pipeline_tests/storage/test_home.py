"""Who may look where: restricted folders are the owner's alone, what is published is not."""

import stat

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
