"""The charts beside outcome and diversity assets show what is published, nothing hidden."""

from __future__ import annotations

import base64
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from via_pipeline.defs import charts
from via_pipeline.disclosure import run
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home
from via_pipeline_tests.disclosure import tables


@pytest.fixture
def home(tmp_path):
    home = tables.home_in(tmp_path)
    tables.example(home)
    run.protect(home)
    return home


def _seen(home):
    return {one.asset_key.to_user_string(): one for one in charts.observations(home)}


def _picture(observation) -> str:
    markdown = observation.metadata["chart"].value
    (encoded,) = re.fullmatch(r"!\[.*\]\(data:image/svg\+xml;base64,(.*)\)", markdown).groups()
    return base64.b64decode(encoded).decode()


def test_each_outcome_asset_with_published_figures_has_its_chart(home):
    seen = _seen(home)
    assert {"outcomes__effect", "outcomes__bereik", "diversity__barometer"} < set(seen)
    assert all("<svg" in _picture(one) for one in seen.values())
    # The comparison of everybody is published; the one that was withheld has no interval to draw.
    assert seen["outcomes__effect"].metadata["published_figures"].value == 1
    assert "P3 baan" in _picture(seen["outcomes__effect"])
    assert "P3 ladder" not in _picture(seen["outcomes__effect"])
    assert seen["outcomes__bereik"].metadata["published_figures"].value == 2


def test_what_disclosure_hides_is_in_no_chart(home):
    before = _seen(home)
    with work() as connection:
        values = {"resultaat": "waarde", "schatting": "schatting", "diversiteit": "aandeel_pct"}
        for table, hidden in values.items():
            name = f"disclosure__{table}"
            lake.view(connection, home.lake, name)
            lake.replace_table(
                home.lake, name, connection, f"SELECT * REPLACE (NULL AS {hidden}) FROM {name}"
            )
    assert set(_seen(home)) == {"outcomes__bereik"} < set(before)


def test_charts_are_drawn_beside_and_what_goes_wrong_comes_out_in_the_end(home, monkeypatch):
    here = threading.get_ident()
    drawn_by, draw = set(), charts._svg

    def noted(chart) -> str:
        drawn_by.add(threading.get_ident())
        return draw(chart)

    monkeypatch.setattr(charts, "_svg", noted)
    with ThreadPoolExecutor(1) as beside:
        made = charts.begun(home, beside).result()
    assert drawn_by and here not in drawn_by
    assert [(one.asset_key, one.metadata) for one in made] == [
        (one.asset_key, one.metadata) for one in charts.observations(home)
    ]
    lost = charts.begun(Home(home.root / "elders", home.data), beside)
    assert isinstance(lost.exception(), lake.NoSuchTable)


def test_nothing_published_draws_nothing(home):
    with work() as connection:
        for table in ("resultaat", "schatting", "bereik", "diversiteit"):
            name = f"disclosure__{table}"
            lake.view(connection, home.lake, name)
            lake.replace_table(home.lake, name, connection, f"FROM {name} WHERE false")
    assert _seen(home) == {}
