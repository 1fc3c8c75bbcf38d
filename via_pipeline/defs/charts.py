"""Small charts beside outcome and diversity assets: what may be published and nothing else.

Belongs here: reading the protected tables, drawing, and handing each outcome asset its picture as
an observation. Does not belong here: the charts of a letter, a figure. The tables of ``outcomes``
are before disclosure control, and metadata are kept in the event log: a chart made there would
keep what a table may not show. So the step that protects the tables also draws.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import cache
from typing import Any

import dagster as dg

from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home

_WIDTH, _STEP = 420, 22
_SHARES = """
SELECT bron, periode, maat_label AS maat, CAST(waarde AS DOUBLE) AS procent
FROM disclosure__resultaat
WHERE soort = 'aandeel' AND locatie = 'alle' AND groep_soort = 'totaal' AND waarde IS NOT NULL
ORDER BY bron, maat, periode"""
_COMPARISONS = """
SELECT pilot_id || ' ' || replace(uitkomst, '_', ' ') AS uitkomst, eenheid,
    CAST(schatting AS DOUBLE) AS schatting, CAST(interval_laag AS DOUBLE) AS laag,
    CAST(interval_hoog AS DOUBLE) AS hoog
FROM disclosure__schatting
WHERE groep_soort = 'totaal' AND reeks = 1 AND schatting IS NOT NULL AND interval_laag IS NOT NULL
QUALIFY leesdatum = max(leesdatum) OVER (
    PARTITION BY pilot_id, locatie, disclosure__schatting.uitkomst)
ORDER BY eenheid, uitkomst"""
_REACH = """
SELECT pilot_id || ' ' || soort AS wat, stand, n FROM disclosure__bereik
WHERE periode = 'alle' AND n IS NOT NULL ORDER BY wat, stand, bron"""

_DIVERSITY = """
SELECT organisatie || ' ' || peildatum AS wie, replace(categorie, '_', ' ') AS groep,
    CAST(aandeel_pct AS DOUBLE) AS procent
FROM disclosure__diversiteit WHERE kenmerk = 'totaal' AND aandeel_pct IS NOT NULL
ORDER BY organisatie, peildatum, categorie"""


@dataclass(frozen=True)
class Published:
    """The published figures that are drawn, a row a figure."""

    shares: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]
    reached: list[dict[str, Any]]
    diverse: list[dict[str, Any]]


def begun(home: Home, beside: Executor) -> Future[list[dg.AssetObservation]]:
    """What ``observations`` gives, drawn by ``beside`` while the caller does something else.

    Whatever goes wrong comes out of the future. Reads and imports at once: the thread only draws.
    """
    drawn: Future[list[dg.AssetObservation]] = Future()
    try:
        import altair  # noqa: F401
        import vl_convert  # noqa: F401

        figures = _published(home)
    except Exception as error:
        drawn.set_exception(error)
        return drawn
    return beside.submit(lambda: list(_drawn(figures)))


def observations(home: Home) -> Iterator[dg.AssetObservation]:
    """Per outcome asset its chart, from the protected tables in the lake; none without figures."""
    yield from _drawn(_published(home))


def _published(home: Home) -> Published:
    with work(home.scratch) as connection:
        for table in ("resultaat", "schatting", "bereik", "diversiteit"):
            lake.view(connection, home.lake, f"disclosure__{table}")
        queries = (_SHARES, _COMPARISONS, _REACH, _DIVERSITY)
        return Published(*(_rows(connection, query) for query in queries))


def _drawn(figures: Published) -> Iterator[dg.AssetObservation]:
    comparisons, reached, diverse = figures.comparisons, figures.reached, figures.diverse
    for source in sorted({row["bron"] for row in figures.shares}):
        own = [row for row in figures.shares if row["bron"] == source]
        yield _observation(f"outcomes__{source}", "Aandelen per periode", own, _lines(own))
    if comparisons:
        yield _observation(
            "outcomes__effect", "Vergelijkingen, jongste lezing", comparisons, _forest(comparisons)
        )
    if reached:
        yield _observation("outcomes__bereik", "Gepland, doel, geleverd", reached, _bars(reached))
    if diverse:
        yield _observation(
            "diversity__barometer", "Herkomst per organisatie", diverse, _stacked(diverse)
        )


def _rows(connection: Any, query: str) -> list[dict[str, Any]]:
    found = connection.execute(query)
    names = [name for name, *_ in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _observation(
    asset: str, title: str, rows: list[dict[str, Any]], chart: Any
) -> dg.AssetObservation:
    picture = base64.b64encode(_svg(chart).encode()).decode()
    return dg.AssetObservation(
        asset_key=asset,
        description=f"{title} (gepubliceerde cijfers)",
        metadata={
            "published_figures": len(rows),
            "chart": dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{picture})"),
        },
    )


def _svg(chart: Any) -> str:
    from via_pipeline.letters.documents.charts import svg_of

    return svg_of(chart.to_dict())


@cache
def _colours() -> list[str]:
    """The colours of the letter's charts."""
    from via_pipeline.letters.documents import theme

    return theme.load().series


def _lines(rows: list[dict[str, Any]]) -> Any:
    import altair as alt

    return (
        alt.Chart(alt.Data(values=rows), width=_WIDTH, height=180)
        .mark_line(point=True)
        .encode(
            x=alt.X("periode:O", title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("procent:Q", title="procent", scale=alt.Scale(zero=True)),
            color=alt.Color(
                "maat:N",
                title=None,
                scale=alt.Scale(range=_colours()),
                legend=alt.Legend(orient="bottom", columns=1, labelLimit=_WIDTH),
            ),
        )
    )


def _forest(rows: list[dict[str, Any]]) -> Any:
    """One panel a unit: percentage points and days do not share an axis."""
    import altair as alt

    panels = []
    for unit in sorted({row["eenheid"] for row in rows}):
        own = alt.Data(values=[row for row in rows if row["eenheid"] == unit])
        base = alt.Chart(own, width=_WIDTH, height=alt.Step(_STEP)).encode(
            y=alt.Y("uitkomst:N", title=None, axis=alt.Axis(labelLimit=260))
        )
        zero = alt.Chart(alt.Data(values=[{"nul": 0}])).mark_rule(strokeDash=[3, 3])
        panels.append(
            alt.layer(
                zero.encode(x=alt.X("nul:Q", title=unit)),
                base.mark_rule(color=_colours()[0]).encode(x="laag:Q", x2="hoog:Q"),
                base.mark_point(filled=True, size=50, color=_colours()[0]).encode(x="schatting:Q"),
            )
        )
    return alt.vconcat(*panels).resolve_scale(x="independent")


def _bars(rows: list[dict[str, Any]]) -> Any:
    import altair as alt

    return (
        alt.Chart(alt.Data(values=rows), width=_WIDTH, height=alt.Step(_STEP))
        .mark_point(filled=True, size=70)
        .encode(
            x=alt.X("n:Q", title="aantal"),
            y=alt.Y("wat:N", title=None, axis=alt.Axis(labelLimit=260)),
            color=alt.Color("stand:N", title=None, scale=alt.Scale(range=_colours())),
            shape=alt.Shape("stand:N", title=None),
        )
    )


def _stacked(rows: list[dict[str, Any]]) -> Any:
    import altair as alt

    return (
        alt.Chart(alt.Data(values=rows), width=_WIDTH, height=alt.Step(_STEP))
        .mark_bar()
        .encode(
            x=alt.X("procent:Q", title="procent", scale=alt.Scale(domain=[0, 100])),
            y=alt.Y("wie:N", title=None, axis=alt.Axis(labelLimit=260)),
            color=alt.Color(
                "groep:N",
                title=None,
                scale=alt.Scale(range=_colours()),
                legend=alt.Legend(orient="bottom"),
            ),
        )
    )
