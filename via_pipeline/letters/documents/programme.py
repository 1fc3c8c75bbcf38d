"""Sections about the programme as a whole: next steps, adoption, data quality, changes, symbols.

Belongs here: tables over all pilots. Does not belong here: the changes between two packages, which
are handed in (``changes``) by whoever compares packages.
"""

from __future__ import annotations

from collections.abc import Sequence

from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.model import load_ruleset
from via_pipeline.letters.documents import words
from via_pipeline.letters.documents.blocks import (
    Block,
    Cell,
    Column,
    Facts,
    Paragraph,
    Section,
    Table,
)
from via_pipeline.letters.documents.pilots import (
    ADDRESS,
    COMPARISONS,
    SITES,
    STATE,
    deliveries_table,
)
from via_pipeline.letters.documents.rows import Row, Source, is_synthetic, ruleset_of
from via_pipeline.letters.files import Written

STEPS = "vervolgstappen"
ADOPTED = "overname"
_PROGRAMME = "VIA"


def next_steps(source: Source) -> Section:
    """Who does what by when, with the source."""
    rows = source.rows(STEPS)
    table = Table(
        name="vervolgstappen-tabel",
        caption="Maatregelen en vervolgstappen, zoals openbaar bekend",
        columns=(
            Column("Pilot", 1),
            Column("Wat", 3.4),
            Column("Wie", 2.2),
            Column("Wanneer", 1.5),
            Column("Bron", 1.8),
            ADDRESS,
        ),
        rows=tuple(
            (
                Cell("Programma" if row["pilot_id"] == _PROGRAMME else row["pilot_id"]),
                Cell(row["wat"]),
                Cell(row["wie"] or words.NONE),
                Cell(row["wanneer"] or words.NONE),
                words.source(row["bron"]),
                words.cell_of(row["_adres"]),
            )
            for row in rows
        ),
        dataset=STEPS,
        is_synthetic=is_synthetic(rows),
    )
    blocks = (table,) if rows else (Paragraph("Er zijn geen openbare vervolgstappen bekend."),)
    return Section("vervolgstappen", "Vervolgstappen", blocks)


def adopted(source: Source) -> Section:
    """Organisations that took an approach over."""
    rows = source.rows(ADOPTED)
    table = Table(
        name="overname-tabel",
        caption="Aanpakken die organisaties overnamen, waar een openbare bron dat zegt",
        columns=(
            Column("Pilot", 0.7),
            Column("Wat", 3.4),
            Column("Wie", 2.4),
            Column("Aantal", 0.9, is_number=True),
            Column("Bron", 1.8),
            ADDRESS,
        ),
        rows=tuple(
            (
                Cell(row["pilot_id"]),
                Cell(row["wat"]),
                Cell(row["wie"] or words.NONE),
                words.figure(row["aantal"], row["waarde_status"]),
                words.source(row["bron"]),
                words.cell_of(row["_adres"]),
            )
            for row in rows
        ),
        dataset=ADOPTED,
        is_synthetic=is_synthetic(rows),
    )
    blocks = (
        (table,)
        if rows
        else (Paragraph("Van overname is op de dag van de brief geen openbare bron bekend."),)
    )
    return Section("overname", "Aanpakken die zijn overgenomen", blocks)


def quality(source: Source, written: Sequence[Written]) -> Section:
    """What was delivered and used, and how much of each dataset is not shown."""
    states, sites = source.rows(STATE), source.rows(SITES)
    hidden = Table(
        name="kwaliteit-datasets",
        caption="Datasets bij deze brief",
        columns=(
            Column("Dataset", 3),
            Column("Rijen", 0.9, is_number=True),
            Column("Zonder cijfer", 1, is_number=True),
            Column("Regels voor onthulling", 2.2),
        ),
        rows=tuple(
            (
                Cell(item.title),
                words.figure(item.rows, None),
                words.figure(item.hidden, None),
                Cell(_ruleset(item.name)),
            )
            for item in written
        ),
        is_synthetic=any(item.is_synthetic for item in written),
    )
    delivered = [
        deliveries_table(rows, dataset, f"kwaliteit-{dataset}", f"Leveringen per {kind}")
        for rows, dataset, kind in ((states, STATE, "pilot"), (sites, SITES, "locatie"))
        if rows
    ]
    return Section(
        "kwaliteit",
        "Kwaliteit en dekking van de gegevens",
        (
            Paragraph(
                "Elke levering is getoetst aan de afspraken met de partner. Een levering die niet "
                "voldoet, telt niet mee: zij is wel ontvangen, maar niet in gebruik. Elke levering "
                "achter deze brief staat met controlegetal in herkomst.json.",
                is_synthetic=is_synthetic(states),
            ),
            *delivered,
            hidden,
        ),
    )


def _ruleset(dataset: str) -> str:
    name = ruleset_of(dataset)
    return load_ruleset(name).title if name is not None else words.NONE


def changed(source: Source, changes: Sequence[str]) -> Section:
    """What is different from before: sentences handed in, and outcomes that were read again."""
    blocks: list[Block] = [Paragraph(text) for text in changes]
    pairs = _read_again(source.rows(COMPARISONS))
    if pairs:
        blocks.append(_readings(pairs))
    return Section(
        "veranderd",
        "Wat er is veranderd",
        tuple(blocks)
        or (Paragraph("Er is geen eerdere lezing waarmee deze editie te vergelijken is."),),
    )


def _read_again(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Per outcome of a whole group its last two readings."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row["groep_soort"] == words.WHOLE and row["reeks"] == 1:
            key = tuple(row[name] for name in ("pilot_id", "locatie", "uitkomst", "horizon"))
            found.setdefault(key, []).append(row)
    ordered = (sorted(own, key=lambda row: row["leesdatum"]) for own in found.values())
    return [(own[-2], own[-1]) for own in ordered if len(own) > 1]


def _readings(pairs: Sequence[tuple[Row, Row]]) -> Table:
    return Table(
        name="veranderd-lezingen",
        caption="Vergelijkingen die opnieuw zijn gelezen",
        columns=(
            Column("Pilot", 0.7),
            Column("Uitkomst", 2.6),
            Column("Eenheid", 1.4),
            Column("Eerder gelezen", 1.9),
            Column("Verschil toen", 0.9, is_number=True),
            Column("Nu gelezen", 1.9),
            Column("Verschil nu", 0.9, is_number=True),
            ADDRESS,
        ),
        rows=tuple(
            (
                Cell(now["pilot_id"]),
                Cell(words.capital(now["uitkomst_label"])),
                Cell(now["eenheid"]),
                *(
                    cell
                    for row in (before, now)
                    for cell in (
                        Cell(f"{words.day(row['leesdatum'])}, {words.of('status', row['status'])}"),
                        words.figure(row["schatting"], row["waarde_status"], 2),
                    )
                ),
                words.cell_of(now["_adres"]),
            )
            for before, now in pairs
        ),
        dataset=COMPARISONS,
        is_synthetic=is_synthetic([row for pair in pairs for row in pair]),
    )


def reading_guide(edition: str, written: Sequence[Written]) -> Section:
    """How to read figures, symbols, hidden figures and addresses."""
    found = (ruleset_of(item.name) for item in written)
    rulesets = dict.fromkeys(name for name in found if name is not None)
    return Section(
        "leeswijzer",
        "Uitleg van tekens, verborgen cijfers en adressen",
        (),
        (
            Section(
                "leeswijzer-tekens",
                "Tekens in plaats van een cijfer",
                (
                    Paragraph(
                        "Waar geen cijfer staat, zegt een letter waarom. Een liggend streepje "
                        "betekent dat er niets te melden is."
                    ),
                    Facts(tuple(dictionary.symbols().items())),
                ),
            ),
            Section(
                "leeswijzer-onthulling",
                "Waarom cijfers verborgen zijn",
                (
                    Paragraph(
                        "Een cijfer over weinig mensen kan verraden wie zij zijn. Zulke cijfers "
                        "zijn verborgen, en zo veel andere erbij dat zij niet uit totalen terug te "
                        "rekenen zijn. De volgorde van rijen hangt van geen enkel cijfer af."
                    ),
                    Facts(
                        tuple(
                            (load_ruleset(name).title, load_ruleset(name).description)
                            for name in rulesets
                        )
                    ),
                ),
            ),
            Section(
                "leeswijzer-adres",
                "Het adres van een cijfer",
                (
                    Paragraph(
                        f"Elk cijfer heeft een adres: {edition}/<dataset>/<cel>. Achter elke rij "
                        "staat de cel; het bijschrift van de tabel noemt editie en dataset."
                    ),
                ),
            ),
        ),
    )
