"""What a broken line, a kill at the wrong moment and a second command leave of what is kept."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from dagster._core.errors import DagsterExecutionInterruptedError
from typer.testing import CliRunner

from via_pipeline.cli import app
from via_pipeline.commands import guarding
from via_pipeline.intake.ledger import Ledger
from via_pipeline.storage import bucket, kept, lease
from via_pipeline.storage.atomic import BusyError
from via_pipeline.storage.bucket import BucketError, Overtaken
from via_pipeline_tests.storage.buckets import keys, machine, objects_of

pytestmark = pytest.mark.usefixtures("s3")


def fill(home, said: str, count: int = 4) -> None:
    """Reports and a ledger that say ``said``."""
    for number in range(count):
        (home.reports / f"verslag-{number}.txt").write_text(f"{said} {number}")
    (home.reports / f"alleen-{said}.txt").write_text(said)
    Ledger(home.ledger).check_key("vingerafdruk")


def reports(home) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(home.reports.glob("*.txt"))}


def breaks_after(monkeypatch, count: int):
    """From the download after ``count`` on, the line is broken."""
    plain, done = bucket.Bucket.download, []

    def download(self, key, target):
        if len(done) == count:
            raise BucketError("de lijn is weg")
        done.append(key)
        plain(self, key, target)

    monkeypatch.setattr(bucket.Bucket, "download", download)


def loses_the_answer(monkeypatch, name: str) -> list[str]:
    """The next time that an object of that name is put it is written, and no answer comes."""
    plain, lost = bucket.Bucket._put, []

    def put(self, key, *arguments, **more):
        made = plain(self, key, *arguments, **more)
        if key.endswith(name) and not lost:
            lost.append(key)
            raise TimeoutError
        return made

    monkeypatch.setattr(bucket.Bucket, "_put", put)
    return lost


# --- fetching ------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_new", [True, False])
def test_a_fetch_that_was_broken_off_is_finished_by_the_next(tmp_path, url, monkeypatch, is_new):
    one, two = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    fill(one, "oud")
    kept.push(one)
    if not is_new:
        kept.fetch(two)
    (one.reports / "alleen-oud.txt").unlink()
    fill(one, "nieuw")
    kept.push(one)
    with monkeypatch.context() as patch:
        breaks_after(patch, 2)
        with pytest.raises(BucketError, match="de lijn is weg"):
            kept.fetch(two)
    # The bucket goes on meanwhile: what was fetched is now in no index.
    (one.reports / "alleen-nieuw.txt").unlink()
    fill(one, "nieuwer")
    kept.push(one)
    with monkeypatch.context() as patch:
        breaks_after(patch, 1)
        with pytest.raises(BucketError, match="de lijn is weg"):
            kept.fetch(two)
    assert "reports" in kept.fetch(two)
    assert reports(two) == reports(one)
    assert Ledger(two.ledger).key_fingerprint() == "vingerafdruk"
    assert kept.fetch(two) == [] and kept.push(two) == []


def test_work_done_after_a_broken_fetch_is_still_nobody_elses_to_take(tmp_path, url, monkeypatch):
    one, two = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    fill(one, "oud")
    kept.push(one)
    with monkeypatch.context() as patch:
        breaks_after(patch, 2)
        with pytest.raises(BucketError, match="de lijn is weg"):
            kept.fetch(two)
    (two.reports / "verslag-0.txt").write_text("werk van twee")
    with pytest.raises(Overtaken, match="never sent"):
        kept.fetch(two)
    assert reports(two)["verslag-0.txt"] == "werk van twee"
    with pytest.raises(Overtaken):
        kept.push(two)


def test_who_fetches_while_another_sends_gets_one_of_the_two(tmp_path, url, monkeypatch):
    one, two = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    fill(one, "oud")
    kept.push(one)
    plain, sent = bucket.Bucket.download, []

    def download(self, key, target):
        if not sent:
            # The objects of the index that was just read are taken away.
            sent.append(key)
            fill(one, "nieuw")
            kept.push(one)
        plain(self, key, target)

    monkeypatch.setattr(bucket.Bucket, "download", download)
    assert "reports" in kept.fetch(two)
    assert reports(two) == reports(one)


def lose(folder) -> None:
    """A disk that loses what lies in ``folder``."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_a_room_that_the_disk_lost_comes_back_and_is_never_emptied_in_the_bucket(
    tmp_path, server, url
):
    one, two = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    one.exclusions.write_text("wie bezwaar maakte")
    (one.candidates / "derde" / "r1").mkdir(parents=True)
    (one.candidates / "derde" / "r1" / "brief.csv").write_text("concept")
    fill(one, "een")
    with kept.alone(one, 0):
        pass
    # Between two nights, all of it or one room; what lies beside a database is none of it.
    for folder in (one.exclusions.parent, one.ledger.parent, one.candidates):
        lose(folder)
    (one.ledger.parent / "ledger.sqlite-wal").write_bytes(b"")
    one.exclusions.parent.rmdir()
    with kept.alone(one, 0):
        assert one.exclusions.read_text() == "wie bezwaar maakte"
    assert Ledger(one.ledger).key_fingerprint() == "vingerafdruk"
    # In the middle of one: it is told, and the bucket keeps the list.
    with pytest.raises(BucketError, match=r"nothing is left of .*exclusions"), kept.alone(one, 0):
        lose(one.exclusions.parent)
    kept.fetch(two)
    assert two.exclusions.read_text() == "wie bezwaar maakte"
    # What is published is no candidate any more: that room may become empty.
    with kept.alone(one, 0):
        assert (one.candidates / "derde" / "r1" / "brief.csv").read_text() == "concept"
        shutil.rmtree(one.candidates / "derde" / "r1")
    assert not any(key.startswith("candidates/files/") for key in keys(server, url))


@pytest.mark.parametrize(
    ("name", "links"),
    [
        ("../../buiten.txt", {}),
        ("{outside}/buiten.txt", {}),
        ("map/../../../buiten.txt", {}),
        ("een.txt", {"laatste": "../.."}),
        ("een.txt", {"laatste": "{outside}"}),
        ("een.txt", {"../../buiten.txt": "een.txt"}),
    ],
    ids=["up", "absolute", "down-and-up", "link-up", "link-absolute", "link-that-lies-outside"],
)
def test_an_index_reaches_no_further_than_its_room(tmp_path, url, name, links):
    one, two = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    outside = tmp_path / "twee"
    (one.reports / "een.txt").write_text("een")
    kept.push(one)
    key = f"reports/{kept.LATEST}"
    index = json.loads(one.bucket.get(key))
    index["files"] = {name.format(outside=outside): index["files"]["een.txt"]}
    index["links"] = {link: target.format(outside=outside) for link, target in links.items()}
    one.bucket.put(key, json.dumps(index).encode())
    before = sorted(outside.rglob("*"))
    with pytest.raises(BucketError, match="outside of its room"):
        kept.fetch(two)
    after = set(outside.rglob("*")) - {two.locks / "kept.lock"}
    assert after == set(before), "nothing was written anywhere"


def test_a_link_out_of_its_room_is_not_sent(tmp_path, server, url):
    home = machine(tmp_path, url)
    (home.reports / "elders").symlink_to("../ledger")
    with pytest.raises(BucketError, match="leads out"):
        kept.push(home)
    assert f"reports/{kept.LATEST}" not in keys(server, url)


# --- answers that were lost ----------------------------------------------------------------------


def test_an_index_that_was_put_without_an_answer_is_our_own(tmp_path, server, url, monkeypatch):
    one, two = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    fill(one, "een")
    kept.push(one)
    fill(one, "twee")
    with monkeypatch.context() as patch:
        lost = loses_the_answer(patch, f"reports/{kept.LATEST}")
        with pytest.raises(BucketError, match="does not answer"):
            kept.push(one)
        assert lost
    # It goes on, in another process perhaps, and looks or sends.
    fill(one, "drie")
    assert kept.fetch(one) == []
    assert "reports" in kept.push(one)
    with monkeypatch.context() as patch:
        loses_the_answer(patch, f"reports/{kept.LATEST}")
        fill(one, "vier")
        with pytest.raises(BucketError, match="does not answer"):
            kept.push(one)
    fill(one, "vijf")
    assert "reports" in kept.push(one)
    kept.fetch(two)
    assert reports(two) == reports(one)


def test_an_index_that_another_put_instead_is_not(tmp_path, url, monkeypatch):
    one, two = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    fill(one, "een")
    kept.push(one)
    kept.fetch(two)
    fill(one, "twee")
    with monkeypatch.context() as patch:
        loses_the_answer(patch, f"reports/{kept.LATEST}")
        with pytest.raises(BucketError, match="does not answer"):
            kept.push(one)
    kept.fetch(two)
    fill(two, "drie")
    kept.push(two)
    fill(one, "vier")
    with pytest.raises(Overtaken, match="another writer"):
        kept.push(one)


def test_a_sign_of_life_without_an_answer_does_not_end_the_lease(tmp_path, url, monkeypatch):
    one, two = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    claim = lease.Lease(one.bucket, "een")
    claim.take(0)
    with monkeypatch.context() as patch:
        loses_the_answer(patch, lease.LEASE)
        with pytest.raises(BucketError, match="does not answer"):
            claim.renew()
    claim.renew()
    with pytest.raises(BusyError):
        lease.Lease(two.bucket, "twee").take(0)
    with monkeypatch.context() as patch:
        loses_the_answer(patch, lease.LEASE)
        claim.give_up()
    lease.Lease(two.bucket, "twee").take(0)
    with pytest.raises(Overtaken, match="took over"):
        claim.renew()


def test_a_write_that_the_client_sent_twice_is_not_refused_because_of_itself(
    tmp_path, url, monkeypatch
):
    home = machine(tmp_path, url)
    plain = bucket.Bucket._put
    refused = type("PreconditionError", (Exception,), {})

    def twice(self, *arguments, **more):
        plain(self, *arguments, **more)
        raise refused

    tag = home.bucket.put_if("proef.json", b"een", None)
    with monkeypatch.context() as patch:
        patch.setattr(bucket.Bucket, "_put", twice)
        tag = home.bucket.put_if("proef.json", b"twee", tag)
    assert home.bucket.get_with_tag("proef.json") == (b"twee", tag)


# --- the claim -----------------------------------------------------------------------------------


def test_nobody_ends_the_lease_of_another(tmp_path, server, url, monkeypatch):
    one, two = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    other = lease.Lease(two.bucket, "twee")
    with pytest.raises(ValueError, match="van het werk zelf"), kept.alone(one, 0):
        monkeypatch.setattr(lease, "_DEAD_SECONDS", -60)
        other.take(0)
        monkeypatch.setattr(lease, "_DEAD_SECONDS", 120)
        raise ValueError("van het werk zelf")
    assert json.loads(objects_of(server, url)[lease.LEASE])["owner"] == "twee"
    with pytest.raises(BusyError), kept.alone(one, 0):
        raise AssertionError("two at once")
    other.renew()


def dies(home) -> None:
    """A process on ``home`` took the lease and was killed."""
    lease.Lease(home.bucket, kept._owner(home)).take(0)


def test_who_was_killed_does_not_wait_for_itself_and_a_copy_of_it_does(tmp_path, url, monkeypatch):
    one = machine(tmp_path / "een", url)
    with kept.alone(one, 0):
        pass
    shutil.copytree(tmp_path / "een", tmp_path / "kopie", copy_function=shutil.copy2)
    copy = machine(tmp_path / "kopie", url)
    dies(one)
    with pytest.raises(BusyError), kept.alone(copy, 0):
        raise AssertionError("two at once")
    with kept.alone(one, 0):
        pass
    dies(one)
    # A clone of the disk has the same folder: another computer, or the same one begun anew.
    for name in ("socket.gethostname", "_boot"):
        with monkeypatch.context() as patch:
            patch.setattr(f"via_pipeline.storage.machine.{name}", str)
            with pytest.raises(BusyError), kept.alone(one, 0):
                raise AssertionError("two at once")


def test_a_lease_that_is_gone_is_lost(tmp_path, url):
    home = machine(tmp_path, url)
    with pytest.raises(Overtaken, match="took over"), kept.alone(home, 0):
        home.bucket.delete(lease.LEASE)


def test_who_slept_looks_first_whether_it_was_taken_over(tmp_path, server, url, monkeypatch):
    one, two = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    with pytest.raises(Overtaken, match="took over"), kept.alone(one, 0):
        monkeypatch.setattr(lease, "_DEAD_SECONDS", -60)
        lease.Lease(two.bucket, "twee").take(0)
        # No sign of life was sent since, and none is waited for.
        with pytest.raises(Overtaken, match="took over"):
            one.bucket.put("proef.txt", b"x")
    assert "proef.txt" not in keys(server, url)


# --- what nothing names --------------------------------------------------------------------------


def test_objects_that_no_index_names_are_removed_when_they_are_old(tmp_path, server, url):
    home = machine(tmp_path, url)
    fill(home, "een")
    (home.serve / "een.txt").write_text("een")
    kept.push(home)
    (home.serve / "een.txt").write_text("twee")
    kept.push(home)
    before = keys(server, url)
    for key in ("reports/files/abc/half.txt", "run/uitgaven/files/abc/zonder-index.txt"):
        home.bucket.put(key, b"half")
    with kept.alone(home, 0):
        kept.tidy(home)
        assert set(keys(server, url)) >= {*before, "reports/files/abc/half.txt"}, "it is young"
        assert kept.sweep(home, -60) == 1
    left = {*before, lease.LEASE, "run/uitgaven/files/abc/zonder-index.txt"}
    assert set(keys(server, url)) == left
    other = machine(tmp_path / "twee", url)
    kept.fetch(other)
    assert reports(other) == reports(home)


def test_via_run_tidies(tmp_path, server, url, monkeypatch):
    use(monkeypatch, tmp_path, url)
    monkeypatch.setattr("via_pipeline.cli._is_nothing_new", lambda *_: True)
    monkeypatch.setattr("via_pipeline.cli._read", lambda _: {"finished_at": "gisteren"})
    monkeypatch.setattr(kept, "_ORPHAN_SECONDS", -60)
    home = machine(tmp_path, url)
    (home.reports / "verslag.txt").write_text("een")
    kept.push(home)
    home.bucket.put("reports/files/abc/half.txt", b"half")
    done = CliRunner().invoke(app, ["run"])
    assert done.exit_code == 0, done.output
    assert "reports/files/abc/half.txt" not in keys(server, url)
    assert lease.LEASE in keys(server, url)


# --- commands ------------------------------------------------------------------------------------

NO_BUCKET = {"template", "sample", "check", "backup", "restore", "avg register", "avg dpia"}
"""Commands that use no installation, or refuse one in a bucket."""


def use(monkeypatch, folder: Path, url: str) -> None:
    for name, value in {"VIA_HOME": url, "VIA_STATE": str(folder / "state")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("VIA_DATA", str(folder / "data"))
    monkeypatch.delenv("VIA_RELEASES", raising=False)


def leaves(group, way: str = ""):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, f"{way}{name} ")
        else:
            yield f"{way}{name}", command


def test_every_command_says_whether_it_changes_what_is_kept(monkeypatch, tmp_path, url):
    use(monkeypatch, tmp_path, url)
    fetched, held = [], []
    monkeypatch.setattr(kept, "fetch", lambda _: fetched.append(1) or no_further())
    monkeypatch.setattr(kept, "alone", lambda *_: held.append(1) or no_further())
    told = {}
    for name, command in leaves(typer.main.get_command(app)):
        fetched.clear()
        held.clear()
        if name not in NO_BUCKET:
            with pytest.raises(RuntimeError, match="far enough"):
                command.callback(**{one.name: None for one in command.params})
        told[name] = "changes" if held else "looks" if fetched else ""
    assert {name for name, does in told.items() if not does} == NO_BUCKET
    assert {name for name, does in told.items() if does == "looks"} == {
        *("run", "ui", "deliveries", "broken", "inzage", "mend", "verify", "reproduce"),
        *("erase", "bezwaar", "rekey", "retention", "serve list", "serve kit"),
        *("quarantine export", "quarantine replay", "quarantine list"),
        *("release status", "release log", "release screen"),
    }


def no_further():
    raise RuntimeError("far enough")


@pytest.mark.parametrize("words", ["--help", "deliveries --help", "serve", "serve list --help"])
def test_help_needs_no_server(tmp_path, words, monkeypatch):
    use(monkeypatch, tmp_path, "s3://via/hulp")
    monkeypatch.setenv("VIA_S3_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(bucket, "_RETRIES", 0)
    done = CliRunner().invoke(app, words.split())
    assert done.exit_code in (0, 2) and "Usage" in done.output


def test_a_command_that_only_looks_sends_nothing_and_waits_for_nobody(
    tmp_path, server, url, monkeypatch
):
    use(monkeypatch, tmp_path, url)
    home = machine(tmp_path, url)
    fill(home, "een")
    lease.Lease(machine(tmp_path / "twee", url).bucket, "twee").take(0)
    done = CliRunner().invoke(app, ["deliveries"])
    assert done.exit_code == 0, done.output
    assert keys(server, url) == [lease.LEASE]


def test_a_command_that_changes_something_is_alone_and_sends_it(tmp_path, server, url, monkeypatch):
    use(monkeypatch, tmp_path, url)
    monkeypatch.setattr(guarding, "BUSY_SECONDS", 0)
    other = lease.Lease(machine(tmp_path / "twee", url).bucket, "twee")
    other.take(0)
    words = ["cijfer", "derde/bereik/000000000000"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1 and "another machine is at work" in done.output
    assert keys(server, url) == [lease.LEASE]
    other.give_up()
    CliRunner().invoke(app, words)
    assert f"audit/{kept.LATEST}" in keys(server, url)


def test_what_went_wrong_first_is_told_first(tmp_path, url, monkeypatch):
    use(monkeypatch, tmp_path, url)
    plain = bucket.Bucket.put

    def broken(self, key, *arguments, **more):
        if key.startswith("reports/"):
            raise BucketError("de lijn is weg")
        plain(self, key, *arguments, **more)

    fill(machine(tmp_path, url), "een")
    monkeypatch.setattr(bucket.Bucket, "put", broken)
    done = CliRunner().invoke(app, ["serve", "follow"])
    assert done.exit_code == 1
    said = done.output.splitlines()
    assert said[0] == "via serve: nothing was published yet"
    assert said[1:] == ["via: and what was done could not be sent: de lijn is weg"]


def test_a_file_that_is_written_while_it_is_sent_is_what_its_index_says(
    tmp_path, server, url, monkeypatch
):
    home = machine(tmp_path, url)
    fill(home, "een")
    plain = bucket.Bucket.put

    def put(self, key, content, about=None):
        for path in home.reports.glob("*.txt"):
            path.write_text("intussen veranderd")
        plain(self, key, content, about)

    with monkeypatch.context() as patch:
        patch.setattr(bucket.Bucket, "put", put)
        kept.push(home)
    objects = objects_of(server, url)
    index = json.loads(objects[f"reports/{kept.LATEST}"])
    for file in index["files"].values():
        assert hashlib.sha256(objects[file["object"]]).hexdigest() == file["sha256"]
    assert "reports" in kept.push(home), "the change goes out by the next"
    other = machine(tmp_path / "twee", url)
    kept.fetch(other)
    assert set(reports(other).values()) == {"intussen veranderd"}
    assert [path for path in home.scratch.iterdir() if path.name.startswith(".tmp-")] == []


_KILLED = """
import os, sys
from pathlib import Path
from via_pipeline.storage import bucket, kept
from via_pipeline.storage.home import Home
home = Home(Path(sys.argv[1]), Path("data"), url=sys.argv[2])
(home.reports / "verslag-0.txt").write_text("twee")
plain = bucket.Bucket.put_if
bucket.Bucket.put_if = lambda *arguments: (plain(*arguments), os._exit(9))
kept.push(home)
"""


def test_killed_just_after_the_index_was_put_it_goes_on(tmp_path, url):
    one, two = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    fill(one, "een")
    kept.push(one)
    command = [sys.executable, "-c", _KILLED, str(one.root), url]
    assert subprocess.run(command, check=False, timeout=60).returncode == 9
    (one.reports / "verslag-0.txt").write_text("drie")
    assert kept.fetch(one) == [] and kept.push(one) == ["reports"]
    kept.fetch(two)
    assert reports(two) == reports(one)


def test_a_server_that_does_not_answer_is_not_asked_for_ever(tmp_path, url, monkeypatch):
    monkeypatch.setattr(bucket, "_RETRIES", 0)
    monkeypatch.setattr(bucket, "_RETRY_WITHIN", timedelta(seconds=1))
    monkeypatch.setenv("VIA_S3_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(BucketError, match="does not answer"), kept.alone(machine(tmp_path, url), 0):
        raise AssertionError("work began")


@pytest.mark.parametrize("cancelled", [KeyboardInterrupt, DagsterExecutionInterruptedError])
def test_who_is_cancelled_sends_what_it_did_and_is_not_locked_out(tmp_path, url, cancelled):
    one, two = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    with pytest.raises(cancelled), kept.alone(one, 0):
        fill(one, "een")
        raise cancelled
    with kept.alone(two, 0):
        assert reports(two) == reports(one)
        fill(two, "twee")
    with kept.alone(one, 0):
        assert reports(one) == reports(two)
