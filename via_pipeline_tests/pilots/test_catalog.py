from datetime import date

import pytest

from via_pipeline.contracts.model import load
from via_pipeline.pilots import catalog, conform
from via_pipeline.storage import duck, lake
from via_pipeline_tests.pilots import house

BASE = {"herkomst_oud": "westers", "startdatum": date(2020, 1, 1), "fase": "intake"}


def track(number: int, **more):
    return house.persons("persoon", number, "bsn") | BASE | more


@pytest.fixture
def home(tmp_path):
    return house.home_in(tmp_path)


def seen(home, as_of=None, sql="SELECT count(*) FROM pilots__p6_traject"):
    with duck.work() as connection:
        catalog.register(connection, home, [load("p6_leren_werken")], as_of)
        return connection.execute(sql).fetchall()


def key(period="2020H1", place="spoor"):
    return {"locatie": place, "periode": period}


def test_a_table_of_which_nothing_came_is_empty_and_typed(home):
    assert seen(home) == [(0,)]
    types = dict(
        seen(home, sql="SELECT column_name, column_type FROM (DESCRIBE pilots__p6_traject)")
    )
    assert types == load("p6_leren_werken").table("traject").conformed_types


def test_a_revision_takes_the_place_of_what_it_corrects_and_the_old_edition_keeps_it(home):
    source = "p6_leren_werken"
    first = [track(1), track(2), track(3)]
    house.deliver(home, source, key(), {"traject": first}, received=date(2020, 8, 1))
    house.deliver(
        home, source, key(), {"traject": first[:2]}, received=date(2020, 9, 1), revision=2
    )
    assert seen(home) == [(2,)]
    assert seen(home, date(2020, 8, 31)) == [(3,)]
    assert seen(home, date(2020, 9, 1)) == [(2,)]
    assert seen(home, date(2020, 7, 31)) == [(0,)]


def test_a_rejected_delivery_changes_no_table_but_is_listed(home):
    source = "p6_leren_werken"
    good = house.deliver(home, source, key(), {"traject": [track(1)]}, received=date(2020, 8, 1))
    bad = house.deliver(
        home,
        source,
        key(),
        {"traject": [track(2)]},
        received=date(2020, 9, 1),
        revision=2,
        verdict="rejected",
    )
    assert seen(home) == [(1,)]
    listed = seen(
        home,
        sql="SELECT delivery_id, is_in_gebruik, sleutel['locatie'], peildatum, is_synthetisch "
        f"FROM {catalog.DELIVERIES} ORDER BY delivery_id",
    )
    assert listed == [
        (good, True, "spoor", date(2020, 6, 30), True),
        (bad, False, "spoor", date(2020, 6, 30), True),
    ]


def test_a_missing_part_is_named_and_changes_no_manifest(home):
    source = "p6_leren_werken"
    contract = load(source)
    house.deliver(home, source, key(), {"traject": [track(1)]}, received=date(2020, 8, 1))
    before = lake.parts(home.lake, "pilots__p6_traject")
    second = house.deliver(
        home,
        source,
        key("2020H2"),
        {"traject": [track(1)]},
        received=date(2021, 2, 1),
        refresh=False,
    )
    conform.accepted_path(home, contract.table("traject"), second).unlink()
    with pytest.raises(conform.PartMissing, match=second):
        conform.refresh(home, contract)
    assert lake.parts(home.lake, "pilots__p6_traject") == before


def test_an_edition_sees_the_register_as_it_was_known(home):
    house.keep(home, "register")
    contracts = [load("register")]

    def known(as_of, table, where):
        with duck.work() as connection:
            catalog.register(connection, home, contracts, as_of)
            return connection.execute(
                f"SELECT count(*) FROM register__{table} WHERE {where}"
            ).fetchone()[0]

    nineteen = "pilot_id = 'P3' AND waarde = 19"
    assert known(date(2020, 11, 9), "doel", nineteen) == 0
    assert known(date(2021, 11, 17), "doel", nineteen) == 1
    # The source of the thirty places has no date: in no edition, but in the present state.
    places = "maat = 'leerwerkplekken'"
    assert known(date(2099, 1, 1), "doel", places) == 0
    assert known(None, "doel", places) == 1
    assert known(date(2018, 11, 15), "thema", "true") == 0
    assert known(date(2018, 11, 16), "thema", "true") == 8
