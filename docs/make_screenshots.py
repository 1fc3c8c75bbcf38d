"""Screenshots of Dagster's UI, the status site and the annex after a run: ``make screenshots``.

Runs ``via run`` in a temporary place, starts the webserver on it and looks with Debian's chromium.
Look at what it made before committing it. Belongs here: which pages, and their names in docs/img.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

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


def annex(path: Path) -> None:
    """Pages of an annex as small pictures."""
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        for name, wanted in _ANNEX.items():
            page = next(
                page
                for page in document
                if all(text in page.get_textpage().get_text_bounded() for text in wanted)
            )
            picture = page.render(scale=_DPI / 72).to_pil().convert("RGB").quantize(64)
            picture.save(IMAGES / f"{name}.png", optimize=True)
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
    """Make every picture anew."""
    if not desk.CHROMIUM.exists():
        sys.exit(f"no chromium at {desk.CHROMIUM}; on Debian: apt install chromium")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        ran = house.via(house.place(Path(folder)), "run")
        if ran.code != 0:
            sys.exit(ran.output)
        annex(ran.home.letters / "slot" / "bijlage.pdf")
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
