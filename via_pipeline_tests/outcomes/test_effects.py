"""Estimates at reading dates: what they see, when they are made, and that they can be redone."""

from __future__ import annotations

import random
import shutil
from collections import defaultdict
from datetime import date, timedelta

import pytest
import yaml

from via_pipeline.contracts.model import load as load_contract
from via_pipeline.intake.ledger import Ledger, Removal
from via_pipeline.outcomes import effects
from via_pipeline.outcomes.methods import analyse as methods
from via_pipeline.outcomes.plan import PLANS, load
from via_pipeline.outcomes.wording import causal_words
from via_pipeline.privacy import traces
from via_pipeline.storage import duck, lake
from via_pipeline_tests.pilots import house

FIRST, LAST = date(2020, 10, 15), date(2021, 10, 15)
AFTER = date(2021, 10, 16)
NUMBERS = ("mean_comparison", "estimate", "se", "ci_low", "ci_high", "p", "p_adjusted")


@pytest.fixture
def home(tmp_path):
    home = house.home_in(tmp_path)
    house.keep(home, "register")
    return home


@pytest.fixture
def nudging(tmp_path):
    """A folder with the plan of P3 only, so that tests are quick."""
    return chosen(tmp_path, "p3_alle")


def chosen(folder, *names):
    plans = folder / "plans"
    plans.mkdir()
    for name in names:
        shutil.copy(PLANS / f"{name}.yaml", plans)
    return plans


def applicants(seed, *, periode="2020H1", count=60, **fixed):
    """Applications to one employer before and with a nudge, by origin."""
    draw = random.Random(f"{seed} {periode}")
    rows = []
    for number in range(count):
        phase = "met" if number % 2 else "voor"
        invited = draw.random() < (0.5 if phase == "met" else 0.35)
        rows.append(
            house.persons("persoon", draw.getrandbits(60), "sollicitant_nr")
            | {
                "vacature": "v1",
                "fase": phase,
                "nudge": "vacaturetekst" if phase == "met" else "geen",
                "herkomst_oud": draw.choice(["nederlands", "westers", "niet_westers"]),
                "datum_sollicitatie": date(2020, 3, 1),
                "uitgenodigd": invited,
                "gesprek": invited,
                "aangenomen": invited and draw.random() < 0.5,
            }
            | fixed
        )
    return rows


def employers(home, *, count=8, periode="2020H1", received=date(2020, 9, 1), order=None, **fixed):
    delivered = {}
    for number in order or range(count):
        rows = applicants(number, periode=periode, **fixed)
        key = {"werkgever": f"W{number + 1:02d}", "periode": periode}
        house.deliver(home, "p3_nudging", key, {"sollicitatie": rows}, received=received)
        delivered[key["werkgever"]] = rows
    return delivered


def table(home, name=effects.EFFECT):
    with duck.work() as connection:
        lake.view(connection, home.lake, name, effects.TABLES[name])
        found = connection.sql(f"FROM {name} ORDER BY ALL")
        assert dict(zip(found.columns, map(str, found.types), strict=True)) == effects.TABLES[name]
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def content(home):
    """Every byte of the tables."""
    return {
        path.relative_to(home.lake): path.read_bytes()
        for name in effects.TABLES
        for path in sorted((home.lake / name).iterdir())
    }


def main_row(rows, uitkomst, day=FIRST):
    found = [
        row
        for row in rows
        if (row["uitkomst"], row["groep"], row["reading_date"]) == (uitkomst, "totaal", day)
        and row["method"].startswith("itt")
    ]
    assert len(found) == 1
    return found[0]


def test_the_estimate_within_employers_equals_a_plain_sum(home, nudging):
    delivered = employers(home)
    effects.refresh(home, AFTER, nudging)
    row = main_row(table(home), "uitgenodigd")
    above = below = 0.0
    for rows in delivered.values():
        split = defaultdict(list)
        for one in rows:
            split[one["fase"]].append(one["uitgenodigd"])
        with_, without = split["met"], split["voor"]
        weight = len(with_) * len(without) / len(rows)
        above += weight * (sum(with_) / len(with_) - sum(without) / len(without))
        below += weight
    assert float(row["estimate"]) == pytest.approx(100 * above / below, abs=1e-6)
    everybody = [one for rows in delivered.values() for one in rows]
    without = [one["uitgenodigd"] for one in everybody if one["fase"] == "voor"]
    assert (row["n_intervention"], row["n_comparison"]) == (240, 240)
    assert row["_teller_comparison"] == sum(without)
    assert row["n_clusters"] == 8
    assert float(row["minimaal_aantoonbaar"]) > 2.8 * float(row["se"])


def test_what_travels_with_every_row(home, nudging):
    employers(home)
    effects.refresh(home, AFTER, nudging)
    plan = load(nudging / "p3_alle.yaml")
    rows = table(home)
    ids = " ".join(sorted(f"p3_nudging-W{number:02d}_2020H1-1" for number in range(1, 9)))
    assert {row["plan_hash"] for row in rows} == {plan.sha256}
    assert {row["vastgelegd_op"] for row in rows} == {plan.locked_on}
    assert all(
        "(Niet-westerse migratieachtergrond)" in row["zin"]
        for row in rows
        if row["groep"] == "niet_westers"
    )
    assert {row["leveringen"] for row in rows} == {ids}
    assert all(row["is_synthetisch"] and row["is_planned"] for row in rows)
    assert {(row["reading_date"], row["status"]) for row in rows} == {
        (FIRST, "voorlopig"),
        (LAST, "definitief"),
    }
    assert {row["groep_soort"] for row in rows} == {"totaal", "herkomst_oud"}
    for name in effects.TABLES:
        found = table(home, name)
        assert {row["plan_hash"] for row in found} <= {plan.sha256}, name
        assert bool(found) == (name not in {"outcomes__attrition", "outcomes__balance"}), name
    (said, _) = table(home, "outcomes__plan")
    assert (said["vastgelegd_op"], said["rijen_in"]) == (plan.locked_on, 480)


def test_the_long_table_has_what_an_evaluator_asks_of_a_figure():
    asked = """pilot_id locatie uitkomst horizon groep n_intervention n_comparison mean_comparison
        estimate se ci_low ci_high p p_adjusted method design claim is_planned status reading_date
        plan_hash vastgelegd_op leveringen"""
    assert set(asked.split()) < set(effects.TABLES[effects.EFFECT])


def test_nothing_is_estimated_before_the_reading_date_is_over(home, nudging):
    employers(home)
    for today in (date(2020, 9, 2), FIRST):
        assert effects.refresh(home, today, nudging).computed == 0
        assert table(home) == []
    assert effects.refresh(home, FIRST + timedelta(1), nudging).computed == 1
    assert {row["reading_date"] for row in table(home)} == {FIRST}


def test_what_comes_after_a_reading_date_changes_nothing_of_it(home, nudging):
    employers(home)
    effects.refresh(home, date(2020, 11, 1), nudging)
    before = content(home)
    employers(home, periode="2020H2", received=FIRST + timedelta(1), uitgenodigd=True)
    assert effects.refresh(home, date(2020, 11, 1), nudging).computed == 0
    assert content(home) == before
    # A delivery of the day itself does count, and one of later at the next reading.
    employers(home, count=1, periode="2019H2", received=FIRST)
    assert effects.refresh(home, AFTER, nudging).computed == 2
    first, last = (main_row(table(home), "uitgenodigd", day) for day in (FIRST, LAST))
    assert first["n_intervention"] == 270
    assert last["n_intervention"] == 510


def test_the_same_inputs_are_not_computed_again(home, nudging, monkeypatch):
    employers(home)
    assert effects.refresh(home, AFTER, nudging).computed == 2
    before = content(home)

    def forbidden(*_, **__):
        raise AssertionError("computed again")

    monkeypatch.setattr(methods, "analyse", forbidden)
    assert effects.refresh(home, AFTER, nudging).computed == 0
    assert content(home) == before


def test_damage_to_a_reading_is_still_seen_after_another_night(home, nudging):
    employers(home)
    effects.refresh(home, AFTER, nudging)
    part = lake.parts(home.lake, effects.EFFECT)[0]
    path = home.lake / part.file
    with duck.work() as connection:
        rows = connection.execute(f"FROM read_parquet('{path}') LIMIT 1").to_arrow_table()
        connection.register("minder", rows)
        connection.execute(f"COPY minder TO '{path}' (FORMAT parquet)")
    effects.refresh(home, AFTER, nudging)
    assert lake.parts(home.lake, effects.EFFECT)[0] == part
    assert lake.describe(home.lake, path, part.name) != part


def test_another_plan_is_computed_anew_and_the_old_result_goes(home, nudging):
    employers(home)
    effects.refresh(home, AFTER, nudging)
    old = {row["plan_hash"] for row in table(home)}
    path = nudging / "p3_alle.yaml"
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    said["outcomes"] = said["outcomes"][-1:]
    path.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    effects.refresh(home, AFTER, nudging)
    rows = table(home)
    assert {row["uitkomst"] for row in rows} == {"uitgenodigd"}
    assert not old & {row["plan_hash"] for row in rows}
    assert len(list((home.lake / effects.EFFECT).glob("*.parquet"))) == 2


def test_the_order_of_arrival_changes_no_byte(tmp_path, nudging):
    contents = []
    for name, order in (("one", range(8)), ("other", reversed(range(8)))):
        home = house.home_in(tmp_path / name)
        house.keep(home, "register")
        employers(home, order=order)
        effects.refresh(home, AFTER, nudging)
        contents.append(content(home))
    assert contents[0] == contents[1]


def test_an_edition_sees_the_readings_of_its_day(home, nudging):
    employers(home)
    with duck.work() as connection:
        for day, seen in [(date(2020, 10, 14), set()), (FIRST, {FIRST}), (LAST, {FIRST, LAST})]:
            effects.see(connection, home, day, nudging)
            found = connection.sql(f"SELECT DISTINCT reading_date FROM {effects.EFFECT}").fetchall()
            assert {row[0] for row in found} == seen


@pytest.mark.parametrize(
    "fixed",
    [{"fase": "voor"}, {"uitgenodigd": True, "aangenomen": True}, {"count": 1}],
    ids=["an arm is empty", "all outcomes are equal", "clusters of one"],
)
def test_bad_data_gives_withheld_rows_with_a_reason(home, nudging, fixed):
    employers(home, **fixed)
    effects.refresh(home, AFTER, nudging)
    rows = table(home)
    assert rows
    for row in rows:
        assert row["waarde_status"] in ("u", "x") and row["reden"]
        assert all(row[name] is None for name in NUMBERS)
        assert "geen cijfer" in row["zin"]


def test_a_target_counts_from_the_day_that_the_register_knows_it(home, tmp_path):
    plans = chosen(tmp_path, "p6_spoor")
    people = [
        house.persons("persoon", number, "bsn")
        | {"fase": "afgerond", "baan": number < 20, "certificaat": True}
        | {"contractsoort": "vast" if number < 15 else "geen", "herkomst_oud": "niet_westers"}
        for number in range(40)
    ]
    key = {"locatie": "spoor", "periode": "2020H1"}
    house.deliver(home, "p6_leren_werken", key, {"traject": people}, received=date(2020, 9, 1))
    # Another site's delivery is no part of this one.
    key = {"locatie": "nova", "periode": "2020H1"}
    house.deliver(home, "p6_leren_werken", key, {"traject": people}, received=date(2020, 9, 1))
    effects.refresh(home, AFTER, plans)
    row = next(row for row in table(home) if row["method"] == "doelbereik_wilson")
    # 15 of the 30 that were promised; 40 started.
    assert (row["estimate"], row["mean_comparison"], row["_teller_intervention"]) == (50, 30, 15)
    assert row["n_intervention"] == 40
    assert row["leveringen"] == "p6_leren_werken-spoor_2020H1-1"


def test_every_plan_runs_and_no_sentence_says_more_than_its_design(home):
    employers(home)
    effects.refresh(home, date(2024, 1, 1))
    rows = table(home)
    assert {(row["pilot_id"], row["locatie"]) for row in rows} == {
        (path.stem.split("_")[0].upper(), path.stem.split("_")[1]) for path in PLANS.glob("*.yaml")
    }
    for row in rows:
        assert row["claim"] != "causaal"
        assert causal_words(row["zin"]) == [], row["zin"]


def test_only_comparisons_are_put_up_for_publication(home, tmp_path):
    plans = chosen(tmp_path, "p3_alle", "p6_spoor")
    employers(home)
    rows = effects.refresh(home, AFTER, plans).rows
    with duck.work() as connection:
        lake.view(connection, home.lake, effects.PUBLISHABLE)
        found = connection.sql(f"FROM {effects.PUBLISHABLE}")
        types = dict(zip(found.columns, map(str, found.types), strict=True))
        assert types == effects.PUBLISHABLE_COLUMNS
        made = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    assert len(made) == rows[effects.PUBLISHABLE] < rows[effects.EFFECT]
    keys = [tuple(row[name] for name in effects.KEY) for row in made]
    assert keys == sorted(keys) and len(set(keys)) == len(keys)
    assert {row["pilot_id"] for row in made} == {"P3"}
    inside = main_row(table(home), "uitgenodigd")
    (row,) = [
        row
        for row in made
        if (row["uitkomst"], row["groep"], row["reeks"]) == ("uitgenodigd", "totaal", 1)
        and row["leesdatum"] == FIRST
    ]
    assert float(row["schatting"]) == pytest.approx(float(inside["estimate"]), abs=5e-5)
    assert (row["zin"], row["plan_hash"]) == (inside["zin"], inside["plan_hash"])


def delete(home, delivery_id):
    """What the end of a term does: rows gone for good, and the ledger says so."""
    ledger, contract = Ledger(home.ledger), load_contract("p3_nudging")
    (row,) = [one for one in ledger.rows("p3_nudging") if one.delivery_id == delivery_id]
    files = traces.delete(home, contract, row)
    removed = ("bewaartermijn", row.sha256, files, row.rows_in, "verwijderd", "r", "2026-01-01")
    ledger.record_removal(Removal(delivery_id, "p3_nudging", *removed))


def test_a_reading_stays_as_it_was_made_when_its_rows_have_had_their_term(
    home, nudging, monkeypatch
):
    """Neither fewer employers nor another version of the methods makes it of what is left."""
    employers(home, count=3)
    assert effects.refresh(home, AFTER, nudging).computed
    before, rows = content(home), table(home)
    assert {row["reading_date"] for row in rows} == {FIRST, LAST}
    delete(home, "p3_nudging-W01_2020H1-1")
    monkeypatch.setattr(effects, "_code", lambda: "another version")
    assert effects.refresh(home, AFTER, nudging).computed == 0
    assert content(home) == before
    # An edition of then sees the same.
    with duck.work() as connection:
        effects.see(connection, home, FIRST, nudging)
        seen = connection.sql(f"FROM {effects.EFFECT} ORDER BY ALL").fetchall()
    assert seen == [tuple(row.values()) for row in rows if row["reading_date"] == FIRST]


def test_a_reading_that_was_never_made_is_not_made_of_what_is_left(home, nudging):
    """Its rows are gone in part: an estimate over the rest would be another estimate."""
    employers(home, count=3)
    delete(home, "p3_nudging-W01_2020H1-1")
    refreshed = effects.refresh(home, AFTER, nudging)
    assert refreshed.computed == 0 and set(refreshed.rows.values()) == {0}
