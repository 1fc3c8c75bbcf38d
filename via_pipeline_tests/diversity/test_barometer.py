"""The Barometer's rules at their borders, and its shares against plain loops."""

from __future__ import annotations

import random
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest

from via_pipeline.contracts.model import load
from via_pipeline.diversity import barometer, counts, run
from via_pipeline.pilots import catalog
from via_pipeline.storage import duck, lake
from via_pipeline_tests.diversity.organisations import (
    DUTCH,
    FIRST,
    SECOND,
    deliver,
    home_in,
    job,
    know,
)
from via_pipeline_tests.diversity.test_origin import by_python
from via_pipeline_tests.diversity.world import people, registered, world
from via_pipeline_tests.pilots import house

DAY = SECOND


@pytest.fixture
def home(tmp_path):
    home = home_in(tmp_path)
    know(home, ["O01", "O02"])
    return home


def table(home, **options):
    with duck.work() as connection:
        catalog.register(connection, home, [load(source) for source in run.SOURCES])
        found = barometer.results(connection, **options)
        assert dict(zip(found.columns, map(str, found.types), strict=True)) == barometer.COLUMNS
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def whole(rows, organisation="O01"):
    return [
        row for row in rows if row["kenmerk"] == "totaal" and row["organisatie"] == organisation
    ]


@pytest.mark.parametrize(("employees", "allowed"), [(249, False), (250, True), (251, True)])
def test_250_is_inclusive(home, employees, allowed):
    deliver(home, [job(number) for number in range(employees)])
    rows = whole(table(home))
    assert {row["is_toegestaan"] for row in rows} == {allowed}
    if allowed:
        assert len(rows) == 6
        assert {row["n"] for row in rows} == {employees}
        assert {row["reden"] for row in rows} == {None}
    else:
        assert [(row["indeling"], row["categorie"]) for row in rows] == [
            ("2022", "niet_toegestaan"),
            ("oud", "niet_toegestaan"),
        ]
        for row in rows:
            assert row["n"] is row["teller"] is row["aandeel_pct"] is None
            assert "250" in row["reden"]


def test_two_jobs_are_one_employee_for_the_limit_and_two_jobs_in_the_share(home):
    two = [job(0, ("MA", "MA", "MA")), job(0, ("MA", "MA", "MA"), number=2)]
    deliver(home, two + [job(number) for number in range(1, 249)])
    assert not any(row["is_toegestaan"] for row in whole(table(home)))
    deliver(home, two + [job(number) for number in range(1, 250)], "O02")
    rows = {row["categorie"]: row for row in whole(table(home), "O02") if row["indeling"] == "oud"}
    assert rows["niet_westers"]["teller"] == 2
    assert rows["niet_westers"]["n"] == 251
    assert rows["niet_westers"]["eenheid_statistiek"] == "banen"
    unit = [
        row
        for row in table(home)
        if row["organisatie"] == "O02"
        and row["kenmerk"] == "onderdeel"
        and row["categorie"] == "niet_westers"
    ]
    assert [(row["teller"], row["n"], row["eenheid_statistiek"]) for row in unit] == [
        (1, 250, "werknemers")
    ]


def test_a_subgroup_of_249_in_a_large_organisation_is_not_computed(home):
    jobs = [job(number, onderdeel="Klein") for number in range(249)]
    jobs += [job(number, onderdeel="Groot") for number in range(249, 1200)]
    deliver(home, jobs)
    units = [row for row in table(home) if row["kenmerk"] == "onderdeel"]
    small = [row for row in units if row["subgroep"] == "Klein"]
    large = [row for row in units if row["subgroep"] == "Groot"]
    assert {row["categorie"] for row in small} == {"niet_toegestaan"}
    assert {row["n"] for row in small} == {None}
    assert {row["n"] for row in large} == {951}
    lower = [row for row in table(home, minimum=249) if row["subgroep"] == "Klein"]
    assert {row["n"] for row in lower} == {249}


@pytest.mark.parametrize(("size", "allowed"), [(249, False), (250, True), (251, True)])
def test_a_subgroup_of_249_in_an_organisation_of_5000(size, allowed):
    staff = people(0, size, onderdeel="Klein") + people(size, 5000 - size, onderdeel="Groot")
    with world({("O01", DAY): staff}, registered(["O01"])) as connection:
        rows = [
            dict(zip(barometer.COLUMNS, row, strict=True))
            for row in barometer.results(connection).fetchall()
        ]
    small = [row for row in rows if row["subgroep"] == "Klein"]
    assert {row["n"] for row in small} == ({size} if allowed else {None})
    assert {row["is_toegestaan"] for row in small} == {allowed}
    assert {row["n"] for row in rows if row["subgroep"] == "Groot"} == {5000 - size}
    assert {row["n"] for row in whole(rows)} == {5000}


def test_someone_with_jobs_on_two_levels_counts_on_the_higher_one_only(home):
    """So subgroups of a characteristic add up to the employees, jobs of the whole do not."""
    both = [job(0, functieniveau="2", salarisschaal=9), job(0, functieniveau="4", number=2)]
    deliver(home, [*both, *(job(number) for number in range(1, 260))])
    rows = [row for row in table(home, minimum=1) if row["categorie"] == "nederlands"]
    levels = {r["subgroep"]: r["n"] for r in rows if r["kenmerk"] == "functieniveau"}
    scales = {r["subgroep"]: r["n"] for r in rows if r["kenmerk"] == "salarisschaal"}
    assert levels == {"1": 259, "4": 1}
    assert scales == {"5": 260}
    assert whole(rows)[0]["n"] == 261


def test_age_and_years_of_service_are_those_of_the_peildatum_at_every_border(home):
    ages = {24: "<25", 25: "25-34", 34: "25-34", 35: "35-44", 54: "45-54", 55: "55+", None: None}
    # Two years of service are full on the very day; a day later they are not.
    starts = {
        date(2018, 12, 31): "2-4",
        date(2019, 1, 1): "<2",
        date(2015, 12, 31): "5-9",
        date(2016, 1, 1): "2-4",
        date(2000, 12, 31): "20+",
        date(2001, 1, 1): "10-19",
        None: None,
    }
    jobs = [
        job(
            3 * place + number,
            geboortejaar=None if age is None else 2020 - age,
            datum_in_dienst=start,
        )
        for number in range(3)
        for place, (age, start) in enumerate(zip(ages, starts, strict=True))
    ]
    deliver(home, jobs)
    rows = [row for row in table(home, minimum=1) if row["categorie"] == "nederlands"]
    for kenmerk, expected in (("leeftijdsklasse", ages), ("diensttijdklasse", starts)):
        counted = {row["subgroep"]: row["n"] for row in rows if row["kenmerk"] == kenmerk}
        classes = [name for name in expected.values() if name is not None]
        assert counted == {name: 3 * classes.count(name) for name in classes}


def test_shares_equal_a_plain_loop_and_add_up(home):
    draw = random.Random(7)
    countries = ["NL"] * 6 + ["MA", "TR", "ID", "DE", "US", "SR", None]
    people = {number: tuple(draw.choice(countries) for _ in range(3)) for number in range(400)}
    jobs = [job(number, born) for number, born in people.items()]
    jobs += [job(number, people[number], number=2) for number in range(0, 400, 7)]
    draw.shuffle(jobs)
    deliver(home, jobs)
    rows = whole(table(home))
    for place, classification in enumerate(["oud", "2022"]):
        groups = [
            by_python((j["geboorteland"], j["geboorteland_moeder"], j["geboorteland_vader"]))[place]
            for j in jobs
        ]
        known = [group for group in groups if group != "onbekend"]
        assert len(known) < len(groups)
        mine = [row for row in rows if row["indeling"] == classification]
        assert len(mine) == 3
        for row in mine:
            hits = known.count(row["categorie"])
            exact = Decimal(100 * hits) / len(known)
            assert (row["n"], row["teller"]) == (len(known), hits)
            assert row["aandeel_pct"] == exact.quantize(Decimal("0.0001"), ROUND_HALF_UP)
        assert sum(row["teller"] for row in mine) == len(known)
        assert abs(sum(row["aandeel_pct"] for row in mine) - 100) <= Decimal("0.0002")


def test_the_published_margins_of_2020_come_back(home):
    """100 jobs in proportion: 76 / 12 / 12 in the old, 75 / 10 / 15 in the new (domain 3.2).

    One of the 76 was born abroad to two parents born here; of the 12 western ones ten are from
    Europe and two from Indonesia, so that 10 are Europe. A thousand people, ten times that.
    """
    mix = [(DUTCH, 75), (("US", "NL", "NL"), 1), (("DE", "DE", "DE"), 10)]
    mix += [(("ID", "ID", "ID"), 2), (("MA", "MA", "MA"), 12)]
    born = [countries for countries, count in mix for _ in range(count * 10)]
    deliver(home, [job(number, countries) for number, countries in enumerate(born)])
    shares = {(row["indeling"], row["categorie"]): row["aandeel_pct"] for row in whole(table(home))}
    published = {
        (row["indeling"], row["categorie"]): Decimal(row["aandeel_pct"])
        for row in house.plain_csv(house.REPOSITORY / "data/reference/barometer_benchmark.csv")
        if row["code"] == "werknemers_nederland"
    }
    assert shares == published


def test_refresh_is_the_same_bytes_twice_and_keys_are_unique(home):
    deliver(home, [job(number) for number in range(300)])
    written = run.refresh(home).rows[run.TABLE]
    first = lake.parts(home.lake, run.TABLE)
    assert run.refresh(home).rows[run.TABLE] == written > 0
    assert lake.parts(home.lake, run.TABLE) == first
    keys = [tuple(row[name] for name in barometer.KEY) for row in table(home)]
    assert len(set(keys)) == len(keys) == written


def test_two_people_with_one_hash_stay_two_people_and_two_jobs_one(home):
    """The hash only finds who may have several jobs; here every hash is that of everybody."""
    jobs = [
        job(number, ("MA", "MA", "MA") if number % 3 else DUTCH, functieniveau=str(1 + number % 4))
        for number in range(300)
    ] + [job(number, functieniveau="5", number=2) for number in range(0, 90, 3)]
    deliver(home, jobs)
    deliver(home, jobs[20:], day=FIRST)
    told = []
    for meet in (False, True):
        with duck.work(home.scratch) as connection:
            catalog.register(connection, home, [load(source) for source in run.SOURCES])
            if meet:
                connection.execute("CREATE OR REPLACE TEMP MACRO hash(x) AS 1")
            run.see(connection)
            told.append(
                [connection.execute(f"FROM {name} ORDER BY ALL").fetchall()
                 for name in (counts.COUNTS, counts.MOVES)]
            )  # fmt: skip
    assert told[0] == told[1]
    stock = {row[:6]: row[6:] for row in told[0][0]}
    assert sum(n for row, (_, n) in stock.items() if row[2:5:2] == ("totaal", "oud")) == 587


def test_jobs_that_are_read_twice_are_not_held_in_between(home):
    there = deliver(home, [job(number) for number in range(9)])
    # As many as a day of a country has: a short list is no relation of its own.
    names = [there, *(f"p4_barometer-{number}" for number in range(20))]
    with duck.work(home.scratch) as connection:
        catalog.register(connection, home, [load(source) for source in run.SOURCES])
        run.see(connection)
        plan = f"EXPLAIN (FORMAT json) {counts.counts(names)}"

        def held() -> int:
            return str(connection.execute(plan).fetchall()).count("CTE Name")

        asked = held()
        connection.execute("SET disabled_optimizers = ''")
        assert asked < held(), "DuckDB does not share them any more by itself: leave it its way"
