"""What the documents say is what the datasets hold, read back by other code."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from decimal import Decimal

import docx
import pypdfium2
import pytest
from odf import opendocument, teletype
from odf.element import Element

from via_pipeline_tests.letters_documents import reading

# Per dataset the columns whose figures a table shows, by the head above them.
COLUMNS = {
    "voorlopige_resultaten": {"n": "n", "Cijfer": "waarde"},
    "vergelijkingen": {
        "Verschil": "schatting",
        "Interval van": "interval_laag",
        "tot": "interval_hoog",
    },
    "bereik": {"Aantal": "n"},
    "culturele_diversiteit": {"n": "n", "Aandeel": "aandeel_pct"},
    "ladder_culturele_diversiteit": {
        "n": "n",
        "Aandeel": "aandeel_pct",
        "Verhouding": "ratio_lager",
        "Interval van": "ratio_lager_laag",
        "tot": "ratio_lager_hoog",
    },
    "doorstroom_culturele_diversiteit": {"n": "n", "Deel": "aandeel_pct"},
    "ontwikkeling_culturele_diversiteit": {
        "n": "n",
        "Aandeel": "aandeel_pct",
        "Verandering (procentpunt)": "verschil_pp",
    },
    "vergelijking_culturele_diversiteit": {
        "n": "n",
        "Aandeel": "aandeel_pct",
        "Ander": "aandeel_vergelijking_pct",
    },
    "benchmark_culturele_diversiteit": {"Aandeel": "aandeel_pct"},
    "covid19_context": {
        "Werkloosheid": "werkloosheid_pct",
        "Verschil met jaar eerder": "verschil_jaar_pp",
    },
    "stand_van_zaken": {
        "Ontvangen": "leveringen_ontvangen",
        "In gebruik": "leveringen_in_gebruik",
        "Partijen": "bronhouders",
        "Personen": "deelnemers_n",
    },
    "overname": {"Aantal": "aantal"},
    "leveringskwaliteit": {
        "Verwacht": "verwacht",
        "Op tijd": "op_tijd",
        "Te laat": "te_laat",
        "Ontbreekt": "ontbreekt",
        "Afgekeurd": "afgekeurd",
        "In gebruik": "in_gebruik",
        "Rijen": "rijen",
        "Quarantaine (hoogstens, %)": "quarantaine_pct",
    },
}
COLUMNS["stand_per_locatie"] = COLUMNS["stand_van_zaken"]
# Editions of before the first results, or with next to none.
EARLY = ("eerste", "tweede")
# One row of this table stands on two rows of the dataset: what was read before, and now.
PAIRED = "Vergelijkingen die opnieuw zijn gelezen"


def agrees(row, cells):
    """Whether a row of the CSV is what a row of the page shows."""
    for column, shown in cells.items():
        value = row[column]
        if value == "":
            if shown not in (row["waarde_status"] or "–", "–"):
                return False
        elif not reading.NUMBER.fullmatch(shown) or not reading.as_shown(value, shown):
            return False
    return True


def test_every_row_of_a_table_is_a_row_of_its_dataset(any_edition):
    page = reading.page(any_edition)
    checked = 0
    for table in page.tables:
        columns = COLUMNS.get(table.dataset or "")
        if columns is None or table.caption.startswith(PAIRED):
            continue
        pool = reading.rows(any_edition, table.dataset)
        numeric = {head: place for place, head in enumerate(table.heads) if head in columns}
        if not numeric:
            continue
        assert len(table.rows) <= len(pool)
        for cells in table.rows:
            shown = {columns[head]: cells[place] for head, place in numeric.items()}
            assert any(agrees(row, shown) for row in pool), (table.caption, cells)
            checked += len(shown)
    assert checked > 100 or any_edition.name in EARLY


def test_every_number_in_a_table_stands_in_a_column_that_is_checked(any_edition):
    for table in reading.page(any_edition).tables:
        places = {
            place for kinds in table.kinds for place, kind in enumerate(kinds) if kind == "getal"
        }
        heads = {table.heads[place] for place in places}
        if table.caption.startswith(PAIRED):
            assert heads == {"Verschil toen", "Verschil nu"}
        elif table.dataset is None:
            assert heads == {"Rijen", "Zonder cijfer"}
        else:
            assert heads in (set(), set(COLUMNS.get(table.dataset, {}))), table.caption


def test_readings_are_paired_with_what_was_read_before(edition):
    rows = [
        row
        for row in reading.rows(edition, "vergelijkingen")
        if row["groep_soort"] == "totaal" and row["reeks"] == "1"
    ]
    (table,) = [table for table in reading.page(edition).tables if table.caption.startswith(PAIRED)]
    assert len(table.rows) == sum(
        count > 1
        for count in Counter(
            (row["pilot_id"], row["locatie"], row["uitkomst"], row["horizon"]) for row in rows
        ).values()
    )
    for _, label, _, _, before, _, now, _ in table.rows:
        own = [row for row in rows if row["uitkomst_label"].lower() == label.lower()]
        assert any(agrees(row, {"schatting": before}) for row in own)
        assert any(agrees(row, {"schatting": now}) for row in own)


def test_rows_and_hidden_rows_per_dataset_are_those_of_the_files(edition):
    (table,) = [table for table in reading.page(edition).tables if "Zonder cijfer" in table.heads]
    described = json.loads((edition / "datapackage.json").read_text("utf-8"))["resources"]
    # Tables about the tables (what changed, formulas, codes) have no figures to hide.
    about = {"wijzigingen", "rekenwijze", "codelijst"}
    resources = [resource for resource in described if resource["name"] not in about]
    assert [row[0] for row in table.rows] == [resource["title"] for resource in resources]
    for (_, count, hidden, _), resource in zip(table.rows, resources, strict=True):
        rows = reading.rows(edition, resource["name"])
        assert reading.dutch(count) == len(rows)
        assert reading.dutch(hidden) == sum(row["waarde_status"] != "" for row in rows)


def test_sentences_are_those_that_the_claim_fixed(any_edition):
    rows = reading.rows(any_edition, "vergelijkingen")
    said = {row["zin"] for row in rows}
    hidden = {
        row["uitkomst_label"][0].upper() + row["uitkomst_label"][1:]
        for row in rows
        if not row["zin"]
    }
    found = [text for text, address in reading.page(any_edition).paragraphs if address]
    assert found or any_edition.name in EARLY
    for text in found:
        plain = text.removesuffix("(synthetische gegevens)").strip()
        assert plain in said or any(
            plain.startswith(f"{label}: geen cijfer.") for label in hidden
        ), text


def test_words_for_a_picture_hold_no_figure_that_is_not_published(any_edition):
    known = [
        Decimal(row[column])
        for dataset, column in (
            ("voorlopige_resultaten", "waarde"),
            ("culturele_diversiteit", "aandeel_pct"),
            ("covid19_context", "werkloosheid_pct"),
        )
        for row in reading.rows(any_edition, dataset)
        if row[column]
    ]
    for image in reading.page(any_edition).images:
        for shown in reading.decimals_in(image["alt"]):
            assert any(reading.as_shown(str(value), shown) for value in known), (shown, image)


def pdf_text(folder):
    with pypdfium2.PdfDocument(folder / "bijlage.pdf") as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


def docx_text(folder):
    body = docx.Document(str(folder / "brief.docx")).element.body
    texts = body.iter("{http://schemas.openxmlformats.org/wordprocessingml/2006/main}t")
    return "\n".join(text.text or "" for text in texts)


def odt_text(folder):
    def below(element: Element):
        for child in element.childNodes:
            if child.nodeType == child.ELEMENT_NODE:
                yield from below(child)
                yield teletype.extractText(child) if child.qname[1] in ("p", "h") else ""

    return "\n".join(below(opendocument.load(folder / "brief.odt").text))


@pytest.mark.parametrize("read", [pdf_text, docx_text, odt_text])
def test_every_document_says_the_same_figures(edition, read):
    page = reading.page(edition)
    wanted = set()
    for table in page.tables:
        for row, kinds in zip(table.rows, table.kinds, strict=True):
            for text, kind in zip(row, kinds, strict=True):
                if kind == "getal":
                    wanted |= reading.decimals_in(text)
    for text, address in page.paragraphs:
        if address:
            wanted |= reading.decimals_in(text)
    found = reading.decimals_in(read(edition))
    assert len(wanted) > 100
    assert wanted - found == set()
    # What else the annex has are the numbers on the axes of its pictures.
    axes = "".join(path.read_text("utf-8") for path in edition.glob("grafiek_*.svg"))
    assert found - wanted <= reading.decimals_in(axes)


def keyed(folder, dataset):
    """The rows of a dataset by the cell of their address, worked out as anyone can.

    The key is the descriptor's, its cells are those of the CSV.
    """
    resources = json.loads((folder / "datapackage.json").read_text("utf-8"))["resources"]
    (key,) = [
        resource["schema"]["primaryKey"] for resource in resources if resource["name"] == dataset
    ]
    return {
        hashlib.sha256("\x1f".join(row[name] for name in key).encode()).hexdigest()[:12]: row
        for row in reading.rows(folder, dataset)
    }


def test_the_address_at_a_figure_is_that_of_its_row(any_edition):
    page = reading.page(any_edition)
    found = 0
    for table in page.tables:
        if table.dataset is None or table.caption.startswith(PAIRED):
            continue
        columns, cells = COLUMNS.get(table.dataset, {}), keyed(any_edition, table.dataset)
        for row in table.rows:
            if "Adres" not in table.heads:
                continue
            own = cells[row[table.heads.index("Adres")]]
            shown = {
                columns[head]: row[place]
                for place, head in enumerate(table.heads)
                if head in columns
            }
            assert agrees(own, shown), (table.caption, row)
            found += 1
    assert found > 10
    for text, address in page.paragraphs:
        if address:
            edition, dataset, cell = address.split("/")
            assert edition == any_edition.name
            assert text.startswith(keyed(any_edition, dataset)[cell]["zin"][:40])


def test_rows_stand_in_an_order_of_keys_and_never_of_figures(any_edition):
    for table in reading.page(any_edition).tables:
        if table.dataset is None or "Adres" not in table.heads:
            continue
        place = table.heads.index("Adres")
        rows = reading.rows(any_edition, table.dataset)
        by_cell = keyed(any_edition, table.dataset)
        shown = [by_cell[row[place]] for row in table.rows]
        if table.dataset == "voorlopige_resultaten":
            keys = [(row["maat"], row["periode"], row["groep"]) for row in shown]
            assert keys == sorted(keys), table.caption
        elif not table.caption.startswith(PAIRED):
            # The order of the file, whose own order is that of its key.
            assert [rows.index(row) for row in shown] == sorted(rows.index(row) for row in shown)


def test_the_first_page_says_what_there_is_and_not_how_good_it_is(any_edition):
    page = reading.page(any_edition)
    states = reading.rows(any_edition, "stand_van_zaken")
    said = [text for text, address in page.paragraphs if not address]
    assert any(f"heeft {len(states)} pilots" in text for text in said)
    if any_edition.name == "eerste":
        assert any("nog geen levering van een pilot ontvangen" in text for text in said)
        assert {row["fase"] for row in states} == {"voorbereiding"}
        assert reading.rows(any_edition, "voorlopige_resultaten") == []
    results = reading.rows(any_edition, "voorlopige_resultaten")
    if results:
        shown = sum(row["waarde_status"] == "" for row in results)
        (told,) = [text for text in said if "cijfers uit de leveringen" in text]
        numbers = [reading.dutch(found) for found in reading.NUMBER.findall(told)]
        assert numbers == [len(results), shown]


def test_what_is_left_out_of_a_table_is_counted_below_it(edition):
    """Of every breakdown by origin: rows in the table and rows told to be missing are all of it."""
    page = reading.page(edition)
    results = reading.rows(edition, "voorlopige_resultaten")
    told = 0
    for text, _ in page.paragraphs:
        found = re.match(r"Van deze (\d+) cijfers worden? er (\d+) niet getoond\. ", text)
        if found and "voorlopige_resultaten" in text:
            assert int(found[2]) < int(found[1])
            assert sum(map(int, re.findall(r"\b[cuxkz] \((\d+)\): ", text))) == int(found[2])
            told += int(found[2])
    assert 0 < told <= sum(row["waarde_status"] != "" for row in results)


def test_coverage_in_words_is_that_of_the_dataset(any_edition):
    rows = reading.rows(any_edition, "leveringskwaliteit")
    expected = sum(int(row["verwacht"]) - int(row["nog_niet_verwacht"]) for row in rows)
    said = [text for text, _ in reading.page(any_edition).paragraphs]
    if expected == 0:
        assert any("hoefde er nog geen levering te zijn" in text for text in said)
        return
    (told,) = [text for text in said if "hoorden er" in text]
    names = ("op_tijd", "te_laat", "ontbreekt", "afgekeurd")
    sums = [sum(int(row[name]) for row in rows) for name in names]
    assert [int(found) for found in re.findall(r"\d+", told)] == [expected, *sums]


def test_covid_tells_events_and_the_pilots_own_figures_on_both_sides(edition):
    events = reading.rows(edition, "covid19_gebeurtenissen")
    assert {row["datum"] for row in events} == {"2020-03-16"}
    tables = [table for table in reading.page(edition).tables if "Ligt" in table.heads]
    assert len(tables) > 2
    place = tables[0].heads.index("Ligt")
    for table in tables:
        sides = {row[place] for row in table.rows}
        assert "vóór" in sides and sides & {"na", "deels na"}, table.caption


def test_the_labour_market_is_told_as_far_as_it_was_public(any_edition):
    said = " ".join(text for text, _ in reading.page(any_edition).paragraphs)
    rows = reading.rows(any_edition, "covid19_context")
    assert rows, "the page of 2018 is in every letter"
    is_of_then = any(row["periode"] >= "2020" for row in rows)
    assert is_of_then == (any_edition.name == "slot"), "the autumn of 2020 came after the letter"
    assert ("niet aantoonbaar openbaar" in said) == (any_edition.name == "derde")


# Of each table on cultural diversity: whose newest day counts, which rows it is about, and which
# origin groups are for the dataset only.
WHO = ("populatie_soort", "populatie")
NEWEST = {
    "culturele_diversiteit": (("organisatie",), {"kenmerk": "totaal"}, ()),
    "ladder_culturele_diversiteit": (
        WHO,
        {"ladder": "functieniveau"},
        ("nederlands", "nederland", "westers", "europa"),
    ),
    "doorstroom_culturele_diversiteit": (WHO, {"trede": "totaal"}, ("westers", "europa")),
    "vergelijking_culturele_diversiteit": (
        WHO,
        {},
        ("nederlands", "nederland", "westers", "europa"),
    ),
}


@pytest.mark.parametrize("dataset", NEWEST)
def test_of_cultural_diversity_the_newest_is_in_the_table_or_told_to_be_hidden(
    any_edition, dataset
):
    who, only, elsewhere = NEWEST[dataset]
    days, rows = {}, []
    for row in reading.rows(any_edition, dataset):
        if only.items() <= row.items() and row.get("trede") != "bestuur":
            rows.append(row)
            days.setdefault(tuple(row[name] for name in who), []).append(row["peildatum"])
    newest = [row for row in rows if row["peildatum"] == max(days[tuple(row[n] for n in who)])]
    last = [
        row
        for row in newest
        if row["categorie"] not in elsewhere and row.get("merk") != "synthetisch"
    ]
    wanted = [row["cel"] for row in last if not row["waarde_status"]]
    page = reading.page(any_edition)
    found = [row[-1] for table in page.tables if table.dataset == dataset for row in table.rows]
    assert found == wanted
    said = [text for text, _ in page.paragraphs]
    told = [text.split(".")[0] for text in said if f"per cijfer in {dataset}.csv" in text]
    hidden = len(last) - len(wanted)
    counts = [len(last), hidden] if wanted else [hidden]
    assert [[int(found) for found in re.findall(r"\d+", text)] for text in told] == (
        [counts] if hidden else []
    )
    assert any(f"eerdere staan in {dataset}.csv" in text for text in said) == (newest != rows)


def test_every_break_of_a_series_stays_marked(edition):
    broken = {
        row["cel"]
        for row in reading.rows(edition, "ontwikkeling_culturele_diversiteit")
        if row["breuk_reden"] and row["categorie"] in ("niet_westers", "buiten_europa")
    }
    (table,) = [table for table in reading.page(edition).tables if "Breuk of vraag" in table.heads]
    place = table.heads.index("Breuk of vraag")
    assert broken
    assert broken == {row[-1] for row in table.rows if row[place] not in ("–", "Eerst nagaan")}


def test_what_others_published_is_told_unless_it_is_an_example(any_edition):
    dataset = "benchmark_culturele_diversiteit"
    tables = [table for table in reading.page(any_edition).tables if table.dataset == dataset]
    told = {row[-1] for table in tables for row in table.rows}
    rows = reading.rows(any_edition, dataset)
    assert told == {row["cel"] for row in rows if row["is_synthetisch"] == "false"}
    examples = sum(row["is_synthetisch"] == "true" for row in rows)
    said = [text for text, _ in reading.page(any_edition).paragraphs]
    assert any(
        text.startswith(f"Verzonnen voorbeelden ({examples})") and dataset in text for text in said
    ) == bool(examples)
    assert bool(examples) == (any_edition.name == "slot"), "a made-up example from 2021"


def test_the_chapter_on_diversity_is_for_who_reads_the_letter(edition):
    """Some three pages of the annex; it was six and a half."""
    with pypdfium2.PdfDocument(edition / "bijlage.pdf") as document:
        texts = [page.get_textpage().get_text_bounded() for page in document]
    begins = [place for place, text in enumerate(texts) if "Organisaties als geheel" in text]
    ends = [place for place, text in enumerate(texts) if "Maatregelen en vervolgstappen" in text]
    assert len(begins) == 1 and ends[0] - begins[0] <= 3
