"""A code list is part of what a delivery is held to: change it, and the file is judged again."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from via_pipeline.contracts import model
from via_pipeline.contracts.binding import bound
from via_pipeline.intake.pseudonym import Key
from via_pipeline.intake.run import take_in
from via_pipeline.quality.run import judge
from via_pipeline.storage.home import Home

DATA = Path(__file__).parents[2] / "data"
NOW = datetime(2020, 11, 9, tzinfo=UTC)
P7 = model.load("p7_ww")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """One P7 delivery, and a reference list that does not know Amsterdam yet."""
    made = Home(tmp_path / "via", tmp_path / "data")
    shutil.copytree(DATA / "reference", made.data / "reference")
    delivery = sorted((DATA / "landing" / "p7_ww").rglob("*.csv"))[0]
    place = made.landing / "p7_ww" / delivery.parent.name / delivery.name
    place.parent.mkdir(parents=True)
    shutil.copy(delivery, place)
    _write(made, [line for line in _lines(made) if not line.startswith("0363;")])
    return made.ensure()


def _lines(home: Home) -> list[str]:
    return (home.data / "reference" / "gemeente.csv").read_text("utf-8").splitlines()


def _write(home: Home, lines: list[str]) -> None:
    (home.data / "reference" / "gemeente.csv").write_text("\n".join(lines) + "\n", "utf-8")


def _run(home: Home) -> list[int]:
    """Rows with an unknown municipality, per delivery that was judged."""
    take_in(home, P7, run_id="run", now=NOW, settle_seconds=0, key=Key(b"k" * 32))
    return [
        rule.failed
        for result in judge(home, P7, run_id="run")
        for rule in result.rules
        if rule.rule == "gemeentecode__codelijst"
    ]


def test_a_code_that_is_added_makes_a_refused_row_right(home: Home) -> None:
    (without,) = _run(home)
    assert _run(home) == []
    shutil.copy(DATA / "reference" / "gemeente.csv", home.data / "reference")
    (complete,) = _run(home)
    assert complete < without
    assert _run(home) == []


def test_only_the_lists_that_a_contract_names_count(home: Home) -> None:
    reference = home.data / "reference"
    before = {
        source: bound(model.load(source), reference).sha256 for source in ("p5_behoud", "p7_ww")
    }
    _write(home, _lines(home)[:-1])
    after = {
        source: bound(model.load(source), reference).sha256 for source in ("p5_behoud", "p7_ww")
    }
    assert before["p5_behoud"] == after["p5_behoud"]
    assert before["p7_ww"] != after["p7_ww"]
    assert bound(bound(P7, reference), reference).sha256 == bound(P7, reference).sha256
