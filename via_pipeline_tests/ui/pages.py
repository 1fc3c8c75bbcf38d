"""The pages of the UI that a person looks at, and how one knows that they are there.

Shared by the UI test and ``docs/make_screenshots.py``. Belongs here: addresses and clicks. Does not
belong here: starting anything (``desk.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_SETTLE_MS = 2_500
_WIDTH = 1600


@dataclass(frozen=True)
class Look:
    """One page: ``texts`` must be visible once it is loaded and ``then`` was done."""

    name: str
    path: str
    texts: tuple[str, ...]
    then: Callable[[Page], None] = lambda page: None
    height: int = 1000

    def show(self, page: Page, address: str) -> None:
        """Open the page and wait until everything is there.

        Raises:
            playwright.sync_api.TimeoutError: a text did not appear.
        """
        page.set_viewport_size({"width": _WIDTH, "height": self.height})
        page.goto(address + self.path)
        page.wait_for_load_state("networkidle")
        self.then(page)
        for text in self.texts:
            page.get_by_text(text).first.wait_for()
        page.wait_for_timeout(_SETTLE_MS)
        from playwright.sync_api import expect

        # By locator and not by a script in the page: the UI's content security policy forbids eval.
        expect(page.get_by_text("Loading...").filter(visible=True)).to_have_count(0, timeout=30_000)


def _first_table(page: Page) -> None:
    page.get_by_text("[Show Markdown]").first.click()


def _chart(page: Page) -> None:
    from playwright.sync_api import expect

    _first_table(page)
    # Drawn, and not only there: a picture that a browser refuses has no width.
    expect(page.locator("img[src^='data:image/svg']")).to_have_js_property("naturalWidth", 464)


PAGES = (
    Look(
        "asset_graph",
        "/asset-groups",
        ("landing", "intake", "quality", "pilots", "outcomes", "disclosure", "letters", "serving"),
        height=880,
    ),
    Look(
        "lineage_of_a_table",
        "/assets/pilots__p5_medewerker?view=lineage&lineageScope=upstream&lineageDepth=5",
        ("landing__p5_behoud", "intake__p5_behoud", "quality__p5_behoud"),
        height=560,
    ),
    Look(
        "failed_check",
        "/assets/pilots__p5_medewerker?view=checks&checkDetail=sleutel__uniek",
        ("sleutel__uniek", "Failed", "staat er dubbel in", "p5_behoud_A_2019_synthetisch_v1.csv"),
    ),
    Look(
        "failed_check_rows",
        "/assets/pilots__p5_medewerker?view=checks&checkDetail=sleutel__uniek",
        ("rijen in het bestand", "VIA_HOME/reports/validation"),
        _first_table,
    ),
    Look(
        "materialization",
        "/assets/pilots__p5_medewerker?view=events",
        ("Materialized in run", "dagster/row_count", "deliveries_in_force", "content_sha256"),
    ),
    Look(
        "quality_of_a_source",
        "/assets/quality__p5_behoud",
        ("Behoud en doorstroom", "rows_quarantined", "Great Expectations", "onderzoeksbureau"),
    ),
    Look(
        "column_schema",
        "/assets/pilots__p5_medewerker",
        ("herkomst_oud", "deeltijdfactor", "persoon_id"),
    ),
    Look(
        "what_is_broken",
        "/assets/status__site?view=checks&checkDetail=nu_kapot",
        ("nu_kapot", "via broken", "Failed"),
    ),
    Look(
        "chart_of_an_outcome",
        "/assets/outcomes__p7_ww?view=events",
        ("chart", "Close"),
        _chart,
    ),
    Look(
        "launchpad",
        "/locations/via_pipeline/jobs/period_again/playground",
        ("received_from", "received_to"),
        height=700,
    ),
    Look("runs", "/runs", ("nightly_refresh", "publish_letter", "Success")),
    Look("automation", "/automation", ("nightly", "landing_zone", "failed_checks", "failed_runs")),
)
