"""Screenshots of Dagster's UI, the status site and the letters after a run: ``make screenshots``.

Runs ``via run`` in a temporary place, starts the webserver on it and looks with Debian's chromium;
the texts for the letter are laid out by LibreOffice. ``python docs/make_screenshots.py FOLDER``
makes the pictures of the letters only, from the editions in ``FOLDER``. Look at what it made before
committing it. Belongs here: which pages, and their names in docs/img.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))
os.environ.setdefault("VIA_PSEUDONYM_KEY", "73637265656e73686f7473" + "00" * 32)

from via_pipeline.status import site  # noqa: E402 - after the path is set
from via_pipeline_tests.journeys import house  # noqa: E402 - after the path is set
from via_pipeline_tests.ui import desk, pages  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = PROJECT / "docs" / "img"


# Pages of the annex, by their name in docs/img and what must stand on them.
_ANNEX = {
    "annex_front": ("Hoofdpunten", "Vergelijkingen volgens de analyseplannen"),
    "annex_pilot": ("P3 Nudging in werving en selectie", "Waaruit bestond de pilot?"),
    "annex_comparisons": ("P3 Nudging in werving en selectie: verschillen met hun interval",),
    "annex_covid": ("COVID-19", "vóór en na de eerste maatregelen"),
    "annex_diversity": ("Aandelen van herkomstgroepen per organisatie",),
}
_DPI = 80
# Of every edition: three of its pages side by side, by what must stand on them.
_EDITIONS = {
    "eerste": ("Hoofdpunten", "Werkloosheid naar migratieachtergrond", "Kwaliteit en dekking"),
    "tweede": ("Hoofdpunten", "P5 Behoud en Doorstroom: aandelen", "Wat er is veranderd"),
    "derde": ("Hoofdpunten", "Wat er gebeurde", "Aandelen van herkomstgroepen per organisatie"),
    "slot": ("Culturele diversiteit aan de top", "Wie erbij kwam", "Naast andere cijfers"),
}
_TEXTS = {"letter_docx": "brief.docx", "letter_odt": "brief.odt"}
_SMALL_DPI = 55


def letters(folder: Path) -> None:
    """Everything about the letters in ``folder``, one edition a folder."""
    annex(folder / "slot" / "bijlage.pdf")
    for edition, wanted in _EDITIONS.items():
        side_by_side(f"annex_of_{edition}", folder / edition / "bijlage.pdf", wanted)
    texts(folder / "slot")
    with desk.browser() as (page, _):
        page_of_letter(page, folder / "slot" / "bijlage.html")


def annex(path: Path) -> None:
    """Pages of an annex as small pictures."""
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        for name, wanted in _ANNEX.items():
            _save(name, _page(document, wanted).render(scale=_DPI / 72).to_pil())


def side_by_side(name: str, path: Path, wanted: Sequence[str | int]) -> None:
    """Pages of a PDF in one picture: those with a text on them, or by their place."""
    import pypdfium2
    from PIL import Image

    with pypdfium2.PdfDocument(path) as document:
        found = [
            document[one] if isinstance(one, int) else _page(document, (one,)) for one in wanted
        ]
        pictures = [page.render(scale=_SMALL_DPI / 72).to_pil() for page in found]
    width = sum(picture.width for picture in pictures) + 8 * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, pictures[0].height), "#8c8c8c")
    left = 0
    for picture in pictures:
        sheet.paste(picture, (left, 0))
        left += picture.width + 8
    _save(name, sheet)


def _page(document: Any, wanted: Sequence[str]) -> Any:
    # The table of contents names every chapter too; a title on its own page comes after it.
    return [
        page
        for page in document
        if all(text in page.get_textpage().get_text_bounded() for text in wanted)
    ][0 if len(wanted) > 1 else -1]


def texts(edition: Path) -> None:
    """The texts for the letter as LibreOffice lays them out: two first pages and a later one."""
    with tempfile.TemporaryDirectory() as folder:
        for name, file in _TEXTS.items():
            place = Path(folder, name)
            profile = f"-env:UserInstallation={Path(folder, 'profile').as_uri()}"
            subprocess.run(  # noqa: S603 - our own files
                [
                    *("soffice", profile, "--headless", "--convert-to", "pdf"),
                    *("--outdir", str(place), str(edition / file)),
                ],
                capture_output=True,
                timeout=300,
                check=True,
            )
            side_by_side(name, place / "brief.pdf", (0, 1, 3))


def page_of_letter(page: Page, path: Path) -> None:
    """The page of a letter as wide as A4 and as a phone, at a chart with its figures below."""
    for name, width, height in (("page_on_a4", 794, 1123), ("page_on_a_phone", 390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(path.as_uri())
        page.locator("figure").first.scroll_into_view_if_needed()
        page.evaluate("document.querySelector('figure').scrollIntoView()")
        page.screenshot(path=IMAGES / f"{name}.png")
        print(f"docs/img/{name}.png")


def _save(name: str, picture: Any) -> None:
    picture.convert("RGB").quantize(64).save(IMAGES / f"{name}.png", optimize=True)
    print(f"docs/img/{name}.png")


# Pages of the status site: the picture's name, its page, width and height.
_SITE = (
    ("status_now", "index.html", 1100, 900),
    ("status_now_on_a_phone", "index.html", 390, 844),
    ("status_deliveries_on_a_phone", "leveringen.html", 390, 844),
    ("status_partners", "partners.html", 1100, 900),
)


def status_site(page: Page, folder: Path) -> None:
    """The status site as it lies there: no server."""
    for name, file, width, height in _SITE:
        page.set_viewport_size({"width": width, "height": height})
        page.goto((folder / file).as_uri())
        page.screenshot(path=IMAGES / f"{name}.png")
        print(f"docs/img/{name}.png")


def main() -> None:
    """Make every picture anew, or those of the letters in the folder that is named."""
    if not desk.CHROMIUM.exists():
        sys.exit(f"no chromium at {desk.CHROMIUM}; on Debian: apt install chromium")
    IMAGES.mkdir(parents=True, exist_ok=True)
    if len(sys.argv) > 1:
        letters(Path(sys.argv[1]).resolve())
        return
    with tempfile.TemporaryDirectory() as folder:
        ran = house.via(house.place(Path(folder)), "run")
        if ran.code != 0:
            sys.exit(ran.output)
        letters(ran.home.letters)
        with (
            desk.webserver(ran.home, house.environment(ran.home)) as address,
            desk.browser() as (page, _),
        ):
            status_site(page, site.folder_of(ran.home))
            for look in pages.PAGES:
                look.show(page, address)
                page.screenshot(path=IMAGES / f"{look.name}.png")
                print(f"docs/img/{look.name}.png")


if __name__ == "__main__":
    main()
