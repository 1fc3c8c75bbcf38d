"""A small document of every kind of block, and editions written from the tables of a package.

Belongs here: what several tests start from. Does not belong here: what they find.
"""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from via_pipeline.letters import changelog, changes, documents, files, formulas
from via_pipeline.letters.content import code_table, contents
from via_pipeline.letters.documents import charts
from via_pipeline.letters.documents.blocks import (
    Cell,
    Column,
    Document,
    Facts,
    Paragraph,
    Section,
    Table,
)
from via_pipeline.letters.documents.theme import Theme
from via_pipeline.letters.editions import Edition

TABLE = Table(
    name="proef-tabel",
    caption="Aandelen & <aantallen>",
    columns=(Column("Groep", 2), Column("Aandeel", 1, is_number=True), Column("Adres")),
    rows=(
        (Cell("Westers"), Cell("12,5"), Cell("aa11")),
        (Cell("Niet-westers"), Cell("c", status="c"), Cell("bb22")),
    ),
    dataset="voorlopige_resultaten",
    is_synthetic=True,
)
BARS = [
    charts.Bar("Uitgenodigd, 2020", "Westers", Decimal("12.5"), None, True),
    charts.Bar("Uitgenodigd, 2020", "Niet-westers", None, "c", True),
    charts.Bar("Uitgenodigd, 2020", "Nederlands", Decimal("30.25"), None, True),
]


def document(theme: Theme) -> Document:
    """One chapter, with every kind of block, and words that XML and Typst must not read."""
    chart = charts.bars("proef", "Aandelen", BARS, theme, TABLE)
    part = Section(
        "P1-deel",
        "Deel",
        (
            Paragraph("Onderzoek & #uitkomst <b> $x$ *ster*", True, "proef/dataset/cel"),
            Facts((("Fase", "In uitvoering"),)),
            chart,
        ),
    )
    return Document(
        title="Bijlage: R&D",
        subtitle="Stand van 9 november 2020",
        edition="proef",
        reading_date=date(2020, 11, 9),
        parliament=None,
        notice="Bevat synthetische gegevens",
        introduction="Inleiding.",
        sections=(Section("P1", "P1 Proef", (), (part,)), Section("P2", "P2 Leeg", (), ())),
    )


def write_again(package: Path, folder: Path, house_style: Path | None = None) -> list[Path]:
    """The documents of the last edition's package, written anew from its own tables."""
    tables: dict[str, list[str]] = {}
    for content in contents():
        path = str(package / f"{content.name}.parquet")
        tables.setdefault(content.dataset.table, []).append(path)
    with duckdb.connect() as connection:
        for table, paths in tables.items():
            connection.execute(f"CREATE VIEW {table} AS FROM read_parquet({paths})")
        figures = [files.write(connection, content, folder) for content in contents()]
        found = _changes(package)
        own = (
            changes.table(connection, found),
            formulas.table(connection, [item.table for item in figures]),
            code_table(connection),
        )
        written = [*figures, *(files.write(connection, content, folder) for content in own)]
        told = changelog.sentences("derde", found, {item.name: item.title for item in figures})
        edition = Edition(
            date(2021, 11, 17),
            "slot",
            "Uitkomsten, afronding en vervolg van het programma VIA",
            "29 544, nr. 1081",
            None,
        )
        return documents.write(connection, edition, written, folder, house_style, told)


def _changes(package: Path) -> list[changes.Change]:
    """What the package's own table says has changed."""
    with (package / f"{changes.TABLE}.csv").open(encoding="utf-8", newline="") as flat:
        return [
            changes.Change(
                *(row[name] for name in ("tabel", "cel", "rij", "kolom")),
                changes.Kind(row["wat"]),
                *(row[name] for name in ("oud", "nieuw", "oude_status", "nieuwe_status")),
                changes.Reason(row["reden"]),
                row["toelichting"],
            )
            for row in csv.DictReader(flat)
        ]


if __name__ == "__main__":
    import sys

    write_again(Path(sys.argv[1]), Path(sys.argv[2]))
