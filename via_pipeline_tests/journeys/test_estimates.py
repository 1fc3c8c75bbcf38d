"""The published comparisons of the whole walk, and the same in a letter."""

from __future__ import annotations

from datetime import date

import duckdb

from via_pipeline.outcomes.plan import load_all
from via_pipeline.outcomes.wording import causal_words
from via_pipeline_tests.journeys import house

NUMBERS = ("n_interventie", "n_vergelijking", "schatting", "interval_laag", "interval_hoog", "zin")


def _published(run: house.Ran) -> list[dict]:
    with duckdb.connect(str(run.home.latest / "via.duckdb"), read_only=True) as connection:
        found = connection.sql("FROM schatting")
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def test_every_published_comparison_says_no_more_than_its_design(sample_run: house.Ran) -> None:
    rows = _published(sample_run)
    assert {row["pilot_id"] for row in rows} == {"P1", "P2", "P3", "P5", "P7", "P8"}
    plans = {(plan.pilot_id, plan.locatie): plan for plan in load_all()}
    shown = 0
    for row in rows:
        plan = plans[row["pilot_id"], row["locatie"]]
        assert row["plan_hash"] == plan.sha256 and row["is_synthetisch"]
        assert row["vastgelegd_op"] == plan.locked_on
        planned = {outcome.name for outcome in plan.outcomes}
        assert row["is_gepland"] == (row["uitkomst"] in planned)
        assert plan.reading_on(row["leesdatum"]).status == row["status"]
        assert row["claim"] == plan.claim != "causaal"
        if row["zin"]:
            assert causal_words(row["zin"]) == [], row["zin"]
        assert (row["schatting"] is None) == (row["waarde_status"] is not None)
        shown += row["schatting"] is not None
    assert shown > 40
    assert {row["status"] for row in rows} == {"voorlopig", "nader_voorlopig", "definitief"}
    # Questions that COVID-19 raised after the plans were locked, told apart.
    asked = {(row["pilot_id"], row["uitkomst"]) for row in rows if not row["is_gepland"]}
    assert asked == {("P3", "uitgenodigd_rond_corona"), ("P8", "ladder_rond_corona")}
    later = [row["zin"] for row in rows if not row["is_gepland"] and row["zin"]]
    assert later and all("stond niet in het analyseplan" in text for text in later)


def test_hidden_comparisons_leak_neither_numbers_nor_words(sample_run: house.Ran) -> None:
    rows = _published(sample_run)
    hidden = [row for row in rows if row["waarde_status"] == "c"]
    assert hidden
    assert all(row[name] is None for row in hidden for name in (*NUMBERS, "reden"))
    withheld = [row for row in rows if row["waarde_status"] in ("u", "x")]
    assert withheld and all(row["reden"] and "geen cijfer" in row["zin"] for row in withheld)
    for row in rows:
        for name in ("n_interventie", "n_vergelijking"):
            assert row[name] is None or row[name] >= 10


def test_the_third_letter_has_the_readings_of_its_day(sample_run: house.Ran) -> None:
    path = sample_run.home.letters / "derde" / "vergelijkingen.parquet"
    rows = duckdb.sql(f"SELECT DISTINCT leesdatum, status FROM '{path}'").fetchall()
    assert rows == [(date(2020, 10, 15), "voorlopig")]
