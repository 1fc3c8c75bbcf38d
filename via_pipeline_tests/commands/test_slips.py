"""A slip is answered with a sentence and an exit code, never with a traceback."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from via_pipeline.cli import app
from via_pipeline.commands import guarding
from via_pipeline.storage import settings
from via_pipeline_tests.journeys import house


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VIA_DATA", str(house.PROJECT / "data"))
    return tmp_path


def said(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert "Traceback" not in done.output
    return done.exit_code, re.sub(r"\s+", " ", done.output.replace("│", " "))


@pytest.mark.parametrize(
    ("name", "value", "answer"),
    [
        ("VIA_SETTLE_SECONDS", "vijf", "VIA_SETTLE_SECONDS is 'vijf', but must be a number"),
        ("VIA_SETTLE_SECONDS", "-1", "must be a number of seconds"),
        ("VIA_SETTLE_SECONDS", "inf", "must be a number of seconds"),
        ("VIA_RUN_HOURS", "vier", "VIA_RUN_HOURS is 'vier', but must be a number of hours"),
        ("VIA_RUN_HOURS", "0", "must be a number of hours above 0"),
        ("VIA_SERVE_KEEP", "geen", "VIA_SERVE_KEEP is 'geen', but must be a whole number from 1"),
        ("VIA_SERVE_KEEP", "0", "must be a whole number from 1"),
        ("VIA_DUCKDB_MEMORY", "veel", "must be a size, such as 2GB"),
        ("VIA_DUCKDB_THREADS", "1.5", "must be a whole number from 1"),
        ("VIA_ENGINE", "sparc", "VIA_ENGINE is 'sparc', but must be duckdb or spark"),
        ("VIA_SPARK_MASTER", "host:7077", "VIA_SPARK_MASTER must be local[2], spark://host:7077"),
        ("VIA_SPARK_MASTER", "sc://elders:15002/;token=x", "without TLS"),
    ],
)
def test_a_setting_that_is_none(monkeypatch, name: str, value: str, answer: str) -> None:
    monkeypatch.setenv(name, value)
    code, text = said("run")
    assert code == 2 and answer in text


def test_settings_that_are_right_or_absent() -> None:
    assert settings.settle_seconds({}) == 5
    assert settings.settle_seconds({"VIA_SETTLE_SECONDS": " 0.5 "}) == 0.5
    assert settings.releases_kept({"VIA_SERVE_KEEP": "3"}) == 3
    assert settings.duckdb_limits({}) == {}
    both = {"VIA_DUCKDB_MEMORY": "1.5 GiB", "VIA_DUCKDB_THREADS": "2"}
    assert settings.duckdb_limits(both) == {"memory_limit": "1.5 GiB", "threads": "2"}
    assert settings.engine({}) == "duckdb" and settings.engine({"VIA_ENGINE": " Spark"}) == "spark"
    assert settings.spark_master({}) == "local[*]"
    secure = "sc://elders:15002/;token=x;use_ssl=true"
    for master in ("local[2]", "spark://a:7077,b:7077", "yarn", "sc://localhost:15002", secure):
        assert settings.spark_master({"VIA_SPARK_MASTER": master}) == master


def test_a_cluster_needs_a_secret() -> None:
    cluster = {"VIA_ENGINE": "spark", "VIA_SPARK_MASTER": "spark://meester:7077"}
    with pytest.raises(settings.SettingError, match="VIA_SPARK_SECRET_FILE names no file"):
        settings.check(cluster)
    settings.check(cluster | {"VIA_SPARK_SECRET_FILE": "/run/secrets/spark"})
    settings.check(cluster | {"VIA_ENGINE": "duckdb"})


@pytest.mark.parametrize("name", ["VIA_HOME", "VIA_DATA"])
def test_a_place_that_is_a_file(own_place: Path, monkeypatch, name: str) -> None:
    file = own_place / "bestand"
    file.write_text("x")
    monkeypatch.setenv(name, str(file))
    code, text = said("deliveries")
    assert code == 2 and f"{name} is" in text and "a file and not a folder" in text


def test_a_place_that_may_not_be_used(own_place: Path, monkeypatch) -> None:
    (own_place / "home").mkdir()
    # Not by chmod: the superuser, as whom containers run tests, may do everything.
    monkeypatch.setattr(guarding.os, "access", lambda path, mode: False)
    code, text = said("broken")
    assert code == 2 and "you may not use that folder" in text


def test_a_place_that_cannot_be_made(monkeypatch) -> None:
    monkeypatch.setenv("VIA_HOME", "/proc/via")
    code, text = said("run")
    assert code == 2 and "Are VIA_HOME (/proc/via) and VIA_DATA" in text


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (("deliveries", "p99_niets"), "known: p1_studiekeuze"),
        (("template", "p99_niets"), "known: p1_studiekeuze"),
        (("check", "niets.csv"), "the name fits no agreement"),
        (("sample", "--scale", "-1"), "scale must be positive"),
        (("sample", "--source", "p99"), "no samples for"),
        (("retention", "--dry-run", "--today", "gisteren"), "is not a day"),
        (("cijfer", "zomaar"), "zomaar"),
        (("run", "--edition", "vierde"), "unknown edition"),
        (("quarantine", "export", "p99_niets"), "known: p1_studiekeuze"),
        (("quarantine", "replay", "niets.xlsx", "--as", "An"), "there is no niets.xlsx"),
    ],
)
def test_a_word_that_is_not_known(arguments: tuple[str, ...], answer: str) -> None:
    code, text = said(*arguments)
    assert code == 2 and answer in text


def test_a_damaged_ledger_is_named(own_place: Path) -> None:
    ledger = own_place / "home" / "ledger" / "ledger.sqlite"
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b"no database at all " * 100)
    code, text = said("deliveries")
    assert code == 1 and "the ledger ledger.sqlite cannot be used" in text


def test_a_full_disk_says_so_and_no_partners_file_name_is_told(own_place: Path, monkeypatch):
    name = own_place / "data" / "landing" / "p5_behoud" / "2020-01-01" / "Jan Jansen.csv"
    monkeypatch.setenv("VIA_DATA", str(own_place / "data"))
    with pytest.raises(guarding.typer.Exit) as ended, guarding.told():
        raise OSError(errno.ENOSPC, "No space left on device", str(name))
    assert ended.value.exit_code == 1
    told, code = guarding._of_system(PermissionError(errno.EACCES, "Permission denied", str(name)))
    assert code == 2 and "Jansen" not in told and "landing" in told


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), guarding.told():
        raise ZeroDivisionError


def test_off_a_terminal_nothing_but_the_answer_is_written(own_place: Path) -> None:
    done = CliRunner().invoke(
        app,
        ["sample", "--source", "p1_studiekeuze", "--out", str(own_place / "uit"), "--json"],
    )
    found = json.loads(done.stdout)
    assert done.exit_code == 0 and done.stderr == ""
    assert len(found["files"]) == 2 and all(Path(name).exists() for name in found["files"])


def test_what_is_broken_before_anything_ran_is_what_never_came(own_place: Path) -> None:
    code, text = said("broken", "--json")
    found = json.loads(text)
    assert code == 3 and {one["kind"] for one in found} == {"te laat"}
    assert not (own_place / "home").exists(), "asking leaves nothing behind"


def test_what_is_broken_after_a_run_is_what_the_site_says(sample_run: house.Ran) -> None:
    ran = house.via(sample_run.home, "broken", "--json")
    assert ran.code == 3
    found = json.loads(ran.output)
    page = (sample_run.home.reports / "site" / "index.html").read_text(encoding="utf-8")
    listed = re.findall(r'<p class="naam">(.*?)</p>', page)
    assert [one["subject"] for one in found] == listed
    assert {"controle", "afgekeurd", "te laat", "waarschuwing"} <= {one["kind"] for one in found}


def test_every_exit_code_is_documented() -> None:
    text = (house.PROJECT / "docs" / "commands.md").read_text(encoding="utf-8")
    for name in (command.name or command.callback.__name__ for command in app.registered_commands):
        assert f"`via {name}" in text, name
    for group in app.registered_groups:
        assert f"`via {group.name}" in text, group.name


def test_a_disk_that_may_only_be_read_is_no_slip(tmp_path, monkeypatch) -> None:
    """It was written to yesterday: a matter of the disk (1), not of a wrong setting (2)."""
    seen = os.statvfs_result([4096, 4096, 1, 1, 1, 1, 1, 1, os.ST_RDONLY, 255])
    monkeypatch.setattr(guarding.os, "statvfs", lambda path: seen)
    monkeypatch.setenv("VIA_HOME", str(tmp_path))
    code, text = said("deliveries")
    assert code == 1 and "Read-only file system" in text
