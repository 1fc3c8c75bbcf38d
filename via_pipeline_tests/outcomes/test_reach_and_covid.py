"""Reach beside the register's numbers, and the pilots' series around March 2020."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from via_pipeline.contracts.model import load
from via_pipeline.outcomes import covid, reach
from via_pipeline.outcomes.wording import causal_words
from via_pipeline.storage import duck, lake
from via_pipeline_tests.pilots import house


@pytest.fixture
def home(tmp_path):
    home = house.home_in(tmp_path)
    house.keep(home, "register")
    return home


def table(home, name, columns):
    with duck.work() as connection:
        lake.view(connection, home.lake, name, columns)
        found = connection.sql(f"FROM {name}")
        assert dict(zip(found.columns, map(str, found.types), strict=True)) == columns
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def applications(home, employer, periode, people):
    rows = [
        house.persons("persoon", number, "sollicitant_nr")
        | {"vacature": f"v{number % 2}", "fase": "voor", "uitgenodigd": True}
        for number in people
    ]
    house.deliver(
        home,
        "p3_nudging",
        {"werkgever": employer, "periode": periode},
        {"sollicitatie": rows},
        received=date(2020, 9, 1),
    )


def test_reach_counts_everybody_once_and_keeps_the_registers_numbers_apart(home):
    applications(home, "W01", "2020H1", range(6))
    applications(home, "W01", "2020H2", range(4, 10))
    applications(home, "W02", "2020H1", range(20, 23))
    reach.refresh(home, [load("p3_nudging"), load("register")])
    rows = table(home, reach.TABLE, reach.COLUMNS)

    def n(site, period, kind):
        found = [
            row["n"]
            for row in rows
            if (row["locatie"], row["periode"], row["soort"]) == (site, period, kind)
            and row["stand"] == "geleverd"
        ]
        assert len(found) == 1
        return found[0]

    # Persons 4 and 5 are in both periods.
    assert n("alle", "alle", "deelnemers") == 13
    assert n("W01", "alle", "deelnemers") == 10
    assert n("alle", "2020H1", "deelnemers") == 9
    assert (n("alle", "alle", "werkgevers"), n("alle", "2020H2", "werkgevers")) == (2, 1)
    assert n("alle", "alle", "vacatures") == 4
    told = {
        (row["soort"], row["stand"]): (row["n"], row["bron"]) for row in rows if row["bekend_op"]
    }
    assert told["geplande_werkgevers", "gepland"][0] == 20
    assert told["deelnemende_organisaties", "gerealiseerd"][0] in (9, 19)
    assert told["vaste_baan_2021", "doel_minimaal"][0] == 30
    places = [row for row in rows if row["soort"] == "leerwerkplekken"]
    assert [(row["stand"], row["n"]) for row in places] == [("doel", 30)]
    assert all(row["is_synthetisch"] == (row["stand"] == "geleverd") for row in rows)


def test_the_order_of_reach_is_its_key(home):
    applications(home, "W01", "2020H1", range(3))
    reach.refresh(home, [load("p3_nudging"), load("register")])
    keys = [
        tuple(row[name] for name in reach.KEY) for row in table(home, reach.TABLE, reach.COLUMNS)
    ]
    assert keys == sorted(keys) and len(set(keys)) == len(keys)


def measurements(home, months, phone, per_month=12):
    """P8 measurements: ``phone`` tells how many of a month's are by phone."""
    rows = [
        house.persons("persoon", number, "bsn")
        | {
            "meetmoment": 1,
            "datum": month,
            "ladder": 3,
            "contactvorm": "telefoon" if number < phone(month) else "huisbezoek",
        }
        for month, number in product(months, range(per_month))
    ]
    house.deliver(
        home,
        "p8_begeleiding",
        {"locatie": "enschede", "periode": "2020H1"},
        {"deelnemer": [], "meting": rows},
        received=date(2020, 9, 1),
    )


def series(home):
    covid.refresh(home, [load("p8_begeleiding")])
    return table(home, covid.TABLE, covid.COLUMNS)


MONTHS = [date(2019, month, 5) for month in range(7, 13)] + [
    date(2020, month, 5) for month in range(1, 7)
]


def test_a_short_series_gives_a_jump_without_an_interval_and_says_so(home):
    # 1 or 2 by phone before, 9 or 10 from March 2020 on, by turns.
    measurements(home, MONTHS, lambda day: (9 if day >= date(2020, 3, 1) else 1) + day.month % 2)
    rows = series(home)
    assert [row["fase"] for row in rows] == ["voor"] * 8 + ["tijdens"] * 4
    (before, during) = (
        {row["gemiddelde_fase"] for row in rows if row["fase"] == name}
        for name in ("voor", "tijdens")
    )
    assert [float(value) for value in before] == [12.5]
    assert [float(value) for value in during] == [pytest.approx(100 * 38 / 48, abs=1e-4)]
    for row in rows:
        assert (row["maanden_voor"], row["maanden_tijdens"]) == (8, 4)
        assert 50 < row["sprong"] < 90
        assert row["sprong_ci_low"] is None and row["sprong_ci_high"] is None
        assert "te kort" in row["voorbehoud"]
        assert causal_words(f"{row['reeks_label']} {row['voorbehoud']}") == []


@pytest.mark.parametrize(
    ("months", "reason"),
    [(MONTHS[:9], "te kort"), (MONTHS[:3] + MONTHS[4:], "gaten")],
    ids=["one month after", "a month is missing"],
)
def test_a_series_that_cannot_tell_gives_no_jump(home, months, reason):
    measurements(home, months, lambda day: 3 + day.month % 3)
    for row in series(home):
        assert row["sprong"] is None and reason in row["voorbehoud"]


def test_a_month_with_few_people_is_left_out(home):
    measurements(home, MONTHS, lambda day: 3, per_month=9)
    assert series(home) == []


def test_an_interruption_of_delivery_is_an_event(home):
    for periode in ("2019KW1", "2019KW2", "2019KW3", "2020KW3"):
        house.deliver(
            home, "p7_ww", {"periode": periode}, {"ww_periode": []}, received=date(2021, 1, 1)
        )
    covid.refresh_events(home, [load("p7_ww")])
    rows = table(home, covid.EVENTS, covid.EVENT_COLUMNS)
    (gap,) = [row for row in rows if row["soort"] == "levering_onderbroken"]
    assert (gap["pilot_id"], gap["datum"], gap["tot"]) == (
        "P7",
        date(2019, 9, 30),
        date(2020, 9, 30),
    )
    named = {row["pilot_id"] for row in rows if row["soort"] == "gebeurtenis"}
    assert named == {"P1", "P3", "P7", "P8"}
    assert {row["datum"] for row in rows if row["soort"] == "gebeurtenis"} == {covid.FIRST_MEASURES}
