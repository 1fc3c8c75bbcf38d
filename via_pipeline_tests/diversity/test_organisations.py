"""Sector, region, consent and objection of an organisation, on a day and as an edition knows."""

from __future__ import annotations

from datetime import date

import pytest

from via_pipeline.contracts.model import load
from via_pipeline.diversity import barometer, organisations, run
from via_pipeline.pilots import catalog
from via_pipeline.storage import duck, lake
from via_pipeline_tests.diversity.organisations import (
    FIRST,
    SECOND,
    THIRD,
    deliver,
    home_in,
    know,
    rows,
)
from via_pipeline_tests.diversity.world import people, registered, seen, table


def facts(connection):
    return {
        (row["organisatie"], str(row["peildatum"])): row
        for row in table(connection, organisations.TABLE)
    }


def test_a_municipality_merged_on_1_january_2021_is_valid_until_the_day_before():
    """Appingedam (0003) became part of Eemsdelta (1979); both lie in Groningen."""
    jobs = {(o, day): people(0, 1) for o in ("O01", "O02") for day in (SECOND, THIRD)}
    sectors = {
        "O01": [{"gemeentecode": "0003"}],
        "O02": [
            {"gemeentecode": "0003", "geldig_tot": "2020-12-31"},
            {"gemeentecode": "1979", "geldig_van": "2021-01-01"},
        ],
    }
    with seen(jobs, registered(["O01", "O02"], sectors=sectors)) as connection:
        found = facts(connection)
    assert found["O01", SECOND]["regio_label"] == found["O02", SECOND]["regio_label"] == "Groningen"
    assert found["O01", THIRD]["regio"] == "onbekend"
    assert found["O02", THIRD]["regio"] == "PV20"


def test_sector_is_that_of_the_day_and_never_guessed():
    jobs = {(o, day): people(0, 1) for o in ("O01", "O02", "O03") for day in (FIRST, SECOND)}
    sectors = {
        "O01": [
            {"sbi_sectie": "P", "geldig_tot": "2020-06-30"},
            {"sbi_sectie": "O", "geldig_van": "2020-07-01"},
        ],
        # Two versions side by side: the series goes on in the older one.
        "O02": [
            {"sbi_sectie": "J", "sbi_versie": "SBI 2008"},
            {"sbi_sectie": "K", "sbi_versie": "SBI 2025", "geldig_van": "2019-06-01"},
        ],
        "O03": [],
    }
    with seen(jobs, registered(["O01", "O02", "O03"], sectors=sectors)) as connection:
        found = facts(connection)
    assert [found["O01", day]["sector"] for day in (FIRST, SECOND)] == ["P", "O"]
    assert found["O01", FIRST]["sector_label"] == "Onderwijs"
    assert (found["O02", SECOND]["sector"], found["O02", SECOND]["sbi_versie"]) == ("J", "SBI 2008")
    assert found["O03", FIRST]["sector"] == found["O03", FIRST]["sbi_versie"] == "onbekend"


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        ([], False),
        ([{"soort": "toestemming"}], True),
        ([{"soort": "toestemming", "peildatum_van": "2021-01-01"}], False),
        ([{"soort": "toestemming", "peildatum_tot": SECOND}], True),
        ([{"soort": "toestemming"}, {"soort": "intrekking", "bekend_op": "2021-03-01"}], False),
        ([{"soort": "toestemming"}, {"soort": "intrekking"}], False),  # the same day
        (
            [{"soort": "intrekking"}, {"soort": "toestemming", "bekend_op": "2021-03-01"}],
            True,
        ),
    ],
)
def test_an_organisation_appears_only_with_consent_as_its_last_word(statements, named):
    said = [{"organisatie": "O01"} | one for one in statements]
    with seen({("O01", SECOND): people(0, 260)}, registered([], ["O01"], statements=said)) as c:
        assert facts(c)["O01", SECOND]["is_genoemd"] is named
        for mart in ("diversity__barometer", "diversity__ladder", "diversity__benchmark"):
            shown = [
                row
                for row in table(c, mart)
                if "O01" in (row.get("organisatie"), row.get("populatie"))
            ]
            assert bool(shown) is named, mart


def test_an_organisation_that_objected_is_in_no_count_at_all(tmp_path):
    """The catalog leaves it out before this room; what the register says of it changes nothing."""
    home = home_in(tmp_path)
    know(home, ["O01", "O02"], objected=["O02"])
    deliver(home, people(0, 260), "O01")
    deliver(home, people(1000, 300), "O02")
    run.refresh(home)
    assert {row["organisatie"] for row in rows(home, "diversity__telling")} == {"O01"}
    whole = rows(
        home, "diversity__ladder", "populatie = 'alle' AND trede = 'totaal' "
        "AND indeling = 'oud' AND categorie = 'nederlands' AND noemer = 'bekend'",
    )  # fmt: skip
    assert [row["n"] for row in whole] == [260]
    for name in run.MARTS:
        assert "O02" not in str(rows(home, name)), name


def test_an_objection_against_one_day_leaves_the_other_day(tmp_path):
    home = home_in(tmp_path)
    said = [{"organisatie": "O01", "soort": "bezwaar", "peildatum_van": "2020-01-01"}]
    know(home, ["O01"], statements=said)
    for day in (FIRST, SECOND):
        deliver(home, people(0, 260), "O01", day)
    run.refresh(home)
    assert {str(row["peildatum"]) for row in rows(home, "diversity__barometer")} == {FIRST}
    assert lake.parts(home.lake, "diversity__overgang") == []


def test_an_edition_sees_the_consents_known_by_its_day(tmp_path):
    home = home_in(tmp_path)
    said = [{"organisatie": "O01", "soort": "toestemming", "bekend_op": "2021-05-01"}]
    know(home, unnamed=["O01"], statements=said)
    deliver(home, people(0, 260), "O01", FIRST)
    shown = {}
    for day in (date(2021, 4, 30), date(2021, 5, 1)):
        with duck.work() as connection:
            contracts = [load(source) for source in run.SOURCES]
            catalog.register(connection, home, contracts, as_of=day)
            shown[day.isoformat()] = len(connection.sql(barometer.query()).fetchall())
    assert shown["2021-04-30"] == 0 < shown["2021-05-01"]


def test_what_an_edition_computes_is_what_the_lake_holds(tmp_path):
    """The room as one pass over the catalog, and in parts: the same tables."""
    home = home_in(tmp_path)
    know(home, ["O01"], unnamed=["O02"])
    for organisation, start in (("O01", 0), ("O02", 500)):
        for day in (FIRST, SECOND):
            deliver(home, people(start, 270), organisation, day)
    run.refresh(home)
    with duck.work() as connection:
        catalog.register(connection, home, [load(source) for source in run.SOURCES])
        run.see(connection)
        for name in run.MARTS:
            assert table(connection, name) == rows(home, name), name
        for name in ("diversity__telling", "diversity__overgang"):  # a part a day: another order
            both = (sorted(map(str, table(connection, name))), sorted(map(str, rows(home, name))))
            assert both[0] == both[1], name
        direct = connection.sql(barometer.query()).fetchall()
        assert direct == [tuple(row.values()) for row in rows(home, barometer.TABLE)]
