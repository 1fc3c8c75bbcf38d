from decimal import Decimal

import pytest

from via_pipeline.context import run, werkloosheid
from via_pipeline.contracts.model import load
from via_pipeline.pilots import catalog
from via_pipeline.storage import duck
from via_pipeline_tests.pilots import house

PUBLISHED = house.plain_csv(house.REPOSITORY / "data/reference/werkloosheid.csv")
CURRENT = "82809NED, tekst dashboard 2020KW03"


@pytest.fixture
def rows(tmp_path):
    home = house.home_in(tmp_path)
    house.keep(home, "reference")
    assert run.refresh(home) == len(PUBLISHED)
    with duck.work() as connection:
        catalog.register(connection, home, [load("reference")])
        found = werkloosheid.results(connection)
        types = dict(zip(found.columns, map(str, found.types), strict=True))
        assert types == werkloosheid.COLUMNS
        return {
            (row[0], row[1], row[5]): dict(zip(found.columns, row, strict=True))
            for row in found.fetchall()
        }


def test_the_differences_by_year_are_the_published_ones(rows):
    checked = 0
    for row in PUBLISHED:
        key = (row["periode"], row["achtergrond"], row["vintage"])
        if row["verschil_jaar_pp"]:
            published = Decimal(row["verschil_jaar_pp"].replace(",", "."))
            assert rows[key]["verschil_jaar_pp"] == published
            checked += 1
    assert checked == 3


def test_no_difference_is_made_up_where_last_year_is_not_there(rows):
    group = "Niet-westerse migratieachtergrond"
    # 2019 and 2014 are both there, five years apart.
    assert rows["2019JJ00", group, CURRENT]["verschil_jaar_pp"] is None
    assert rows["2014JJ00", group, CURRENT]["verschil_jaar_pp"] is None
    assert rows["2019KW03", group, CURRENT]["verschil_jaar_pp"] is None


def test_the_figures_of_the_autumn_of_2020(rows):
    found = {
        row["achtergrond"]: (row["werkloosheid_pct"], row["merk"])
        for (period, _, _), row in rows.items()
        if period == "2020KW03"
    }
    assert found == {
        "Nederlandse achtergrond": (Decimal("3.3"), "V"),
        "Westerse migratieachtergrond": (Decimal("5.3"), "V"),
        "Niet-westerse migratieachtergrond": (Decimal("9.6"), "V"),
    }
    assert rows["2019KW03", "Westerse migratieachtergrond", CURRENT]["merk"] == "derived"
