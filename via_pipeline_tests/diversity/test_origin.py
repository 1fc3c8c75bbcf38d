"""Both rules against their definition, and the cases that move between them."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from via_pipeline.contracts import codelists, model
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


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (("NL", "NL", "NL"), "nederlandse_herkomst"),
        (("NL", "MA", "NL"), "kind_van_migranten"),
        (("NL", "NL", "DE"), "kind_van_migranten"),
        (("NL", "MA", "TR"), "kind_van_migranten"),
        (("NL", None, "TR"), "kind_van_migranten"),
        (("NL", None, "NL"), "onbekend"),
        (("MA", "MA", "MA"), "migrant"),
        # Born abroad to two parents born here: a migrant, of Dutch background in the old one.
        (("SR", "NL", "NL"), "migrant"),
        (("SR", None, None), "migrant"),
        ((None, "NL", "NL"), "onbekend"),
    ],
)
def test_migrants_and_their_children_are_told_apart(connection, person, expected):
    classes = [LAND[code]["indeling_2022"] if code else None for code in person]
    assert origin.migration(*classes) == expected
    values = [f"CAST({'NULL' if c is None else repr(c)} AS VARCHAR)" for c in classes]
    assert connection.execute(f"SELECT {origin.migration_sql(*values)}").fetchone() == (expected,)


def test_migration_in_sql_is_the_definition_and_agrees_with_the_group_of_2022(connection):
    classes = (None, "nederland", "europa", "buiten_europa")
    for combination in itertools.product(classes, repeat=3):
        values = [f"CAST({'NULL' if c is None else repr(c)} AS VARCHAR)" for c in combination]
        sql = origin.migration_sql(*values)
        found = connection.execute(f"SELECT {sql}").fetchone()[0]
        assert found == origin.migration(*combination), combination
        if found == "nederlandse_herkomst":
            assert origin.new_group(*combination) == "nederland"
        if found in ("kind_van_migranten", "migrant"):
            assert origin.new_group(*combination) in ("europa", "buiten_europa"), combination


def test_a_label_keeps_the_classification_it_came_in():
    """Where a source sends a label, column and code list both name one classification, and its
    groups are those of that classification: nothing here can turn one into the other."""
    labelled = 0
    for contract in model.load_all():
        for table in contract.tables:
            for column in table.columns:
                if not column.name.startswith("herkomst"):
                    continue
                labelled += 1
                assert column.codelist.name == column.name, (contract.source, column.name)
                classification = column.name.removeprefix("herkomst_")
                codes = codelists.load(column.codelist.name, Path()).labels
                assert set(codes) == {*origin.GROUPS[classification], origin.UNKNOWN}
    assert labelled >= 6
    assert "herkomst" not in " ".join(
        name for name in model.load("reference").table("land").conformed_types
    )


def test_the_classification_in_use_changes_on_1_september_2022():
    with duck.work() as connection:
        found = connection.execute(
            f"SELECT list({origin.in_use('d')} ORDER BY d) FROM (VALUES (DATE '2022-08-31'), "
            "(DATE '2022-09-01')) t(d)"
        ).fetchone()[0]
    assert found == ["oud", "2022"]
