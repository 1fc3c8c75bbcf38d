from __future__ import annotations

import itertools
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from via_pipeline.intake.records import read_record, staging
from via_pipeline.quality import page
from via_pipeline.quality.results import read_result
from via_pipeline.quality.run import judge
from via_pipeline_tests.quality import examples

P5 = examples.p5()
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """What a page holds: its tags, and whether they nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    home = examples.home(tmp_path)
    other = (("periode", "2019"), ("werkgever", "B"))
    examples.stage(home, P5, "p5_behoud-1", changes={5: {"leeftijdsklasse": "stokoud"}})
    examples.stage(home, P5, "p5_behoud-2", key=other)
    judge(home, P5, run_id="run-1")
    return home.reports


def _pages(reports: Path) -> dict[str, str]:
    folder = reports / "validation"
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.html")}


def test_one_page_a_delivery_and_an_index(reports: Path) -> None:
    pages = _pages(reports)
    assert set(pages) == {"p5_behoud-1.html", "p5_behoud-2.html", "index.html"}
    links = [attrs["href"] for attrs in Page(pages["index.html"]).named("a")]
    assert links == ["p5_behoud-1.html", "p5_behoud-2.html"]
    for name in set(pages) - {"index.html"}:
        assert [attrs["href"] for attrs in Page(pages[name]).named("a")] == ["index.html"]


def test_no_page_asks_anything_of_the_network(reports: Path) -> None:
    for html in _pages(reports).values():
        assert not {"script", "link", "img", "iframe", "object"} & {t for t, _ in Page(html).tags}
        for forbidden in ("http://", "https://", "@import", "url(", 'src="', "//"):
            assert forbidden not in html


def test_pages_are_accessible(reports: Path) -> None:
    for html in _pages(reports).values():
        found = Page(html)
        assert found.named("html") == [{"lang": "nl"}]
        assert len(found.named("h1")) == len(found.named("main")) == len(found.named("title")) == 1
        assert all("scope" in attrs for attrs in found.named("th"))
        assert len(found.named("caption")) == len(found.named("table"))
        levels = [int(tag[1]) for tag, _ in found.tags if tag in {"h1", "h2", "h3"}]
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("text", ["#1a1a1a", "#00488a", "#14532d", "#6b3f00", "#8b0000"])
def test_every_colour_of_text_has_contrast(text: str, reports: Path) -> None:
    assert all(text in html for html in _pages(reports).values())
    for ground in ("#ffffff", "#e8eef4"):
        bright, dark = sorted((_luminance(ground), _luminance(text)), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5


def test_what_a_page_tells(reports: Path) -> None:
    text = " ".join(" ".join(Page(_pages(reports)["p5_behoud-1.html"]).text).split())
    assert "Overgenomen, met opmerkingen" in text
    assert "leeftijdsklasse__codelijst niet in orde medewerker leeftijdsklasse" in text
    assert "medewerker: 1 rij van de 20 is apart gezet" in text
    assert "stokoud" not in text


def test_what_comes_from_a_file_is_escaped(reports: Path, tmp_path: Path) -> None:
    home = reports.parent
    staged = read_record(staging(home / "lake", "p5_behoud-1"))
    hostile = "<script>alert(1)</script>\"'&.csv"
    result = replace(read_result(reports, "p5_behoud-1"), file_name=hostile, reasons=(hostile,))
    page.write(tmp_path, P5, staged, result)
    page.write_index(tmp_path, [result])
    for html in _pages(tmp_path).values():
        assert "<script" not in html
        assert hostile in "".join(Page(html).text)
