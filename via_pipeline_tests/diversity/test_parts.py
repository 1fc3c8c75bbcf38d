"""A new peildatum computes itself and what compares with it; the rest stands."""

from __future__ import annotations

import random

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
