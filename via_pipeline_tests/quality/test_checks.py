from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from via_pipeline.contracts import model
from via_pipeline.contracts.model import Severity
from via_pipeline.intake.records import Finding
from via_pipeline.quality import checks
from via_pipeline.quality.checks import CLOSED, READABLE, SHARE, CheckOutcome, all_outcomes
from via_pipeline.quality.results import ValidationResult
from via_pipeline.quality.run import judge, results_in_force, rules_by_table
from via_pipeline_tests.quality import examples, staged

P5 = examples.p5()
RULES = rules_by_table(P5, staged.REFERENCE)


def _outcomes(results: list[ValidationResult]) -> dict[str, CheckOutcome]:
    return {item.rule: item for item in all_outcomes(P5, RULES, results)}


def _judged(tmp_path: Path, **wrong: object) -> list[ValidationResult]:
    home = examples.home(tmp_path)
    examples.stage(home, P5, "p5_behoud-1", **wrong)  # type: ignore[arg-type]
    judge(home, P5, run_id="run-1")
    return results_in_force(home, P5)


@pytest.mark.parametrize("source", model.source_names())
def test_every_rule_has_an_outcome_also_without_deliveries(source: str) -> None:
    contract = model.load(source)
    rules = rules_by_table(contract, staged.REFERENCE)
    found = all_outcomes(contract, rules, [])
    assert [item.rule for item in found if item.table is None] == [READABLE, CLOSED, SHARE]
    for table in contract.tables:
        of_table = [item.rule for item in found if item.table == table.name]
        assert of_table == [rule.id for rule in rules[table.name]]
    assert all(item.passed and item.deliveries == 0 for item in found)
    assert {item.english.endswith("no deliveries yet") for item in found} == {True}


def test_a_clean_delivery_passes_every_check(tmp_path: Path) -> None:
    found = _outcomes(_judged(tmp_path))
    assert [name for name, item in found.items() if not item.passed] == []
    assert {item.deliveries for item in found.values()} == {1}
    assert found["jaar__bereik"].evaluated == 20
    assert found["tabel__kolommen"].evaluated == 1


@pytest.mark.parametrize(
    ("column", "value", "rule", "severity"),
    [
        ("regel__jaar__hoort_bij_levering", 0, "jaar__hoort_bij_levering", "ERROR"),
        ("leeftijdsklasse", "stokoud", "leeftijdsklasse__codelijst", "WARN"),
        ("regel__uit_dienst__met_reden", 0, "uit_dienst__met_reden", "WARN"),
    ],
)
def test_the_severity_is_the_outcomes(
    column: str, value: object, rule: str, severity: str, tmp_path: Path
) -> None:
    found = _outcomes(_judged(tmp_path, changes={5: {column: value}}))[rule]
    assert (found.passed, found.severity, found.is_blocking) == (False, severity, False)
    (example,) = found.examples
    assert (example.rows, example.failed, example.delivery_id) == ((5,), 1, "p5_behoud-1")
    assert found.english.endswith("1 failing in 1 of 1 deliveries")
    assert found.explanation.endswith(".")


def test_examples_are_few_and_the_count_is_whole(tmp_path: Path) -> None:
    changes = {row: {"leeftijdsklasse": "stokoud"} for row in range(2, 52)}
    found = _outcomes(_judged(tmp_path, count=60, changes=changes))
    rule = found["leeftijdsklasse__codelijst"]
    assert rule.failed == 50
    assert rule.examples[0].rows == tuple(range(2, 22))
    share = found[SHARE]
    assert (share.passed, share.severity, share.failed) == (False, "ERROR", 50)


def test_a_share_within_the_limit_passes(tmp_path: Path) -> None:
    found = _outcomes(_judged(tmp_path, changes={5: {"leeftijdsklasse": "stokoud"}}))
    assert found[SHARE].passed


@pytest.mark.parametrize(
    ("severity", "passed", "told"),
    [(Severity.REJECT_FILE, False, "ERROR"), (Severity.REJECT_ROW, False, "WARN"),
     (Severity.WARN, True, "WARN")],
)  # fmt: skip
def test_findings_of_intake(severity: Severity, passed: bool, told: str, tmp_path: Path) -> None:
    finding = Finding("bestand__x", severity, "Er is iets.", "a.csv", "medewerker", 5)
    found = _outcomes(_judged(tmp_path, findings=(finding,)))[READABLE]
    assert (found.passed, found.severity) == (passed, told)
    assert ("Er is iets." in found.explanation) is not passed


def test_rows_that_do_not_close_block(tmp_path: Path) -> None:
    (result,) = _judged(tmp_path)
    assert _outcomes([result])[CLOSED].passed
    lost = replace(result, counts=(replace(result.counts[0], accepted=19),))
    found = _outcomes([lost])[CLOSED]
    assert (found.passed, found.severity, found.is_blocking) == (False, "ERROR", True)
    assert found.failed == 1


def test_a_rule_that_did_not_run_is_an_error(tmp_path: Path) -> None:
    (result,) = _judged(tmp_path)
    rules = tuple(
        replace(item, passed=False, failed=0, error="TypeError")
        if item.rule == "uit_dienst__met_reden"
        else item
        for item in result.rules
    )
    found = _outcomes([replace(result, rules=rules)])["uit_dienst__met_reden"]
    assert (found.passed, found.severity) == (False, checks.ERROR)
    assert "not run: TypeError" in found.english


def test_outcomes_are_plain_values(tmp_path: Path) -> None:
    results = _judged(tmp_path, changes={5: {"leeftijdsklasse": "KANARIE"}})
    told = json.dumps([asdict(item) for item in all_outcomes(P5, RULES, results)])
    assert "KANARIE" not in told
