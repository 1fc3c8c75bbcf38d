"""The letter in Dagster: what its proof says, and what is left when what it was made of is gone.

The documents of a package and the estimates take most of a minute and are no part of this: what is
written here is the protected table of results.
"""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime

import dagster as dg
import pytest

from via_pipeline.contracts.model import load, load_all
from via_pipeline.defs import proven
from via_pipeline.defs.automation import LETTER
from via_pipeline.defs.programme import publication
from via_pipeline.defs.resources import Installation
from via_pipeline.disclosure import release
from via_pipeline.letters import package
from via_pipeline.outcomes import effects
from via_pipeline.privacy import retention
from via_pipeline.storage import sums
from via_pipeline.storage.home import Home
from via_pipeline_tests.journeys.house import bytes_of
from via_pipeline_tests.outcomes.test_compute import employees
from via_pipeline_tests.pilots import house

EDITION, RECEIVED = "derde", date(2020, 9, 1)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An employer's people, who are nobody's invention: their rows have a term."""
    home = Home(root=tmp_path / "home", data=tmp_path / "data").ensure()
    for kept in ("register", "reference"):
        shutil.copytree(house.REPOSITORY / "data" / kept, home.data / kept)
    house.keep(home, "register")
    house.keep(home, "reference")
    house.deliver(
        home,
        "p5_behoud",
        {"werkgever": "A", "periode": "2019"},
        {"medewerker": employees(1, 120, 2019)},
        received=RECEIVED,
        synthetic=False,
    )

    def written(connection, edition, origin, folder, **_):
        rows = connection.execute("FROM disclosure__resultaat ORDER BY ALL").fetchall()
        (folder / "voorlopige_resultaten.txt").write_text(repr(rows), "utf-8")
        (folder / sums.NAME).write_text(edition.name, "utf-8")
        return []

    monkeypatch.setattr(package, "write_package", written)
    monkeypatch.setattr(effects, "_tasks", lambda *_: [])
    return home


def emit(home) -> tuple[dg.ExecuteInProcessResult, dg.AssetCheckEvaluation]:
    result = dg.materialize(
        [publication.voortgangsbrief],
        partition_key=EDITION,
        resources={"installation": Installation(root=str(home.root), data=str(home.data))},
        raise_on_error=False,
    )
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.asset_key) == (proven.NAME, dg.AssetKey(LETTER))
    return result, check


def test_an_edition_is_proven_refused_when_it_leaks_and_outlives_its_deliveries(home, monkeypatch):
    folder = home.letters / EDITION
    result, check = emit(home)
    assert result.success and check.passed
    assert check.metadata["intervals"].value > 0 and check.description is None
    written = bytes_of(folder)
    assert "'P5'" in (folder / "voorlopige_resultaten.txt").read_text("utf-8")

    # Something in it could be worked out: the check says so, and the package stays.
    real = release.hide

    def leaky(*arguments):
        found = real(*arguments)
        found.names = set(found.primary)
        return found

    shutil.move(folder, home.root / "apart")
    with monkeypatch.context() as broken:
        broken.setattr(release, "hide", leaky)
        broken.setattr(release, "coarser", lambda *_: set())
        result, check = emit(home)
    assert not result.success and not check.passed and not folder.exists()
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert EDITION in check.description and "Wat te doen" in check.description
    shutil.move(home.root / "apart", folder)

    # The term of what it was made of ends.
    after = retention.ends_on(RECEIVED, load("p5_behoud").retention_years)
    now = datetime(after.year + 1, after.month, after.day, 12, tzinfo=UTC)
    (removal,) = retention.enforce(home, load_all(), now=now, run_id="night")
    assert removal.source == "p5_behoud" and removal.rows == 120
    result, check = emit(home)
    assert result.success and check.passed and "stays as it was" in check.description
    assert bytes_of(folder) == written, "not a byte of the published edition changed"

    # Without a package there is nothing left to stay: that is a failure, not an empty letter.
    shutil.rmtree(folder)
    result = dg.materialize(
        [publication.voortgangsbrief],
        partition_key=EDITION,
        resources={"installation": Installation(root=str(home.root), data=str(home.data))},
        raise_on_error=False,
    )
    assert not result.success and not folder.exists()
