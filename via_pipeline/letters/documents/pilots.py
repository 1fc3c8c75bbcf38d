"""One section per pilot: what it was, how it goes, whom it reached, what came out.

Belongs here: choosing rows of the published tables for a pilot, in an order of keys and never of
figures. Does not belong here: the sentences about estimates (column ``zin``), the look.
"""

from __future__ import annotations

from collections.abc import Sequence

from via_pipeline.letters.documents import charts, findings, words
from via_pipeline.letters.documents.blocks import (
    Block,
    Cell,
    Column,
    Facts,
    Paragraph,
    Section,
    Table,
)
from via_pipeline.letters.documents.rows import Row, Source, is_synthetic
from via_pipeline.letters.documents.theme import Theme

RESULTS = "voorlopige_resultaten"
COMPARISONS = "vergelijkingen"
STATE = "stand_van_zaken"
SITES = "stand_per_locatie"
REACH = "bereik"
ALL = "alle"
_ORIGIN = "herkomst_oud"
# Comparisons around an event go to the section on COVID-19, wherever they were made.
EVENT_METHOD = "verschil_rond_gebeurtenis"
ADDRESS = Column("Adres", 1.35, is_address=True)


def sections(source: Source, theme: Theme) -> tuple[Section, ...]:
    """A section per pilot of the edition, by number."""
    results, comparisons = source.rows(RESULTS), newest(source.rows(COMPARISONS))
    sites, reach = source.rows(SITES), source.rows(REACH)
    return tuple(
        _pilot(
            state,
            theme,
            [row for row in sites if row["pilot_id"] == state["pilot_id"]],
            [row for row in reach if row["pilot_id"] == state["pilot_id"]],
            [row for row in results if row["pilot_id"] == state["pilot_id"]],
            [row for row in comparisons if row["pilot_id"] == state["pilot_id"]],
        )
        for state in source.rows(STATE)
    )


def newest(comparisons: Sequence[Row]) -> list[Row]:
    """The planned method's rows of the last reading of each outcome."""
    last: dict[tuple[str, ...], object] = {}
    for row in comparisons:
        last[_outcome(row)] = max(last.get(_outcome(row), row["leesdatum"]), row["leesdatum"])
    return [
        row for row in comparisons if row["reeks"] == 1 and row["leesdatum"] == last[_outcome(row)]
    ]


def of_event(row: Row) -> bool:
    """Whether a comparison is one around an event such as the first measures against COVID-19."""
    return row["methode"].startswith(EVENT_METHOD)


def _outcome(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in ("pilot_id", "locatie", "uitkomst", "horizon"))


def _pilot(
    state: Row,
    theme: Theme,
    sites: Sequence[Row],
    reach: Sequence[Row],
    results: Sequence[Row],
    comparisons: Sequence[Row],
) -> Section:
    pilot, name = state["pilot_id"], state["korte_naam"]
    parts = [
        Section(f"{pilot}-inhoud", "Waaruit bestond de pilot?", (_what(state),)),
        Section(f"{pilot}-uitvoering", "Hoe verloopt de uitvoering?", _execution(state, sites)),
        Section(f"{pilot}-bereik", "Bereik", _reach(pilot, name, reach)),
        Section(f"{pilot}-resultaten", "Resultaten", _results(pilot, name, results, theme)),
        Section(
            f"{pilot}-vergelijkingen",
            "Vergelijkingen volgens het analyseplan",
            comparison_blocks(
                f"{pilot}-vergelijkingen",
                f"{pilot} {name}",
                [row for row in comparisons if not of_event(row)],
                theme,
            ),
        ),
    ]
    return Section(pilot, f"{pilot} {name}", (), tuple(part for part in parts if part.blocks))


def _what(state: Row) -> Facts:
    pairs = [
        ("Thema", state["thema"]),
        ("Pilotlijn", state["pilotlijn"]),
        ("Deelnemers", state["locatie_naam"]),
        ("Opzet van de meting", words.of("opzet", state["design"])),
        ("Hooguit te dragen uitspraak", words.of("claim", state["claim"])),
        ("Gepland", state["gepland"]),
        ("Doel", state["doel"]),
        ("Gerealiseerd", state["gerealiseerd"]),
        ("Kenmerken van de opzet", state["ontwerp"]),
        ("Budget", state["budget"]),
        ("Voorwaarde voor deelname", state["voorwaarde"]),
        ("Onderzoek door", state["evaluator"]),
    ]
    return Facts(tuple((term, words.capital(text)) for term, text in pairs if text))


def _execution(state: Row, sites: Sequence[Row]) -> tuple[Block, ...]:
    pilot = state["pilot_id"]
    known = state["statustekst_bekend_op"]
    blocks: list[Block] = [
        Facts(
            (
                ("Fase", words.of("fase", state["fase"])),
                ("Status", words.of("status", state["status"])),
                ("Openbaar bekend op", words.day(known)),
            )
        ),
        Paragraph(state["statustekst"] or "In het register staat geen stand van zaken."),
        deliveries_table([state], STATE, f"{pilot}-leveringen", f"{pilot}: leveringen"),
    ]
    if sites:
        blocks.append(
            deliveries_table(sites, SITES, f"{pilot}-locaties", f"{pilot}: leveringen per locatie")
        )
    goals = [row for row in sites if any(row[name] for name in ("gepland", "doel", "gerealiseerd"))]
    if goals:
        blocks.append(
            Table(
                name=f"{pilot}-doelen",
                caption=f"{pilot}: gepland, doel en gerealiseerd per locatie, uit het register",
                columns=(
                    Column("Locatie", 2),
                    Column("Gepland", 2),
                    Column("Doel", 3),
                    Column("Gerealiseerd", 2),
                ),
                rows=tuple(
                    (
                        Cell(row["locatie_naam"]),
                        *(
                            Cell(row[name] or words.NONE)
                            for name in ("gepland", "doel", "gerealiseerd")
                        ),
                    )
                    for row in goals
                ),
                dataset=SITES,
            )
        )
    return tuple(blocks)


def deliveries_table(rows: Sequence[Row], dataset: str, name: str, caption: str) -> Table:
    """What was delivered per pilot or site, and about how many people."""
    return Table(
        name=name,
        caption=caption,
        columns=(
            Column("Pilot of locatie", 3),
            Column("Ontvangen", 1.2, is_number=True),
            Column("In gebruik", 1.2, is_number=True),
            Column("Partijen", 1, is_number=True),
            Column("Personen", 1, is_number=True),
            ADDRESS,
        ),
        rows=tuple(
            (
                Cell(
                    f"{row['pilot_id']} {row['korte_naam']}"
                    if row["locatie"] == ALL
                    else row["locatie_naam"]
                ),
                words.figure(row["leveringen_ontvangen"], None),
                words.figure(row["leveringen_in_gebruik"], None),
                words.figure(row["bronhouders"], None),
                words.figure(row["deelnemers_n"], row["waarde_status"]),
                words.cell_of(row["_adres"]),
            )
            for row in rows
        ),
        dataset=dataset,
        is_synthetic=is_synthetic(rows),
    )


def _reach(pilot: str, name: str, rows: Sequence[Row]) -> tuple[Block, ...]:
    whole = [row for row in rows if row["periode"] == ALL]
    if not whole:
        return (Paragraph("Over het bereik is bij deze editie niets bekend."),)
    # Public facts and made-up deliveries may stand side by side: each row says which it is.
    same = len({bool(row["is_synthetisch"]) for row in whole}) == 1
    return (
        Table(
            name=f"{pilot}-bereik-tabel",
            caption=f"{pilot} {name}: bereik over alle periodes"
            + ("" if same else ", deels uit synthetische leveringen"),
            columns=(
                Column("Wat", 3),
                Column("Stand", 2.1),
                Column("Aantal", 0.9, is_number=True),
                Column("Bron", 2),
                ADDRESS,
            ),
            rows=tuple(
                (
                    Cell(words.capital(row["omschrijving"])),
                    Cell(words.of("stand", row["stand"]) + _made_up(row)),
                    words.figure(row["n"], row["waarde_status"]),
                    words.source(row["bron"]),
                    words.cell_of(row["_adres"]),
                )
                for row in whole
            ),
            dataset=REACH,
            is_synthetic=same and is_synthetic(whole),
        ),
        Paragraph(
            "Gepland, doel, gerealiseerd en wat in de leveringen staat, zijn verschillende dingen; "
            "de een is niet de uitkomst van de ander."
        ),
    )


def _made_up(row: Row) -> str:
    return " (synthetisch)" if row["is_synthetisch"] else ""


def _results(pilot: str, name: str, rows: Sequence[Row], theme: Theme) -> tuple[Block, ...]:
    whole = [row for row in rows if row["locatie"] == ALL]
    kinds = sorted({row["groep_soort"] for row in whole})
    main, origin = _main_kind(kinds), _origin_kind(kinds)
    if main is None:
        return (Paragraph("Bij deze editie waren er geen leveringen met resultaten."),)
    blocks: list[Block] = [
        Paragraph(
            "De cijfers beschrijven; een effect van een aanpak blijkt er niet uit. Alle "
            "uitsplitsingen, ook per locatie, staan in voorlopige_resultaten.csv.",
            is_synthetic=is_synthetic(whole),
        ),
        _result_table(
            f"{pilot}-cijfers",
            f"{pilot} {name}: cijfers"
            + ("" if main == words.WHOLE else f" naar {words.kind(main)}"),
            [row for row in whole if row["groep_soort"] == main],
        ),
    ]
    if origin is not None:
        own = [row for row in whole if row["groep_soort"] == origin]
        table = _result_table(
            f"{pilot}-herkomst", f"{pilot} {name}: cijfers naar {words.kind(origin)}", own
        )
        chart = charts.bars(
            f"{pilot}-herkomst",
            f"{pilot} {name}: aandelen naar {words.kind(origin)}",
            _shares(own),
            theme,
            table,
        )
        blocks.append(chart or table)
    return tuple(blocks)


def _main_kind(kinds: Sequence[str]) -> str | None:
    """The breakdown that shows a pilot as a whole: none, or moments where totals are by moment."""
    if words.WHOLE in kinds:
        return words.WHOLE
    single = [kind for kind in kinds if words.CROSSED not in kind and kind != _ORIGIN]
    return single[0] if single else None


def _origin_kind(kinds: Sequence[str]) -> str | None:
    """The plainest breakdown by origin."""
    found = [kind for kind in kinds if _ORIGIN in kind.split(words.CROSSED)]
    return min(found, key=lambda kind: (kind.count(words.CROSSED), kind)) if found else None


def _places(row: Row) -> int:
    """Decimals of a result: one of a share, none of a count, two of a small mean."""
    if row["soort"] == "aantal":
        return 0
    return 1 if row["soort"] == "aandeel" or row["waarde"] is None else words.places(row["waarde"])


def _by_measure(row: Row) -> tuple[str, ...]:
    return row["maat"], row["periode"], row["groep"]


def _result_table(name: str, caption: str, rows: Sequence[Row]) -> Table:
    is_split = any(row["groep_soort"] != words.WHOLE for row in rows)
    return Table(
        name=name,
        caption=caption,
        columns=(
            Column("Maat", 2.9),
            Column("Eenheid", 2.2),
            Column("Periode", 1.4),
            *([Column("Groep", 2.6)] if is_split else []),
            Column("n", 0.75, is_number=True),
            Column("Cijfer", 0.95, is_number=True),
            ADDRESS,
        ),
        rows=tuple(
            (
                Cell(row["maat_label"]),
                Cell(row["eenheid"]),
                Cell(words.period(row["periode"])),
                *([Cell(_group(row))] if is_split else []),
                words.count(row["n"], row["waarde_status"]),
                words.figure(row["waarde"], row["waarde_status"], _places(row)),
                words.cell_of(row["_adres"]),
            )
            for row in sorted(rows, key=_by_measure)
        ),
        dataset=RESULTS,
        is_synthetic=is_synthetic(rows),
    )


def _group(row: Row) -> str:
    return words.capital(words.group(row["pilot_id"], row["groep_soort"], row["groep"]))


def _shares(rows: Sequence[Row]) -> list[charts.Bar]:
    """The shares of the last period, a panel per measure."""
    shares = [row for row in rows if row["soort"] == "aandeel"]
    if not shares:
        return []
    last = max(row["periode"] for row in shares)
    return [
        charts.Bar(
            panel=f"{row['maat_label']}, {words.period(last)}",
            label=_group(row),
            value=row["waarde"],
            status=row["waarde_status"],
            is_synthetic=bool(row["is_synthetisch"]),
        )
        for row in sorted(shares, key=_by_measure)
        if row["periode"] == last
    ]


def comparison_blocks(
    name: str, title: str, rows: Sequence[Row], theme: Theme
) -> tuple[Block, ...]:
    """The sentences of whole groups, and all comparisons as a chart and a table."""
    if not rows:
        return ()
    sentences = [
        Paragraph(
            row["zin"] or findings.withheld(row["uitkomst_label"], row["waarde_status"]),
            is_synthetic=bool(row["is_synthetisch"]),
            address=row["_adres"],
        )
        for row in rows
        if row["groep_soort"] == words.WHOLE
    ]
    table = _comparison_table(f"{name}-tabel", f"{title}: vergelijkingen", rows)
    chart = charts.intervals(
        name,
        f"{title}: verschillen met hun interval van 95 procent",
        [
            charts.Interval(
                label=f"{words.capital(row['uitkomst_label'])}, {row['horizon']}",
                unit=row["eenheid"],
                value=row["schatting"],
                low=row["interval_laag"],
                high=row["interval_hoog"],
                status=row["waarde_status"],
                is_synthetic=bool(row["is_synthetisch"]),
            )
            for row in rows
            if row["groep_soort"] == words.WHOLE
        ],
        theme,
        table,
    )
    return (*sentences, chart or table)


def _comparison_table(name: str, caption: str, rows: Sequence[Row]) -> Table:
    return Table(
        name=name,
        caption=caption,
        columns=(
            Column("Uitkomst", 2.4),
            Column("Groep", 1.5),
            Column("Gelezen op", 1.7),
            Column("Eenheid", 1.3),
            Column("Verschil", 0.9, is_number=True),
            Column("Interval van", 0.9, is_number=True),
            Column("tot", 0.9, is_number=True),
            ADDRESS,
        ),
        rows=tuple(
            (
                Cell(f"{words.capital(row['uitkomst_label'])}, {row['horizon']}"),
                Cell(words.capital(words.group(row["pilot_id"], row["groep_soort"], row["groep"]))),
                Cell(f"{words.day(row['leesdatum'])}, {words.of('status', row['status'])}"),
                Cell(row["eenheid"]),
                *(
                    words.figure(row[column], row["waarde_status"], 2)
                    for column in ("schatting", "interval_laag", "interval_hoog")
                ),
                words.cell_of(row["_adres"]),
            )
            for row in rows
        ),
        dataset=COMPARISONS,
        is_synthetic=is_synthetic(rows),
    )
