"""Questions asked after the plan was locked: computed from then on, kept apart, marked."""

from __future__ import annotations

import shutil
from datetime import date

import pytest
import yaml

from via_pipeline.outcomes import effects, exploration
from via_pipeline.outcomes.plan import PLANS, PlanError, load
from via_pipeline_tests.outcomes.test_effects import AFTER, FIRST, LAST, employers, table
from via_pipeline_tests.pilots import house

QUESTION = {
    "name": "gesprek_naderhand",
    "label": "gesprek gevoerd, alle sollicitanten",
    "role": "secundair",
    "estimand": "verschil in kans op een gesprek, binnen werkgevers",
    "horizon": "selectieronde",
    "column": "gesprek",
    "unit": "procentpunt",
    "method": "itt",
}
FILE = {
    "pilot_id": "P3",
    "locatie": "alle",
    "asked_on": date(2021, 1, 4),
    "why": "Vraag van de begeleidingscommissie.",
    "outcomes": [QUESTION],
}


@pytest.fixture
def plans(tmp_path):
    folder = tmp_path / "plans"
    (folder / exploration.FOLDER).mkdir(parents=True)
    shutil.copy(PLANS / "p3_alle.yaml", folder)
    return folder


def ask(plans, name="vraag.yaml", **change):
    said = yaml.safe_dump(FILE | change, allow_unicode=True)
    (plans / exploration.FOLDER / name).write_text(said, encoding="utf-8")


@pytest.fixture
def home(tmp_path):
    home = house.home_in(tmp_path)
    house.keep(home, "register")
    return home


def test_a_later_question_is_answered_from_its_day_on_and_marked(home, plans):
    employers(home)
    effects.refresh(home, AFTER, plans)
    planned = table(home)
    ask(plans)
    # The first reading was before the question: only the second is computed anew.
    assert effects.refresh(home, AFTER, plans).computed == 1
    rows = table(home)
    asked = [row for row in rows if row["uitkomst"] == QUESTION["name"]]
    assert {row["reading_date"] for row in asked} == {LAST}
    assert {(row["is_planned"], row["rol"]) for row in asked} == {(False, "verkennend")}
    assert all("stond niet in het analyseplan" in row["zin"] for row in asked)
    # No groups, no family: neither was planned. And what was planned stays as it was.
    assert {row["groep"] for row in asked} == {"totaal"}
    assert {row["p_adjusted"] for row in asked} == {None}

    def told(found):
        return sorted(
            (str(row["reading_date"]), row["volgorde"], row["zin"])
            for row in found
            if row["is_planned"]
        )

    assert told(rows) == told(planned)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"asked_on": date(2020, 8, 1)}, "before the plan was locked"),
        ({"outcomes": [QUESTION | {"name": "uitgenodigd"}]}, "asked already"),
        ({"outcomes": [QUESTION | {"role": "primair"}]}, "cannot join"),
        ({"outcomes": [QUESTION | {"family": "voortgang_per_stap"}]}, "cannot join"),
        ({"outcomes": [QUESTION | {"method": "doelbereik", "target": "x", "unit": "procent"}]},
         "does not allow"),
        ({"outcomes": [QUESTION | {"label": "effect op het gesprek"}]}, "causal words"),
        ({"waarom": "niets"}, "waarom"),
    ],
)  # fmt: skip
def test_a_question_that_may_not_be(plans, change, problem):
    ask(plans, **change)
    with pytest.raises(PlanError, match=problem) as error:
        exploration.of(load(plans / "p3_alle.yaml"), plans)
    assert "vraag.yaml" in str(error.value)


def test_a_question_about_a_site_without_plan_is_no_silence(home, plans):
    ask(plans, pilot_id="P8", locatie="enschede")
    with pytest.raises(PlanError, match=r"vraag\.yaml: the site has no analysis plan"):
        effects.refresh(home, AFTER, plans)


def test_the_shipped_questions_fit_their_plans():
    asked = [
        (plan.pilot_id, outcome.name)
        for path in sorted(PLANS.glob("*.yaml"))
        for plan in [load(path)]
        for one in exploration.of(plan)
        for outcome in one.outcomes
    ]
    assert asked == [("P3", "uitgenodigd_rond_corona"), ("P8", "ladder_rond_corona")]


def test_the_next_reading_is_the_first_that_is_not_over(plans):
    assert effects.next_reading(date(2020, 1, 1), plans) == FIRST
    assert effects.next_reading(FIRST, plans) == FIRST
    assert effects.next_reading(date(2020, 10, 16), plans) == LAST
    assert effects.next_reading(AFTER, plans) is None
