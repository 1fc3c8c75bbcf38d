"""Breaks in series are marked and never bridged; a jump is a question first."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from via_pipeline.diversity import run, trend
from via_pipeline_tests.diversity.organisations import DUTCH, FIRST, MOROCCAN, SECOND, THIRD
from via_pipeline_tests.diversity.world import people, registered, seen, table


def mixed(start, outside, dutch):
    return people(start, outside, countries=MOROCCAN) + people(
        start + outside, dutch, countries=DUTCH
    )


def series(connection, kind, indeling="oud", categorie="niet_westers"):
    return [
        row
        for row in table(connection, trend.TABLE)
        if (row["populatie_soort"], row["indeling"], row["categorie"])
        == (kind, indeling, categorie)
    ]


def test_a_change_is_given_in_points_and_points_a_year():
    jobs = {("O01", FIRST): mixed(0, 30, 270), ("O01", THIRD): mixed(0, 33, 267)}
    with seen(jobs, registered(["O01"])) as connection:
        first, second = series(connection, "organisatie")
    assert (first["verschil_pp"], first["verschil_status"]) == (None, "x")
    assert second["verschil_pp"] == Decimal("1.0000")
    assert float(second["verschil_pp_jaar"]) == pytest.approx(1 / (731 / 365.25), abs=1e-4)
    assert not second["is_sprong"] and second["verschil_status"] is None


def test_the_switch_of_september_2022_breaks_both_series_and_is_in_use_from_that_day():
    before, on = "2022-08-31", "2022-09-01"
    jobs = {("O01", day): mixed(0, 30, 270) for day in (THIRD, before, on)}
    with seen(jobs, registered(["O01"])) as connection:
        for indeling, category in (("oud", "niet_westers"), ("2022", "buiten_europa")):
            found = series(connection, "organisatie", indeling, category)
            assert [row["breuk_reden"] for row in found] == [None, None, "indeling_2022"]
            assert [row["reeks"] for row in found] == [1, 1, 2]
            assert [row["verschil_pp"] for row in found] == [None, 0, None]
            assert [row["vorig_aandeel_pct"] for row in found][2] is None
            used = [row["is_gangbaar"] for row in found]
            assert used == ([True, True, False] if indeling == "oud" else [False, False, True])


def test_an_organisation_that_changes_its_sector_breaks_the_sectors_and_not_its_own_series():
    jobs = {
        (organisation, day): mixed(1000 * place, 30, 270)
        for place, organisation in enumerate(("O01", "O02", "O03"))
        for day in (FIRST, SECOND)
    }
    sectors = {
        "O03": [
            {"sbi_sectie": "P", "geldig_tot": "2020-06-30"},
            {"sbi_sectie": "O", "geldig_van": "2020-07-01"},
        ]
    }
    with seen(jobs, registered(["O01", "O02", "O03"], sectors=sectors)) as connection:
        own = [row for row in series(connection, "organisatie") if row["populatie"] == "O03"]
        in_o = [row for row in series(connection, "sector") if row["populatie"] == "O"]
        moved = table(connection, "diversity__flow", "populatie_soort = 'sector'")
        every = table(connection, "diversity__flow", "populatie_soort = 'alle' AND "
                      "van_trede = '1' AND naar_trede = '1' AND indeling = 'oud'")  # fmt: skip
    assert [row["sector"] for row in own] == ["P", "O"]
    assert [row["is_breuk"] for row in own] == [False, False]
    assert own[1]["verschil_pp"] == 0
    assert [(row["n"], row["breuk_reden"]) for row in in_o] == [(600, None), (900, "samenstelling")]
    assert in_o[1]["verschil_pp"] is None
    # In the flows it is in no sector, and it is in the whole.
    assert {row["populatie"] for row in moved} == {"O"}
    assert {row["n"] for row in moved if row["naar_trede"] == "1" and row["van_trede"] == "1"
            and row["categorie"] == "nederlands"} == {540}  # fmt: skip
    assert sum(row["n"] for row in every) == 900


def test_another_version_of_the_sbi_breaks_the_series_of_the_sector():
    jobs = {("O01", day): mixed(0, 30, 270) for day in (FIRST, SECOND)}
    sectors = {
        "O01": [
            {"sbi_sectie": "O", "geldig_tot": "2020-06-30"},
            {"sbi_sectie": "O", "sbi_versie": "SBI 2025", "geldig_van": "2020-07-01"},
        ]
    }
    with seen(jobs, registered(["O01"], sectors=sectors)) as connection:
        found = series(connection, "sector")
        own = series(connection, "organisatie")
    assert {str(row["peildatum"]): (row["sbi_versie"], row["breuk_reden"]) for row in found} == {
        FIRST: ("SBI 2008", None),
        SECOND: ("SBI 2025", "sbi_versie"),
    }
    assert [row["verschil_pp"] for row in found] == [None, None]
    assert own[1]["verschil_pp"] == 0  # the organisation itself goes on


def test_another_list_of_municipalities_breaks_the_series_of_the_region():
    jobs = {("O01", day): mixed(0, 30, 270) for day in (SECOND, THIRD)}
    sectors = {
        "O01": [
            {"gemeentecode": "0003", "geldig_tot": "2020-12-31"},
            {"gemeentecode": "1979", "geldig_van": "2021-01-01"},
        ]
    }
    with seen(jobs, registered(["O01"], sectors=sectors)) as connection:
        region = series(connection, "regio")
        own = series(connection, "organisatie")
    assert [row["breuk_reden"] for row in region] == [None, "gemeentelijst"]
    assert region[1]["verschil_pp"] is None
    assert [row["is_breuk"] for row in own] == [False, False]


@pytest.mark.parametrize(("outside", "is_jump"), [(33, False), (34, True), (27, False), (26, True)])
def test_more_than_a_point_a_year_is_a_question_about_the_delivery(outside, is_jump):
    """300 people: one point is three of them, up or down; exactly one point is no jump."""
    days = ("2021-12-31", "2022-06-30")  # half a year: as much as in a whole one
    jobs = {("O01", days[0]): mixed(0, 30, 270), ("O01", days[1]): mixed(0, outside, 300 - outside)}
    with seen(jobs, registered(["O01"])) as connection:
        row = series(connection, "organisatie")[1]
        wider = connection.sql(trend.mart(expected_pp=5.0)).filter("is_sprong").fetchall()
    assert row["is_sprong"] is is_jump
    assert (row["verschil_status"] == "u") is is_jump
    assert bool(row["verschil_reden"]) is is_jump
    assert row["verschil_pp"] is not None  # the desk needs it to ask
    assert wider == []


def test_a_day_that_may_not_be_shown_is_told_and_stepped_over():
    jobs = {
        ("O01", FIRST): mixed(0, 30, 270),
        ("O01", SECOND): mixed(0, 20, 229),
        ("O01", THIRD): mixed(0, 30, 270),
    }
    with seen(jobs, registered(["O01"])) as connection:
        rows = table(
            connection, trend.TABLE, "populatie_soort = 'organisatie' AND indeling = 'oud' "
            "AND categorie IN ('niet_westers', 'niet_toegestaan')",
        )  # fmt: skip
    assert [row["categorie"] for row in rows] == ["niet_westers", "niet_toegestaan", "niet_westers"]
    assert rows[1]["n"] is None and rows[1]["waarde_status"] == "x"
    assert str(rows[2]["vorige_peildatum"]) == FIRST


def test_questions_count_jumps_and_links_without_a_figure_of_a_group(tmp_path):
    from via_pipeline_tests.diversity.organisations import deliver, home_in, know

    home = home_in(tmp_path)
    know(home, ["O01", "O02"])
    unknown = (None, None, None)
    deliver(home, mixed(0, 30, 270), "O01", FIRST)
    deliver(home, mixed(0, 60, 240), "O01", SECOND)
    # By BSN at most one in a thousand; by the other key one in twenty.
    deliver(home, people(0, 1, countries=unknown, kind="bsn") + people(1, 998, kind="bsn"),
            "O02", FIRST)  # fmt: skip
    run.refresh(home)
    found = run.questions(home)
    # The sector and the whole hold O02 on one of the days only: breaks, and no change.
    assert found.jumped == [("organisatie O01", date(2020, 12, 31))]
    assert found.jumps == 4  # two groups of either classification
    assert found.largest_jump_pp == pytest.approx(10, abs=0.1)
    assert found.links_over == 1  # 1 of 999
    assert found.by_key == [("bsn", 999, 0.1, 0.1), ("gba_sleutel", 600, 0.0, 5.0)]
    assert found.open_ends == 0
