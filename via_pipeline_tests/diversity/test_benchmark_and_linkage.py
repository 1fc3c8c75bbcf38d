"""Beside others: published figures as they were read, standardisation by hand; and the linkage."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from via_pipeline.diversity import benchmark, linkage
from via_pipeline_tests.diversity.organisations import DUTCH, MOROCCAN, SECOND
from via_pipeline_tests.diversity.world import people, registered, seen, table
from via_pipeline_tests.pilots import house


def staff(start, *parts):
    jobs = []
    for level, countries, count in parts:
        jobs += people(start + len(jobs), count, countries=countries, functieniveau=level)
    return jobs


def beside(connection, **wanted):
    return [
        row
        for row in table(connection, benchmark.TABLE)
        if all(row[name] == value for name, value in wanted.items())
    ]


@pytest.fixture(scope="module")
def two():
    """O01 with few outside the top, O02 with another mix of levels; one sector."""
    jobs = {
        ("O01", SECOND): staff(0, ("1", MOROCCAN, 60), ("1", DUTCH, 140), ("2", MOROCCAN, 10),
                               ("2", DUTCH, 90)),
        ("O02", SECOND): staff(9000, ("1", MOROCCAN, 20), ("1", DUTCH, 80), ("2", MOROCCAN, 20),
                               ("2", DUTCH, 380)),
    }  # fmt: skip
    with seen(jobs, registered(["O01", "O02"])) as connection:
        yield connection


def test_unadjusted_and_standardised_are_those_of_a_plain_calculation(two):
    rows = {
        row["methode"]: row
        for row in beside(two, populatie="O01", vergelijking="sector", indeling="oud",
                          categorie="niet_westers")
    }  # fmt: skip
    plain = rows["ongestandaardiseerd"]
    assert (plain["teller"], plain["n"]) == (70, 300)
    assert (plain["teller_vergelijking"], plain["n_vergelijking"]) == (110, 800)
    assert float(plain["verschil_pp"]) == pytest.approx(100 * (70 / 300 - 110 / 800), abs=1e-4)
    # The sector: 300 of 800 on level 1, 500 on level 2. O01 has 30% and 10% there.
    expected = (300 * 0.30 + 500 * 0.10) / 800
    standard = rows["gestandaardiseerd"]
    assert float(standard["aandeel_pct"]) == pytest.approx(100 * expected, abs=1e-4)
    assert float(standard["verschil_pp"]) == pytest.approx(100 * (expected - 110 / 800), abs=1e-4)
    assert standard["n"] is standard["teller"] is None
    assert standard["waarde_status"] is None


def test_standardised_shares_of_the_three_groups_add_up_to_100(two):
    found = Counter()
    for row in beside(two, methode="gestandaardiseerd", vergelijking="alle"):
        found[row["populatie_soort"], row["populatie"], row["indeling"]] += row["aandeel_pct"]
    assert len(found) == 6  # two organisations and their sector, both classifications
    assert all(abs(total - 100) <= Decimal("0.0002") for total in found.values())


@pytest.mark.parametrize(("others", "withheld"), [(0, True), (9, True), (10, False)])
def test_a_level_that_is_lacking_withholds_the_standardised_figure_with_the_reason(
    others, withheld
):
    jobs = {
        ("O01", SECOND): staff(0, ("1", DUTCH, 300), ("3", DUTCH, others)),
        ("O02", SECOND): staff(9000, ("1", DUTCH, 250), ("3", MOROCCAN, 100)),
    }
    with seen(jobs, registered(["O01", "O02"])) as connection:
        (row,) = beside(connection, populatie="O01", vergelijking="sector", indeling="oud",
                        methode="gestandaardiseerd", categorie="niet_westers")  # fmt: skip
    assert (row["aandeel_pct"] is None) is withheld
    assert (row["waarde_status"] == "x") is withheld
    if withheld:
        assert "Middenkader" in row["reden"] and "10" in row["reden"]


def test_a_sector_that_may_not_be_shown_is_not_compared_with():
    jobs = {("O01", SECOND): people(0, 300), ("O02", SECOND): people(9000, 300)}
    with seen(jobs, registered(["O01"], ["O02"])) as connection:
        rows = beside(connection, populatie="O01", vergelijking="sector")
    assert rows
    for row in rows:
        assert (
            row["n_vergelijking"] is row["aandeel_vergelijking_pct"] is row["verschil_pp"] is None
        )
        assert row["waarde_status"] == "x" and "te weinig organisaties" in row["reden"]


def test_published_figures_are_there_as_read_with_their_mark(two):
    """De Haagse Hogeschool and the Rijk: through newspapers (V-2nd), domain notes section 3.2."""
    rows = beside(two, populatie_soort="gepubliceerd")
    found = {
        (row["populatie"], row["categorie"]): (row["aandeel_pct"], row["merk"], row["periode"])
        for row in rows
        if row["vergelijking_met"] == "barometer_benchmark"
    }
    school = {group: found["de_haagse_hogeschool", group] for group in
              ("nederlands", "westers", "niet_westers")}  # fmt: skip
    assert school == {
        "nederlands": (70, "V-2nd", "2020-09"),
        "westers": (16, "V-2nd", "2020-09"),
        "niet_westers": (14, "V-2nd", "2020-09"),
    }
    rijk = {
        "szw": "23.8", "bzk": "13.8", "jenv": "11.9", "bz": "9.4", "az": "7.2", "ocw": "7.1",
        "ienw": "6.6", "rijk": "10.3", "beroepsbevolking": "11", "rijk_laagste_schaal": "15.43",
        "rijk_hoogste_schaal": "1.30",
    }  # fmt: skip
    for code, share in rijk.items():
        assert found[code, "niet_westers"] == (Decimal(share), "V-2nd", "2017")


def test_national_shares_are_held_beside_within_one_classification(two):
    rows = beside(two, populatie="O01", vergelijking="landelijk")
    found = {(row["indeling"], row["categorie"]): row["aandeel_vergelijking_pct"] for row in rows}
    assert found == {
        ("oud", "nederlands"): 76, ("oud", "westers"): 12, ("oud", "niet_westers"): 12,
        ("2022", "nederland"): 75, ("2022", "europa"): 10, ("2022", "buiten_europa"): 15,
    }  # fmt: skip


def test_rows_of_the_dashboard_are_made_up_and_say_so_everywhere(two):
    kept = house.plain_csv(house.REPOSITORY / "data/reference/barometer_dashboard.csv")
    assert {row["merk"] for row in kept} == {"synthetisch"}
    assert len({row["tabel"] for row in kept}) == 8
    rows = [row for row in table(two, benchmark.TABLE) if row["merk"] == "synthetisch"]
    assert {row["vergelijking"] for row in rows} == {"geen", "dashboard_sector"}
    assert all(row["is_synthetisch"] and "SYNTHETISCH" in row["vintage"] for row in rows)


def test_keys_are_unique(two):
    from via_pipeline.diversity import barometer, flow, ladder, trend

    for mart in (barometer, benchmark, flow, ladder, linkage, trend):
        rows = table(two, mart.TABLE)
        assert list(rows[0]) == list(mart.COLUMNS) if rows else mart is flow
        keys = [tuple(row[name] for name in mart.KEY) for row in rows]
        assert len(set(keys)) == len(keys), mart.TABLE


def test_every_row_tells_labels_day_version_unit_class_and_status(two):
    """What a reader of BI needs beside the codes, of every mart about people."""
    from via_pipeline.diversity import barometer, flow, ladder, trend

    told = ("indeling", "indeling_versie", "categorie", "categorie_label", "eenheid_statistiek")
    for mart in (barometer, ladder, flow, benchmark, trend):
        who = (
            ("organisatie", "organisatie_label", "subgroep", "subgroep_label")
            if mart is barometer
            else ("populatie", "populatie_label")
        )
        wanted = {*who, *told, "peildatum", "sector_label", "sbi_versie", "n_klasse"}
        assert wanted | {"waarde_status", "leveringen"} <= set(mart.COLUMNS), mart.TABLE
        for row in table(two, mart.TABLE):
            assert all(row[name] for name in (*who, *told)), (mart.TABLE, row)
            # A figure has a class of what it rests on; what has none says why.
            if row.get("populatie_soort") != "gepubliceerd":
                assert row["peildatum"] and row["sector_label"] and row["sbi_versie"]
                has_figure = row["aandeel_pct"] is not None
                assert has_figure or row["waarde_status"], (mart.TABLE, row)
                assert row["n_klasse"] or not has_figure, (mart.TABLE, row)
    levels = table(two, "diversity__barometer", "kenmerk = 'functieniveau'")
    assert {(row["subgroep"], row["subgroep_label"]) for row in levels} >= {("1", "Uitvoerend")}


def test_targets_are_about_gender_and_a_third_is_not_thirty_per_cent():
    kept = {
        r["code"]: r for r in house.plain_csv(house.REPOSITORY / "data/reference/streefcijfer.csv")
    }
    assert {row["kenmerk"] for row in kept.values()} == {"geslacht"}
    assert (kept["wet_ingroeiquotum"]["teller"], kept["wet_ingroeiquotum"]["noemer"]) == ("1", "3")
    assert (kept["ser_ingroeiquotum"]["teller"], kept["ser_ingroeiquotum"]["noemer"]) == (
        "30",
        "100",
    )
    assert (kept["ser_ingroeiquotum"]["soort"], kept["wet_ingroeiquotum"]["soort"]) == (
        "voorstel", "wettelijk_quotum",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "n", "gone", "within"),
    [("bsn", 1000, 1, True), ("bsn", 1000, 2, False), ("gba_sleutel", 400, 20, True),
     ("gba_sleutel", 400, 21, False)],
)  # fmt: skip
def test_the_share_not_linked_is_held_against_the_maximum_of_its_key(kind, n, gone, within):
    unknown = (None, None, None)
    jobs = people(0, gone, countries=unknown, kind=kind) + people(gone, n - gone, kind=kind)
    with seen({("O01", SECOND): jobs}, registered(["O01"])) as connection:
        (row,) = table(connection, linkage.TABLE)
    assert (row["sleutel_soort"], row["n"], row["teller"], row["is_binnen"]) == (
        kind, n, gone, within,
    )  # fmt: skip
