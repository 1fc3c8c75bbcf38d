"""What a partner calls a file is shown as it is, whatever a terminal would make of it."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from via_pipeline.storage.home import Home
from via_pipeline.summary import Summary, show


def test_markup_in_a_file_name_is_only_text(tmp_path: Path) -> None:
    found = Summary(
        rejected=[
            ("p2_mbo", "x[red] [blink]b.csv", "Het bestand stud[/b]enten.txt hoort er niet.")
        ],
        quarantine=[("p2_mbo", "rij__[/i]", 3, "Uitleg [/].")],
        held=[("p7_ww", "y[/red].csv")],
        rows_of_rejected=12,
    )
    console = Console(file=io.StringIO(), width=200)
    home = Home(tmp_path / "via", tmp_path / "data")
    show(console, home, found, checks={}, editions=[], seconds={}, total=1.0)
    told = console.file.getvalue()
    for text in ("x[red] [blink]b.csv", "stud[/b]enten.txt", "rij__[/i]", "y[/red].csv", "12 of"):
        assert text in told
