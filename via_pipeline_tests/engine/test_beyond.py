"""A proof on nothing is no proof: what is compared has to be there, and large enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from beyond import chosen, verdicts
from via_pipeline.quality import engines


def test_no_files_are_not_the_same_files() -> None:
    with pytest.raises(chosen.NotEqual, match="neither"):
        chosen.same_files({"duckdb": {}, "spark": {}})
    with pytest.raises(chosen.NotEqual, match="differ: b"):
        chosen.same_files({"duckdb": {"a": "1", "b": "2"}, "spark": {"a": "1"}})
    assert chosen.same_files({"duckdb": {"a": "1"}, "spark": {"a": "1"}}) == 1


@pytest.mark.parametrize(
    "sums", ["telling 0 None; overgang 0 None", "telling 7 19; overgang 0 None"]
)
def test_a_table_without_rows_is_not_the_same_table(sums: str) -> None:
    with pytest.raises(chosen.NotEqual, match="nothing to compare"):
        chosen.same_sums({"sums": sums}, {"sums": sums}, "een proef")
    whole = {"sums": "telling 70 1900; overgang 10 20"}
    chosen.same_sums(whole, whole, "een proef")
    with pytest.raises(chosen.NotEqual):
        chosen.same_sums(whole, {"sums": "telling 70 1901; overgang 10 20"}, "een proef")


def test_verdicts_on_files_that_pandas_judges_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both engines would judge them alike, since neither of them does."""
    monkeypatch.setenv("VIA_PSEUDONYM_KEY", "")  # put back afterwards: ``staged`` sets its own
    with pytest.raises(verdicts.TooSmall, match="50,000 a file"):
        verdicts.staged(tmp_path / "small", 400)
    monkeypatch.setattr(engines, "PANDAS_LIMIT_ROWS", 99)
    assert verdicts.staged(tmp_path / "large", 400).ledger.exists()
