"""Plans: what they may not say, their hash, and that each runs on its contract's tables."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml

from via_pipeline.contracts.model import load_all as load_contracts
from via_pipeline.outcomes import wording
from via_pipeline.outcomes.methods import survival
from via_pipeline.outcomes.methods.analyse import (
    NotAReadingDate,
    analyse,
    columns_of,
    counts_suffice,
    keyed,
)
from via_pipeline.outcomes.methods.registry import RULES, Claim, Design, Method, claim_of
from via_pipeline.outcomes.plan import PLANS, AnalysisPlan, Outcome, PlanError, load, load_all
from via_pipeline_tests.outcomes_methods import worlds

FILES = sorted(PLANS.glob("*.yaml"))


def _said(name: str = "p3_alle") -> dict:
    return yaml.safe_load((PLANS / f"{name}.yaml").read_text(encoding="utf-8"))


def _written(tmp_path: Path, said: dict) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    return path


def test_every_design_has_a_rule_and_every_analysed_pilot_a_plan() -> None:
    assert set(RULES) == set(Design)
    assert {plan.pilot_id for plan in load_all()} == {"P1", "P2", "P3", "P5", "P6", "P7", "P8"}


def test_designs_are_those_of_the_register() -> None:
    register = pd.read_csv("data/register/locatie.csv", sep=";")
    for plan in load_all():
        site = register[(register["pilot_id"] == plan.pilot_id)]
        here = site[site["locatie"] == plan.locatie]
        assert list(here["design"]) == [str(plan.design)], (plan.pilot_id, plan.locatie)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"claim": "causaal"}, "stronger than design"),
        ({"design": "beschrijvend_panel"}, "stronger than design"),
        ({"locked_on": date(2022, 1, 1)}, "locked after its first reading"),
        ({"onbekend": 1}, "onbekend"),
        ({"arm": None}, "no arms"),
        ({"readings": []}, "readings"),
        ({"minimum_per_arm": 3}, "minimum_per_arm"),
    ],
)
def test_a_plan_that_may_not_be(tmp_path: Path, change: dict, problem: str) -> None:
    with pytest.raises(PlanError, match=problem) as error:
        load(_written(tmp_path, _said() | change))
    assert "plan.yaml" in str(error.value)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"method": "beperkte_duur"}, "horizon_days"),
        ({"method": "verschil_in_verschillen"}, "base and last"),
        ({"method": "risicoverschil"}, "does not allow"),
        ({"label": "effect van de nudge op uitnodigingen"}, "causal words"),
        ({"name": "aangenomen_niet_westers"}, "same name"),
    ],
)
def test_an_outcome_that_may_not_be(tmp_path: Path, change: dict, problem: str) -> None:
    said = _said()
    said["outcomes"][0] |= change
    with pytest.raises(PlanError, match=problem):
        load(_written(tmp_path, said))


def test_a_causal_claim_needs_a_draw_by_lot(tmp_path: Path) -> None:
    plan = load(_written(tmp_path, _said() | {"claim": "causaal", "assignment": "geloot"}))
    assert plan.claim == "causaal"


def test_the_hash_is_of_what_is_said(tmp_path: Path) -> None:
    path = PLANS / "p3_alle.yaml"
    own = load(path).sha256
    turned = dict(reversed(_said().items()))
    assert load(_written(tmp_path, turned)).sha256 == own
    assert load(_written(tmp_path, _said() | {"covariates": ["nudge"]})).sha256 != own


def test_nothing_around_an_event_is_causal_not_even_in_a_field_experiment() -> None:
    assert claim_of(Method.ROND_GEBEURTENIS, Claim.CAUSAAL) is Claim.SAMENHANG
    assert claim_of(Method.ROND_GEBEURTENIS, Claim.BESCHRIJVEND) is Claim.BESCHRIJVEND
    assert claim_of(Method.ITT, Claim.CAUSAAL) is Claim.CAUSAAL


def test_the_draws_depend_on_plan_and_question_and_on_nothing_else() -> None:
    frame = worlds.employers()

    def p_values(plan: AnalysisPlan) -> list[float]:
        got = analyse(plan, frame, reading_date=date(2020, 10, 15))
        return [
            row.p
            for row in got.effects
            if row.method == "wild_cluster_bootstrap" and row.groep == "totaal"
        ]

    first = p_values(_plan())
    assert p_values(_plan()) == first
    assert len(set(first[:2])) == 2, "the same outcome under two names, drawn apart"
    assert p_values(_plan(title="Een ander plan")) != first


def test_spells_that_are_counted_give_what_the_spells_themselves_give() -> None:
    plan = load(PLANS / "p7_alle.yaml")
    frame = worlds.spells(6000).rename(
        columns={"persoon": "persoon_id", "groep": "herkomst_oud", "leeftijd": "leeftijdsklasse",
                 "dagen": "duur_dagen"}
    )  # fmt: skip
    reasons = pd.Series({1: "werk", 2: "ziekte"})
    frame = frame.assign(
        persoon_id_soort="bsn", reden=frame["reden"].map(reasons),
        # Somebody of whom the length is not known, and somebody of another group.
        duur_dagen=frame["duur_dagen"].where(frame.index != 7).astype("Float64"),
        herkomst_oud=frame["herkomst_oud"].where(frame.index != 8, "westers"),
    )  # fmt: skip
    assert counts_suffice(plan)
    alike = sorted(columns_of(plan) - set(plan.unit))
    counted = frame.groupby(alike, dropna=False).size().rename(survival.WEIGHT).reset_index()
    assert len(counted) < len(frame) / 2
    day = plan.readings[0].date
    assert analyse(plan, counted, reading_date=day) == analyse(plan, frame, reading_date=day)


def test_a_plan_that_looks_at_persons_is_not_given_counts() -> None:
    assert {plan.pilot_id for plan in load_all() if counts_suffice(plan)} == {"P7"}


def test_somebody_with_two_spells_counts_once_in_p7(catalog: duckdb.DuckDBPyConnection) -> None:
    catalog.execute("BEGIN")
    for number, (begin, end) in enumerate([("2019-03-01", "2019-06-01"), ("2020-01-01", None)]):
        catalog.execute(
            "INSERT INTO pilots__p7_ww_periode BY NAME SELECT 'p7-1' AS _delivery, 'a' AS "
            f"persoon_id, 'bsn' AS persoon_id_soort, {number} AS volgnummer, "
            "CAST(? AS DATE) AS begindatum, CAST(? AS DATE) AS einddatum",
            [begin, end],
        )
    found = catalog.sql(load(PLANS / "p7_alle.yaml").relation).df()
    catalog.execute("ROLLBACK")
    assert [str(day)[:10] for day in found["begindatum"]] == ["2019-03-01"]


def test_readings() -> None:
    plan = load(PLANS / "p3_alle.yaml")
    assert plan.reading_on(date(2020, 10, 16)) is None
    assert plan.last_reading(date(2020, 11, 9)).status == "voorlopig"
    assert plan.last_reading(date(2020, 1, 1)) is None


@pytest.fixture(scope="module")
def catalog() -> duckdb.DuckDBPyConnection:
    """Empty tables of all contracts, typed as the catalog makes them."""
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE pilots__levering (delivery_id VARCHAR, bron VARCHAR, bestand VARCHAR, "
        "ontvangen DATE, peildatum DATE, sleutel MAP(VARCHAR, VARCHAR), is_synthetisch BOOLEAN, "
        "is_in_gebruik BOOLEAN)"
    )
    for contract in load_contracts():
        for table in contract.tables:
            columns = ", ".join(f'"{name}" {kind}' for name, kind in table.conformed_types.items())
            connection.execute(f"CREATE TABLE {table.lake_table} ({columns})")
    return connection


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_plan_runs_on_its_contract_and_withholds_everything_without_rows(
    path: Path, catalog: duckdb.DuckDBPyConnection
) -> None:
    plan = load(path)
    frame = catalog.sql(plan.relation).df()
    result = analyse(plan, frame, reading_date=plan.readings[0].date)
    assert len(result.effects) >= len(plan.outcomes)
    for row in result.effects:
        assert row.estimate is None and row.reden and row.waarde_status == "x"
        assert "geen cijfer" in wording.sentence(row)


def _plan(**change) -> AnalysisPlan:
    said = _said() | {
        "relation": "SELECT 1",
        "unit": ["persoon"],
        "subgroups": [{"column": "herkomst", "values": ["nederlands", "niet_westers"]}],
    }
    for outcome in said["outcomes"]:
        outcome["column"] = "uitgenodigd"
        outcome.pop("where", None)
    return AnalysisPlan.model_validate(said | change)


def test_everything_of_a_plan_comes_out() -> None:
    plan, frame = _plan(covariates=["leeftijd"]), worlds.employers()
    got = analyse(plan, frame, reading_date=date(2020, 10, 15), deliveries=["b", "a", "b"])
    main = got.effects[0]
    assert (main.leveringen, main.status, main.plan_hash) == ("a b", "voorlopig", plan.sha256)
    assert main.is_planned and main.n_clusters == 19
    methods = {row.method for row in got.effects if row.uitkomst == main.uitkomst}
    assert {"itt_vaste_effecten_crv3", "wild_cluster_bootstrap"} <= methods
    assert {row.groep for row in got.effects} == {"totaal", "nederlands", "niet_westers"}
    # Few clusters in a group as well: each group has the bootstrap beside it.
    beside = [row.groep for row in got.effects if row.method == "wild_cluster_bootstrap"]
    assert sorted(beside) == sorted(3 * ["totaal", "nederlands", "niet_westers"])
    # Twice the same outcome in one family of two: Holm doubles.
    assert main.p_adjusted == pytest.approx(min(1, 2 * main.p))
    assert got.effects[-1].p_adjusted is None
    assert {row.uitkomst for row in got.heterogeneity} == {o.name for o in plan.outcomes}
    assert {row.arm for row in got.flow} == {"interventie", "vergelijking"}
    assert got.balance[-1].p_joint is not None
    assert got.detectable[0].minimum_detectable > 2.8 * got.detectable[0].se
    assert "ontbreken geen waarden" in got.missing_statement
    assert keyed(got.balance, plan, date(2020, 10, 15))[0]["plan_hash"] == plan.sha256
    sentences = [wording.sentence(row) for row in got.effects]
    assert all(wording.causal_words(text) == [] for text in sentences)
    again = analyse(
        plan,
        frame.sample(frac=1, random_state=1),
        reading_date=date(2020, 10, 15),
        deliveries=["a", "b"],
    )
    assert again.effects == got.effects
    assert again.heterogeneity == got.heterogeneity


def test_no_estimates_between_reading_dates() -> None:
    with pytest.raises(NotAReadingDate, match="2020-10-16"):
        analyse(_plan(), worlds.employers(), reading_date=date(2020, 10, 16))


def test_a_mistake_in_the_plan_is_no_withheld_row() -> None:
    with pytest.raises(KeyError, match="bestaat_niet"):
        analyse(_plan(strata=["bestaat_niet"]), worlds.employers(), reading_date=date(2020, 10, 15))


def test_what_was_not_planned_is_marked() -> None:
    extra = Outcome(
        name="naderhand",
        label="score naderhand bekeken",
        role="secundair",
        estimand="verschil",
        horizon="selectieronde",
        column="score",
        unit="punten",
        method="itt",
    )
    got = analyse(_plan(), worlds.employers(), reading_date=date(2020, 10, 15), unplanned=[extra])
    rows = [row for row in got.effects if row.uitkomst == "naderhand"]
    assert rows and not any(row.is_planned for row in rows)
    assert "stond niet in het analyseplan" in wording.sentence(rows[0])
    assert all(row.is_planned for row in got.effects if row.uitkomst != "naderhand")


def test_a_random_draw_gets_randomisation_inference_beside_it() -> None:
    got = analyse(
        _plan(assignment="geloot", claim="causaal"),
        worlds.employers(),
        reading_date=date(2020, 10, 15),
    )
    assert "randomisatie_inferentie" in {row.method for row in got.effects}


def test_moments_give_flow_and_attrition() -> None:
    said = _said("p8_enschede") | {"relation": "SELECT 1", "unit": ["persoon"], "covariates": []}
    said["moments"] = {"column": "moment", "date": "datum"}
    for outcome in said["outcomes"]:
        outcome["column"] = "score"
    plan = AnalysisPlan.model_validate(said)
    frame = worlds.measured()
    frame["score"] = frame["score"].round()
    gone = (frame["moment"] == 3) & (frame["persoon"] < "p3")
    got = analyse(plan, frame[~gone], reading_date=date(2020, 10, 15))
    lost = frame.loc[gone, "persoon"].nunique()
    assert [row.n_lost for row in got.attrition if row.arm == "totaal"] == [lost]
    assert sum(row.n_lost for row in got.flow) == lost
    assert all(row.estimate is not None for row in got.effects)
    assert got.effects[0].n_intervention + got.effects[0].n_comparison == 120 - lost


def test_a_target_comes_from_outside_the_plan() -> None:
    plan = load(PLANS / "p6_spoor.yaml")
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "persoon_id": [f"p{i}" for i in range(40)],
            "persoon_id_soort": "bsn",
            "vaste_baan": [True] * 12 + [False] * 28,
            "baan": rng.random(40) < 0.5,
        }
    )
    day = plan.readings[0].date
    without = analyse(plan, frame, reading_date=day).effects[0]
    assert without.estimate is None and "geen doel bekend" in without.reden
    row = analyse(plan, frame, reading_date=day, targets={"vaste_baan_2021": 30}).effects[0]
    assert row.estimate == pytest.approx(40.0)
    assert wording.sentence(row).startswith(
        "Deelnemers met een vaste baan: 40,0 procent van het doel; 95%-betrouwbaarheidsinterval"
    )
