"""The charts of the documents: bars and intervals, of shown figures alone.

Belongs here: drawing with Altair and vl-convert, for ``defs.charts`` too (``svg_of``). Does not
belong here: which figures, and the charts beside Dagster's assets. A figure that is not shown has
its symbol at the axis: it is in no scale, and marks stand in the order in which they are given.

Every mark carries its own label, so no reader needs a colour to tell marks apart. Text is measured
in the theme's own font, which is handed to vl-convert: the same on every machine.
"""

from __future__ import annotations

import atexit
import io
import json
import shutil
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from via_pipeline.letters.documents import findings, words
from via_pipeline.letters.documents.blocks import Chart, Table
from via_pipeline.letters.documents.theme import Theme

_STEP, _ROW = 21, 50
# Pixels of a character of a label, at least and at most; the least for bars.
_NARROW, _WIDE, _NARROWEST = 5.7, 6.7, 200
# Characters on a line of text.
_LINE = 92
_DUTCH = {"decimal": ",", "thousands": "\u00a0", "grouping": [3], "currency": ["€\u00a0", ""]}
_SCALE = 2.0


@dataclass(frozen=True)
class Bar:
    """One bar, or the symbol where it would start; ``panel`` is the heading above it."""

    panel: str
    label: str
    value: Decimal | None
    status: str | None
    is_synthetic: bool

    @property
    def shown(self) -> Decimal | None:
        """The value, unless a symbol says that it is not to be seen."""
        return self.value if self.status is None else None


@dataclass(frozen=True)
class Interval:
    """One estimate with the ends of its interval, in ``unit``."""

    label: str
    unit: str
    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    status: str | None
    is_synthetic: bool

    @property
    def shown(self) -> tuple[Decimal, Decimal, Decimal] | None:
        """Value and both ends, unless one is missing or a symbol stands in their place."""
        if self.status is not None or self.value is None or self.low is None or self.high is None:
            return None
        return self.value, self.low, self.high


def bars(
    name: str,
    title: str,
    rows: Sequence[Bar],
    theme: Theme,
    table: Table,
    unit: str = "procent",
    top: float | None = 100.0,
) -> Chart | None:
    """Bars, a panel per heading, on an axis from zero to ``top`` (None: to the largest shown).

    None where not one figure is shown: an empty picture tells nothing that the table does not.
    """
    shown = [row.shown for row in rows if row.shown is not None]
    if not shown:
        return None
    import altair as alt

    end = top if top is not None else float(max(shown))
    scale = alt.Scale(domain=[0, end], nice=top is None)
    headings = list(dict.fromkeys(row.panel for row in rows))
    # No label is cut: bars take the width that the longest label leaves, in every panel.
    longest = max(len(row.label) for row in rows)
    room, wide = _NARROW * longest, max(_NARROWEST, _width(theme) - _WIDE * longest)
    panels, values = [], {}
    for panel in headings:
        own = [row for row in rows if row.panel == panel]
        data = alt.NamedData(name=f"panel_{len(values)}")
        values[data.name] = [_bar_mark(row) for row in own]
        base = alt.Chart(data, width=wide, height=alt.Step(_STEP)).encode(
            y=alt.Y(
                "groep:N",
                title=None,
                sort=[row.label for row in own],
                axis=alt.Axis(
                    labelLimit=0, ticks=False, domain=False, labelPadding=6, minExtent=room
                ),
            )
        )
        # All panels share one scale: the last carries its numbers, the others only the lines.
        is_last = panel == headings[-1]
        axis = alt.Axis(tickCount=5, format=",~f", labels=is_last, ticks=is_last, domain=is_last)
        bar = base.mark_bar(color=theme.series[0], height=13).encode(
            x=alt.X("waarde:Q", title=unit if is_last else None, scale=scale, axis=axis)
        )
        text = base.mark_text(align="left", dx=5, color=theme.colours["tekst"]).encode(
            x=alt.X("plaats:Q", scale=scale), text="tekst:N"
        )
        panels.append(_panel(alt.layer(bar, text).properties(title=_wrapped(panel).split("\n"))))
    chart = {"vconcat": panels, "spacing": 8}
    return _drawn(name, title, findings.of_bars(rows, unit), chart, values, theme, table, rows)


def _bar_mark(row: Bar) -> dict[str, Any]:
    if row.shown is None:
        return {"groep": row.label, "plaats": 0, "tekst": row.status or words.NONE}
    value, text = float(row.shown), words.number(row.shown, 1)
    return {"groep": row.label, "waarde": value, "plaats": value, "tekst": text}


def intervals(
    name: str, title: str, rows: Sequence[Interval], theme: Theme, table: Table
) -> Chart | None:
    """Estimates with their intervals around zero; a panel per unit, for units share no axis."""
    shown = [row for row in rows if row.shown is not None]
    if not shown:
        return None
    import altair as alt

    panels, values = [], {}
    for unit in dict.fromkeys(row.unit for row in rows if row in shown):
        own = [row for row in rows if row.unit == unit]
        data = alt.NamedData(name=f"panel_{len(values)}")
        values[data.name] = [_interval_mark(row, place) for place, row in enumerate(own)]
        base = alt.Chart(data, width=_width(theme), height=alt.Step(_ROW))
        low = alt.Y("plaats:O", title=None, axis=None, bandPosition=0.8)
        zero = base.mark_rule(strokeDash=[4, 3], color=theme.colours["zacht"]).encode(
            x=alt.X(
                "nul:Q",
                title=f"verschil in {unit}",
                axis=alt.Axis(format=",~f", grid=False, tickCount=6),
            ),
            y=alt.Y("plaats:O", axis=None, bandPosition=0.7),
            y2=alt.Y2("plaats:O", bandPosition=1.0),
        )
        layers = (
            zero,
            base.mark_rule(color=theme.series[0], strokeWidth=2).encode(
                y=low, x="laag:Q", x2="hoog:Q"
            ),
            base.mark_point(filled=True, opacity=1, size=60, color=theme.series[0]).encode(
                y=low, x="schatting:Q"
            ),
            base.mark_text(
                align="left", baseline="top", lineBreak="\n", color=theme.colours["tekst"]
            ).encode(
                y=alt.Y("plaats:O", axis=None, bandPosition=0.08),
                x=alt.value(0),
                text="tekst:N",
            ),
        )
        panels.append(_panel(alt.layer(*layers)))
    chart = {"vconcat": panels, "spacing": 14, "resolve": {"scale": {"x": "independent"}}}
    return _drawn(name, title, findings.of_intervals(rows), chart, values, theme, table, rows)


def _interval_mark(row: Interval, place: int) -> dict[str, Any]:
    if row.shown is None:
        text = _wrapped(f"{row.label}:\u00a0{row.status or words.NONE}")
        return {"plaats": place, "nul": 0, "tekst": text}
    value, low, high = row.shown
    said = [words.number(part, 2) for part in row.shown]
    return {
        "plaats": place,
        "nul": 0,
        "schatting": float(value),
        "laag": float(low),
        "hoog": float(high),
        "tekst": _wrapped(f"{row.label}:\u00a0{said[0]} ({said[1]}\u00a0tot\u00a0{said[2]})"),
    }


def _wrapped(text: str) -> str:
    # A no-break space keeps the parts of a figure together: textwrap breaks at plain ones only.
    return "\n".join(textwrap.wrap(text, _LINE, break_long_words=False, break_on_hyphens=False))


def _panel(chart: Any) -> dict[str, Any]:
    """A part of a chart as Vega-Lite. Parts are joined as data: Altair copies all that it holds at
    every step, and again for every part that it joins."""
    return chart.to_dict(validate=False, context={"top_level": False})


def _width(theme: Theme) -> float:
    return theme.sizes["grafiek_breedte_px"] - 20


def _drawn(
    name: str,
    title: str,
    finding: str,
    chart: dict[str, Any],
    values: dict[str, list[dict[str, Any]]],
    theme: Theme,
    table: Table,
    rows: Sequence[Bar] | Sequence[Interval],
) -> Chart:
    import altair as alt

    is_synthetic = any(row.is_synthetic for row in rows)
    _know(theme.fonts)
    svg = svg_of({"$schema": alt.SCHEMA_URL, "config": _config(theme), "datasets": values} | chart)
    return Chart(
        name=name,
        title=title,
        alt=f"Synthetische gegevens. {finding}" if is_synthetic else finding,
        svg=svg,
        png=_png(svg),
        width_px=int(theme.sizes["grafiek_breedte_px"]),
        table=table,
        is_synthetic=is_synthetic,
    )


def svg_of(spec: dict[str, Any]) -> str:
    """A Vega-Lite specification as SVG, its numbers Dutch; no browser, no network."""
    return _svg(json.dumps(spec, sort_keys=True))


@cache
def _know(fonts: tuple[Path, ...]) -> None:
    """Let vl-convert know the theme's font, from a folder with those files and no other: which of
    two files of one weight it takes would depend on the machine."""
    import vl_convert

    folder = tempfile.mkdtemp(prefix="via-lettertype-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for font in fonts:
        shutil.copyfile(font, Path(folder) / font.name)
    vl_convert.register_font_directory(folder)


@cache
def _svg(spec: str) -> str:
    import vl_convert

    return vl_convert.vegalite_to_svg(spec, format_locale=_DUTCH)


@cache
def _png(svg: str) -> bytes:
    """The picture without transparency and well packed: a third of what the converter writes."""
    import vl_convert
    from PIL import Image

    packed = io.BytesIO()
    with Image.open(io.BytesIO(vl_convert.svg_to_png(svg, scale=_SCALE))) as picture:
        picture.convert("RGB").quantize(64, method=Image.Quantize.MAXCOVERAGE).save(
            packed, "PNG", compress_level=6
        )
    return packed.getvalue()


def _config(theme: Theme) -> dict[str, Any]:
    text, soft = theme.colours["tekst"], theme.colours["zacht"]
    size = theme.sizes["grafiek_tekst_px"]
    family = ", ".join(
        f"'{name}'" if " " in name else name for name in (theme.family, *theme.fallback)
    )
    return {
        "font": family,
        "background": theme.colours["achtergrond"],
        "view": {"stroke": None},
        "padding": 6,
        "axis": {
            "labelFontSize": size,
            "titleFontSize": size,
            "titleFontWeight": "normal",
            "labelColor": text,
            "titleColor": soft,
            "gridColor": "#e0e0e0",
            "domainColor": theme.colours["lijn"],
            "tickColor": theme.colours["lijn"],
        },
        "axisY": {"grid": False},
        "title": {
            "anchor": "start",
            "frame": "bounds",
            "fontSize": size + 1,
            "fontWeight": "bold",
            "color": text,
            "offset": 6,
        },
        "text": {"fontSize": size},
    }
