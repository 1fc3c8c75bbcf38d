"""Charts show what may be shown and nothing of what may not, whole and in Dutch."""

from __future__ import annotations

import dataclasses
import io
import itertools
import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from via_pipeline.letters.documents import charts, covid, findings, theme, words
from via_pipeline_tests.letters_documents import made, reading

LOOK = theme.load()
INTERVALS = [
    charts.Interval("Werk", "procentpunt", Decimal("2.5"), Decimal("0.5"), Decimal("4.5"), None, 0),
    charts.Interval("Duur", "dagen", Decimal("-3"), Decimal("-7.25"), Decimal("1.25"), None, False),
    charts.Interval("Diploma", "procentpunt", None, None, None, "c", False),
]


def texts(svg):
    return [re.sub("<[^>]+>", "", found) for found in re.findall(r"<text[^>]*>(.*?)</text>", svg)]


def test_numbers_are_dutch_and_every_mark_has_its_own_label():
    chart = charts.bars("a", "A", made.BARS, LOOK, made.TABLE)
    said = texts(chart.svg)
    assert {"12,5", "30,3", "c", "Westers", "Niet-westers", "Nederlands"} <= set(said)
    assert not any(re.fullmatch(r"-?\d+\.\d+", text) for text in said)


def test_intervals_carry_their_ends_and_a_minus_sign():
    chart = charts.intervals("a", "A", INTERVALS, LOOK, made.TABLE)
    said = " ".join(texts(chart.svg)).replace("\u00a0", " ")
    assert "Duur: −3 (−7,25 tot 1,25)" in said or "Duur: −3,00 (−7,25 tot 1,25)" in said
    assert "Diploma: c" in said


@pytest.mark.parametrize("hidden", ["0.1", "99.9", "5000"])
def test_a_hidden_figure_changes_nothing_in_picture_or_words(hidden):
    """Should a value ever stand beside a symbol: not in the picture, its scale or its words."""
    rows = [
        dataclasses.replace(row, value=Decimal(hidden)) if row.status else row for row in made.BARS
    ]
    assert rows != made.BARS
    for top in (100.0, None):
        found = charts.bars("a", "A", rows, LOOK, made.TABLE, top=top)
        plain = charts.bars("a", "A", made.BARS, LOOK, made.TABLE, top=top)
        assert (found.svg, found.alt) == (plain.svg, plain.alt)
    betrayed = [
        dataclasses.replace(row, value=Decimal(hidden), low=Decimal(-1), high=Decimal(hidden) * 2)
        if row.status
        else row
        for row in INTERVALS
    ]
    found = charts.intervals("a", "A", betrayed, LOOK, made.TABLE)
    plain = charts.intervals("a", "A", INTERVALS, LOOK, made.TABLE)
    assert (found.svg, found.alt) == (plain.svg, plain.alt)
    assert words.figure(Decimal(hidden), "c").text == "c"


def test_the_scale_ends_at_what_is_shown():
    numbers = re.compile(r"<text[^>]*>(\d+)</text>")
    shown = [row for row in made.BARS if row.value is not None]
    with_hidden = charts.bars("a", "A", made.BARS, LOOK, made.TABLE, top=None).svg
    without = charts.bars("a", "A", shown, LOOK, made.TABLE, top=None).svg
    assert numbers.findall(with_hidden) == numbers.findall(without) != []


def test_marks_stand_in_the_order_in_which_they_are_given():
    for rows in itertools.permutations(made.BARS):
        said = texts(charts.bars("a", "A", rows, LOOK, made.TABLE).svg)
        labels = [row.label for row in rows]
        assert [text for text in said if text in labels] == labels


def test_no_picture_where_no_figure_is_shown():
    hidden = [dataclasses.replace(row, value=None, status="c") for row in made.BARS]
    assert charts.bars("a", "A", hidden, LOOK, made.TABLE) is None
    assert charts.intervals("a", "A", INTERVALS[2:], LOOK, made.TABLE) is None


def test_every_picture_of_an_edition_is_whole(any_edition):
    """Text that is cut off would reach the picture's edge."""
    found = sorted(any_edition.glob("grafiek_*.png"))
    assert found or any_edition.name in ("eerste", "tweede")
    for path in found:
        with Image.open(path) as picture:
            plain = picture.convert("RGB")
        box = ImageChops.difference(plain, Image.new("RGB", plain.size, "white")).getbbox()
        assert box is not None
        left, upper, right, lower = box
        assert min(left, upper, plain.width - right, plain.height - lower) >= 4, path.name
        assert "…" not in path.with_suffix(".svg").read_text("utf-8"), path.name


def test_a_long_label_is_not_cut():
    long = [dataclasses.replace(row, label=f"{row.label} {'en nog wat ' * 4}") for row in made.BARS]
    chart = charts.bars("a", "A", long, LOOK, made.TABLE)
    assert all(row.label.strip() in " ".join(texts(chart.svg)) for row in long)
    with Image.open(io.BytesIO(chart.png)) as picture:
        assert picture.getpixel((1, picture.height // 3)) == picture.getpixel((1, 1))


VALUE = st.none() | st.decimals(0, 100, places=2)


@settings(max_examples=200, deadline=None)
@given(st.lists(VALUE, min_size=1, max_size=8))
def test_words_for_a_picture_say_only_what_is_shown(values):
    rows = [
        charts.Bar(
            "Maat", f"Groep {'abcdefgh'[place]}", value, None if value is not None else "c", 0
        )
        for place, value in enumerate(values)
    ]
    said = findings.of_bars(rows, "procent")
    shown = [value for value in values if value is not None]
    numbers = reading.decimals_in(said)
    assert all(any(reading.as_shown(str(value), text) for value in shown) for text in numbers)
    if shown:
        wanted = {max(shown), min(shown)}
        assert all(any(reading.as_shown(str(value), text) for text in numbers) for value in wanted)
    hidden = len(values) - len(shown)
    if shown and hidden:
        assert f"{hidden} van {len(values)} niet getoond" in said
    for row in rows:
        if row.value is None:
            assert row.label not in said


def test_words_for_intervals_say_on_which_side_of_zero_they_lie():
    assert findings.of_intervals(INTERVALS) == (
        "Het interval van 95 procent ligt boven nul bij: Werk. "
        "Het interval van 95 procent ligt aan beide kanten van nul bij: Duur. "
        "Niet getoond: Diploma."
    )


def test_the_words_of_a_chart_are_set_in_the_themes_own_font():
    """No name of a font that may not be passed on; and the same widths on every machine."""
    chart = charts.bars("a", "A", made.BARS, LOOK, made.TABLE)
    families = set(re.findall(r'font-family="([^"]+)"', chart.svg))
    assert families == {"'Source Sans Pro', sans-serif"}


@pytest.mark.parametrize(
    ("period", "said"),
    [
        ("2019", "vóór"),
        ("2019JJ00", "vóór"),
        ("2019-2020", "deels na"),
        ("2020H1", "deels na"),
        ("2020H2", "na"),
        ("2019KW4", "vóór"),
        ("2020KW01", "deels na"),
        ("2020KW2", "na"),
        ("2020-03-15", "vóór"),
        ("2020-03-16", "na"),
    ],
)
def test_a_period_lies_before_or_after_the_first_measures(period, said):
    assert covid.side(period) == said
