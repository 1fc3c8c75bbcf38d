"""The status site of a sample run: complete, the same twice, usable by all, telling of nobody."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import pytest

from attack import around
from via_pipeline.contracts.model import load_all
from via_pipeline.disclosure import dictionary
from via_pipeline.intake import calendar
from via_pipeline.intake.calendar import Arrival
from via_pipeline.intake.ledger import Ledger
from via_pipeline.quality.results import read_result
from via_pipeline.status import broken, lineage, site
from via_pipeline.status.facts import Facts
from via_pipeline.storage.home import Home
from via_pipeline_tests.journeys import house
from via_pipeline_tests.letters_documents.test_page import violations
from via_pipeline_tests.ui import desk

needs_browser = pytest.mark.skipif(
    not desk.CHROMIUM.exists(), reason=f"no chromium at {desk.CHROMIUM} (apt install chromium)"
)
AT = "2021-06-01T02:10:00Z"
UPSTREAM = {
    "intake__p7_ww": ("landing__p7_ww",),
    "quality__p7_ww": ("intake__p7_ww",),
    "pilots__p7_ww_periode": ("quality__p7_ww",),
    "outcomes__p7_ww": ("pilots__p7_ww_periode",),
    "outcomes__result": ("outcomes__p7_ww",),
    "disclosure__resultaat": ("outcomes__result",),
    "disclosure__beveiliging": (),
}


class Read(HTMLParser):
    """Links, ids and tables of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        if tag == "a":
            self.links.append(found["href"] or "")
        if "id" in found:
            self.ids.append(found["id"] or "")


@pytest.fixture(scope="module")
def pages(sample_run: house.Ran) -> Path:
    """The site as the sample run left it."""
    return site.folder_of(sample_run.home)


@pytest.fixture
def beside(sample_run: house.Ran, tmp_path: Path) -> Home:
    """A home that sees what the sample run made, and writes a site of its own."""
    home = Home(tmp_path / "home", sample_run.home.data)
    home.reports.mkdir(parents=True)
    for name in ("lake", "ledger"):
        (home.root / name).symlink_to(sample_run.home.root / name)
    for name in ("validation", "partners"):
        (home.reports / name).symlink_to(sample_run.home.reports / name)
    return home


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_the_night_leaves_every_page_and_nothing_else(pages: Path) -> None:
    assert sorted(path.name for path in pages.iterdir()) == sorted(site.PAGES)
    for name in site.PAGES:
        read = Read(text(pages / name))
        assert not {"script", "iframe", "link", "object", "img"} & set(read.tags)
        assert len(read.ids) == len(set(read.ids))
        assert read.tags.count("h1") == 1


def test_every_link_leads_somewhere_and_reports_are_not_copied(pages: Path) -> None:
    reports = 0
    for name in site.PAGES:
        for link in Read(text(pages / name)).links:
            path, _, anchor = link.partition("#")
            target = (pages / path).resolve() if path else pages / name
            assert target.exists(), link
            if anchor:
                assert anchor in Read(text(target)).ids, link
            if path.startswith("../"):
                assert path.startswith("../validation/"), "restricted rows are not linked to"
                reports += 1
    assert reports > 50


def test_the_calendar_counts_what_the_contracts_expect(beside: Home) -> None:
    """Worked out here from contracts and ledger, on a day when some were late and some to come."""
    facts = Facts(at="2021-09-15T02:10:00Z")
    site.build(beside, load_all(), facts)
    page = text(site.folder_of(beside) / "leveringen.html")
    rows = Ledger(beside.ledger).rows()
    day = broken.today(facts)
    # Nothing is expected of the sample organisation that objected.
    lines = [
        line
        for one in load_all()
        for line in calendar.lines(one, rows, day)
        if dict(line.key).get("organisatie") != "O08"
    ]
    numbers = [
        [int(cell) for cell in re.findall(r'<td class="getal(?: mis)?">(\d+)</td>', row)]
        for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    ]
    totals = [sum(column) for column in zip(*[row for row in numbers if row], strict=True)]
    came = [line.arrival for line in lines]
    assert totals == [
        len(lines),
        came.count(Arrival.RECEIVED),
        came.count(Arrival.RECEIVED_LATE),
        came.count(Arrival.LATE),
        came.count(Arrival.EXPECTED) + came.count(Arrival.REJECTED),
    ]
    assert all(totals)


def test_the_dictionary_and_the_lineage_are_whole(pages: Path) -> None:
    words, origin = text(pages / "woordenboek.html"), text(pages / "herkomst.html")
    for name in dictionary.tables():
        assert f'<h2 id="{name}">' in words and f'<h3 id="{name}">' in origin
        for column in dictionary.columns(name):
            assert f"<dt>{column}</dt>" in words
    for contract in load_all():
        assert f'<h3 id="bron-{contract.source}">' in origin or contract.kept_in


def test_lineage_is_what_the_graph_says() -> None:
    about, result = lineage.origins(UPSTREAM)
    assert about == lineage.Origin("beveiliging", (), (), ())
    assert result == lineage.Origin(
        "resultaat",
        ("p7_ww",),
        ("pilots__p7_ww_periode",),
        ("outcomes__p7_ww", "outcomes__result"),
    )
    assert lineage.destinations(UPSTREAM) == [
        lineage.Destination("p7_ww", ("pilots__p7_ww_periode",), ("resultaat",))
    ]


def test_the_same_house_and_moment_give_the_same_bytes(beside: Home) -> None:
    facts = Facts(at=AT, upstream=UPSTREAM)
    site.build(beside, load_all(), facts)
    before = house.bytes_of(site.folder_of(beside))
    site.build(beside, list(reversed(load_all())), facts)
    assert house.bytes_of(site.folder_of(beside)) == before


def test_nothing_half_is_seen_when_a_page_cannot_be_made(beside: Home, monkeypatch) -> None:
    facts = Facts(at=AT)
    site.build(beside, load_all(), facts)
    before = house.bytes_of(site.folder_of(beside))
    monkeypatch.setattr(site, "PAGES", site.PAGES | {"nergens.html": "Nergens"})
    with pytest.raises(Exception, match="nergens"):
        site.build(beside, load_all(), facts)
    assert house.bytes_of(site.folder_of(beside)) == before
    assert not list(beside.reports.glob(".tmp-*"))


def test_a_reader_during_a_swap_finds_every_page(beside: Home) -> None:
    """Every page is there at each moment of twelve nights, and is one of a night."""
    nights = [Facts(at=f"2021-06-{day:02}T02:10:00Z") for day in range(1, 13)]
    site.build(beside, load_all(), nights[0])
    stop, made = threading.Event(), set()

    def look() -> None:
        while not stop.is_set():
            for name in site.PAGES:
                made.add(re.search(r"\d+ juni 2021", text(site.folder_of(beside) / name)).group())

    with ThreadPoolExecutor() as pool:
        reader = pool.submit(look)
        for facts in nights[1:]:
            site.build(beside, load_all(), facts)
        stop.set()
        reader.result(timeout=60)
    assert len(made) > 3


def test_the_attacker_finds_nobody_on_the_site(sample_run: house.Ran) -> None:
    assert [one for one in around._site(sample_run.home.root)] == []


def test_files_of_who_objected_are_listed_and_count_nowhere(pages: Path) -> None:
    page = text(pages / "partners.html")
    assert page.count("telt niet mee: bezwaar van de organisatie") == 1


def test_no_exact_number_of_a_partners_rows_stands_there(sample_run, pages: Path) -> None:
    """Rows come in hundreds: no delivery's own counts are on any page, small or large."""
    everything = " ".join(
        re.sub(r"<style>.*?</style>|<[^>]*>", " ", text(pages / name), flags=re.DOTALL)
        for name in ("index.html", "partners.html")
    )
    told = set(re.findall(r"(?<![\w.-])\d+(?:\.\d{3})*(?![\w-])", everything))
    exact = {
        f"{count:,}".replace(",", ".")
        for row in Ledger(sample_run.home.ledger).rows()
        for count in (row.rows_in, row.rows_accepted)
        if count and count >= 100 and count % 100
    }
    # A rule names its own bounds in its explanation.
    bounds = {
        number
        for path in (sample_run.home.reports / "validation").glob("*.json")
        for rule in read_result(sample_run.home.reports, path.stem).rules
        for number in re.findall(r"\d+", rule.explanation)
    }
    assert exact and not told & (exact - bounds)


@needs_browser
@pytest.mark.parametrize("width", [1200, 390], ids=["desk", "phone"])
def test_axe_finds_nothing_and_it_fits(pages: Path, width: int) -> None:
    with desk.browser() as (page, asked):
        page.set_viewport_size({"width": width, "height": 900})
        for name in site.PAGES:
            page.goto((pages / name).as_uri())
            for closed in page.locator("details").all():
                closed.evaluate("one => one.open = true")
            assert violations(page) == set(), name
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert {found.split("/")[-1] for found in asked} == set(site.PAGES)
