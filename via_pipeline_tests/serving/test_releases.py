"""Releases: which one readers get, going back, what stays and what goes."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from via_pipeline.cli import app
from via_pipeline.disclosure.run import protect
from via_pipeline.serving import publish as publishing
from via_pipeline.serving import releases
from via_pipeline.serving.publish import publish
from via_pipeline.serving.releases import ReleaseError, Releases, changed, follow, roll_back
from via_pipeline.storage import settings
from via_pipeline.storage.home import Home
from via_pipeline_tests.disclosure import tables


def another(home: Home, measure: str) -> str:
    """Publish other figures; the release."""
    tables.example(home, measure=measure)
    protect(home)
    return publish(home).release


def test_each_release_stays_and_readers_get_the_newest(home):
    first = publish(home).release
    second = another(home, "stage")
    assert Releases.read(home).order == (first, second)
    assert home.latest.readlink().as_posix() == second
    assert changed(home.serve / first) == changed(home.serve / second) == []


def test_the_same_figures_again_are_the_same_release_in_force_again(home):
    first = publish(home).release
    second = another(home, "stage")
    assert another(home, "baan") == first
    assert Releases.read(home).order == (second, first)
    assert home.latest.readlink().as_posix() == first


def test_going_back_holds_until_readers_follow_again(home):
    first = publish(home).release
    second = another(home, "stage")
    assert roll_back(home, "cijfers van P6 kloppen niet") == first
    assert home.latest.readlink().as_posix() == first
    # The night that follows makes its release, but readers are left where they were put.
    told = publish(home)
    assert (told.release, told.is_in_force) == (second, False)
    assert home.latest.readlink().as_posix() == first
    assert follow(home) == second
    assert home.latest.readlink().as_posix() == second


def test_only_so_many_are_kept_but_never_less_than_what_readers_have(home, monkeypatch):
    monkeypatch.setenv(settings.KEEP, "2")
    first = publish(home).release
    roll_back(home, "proef", first)
    names = [another(home, measure) for measure in ("stage", "leerwerkplek", "opleiding")]
    assert len({first, *names}) == 4
    assert Releases.read(home).order == (first, *names[-2:])
    assert {path.name for path in home.serve.iterdir() if path.is_dir()} == {
        "latest",
        first,
        *names[-2:],
    }
    follow(home)
    publish(home)
    assert Releases.read(home).order == tuple(names[-2:])


def test_what_is_not_a_release_is_removed(home):
    first = publish(home).release
    (home.serve / "via.duckdb").write_bytes(b"from before there were releases")
    (home.serve / "half").mkdir()
    another(home, "stage")
    assert (home.serve / first).is_dir()
    assert not (home.serve / "via.duckdb").exists() and not (home.serve / "half").exists()


@pytest.mark.parametrize("at", ["_place", "came_into_force", "_point"])
def test_killed_at_any_step_readers_have_a_whole_release_and_the_next_run_mends(
    home, monkeypatch, at
):
    first = publish(home).release
    tables.example(home, measure="stage")
    protect(home)

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(publishing if at == "_place" else releases, at, killed)
        with pytest.raises(Killed):
            publish(home)
    assert home.latest.readlink().as_posix() == first
    assert changed(home.latest.resolve()) == []
    second = publish(home).release
    assert home.latest.readlink().as_posix() == second
    assert Releases.read(home).order == (first, second)


def test_a_spoiled_release_is_mended_by_publishing_it_again(home):
    publish(home)
    folder = home.latest.resolve()
    (folder / "parquet" / "oud.parquet").write_bytes(b"x")
    (folder / "csv" / "resultaat.csv").write_bytes(b"x")
    (folder / "via.duckdb").unlink()
    assert changed(folder) == ["csv/resultaat.csv", "parquet/oud.parquet", "via.duckdb"]
    publish(home)
    assert changed(folder) == []


def test_what_cannot_be_gone_back_to_is_said(home):
    with pytest.raises(ReleaseError, match="nothing was published"):
        follow(home)
    first = publish(home).release
    with pytest.raises(ReleaseError, match="no release before"):
        roll_back(home, "proef")
    with pytest.raises(ReleaseError, match=f"no release x; there are {first}"):
        roll_back(home, "proef", "x")
    another(home, "stage")
    (home.serve / first / "via.duckdb").write_bytes(b"x")
    with pytest.raises(ReleaseError, match=r"was changed: via\.duckdb"):
        roll_back(home, "proef", first)


def test_a_lost_link_is_a_lost_output(home):
    from via_pipeline import fingerprint

    publish(home)
    before = fingerprint.outputs(home)
    home.latest.unlink()
    assert fingerprint.outputs(home) != before


def test_the_command(home, monkeypatch):
    monkeypatch.setenv("VIA_HOME", str(home.root))

    def via(*arguments: str):
        return CliRunner().invoke(app, ["serve", *arguments])

    first = publish(home).release
    second = another(home, "stage")
    assert f"{second}  <- latest\n{first}\n" in via("list").output
    assert via("rollback").exit_code == 2, "a reason is needed"
    assert first in via("rollback", "--reason", "fout in P6").output
    told = json.loads(via("list", "--json").output)
    assert told["fixed"] == {"release": first, "reason": "fout in P6"}
    assert second in via("follow").output
    assert via("rollback", "zzz", "--reason", "x").exit_code == 1
    (home.serve / first / "via.duckdb").write_bytes(b"x")
    spoiled = via("list")
    assert spoiled.exit_code == 1 and "CHANGED: via.duckdb" in spoiled.output
