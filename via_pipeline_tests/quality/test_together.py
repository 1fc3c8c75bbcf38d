"""Putting small tables together for Great Expectations changes the cost, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from via_pipeline.quality import engines, together
from via_pipeline.storage.duck import work
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


def test_many_values_and_few_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"_row": place + 2, "tekst": "ab" * (place % 3), "code": "xz"[place % 2], "geheel": place}
        for place in range(40)
    ]
    paths = [staged.write(tmp_path / f"{name}.parquet", TYPES, rows) for name in ("a", "b")]
    few = together.run_on_files(RULES, paths)
    monkeypatch.setattr(together, "MOST_VALUES", 3)
    assert together.run_on_files(RULES, paths) == few


def test_few_failing_values_and_many_give_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[staged.Row] = [
        {"_row": place + 2, "tekst": [None, "ab", "fout"][place % 3], "geheel": -place, "ja": None}
        for place in range(40)
    ]
    paths = [staged.write(tmp_path / f"{name}.parquet", TYPES, rows) for name in ("a", "b")]
    found = []
    for most in (0, 20, 100):  # by hash; one column each way; all in one reading
        monkeypatch.setattr(together, "_FEW", most)
        found.append(together.run_on_files(RULES, paths))
    assert found[0] == found[1] == found[2] == [engines.run_on_file(RULES, path) for path in paths]


def test_a_value_that_fails_is_asked_about_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fills a column up to the longest one is the value of the first row, which passes."""
    rows: list[staged.Row] = [
        {"_row": place + 2, "geheel": place, "code": ["x", "fout", "01", "y's"][place % 4]}
        for place in range(60)
    ]
    path = staged.write(tmp_path / "a.parquet", TYPES, rows)
    frames = []
    judged = engines.on_pandas
    monkeypatch.setattr(
        engines, "on_pandas", lambda rules, frame: frames.append(frame) or judged(rules, frame)
    )
    known = [rule for rule in RULES if rule.id in ("in", "bereik")]
    (results,) = together.run_on_files(known, [path], threshold_rows=5)
    assert {result.rule: result.failed for result in results} == {"in": 15, "bereik": 0}
    (frame,) = frames
    assert frame["code"].value_counts().to_dict() == {"x": 57, "fout": 1, "01": 1, "y's": 1}


def test_two_keys_with_one_hash_are_two_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[staged.Row] = [
        {"_row": place + 2, "code": str(place // 3 * 3), "geheel": place % 5} for place in range(20)
    ]
    paths = [staged.write(tmp_path / f"{name}.parquet", TYPES, rows) for name in ("a", "b")]
    keys = [rule for rule in RULES if rule.id in ("uniek", "uniek_samen", "uniek_drie")]
    expected = together.run_on_files(keys, paths)

    @contextmanager
    def all_alike(scratch: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        with work(scratch) as connection:
            connection.execute(
                "CREATE TEMP MACRO hash(a) AS 7, (a, b) AS 7, (a, b, c) AS 7::UBIGINT"
            )
            yield connection

    monkeypatch.setattr(together, "work", all_alike)
    assert together.run_on_files(keys, paths) == expected
    assert any(not result.passed for result in expected[0])
    assert any(result.passed for result in expected[0])


def test_a_large_table_is_judged_by_its_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"_row": place + 2, "code": "xz"[place % 7 == 0], "geheel": 1} for place in range(60)]
    path = staged.write(tmp_path / "a.parquet", TYPES, rows)
    alone = engines.run_on_file(RULES, path)
    seen: list[int] = []
    judged = engines.on_pandas
    monkeypatch.setattr(
        engines, "on_pandas", lambda rules, frame: seen.append(len(frame)) or judged(rules, frame)
    )
    assert together.run_on_files(RULES, [path], threshold_rows=59) == [alone]
    # Two codes, and the sixty rows whose key is there more than once.
    assert seen[0] == 2
    assert max(seen) == 60


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


def test_a_rule_that_is_about_more_than_the_value_is_asked_of_the_rows(tmp_path: Path) -> None:
    """A condition or a share says something else of values than of rows."""
    rows = [{"_row": place + 2, "code": "xz"[place == 0], "geheel": 1} for place in range(10)]
    paths = [staged.write(tmp_path / f"{name}.parquet", TYPES, rows) for name in ("a", "b")]
    known = next(rule for rule in RULES if rule.id == "in")
    key = next(rule for rule in RULES if rule.id == "uniek_samen")
    told = [
        # Nine rows in ten are right, and one value in two.
        replace(known, id="meest", kwargs=known.kwargs | {"value_set": ["x"], "mostly": 0.9}),
        replace(known, id="soms", kwargs=known.kwargs
                | {"value_set": ["x"], "row_condition": "geheel > 1",
                   "condition_parser": "pandas"}),
        replace(key, id="sleutel", kwargs=key.kwargs | {"ignore_row_if": "never"}),
    ]  # fmt: skip
    alone = [engines.run_on_file(told, path) for path in paths]
    assert together.run_on_files(told, paths) == alone
    assert {result.rule: result.passed for result in alone[0]}["meest"]


def test_a_small_table_is_judged_on_the_connection_that_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = staged.write(tmp_path / "a.parquet", TYPES, [{"_row": 2, "code": "x", "tekst": "ab"}])
    alone = engines.run_on_file(RULES, path)
    monkeypatch.setattr(together, "work", lambda *_: pytest.fail("another one was opened"))
    with work() as connection:
        assert together.run_on_files(RULES, [path], connection=connection) == [alone]


def test_a_file_that_was_sent_twice_over_stays_in_duckdb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"_row": place + 2, "code": str(place // 2), "geheel": 1} for place in range(20)]
    path = staged.write(tmp_path / "a.parquet", TYPES, rows)
    keys = [rule for rule in RULES if rule.id == "uniek_samen"]
    alone = engines.run_on_file(keys, path)
    seen: list[int] = []
    judged = engines.on_pandas
    monkeypatch.setattr(
        engines, "on_pandas", lambda rules, frame: seen.append(len(frame)) or judged(rules, frame)
    )
    monkeypatch.setattr(together, "MOST_VALUES", 19)
    assert together.run_on_files(keys, [path], threshold_rows=5) == [alone]
    assert seen == []


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([0, 3, 4], [[0, 3, 4]]),
        ([6, 5, 4, 3], [[6], [5, 4], [3]]),
        ([11, 2], [[11], [2]]),
    ],
)
def test_batches_stay_within_their_bound(sizes: list[int], expected: list[list[int]]) -> None:
    tables = [(Path(str(size)), size) for size in sizes]
    found = [[int(path.name) for path in batch] for batch in together.batches(tables, most=10)]
    assert found == expected
