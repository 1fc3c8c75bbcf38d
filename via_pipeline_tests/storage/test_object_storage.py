"""The house in a bucket of a real server: same bytes, whole or not at all, and clear words.

The server is a process of its own on localhost that checks keys and conditional writes. It is
looked at through Amazon's client, which shares no code with the one under test.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from attack import canary
from faults import s3_server
from via_pipeline.contracts import model
from via_pipeline.defs import guard
from via_pipeline.defs.resources import Installation
from via_pipeline.intake.ledger import Ledger
from via_pipeline.pilots import catalog, conform, mend
from via_pipeline.privacy import erase, retention, traces
from via_pipeline.quality.run import judge
from via_pipeline.storage import backup, bucket, bucket_files, kept, lake, lease, place
from via_pipeline.storage.atomic import BusyError
from via_pipeline.storage.bucket import BucketError, Overtaken
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home
from via_pipeline.storage.settings import SettingError
from via_pipeline_tests.intake.house import KEY, House
from via_pipeline_tests.privacy import planted
from via_pipeline_tests.privacy.small import p7_text
from via_pipeline_tests.storage.buckets import keys, machine, objects_of

PROJECT = Path(__file__).parents[2]
NOW = datetime(2021, 6, 2, 12, 0, tzinfo=UTC)
RANGE = "SELECT i, 'rij ' || i AS tekst FROM range({}) t(i) ORDER BY i"


pytestmark = pytest.mark.usefixtures("s3")


def small(folder: Path, url: str | None = None) -> House:
    """An installation with a person in P7, twice, once set aside; local, or in a bucket."""
    built = House.build(folder)
    if url is not None:
        built.home = replace(built.home, url=url)
    for quarter, bad in (("2019KW1", False), ("2019KW2", True)):
        name = f"p7_ww_{quarter}_v1.csv"
        built.land("p7_ww", name, p7_text(planted.BSN, quarter, bad=bad).encode())
    take_in(built)
    return built


def take_in(built: House) -> None:
    contract = built.contract("p7_ww")
    built.take_in("p7_ww")
    judge(built.home, contract, run_id="run-1")
    conform.refresh(built.home, contract)


def rows_of(home: Home, table: str) -> list[tuple]:
    with work(home.scratch) as connection:
        lake.view(connection, home.lake, table)
        return connection.execute(f"FROM {table} ORDER BY ALL").fetchall()


def write(home: Home, count: int, table: str = "proef__tabel") -> lake.Part:
    with work(home.scratch) as connection:
        return lake.replace_table(home.lake, table, connection, RANGE.format(count))


# --- the same as on a disk -----------------------------------------------------------------------


def test_a_bucket_holds_the_very_files_that_a_disk_would(tmp_path, server, url):
    here, there = small(tmp_path / "disk"), small(tmp_path / "bucket", url)
    in_bucket = objects_of(server, url)
    on_disk = {
        path.relative_to(here.home.root).as_posix(): path.read_bytes()
        for room in ("lake", "quarantine")
        for path in (here.home.root / room).rglob("*")
        if path.is_file()
    }
    assert len(on_disk) > 6
    assert in_bucket == on_disk
    assert list(there.home.root.rglob("*.parquet")) == [], "person-level tables left on the disk"
    place.copy_tree(there.home.lake, tmp_path / "kopie")
    assert {
        f"lake/{path.relative_to(tmp_path / 'kopie').as_posix()}": path.read_bytes()
        for path in (tmp_path / "kopie").rglob("*")
        if path.is_file()
    } == {key: data for key, data in on_disk.items() if key.startswith("lake/")}
    with work() as connection:
        catalog.register(connection, there.home, [there.contract("p7_ww")])
        count = connection.execute("SELECT count(*) FROM pilots__p7_ww_periode").fetchall()
    assert count == [(199,)]


def test_the_planted_person_is_in_no_object(tmp_path, server, url):
    built = House.build(tmp_path / "huis")
    built.home = replace(built.home, url=url)
    planted.plant(built.home, PROJECT / "data" / "landing", only=("p5", "p7"))
    for source in ("p5_behoud", "p7_ww"):
        built.take_in(source)
    kept.push(built.home)
    for key, data in objects_of(server, url).items():
        path = tmp_path / "objecten" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert len(list((tmp_path / "objecten").rglob("*.parquet"))) > 5
    assert canary.attack([tmp_path / "objecten"], planted.NEEDLES) == []
    assert canary.attack([built.home.landing], planted.NEEDLES), "the search finds nothing at all"


def test_erasing_and_retention_reach_into_the_bucket(tmp_path, server, url):
    built = small(tmp_path, url)
    gone = KEY.digest(f"bsn\x1f{planted.BSN}")
    places = (built.home.lake, built.home.quarantine)
    assert all(traces.holding(place, [gone]) for place in places)
    contract = built.contract("p7_ww")
    erase.erase(built.home, [contract], KEY, "bsn", [planted.BSN], {}, now=NOW, run_id="erase-1")
    assert not any(traces.holding(place, [gone]) for place in places)
    assert not any(gone.encode() in data for data in objects_of(server, url).values())
    with work() as connection:
        catalog.register(connection, built.home, [contract])
        assert connection.execute("SELECT count(*) FROM pilots__p7_ww_periode").fetchall()[0][0]
    later = datetime(2024, 2, 2, 1, 0, tzinfo=UTC)
    done = retention.enforce(built.home, model.load_all(), now=later, run_id="night")
    assert len(done) == 2
    left = [key for key in keys(server, url) if "p7_ww-" in key]
    assert left == []


def test_a_damaged_object_is_found_and_made_anew(tmp_path, server, url):
    built = small(tmp_path, url)
    contracts = [built.contract("p7_ww")]
    assert mend.damaged(built.home, contracts).count == 0
    key = next(key for key in keys(server, url) if key.startswith("lake/accepted/"))
    prefix = url.split("/", 3)[3]
    server.client().put_object(Bucket=s3_server.BUCKET, Key=f"{prefix}/{key}", Body=b"stuk")
    assert mend.damaged(built.home, contracts).count == 1
    mend.mend(built.home, contracts, KEY, now=NOW, run_id="mend-1")
    assert mend.damaged(built.home, contracts).count == 0


# --- whole or not at all -------------------------------------------------------------------------

_KILLED = """
import os, sys
from pathlib import Path
from via_pipeline.storage import bucket, lake
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home
bucket.Bucket.put_if = lambda *_: os._exit(9)
home = Home(Path(sys.argv[1]), Path("data"), url=sys.argv[2])
with work(home.scratch) as connection:
    lake.replace_table(home.lake, "proef__tabel", connection, sys.argv[3])
"""


def test_killed_between_a_file_and_its_manifest_nothing_has_changed(tmp_path, server, url):
    home = machine(tmp_path, url)
    write(home, 10)
    before = keys(server, url)
    command = [sys.executable, "-c", _KILLED, str(home.root), url, RANGE.format(20)]
    done = subprocess.run(command, check=False, cwd=PROJECT, timeout=60)
    assert done.returncode == 9
    left = set(keys(server, url)) - set(before)
    assert len(left) == 1, "the file was put, the manifest was not"
    assert len(rows_of(home, "proef__tabel")) == 10
    assert lake.sweep(home.lake, 3600) == 0, "a young file may be of a writer at work"
    assert lake.sweep(home.lake, -60) == 1
    assert keys(server, url) == before
    assert len(rows_of(home, "proef__tabel")) == 10


def test_of_two_writers_the_second_is_told_and_harms_nothing(tmp_path, server, url):
    first, second = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    write(first, 5)
    lake.parts(second.lake, "proef__tabel")
    write(first, 6)
    with work(second.scratch) as connection:
        part = lake.write_part(second.lake, "proef__tabel", "van-twee", connection, RANGE.format(7))
    write(first, 9)
    assert f"lake/{part.file}" in keys(server, url), "a file that another is about to name"
    with pytest.raises(Overtaken, match="another writer"):
        lake.commit(second.lake, "proef__tabel", [part])
    assert len(rows_of(first, "proef__tabel")) == 9
    # Who looks again may write.
    write(second, 8)
    assert len(rows_of(first, "proef__tabel")) == 8
    fresh = machine(tmp_path / "drie", url)
    fresh.bucket.tags[(fresh.lake / "proef__tabel" / lake.MANIFEST).key] = None
    with pytest.raises(Overtaken):
        lake.commit(fresh.lake, "proef__tabel", [])


@pytest.mark.parametrize("is_new", [True, False])
def test_a_look_in_between_does_not_make_a_writer_blind_for_another(tmp_path, server, url, is_new):
    first, second = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)

    def part(home: Home, name: str) -> lake.Part:
        with work(home.scratch) as connection:
            return lake.write_part(home.lake, "proef__tabel", name, connection, RANGE.format(3))

    if not is_new:
        lake.commit(second.lake, "proef__tabel", [part(second, "een")])
    known = lake.listed(first.lake, "proef__tabel")
    theirs = [*lake.parts(second.lake, "proef__tabel")] if known else []
    lake.commit(second.lake, "proef__tabel", [*theirs, part(second, "van-twee")])
    rows_of(first, "proef__tabel")
    mine = [*known.values(), part(first, "van-een")]
    with pytest.raises(Overtaken, match="another writer"):
        lake.settle(first.lake, "proef__tabel", mine)
    names = {found.name for found in lake.parts(second.lake, "proef__tabel")}
    assert names == {*known, "van-twee"}
    assert "lake/proef__tabel/van-twee.parquet" in keys(server, url)
    # Who begins again sees it.
    with kept.alone(first, 0):
        known = lake.listed(first.lake, "proef__tabel")
        lake.settle(first.lake, "proef__tabel", [*known.values(), mine[-1]])
    assert set(lake.listed(second.lake, "proef__tabel")) == {*names, "van-een"}


def test_of_a_part_that_is_replaced_while_it_is_read_no_two_versions_are_mixed(
    tmp_path, url, monkeypatch
):
    monkeypatch.setattr(bucket_files, "_TAIL_BYTES", 4096)
    home = machine(tmp_path, url)
    write(home, 10)
    place = home.lake / "proef__tabel" / "groot.parquet"
    old, new = (bytes([one]) * 20_000 for one in (1, 2))
    files = bucket_files.BucketFiles()
    home.bucket.put(place.key, old)
    with contextlib.closing(files.open(str(place))) as opened:
        assert opened.read(5000) == old[:5000]
        # Another machine: this one does not know of it.
        machine(tmp_path / "twee", url).bucket.put(place.key, new)
        with pytest.raises(BucketError, match="replaced while it was read"):
            opened.read(5000)
    # Who opens it again reads the new one, its end too.
    assert files.open(str(place)).read() == new
    # And a server that does not know the condition is no way round it.
    plain = home.bucket._client()

    class Unconditional:
        def get(self, key, options):
            return plain.get(key, options={"range": options["range"]})

    monkeypatch.setattr(home.bucket, "_store", Unconditional())
    with pytest.raises(BucketError, match="replaced while it was read"):
        home.bucket.get_range(place.key, 0, 100, "eerdere-versie")


class Ranges:
    """A client for which asking for the end of an object goes wrong."""

    def __init__(self, plain, said: str) -> None:
        self._plain, self._said, self.whole = plain, said, []

    def get(self, path, options=None):
        if options:
            raise RuntimeError(self._said)
        self.whole.append(path)
        return self._plain.get(path)

    def head(self, path):
        return self._plain.head(path)


def test_only_a_small_object_is_read_whole_where_its_end_cannot_be_had(tmp_path, url, monkeypatch):
    home = machine(tmp_path, url)
    for key, size in (("klein", 10), ("leeg", 0), ("groot", 11)):
        home.bucket.put(key, b"x" * size)
    client = Ranges(home.bucket._client(), "status code: 503")
    monkeypatch.setattr(home.bucket, "_store", client)
    assert home.bucket.get_tail("klein", 10)[0] == b"x" * 10
    assert home.bucket.get_tail("leeg", 10)[0] == b""
    client.whole.clear()
    with pytest.raises(BucketError, match="status 503"):
        home.bucket.get_tail("groot", 10)
    assert client.whole == []
    with pytest.raises(FileNotFoundError):
        home.bucket.get_tail("niets", 10)


def test_a_manifest_that_is_gone_is_one_that_another_changed(tmp_path, server, url):
    home = machine(tmp_path, url)
    write(home, 5)
    manifest = home.lake / "proef__tabel" / lake.MANIFEST
    tag = home.bucket.get_with_tag(manifest.key)[1]
    manifest.unlink()
    with pytest.raises(Overtaken, match="another writer"):
        home.bucket.put_if(manifest.key, b"{}", tag)
    assert not manifest.exists()


def test_a_part_is_hashed_once_and_a_folder_is_listed_without_what_is_below(
    tmp_path, url, monkeypatch
):
    home = machine(tmp_path, url)
    hashed = []
    plain = place._sha256_of
    monkeypatch.setattr(place, "_sha256_of", lambda path: hashed.append(path) or plain(path))
    write(home, 5)
    with work(home.scratch) as connection:
        lake.write_part(home.lake, "proef__tabel", "deel", connection, RANGE.format(7))
    assert len(hashed) == 2
    (home.lake / "proef__tabel" / "dieper" / "x.json").bucket.put(
        (home.lake / "proef__tabel" / "dieper" / "x.json").key, b"{}"
    )
    monkeypatch.setattr(bucket.Bucket, "below", _killed)
    assert home.lake.is_dir() and not (home.lake / "niets").is_dir()
    assert [path.name for path in home.lake.iterdir()] == ["proef__tabel"]
    names = [path.name for path in (home.lake / "proef__tabel").iterdir()]
    assert names[0] == lake.MANIFEST and names[2:] == ["deel.parquet", "dieper"]


def test_a_server_that_ignores_conditions_is_refused(tmp_path, url, monkeypatch):
    home = machine(tmp_path, url)
    plain = bucket.Bucket._put
    monkeypatch.setattr(
        bucket.Bucket, "_put", lambda self, key, content, *_, **more: plain(self, key, content)
    )
    with pytest.raises(BucketError, match="conditional writes"), kept.alone(home, 1):
        raise AssertionError("work began")


# --- another machine goes on ---------------------------------------------------------------------


def test_a_machine_with_an_empty_disk_goes_on_where_the_other_stopped(tmp_path, server, url):
    built = small(tmp_path / "een", url)
    home = built.home
    release = home.serve / "2021-06-02"
    release.mkdir()
    (release / "via.duckdb").write_bytes(b"uitgave een")
    home.latest.symlink_to("2021-06-02")
    kept.push(home)
    rows = Ledger(home.ledger).rows()

    other = House(replace(home, root=tmp_path / "twee" / "state"))
    with kept.alone(other.home, 1):
        assert Ledger(other.home.ledger).rows() == rows
        assert (other.home.latest / "via.duckdb").read_bytes() == b"uitgave een"
        assert oct(other.home.ledger.stat().st_mode & 0o777) == "0o600"
        summary = other.take_in("p7_ww")
        assert len(summary.known) == 2 and not summary.new
        assert judge(other.home, other.contract("p7_ww"), run_id="run-2") == []
        other.land("p7_ww", "p7_ww_2019KW3_v1.csv", p7_text(planted.BSN, "2019KW3").encode())
        take_in(other)
    # The first machine sees it, without losing a thing.
    assert "ledger" in kept.fetch(home)
    assert len(Ledger(home.ledger).rows()) == len(rows) + 1
    assert kept.fetch(home) == [] and kept.push(home) == []


def test_what_a_step_did_is_kept_when_the_step_ends(tmp_path, server, url, monkeypatch):
    monkeypatch.setenv("VIA_HOME", url)
    monkeypatch.setenv("VIA_STATE", str(tmp_path / "een"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    home = Installation().home()
    guard.told(None, lambda: Ledger(home.ledger).check_key("vingerafdruk"))
    assert "ledger/_latest.json" in keys(server, url)
    # A step on a machine that has nothing finds it before it begins.
    monkeypatch.setenv("VIA_STATE", str(tmp_path / "twee"))
    assert Ledger(Installation().home().ledger).key_fingerprint() == "vingerafdruk"


def test_a_copy_of_the_state_folder_does_not_pass_for_a_backup(tmp_path, url):
    home = machine(tmp_path, url)
    Ledger(home.ledger).check_key("vingerafdruk")
    with pytest.raises(backup.BackupError, match="object storage"):
        backup.back_up(home, tmp_path / "kopie", at="", code="", fingerprint=None)
    assert not (tmp_path / "kopie").exists()


def test_work_that_was_never_sent_is_not_written_over(tmp_path, url):
    built = small(tmp_path / "een", url)
    kept.push(built.home)
    other = House(replace(built.home, root=tmp_path / "twee" / "state"))
    kept.fetch(other.home)
    for house, quarter in ((built, "2019KW3"), (other, "2019KW4")):
        house.land("p7_ww", f"p7_ww_{quarter}_v1.csv", p7_text(planted.BSN, quarter).encode())
        house.take_in("p7_ww")
    kept.push(built.home)
    with pytest.raises(Overtaken, match="another writer"):
        kept.push(other.home)
    with pytest.raises(Overtaken, match="never sent"):
        kept.fetch(other.home)
    assert len(Ledger(other.home.ledger).rows()) == 4


def test_a_reader_sees_a_whole_release_or_the_one_before(tmp_path, server, url, monkeypatch):
    home = machine(tmp_path, url)
    for name in ("via.duckdb", "tabel.csv"):
        (home.serve / "een").mkdir(exist_ok=True)
        (home.serve / "een" / name).write_text("een")
    kept.push(home)

    def seen() -> set[str]:
        objects = objects_of(server, url)
        index = json.loads(objects[f"serve/{kept.LATEST}"])
        return {objects[file["object"]].decode() for file in index["files"].values()}

    (home.serve / "een").rename(home.serve / "twee")
    for path in (home.serve / "twee").iterdir():
        path.write_text("twee")
    with monkeypatch.context() as patch:
        patch.setattr(bucket.Bucket, "put_if", _killed)
        with pytest.raises(KeyboardInterrupt):
            kept.push(home)
    assert seen() == {"een"}
    kept.push(home)
    assert seen() == {"twee"}
    files = [key for key in keys(server, url) if key.startswith("serve/files/")]
    assert len(files) == 4, "what the last index named stays for who is reading"
    (home.serve / "twee" / "via.duckdb").write_text("drie")
    kept.push(home)
    files = [key for key in keys(server, url) if key.startswith("serve/files/")]
    assert len(files) == 3


def _killed(*_):
    raise KeyboardInterrupt


def test_one_machine_at_a_time(tmp_path, server, url, monkeypatch):
    one, two = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    at_work = kept.alone(two, 1)
    with kept.alone(one, 1), pytest.raises(BusyError, match="another machine"), at_work:
        raise AssertionError("two at once")
    with kept.alone(two, 1):
        pass
    # A machine that died does not keep the others out for ever.
    with pytest.raises(Overtaken, match="took over"), kept.alone(one, 1):
        monkeypatch.setattr(lease, "_DEAD_SECONDS", -60)
        with kept.alone(two, 1):
            monkeypatch.setattr(lease, "_DEAD_SECONDS", 120)
            three = lease.Lease(machine(tmp_path / "drie", url).bucket, "drie")
            with pytest.raises(BusyError):
                three.take(0)
        (one.reports / "werk.txt").write_text("van een")
    assert not any(key.startswith("reports/") for key in keys(server, url))
    with kept.alone(one, 1):
        pass


def test_a_machine_that_was_taken_over_is_told_and_changes_nothing(
    tmp_path, server, url, monkeypatch
):
    one, two = machine(tmp_path / "een", url), machine(tmp_path / "twee", url)
    write(one, 3)
    monkeypatch.setattr(lease, "_BEAT_SECONDS", 0.1)
    monkeypatch.setattr(lease, "_DEAD_SECONDS", -60)
    other = lease.Lease(two.bucket, "twee")
    with pytest.raises(Overtaken, match="took over"), kept.alone(one, 1):
        (beat,) = [thread for thread in threading.enumerate() if thread.name == lease.BEAT]
        # The first one writes its sign of life all the time: whoever takes over is between two.
        other.take(20)
        beat.join(20)
        monkeypatch.setattr(lease, "_DEAD_SECONDS", 120)
        # From now on it changes nothing, however it tries.
        write(two, 4)
        (one.reports / "werk.txt").write_text("van een")
        before = objects_of(server, url)
        place_of_one = one.lake / "proef__tabel" / "data.parquet"
        for change in (
            lambda: write(one, 5),
            lambda: kept.push(one),
            lambda: place.write_text(place_of_one, "x"),
            place_of_one.parent.remove_tree,
        ):
            with pytest.raises(Overtaken, match="took over"):
                change()
    with pytest.raises(Overtaken, match="took over"):
        kept.push(one)
    assert objects_of(server, url) == before, "its claim stands, and all that was there"
    other.give_up()
    # Held again, it may: what it did meanwhile goes out.
    with kept.alone(one, 1):
        write(one, 6)
    assert b"van een" in objects_of(server, url).values()


# --- trouble, in words ---------------------------------------------------------------------------


def test_wrong_keys_are_told_without_a_key(tmp_path, server, url, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "een-heel-ander-geheim")
    home = machine(tmp_path, url)
    with pytest.raises(BucketError, match="refuses its keys") as told:
        write(home, 3)
    assert "geheim" not in str(told.value) and server.key not in str(told.value)
    assert "geheim" not in repr(home.bucket) and told.value.__cause__ is None


def test_a_bucket_that_is_not_there(tmp_path):
    home = machine(tmp_path, "s3://bestaat-niet/via")
    for look in (lambda: write(home, 3), lambda: lake.tables(home.lake)):
        with pytest.raises(BucketError, match="no bucket 'bestaat-niet'"):
            look()


def test_a_server_that_goes_half_way_leaves_no_half_table(tmp_path, url, monkeypatch):
    monkeypatch.setattr(bucket, "_RETRIES", 1)
    monkeypatch.setattr(bucket, "_RETRY_WITHIN", timedelta(seconds=1))
    with s3_server.running(tmp_path / "server") as mortal:
        for name, value in mortal.environment().items():
            monkeypatch.setenv(name, value)
        home = machine(tmp_path, url)
        write(home, 30)
        (part,) = lake.parts(home.lake, "proef__tabel")
        path = home.lake / part.file
        (process,) = mortal.processes
        mortal.stop()
        assert process.returncode == -9, "stopped means that it is gone"
        with pytest.raises(BucketError, match="does not answer"):
            write(home, 40)
        with (
            pytest.raises(BucketError, match="does not answer"),
            work(home.scratch) as connection,
        ):
            connection.execute(f"SELECT count(*) FROM read_parquet('{path}')").fetchall()
        assert [path for path in home.scratch.rglob("*") if path.is_file()] == []


def test_the_command_says_it_in_a_sentence(tmp_path, url):
    env = os.environ | {
        "VIA_HOME": url,
        "VIA_STATE": str(tmp_path / "state"),
        "VIA_DATA": str(tmp_path),
        "AWS_SECRET_ACCESS_KEY": "een-heel-ander-geheim",
    }
    command = [sys.executable, "-m", "via_pipeline.cli", "deliveries"]
    done = subprocess.run(
        command, env=env, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("via: the object storage at http://127.0.0.1")
    assert "Traceback" not in done.stderr and "geheim" not in done.stderr


def test_a_package_that_is_not_installed_is_a_setting_and_says_what_to_install(tmp_path, url):
    env = os.environ | {"VIA_HOME": url, "VIA_STATE": str(tmp_path / "state")}
    code = (
        "import sys; sys.modules['obstore.store'] = None; from via_pipeline.cli import app; app()"
    )
    command = [sys.executable, "-c", code, "deliveries"]
    done = subprocess.run(
        command, env=env, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2, "run again does not help"
    assert done.stderr == (
        "via: VIA_HOME is object storage, but the package for it is not installed: "
        "pip install 'via_pipeline[s3]'\n"
    )


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("VIA_S3_ENDPOINT", "http://s3.example.org"),
        ("VIA_S3_ENDPOINT", "s3.example.org"),
        ("VIA_S3_ENDPOINT", "https://sleutel:geheim@s3.example.org"),
    ],
)
def test_an_address_that_would_give_something_away_is_refused(name, address):
    with pytest.raises(SettingError) as told:
        bucket.endpoint({name: address})
    assert "geheim" not in str(told.value)


def test_an_address_that_is_encrypted_or_allowed_is_taken():
    assert bucket.endpoint({"AWS_ENDPOINT_URL": "https://s3.example.org/"}) == (
        "https://s3.example.org"
    )
    plain = {"VIA_S3_ENDPOINT": "http://s3.intern", "VIA_S3_ALLOW_HTTP": "on"}
    assert bucket.endpoint(plain) == "http://s3.intern"
    assert bucket.endpoint({}) is None


@pytest.mark.parametrize("address", ["s3://", "s3://sleutel:geheim@via/x", "s3://via/x?sleutel=1"])
def test_a_url_is_a_bucket_and_a_prefix_and_nothing_else(tmp_path, address):
    with pytest.raises(SettingError, match="s3://bucket/prefix") as told:
        bucket.opened(address, tmp_path)
    assert "geheim" not in str(told.value)


def test_a_state_folder_belongs_to_one_home(tmp_path, url):
    home = machine(tmp_path, url)
    (home.reports / "iets.txt").write_text("x")
    kept.push(home)
    with pytest.raises(SettingError, match="belongs to"):
        kept.fetch(replace(home, url=url + "-ander"))


def test_where_all_is_local_no_client_is_imported(tmp_path):
    code = (
        "import sys; from pathlib import Path; from via_pipeline.storage import kept, lake; "
        "from via_pipeline.storage.duck import work; from via_pipeline.storage.home import Home\n"
        f"home = Home(Path({str(tmp_path)!r}), Path('data')).ensure()\n"
        "with kept.alone(home, 1), work(home.scratch) as connection:\n"
        "    lake.replace_table(home.lake, 'a__b', connection, 'SELECT 1 AS x')\n"
        "    lake.view(connection, home.lake, 'a__b')\n"
        "print([name for name in ('obstore', 'fsspec', 'boto3') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=True)
    assert done.stdout.strip() == "[]"
