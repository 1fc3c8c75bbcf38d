"""Comparisons of two arms: what hides one arm hides the row, words included."""

import duckdb
import pytest

from via_pipeline.disclosure.model import load_dataset, load_ruleset
from via_pipeline.disclosure.protect import protect
from via_pipeline.outcomes import effects
from via_pipeline_tests.disclosure import tables

COMPARISON = load_dataset("schatting")
ARMS = ("interventie", "vergelijking")
FREQUENCY = load_ruleset("minimumfrequentie")


def protected(rows) -> dict[tuple, dict]:
    with duckdb.connect() as connection:
        tables.table(connection, COMPARISON.source, tables.SCHATTING, rows)
        found = protect(connection, COMPARISON, FREQUENCY)
        made = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    return {(row["uitkomst"], row["groep"]): row for row in made}


def is_dark(row) -> bool:
    """Nothing of the figure is there: no number, no sentence, no reason that tells of it."""
    hidden = [row[name] is None for name in COMPARISON.numbers]
    assert all(hidden) or row["schatting"] is not None or row["waarde_status"] in ("u", "x")
    return all(hidden)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((9, 5), (50, 20)),
        ((50, 20), (9, 5)),
        ((50, 9), (50, 20)),
        ((50, 20), (50, 41)),
        ((50, 0), (50, 20)),
        ((9, None), (50, None)),
    ],
    ids=["few", "few to compare", "few have it", "few have it not", "nobody has it", "a mean"],
)
def test_a_small_number_in_either_arm_hides_the_row_and_its_words(one, other):
    row = protected([tables.comparison("totaal", "totaal", one, other)])["baan", "totaal"]
    assert is_dark(row)
    assert (row["waarde_status"], row["regel"]) == ("c", "minimumfrequentie")
    assert row["is_synthetisch"] and row["plan_hash"]


def test_enough_in_both_arms_is_shown():
    row = protected([tables.comparison("totaal", "totaal", (50, 20), (50, 20))])["baan", "totaal"]
    assert (row["n_interventie"], row["n_vergelijking"]) == (50, 50)
    assert row["zin"] and row["waarde_status"] is None and row["regel"] is None


def test_a_withheld_estimate_keeps_its_own_status_and_reason():
    made = [tables.comparison("totaal", "totaal", (40, None), (40, None), status="u")]
    row = protected(made)["baan", "totaal"]
    assert (row["waarde_status"], row["reden"]) == ("u", "te weinig clusters")
    assert row["schatting"] is None and row["zin"] and row["n_interventie"] == 40


def test_with_nobody_there_nothing_is_available():
    made = [tables.comparison("totaal", "totaal", (None, None), (None, None), status="x")]
    row = protected(made)["baan", "totaal"]
    assert row["waarde_status"] == "x" and row["reden"]


def groups(small):
    return [
        tables.comparison("totaal", "totaal", (80 + small, 40), (100, 45)),
        tables.comparison("herkomst_oud", "nederlands", (45, 20), (50, 20)),
        tables.comparison("herkomst_oud", "niet_westers", (35, 15), (30, 14)),
        tables.comparison("herkomst_oud", "westers", (small, 3), (20, 11)),
    ]


def test_a_hidden_group_is_not_what_the_others_leave_of_the_total():
    found = protected(groups(4))
    assert is_dark(found["baan", "westers"])
    others = [found["baan", name] for name in ("totaal", "nederlands", "niet_westers")]
    second = [row for row in others if is_dark(row)]
    assert second
    assert {(row["waarde_status"], row["regel"]) for row in second} == {("c", "minimumfrequentie")}


def test_the_same_figure_under_another_name_is_hidden_too():
    rows = [dict(zip(effects.PUBLISHABLE_COLUMNS, row, strict=True)) for row in groups(4)]
    darkness = set()
    for twin in rows:
        pairs = [(twin[f"n_{arm}"], twin[f"_teller_{arm}"]) for arm in ARMS]
        again = tables.comparison("totaal", "totaal", *pairs, measure="baan_apart")
        found = protected([*groups(4), again])
        is_hidden = is_dark(found["baan", twin["groep"]])
        assert is_dark(found["baan_apart", "totaal"]) is is_hidden
        darkness.add(is_hidden)
    assert darkness == {True, False}
