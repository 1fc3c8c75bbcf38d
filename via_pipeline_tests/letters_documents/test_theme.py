"""The theme is data: a ministry replaces what it wants, and mistakes are told."""

from __future__ import annotations

import re

import pytest
from fontTools.ttLib import TTFont

from via_pipeline.letters.documents import annex, theme
from via_pipeline_tests.letters_documents import made, reading


def luminance(colour):
    """Relative luminance of WCAG 2.1."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_text_can_be_read_on_every_ground():
    colours = theme.load().colours
    for ground in ("achtergrond", "kopvlak", "melding"):
        for ink in ("tekst", "koppen"):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    assert contrast(colours["zacht"], colours["achtergrond"]) >= 4.5
    # What is drawn needs 3 to 1 (WCAG 1.4.11).
    assert contrast(theme.load().series[0], colours["achtergrond"]) >= 3


def test_a_ministry_replaces_key_by_key(tmp_path):
    (tmp_path / "thema.yaml").write_text("kleuren: {koppen: '#154273'}\n", encoding="utf-8")
    look = theme.load(tmp_path)
    assert look.colours["koppen"] == "#154273"
    assert look.colours["tekst"] == theme.load().colours["tekst"]
    document = made.document(look)
    with_own = annex._document(document, look, [])["theme"]["colours"]
    assert with_own["koppen"] == "#154273"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kleuren: {kop: '#000000'}", "kleuren.kop"),
        ("logo: rijk.svg", "logo"),
        ("lettertype: {map: letters, bestanden: [Eigen.ttf]}", "Eigen.ttf"),
    ],
)
def test_a_mistake_is_told(tmp_path, text, said):
    (tmp_path / "thema.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(theme.ThemeError, match=re.escape(said)):
        theme.load(tmp_path)


def test_the_font_has_every_character_that_is_said(any_edition):
    page = reading.page(any_edition)
    said = {text for table in page.tables for row in table.rows for text in row}
    said |= {text for text, _ in page.paragraphs} | {text for _, text in page.headings}
    characters = set("".join(said)) - {"\n"}
    for path in theme.load().fonts:
        with TTFont(path) as font:
            assert {found for found in characters if ord(found) not in font.getBestCmap()} == set()


def test_the_licence_of_the_font_lets_it_be_embedded():
    for path in theme.load().fonts:
        with TTFont(path) as font:
            assert font["OS/2"].fsType == 0
            assert "SIL Open Font License" in font["name"].getDebugName(13)
