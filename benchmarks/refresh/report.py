"""The report of `make bench`: ratios first, in Markdown, with plots as SVG beside it.

Belongs here: how figures are told. Does not belong here: measuring. The machine may be busy with
other work, so processor time always stands next to the clock, and ratios are of both.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

FLOOR, US, AGAIN = "bare DuckDB", "via_pipeline", "via_pipeline, nothing new"
ALIKE = "via_pipeline, of which the same work"
"""Start, imports and the steps that do what the others do; the rest of a night is ours alone."""
_WIDTH, _HEIGHT = 560, 320


@dataclass(frozen=True)
class Line:
    """One measurement; ``split`` is by what the time went to (s and cpu_s), if it is known."""

    rows: int
    who: str
    seconds: float
    cpu_s: float
    peak_mb: int
    split: dict[str, dict[str, float]] = field(default_factory=dict)


def write(place: Path, lines: Sequence[Line], more: Sequence[Line], notes: Sequence[str]) -> Path:
    """Write ``report.md``, ``results.json`` and the plots into ``place``; the report's path."""
    place.mkdir(parents=True, exist_ok=True)
    told = {"machine": machine(), "lines": [asdict(one) for one in (*lines, *more)]}
    (place / "results.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    parts = [
        "# One night, by everybody", "",
        f"Measured on {machine()}, everybody alone, one after another, in one run. Deliveries of "
        "P7 and P4, half each, are synthetic. Every implementation made the same tables.", "",
        *table(lines), "",
        *growth(lines), "",
        *split([one for one in lines if one.who == US]), "",
        *other(more), "", *notes,
    ]  # fmt: skip
    if lines:
        parts += ["", *_plots(place, lines)]
    path = place / "report.md"
    path.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")
    return path


def machine() -> str:
    """The machine in words that tell enough: cores and memory."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = os.cpu_count() or 0
    words = {1: "one core", 2: "two cores", 4: "four cores", 8: "eight cores"}
    return f"{words.get(cores, f'{cores} cores')}, {round(gigabytes)} GB"


def table(lines: Sequence[Line]) -> list[str]:
    """Time, processor time and memory of everybody, and their ratio to the floor."""
    told = ["| rows | who | s | × floor | CPU s | × floor | peak MB |",
            "| ---: | --- | ---: | ---: | ---: | ---: | ---: |"]  # fmt: skip
    floors = {one.rows: one for one in lines if one.who == FLOOR}
    for one in lines:
        floor = floors.get(one.rows)
        times = [
            f"{mine / its:.2f}" if floor and its else ""
            for mine, its in (
                ((one.seconds, floor.seconds), (one.cpu_s, floor.cpu_s))
                if floor
                else ((0, 0), (0, 0))
            )
        ]
        told.append(
            f"| {one.rows:,} | {one.who} | {one.seconds:.1f} | {times[0]} | {one.cpu_s:.1f} | "
            f"{times[1]} | {one.peak_mb} |"
        )
    return told


def growth(lines: Sequence[Line]) -> list[str]:
    """The exponent with which time grows from each size to the next; 1 is linear."""
    told = ["| who | from | to | exponent (s) | exponent (CPU s) |",
            "| --- | ---: | ---: | ---: | ---: |"]  # fmt: skip
    for who in dict.fromkeys(one.who for one in lines):
        for small, large in pairwise(sorted((x for x in lines if x.who == who), key=_rows)):
            more = math.log(large.rows / small.rows)
            exponents = [
                math.log(many / few) / more
                for few, many in ((small.seconds, large.seconds), (small.cpu_s, large.cpu_s))
            ]
            told.append(
                f"| {who} | {small.rows:,} | {large.rows:,} | "
                + " | ".join(f"{one:.2f}" for one in exponents) + " |"
            )  # fmt: skip
    return told if len(told) > 2 else []


def split(lines: Sequence[Line]) -> list[str]:
    """Where a night goes, per size; and what validation is on top of reading and writing."""
    if not lines:
        return []
    names = sorted({name for one in lines for name in one.split})
    told = [
        "| what | " + " | ".join(f"{one.rows:,}: s | CPU s" for one in lines) + " |",
        "| --- |" + " ---: | ---: |" * len(lines),
    ]
    for name in names:
        cells = []
        for one in lines:
            took = one.split.get(name, {})
            cells += [f"{took[unit]:.1f}" if unit in took else "" for unit in ("s", "cpu_s")]
        told.append(f"| {name} | " + " | ".join(cells) + " |")
    for one in lines:
        moved = sum(
            one.split.get(name, {}).get("cpu_s", 0.0)
            for name in ("reading and conforming", "conforming")
        )
        if moved:
            judged = one.split.get("validating", {}).get("cpu_s", 0.0)
            told += [
                "",
                f"At {one.rows:,} rows validation, splitting and reports are "
                f"{100 * judged / moved:.0f} % on top of reading, conforming and writing.",
            ]
    return told


def other(lines: Sequence[Line]) -> list[str]:
    """What is started often, and nights on which little is new."""
    if not lines:
        return []
    return [
        "| what | s | CPU s | peak MB |", "| --- | ---: | ---: | ---: |",
        *(f"| {one.who} | {one.seconds:.2f} | {one.cpu_s:.2f} | {one.peak_mb} |" for one in lines),
    ]  # fmt: skip


def _rows(line: Line) -> int:
    return line.rows


def _plots(place: Path, lines: Sequence[Line]) -> list[str]:
    """Time by size, and where a night goes; names of the files as Markdown images."""
    import altair as alt
    import pandas as pd
    import vl_convert

    frame = pd.DataFrame(
        [{"rows": one.rows, "who": one.who, "s": one.seconds} for one in lines if one.seconds]
    )
    scale = alt.Scale(type="log")
    grown = (
        alt.Chart(frame, width=_WIDTH, height=_HEIGHT)
        .mark_line(point=True)
        .encode(
            x=alt.X("rows:Q", scale=scale, title="rows"),
            y=alt.Y("s:Q", scale=scale, title="seconds"),
            color=alt.Color("who:N", title=None),
        )
    )
    shares = pd.DataFrame(
        [
            {"rows": f"{one.rows:,}", "what": name, "s": took["s"]}
            for one in lines
            if one.who == US
            for name, took in one.split.items()
        ]
    )
    charts = {"growth": grown}
    if len(shares):
        charts["split"] = (
            alt.Chart(shares, width=_WIDTH, height=_HEIGHT)
            .mark_bar()
            .encode(
                x=alt.X("s:Q", stack="normalize", title="share of the night"),
                y=alt.Y("rows:N", title="rows", sort=None),
                color=alt.Color("what:N", title=None),
            )
        )
    for name, chart in charts.items():
        drawn = vl_convert.vegalite_to_svg(chart.to_dict())
        (place / f"{name}.svg").write_text(drawn, encoding="utf-8")
    return [f"![{name}]({name}.svg)" for name in charts]
