"""SQL made of texts means what it says."""

from __future__ import annotations

import duckdb
import pytest

from via_pipeline.storage.duck import among, literal


@pytest.mark.parametrize("texts", [[], ["a"], ["a", "o'k", "x"], [str(n) for n in range(400)]])
def test_among_is_in(texts: list[str]) -> None:
    listed = ", ".join(literal(text) for text in texts)
    for value in ("a", "o'k", "399", "", "A"):
        asked = f"{literal(value)} IN ({listed})" if texts else "false"
        [row] = duckdb.sql(f"SELECT {among(literal(value), texts)}, {asked}").fetchall()
        assert row[0] == row[1], (value, texts)


def test_among_of_null_is_null() -> None:
    assert duckdb.sql(f"SELECT {among('NULL::VARCHAR', ['a'])}").fetchall() == [(None,)]
