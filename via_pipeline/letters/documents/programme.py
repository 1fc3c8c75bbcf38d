"""Sections about the programme as a whole: next steps, adoption, data quality, changes, symbols.

Belongs here: tables over all pilots. Does not belong here: the changes between two packages, which
are handed in (``changes``) by whoever compares packages.
"""

from __future__ import annotations

from collections.abc import Sequence

from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.model import load_ruleset
from via_pipeline.letters.documents import comparisons, words
from via_pipeline.letters.documents.blocks import (
    Block,
    Cell,
    Column,
    Facts,
    Paragraph,
    Section,
    Table,
)
from via_pipeline.letters.documents.rows import Row, Source, is_synthetic, ruleset_of
from via_pipeline.letters.documents.tables import Field, count, number, of_rows, text
from via_pipeline.letters.files import Written

STEPS = "vervolgstappen"
ADOPTED = "overname"
QUALITY = "leveringskwaliteit"
READ_AGAIN = "Vergelijkingen die opnieuw zijn gelezen"
"""Caption of the one table whose rows stand on two rows of their dataset each."""
_PROGRAMME = "VIA"


def next_steps(source: Source) -> Section:
    """Who does what by when, with the source."""
    rows = source.rows(STEPS)
    table = of_rows(
        "vervolgstappen-tabel",
        "Maatregelen en vervolgstappen, zoals openbaar bekend",
        STEPS,
        rows,
        (
            Field("Pilot", 1.5, lambda row: Cell(_whose(row))),
            text("Wat", 3.4, "wat"),
            text("Wie", 2.2, "wie"),
            text("Wanneer", 1.5, "wanneer"),
            Field("Bron", 1.8, lambda row: words.source(row["bron"])),
        ),
    )
    blocks = (table,) if rows else (Paragraph("Er zijn geen openbare vervolgstappen bekend."),)
    return Section("vervolgstappen", "Vervolgstappen", blocks)


def adopted(source: Source) -> Section:
    """Organisations that took an approach over."""
    rows = source.rows(ADOPTED)
    table = of_rows(
        "overname-tabel",
        "Aanpakken die organisaties overnamen, waar een openbare bron dat zegt",
        ADOPTED,
        rows,
        (
            Field("Pilot", 1.5, lambda row: Cell(_whose(row))),
            text("Wat", 3.4, "wat"),
            text("Wie", 2.4, "wie"),
            number("Aantal", 0.9, "aantal"),
            Field("Bron", 1.8, lambda row: words.source(row["bron"])),
        ),
    )
    blocks = (
        (table,)
        if rows
        else (Paragraph("Van overname is op de dag van de brief geen openbare bron bekend."),)
    )
    return Section("overname", "Aanpakken die zijn overgenomen", blocks)


def _whose(row: Row) -> str:
    return "Programma" if row["pilot_id"] == _PROGRAMME else row["pilot_id"]


def quality(source: Source, written: Sequence[Written]) -> Section:
    """What should have come and what came, what was usable, and how much is not shown."""
    rows = source.rows(QUALITY)
    return Section(
        "kwaliteit",
        "Kwaliteit en dekking van de gegevens",
        (
            Paragraph(_arrived(rows), is_synthetic=is_synthetic(rows)),
            Paragraph(
                "Elke levering is getoetst aan de afspraken met de partner. Een levering die niet "
                "voldoet, telt niet mee; een rij die niet voldoet, gaat in quarantaine en telt "
                "niet mee. Elke levering achter deze brief staat met controlegetal in "
                "herkomst.json."
            ),
            _coverage(rows),
            _datasets(written),
        ),
    )


def _arrived(rows: Sequence[Row]) -> str:
    """The whole programme in one sentence: counts of deliveries, of no person."""
    expected = sum(row["verwacht"] - row["nog_niet_verwacht"] for row in rows)
    if not expected and not any(row["bestanden"] for row in rows):
        return "Volgens de afspraken met de partners hoefde er nog geen levering te zijn."
    total = {
        name: sum(row[name] for row in rows)
        for name in ("op_tijd", "te_laat", "ontbreekt", "afgekeurd")
    }
    return (
        f"Op de dag van de brief hoorden er {expected} leveringen te zijn: "
        f"{total['op_tijd']} kwamen op tijd, {total['te_laat']} te laat, en "
        f"{total['ontbreekt']} ontbraken. Afgekeurde bestanden: {total['afgekeurd']}."
    )


def _coverage(rows: Sequence[Row]) -> Table:
    """Per source; rows in hundreds, as the dataset has them."""
    return of_rows(
        "kwaliteit-leveringen",
        "Leveringen per bron (rijen afgerond op honderdtallen)",
        QUALITY,
        rows,
        (
            Field("Bron", 2.6, lambda row: Cell(f"{row['pilot_id']} {row['omschrijving']}")),
            count("Verwacht", 1.05, "verwacht"),
            count("Op tijd", 0.7, "op_tijd"),
            count("Te laat", 0.7, "te_laat"),
            count("Ontbreekt", 0.8, "ontbreekt"),
            count("Afgekeurd", 0.8, "afgekeurd"),
            count("In gebruik", 0.8, "in_gebruik"),
            number("Rijen", 0.75, "rijen"),
            Field(
                "Quarantaine (hoogstens, %)",
                0.95,
                lambda row: words.figure(row["quarantaine_pct"], None, 1),
                is_number=True,
            ),
        ),
    )


def _datasets(written: Sequence[Written]) -> Table:
    return Table(
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


def _ruleset(dataset: str) -> str:
    name = ruleset_of(dataset)
    return load_ruleset(name).title if name is not None else words.NONE


def changed(source: Source, changes: Sequence[str]) -> Section:
    """What is different from before: sentences handed in, and outcomes that were read again."""
    blocks: list[Block] = [Paragraph(text) for text in changes]
    pairs = _read_again(source.rows(comparisons.DATASET))
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
            found.setdefault(comparisons.outcome(row), []).append(row)
    ordered = (sorted(own, key=lambda row: row["leesdatum"]) for own in found.values())
    return [(own[-2], own[-1]) for own in ordered if len(own) > 1]


def _readings(pairs: Sequence[tuple[Row, Row]]) -> Table:
    before = {now["_adres"]: earlier for earlier, now in pairs}

    def earlier(row: Row) -> Row:
        return before[row["_adres"]]

    def difference(row: Row) -> Cell:
        return words.figure(row["schatting"], row["waarde_status"], 2)

    return of_rows(
        "veranderd-lezingen",
        READ_AGAIN,
        comparisons.DATASET,
        [now for _, now in pairs],
        (
            Field("Pilot", 0.7, lambda row: Cell(row["pilot_id"])),
            Field("Uitkomst", 2.6, lambda row: Cell(words.capital(row["uitkomst_label"]))),
            text("Eenheid", 1.4, "eenheid"),
            Field("Eerder gelezen", 1.9, lambda row: Cell(comparisons.read_on(earlier(row)))),
            Field("Verschil toen", 0.9, lambda row: difference(earlier(row)), is_number=True),
            Field("Nu gelezen", 1.9, lambda row: Cell(comparisons.read_on(row))),
            Field("Verschil nu", 0.9, difference, is_number=True),
        ),
        synthetic=is_synthetic([row for pair in pairs for row in pair]),
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
