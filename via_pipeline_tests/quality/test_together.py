"""Putting small tables together for Great Expectations changes the cost, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from via_pipeline.quality import engines, together
from via_pipeline_tests.quality import staged
from via_pipeline_tests.quality.test_engines import ROWS, RULES, TYPES

pytestmark = pytest.mark.long(3)


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(tables=st.lists(ROWS, min_size=2, max_size=4))
def test_together_is_one_by_one(tables: list[list[staged.Row]], tmp_path: Path) -> None:
    paths = []
    for index, rows in enumerate(tables):
        # Every table counts its own rows from 2, as its sender does: the same numbers recur.
        numbered = [row | {"_row": place + 2} for place, row in enumerate(rows)]
        paths.append(staged.write(tmp_path / f"{index}.parquet", TYPES, numbered))
    alone = [engines.run_on_file(RULES, path) for path in paths]
    assert together.run_on_files(RULES, paths) == alone


@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(tables=st.lists(ROWS, min_size=2, max_size=3))
def test_large_tables_are_put_together_inside_duckdb(
    tables: list[list[staged.Row]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = []
    for index, rows in enumerate(tables):
        numbered = [row | {"_row": place + 2} for place, row in enumerate(rows)]
        paths.append(staged.write(tmp_path / f"{index}.parquet", TYPES, numbered))
    alone = [engines.run_on_file(RULES, path) for path in paths]
    monkeypatch.setattr(engines, "PANDAS_LIMIT_ROWS", 0)
    inside = []
    monkeypatch.setattr(together, "_inside", _told(together._inside, inside))
    assert together.run_on_files(RULES, paths) == alone
    assert inside or not any(tables)


def _told(function, calls: list[object]):
    def called(*arguments):
        calls.append(function(*arguments))
        assert calls[-1] is not None
        return calls[-1]

    return called


def test_a_key_may_recur_in_another_delivery(tmp_path: Path) -> None:
    row = {"_row": 2, "code": "x", "geheel": 1}
    paths = [staged.write(tmp_path / f"{name}.parquet", TYPES, [row]) for name in ("a", "b")]
    keys = [rule for rule in RULES if rule.id in ("uniek", "uniek_samen", "null_tekst")]
    for results in together.run_on_files(keys, paths):
        assert {result.rule: result.passed for result in results} == {
            "uniek": True,
            "uniek_samen": True,
            "null_tekst": False,
        }


def test_a_table_of_another_shape_is_run_on_its_own(tmp_path: Path) -> None:
    whole = staged.write(tmp_path / "a.parquet", TYPES, [{"_row": 2, "tekst": "b"}])
    fewer = {name: kind for name, kind in TYPES.items() if name != "tekst"}
    odd = staged.write(tmp_path / "b.parquet", fewer, [{"_row": 2}])
    rules = [rule for rule in RULES if rule.id in ("null_tekst", "vlag")]
    first, second = together.run_on_files(rules, [whole, odd])
    assert next(result for result in first if result.rule == "null_tekst").passed
    assert next(result for result in second if result.rule == "null_tekst").error


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([0, 3, 4], [[3, 4]]),
        ([6, 5, 4, 3], [[6], [5, 4], [3]]),
        ([together.SMALL_ROWS + 1, 2, together.SMALL_ROWS + 2], [[2], [25_001, 25_002]]),
        ([together.LARGE_ROWS, together.SMALL_ROWS + 1], [[together.LARGE_ROWS], [25_001]]),
        ([together.LARGE_ROWS + 1, 11], []),
    ],
)
def test_batches_stay_within_their_bound(sizes: list[int], expected: list[list[int]]) -> None:
    tables = [(Path(str(size)), size) for size in sizes]
    found = [[int(path.name) for path in batch] for batch in together.batches(tables, most=10)]
    assert found == expected
