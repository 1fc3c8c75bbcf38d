"""What every test stands on: no reporting home, a key of its own, no one else's DAGSTER_HOME."""

from __future__ import annotations

import gc
import os
import sys

# Before anything is imported: Great Expectations reads its switch when it is imported.
os.environ["GX_ANALYTICS_ENABLED"] = "False"
os.environ.pop("DAGSTER_HOME", None)
os.environ.pop("VIA_SCHEDULES", None)
os.environ.pop("VIA_ALERT_COMMAND", None)
os.environ.pop("VIA_RELEASES", None)
os.environ.pop("VIA_USER", None)
# What is compiled is kept beside its source, by pytest and by the hundred processes that tests
# start: without, each of them compiles this package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# A key for tests only, so that no test makes or reads the key of who runs them.
os.environ.setdefault("VIA_PSEUDONYM_KEY", "7465737473206f6e6c793a20" + "00" * 32)

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from filelock import FileLock

from via_pipeline_tests.journeys import house

sys.dont_write_bytecode = False
# As `via` itself: beside a large heap that stays, collecting less often saves a twentieth.
gc.set_threshold(100_000, 50, 50)
# How long an example takes says how busy the machine is; no test of ours is about that.
# The same examples every time, so that the suite says the same of the same code; others are looked
# for with PYTEST=--hypothesis-profile=search.
hypothesis.settings.register_profile("via", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile("via")

_OF_RUN, _THE_REST = 8, 9


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> house.Ran:
    """One ``via run`` on the shipped data, its network watched; shared and never written to.

    Made once for all processes of the suite: it costs most of a minute. Who comes second waits.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return _sample(tmp_path_factory.mktemp("sample"))
    # The folder of a process lies in the folder of this one call of pytest.
    shared = tmp_path_factory.getbasetemp().parent / "sample"
    with FileLock(shared.with_suffix(".lock")):
        told = shared / "told.json"
        if told.exists():
            return house.Ran.read(told)
        shared.mkdir()
        ran = _sample(shared)
        ran.write(told)
        return ran


def _sample(folder: Path) -> house.Ran:
    return house.via(house.place(folder), "run", watched=True)


@pytest.fixture
def own_dagster_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For tests that open an instance in this process: the next test starts without one."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    yield


# Before xdist's own hook, which reads the groups: later they would be in vain, and every test free
# to go to either process.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the tests over processes, what takes longest first (the marker ``long``).

    A file stays together, for its fixtures, unless a test is marked to go ``alone``. The sample run
    is made in one process by turn 0, while turn 1, which does not need it, is at work in the other.
    """
    for item in items:
        long = item.get_closest_marker("long")
        alone = long is not None and long.kwargs.get("alone")
        group = item.nodeid if alone else item.nodeid.split("::")[0]
        item.add_marker(pytest.mark.xdist_group(group.replace("@", "_")))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    long = item.get_closest_marker("long")
    if long is not None:
        return long.args[0]
    return _OF_RUN if "sample_run" in getattr(item, "fixturenames", ()) else _THE_REST
