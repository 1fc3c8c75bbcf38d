"""Packages for tests: the small made-up tables of the disclosure tests, written as an edition."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.run import protect
from via_pipeline.letters.content import contents
from via_pipeline.letters.editions import Edition
from via_pipeline.letters.package import write_package
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home
from via_pipeline_tests.disclosure import tables

EDITION = Edition(
    date(2020, 11, 9), "derde", "Voortgang programma VIA 2020", "29 544, nr. 1029", "bron"
)
ORIGIN = {
    "leesdatum": "2020-11-09",
    "code_versie": "0.1.0",
    "code_sha256": "c" * 64,
    "leveringen": [],
    "contracten": [],
}


@dataclass(frozen=True)
class Made:
    """A package with the rows that went into it."""

    folder: Path
    rows: dict[str, list[tuple]]

    @property
    def descriptor(self) -> dict:
        return json.loads((self.folder / "datapackage.json").read_text(encoding="utf-8"))


def home_in(folder: Path, **example) -> Home:
    """An installation whose lake holds the protected tables."""
    home = tables.home_in(folder)
    tables.example(home, **example)
    protect(home)
    return home


def make(home: Home, folder: Path, edition: Edition = EDITION, origin=None, **more) -> Made:
    """Write a package of the protected tables in ``home``."""
    folder.mkdir(parents=True)
    with work() as connection:
        for name in dictionary.tables():
            lake.view(connection, home.lake, f"disclosure__{name}")
        write_package(connection, edition, origin or ORIGIN, folder, **more)
        rows = {
            content.name: connection.execute(content.query).fetchall() for content in contents()
        }
    return Made(folder, rows)


def cast(text: str, kind: str):
    """A cell of a CSV as the descriptor says that it is."""
    if text == "":
        return None
    return {
        "string": str,
        "integer": int,
        "number": Decimal,
        "date": date.fromisoformat,
        "boolean": {"true": True, "false": False}.__getitem__,
    }[kind](text)


def read_csv(made: Made, resource: dict) -> tuple[list[str], list[tuple]]:
    """Header and typed rows of a resource, read by the standard library."""
    kinds = [field["type"] for field in resource["schema"]["fields"]]
    with (made.folder / resource["path"]).open(encoding="utf-8", newline="") as handle:
        header, *cells = csv.reader(handle)
    return header, [
        tuple(cast(text, kind) for text, kind in zip(row, kinds, strict=True)) for row in cells
    ]
