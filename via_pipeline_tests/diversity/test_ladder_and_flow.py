"""The ladder and the moves on it, against plain Python, at every border, and in any order."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from via_pipeline.diversity import flow, ladder, populations
from via_pipeline.storage import duck
from via_pipeline_tests.diversity.organisations import (
    DUTCH,
    FIRST,
    GERMAN,
    INDONESIAN,
    MOROCCAN,
    SECOND,
    THIRD,
    job,
)
from via_pipeline_tests.diversity.test_origin import by_python
from via_pipeline_tests.diversity.world import people, query, registered, seen, table, world

NAMED = registered(["O01"])


def cell(rows, **wanted):
    found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1, (wanted, len(found))
    return found[0]


def staff(*levels):
    """Jobs by (level, countries, number of people), numbered on."""
    jobs, number = [], 0
    for level, countries, count in levels:
        jobs += people(number, count, countries=countries, functieniveau=level)
        number += count
    return jobs


@pytest.mark.parametrize(("size", "allowed"), [(249, False), (250, True), (251, True)])
def test_a_level_is_shown_from_250_and_forbidden_below(size, allowed):
    jobs = staff(("1", DUTCH, 300), ("4", MOROCCAN, 30), ("4", DUTCH, size - 30))
    with seen({("O01", SECOND): jobs}, NAMED) as connection:
        rows = table(connection, ladder.TABLE, "ladder = 'functieniveau' AND trede = '4'")
    own = [row for row in rows if row["populatie_soort"] == "organisatie"]
    if allowed:
        row = cell(own, indeling="oud", categorie="niet_westers")
        assert (row["n"], row["teller"], row["waarde_status"]) == (size, 30, None)
        assert row["trede_label"] == "Subtop"
    else:
        assert [row["categorie"] for row in own] == ["niet_toegestaan"] * 2
        assert all(row["n"] is row["teller"] is row["aandeel_pct"] is None for row in own)
        assert all(row["waarde_status"] == "x" and "250" in row["reden"] for row in own)


def test_salary_bands_are_a_ladder_of_their_own():
    """Scales 1 to 18 in five bands, counted here by hand; a band of 249 is told as forbidden."""
    bands = {"1-5": range(1, 6), "6-8": range(6, 9), "9-11": range(9, 12),
             "12-14": range(12, 15), "15-18": range(15, 19)}  # fmt: skip
    jobs, counted = [], Counter()
    for band, scales in bands.items():
        for scale in scales:
            # Of each scale 90, of the fourteenth 69, and fewer from Morocco the higher it is.
            size, moroccan = 69 if scale == 14 else 90, 40 - 2 * scale
            more = {"salarisschaal": scale}
            jobs += people(len(jobs), moroccan, countries=MOROCCAN, **more)
            jobs += people(len(jobs), size - moroccan, countries=DUTCH, **more)
            counted[band, "all"] += size
            counted[band, "niet_westers"] += moroccan
    with seen({("O01", SECOND): jobs}, NAMED) as connection:
        rows = table(
            connection,
            ladder.TABLE,
            "populatie_soort = 'organisatie' AND ladder = 'salarisband' AND indeling = 'oud' "
            "AND noemer = 'bekend' ORDER BY trede_volgorde",
        )
    assert list(dict.fromkeys(row["trede"] for row in rows)) == list(bands)
    assert counted["12-14", "all"] == 249
    (small,) = [row for row in rows if row["trede"] == "12-14"]
    assert (small["categorie"], small["waarde_status"]) == ("niet_toegestaan", "x")
    below = None
    for band in ("1-5", "6-8", "9-11", "15-18"):
        row = cell(rows, trede=band, categorie="niet_westers")
        n, teller = counted[band, "all"], counted[band, "niet_westers"]
        assert (row["n"], row["teller"], row["eenheid_statistiek"]) == (n, teller, "werknemers")
        assert row["trede_label"] == f"Schaal {band.replace('-', ' tot en met ')}"
        assert float(row["aandeel_pct"]) == pytest.approx(100 * teller / n, abs=1e-4)
        if band in ("1-5", "15-18"):  # the lowest; and the one below it is not shown
            assert row["ratio_lager"] is None and row["ratio_lager_reden"]
        else:
            assert float(row["ratio_lager"]) == pytest.approx(teller / n / below, abs=1e-4)
        below = teller / n


def test_a_board_is_told_as_forbidden_and_never_computed():
    with seen({("O01", SECOND): staff(("5", DUTCH, 300))}, NAMED) as connection:
        rows = table(connection, ladder.TABLE, "trede = 'bestuur'")
    assert {row["categorie"] for row in rows} == {"nooit_toegestaan"}
    assert all(
        row["n"] is None and row["waarde_status"] == "z" and "nooit" in row["reden"] for row in rows
    )


def test_shares_ratio_and_their_intervals_are_those_of_statsmodels():
    jobs = staff(
        ("1", MOROCCAN, 120), ("1", DUTCH, 280), ("1", INDONESIAN, 10), ("1", (None,) * 3, 7),
        ("2", MOROCCAN, 45), ("2", DUTCH, 270), ("2", (None,) * 3, 3),
    )  # fmt: skip
    with seen({("O01", SECOND): jobs}, NAMED) as connection:
        rows = table(
            connection,
            ladder.TABLE,
            "populatie_soort = 'organisatie' AND ladder = 'functieniveau' AND indeling = 'oud'",
        )
    above = cell(rows, trede="2", categorie="niet_westers")
    assert (above["teller"], above["n"]) == (45, 315)  # who is not known is in no denominator
    assert float(above["aandeel_pct"]) == pytest.approx(100 * 45 / 315, abs=1e-4)
    low, high = proportion_confint(45, 315, method="wilson")
    assert float(above["aandeel_laag_pct"]) == pytest.approx(100 * low, abs=1e-4)
    assert float(above["aandeel_hoog_pct"]) == pytest.approx(100 * high, abs=1e-4)
    low, high = confint_proportions_2indep(45, 315, 120, 410, compare="ratio", method="log")
    assert float(above["ratio_lager"]) == pytest.approx((45 / 315) / (120 / 410), abs=1e-4)
    assert float(above["ratio_lager_laag"]) == pytest.approx(low, abs=1e-4)
    assert float(above["ratio_lager_hoog"]) == pytest.approx(high, abs=1e-4)
    # 12% of employees in the Netherlands, published for 2020.
    assert above["aanbod_periode"] == "2020"
    assert float(above["ratio_aanbod"]) == pytest.approx((45 / 315) / 0.12, abs=1e-4)
    low, high = proportion_confint(45, 315, method="wilson")
    assert float(above["ratio_aanbod_laag"]) == pytest.approx(low / 0.12, abs=1e-4)
    assert float(above["ratio_aanbod_hoog"]) == pytest.approx(high / 0.12, abs=1e-4)
    # None of them above: no interval, and a reason.
    none = cell(rows, trede="2", categorie="westers")
    assert (none["teller"], none["ratio_lager_laag"]) == (0, None)
    assert none["ratio_lager"] == 0
    assert none["ratio_lager_reden"]
    lowest = cell(rows, trede="1", categorie="niet_westers")
    assert lowest["ratio_lager"] is None
    assert "laagste" in lowest["ratio_lager_reden"]
    # Unknown is a group of its own, a part of all.
    unknown = cell(rows, trede="2", categorie="onbekend")
    assert (unknown["noemer"], unknown["teller"], unknown["n"]) == ("alle", 3, 318)
    assert cell(rows, trede="2", categorie="bekend")["teller"] == above["n"]


@given(
    st.tuples(st.integers(1, 400), st.integers(1, 400), st.integers(0, 400), st.integers(0, 400))
)
@settings(max_examples=40, deadline=None)
def test_the_interval_in_sql_is_the_one_of_statsmodels(counts):
    a, b, more, others = counts
    n, m = a + more, b + others
    with duck.work() as connection:
        found = connection.execute(
            f"SELECT {ladder.katz(*map(str, (a, n, b, m)), '-')}, "
            f"{ladder.katz(*map(str, (a, n, b, m)), '+')}, {ladder.wilson(str(a), str(n), '-')}, "
            f"{ladder.wilson(str(a), str(n), '+')}"
        ).fetchone()
    expected = (
        *confint_proportions_2indep(a, n, b, m, compare="ratio", method="log"),
        *proportion_confint(a, n, method="wilson"),
    )
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_ratio_needs_the_level_below_to_be_shown():
    jobs = staff(("1", DUTCH, 249), ("2", MOROCCAN, 50), ("2", DUTCH, 250))
    with seen({("O01", SECOND): jobs}, NAMED) as connection:
        rows = table(connection, ladder.TABLE, "indeling = 'oud' AND trede = '2'")
    row = cell(rows, populatie_soort="organisatie", categorie="niet_westers")
    assert row["ratio_lager"] is None
    assert "niet getoond" in row["ratio_lager_reden"]


# Moves ------------------------------------------------------------------------------------

LEVEL = st.sampled_from(["1", "2", "3", "4", "5"])
ORIGIN = st.sampled_from([DUTCH, MOROCCAN, GERMAN, INDONESIAN, ("US", "NL", "NL"), (None,) * 3])
PLACE = st.tuples(LEVEL, ORIGIN)
# A person per entry: where on each of three days (None: not in service), and a second job or not.
PERSON = st.tuples(
    st.one_of(st.none(), PLACE), st.one_of(st.none(), PLACE), st.one_of(st.none(), PLACE),
    st.one_of(st.none(), LEVEL), st.sampled_from(["O01", "O02"]),
)  # fmt: skip
DAYS = (FIRST, SECOND, THIRD)


def deliveries(persons):
    jobs = {(o, day): [] for o in ("O01", "O02") for day in DAYS}
    for number, (*places, second, organisation) in enumerate(persons):
        for day, place in zip(DAYS, places, strict=True):
            if place is None:
                continue
            level, countries = place
            jobs[organisation, day].append(job(number, countries, functieniveau=level))
            if second:
                jobs[organisation, day].append(
                    job(number, countries, functieniveau=second, number=2)
                )
    return {key: found for key, found in jobs.items() if found}


def main_place(person, at):
    *places, second, organisation = person
    if places[at] is None:
        return organisation, None
    level, countries = places[at]
    return organisation, (max(level, second or level), by_python(countries))


@given(persons=st.lists(PERSON, max_size=25), seed=st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_moves_equal_plain_python_and_add_up_to_the_stocks_in_any_order(persons, seed):
    given_ = deliveries(persons)
    shuffled = {key: random.Random(seed).sample(found, len(found)) for key, found in given_.items()}
    register = registered(["O01", "O02"])
    answers = []
    for jobs in (given_, dict(reversed(shuffled.items()))):
        with world(jobs, register) as connection:
            answers.append(_moves(connection))
    assert answers[0] == answers[1]
    expected = Counter()
    for at, (first, last) in enumerate(itertools.pairwise(DAYS)):
        for person in persons:
            organisation, before = main_place(person, at)
            _, after = main_place(person, at + 1)
            if (organisation, first) not in given_ or (organisation, last) not in given_:
                continue
            for place, name in enumerate(("oud", "2022")):
                key = (organisation, first, last, name)
                groups = [where and where[1][place] for where in (before, after)]
                levels = [where and where[0] for where in (before, after)]
                if before and after and groups[0] != groups[1]:
                    expected[(*key, groups[0], levels[0], "herzien")] += 1
                    expected[(*key, groups[1], "herzien", levels[1])] += 1
                elif before or after:
                    expected[
                        (*key, groups[0] or groups[1], levels[0] or "instroom",
                         levels[1] or "uitstroom")
                    ] += 1  # fmt: skip
    # A person may skip the middle day; organisations without a delivery then skip it as well.
    adjacent = {pair for pair in itertools.pairwise(DAYS)}
    found = {k: v for k, v in answers[0].items() if (k[1], k[2]) in adjacent}
    assert found == dict(expected)


def _moves(connection):
    from via_pipeline.diversity import counts, organisations, run

    run._table(connection, organisations.TABLE, organisations.query())
    run._table(connection, counts.COUNTS, counts.counts())
    run._table(connection, counts.MOVES, counts.moves())
    assert connection.execute(run._OPEN_ENDS).fetchone() == (0,)
    return {
        (row["organisatie"], str(row["peildatum_van"]), str(row["peildatum"]), row["indeling"],
         row["categorie"], row["van_trede"], row["naar_trede"]): row["werknemers"]
        for row in table(connection, counts.MOVES)
    }  # fmt: skip


def two_years():
    """Of 400 on level 1 (100 MA) 10 MA and 60 NL rise, 8 leave, 5 come; level 2 has 300."""
    first = staff(("1", MOROCCAN, 100), ("1", DUTCH, 300), ("2", DUTCH, 300))
    second = []
    for row, number in zip(first, range(700), strict=True):
        if number in range(90, 98):
            continue  # leaves
        rises = number < 10 or 100 <= number < 160
        second.append(row | {"functieniveau": "2"} if rises else row)
    return first, second + people(700, 5, countries=MOROCCAN, functieniveau="1")


def test_the_share_of_each_group_that_moves_up_in_a_year():
    first, second = two_years()
    with seen({("O01", FIRST): first, ("O01", SECOND): second}, NAMED) as connection:
        rows = table(connection, flow.TABLE, "populatie_soort = 'organisatie' AND indeling = 'oud'")
    up = cell(rows, van_trede="1", naar_trede="hoger", categorie="niet_westers")
    assert (up["n"], up["teller"], up["aandeel_pct"]) == (100, 10, Decimal("10.0000"))
    assert up["is_jaar"] and up["dagen"] == 366
    low, high = proportion_confint(10, 100, method="wilson")
    assert float(up["aandeel_laag_pct"]) == pytest.approx(100 * low, abs=1e-4)
    assert float(up["aandeel_hoog_pct"]) == pytest.approx(100 * high, abs=1e-4)
    dutch = cell(rows, van_trede="1", naar_trede="hoger", categorie="nederlands")
    assert (dutch["n"], dutch["teller"]) == (300, 60)
    gone = cell(rows, van_trede="1", naar_trede="uitstroom", categorie="niet_westers")
    assert (gone["n"], gone["teller"]) == (100, 8)
    came = cell(rows, van_trede="instroom", naar_trede="1", categorie="niet_westers")
    assert (came["n"], came["teller"]) == (100 - 10 - 8 + 5, 5)
    # Of all who can rise: everybody below the highest level.
    every = cell(rows, van_trede="totaal", naar_trede="hoger", categorie="nederlands")
    assert (every["n"], every["teller"]) == (600, 60)


def test_the_flows_that_are_shown_add_up_to_the_ladder_at_both_ends():
    first, second = two_years()
    with seen({("O01", FIRST): first, ("O01", SECOND): second}, NAMED) as connection:
        stocks = query(
            connection,
            "SELECT populatie_soort, populatie, peildatum, trede, indeling, categorie, teller "
            "FROM diversity__ladder WHERE ladder = 'functieniveau' AND is_toegestaan "
            "AND categorie <> 'bekend'",
        )
        stock = {tuple(list(row.values())[:-1]): row["teller"] for row in stocks}
        rows = table(connection, flow.TABLE, "is_toegestaan AND populatie_soort <> 'regio'")
    inside, outside = "12345", ("uitstroom", "herzien", "instroom")
    ends = Counter()
    for row in rows:
        who = (row["populatie_soort"], row["populatie"])
        group = (row["indeling"], row["categorie"])
        if row["van_trede"] in inside and row["naar_trede"] in (*inside, *outside):
            ends[(*who, row["peildatum_van"], row["van_trede"], *group)] += row["teller"]
        if row["naar_trede"] in inside and row["van_trede"] in (*inside, *outside):
            ends[(*who, row["peildatum"], row["naar_trede"], *group)] += row["teller"]
    compared = [key for key in stock if key in ends]
    assert len(compared) > 20
    assert {key: ends[key] for key in compared} == {key: stock[key] for key in compared}


def test_only_consecutive_days_of_the_same_organisation_are_compared():
    jobs = {
        (organisation, day): people(0, 260)
        for organisation, day in (("O01", FIRST), ("O01", SECOND), ("O01", THIRD),
                                  ("O02", FIRST), ("O02", THIRD))
    }  # fmt: skip
    with seen(jobs, registered(["O01", "O02"])) as connection:
        pairs = {
            (row["organisatie"], str(row["peildatum_van"]), str(row["peildatum"]))
            for row in table(connection, "diversity__overgang")
        }
        years = {
            (row["populatie"], row["is_jaar"])
            for row in table(connection, flow.TABLE, "populatie_soort = 'organisatie'")
        }
    assert pairs == {("O01", FIRST, SECOND), ("O01", SECOND, THIRD), ("O02", FIRST, THIRD)}
    assert years == {("O01", True), ("O02", False)}


def test_someone_under_another_kind_of_number_is_not_recognised():
    """The pair identifies the person: RINPERSOONS moves from S to R, and cohorts break there."""
    first = people(0, 260)
    second = people(0, 5, kind="bsn") + people(5, 255)
    with seen({("O01", FIRST): first, ("O01", SECOND): second}, NAMED) as connection:
        moved = {
            (row["van_trede"], row["naar_trede"]): row["werknemers"]
            for row in table(connection, "diversity__overgang", "indeling = 'oud'")
        }
    assert moved == {("1", "1"): 255, ("1", "uitstroom"): 5, ("instroom", "1"): 5}


def test_shares_of_a_complete_row_sum_to_100_before_rounding_and_after():
    jobs = staff(
        ("1", MOROCCAN, 101), ("1", DUTCH, 103), ("1", INDONESIAN, 97), ("2", DUTCH, 251),
        ("2", (None,) * 3, 9),
    )  # fmt: skip
    with seen({("O01", SECOND): jobs}, NAMED) as connection:
        sums = query(
            connection,
            "SELECT any_value(n) AS n, sum(teller) AS tellers, sum(aandeel_pct) AS pct "
            "FROM diversity__ladder WHERE is_toegestaan GROUP BY populatie_soort, populatie, "
            "sbi_versie, peildatum, ladder, trede, indeling, noemer",
        )
    assert len(sums) > 10
    for row in sums:
        assert row["tellers"] == row["n"]
        assert math.isclose(row["pct"], 100, abs_tol=2e-4)


def test_what_is_left_after_subtraction_is_shown_only_where_it_might_be_shown_itself():
    """The sector beside its named organisation: the unnamed ones can be had by subtraction."""

    def shown(*sizes):
        jobs = {("O01", SECOND): people(0, 400)}
        jobs |= {(f"O{9 + n}", SECOND): people(1000 * n, size) for n, size in enumerate(sizes, 1)}
        unnamed = [f"O{9 + n}" for n in range(1, len(sizes) + 1)]
        with seen(jobs, registered(["O01"], unnamed)) as connection:
            return {
                (row["populatie_soort"], row["populatie"]): row["is_toegestaan"]
                for row in table(connection, populations.TABLE, "kenmerk = 'totaal'")
            }

    assert shown()["sector", "O"]
    assert not shown(300, 300)["sector", "O"]  # two organisations
    assert not shown(83, 83, 83)["sector", "O"]  # three of 249 together
    three = shown(84, 83, 83)
    assert three["sector", "O"] and three["alle", "alle"]
    assert [key for key in three if key[0] == "organisatie"] == [("organisatie", "O01")]


def test_what_is_left_after_subtraction_is_counted_for_disclosure_control():
    """``_rest``: those of organisations without a row of their own in the very same group."""
    jobs, unnamed = {}, ["O11", "O12", "O13"]
    for place, organisation in enumerate(["O01", *unnamed]):
        first = staff(("1", MOROCCAN, 40), ("1", DUTCH, 260), ("2", DUTCH, 100))
        first = [row | {"persoon_id": f"{place}{row['persoon_id'][1:]}"} for row in first]
        risen = [row | {"functieniveau": "2"} for row in first[:7]]
        jobs[organisation, FIRST] = first
        jobs[organisation, SECOND] = [*risen, *first[7:]]
    with seen(jobs, registered(["O01"], unnamed)) as connection:
        ladders = query(
            connection,
            "SELECT peildatum, trede, categorie, n, teller, _rest_n, _rest_teller "
            "FROM diversity__ladder WHERE populatie_soort = 'sector' AND indeling = 'oud' "
            "AND ladder = 'functieniveau' AND categorie = 'niet_westers'",
        )
        rows = table(
            connection, flow.TABLE, "populatie_soort = 'sector' AND indeling = 'oud' "
            "AND categorie = 'niet_westers' AND teller > 0",
        )  # fmt: skip
    first, *_ = (row for row in ladders if row["trede"] == "1" and str(row["peildatum"]) == FIRST)
    assert [first[name] for name in ("n", "teller", "_rest_n", "_rest_teller")] == [
        1200, 160, 900, 120,
    ]  # fmt: skip
    # Level 2 has 100 an organisation: below 250, so O01 itself is in the rest there.
    second = [row for row in ladders if row["trede"] == "2" and str(row["peildatum"]) == SECOND]
    assert [(row["teller"], row["_rest_teller"]) for row in second] == [(28, 28)]
    found = {
        (row["van_trede"], row["naar_trede"]): (row["n"], row["_rest_n"], row["teller"],
                                               row["_rest_teller"])
        for row in rows
    }  # fmt: skip
    assert found == {
        ("1", "1"): (160, 120, 132, 99),
        ("1", "2"): (160, 120, 28, 21),
        ("1", "hoger"): (160, 120, 28, 21),
        ("totaal", "hoger"): (160, 120, 28, 21),
    }
