"""A new peildatum computes itself and what compares with it; the rest stands."""

from __future__ import annotations

import contextlib
import random
from datetime import date

import duckdb

from via_pipeline.diversity import run
from via_pipeline.storage import lake
from via_pipeline_tests.diversity.organisations import (
    FIRST,
    MOROCCAN,
    SECOND,
    THIRD,
    deliver,
    home_in,
    know,
    rows,
)
from via_pipeline_tests.diversity.world import people


def counted(day):
    return f"diversity__telling/{day}"


def compared(first, last):
    return f"diversity__overgang/{first}_{last}"


def test_only_what_is_new_is_computed_and_it_is_what_a_fresh_house_computes(tmp_path):
    home = home_in(tmp_path / "one")
    know(home, ["O01", "O02"])
    for day in (FIRST, SECOND):
        for organisation, start in (("O01", 0), ("O02", 5000)):
            deliver(home, people(start, 260), organisation, day)
    done = run.refresh(home)
    assert sorted(done.computed) == sorted(
        [counted(FIRST), counted(SECOND), compared(FIRST, SECOND)]
    )
    again = run.refresh(home)
    assert again.computed == [] and sorted(again.kept) == sorted(done.computed)

    deliver(home, people(0, 270), "O01", THIRD)
    later = run.refresh(home)
    assert sorted(later.computed) == sorted([counted(THIRD), compared(SECOND, THIRD)])
    assert sorted(later.kept) == sorted(done.computed)

    fresh = home_in(tmp_path / "two")
    know(fresh, ["O01", "O02"])
    deliver(fresh, people(0, 270), "O01", THIRD)
    for day in (SECOND, FIRST):
        for organisation, start in (("O02", 5000), ("O01", 0)):
            jobs = people(start, 260)
            random.Random(3).shuffle(jobs)
            deliver(fresh, jobs, organisation, day)
    run.refresh(fresh)
    for table in (*run.MARTS, "diversity__telling", "diversity__overgang"):
        assert rows(home, table) == rows(fresh, table), table
    for table in run.MARTS:
        assert [p.sha256 for p in lake.parts(home.lake, table)] == [
            p.sha256 for p in lake.parts(fresh.lake, table)
        ]


def test_peildata_counted_one_by_one_elsewhere_are_what_a_refresh_would_count(tmp_path):
    """What workers wrote is taken up and nothing is counted twice; in whatever order they came."""
    homes = [home_in(tmp_path / name) for name in ("alone", "workers")]
    for home in homes:
        know(home, ["O01", "O02"])
        for day in (FIRST, SECOND, THIRD):
            deliver(home, people(0, 260), "O01", day)
        deliver(home, people(5000, 260), "O02", FIRST)
    alone, workers = homes
    assert list(run.peildata(workers)) == [date.fromisoformat(d) for d in (FIRST, SECOND, THIRD)]

    written = [run.count(workers, date.fromisoformat(day)) for day in (THIRD, FIRST, SECOND)]
    assert [done.computed for done in written] == [
        [counted(THIRD), compared(SECOND, THIRD)],
        [counted(FIRST)],
        [counted(SECOND), compared(FIRST, SECOND)],
    ]
    assert not lake.tables(workers.lake).count("diversity__telling"), "no table changed yet"
    assert run.count(workers, date.fromisoformat(THIRD)).computed == [], "the same is kept"
    assert run.count(workers, date(1999, 12, 31)) == run.Done()

    assert run.refresh(workers).computed == []
    run.refresh(alone)
    for table in (*run.MARTS, "diversity__telling", "diversity__overgang"):
        assert lake.parts(workers.lake, table) == lake.parts(alone.lake, table), table


def test_what_was_counted_before_a_correction_is_cleared_away_and_not_used(tmp_path):
    home = home_in(tmp_path)
    know(home, ["O01"])
    deliver(home, people(0, 260), "O01", FIRST)
    before = run.peildata(home)
    run.count(home, date.fromisoformat(FIRST))
    deliver(home, people(0, 265), "O01", FIRST, revision=2)
    assert run.peildata(home).keys() == before.keys() and run.peildata(home) != before
    assert run.refresh(home).computed == [counted(FIRST)]
    assert len([*(home.lake / "diversity__telling").glob("*.parquet")]) == 1
    assert {row["werknemers"] for row in rows(home, "diversity__telling")} >= {265}


def test_a_damaged_part_is_not_described_anew(tmp_path):
    """A part that the manifest names keeps the hash it had: who compares sees the damage."""
    home = home_in(tmp_path)
    know(home, ["O01"])
    deliver(home, people(0, 260), "O01", FIRST)
    run.refresh(home)
    (part,) = lake.parts(home.lake, "diversity__telling")
    path = home.lake / part.file
    rewritten = path.read_bytes() + b"\0"
    path.write_bytes(rewritten)
    with contextlib.suppress(duckdb.Error):
        run.refresh(home)
    assert lake.parts(home.lake, "diversity__telling") == [part]


def test_a_corrected_delivery_and_an_objection_compute_their_days_again(tmp_path):
    home = home_in(tmp_path)
    know(home, ["O01", "O02"])
    for day in (FIRST, SECOND, THIRD):
        deliver(home, people(0, 260), "O01", day)
    deliver(home, people(5000, 260), "O02", FIRST)
    run.refresh(home)

    deliver(home, people(0, 255) + people(255, 5, countries=MOROCCAN), "O01", THIRD, revision=2)
    assert sorted(run.refresh(home).computed) == sorted([counted(THIRD), compared(SECOND, THIRD)])

    # The same delivery judged again, with other rows of the same people accepted.
    deliver(home, people(0, 260, countries=MOROCCAN), "O01", THIRD, revision=2)
    assert sorted(run.refresh(home).computed) == sorted([counted(THIRD), compared(SECOND, THIRD)])

    know(home, ["O01"], objected=["O02"], revision=2)
    done = run.refresh(home)
    assert done.computed == [counted(FIRST)]  # O02 is compared with nothing
    assert {row["organisatie"] for row in rows(home, "diversity__telling")} == {"O01"}
    # What no manifest names is gone: the counts of who objected are not left lying.
    files = {path.name for path in (home.lake / "diversity__telling").glob("*.parquet")}
    assert files == {
        part.file.split("/")[-1] for part in lake.parts(home.lake, "diversity__telling")
    }


def test_someone_left_out_of_the_view_is_computed_out(tmp_path, monkeypatch):
    """However the conformed table leaves a person out, the part of their day is another one."""
    from via_pipeline.pilots import catalog

    home = home_in(tmp_path)
    know(home, ["O01"])
    for day in (FIRST, SECOND):
        deliver(home, people(0, 260), "O01", day)
    run.refresh(home)
    register = catalog.register

    def without_one(connection, *more, **options):
        register(connection, *more, **options)
        connection.execute("ALTER VIEW pilots__p4_baan RENAME TO iedereen")
        connection.execute(
            f"CREATE VIEW pilots__p4_baan AS SELECT * FROM iedereen WHERE persoon_id <> '{7:064x}'"
        )

    monkeypatch.setattr(catalog, "register", without_one)
    assert len(run.refresh(home).computed) == 3
    whole = rows(
        home, "diversity__telling", "kenmerk = 'totaal' AND indeling = 'oud' AND werknemers > 0"
    )
    assert [row["werknemers"] for row in whole] == [259, 259]
