"""A small house for the gate: one hand-made package, and the people who walk it through.

Belongs here: how tests get there. Does not belong here: what they find.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from via_pipeline.disclosure import dictionary
from via_pipeline.letters.release import checklist, gate
from via_pipeline.letters.release.ballot import Vote
from via_pipeline.letters.release.record import instant
from via_pipeline.letters.release.states import Role
from via_pipeline.storage import sums
from via_pipeline.storage.home import Home

EDITION = "derde"
AUTHOR, FIRST, SECOND = "anna", "bram", "chris"
DATASET = "voorlopige_resultaten"
TYPES = {"n": "integer", "teller": "integer", "waarde": "number", "is_synthetisch": "boolean"}
KEY = ["pilot_id", "bron", "locatie", "periode", "groep_soort", "groep", "maat"]
COLUMNS = list(dictionary.columns("resultaat"))
WHOLE = {
    "pilot_id": "P5",
    "bron": "p5_behoud",
    "locatie": "alle",
    "periode": "2019",
    "groep_soort": "totaal",
    "groep": "totaal",
    "maat": "uitstroom",
    "maat_label": "Uitstroom",
    "soort": "aandeel",
    "eenheid": "procent van de medewerkers",
    "n": "100",
    "teller": "40",
    "waarde": "40.0000",
    "peildatum": "2019-12-31",
    "is_synthetisch": "true",
}
A = WHOLE | {"groep_soort": "herkomst_oud", "groep": "nederlands", "n": "60", "teller": "24"}
B = WHOLE | {"groep_soort": "herkomst_oud", "groep": "westers", "n": "40", "teller": "16"}
HIDDEN = WHOLE | {
    "maat": "doorstroom",
    "n": "",
    "teller": "",
    "waarde": "",
    "waarde_status": "c",
    "regel": "minimumfrequentie",
}
ROWS = [A, B, WHOLE, HIDDEN]
_clock = datetime(2020, 11, 10, 9, tzinfo=UTC)


def at(minutes: int = 0) -> str:
    """A moment in the test's own time."""
    return instant(_clock + timedelta(minutes=minutes))


def home_in(folder: Path) -> Home:
    """An empty installation with a data folder."""
    home = Home(folder / "home", folder / "data").ensure()
    home.data.mkdir(exist_ok=True)
    return home


def package(
    home: Home,
    rows: Iterable[Mapping[str, str]] = ROWS,
    *,
    edition: str = EDITION,
    columns: Iterable[str] = COLUMNS,
    **more: str,
) -> Path:
    """Write a concept package; ``more`` maps further file names to their text."""
    folder = home.letters / edition
    folder.mkdir(parents=True, exist_ok=True)
    notice = dictionary.synthetic_notice()
    columns, rows = list(columns), list(rows)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    text = out.getvalue()
    words = dictionary.columns("resultaat")
    described = {
        "name": f"via-{edition}",
        "title": "Datasets bij de voortgangsbrief",
        "description": f"Wat was ontvangen. {notice}",
        "version": "0.1.0",
        "licenses": [{"name": "CC0-1.0"}],
        "sources": [{"title": "Leveringen"}],
        "editie": edition,
        "leesdatum": "2020-11-09",
        "synthetisch": True,
        "resources": [
            {
                "name": DATASET,
                "title": "Voorlopige resultaten",
                "description": f"Uitkomsten. {notice}",
                "path": f"{DATASET}.csv",
                "rijen": len(rows),
                "synthetisch": True,
                "schema": {
                    "fields": [
                        {
                            "name": name,
                            "type": TYPES.get(name, "string"),
                            "description": words.get(name, "?"),
                        }
                        | (
                            {"constraints": {"enum": list(dictionary.symbols())}}
                            if name == "waarde_status"
                            else {}
                        )
                        for name in columns
                    ],
                    "primaryKey": KEY,
                },
            }
        ],
    }
    origin = {
        "editie": edition,
        "leesdatum": "2020-11-09",
        "code_versie": "0.1.0",
        "leveringen": [],
        "contracten": [],
        "onthullingsregels": [],
    }
    files = {
        f"{DATASET}.csv": text,
        "datapackage.json": json.dumps(described),
        "herkomst.json": json.dumps(origin),
        "LEESMIJ.md": f"# Pakket\n\n{notice}\n",
        **more,
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8", newline="")
    sums.write(folder)
    return folder


def salt(name: str) -> str:
    """A salt for tests: the same every time."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def in_control(home: Home, edition: str = EDITION, start: int = 0) -> None:
    """Submitted, assigned, and looked at by both checkers, from minute ``start`` on."""
    gate.submit(home, edition, AUTHOR, at(start))
    gate.assign(home, edition, [FIRST, SECOND], AUTHOR, at(start + 1))
    for name in (FIRST, SECOND):
        gate.check(home, edition, name, at(start + 2))


def answered(home: Home, edition: str = EDITION, start: int = 0, *, but: str = "") -> None:
    """Every item of the checklist answered, ``but`` one."""
    for name, item in checklist.items().items():
        if name != but:
            who = AUTHOR if item.by is Role.AUTHOR else FIRST
            gate.tick(home, edition, name, "ja", "", who, at(start + 3))


def voted(
    home: Home,
    one: Vote = Vote.YES,
    other: Vote = Vote.YES,
    edition: str = EDITION,
    start: int = 0,
) -> None:
    """Both votes in and open."""
    first = gate.vote(home, edition, one, "gezien", FIRST, at(start + 4), salt=salt("een"))
    gate.vote(home, edition, other, "", SECOND, at(start + 5), salt=salt("twee"))
    gate.open_vote(home, edition, first.code, FIRST, at(start + 6))


def published(home: Home, edition: str = EDITION, start: int = 0) -> Path:
    """The whole walk."""
    in_control(home, edition, start)
    answered(home, edition, start)
    voted(home, edition=edition, start=start)
    return gate.publish(home, edition, AUTHOR, at(start + 7))[1]
