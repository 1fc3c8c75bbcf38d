"""A planted person is in no byte that a whole run writes, and would be found if they were."""

from __future__ import annotations

import base64
import zipfile
from urllib.parse import quote

import pytest

from attack import canary
from via_pipeline.intake import coarse, drift, masking, names
from via_pipeline.storage.duck import quoted
from via_pipeline_tests.intake.house import House
from via_pipeline_tests.journeys import house
from via_pipeline_tests.privacy import planted

pytestmark = pytest.mark.long(1)

SHIPPED = house.PROJECT / "data" / "landing"


@pytest.fixture(scope="module")
def planted_run(tmp_path_factory: pytest.TempPathFactory) -> house.Ran:
    """``via run`` on deliveries that hold the planted person, with the letter that reads them."""
    home = house.place(tmp_path_factory.mktemp("planted"), landing=False)
    planted.plant(home, SHIPPED)
    return house.via(home, "run", "--edition", "slot")


def test_the_planted_person_is_in_no_byte_that_a_run_writes(planted_run):
    assert planted_run.code == 0, planted_run.output
    assert (planted_run.home.reports / "site" / "partners.html").exists(), (
        "the site is looked at too"
    )
    found = canary.attack([planted_run.home.root], planted.NEEDLES)
    assert [f"{one.where}: {one.address} ({one.found})" for one in found] == []


def test_nor_on_the_terminal_or_in_the_list_of_deliveries(planted_run):
    listed = house.via(planted_run.home, "deliveries", "--json")
    told = (planted_run.output + listed.output).casefold()
    assert [needle for needle in planted.NEEDLES if needle.casefold() in told] == []
    assert "xxx" in told and listed.code == 0


def test_the_person_is_found_where_they_were_planted(planted_run):
    """The search is no formality: every needle lies in landing, and in every format."""
    found = canary.attack([planted_run.home.landing], planted.NEEDLES)
    for number in range(1, len(planted.NEEDLES) + 1):
        assert [one for one in found if one.found.startswith(f"needle {number}:")]
    kinds = {one.where.rsplit(".", 1)[-1] for one in found}
    assert kinds >= {"csv", "xlsx", "ods", "sav", "zip"}


@pytest.mark.parametrize(
    "data",
    [
        planted.BSN.encode(),
        planted.NAME.upper().encode("cp1252"),
        planted.NAME.encode("utf-16-le"),
        b"abc" + base64.b64encode(b"x" + planted.NAME.encode() + b"yz"),
        base64.b64encode(planted.ADDRESS.encode()),
        quote(planted.ADDRESS).encode(),
        planted.BSN[::-1].encode(),
        b"246.813.581",
        planted.BSN.encode().hex().encode(),
    ],
)
def test_a_needle_is_found_however_it_is_written(tmp_path, data):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file.bin").write_bytes(b"before " + data + b" after")
    assert canary.attack([tmp_path / "a"], planted.NEEDLES)
    with zipfile.ZipFile(tmp_path / "a" / "file.bin", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("inner", b"before " + data)
    assert canary.attack([tmp_path / "a"], planted.NEEDLES)


def test_a_needle_is_found_in_a_name_and_not_repeated(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / f"{planted.BSN}.csv").touch()
    (one,) = canary.attack([tmp_path / "a"], planted.NEEDLES)
    assert planted.BSN not in str(one)


@pytest.mark.parametrize(
    ("room", "name", "off"),
    [
        (masking, "kept", lambda column, *_: quoted(column.name)),
        (names, "shown_file", lambda name, *_: name),
        (drift.names, "may_show_column", lambda *_: True),
        (coarse, "applied", lambda table, query: query),
    ],
    ids=["cells", "file names", "headers", "free text"],
)
def test_without_one_of_the_masks_the_person_is_found(tmp_path, monkeypatch, room, name, off):
    """The house is tight because of each of them: switch one off and the person stands there."""
    small = House.build(tmp_path)
    planted.plant(small.home, SHIPPED, only=("p5", "p7"))
    monkeypatch.setattr(room, name, off)
    for source in ("p5_behoud", "p7_ww"):
        small.take_in(source)
    assert canary.attack([small.home.root], planted.NEEDLES)


def test_with_all_masks_on_they_are_not(tmp_path):
    small = House.build(tmp_path)
    planted.plant(small.home, SHIPPED, only=("p5", "p7"))
    for source in ("p5_behoud", "p7_ww"):
        small.take_in(source)
    assert canary.attack([small.home.root], planted.NEEDLES) == []
