"""The tables of cultural diversity as they are published: true, without names, and one system.

The organisations are made up; what is published is held against a recount of their jobs, and given
to the attacker, who shares no code with the protection.
"""

from __future__ import annotations

import csv
from collections import Counter
from contextlib import contextmanager

import pytest

from attack.__main__ import run as attack
from attack.findings import failing
from via_pipeline.disclosure.model import load_datasets, load_ruleset
from via_pipeline.disclosure.protect import protect_all
from via_pipeline.diversity import run
from via_pipeline_tests.diversity.organisations import DUTCH, FIRST, GERMAN, MOROCCAN, SECOND
from via_pipeline_tests.diversity.test_origin import by_python
from via_pipeline_tests.diversity.world import people, query, registered, world

NAMED, UNNAMED = "O01", ("O02", "O03", "O04")
REGISTER = registered([NAMED], UNNAMED)
PEOPLE = {
    # Per level: Dutch, German, Moroccan.
    NAMED: {"1": (400, 60, 90), "2": (300, 50, 40), "3": (260, 40, 25), "4": (60, 8, 4)},
    "O02": {"1": (300, 30, 60), "2": (250, 40, 30), "3": (150, 30, 20), "4": (120, 20, 15)},
    "O03": {"1": (310, 30, 50), "2": (240, 30, 30), "3": (160, 30, 20), "4": (120, 20, 15)},
    "O04": {"1": (320, 30, 40), "2": (230, 30, 30), "3": (170, 30, 20), "4": (120, 20, 15)},
}
COUNTRIES = (DUTCH, GERMAN, MOROCCAN)
PUBLISHED = ("ladder", "doorstroom", "ontwikkeling", "vergelijking_benchmark", "koppeling")


def jobs(organisation: str, later: bool) -> list[dict]:
    """Everybody once; of the second day 30 Dutch and 12 Moroccans of level 1 stand on level 2."""
    made, number = [], 0
    for level, sizes in PEOPLE[organisation].items():
        for countries, size in zip(COUNTRIES, sizes, strict=True):
            rise = {DUTCH: 30, MOROCCAN: 12}.get(countries, 0) if later and level == "1" else 0
            made += people(number, rise, countries=countries, functieniveau="2")
            made += people(number + rise, size - rise, countries=countries, functieniveau=level)
            number += size
    return made


JOBS = {
    (organisation, day): jobs(organisation, day == SECOND)
    for organisation in PEOPLE
    for day in (FIRST, SECOND)
}


@contextmanager
def released(change=lambda dataset: dataset):
    """The published tables of cultural diversity; ``change`` is made to each dataset first."""
    with world(JOBS, REGISTER) as connection:
        run.see(connection)
        chosen = [
            (change(one), load_ruleset(one.ruleset))
            for one in load_datasets()
            if one.source in run.MARTS
        ]
        protect_all(connection, chosen)
        yield connection


@pytest.fixture(scope="module")
def connection():
    with released() as found:
        yield found


def shown(connection, dataset: str, where: str = "true") -> list[dict]:
    return query(
        connection, f"SELECT * FROM disclosure__{dataset} WHERE teller IS NOT NULL AND {where}"
    )


def recount(day: str, organisations, level: str | None = None) -> Counter:
    """People by origin group, counted one by one."""
    found: Counter = Counter()
    for organisation in organisations:
        for one in JOBS[organisation, day]:
            if level in (None, one["functieniveau"]):
                places = ("geboorteland", "geboorteland_moeder", "geboorteland_vader")
                found[by_python([one[place] for place in places])[0]] += 1
    return found


def write(home, connection) -> None:
    """Every published table as a CSV of a BI file."""
    folder = home / "serve" / "r1" / "csv"
    folder.mkdir(parents=True)
    for name in ("diversiteit", *PUBLISHED):
        rows = query(connection, f"SELECT COLUMNS(*)::VARCHAR FROM disclosure__{name}")
        with (folder / f"{name}.csv").open("w", newline="") as file:
            out = csv.DictWriter(file, fieldnames=list(rows[0]))
            out.writeheader()
            out.writerows(rows)


def found_in(home, connection) -> list:
    write(home, connection)
    return failing(attack(home))


def test_what_is_shown_of_the_ladder_is_a_recount(connection):
    rows = shown(connection, "ladder")
    kinds = {(row["populatie_soort"], row["ladder"]) for row in rows}
    assert {("organisatie", "functieniveau"), ("sector", "functieniveau")} <= kinds
    for row in rows:
        who = [NAMED] if row["populatie_soort"] == "organisatie" else list(PEOPLE)
        level = row["trede"] if row["ladder"] == "functieniveau" else None
        found = recount(str(row["peildatum"]), who, level)
        assert (row["teller"], row["n"]) == (found[row["categorie"]], found.total())


def test_what_is_shown_over_time_is_a_recount_and_full_rows_are_a_hundred_per_cent(connection):
    rows = shown(connection, "ontwikkeling")
    assert rows
    shares: Counter = Counter()
    for row in rows:
        who = [NAMED] if row["populatie_soort"] == "organisatie" else list(PEOPLE)
        found = recount(str(row["peildatum"]), who)
        assert (row["teller"], row["n"]) == (found[row["categorie"]], found.total())
        shares[row["populatie"], row["peildatum"], row["n"]] += row["teller"]
    assert all(total == n for (*_, n), total in shares.items())


def test_flows_are_those_of_the_people_and_stand_on_the_stocks_of_the_ladder(connection):
    rows = shown(connection, "doorstroom", "stroom = 'hoger'")
    assert {row["categorie"] for row in rows} == {"nederlands", "niet_westers"}
    rise = {"nederlands": 30, "niet_westers": 12}
    for row in rows:
        who = [NAMED] if row["populatie_soort"] == "organisatie" else list(PEOPLE)
        level = row["trede"] if row["ladder"] == "functieniveau" else None
        stock = recount(str(row["peildatum_van"]), who, level)
        assert row["n"] == stock[row["categorie"]]
        assert row["teller"] == len(who) * rise[row["categorie"]]
    # Nobody went out or came in: a zero is a whole group, and is told of nobody.
    assert not shown(connection, "doorstroom", "stroom <> 'hoger'")


def test_beside_others_stand_the_same_shares_and_the_published_ones(connection):
    rows = shown(connection, "vergelijking_benchmark", "vergelijking = 'sector'")
    assert {row["categorie"] for row in rows} == {"nederlands", "westers", "niet_westers"}
    for row in rows:
        own = recount(str(row["peildatum"]), [NAMED])
        every = recount(str(row["peildatum"]), PEOPLE)
        assert (row["n"], row["n_vergelijking"]) == (own.total(), every.total())
        assert row["teller_vergelijking"] == every[row["categorie"]]
        difference = 100 * own[row["categorie"]] / own.total()
        difference -= 100 * every[row["categorie"]] / every.total()
        assert float(row["verschil_pp"]) == pytest.approx(difference, abs=1e-4)
    published = query(connection, "SELECT * FROM disclosure__benchmark")
    school = {
        row["categorie"]: (row["aandeel_pct"], row["merk"])
        for row in published
        if row["code"] == "de_haagse_hogeschool"
    }
    assert school == {
        "nederlands": (70, "V-2nd"),
        "westers": (16, "V-2nd"),
        "niet_westers": (14, "V-2nd"),
    }
    government = {
        row["code"]: (str(row["aandeel_pct"]), row["merk"])
        for row in published
        if row["periode"] == "2017" and row["code"] in ("szw", "rijk", "az", "beroepsbevolking")
    }
    assert government == {
        "szw": ("23.8000", "V-2nd"),
        "rijk": ("10.3000", "V-2nd"),
        "az": ("7.2000", "V-2nd"),
        "beroepsbevolking": ("11.0000", "V-2nd"),
    }
    assert all(row["is_synthetisch"] == (row["merk"] == "synthetisch") for row in published)


def test_only_who_consented_is_named(connection):
    for name in ("diversiteit", *PUBLISHED):
        for row in query(connection, f"SELECT COLUMNS(*)::VARCHAR FROM disclosure__{name}"):
            text = " ".join(str(value) for value in row.values())
            assert not [one for one in UNNAMED if one in text], name


def test_a_board_is_told_as_never_allowed(connection):
    rows = query(connection, "SELECT * FROM disclosure__ladder WHERE trede = 'bestuur'")
    assert {row["populatie"] for row in rows} == {NAMED}
    assert {(row["categorie"], row["waarde_status"]) for row in rows} == {("nooit_toegestaan", "z")}
    assert all(row["n"] is None and "nooit" in row["reden"] for row in rows)


def test_no_column_is_worked_out_from_a_row_that_is_hidden(connection):
    ladder = query(connection, "SELECT * FROM disclosure__ladder")
    dark = {
        (row["populatie"], row["peildatum"], row["trede"], row["categorie"])
        for row in ladder
        if row["teller"] is None
    }
    for row in ladder:
        if row["ratio_lager"] is not None:
            below = str(int(row["trede"]) - 1)
            assert (row["populatie"], row["peildatum"], below, row["categorie"]) not in dark
    assert query(connection, "SELECT 1 FROM diversity__ladder WHERE ratio_lager IS NOT NULL")


def test_the_attacker_finds_nobody(connection, tmp_path):
    assert found_in(tmp_path, connection) == []


@pytest.mark.parametrize("dataset", ["diversiteit", "ladder", "doorstroom"])
def test_the_attacker_finds_somebody_when_a_tie_is_forgotten(tmp_path, dataset):
    """One dataset is protected as if its people stood nowhere else."""

    def apart(one):
        if one.name != dataset:
            return one
        return one.model_copy(
            update={"links": (), "inside": None, "breakdown": None, "compared": None}
        )

    with released(apart) as connection:
        assert found_in(tmp_path, connection)
