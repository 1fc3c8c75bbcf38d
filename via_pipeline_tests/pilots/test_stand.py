from datetime import date

import pytest

from via_pipeline.contracts.model import load
from via_pipeline.pilots import catalog, stand
from via_pipeline.storage import duck, lake
from via_pipeline_tests.pilots import house

SOURCES = ["register", "p6_leren_werken", "p3_nudging"]


@pytest.fixture
def home(tmp_path):
    home = house.home_in(tmp_path)
    house.keep(home, "register")
    for place, period, people, received in [
        ("spoor", "2020H1", range(1, 13), date(2020, 8, 1)),
        ("spoor", "2020H2", range(5, 20), date(2021, 2, 1)),
        ("nova", "2020H1", range(30, 37), date(2020, 8, 1)),
    ]:
        rows = [
            house.persons("persoon", number, "bsn")
            | {"herkomst_oud": "westers", "startdatum": date(2020, 1, 1), "fase": "intake"}
            for number in people
        ]
        house.deliver(
            home,
            "p6_leren_werken",
            {"locatie": place, "periode": period},
            {"traject": rows},
            received=received,
        )
    return home


def rows_of(home, as_of=None):
    contracts = [load(name) for name in SOURCES]
    with duck.work() as connection:
        catalog.register(connection, home, contracts, as_of)
        found = connection.sql(stand.query(contracts))
        return {
            (row[0], row[1]): dict(zip(found.columns, row, strict=True)) for row in found.fetchall()
        }


def test_persons_are_counted_once_over_periods(home):
    rows = rows_of(home)
    assert rows["P6", "spoor"]["deelnemers_n"] == len(set(range(1, 20)))
    assert rows["P6", "nova"]["deelnemers_n"] == 7
    assert rows["P6", "alle"]["deelnemers_n"] == 19 + 7
    assert rows["P6", "utrecht"]["deelnemers_n"] == 0
    assert rows["P6", "alle"]["bronhouders"] == 2
    assert rows["P3", "alle"]["bronhouders"] is None
    assert rows["P6", "alle"]["leveringen_in_gebruik"] == 3
    assert rows["P3", "alle"]["leveringen_ontvangen"] == 0
    assert rows["P3", "alle"]["is_synthetisch"] is False
    assert rows["P6", "spoor"]["is_synthetisch"] is True


def test_an_edition_counts_what_had_arrived_and_says_what_was_known(home):
    rows = rows_of(home, date(2020, 11, 9))
    assert rows["P6", "spoor"]["deelnemers_n"] == 12
    assert rows["P6", "spoor"]["leveringen_ontvangen"] == 1
    # The sites of P6 beside Spoor became public in June 2021.
    assert ("P6", "nova") not in rows
    assert rows["P6", "alle"]["deelnemers_n"] == 12 + 7
    assert {pilot for pilot, _ in rows} == {f"P{number}" for number in range(1, 9)}
    assert all(row["statustekst"] for row in rows.values())
    assert {row["statustekst_bekend_op"] for row in rows.values()} == {date(2020, 11, 9)}
    assert rows["P3", "alle"]["gerealiseerd"] == "9 deelnemende organisaties"
    assert rows["P3", "alle"]["gepland"] == "20 geplande werkgevers"


def test_planned_target_and_realised_stay_apart(home):
    rows = rows_of(home)
    nudging = rows["P3", "alle"]
    assert "19 deelnemende organisaties" in nudging["gerealiseerd"]
    assert "20" not in nudging["gerealiseerd"]
    assert nudging["gepland"] == "20 geplande werkgevers"
    assert nudging["doel"] is None
    spoor = rows["P6", "spoor"]
    assert spoor["gerealiseerd"] is None
    assert spoor["doel"].split("; ") == [
        "minimaal 10 statushouders per jaar na 2021",
        "30 leerwerkplekken",
        "minimaal 30 statushouders met een vaste baan in 2021",
    ]
    assert rows["P1", "alle"]["budget"] == "€ 413.300 subsidie (NRO)"
    assert rows["P4", "alle"]["voorwaarde"] == "250 werknemers, ondergrens voor deelname"


def test_refresh_writes_the_present_state(home):
    assert stand.refresh(home, [load(name) for name in SOURCES]) == len(rows_of(home))
    with duck.work() as connection:
        lake.view(connection, home.lake, stand.TABLE)
        assert connection.execute(
            f"SELECT deelnemers_n FROM {stand.TABLE} WHERE pilot_id = 'P6' AND locatie = 'spoor'"
        ).fetchone() == (19,)
