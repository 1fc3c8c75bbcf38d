"""The status site: plain HTML in ``reports/site/``, without server, script or outside resource.

Belongs here: which pages there are, and that they appear at once. Does not belong here: what stands
in them (the other modules of this room). The same house and the same ``Facts`` give the same bytes.
No page holds a value of a row, an exact number of a partner's rows, or a row number; links to
validation reports lead to where those lie, none of them is copied.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from via_pipeline import __version__
from via_pipeline.contracts.model import Contract
from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.small import told_count
from via_pipeline.intake.calendar import LABELS, Arrival
from via_pipeline.intake.ledger import Ledger
from via_pipeline.pilots import objections
from via_pipeline.status import broken, calendar, lineage, partners
from via_pipeline.status.facts import Facts, Outcome, instant
from via_pipeline.storage.atomic import replacing_by_link, writer_lock
from via_pipeline.storage.home import Home

INDEX = "index.html"
PAGES = {
    INDEX: "Nu",
    "leveringen.html": "Leveringen",
    "partners.html": "Partners",
    "woordenboek.html": "Woordenboek",
    "herkomst.html": "Herkomst",
    "runs.html": "Runs",
}
"""Files of the site and their names in the menu, in order."""

_ZONE = ZoneInfo("Europe/Amsterdam")
_MOST_RUNS = 30


def folder_of(home: Home) -> Path:
    """Where the site lies: a link, so that the next one takes its place in one step."""
    return home.reports / "site"


def build(home: Home, contracts: Iterable[Contract], facts: Facts) -> Path:
    """Write the site anew and return its first page; readers see the old one until it is whole.

    Raises:
        BusyError: another run writes the site.
    """
    content = _content(home, list(contracts), facts)
    with (
        writer_lock(home.locks, "status-site"),
        replacing_by_link(folder_of(home)) as folder,
    ):
        for name, title in PAGES.items():
            page = (
                _environment()
                .get_template(name.replace(".html", ".html.j2"))
                .render(content | {"page": name, "page_title": title})
            )
            (folder / name).write_text(page, encoding="utf-8", newline="\n")
    return folder_of(home) / INDEX


def _content(home: Home, contracts: list[Contract], facts: Facts) -> dict[str, Any]:
    rows = Ledger(home.ledger).rows() if home.ledger.exists() else []
    day = broken.today(facts)
    found = broken.broken(home, contracts, facts)
    objected = objections.known(home, contracts)
    calendars = calendar.calendars(contracts, rows, day, objected)
    outcomes = [check.outcome for check in facts.checks]
    return {
        "pages": PAGES,
        "version": __version__,
        "made": _clock(facts.at),
        "day": _day(day.isoformat()),
        "least": told_count(1),
        "broken": found,
        "kinds": [
            (kind, broken.TITLES[kind], [one for one in found if one.kind is kind])
            for kind in broken.Kind
        ],
        "is_wrong": broken.is_wrong(found),
        "calendars": calendars,
        "arrivals": {
            arrival: sum(line.arrival is arrival for one in calendars for line in one.lines)
            for arrival in Arrival
        },
        "Arrival": Arrival,
        "labels": LABELS,
        "partners": partners.partners(home, contracts, rows, objected),
        "checks_passed": outcomes.count(Outcome.PASSED),
        "checks": len(outcomes),
        "tables": [
            {
                "name": name,
                "title": dictionary.title(name),
                "description": dictionary.description(name),
                "columns": dictionary.columns(name),
            }
            for name in dictionary.tables()
        ],
        "symbols": dictionary.symbols(),
        "origins": lineage.origins(facts.upstream),
        "destinations": lineage.destinations(facts.upstream),
        "titles": {name: dictionary.title(name) for name in dictionary.tables()},
        "runs": sorted(facts.runs, key=lambda run: (run.started, run.run_id), reverse=True)[
            :_MOST_RUNS
        ],
        "synthetic_notice": dictionary.synthetic_notice(),
    }


def _clock(at: str) -> str:
    """``5 maart 2020, 02:14`` in the Netherlands."""
    moment = instant(at).astimezone(_ZONE)
    return f"{_day(moment.date().isoformat())}, {moment:%H:%M}"


def _day(text: str) -> str:
    """``5 maart 2020`` of an ISO day; of a moment its Dutch day and time; "" stays empty."""
    if not text:
        return ""
    if len(text) > len("2020-03-05"):
        return _clock(text)
    year, month, day = text.split("-")
    return f"{int(day)} {calendar.MONTHS[int(month) - 1]} {year}"


def _lasted(seconds: int | None) -> str:
    if seconds is None:
        return "loopt nog"
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("via_pipeline.status", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"dag": _day, "duur": _lasted}
    return made
