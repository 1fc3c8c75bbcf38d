"""Dagster's UI over a sample run, looked at in a real browser; it asks nothing of the network."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from via_pipeline_tests.journeys import house
from via_pipeline_tests.ui import desk, pages

pytestmark = pytest.mark.skipif(
    not desk.CHROMIUM.exists(),
    reason=f"no chromium at {desk.CHROMIUM}: apt install chromium (.ci/run does), or VIA_CHROMIUM",
)


@pytest.fixture(scope="module")
def looked(sample_run: house.Ran, tmp_path_factory: pytest.TempPathFactory):
    """A browser at the webserver over a copy of the sample run; and every address it asked for."""
    home = house.copied(sample_run.home, tmp_path_factory.mktemp("ui"))
    with (
        desk.webserver(home, house.environment(home)) as address,
        desk.browser() as (page, asked),
    ):
        yield page, address, asked


@pytest.mark.parametrize("look", pages.PAGES, ids=lambda look: look.name)
def test_a_person_finds(looked, look: pages.Look, tmp_path: Path) -> None:
    """Each page is there, and asked for nothing elsewhere: no telemetry, no version check, no font.

    Both in one test, so that no test needs another to have run before it in the same process.
    """
    page, address, asked = looked
    asked.clear()
    look.show(page, address)
    picture = tmp_path / f"{look.name}.png"
    page.screenshot(path=picture)
    assert picture.stat().st_size > 20_000, "an all but empty picture"
    places = {
        urlsplit(found).netloc
        for found in asked
        if urlsplit(found).scheme in ("http", "https", "ws", "wss")
    }
    assert places == {urlsplit(address).netloc}
