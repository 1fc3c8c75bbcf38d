"""One section per pilot: what it was, how it goes, whom it reached, what came out.

Belongs here: choosing rows of the published tables for a pilot, in an order of keys and never of
figures. Does not belong here: comparisons (``comparisons``), the look.
"""

from __future__ import annotations

from collections.abc import Sequence

from via_pipeline.letters.documents import charts, comparisons, words
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
from via_pipeline.letters.documents.tables import (
    ADDRESS,
    Field,
    count,
    left_out,
    number,
    of_rows,
    shown,
)
from via_pipeline.letters.documents.theme import Theme

__all__ = ["ADDRESS", "ALL", "REACH", "RESULTS", "SITES", "STATE", "sections"]

RESULTS = "voorlopige_resultaten"
STATE = "stand_van_zaken"
SITES = "stand_per_locatie"
REACH = "bereik"
ALL = "alle"
_ORIGIN = "herkomst_oud"
_AIMS = ("gepland", "doel", "gerealiseerd")


def sections(source: Source, theme: Theme) -> tuple[Section, ...]:
    """A section per pilot of the edition, by number."""
    results = source.rows(RESULTS)
    compared = comparisons.newest(source.rows(comparisons.DATASET))
    sites, reach = source.rows(SITES), source.rows(REACH)
    return tuple(
        _pilot(
            state,
            theme,
            *(
                [row for row in rows if row["pilot_id"] == state["pilot_id"]]
                for rows in (sites, reach, results, compared)
            ),
        )
        for state in source.rows(STATE)
    )


def _pilot(
    state: Row,
    theme: Theme,
    sites: Sequence[Row],
    reach: Sequence[Row],
    results: Sequence[Row],
    compared: Sequence[Row],
) -> Section:
    pilot, name = state["pilot_id"], state["korte_naam"]
    first = [
        Section(f"{pilot}-inhoud", "Waaruit bestond de pilot?", (_what(state),)),
        Section(f"{pilot}-uitvoering", "Hoe verloopt de uitvoering?", _execution(state, sites)),
    ]
    if not (state["leveringen_ontvangen"] or reach or results):
        return Section(pilot, f"{pilot} {name}", (), tuple(first))
    parts = [
        *first,
        Section(f"{pilot}-bereik", "Bereik", _reach(pilot, name, reach)),
        Section(f"{pilot}-resultaten", "Resultaten", _results(pilot, name, results, theme)),
        Section(
            f"{pilot}-vergelijkingen",
            "Vergelijkingen volgens het analyseplan",
            comparisons.blocks(
                f"{pilot}-vergelijkingen",
                f"{pilot} {name}",
                [row for row in compared if not comparisons.of_event(row)],
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
    blocks: list[Block] = [
        Facts(
            (
                ("Fase", words.of("fase", state["fase"])),
                ("Status", words.of("status", state["status"])),
                ("Openbaar bekend op", words.day(state["statustekst_bekend_op"])),
            )
        ),
        Paragraph(state["statustekst"] or "In het register staat geen stand van zaken."),
    ]
    if state["leveringen_ontvangen"]:
        blocks.append(_deliveries([state], STATE, f"{pilot}-leveringen", f"{pilot}: leveringen"))
    else:
        blocks.append(
            Paragraph(
                "Van deze pilot was nog geen levering ontvangen; cijfers over bereik en resultaten "
                "zijn er dus niet."
            )
        )
    delivered = [row for row in sites if row["leveringen_ontvangen"]]
    if delivered:
        name = f"{pilot}: leveringen per locatie"
        blocks.append(_deliveries(delivered, SITES, f"{pilot}-locaties", name))
    goals = [row for row in sites if any(row[name] for name in _AIMS)]
    if goals:
        blocks.append(_goals(pilot, goals))
    return tuple(blocks)


def _goals(pilot: str, rows: Sequence[Row]) -> Table:
    """Words of the register, so without addresses: no figure of a dataset is told."""
    return Table(
        name=f"{pilot}-doelen",
        caption=f"{pilot}: gepland, doel en gerealiseerd per locatie, uit het register",
        columns=(
            Column("Locatie", 2),
            Column("Gepland", 2),
            Column("Doel", 3),
            Column("Gerealiseerd", 2),
        ),
        rows=tuple(
            (Cell(row["locatie_naam"]), *(Cell(row[name] or words.NONE) for name in _AIMS))
            for row in rows
        ),
        dataset=SITES,
    )


def _deliveries(rows: Sequence[Row], dataset: str, name: str, caption: str) -> Table:
    """What was delivered per pilot or site, and about how many people."""
    return of_rows(
        name,
        caption,
        dataset,
        rows,
        (
            Field("Pilot of locatie", 3, _place),
            count("Ontvangen", 1.2, "leveringen_ontvangen"),
            count("In gebruik", 1.2, "leveringen_in_gebruik"),
            count("Partijen", 1, "bronhouders"),
            number("Personen", 1, "deelnemers_n"),
        ),
    )


def _place(row: Row) -> Cell:
    is_whole = row["locatie"] == ALL
    return Cell(f"{row['pilot_id']} {row['korte_naam']}" if is_whole else row["locatie_naam"])


def _reach(pilot: str, name: str, rows: Sequence[Row]) -> tuple[Block, ...]:
    whole = [row for row in rows if row["periode"] == ALL]
    if not whole:
        return (Paragraph("Over het bereik is bij deze editie niets bekend."),)
    # Public facts and made-up deliveries may stand side by side: each row says which it is.
    same = len({bool(row["is_synthetisch"]) for row in whole}) == 1
    table = of_rows(
        f"{pilot}-bereik-tabel",
        f"{pilot} {name}: bereik over alle periodes"
        + ("" if same else ", deels uit synthetische leveringen"),
        REACH,
        whole,
        (
            Field("Wat", 3, lambda row: Cell(words.capital(row["omschrijving"]))),
            Field("Stand", 2.1, lambda row: Cell(words.of("stand", row["stand"]) + _made_up(row))),
            number("Aantal", 0.9, "n"),
            Field("Bron", 2, lambda row: words.source(row["bron"])),
        ),
        synthetic=same and is_synthetic(whole),
    )
    apart = (
        "Gepland, doel, gerealiseerd en wat in de leveringen staat, zijn verschillende dingen; "
        "de een is niet de uitkomst van de ander."
    )
    is_mixed = len({row["stand"] for row in whole}) > 1
    return (table, Paragraph(apart)) if is_mixed else (table,)


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
            "uitsplitsingen en periodes, ook per locatie, staan in voorlopige_resultaten.csv.",
            is_synthetic=is_synthetic(whole),
        ),
        *_figures(
            f"{pilot}-cijfers",
            f"{pilot} {name}: cijfers"
            + ("" if main == words.WHOLE else f" naar {words.kind(main)}"),
            [row for row in whole if row["groep_soort"] == main],
        ),
    ]
    if origin is not None:
        own = _last([row for row in whole if row["groep_soort"] == origin])
        title = f"{pilot} {name}: %s naar {words.kind(origin)}, laatste periode"
        blocks += _figures(f"{pilot}-herkomst", title % "cijfers", own, title % "aandelen", theme)
    return tuple(blocks)


def _figures(
    name: str,
    caption: str,
    rows: Sequence[Row],
    picture: str | None = None,
    theme: Theme | None = None,
) -> tuple[Block, ...]:
    """A table of the figures that are shown, below a chart of shares where there are any; then how
    many are not shown."""
    own, rest = shown(rows), left_out(rows, RESULTS)
    if not own:
        return (Paragraph(f"{caption}."), *rest)
    table = result_table(name, caption, own)
    chart = None
    if picture is not None and theme is not None:
        chart = charts.bars(name, picture, _shares(rows), theme, table)
    return (chart or table, *rest)


def main(rows: Sequence[Row], pilot: str) -> list[Row]:
    """The results that show a pilot as a whole: all sites together, in its main breakdown."""
    whole = [row for row in rows if row["pilot_id"] == pilot and row["locatie"] == ALL]
    kind = _main_kind(sorted({row["groep_soort"] for row in whole}))
    return [row for row in whole if row["groep_soort"] == kind]


def measure_and_group(row: Row) -> str:
    """What a result is about: its measure, and its group where it is of one."""
    is_whole = row["groep_soort"] == words.WHOLE
    return row["maat_label"] if is_whole else f"{row['maat_label']}, {_group(row)}"


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


def _last(rows: Sequence[Row]) -> list[Row]:
    """Of every measure the rows of its last period."""
    last: dict[str, str] = {}
    for row in rows:
        last[row["maat"]] = max(last.get(row["maat"], row["periode"]), row["periode"])
    return [row for row in rows if row["periode"] == last[row["maat"]]]


def _places(row: Row) -> int:
    """Decimals of a result: one of a share, none of a count, two of a small mean."""
    if row["soort"] == "aantal":
        return 0
    return 1 if row["soort"] == "aandeel" or row["waarde"] is None else words.places(row["waarde"])


def _by_measure(row: Row) -> tuple[str, ...]:
    return row["maat"], row["periode"], row["groep"]


def result_table(
    name: str, caption: str, rows: Sequence[Row], extra: Sequence[Field] = ()
) -> Table:
    """Results in the order of measure, period and group; ``extra`` columns follow the period."""
    is_split = any(row["groep_soort"] != words.WHOLE for row in rows)
    return of_rows(
        name,
        caption,
        RESULTS,
        sorted(rows, key=_by_measure),
        (
            Field("Maat", 2.9, lambda row: Cell(row["maat_label"])),
            Field("Eenheid", 2.2, lambda row: Cell(row["eenheid"])),
            Field("Periode", 1.5, lambda row: Cell(words.period(row["periode"]))),
            *extra,
            *([Field("Groep", 2.5, lambda row: Cell(_group(row)))] if is_split else []),
            Field("n", 0.75, lambda row: words.count(row["n"], row["waarde_status"]), True),
            Field(
                "Cijfer",
                0.95,
                lambda row: words.figure(row["waarde"], row["waarde_status"], _places(row)),
                True,
            ),
        ),
    )


def _group(row: Row) -> str:
    return words.capital(words.group(row["pilot_id"], row["groep_soort"], row["groep"]))


def _shares(rows: Sequence[Row]) -> list[charts.Bar]:
    """The shares, a panel per measure that has one to show."""
    shares = sorted((row for row in rows if row["soort"] == "aandeel"), key=_by_measure)
    told = {row["maat"] for row in shown(shares)}
    return [
        charts.Bar(
            panel=f"{row['maat_label']}, {words.period(row['periode'])}",
            label=_group(row),
            value=row["waarde"],
            status=row["waarde_status"],
            is_synthetic=bool(row["is_synthetisch"]),
        )
        for row in shares
        if row["maat"] in told
    ]
