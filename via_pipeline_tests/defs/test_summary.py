"""What a partner calls a file is shown as it is, whatever a terminal would make of it."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

from rich.console import Console

from via_pipeline.contracts import model
from via_pipeline.quality.run import judge
from via_pipeline.storage.home import Home
from via_pipeline.summary import Summary, collect, show
from via_pipeline_tests.intake.house import House, p5_row, p5_text
from via_pipeline_tests.journeys import house


def test_markup_in_a_file_name_is_only_text(tmp_path: Path) -> None:
    found = Summary(
        rejected=[
            ("p2_mbo", "x[red] [blink]b.csv", "Het bestand stud[/b]enten.txt hoort er niet.")
        ],
        quarantine=[("p2_mbo", "rij__[/i]", 3, "Uitleg [/].")],
        held=[("p7_ww", "y[/red].csv")],
        rows_of_rejected=12,
        calendar={"received": 5, "received_late": 1, "late": 2},
        twins=[("p5_behoud", "z[b].csv")],
    )
    console = Console(file=io.StringIO(), width=200)
    home = Home(tmp_path / "via", tmp_path / "data")
    show(console, home, found, checks={}, editions=[], seconds={}, total=1.0)
    told = console.file.getvalue()
    for text in (
        "x[red] [blink]b.csv",
        "stud[/b]enten.txt",
        "rij__[/i]",
        "y[/red].csv",
        "12 of",
        "z[b].csv",
    ):
        assert text in told
    assert "8 expected: 5 in time, 1 late, 2 missing" in told


def test_the_calendar_counts_what_was_due_on_a_day(sample_run: house.Ran) -> None:
    lines = [dict(line.key) for contract in model.load_all() for line in contract.calendar]
    # O08 objected in the sample: nothing more is expected of it.
    total = sum(line.get("organisatie") != "O08" for line in lines)
    assert total < len(lines)
    early = collect(sample_run.home, date(2018, 1, 1)).calendar
    assert early == {"expected": total}
    done = collect(sample_run.home, date(2030, 1, 1)).calendar
    assert done["received_late"] > 0 and done["late"] > 0
    assert sum(done.values()) == total


def test_one_file_under_two_names_is_pointed_out(tmp_path: Path) -> None:
    place = House.build(tmp_path)
    for name in ("p5_behoud_A_2018_v1.csv", "p5_behoud_B_2018_v1.csv", "p5_behoud_C_2018_v1.csv"):
        number = 2 if name.startswith("p5_behoud_C") else 1
        place.land("p5_behoud", name, p5_text([p5_row(number)]))
    place.take_in("p5_behoud")
    assert collect(place.home, date(2020, 1, 1)).twins == []
    judge(place.home, place.contract("p5_behoud"), run_id="run")
    assert [name for _, name in collect(place.home, date(2020, 1, 1)).twins] == [
        "p5_behoud_A_2018_v1.csv",
        "p5_behoud_B_2018_v1.csv",
    ]
