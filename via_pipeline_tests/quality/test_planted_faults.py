"""Every rule of every contract passes on a clean table and fails on a fault planted for it.

One clean twin and one dirty twin a table: each row rule has a row of its own that breaks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from via_pipeline.contracts import model
from via_pipeline.contracts.rules import SHAPE, Rule
from via_pipeline.quality import engines
from via_pipeline.quality.results import RuleResult
from via_pipeline.quality.run import rules_by_table
from via_pipeline_tests.quality import staged
from via_pipeline_tests.quality.staged import ROW_COUNT, UNIQUE

PANDAS, DUCKDB = 10**9, 0


@dataclass(frozen=True)
class Case:
    contract: model.Contract
    table: model.Table
    rules: list[Rule]

    @property
    def on_rows(self) -> list[Rule]:
        return [rule for rule in self.rules if staged.is_about_rows(rule)]

    @property
    def staged_rules(self) -> list[Rule]:
        return [rule for rule in self.rules if rule.suite != SHAPE]

    @property
    def size(self) -> int:
        """Rows of the clean twin: three, or as many as a rule asks for."""
        least = [r.kwargs.get("min_value", 0) for r in self.rules if r.expectation == ROW_COUNT]
        return max(3, *least)

    def clean(self) -> list[staged.Row]:
        return staged.clean_rows(self.contract, self.table, self.rules, self.size)

    def write(self, folder: Path, name: str, rows: list[staged.Row]) -> Path:
        return staged.write(folder / name, staged.types_of(self.table, self.rules), rows)


def _cases() -> list[Case]:
    cases = []
    for contract in model.load_all():
        rules = rules_by_table(contract, staged.REFERENCE)
        cases += [Case(contract, table, rules[table.name]) for table in contract.tables]
    return cases


CASES = [pytest.param(case, id=f"{case.contract.source}.{case.table.name}") for case in _cases()]
PILOTS = [param for param in CASES if param.values[0].contract.pilot]


def _by_id(results: list[RuleResult]) -> dict[str, RuleResult]:
    assert [result.error for result in results if result.error] == []
    return {result.rule: result for result in results}


@pytest.mark.parametrize("case", CASES)
def test_clean_twin_breaks_nothing(case: Case, tmp_path: Path) -> None:
    path = case.write(tmp_path, "clean.parquet", case.clean())
    results = engines.run_on_file(case.staged_rules, path, threshold_rows=PANDAS)
    assert [result.rule for result in results if not result.passed] == []
    assert [result.rule for result in results] == [rule.id for rule in case.staged_rules]


@pytest.mark.parametrize("case", CASES)
def test_header_twins(case: Case) -> None:
    shape = [rule for rule in case.rules if rule.suite == SHAPE]
    names = [column.name for column in case.table.delivered_columns]
    assert all(result.passed for result in engines.run_on_header(shape, names))
    for faulty in (names[1:], [*names, "extra"], [names[0].upper(), *names[1:]]):
        assert not any(result.passed for result in engines.run_on_header(shape, faulty))


def _dirty(case: Case) -> tuple[list[staged.Row], dict[str, set[int]]]:
    """Clean rows, then one row per rule that breaks it; and which rows each rule must name."""
    clean = case.clean()
    rows, planted = list(clean), {}
    for rule in case.on_rows:
        number = len(rows) + 2
        row = clean[0] | {"_row": number}
        for person in case.table.persons:
            row[f"{person.name}_id"] = f"{number + 10**6:064x}"
        planted[rule.id] = {number}
        if rule.expectation in UNIQUE:
            row = clean[0] | {"_row": number}
            planted[rule.id].add(clean[0]["_row"])
        else:
            row = staged.broken(rule, row)
        rows.append(row)
    return rows, planted


@pytest.mark.parametrize("engine", [PANDAS, DUCKDB], ids=["pandas", "duckdb"])
@pytest.mark.parametrize("case", PILOTS)
def test_every_row_rule_fails_on_its_fault_on_both_engines(
    case: Case, engine: int, tmp_path: Path
) -> None:
    _assert_planted(case, engine, tmp_path)


@pytest.mark.parametrize("case", [param for param in CASES if param not in PILOTS])
def test_every_row_rule_of_kept_sources_fails_on_its_fault(case: Case, tmp_path: Path) -> None:
    _assert_planted(case, PANDAS, tmp_path)


def _assert_planted(case: Case, engine: int, tmp_path: Path) -> None:
    rows, planted = _dirty(case)
    path = case.write(tmp_path, "dirty.parquet", rows)
    results = _by_id(engines.run_on_file(case.on_rows, path, threshold_rows=engine))
    clean = {row["_row"] for row in rows[: case.size]}
    for rule in case.on_rows:
        found = set(results[rule.id].rows)
        assert not results[rule.id].passed, rule.id
        assert planted[rule.id] <= found, rule.id
        assert results[rule.id].failed == len(found)
        if rule.expectation not in UNIQUE:
            assert not found & clean, rule.id


@pytest.mark.parametrize("case", CASES)
def test_every_rule_on_the_whole_table_fails_on_its_fault(case: Case, tmp_path: Path) -> None:
    engine = DUCKDB if case.contract.pilot else PANDAS
    counted = [rule for rule in case.staged_rules if rule.expectation == ROW_COUNT]
    path = case.write(tmp_path, "empty.parquet", [])
    results = _by_id(engines.run_on_file(counted, path, threshold_rows=engine))
    assert not any(result.passed for result in results.values())
    assert set(results) == {rule.id for rule in counted}
    rest = [rule for rule in case.staged_rules if staged.is_aggregate(rule)]
    rows = case.clean()
    for rule in rest:
        rows = staged.spoiled(rule, rows)
    path = case.write(tmp_path, "spoiled.parquet", rows)
    for threshold in (PANDAS, DUCKDB):
        results = _by_id(engines.run_on_file(rest, path, threshold_rows=threshold))
        assert [rule.id for rule in rest if results[rule.id].passed] == []


@pytest.mark.parametrize("case", CASES)
def test_no_rule_is_left_out_of_the_twins(case: Case) -> None:
    for rule in case.rules:
        kinds = [
            rule.suite == SHAPE,
            rule.expectation == ROW_COUNT,
            staged.is_aggregate(rule),
            rule in case.on_rows,
        ]
        assert sum(kinds) == 1, rule.id
