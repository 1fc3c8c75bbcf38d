"""What looks at everybody looks again at a source of which something changed, and at no other."""

from __future__ import annotations

import json
from datetime import date
from types import SimpleNamespace

import pytest

from via_pipeline.contracts.model import load
from via_pipeline.outcomes import covid, reach
from via_pipeline.pilots import catalog, stand
from via_pipeline.storage import duck, lake
from via_pipeline_tests.pilots import house

CONTRACTS = [load(name) for name in ("register", "p3_nudging", "p6_leren_werken", "p7_ww")]
ROOMS = {
    reach.TABLE: (reach, {"p3_nudging", "p6_leren_werken", "p7_ww"}),
    stand.TABLE: (stand, {"P3", "P6", "P7"}),
    covid.TABLE: (covid, {"p3_nudging", "p7_ww"}),
}


def spells(home, people, quarter="2020KW1", revision=1):
    rows = [
        house.persons("persoon", number, "bsn")
        | {
            "volgnummer": 1,
            "herkomst_oud": "westers",
            "begindatum": date(2020, 1 + number % 2, 3),
            "einddatum": date(2020, 4, 1),
            "reden_einde": "werk",
        }
        for number in range(people)
    ]
    house.deliver(
        home, "p7_ww", {"periode": quarter}, {"ww_periode": rows},
        received=date(2021, 5, revision), revision=revision,
    )  # fmt: skip


@pytest.fixture
def home(tmp_path):
    home = house.home_in(tmp_path)
    house.keep(home, "register")
    applied = [
        house.persons("persoon", number, "sollicitant_nr")
        | {
            "vacature": "v1", "fase": "voor", "uitgenodigd": number % 2 == 0,
            "datum_sollicitatie": date(2020, 2, 1),
        }
        for number in range(30)
    ]  # fmt: skip
    key = {"werkgever": "W01", "periode": "2020H1"}
    house.deliver(home, "p3_nudging", key, {"sollicitatie": applied}, received=date(2020, 9, 1))
    begun = [
        house.persons("persoon", number, "bsn")
        | {"herkomst_oud": "westers", "startdatum": date(2020, 1, 1), "fase": "intake"}
        for number in range(9)
    ]
    key = {"locatie": "spoor", "periode": "2020H1"}
    house.deliver(home, "p6_leren_werken", key, {"traject": begun}, received=date(2020, 8, 1))
    spells(home, 40)
    return home


@pytest.fixture(params=ROOMS)
def room(request, home, monkeypatch):
    module, sources = ROOMS[request.param]
    written = []
    write = lake.write_part

    def noted(place, table, name, *rest):
        if table == module.PIECES:
            written.append(name.split("-")[0])
        return write(place, table, name, *rest)

    monkeypatch.setattr(lake, "write_part", noted)

    def refreshed():
        written.clear()
        module.refresh(home, CONTRACTS)
        with duck.work() as connection:
            lake.view(connection, home.lake, request.param)
            rows = connection.execute(f"FROM {request.param}").fetchall()
        assert len(list((home.lake / module.PIECES).glob("*.parquet"))) == len(
            lake.parts(home.lake, module.PIECES)
        )
        return rows, sorted(written)

    def anew():
        """The same where nothing is remembered."""
        for path in (home.lake / module.PIECES).iterdir():
            path.unlink()
        return refreshed()[0]

    return SimpleNamespace(refreshed=refreshed, anew=anew, module=module, sources=sources)


def object_to(home, number):
    known = json.loads(home.exclusions.read_text())["entries"] if home.exclusions.exists() else []
    entry = {
        "kind": "bezwaar", "id_type": "bsn", "mark": f"{number}",
        "pseudonym": f"{number:064x}", "since": "2019-01-01",
    }  # fmt: skip
    home.exclusions.parent.mkdir(parents=True, exist_ok=True)
    home.exclusions.write_text(json.dumps({"entries": [*known, entry]}))


def test_a_correction_costs_its_source_and_nothing_new_costs_nothing(home, room):
    first, written = room.refreshed()
    assert set(written) == room.sources
    assert room.refreshed() == (first, [])
    spells(home, 44, revision=2)
    second, written = room.refreshed()
    assert [name.lower()[:2] for name in written] == ["p7"]
    assert second != first
    assert room.anew() == second


def test_who_objects_is_left_out_by_the_next_also_while_one_is_at_work(home, room, monkeypatch):
    first, _ = room.refreshed()
    object_to(home, 0)
    second, written = room.refreshed()
    assert second != first and set(written) == room.sources
    register = catalog.register

    def objected_meanwhile(*told):
        register(*told)
        object_to(home, 1)

    with monkeypatch.context() as patched:
        patched.setattr(room.module.catalog, "register", objected_meanwhile)
        room.refreshed()
    third, _ = room.refreshed()
    assert third != second
    assert room.anew() == third
