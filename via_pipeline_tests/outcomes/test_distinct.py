"""Who stands in one row is counted with the rows, and it changes no figure."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from via_pipeline.contracts.model import load
from via_pipeline.outcomes import compute, reach
from via_pipeline.pilots import catalog
from via_pipeline.storage import duck
from via_pipeline_tests.outcomes.test_reach_and_covid import applications
from via_pipeline_tests.pilots import house

ALWAYS_MEET = "CREATE OR REPLACE TEMP MACRO hash(x) AS 1"
"""Every value has the hash of every other: the worst that a hash can do."""

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["2019", "2020"]),
        st.sampled_from(["a", "b", "onbekend"]),
        st.one_of(st.none(), st.sampled_from(["", "x", "X", "x ", "é", "e\u0301", "y\x1fz"])),
    ),
    max_size=25,
)
SETS = "(periode), (periode, plaats)"


@pytest.mark.parametrize("meet", [False, True], ids=["", "every hash meets"])
@settings(deadline=None)
@given(rows=ROWS)
def test_values_that_stand_alone_are_counted_as_rows_and_all_are_counted_once(meet, rows):
    with duckdb.connect() as connection:
        if meet:
            connection.execute(ALWAYS_MEET)
        connection.execute("CREATE TABLE r (periode VARCHAR, plaats VARCHAR, x VARCHAR)")
        if rows:
            connection.executemany("INSERT INTO r VALUES (?, ?, ?)", rows)
        found = connection.execute(
            f"WITH rijen AS (FROM r), {compute.marked(['x'], 'periode')} "
            f"SELECT periode, plaats, {compute.distinct('x')} FROM gemerkt "
            f"GROUP BY GROUPING SETS ({SETS})"
        ).fetchall()
    groups = {
        (period, place) for one, other, _ in rows for period, place in [(one, None), (one, other)]
    }
    expected = {
        (period, place): len(
            {x for one, other, x in rows if one == period and place in (None, other)} - {None}
        )
        for period, place in groups
    }
    assert {(period, place): n for period, place, n in found} == expected
    assert len(found) == len(expected)


def test_reach_is_the_same_where_every_hash_meets(tmp_path):
    home = house.home_in(tmp_path)
    house.keep(home, "register")
    applications(home, "W01", "2020H1", [0, 0, 1, 2, 3])
    applications(home, "W01", "2020H2", [2, 3, 4, 4])
    applications(home, "W02", "2020H1", [0, 7])
    contracts = [load("p3_nudging"), load("register")]
    for meet in (False, True):
        with duck.work(home.scratch) as connection:
            catalog.register(connection, home, contracts)
            if meet:
                connection.execute(ALWAYS_MEET)
            rows = connection.execute(reach.query(contracts)).fetchall()
        told = {row[1:3]: row[6] for row in rows if row[3:5] == ("deelnemers", "geleverd")}
        assert told == {
            ("alle", "alle"): 6, ("alle", "2020H1"): 5, ("alle", "2020H2"): 3,
            ("W01", "alle"): 5, ("W01", "2020H1"): 4, ("W01", "2020H2"): 3,
            ("W02", "alle"): 2, ("W02", "2020H1"): 2,
        }  # fmt: skip
