"""The page can be used by everyone, and asks nothing of any other machine."""

from __future__ import annotations

import itertools
import re

import pytest

from via_pipeline.letters.documents import page as html
from via_pipeline.letters.documents import theme
from via_pipeline_tests.letters_documents import made, reading
from via_pipeline_tests.ui import desk

needs_browser = pytest.mark.skipif(
    not desk.CHROMIUM.exists(), reason=f"no chromium at {desk.CHROMIUM} (apt install chromium)"
)

RIGHT_OF = (
    "found => [...document.querySelectorAll(found)].map(e => e.getBoundingClientRect().right)"
)


@pytest.fixture(scope="module")
def look():
    with desk.browser() as (page, asked):
        yield page, asked


def violations(page):
    from axe_playwright_python.sync_playwright import Axe

    return {found["id"] for found in Axe().run(page).response["violations"]}


@needs_browser
@pytest.mark.parametrize("name", ["eerste", "slot"])  # with least in it, and with most
def test_axe_finds_nothing_and_the_page_asks_for_nothing(look, edition, name):
    page, asked = look
    asked.clear()
    address = (edition.parent / name / "bijlage.html").as_uri()
    page.goto(address)
    assert violations(page) == set()
    assert {found for found in asked if not found.startswith("data:")} == {address}


@needs_browser
@pytest.mark.parametrize(
    ("good", "bad", "rule"),
    [
        ('<html lang="nl-NL">', "<html>", "html-has-lang"),
        (' alt="', ' data-alt="', "image-alt"),
        ("#595959", "#b0b0b0", "color-contrast"),
    ],
)
def test_axe_notices_a_page_that_is_broken(look, tmp_path, good, bad, rule):
    page, _ = look
    style = theme.load()
    text = html.write(made.document(style), style, tmp_path).read_text("utf-8")
    assert good in text
    broken = tmp_path / "broken.html"
    broken.write_text(text.replace(good, bad), encoding="utf-8")
    page.goto(broken.as_uri())
    assert rule in violations(page)


@needs_browser
def test_the_skip_link_works_and_nothing_is_wider_than_a_phone(look, edition):
    page, _ = look
    page.goto((edition / "bijlage.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Naar de inhoud"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "inhoud"
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # A table may be scrolled to; what it is about is read without.
    assert len(page.evaluate(RIGHT_OF, ".titel")) > 30
    assert max(page.evaluate(RIGHT_OF, ".titel")) <= 390
    page.set_viewport_size({"width": 1200, "height": 900})


@needs_browser
def test_print_leaves_out_what_paper_cannot_use_and_cuts_nothing(look, edition):
    page, _ = look
    page.goto((edition / "bijlage.html").as_uri())
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator("main").is_visible()
    # A4 less its margins, at 96 points an inch: a wider table would shrink every page.
    page.set_viewport_size({"width": 642, "height": 900})
    assert max(page.evaluate(RIGHT_OF, "table, img")) <= 643
    page.set_viewport_size({"width": 1200, "height": 900})
    page.emulate_media(media="screen")


def test_structure_is_what_a_screen_reader_needs(any_edition):
    page = reading.page(any_edition)
    assert ("html", {"lang": "nl-NL"}) in page.elements
    levels = [level for level, _ in page.headings]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    names = [found["id"] for _, found in page.elements if "id" in found]
    assert len(names) == len(set(names))
    for table in page.tables:
        assert table.caption and table.heads and table.rows
        assert all(len(row) == len(table.heads) for row in table.rows)
    for tag, found in page.elements:
        if tag == "th":
            assert found["scope"] in ("col", "row")
        assert not {"onclick", "onload", "srcset"} & set(found)
        assert tag not in ("script", "iframe", "link", "object")
        if "src" in found:
            assert found["src"].startswith("data:image/png;base64,")


def test_after_every_picture_come_its_figures(any_edition):
    page = reading.page(any_edition)
    tags = [tag for tag, _ in page.elements if tag in ("img", "table", "h3", "h2")]
    for place, tag in enumerate(tags):
        if tag == "img":
            assert tags[place + 1] == "table"
    assert all(len(image["alt"] or "") > 30 for image in page.images)


def test_what_rests_on_synthetic_data_says_so(edition):
    page = reading.page(edition)
    synthetic = {"voorlopige_resultaten", "vergelijkingen", "culturele_diversiteit"}
    for table in page.tables:
        if table.dataset in synthetic:
            assert "(synthetische gegevens)" in table.caption
        if table.dataset in ("covid19_context", "vervolgstappen", "overname"):
            assert "synthetisch" not in table.caption
    for image in page.images:
        assert (
            image["alt"].startswith("Synthetische gegevens. ")
            or "werkloos" in str(image["alt"])
            or "beroepsbevolking" in str(image["alt"])
        )
    for text, address in page.paragraphs:
        if address:
            assert text.endswith("(synthetische gegevens)")


def test_public_facts_and_made_up_deliveries_are_told_apart_by_row(edition):
    made_up = {
        row["omschrijving"].lower()
        for row in reading.rows(edition, "bereik")
        if row["is_synthetisch"] == "true"
    }
    mixed = 0
    for table in reading.page(edition).tables:
        if table.dataset == "bereik":
            for what, stand, *_ in table.rows:
                assert stand.endswith("(synthetisch)") == (what.lower() in made_up)
            mixed += "deels uit synthetische leveringen" in table.caption
    assert mixed > 0


def test_every_symbol_is_explained_where_it_stands(any_edition):
    text = (any_edition / "bijlage.html").read_text("utf-8")
    for part in text.split("<table")[1:]:
        table, _, after = part.partition("</table>")
        for status in set(re.findall(r'<abbr class="teken" title="[^"]+">(\w)</abbr>', table)):
            assert f"{status}: " in after.partition("</div>")[0]


def test_the_chapters_are_those_of_a_progress_letter(any_edition):
    found = [text for level, text in reading.page(any_edition).headings if level == 2]
    pilots = [row["pilot_id"] for row in reading.rows(any_edition, "stand_van_zaken")]
    assert found[:2] == ["Inhoud", "Hoofdpunten"]
    assert [text.split()[0] for text in found[2 : 2 + len(pilots)]] == pilots
    assert found[2 + len(pilots) :] == [
        # An edition from before the first measures cannot speak of them.
        "De arbeidsmarkt" if any_edition.name in ("eerste", "tweede") else "COVID-19",
        "Culturele diversiteit",
        "Vervolgstappen",
        "Aanpakken die zijn overgenomen",
        "Kwaliteit en dekking van de gegevens",
        "Wat er is veranderd",
        "Uitleg van tekens, verborgen cijfers en adressen",
    ]
