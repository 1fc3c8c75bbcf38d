"""A crash in one source: the others are fresh, the check shows it, the run ends red."""

from __future__ import annotations

from pathlib import Path

import pytest

from via_pipeline.defs.walk import walk
from via_pipeline.intake import run as intake
from via_pipeline_tests.journeys import house

pytestmark = pytest.mark.long(5)

SECRET = "999990019"


@pytest.mark.usefixtures("own_dagster_home")
def test_a_crash_stays_with_its_source_and_is_not_hidden(
    sample_run: house.Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = house.copied(sample_run.home, tmp_path)
    monkeypatch.setenv("VIA_HOME", str(home.root))
    monkeypatch.setenv("VIA_DATA", str(home.data))
    monkeypatch.setenv("VIA_SETTLE_SECONDS", "0")
    before = house.bytes_of(home.lake)
    page = sorted((home.data / "register" / "status").glob("*.md"))[0]
    page.write_text(page.read_text(encoding="utf-8") + "\nNieuwe zin.\n", encoding="utf-8")
    real = intake.take_in

    def take_in(home, contract, **more):
        if contract.source == "p5_behoud":
            raise ValueError(f"cannot convert {SECRET}")
        return real(home, contract, **more)

    monkeypatch.setattr(intake, "take_in", take_in)
    done = walk(home, ["derde"], lambda step: None, at="2020-11-09T02:00:00Z")

    assert not done.is_success, "a crash does not end green"
    assert done.failed_steps == ["serving__bi_file"]
    assert [crash.split(":")[0] for crash in done.crashes] == ["intake__p5_behoud"]
    assert list(done.runs) == ["nightly_refresh"], "no letter after a crash"
    after = house.bytes_of(home.lake)
    changed = {
        path.split("/")[0]
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    }
    assert "register__status" in changed
    assert "pilots__p5_medewerker" not in changed
    page = (home.reports / "site" / "index.html").read_text(encoding="utf-8")
    assert "intake__p5_behoud: verwerkt" in page, "the site of a bad night tells of that night"
    log = (home.reports / "alerts" / "alerts.log").read_text(encoding="utf-8")
    assert "intake__p5_behoud:verwerkt" in log
    assert "run:nightly_refresh" in log
    everywhere = [path for path in home.root.rglob("*") if path.is_file()]
    leaks = [path.name for path in everywhere if SECRET.encode() in path.read_bytes()]
    assert leaks == [], "the exception's own words were kept somewhere"
