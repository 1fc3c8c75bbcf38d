"""The production instance: a run of ours is kept in a real PostgreSQL, and no secret with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psycopg2
import pytest
import yaml

from via_pipeline.storage.home import Home
from via_pipeline_tests.deploy import postgres
from via_pipeline_tests.journeys import house

ASSET = "intake__reference"
SETTINGS = house.PROJECT / "deploy" / "dagster.yaml"

needs_postgres = pytest.mark.skipif(
    postgres.programs() is None, reason="no PostgreSQL server here (Debian: apt install postgresql)"
)


@dataclass(frozen=True)
class Kept:
    """One run, kept in ``server`` by a process that has ended."""

    server: postgres.Server
    place: Path
    home: Home
    environment: dict[str, str]
    output: str


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Our own assets, through Dagster's command, with the settings that we ship."""
    folder = tmp_path_factory.mktemp("production")
    home = house.place(folder, landing=False)
    place = folder / "dagster"
    place.mkdir()
    shutil.copy(SETTINGS, place / "dagster.yaml")
    with postgres.running() as server:
        environment = house.environment(
            home,
            DAGSTER_HOME=str(place),
            DAGSTER_PG_URL=server.url,
            PGPASSFILE=str(server.pass_file(folder / "pgpass")),
        )
        command = [sys.executable, "-m", "dagster", "asset", "materialize", "--select", ASSET,
                   "-m", "via_pipeline.definitions"]  # fmt: skip
        done = subprocess.run(
            command, cwd=house.PROJECT, env=environment, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        yield Kept(server, place, home, environment, done.stdout + done.stderr)


@pytest.fixture
def instance(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The instance as the webserver would open it, in this process."""
    for name in ("DAGSTER_HOME", "DAGSTER_PG_URL", "PGPASSFILE"):
        monkeypatch.setenv(name, kept.environment[name])
    with dg.DagsterInstance.get() as found:
        yield found


def _rows(kept: Kept, query: str) -> list[tuple[object, ...]]:
    """What the database itself says, past Dagster."""
    with psycopg2.connect(kept.server.plain_url, password=kept.server.password) as connection:
        cursor = connection.cursor()
        cursor.execute(query)
        return cursor.fetchall()


@needs_postgres
def test_a_run_is_read_back_from_the_database(kept: Kept, instance: dg.DagsterInstance) -> None:
    (run,) = instance.get_runs()
    assert run.status == dg.DagsterRunStatus.SUCCESS
    event = instance.get_latest_materialization_event(dg.AssetKey(ASSET))
    assert event is not None and event.run_id == run.run_id
    assert event.asset_materialization is not None and event.asset_materialization.metadata

    assert _rows(kept, "SELECT run_id, status FROM runs") == [(run.run_id, "SUCCESS")]
    ((events,),) = _rows(kept, f"SELECT count(*) FROM event_logs WHERE run_id = '{run.run_id}'")
    assert events == len(instance.all_logs(run.run_id))


@needs_postgres
def test_nothing_of_the_instance_is_kept_in_files(kept: Kept) -> None:
    assert [path for path in kept.place.rglob("*") if path.suffix in (".db", ".sqlite")] == []
    assert kept.home.ledger.exists(), "our own ledger stays where it is"


@needs_postgres
def test_no_secret_is_in_runs_events_tags_or_settings(
    kept: Kept, instance: dg.DagsterInstance
) -> None:
    """The password of the database and the pseudonym key, in all that the UI can show."""
    tables = [
        str(name)
        for (name,) in _rows(kept, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    ]
    assert {"runs", "run_tags", "event_logs", "asset_keys"} <= set(tables)
    shown = [str(_rows(kept, f'SELECT t::text FROM "{name}" AS t')) for name in tables]
    shown += [instance.info_str(), kept.output]
    shown += [path.read_text(errors="replace") for path in kept.place.rglob("*") if path.is_file()]
    assert any(ASSET in text for text in shown), "what is searched holds the run"
    for secret in (kept.server.password, kept.environment["VIA_PSEUDONYM_KEY"]):
        assert not [text for text in shown if secret.lower() in text.lower()]


@needs_postgres
def test_a_password_that_others_may_read_is_not_used(kept: Kept, tmp_path: Path) -> None:
    tight = kept.server.pass_file(tmp_path / "tight")
    loose = kept.server.pass_file(tmp_path / "loose", mode=0o644)
    with psycopg2.connect(kept.server.plain_url, passfile=str(tight)) as connection:
        assert connection.closed == 0
    with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
        psycopg2.connect(kept.server.plain_url, passfile=str(loose))


def test_production_has_the_settings_of_every_other_installation() -> None:
    """Only the storage differs; what was settled once is not settled twice."""
    ours = yaml.safe_load((house.PROJECT / "dagster.yaml").read_text())
    production = yaml.safe_load(SETTINGS.read_text())
    assert production.pop("storage") == {"postgres": {"postgres_url": {"env": "DAGSTER_PG_URL"}}}
    assert production == ours
    assert "DAGSTER_PG_URL" not in os.environ, "no test may use a database of who runs it"
