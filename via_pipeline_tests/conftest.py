"""What every test stands on: no reporting home, a key of its own, no one else's DAGSTER_HOME."""

from __future__ import annotations

import os

# Before anything is imported: Great Expectations reads its switch when it is imported.
os.environ["GX_ANALYTICS_ENABLED"] = "False"
os.environ.pop("DAGSTER_HOME", None)
os.environ.pop("VIA_SCHEDULES", None)
os.environ.pop("VIA_ALERT_COMMAND", None)
os.environ.pop("VIA_RELEASES", None)
os.environ.pop("VIA_USER", None)
# A key for tests only, so that no test makes or reads the key of who runs them.
os.environ.setdefault("VIA_PSEUDONYM_KEY", "7465737473206f6e6c793a20" + "00" * 32)

from collections.abc import Iterator

import pytest

from via_pipeline_tests.journeys import house


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> house.Ran:
    """One ``via run`` on the shipped data, its network watched; shared and never written to."""
    return house.via(house.place(tmp_path_factory.mktemp("sample")), "run", watched=True)


@pytest.fixture
def own_dagster_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For tests that open an instance in this process: the next test starts without one."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    yield


# Before xdist's own hook, which reads the groups: later they would be in vain, and every test free
# to go to either process.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the tests over two processes: a file stays together, and so do all that use the run.

    Each process has fixtures of its own, and ``sample_run`` costs most of a minute. Those tests go
    first, because they take longest.
    """
    for item in items:
        of_run = "sample_run" in getattr(item, "fixturenames", ())
        group = "sample_run" if of_run else item.nodeid.split("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: "sample_run" not in getattr(item, "fixturenames", ()))
