"""Whatever is touched is noticed and named; what was not is left alone."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pikepdf
import pytest

from via_pipeline.contracts.model import load
from via_pipeline.intake.ledger import Ledger, Removal, Rewriting
from via_pipeline.intake.run import take_in
from via_pipeline.letters.release import candidate, freeze, gate, log
from via_pipeline.letters.release.freeze import FrozenError
from via_pipeline.letters.release.states import State
from via_pipeline.letters.release.verify import Severity, verify
from via_pipeline.storage import sums
from via_pipeline.storage.home import Home
from via_pipeline_tests.letters_release import house
from via_pipeline_tests.letters_release.house import AUTHOR, EDITION, at

SOURCE = "p7_ww"
DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def home(made, tmp_path):
    for name in ("home", "data"):
        shutil.copytree(made / name, tmp_path / name)
    return Home(tmp_path / "home", tmp_path / "data")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A published edition that stands on one kept delivery and the register."""
    folder = tmp_path_factory.mktemp("uitgave")
    found = house.home_in(folder)
    landed = found.landing / SOURCE / "2020-04-24"
    shutil.copytree(DATA / "landing" / SOURCE / "2020-04-24", landed)
    shutil.copytree(DATA / "register", found.data / "register")
    shutil.copytree(DATA / "reference", found.data / "reference")
    now = datetime(2020, 11, 9, tzinfo=UTC)
    for source in ("register", SOURCE):
        take_in(found, load(source), run_id="test", now=now, settle_seconds=0)
    origin = [
        {
            "levering": row.delivery_id,
            "bron": row.source,
            "ontvangen": row.received.isoformat() if row.received else None,
            "sha256": row.sha256,
        }
        for row in Ledger(found.ledger).rows()
    ]
    assert {item["bron"] for item in origin} == {"register", SOURCE}
    package = house.package(found)
    flat = (package / f"{house.DATASET}.csv", package / "tabel.parquet")
    duckdb.sql("COPY (FROM read_csv('{}')) TO '{}' (FORMAT parquet)".format(*flat))
    with pikepdf.new() as document:
        document.add_blank_page()
        document.save(package / "bijlage.pdf", deterministic_id=True)
    said = json.loads((package / "herkomst.json").read_text())
    (package / "herkomst.json").write_text(json.dumps(said | {"leveringen": origin}))
    described = json.loads((package / "datapackage.json").read_text())
    described["resources"][0]["ook_als"] = [{"path": "tabel.parquet"}]
    (package / "datapackage.json").write_text(json.dumps(described))
    sums.write(package)
    house.published(found)
    return folder


def wrong(home, edition=None):
    return [item for item in verify(home, edition).findings if item.severity is Severity.WRONG]


def writable(path: Path) -> Path:
    for each in (path.parent, path):
        each.chmod(0o755)
    return path


def test_what_nobody_touched_is_right_and_looking_changes_nothing(home, tmp_path):
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    found = verify(home)
    assert found.is_right and not found.findings
    assert found.files and found.records and found.deliveries
    ledger = {home.ledger}
    after = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    assert {p for p in before if before[p] != after[p]} <= ledger


FILES = [
    "voorlopige_resultaten.csv",
    "datapackage.json",
    "herkomst.json",
    "LEESMIJ.md",
    "WIJZIGINGEN.md",
    "tabel.parquet",
    "bijlage.pdf",
    "SHA256SUMS",
]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["a byte", "gone"])
def test_a_published_file_that_is_touched_is_named(home, name, how):
    path = writable(freeze.folder_of(home, EDITION, 1) / name)
    if how == "gone":
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[-2] ^= 1
        path.write_bytes(content)
    assert any(f.kind == "uitgave" and name in f.where for f in wrong(home)), wrong(home)


@pytest.mark.parametrize("how", ["a byte", "gone", "another"])
def test_the_frozen_zip_is_the_folder_and_is_guarded(home, how):
    path = freeze.zip_of(home, EDITION, 1)
    folder = freeze.folder_of(home, EDITION, 1)
    with zipfile.ZipFile(path) as found:
        told = {name.removeprefix("derde-r1/"): found.read(name) for name in found.namelist()}
    assert told == {p.name: p.read_bytes() for p in folder.iterdir()}
    assert not path.stat().st_mode & 0o222
    if how == "gone":
        path.unlink()
    elif how == "a byte":
        content = path.read_bytes()
        writable(path).write_bytes(content[:-1] + b"x")
    else:
        path = shutil.copy(path, path.with_name("derde-r2.zip"))
    assert [(f.kind, f.where) for f in wrong(home)] == [("uitgave", Path(path).name)]


def test_every_file_of_what_was_published_is_guarded(home):
    """All of them, found by looking and not by a list; the log has a test of its own."""
    place = home.releases / EDITION
    files = [p for p in place.rglob("*") if p.is_file() and p.name != log.NAME]
    assert len(files) > 8
    for path in files:
        content = path.read_bytes()
        writable(path).write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
        assert any(path.name in f.where for f in wrong(home)), path
        path.write_bytes(content)
    assert not wrong(home)


def test_a_file_that_was_put_in_is_named_also_with_new_sums(home):
    folder = freeze.folder_of(home, EDITION, 1)
    extra = writable(folder / "herkomst.json").parent / "extra.csv"
    extra.write_text("a\r\n1\r\n")
    assert any("extra.csv" in f.where and "staat niet in" in f.text for f in wrong(home))
    writable(folder / "SHA256SUMS")
    sums.write(folder)
    assert any("niet de lijst die in het logboek staat" in f.text for f in wrong(home))


@pytest.mark.parametrize("name", FILES[:-3])
def test_a_concept_that_is_touched_is_named(home, name):
    path = home.letters / EDITION / name
    if path.exists():
        path.write_bytes(path.read_bytes() + b" ")
        assert any(f.kind == "concept" and f.where == name for f in wrong(home))


def test_a_candidate_that_is_touched_is_named(home):
    gate.revise(home, EDITION, "een correctie", AUTHOR, at(8))
    gate.submit(home, EDITION, AUTHOR, at(9))
    assert verify(home).is_right
    path = candidate.folder_of(home, EDITION, 2) / "bijlage.pdf"
    path.write_bytes(b"%PDX")
    assert any(f.kind == "kandidaat" and "bijlage.pdf" in f.where for f in wrong(home))


def test_every_record_of_the_gate_is_guarded(home):
    path = log.path_of(home, EDITION)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for number in range(len(lines)):
        for touched in (
            lines[:number] + lines[number + 1 :],
            [
                *lines[:number],
                lines[number].replace(b"2020-11-10", b"2020-11-09"),
                *lines[number + 1 :],
            ],
        ):
            path.write_bytes(b"".join(touched))
            assert any(f.kind == "logboek" for f in wrong(home)), number
    path.unlink()
    assert any(f.kind == "logboek" for f in wrong(home))
    path.write_bytes(whole)
    assert verify(home).is_right


def test_an_edition_whose_folder_and_log_are_both_gone_is_missed(home):
    place = home.releases / EDITION
    for path in [place, *place.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(place)
    shutil.rmtree(home.letters / EDITION)
    assert any("er is een stuk afgehaald" in f.text for f in wrong(home))


def test_the_public_page_and_a_folder_that_nobody_published_are_named(home):
    page = home.releases / EDITION / freeze.NOTES
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("Eerste", "Tweede"), encoding="utf-8")
    assert [f.where for f in wrong(home)] == [freeze.NOTES]
    page.write_text(text, encoding="utf-8")
    shutil.copytree(freeze.folder_of(home, EDITION, 1), home.releases / EDITION / "r2")
    assert [(f.where, f.text) for f in wrong(home)] == [
        ("r2", "het logboek kent deze uitgave niet")
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes() + b"\n"), "is veranderd"),
        (lambda path: path.unlink(), "is er niet meer"),
    ],
)
def test_a_kept_delivery_that_is_touched_is_named(home, change, said):
    path = next((home.landing / SOURCE).rglob("*.csv"))
    change(path)
    for edition in (EDITION, None):
        named = [f for f in wrong(home, edition) if f.kind == "levering"]
        assert named and all(said in f.text and f.where.endswith(path.name) for f in named)


def test_what_the_house_itself_deleted_or_rewrote_is_told_and_is_no_fault(home):
    path = next((home.landing / SOURCE).rglob("*.csv"))
    ledger = Ledger(home.ledger)
    row = ledger.rows(SOURCE)[0]
    path.write_bytes(path.read_bytes().rsplit(b"\n", 2)[0] + b"\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert not verify(home).is_right
    ledger.record_rewriting(
        Rewriting(row.delivery_id, SOURCE, row.sha256, digest, 1, 1, "test", "2020-11-12T00:00:00Z")
    )
    found = verify(home)
    assert found.is_right and {"herschreven" in item.text for item in found.findings} == {True}
    path.unlink()
    assert not verify(home).is_right
    ledger.record_removal(
        Removal(
            row.delivery_id,
            SOURCE,
            "bewaartermijn",
            row.sha256,
            1,
            1,
            "verwijderd",
            "test",
            "2020-11-12T00:00:00Z",
        )
    )
    found = verify(home)
    assert found.is_right and {"bewaartermijn" in item.text for item in found.findings} == {True}


def test_a_delivery_is_guarded_without_the_ledger_too(home):
    home.ledger.unlink()
    path = next((home.landing / SOURCE).rglob("*.csv"))
    path.write_bytes(path.read_bytes() + b"\n")
    assert [f.kind for f in wrong(home, EDITION)] == ["levering"]


def test_the_register_may_go_on_and_that_is_only_told(home):
    page = sorted((home.data / "register" / "status").glob("*.md"))[0]
    page.write_text(page.read_text(encoding="utf-8") + "\nNieuw.\n", encoding="utf-8")
    found = verify(home)
    assert found.is_right
    assert {(f.severity, f.where) for f in found.findings} == {(Severity.NOTE, "register")}


def test_an_unknown_edition_is_a_question_not_an_answer(home):
    with pytest.raises(LookupError, match="niets bekend"):
        verify(home, "vierde")


# Killed ---------------------------------------------------------------------------------------


def _die(*arguments, **more):
    os._exit(9)


def _publish_and_die(root, where):
    home = Home(Path(root) / "home", Path(root) / "data")
    if where == "copying":
        real = shutil.copy2

        def copy(source, target, **more):
            if Path(source).name == "datapackage.json":
                _die()
            return real(source, target, **more)

        shutil.copytree.__defaults__ = (False, None, copy, False, False)
    elif where == "before the rename":
        freeze._settle = _die
    elif where == "after the rename":
        freeze._sync = lambda path: _die() if path.name == EDITION else None
    elif where == "in the record":
        real_add = log.add

        def add(home, content, record):
            with log.path_of(home, EDITION).open("ab") as handle:
                handle.write(record.line().encode()[:50])
            _die()

        log.add = add
        assert real_add
    elif where == "before the public page":
        gate.write_text = _die
    gate.publish(home, EDITION, AUTHOR, at(7))


@pytest.mark.parametrize(
    "where",
    ["copying", "before the rename", "after the rename", "in the record", "before the public page"],
)
def test_killed_while_publishing_leaves_the_old_or_the_new(tmp_path, where):
    home = house.home_in(tmp_path)
    house.package(home)
    house.in_control(home)
    house.answered(home)
    house.voted(home)
    child = multiprocessing.get_context("fork").Process(
        target=_publish_and_die, args=(str(tmp_path), where)
    )
    child.start()
    child.join(60)
    assert child.exitcode == 9
    folder = freeze.folder_of(home, EDITION, 1)
    state = gate.dossier(home, EDITION).state
    assert state in (State.APPROVED, State.PUBLISHED)
    if folder.exists():
        assert not list(sums.problems(folder)), "half a folder under a whole name"
    if state is State.APPROVED:
        assert freeze.published(home) == []
        found = verify(home, EDITION)
        assert found.is_right, found.findings
        gate.publish(home, EDITION, AUTHOR, at(8))
    else:
        assert folder.exists()
    assert freeze.newest(home, EDITION).revision == 1
    assert not list(folder.parent.glob(".tmp-*"))
    if where != "before the public page":
        assert verify(home).is_right
    else:
        assert [f.where for f in wrong(home)] == [freeze.NOTES]
        gate.revise(home, EDITION, "een correctie", AUTHOR, at(8))
        assert verify(home).is_right


def test_another_folder_in_the_place_of_a_revision_is_never_overwritten(tmp_path):
    home = house.home_in(tmp_path)
    house.package(home)
    house.in_control(home)
    house.answered(home)
    house.voted(home)
    stranger = freeze.folder_of(home, EDITION, 1)
    stranger.mkdir(parents=True)
    (stranger / "iets.txt").write_text("van een ander")
    with pytest.raises(FrozenError, match="niet het pakket dat is goedgekeurd"):
        gate.publish(home, EDITION, AUTHOR, at(7))
    assert (stranger / "iets.txt").read_text() == "van een ander"
    assert gate.dossier(home, EDITION).state is State.APPROVED
