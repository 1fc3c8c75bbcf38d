"""Both rules against their definition, and the cases that move between them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from via_pipeline.diversity import origin
from via_pipeline.storage import duck
from via_pipeline_tests.pilots import house

LAND = {row["code"]: row for row in house.plain_csv(house.REPOSITORY / "data/reference/land.csv")}
COUNTRY = st.one_of(st.none(), st.just("NL"), st.sampled_from(sorted(LAND)), st.just("??"))


@pytest.fixture(scope="module")
def connection():
    with duck.work() as connection:
        connection.execute(
            "CREATE TABLE reference__land "
            "(code VARCHAR, indeling_oud VARCHAR, indeling_2022 VARCHAR)"
        )
        connection.executemany(
            "INSERT INTO reference__land VALUES (?, ?, ?)",
            [(code, row["indeling_oud"], row["indeling_2022"]) for code, row in LAND.items()],
        )
        yield connection


def by_sql(connection, people):
    connection.execute("CREATE OR REPLACE TABLE mens (nr INTEGER, e VARCHAR, m VARCHAR, v VARCHAR)")
    connection.executemany(
        "INSERT INTO mens VALUES (?, ?, ?, ?)",
        [(number, *person) for number, person in enumerate(people)],
    )
    return connection.execute(
        "SELECT herkomst_oud, herkomst_2022 FROM "
        f"({origin.with_origin('mens', 'e', 'm', 'v')}) ORDER BY nr"
    ).fetchall()


def by_python(person):
    def classes(column):
        return [LAND[code][column] if code in LAND else None for code in person]

    return origin.old_group(*classes("indeling_oud")), origin.new_group(*classes("indeling_2022"))


@pytest.mark.parametrize("classification", ["oud", "2022"])
def test_sql_and_definition_agree_on_every_combination_of_classes(connection, classification):
    foreign = origin.GROUPS[classification][1:]
    classes = (None, "nederland", *foreign)
    reference = origin.old_group if classification == "oud" else origin.new_group
    for combination in itertools.product(classes, repeat=3):
        values = [f"CAST({'NULL' if c is None else repr(c)} AS VARCHAR)" for c in combination]
        sql = origin.group_sql(classification, *values)
        found = connection.execute(f"SELECT {sql}").fetchone()[0]
        assert found == reference(*combination), combination


@given(people=st.lists(st.tuples(COUNTRY, COUNTRY, COUNTRY), min_size=1, max_size=30))
def test_sql_and_definition_agree_on_countries(connection, people):
    assert by_sql(connection, people) == [by_python(person) for person in people]


@pytest.mark.parametrize(
    ("person", "old", "new"),
    [
        (("NL", "NL", "NL"), "nederlands", "nederland"),
        # Born abroad to two parents born here: the case that moves from Dutch.
        (("BE", "NL", "NL"), "nederlands", "europa"),
        (("SR", "NL", "NL"), "nederlands", "buiten_europa"),
        # Western in the old classification, outside Europe in the new.
        (("ID", "ID", "ID"), "westers", "buiten_europa"),
        (("JP", "JP", "JP"), "westers", "buiten_europa"),
        (("US", "US", "US"), "westers", "buiten_europa"),
        (("CA", "CA", "CA"), "westers", "buiten_europa"),
        (("AU", "AU", "AU"), "westers", "buiten_europa"),
        (("NL", "ID", "NL"), "westers", "buiten_europa"),
        # Not moved.
        (("TR", "TR", "TR"), "niet_westers", "buiten_europa"),
        (("NL", "TR", "TR"), "niet_westers", "buiten_europa"),
        (("PL", "PL", "PL"), "westers", "europa"),
        (("MA", "MA", "MA"), "niet_westers", "buiten_europa"),
        (("SR", "SR", "SR"), "niet_westers", "buiten_europa"),
        (("AN", "AN", "AN"), "niet_westers", "buiten_europa"),
        (("MX", "MX", "MX"), "niet_westers", "buiten_europa"),
        (("YU", "YU", "YU"), "westers", "europa"),
        (("SU", "SU", "SU"), "westers", "europa"),
        # The mother's country goes before the father's.
        (("NL", "MA", "DE"), "niet_westers", "buiten_europa"),
        (("NL", "DE", "MA"), "westers", "europa"),
        (("NL", "NL", "MA"), "niet_westers", "buiten_europa"),
        # One's own country goes before the parents' when born abroad.
        (("DE", "MA", "MA"), "westers", "europa"),
        (("DE", "NL", "MA"), "westers", "europa"),
        # Not known.
        ((None, None, None), "onbekend", "onbekend"),
        ((None, "NL", "NL"), "nederlands", "onbekend"),
        (("MA", None, None), "onbekend", "buiten_europa"),
        (("MA", "MA", None), "niet_westers", "buiten_europa"),
        (("NL", None, "MA"), "onbekend", "buiten_europa"),
        (("NL", None, "NL"), "onbekend", "nederland"),
        (("NL", "NL", None), "onbekend", "onbekend"),
        (("??", "NL", "NL"), "nederlands", "onbekend"),
    ],
)
def test_known_cases(connection, person, old, new):
    assert by_sql(connection, [person]) == [(old, new)]
    assert by_python(person) == (old, new)


def test_no_mapping_from_one_classification_to_the_other_exists():
    pairs = {by_python((own, own, own)) for own in LAND}
    pairs |= {by_python((own, "NL", "NL")) for own in ("NL", "BE", "SR")}
    for place in (0, 1):
        targets = {}
        for pair in pairs:
            targets.setdefault(pair[place], set()).add(pair[1 - place])
        assert any(len(found) > 1 for found in targets.values())


def test_every_country_has_a_class_and_the_rule_by_continent_holds():
    western = {"Europa", "Noord-Amerika", "Oceanië"}
    for code, row in LAND.items():
        if code == "NL":
            expected = ("nederland", "nederland")
        else:
            is_western = row["werelddeel"] in western or code in {"ID", "JP"}
            expected = (
                "westers" if is_western and code != "TR" else "niet_westers",
                "europa" if row["werelddeel"] == "Europa" else "buiten_europa",
            )
        assert (row["indeling_oud"], row["indeling_2022"]) == expected, code
