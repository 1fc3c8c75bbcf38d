"""The sentences: Dutch numbers, and nothing causal where the design cannot carry it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from via_pipeline.outcomes import wording
from via_pipeline.outcomes.methods.registry import Claim
from via_pipeline.outcomes.methods.rows import Effect
from via_pipeline.outcomes.plan import load_all

ROW = Effect(
    pilot_id="P3",
    locatie="alle",
    uitkomst="uitgenodigd",
    uitkomst_label="uitgenodigd voor een gesprek",
    horizon="selectieronde",
    groep="totaal",
    contrast="met nudge vergeleken met ervoor",
    n_intervention=400,
    n_comparison=410,
    n_clusters=19,
    mean_comparison=30.0,
    estimate=3.1,
    se=1.4,
    ci_low=0.4,
    ci_high=5.8,
    p=0.03,
    p_adjusted=None,
    eenheid="procentpunt",
    method="itt",
    design="veldexperiment_binnen_werkgevers",
    claim="causaal",
    rol="primair",
    familie="",
    is_planned=True,
    status="voorlopig",
    reading_date=date(2020, 9, 30),
    plan_hash="0" * 64,
    leveringen="",
)
NOTHING = dict.fromkeys(("estimate", "se", "ci_low", "ci_high", "p", "mean_comparison"))
VARIANTS = [
    {},
    {"p": 0.4},
    {"p": 0.03, "p_adjusted": 0.09},
    {"p": None, "ci_low": None, "ci_high": None, "reden": "de reeks is te kort"},
    {"estimate": -3.1, "ci_low": -5.8, "ci_high": -0.4},
    {"estimate": 0.01, "ci_low": -1.0, "ci_high": 1.0, "p": 0.9},
    {"eenheid": "log-kansverhouding", "estimate": 0.58, "ci_low": 0.1, "ci_high": 1.06},
    {"contrast": "", "eenheid": "procent", "p": None},
    {"is_planned": False, "status": "definitief"},
    {**NOTHING, "waarde_status": "u", "reden": "één van de twee groepen is leeg"},
    {"groep": "niet_westers", "status": "nader_voorlopig"},
]


def test_the_example_of_the_issue() -> None:
    assert wording.sentence(ROW) == (
        "Uitgenodigd voor een gesprek: 3,1 procentpunt hoger, met nudge vergeleken met ervoor; "
        "95%-betrouwbaarheidsinterval 0,4 tot 5,8. Dit verschil is aan de aanpak toe te schrijven. "
        "Voorlopig cijfer, stand 30 september 2020."
    )


def test_a_lower_value_turns_its_interval() -> None:
    text = wording.sentence(replace(ROW, estimate=-3.1, ci_low=-5.8, ci_high=-0.4))
    assert "3,1 procentpunt lager" in text
    assert "interval 0,4 tot 5,8" in text
    across = wording.sentence(replace(ROW, estimate=-1.0, ci_low=-3.0, ci_high=1.0, p=0.3))
    assert "1,0 procentpunt lager" in across and "interval 3,0 lager tot 1,0 hoger" in across


@pytest.mark.parametrize("claim", [claim for claim in Claim if claim is not Claim.CAUSAAL])
@pytest.mark.parametrize("change", VARIANTS)
def test_no_causal_word_for_a_design_that_is_not_causal(claim: Claim, change: dict) -> None:
    text = wording.sentence(replace(ROW, claim=str(claim), **change))
    assert wording.causal_words(text) == []


def test_the_list_sees_what_it_must() -> None:
    causal = wording.sentence(ROW), wording.sentence(replace(ROW, p=0.5))
    assert all(wording.causal_words(text) for text in causal)
    for text in (
        "De nudge leidt tot meer uitnodigingen.",
        "Dankzij de begeleiding steeg de ladder.",
        "De aanpak verhoogde het aandeel.",
        "Dit draagt sterk bij aan gelijke kansen.",
        "De training zorgt voor werk.",
        "Het effect is groot.",
    ):
        assert wording.causal_words(text), text
    assert wording.causal_words("Het aandeel is 3,1 procentpunt hoger; een samenhang.") == []


def test_adjusted_p_decides_whether_a_difference_is_called_one() -> None:
    shown = replace(ROW, claim="samenhang", p=0.03, p_adjusted=0.09)
    assert "statistisch niet van nul te onderscheiden" in wording.sentence(shown)
    assert "niet van nul" not in wording.sentence(replace(shown, p_adjusted=0.04))
    assert "geen effect aangetoond" in wording.sentence(replace(shown, claim="causaal"))


def test_a_withheld_row_says_why_and_shows_no_number() -> None:
    row = replace(ROW, **NOTHING, waarde_status="u", reden="één van de twee groepen is leeg")
    text = wording.sentence(row)
    assert "geen cijfer, want één van de twee groepen is leeg." in text
    assert "interval" not in text and "procentpunt" not in text


def test_numbers_are_dutch() -> None:
    # No-break space for thousands, a real minus, half away from zero, never minus zero.
    assert wording.number(1234567.25) == "1\u00a0234\u00a0567,3"
    assert wording.number(-0.04) == "0,0"
    assert wording.number(-2.25) == "−2,3"
    assert wording.number(0.125, 2) == "0,13"
    assert wording.number(2.675, 2) == "2,68"


def test_labels_of_all_plans_are_free_of_cause() -> None:
    for plan in load_all():
        if plan.claim is Claim.CAUSAAL:
            continue
        for outcome in plan.outcomes:
            arm = plan.arm_of(outcome)
            text = f"{outcome.label} {outcome.horizon} {arm.contrast if arm else ''}"
            assert wording.causal_words(text) == [], (plan.pilot_id, outcome.name)
