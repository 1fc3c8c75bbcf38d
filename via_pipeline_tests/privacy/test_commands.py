"""The commands about people's rights: identifiers come in by standard input and go nowhere."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from via_pipeline.cli import app
from via_pipeline.contracts.model import load
from via_pipeline.intake.pseudonym import load_key
from via_pipeline.intake.run import take_in
from via_pipeline.privacy import traces
from via_pipeline.storage.home import Home
from via_pipeline_tests.intake.house import REFERENCE
from via_pipeline_tests.privacy import planted
from via_pipeline_tests.privacy.small import p7_text

NOW = datetime(2021, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Home:
    """One delivery taken in under the tests' own key, and a published edition."""
    home = Home(tmp_path / "via", tmp_path / "data").ensure()
    shutil.copytree(REFERENCE, home.data / "reference")
    path = home.landing / "p7_ww" / "2021-02-01" / "p7_ww_2019KW1_v1.csv"
    path.parent.mkdir(parents=True)
    path.write_text(p7_text(planted.BSN), encoding="utf-8")
    (home.letters / "derde").mkdir()
    monkeypatch.setenv("VIA_HOME", str(home.root))
    monkeypatch.setenv("VIA_DATA", str(home.data))
    take_in(home, load("p7_ww"), run_id="r", now=NOW, settle_seconds=0)
    return home


def told(*arguments: str, given: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*arguments], input=given)
    return done.exit_code, done.output


def test_erase_says_in_two_languages_what_stays_and_nothing_of_the_person(home):
    name = load_key(home.root).digest(f"bsn\x1f{planted.BSN}")
    code, output = told("erase", "--type", "bsn", "--dry-run", given=f"{planted.BSN}\n")
    assert code == 0 and "Zou worden gewist: 1" in output
    assert traces.holding(home.root, [name])
    code, output = told("erase", "--type", "bsn", given=f"{planted.BSN}\n")
    assert code == 0 and "Gewist: 1" in output and "herschreven" in output
    assert "Uitgebrachte cijfers veranderen niet" in output
    assert "Published figures do not change" in output and "derde" in output
    assert planted.BSN not in output and name not in output
    assert not traces.holding(home.root, [name])


def test_an_identifier_is_no_argument_and_a_wrong_one_is_not_repeated(home):
    code, output = told("erase", "--type", "bsn", planted.BSN, given="")
    assert code == 2
    code, output = told("erase", "--type", "paspoort", given="AB1234567\n")
    assert code == 2 and "AB1234567" not in output
    code, output = told("erase", "--type", "bsn", given="")
    assert code == 2 and "standard input" in output


def test_an_objection_is_noted_once(home):
    code, output = told("bezwaar", "--type", "bsn", given=planted.BSN)
    assert code == 0 and "telt deze persoon nergens mee" in output
    code, output = told("bezwaar", "--type", "bsn", given=planted.BSN)
    assert code == 0 and "was al vastgelegd" in output
    assert planted.BSN not in home.exclusions.read_text()


def test_a_new_key_by_file(home, tmp_path):
    place = tmp_path / "keys"
    place.mkdir()
    (place / "new.key").write_text("ab" * 32)
    (place / "new.key").chmod(0o600)
    old = traces.pseudonyms_in(home.lake)
    code, output = told("rekey", "--new-key-file", str(place / "new.key"), given="")
    assert code == 0 and "100 pseudonyms replaced by 100" in output
    assert not traces.pseudonyms_in(home.lake) & old


def test_retention_lists_what_is_due(home):
    for day, is_due in (("2026-02-01", False), ("2026-02-02", True)):
        code, output = told("retention", "--dry-run", "--today", day, given="")
        assert code == 0 and ("p7_ww_2019KW1_v1.csv" in output) is is_due
    code, _ = told("retention", "--today", "2026-02-02", given="")
    assert code == 2
