"""What people keep in data/register and data/reference, against their contracts and the facts."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from itertools import pairwise

import frontmatter
import pytest

from via_pipeline.contracts import codelists
from via_pipeline.contracts.model import load
from via_pipeline_tests.pilots.house import REPOSITORY, plain_csv

DATA = REPOSITORY / "data"
TABLES = [
    (source, table.name) for source in ("register", "reference") for table in load(source).tables
]


def rows_of(source, table):
    folder = DATA / source
    pattern = load(source).delivery.members[table]
    rows = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and re.fullmatch(pattern, path.relative_to(folder).as_posix()):
            if path.suffix == ".csv":
                rows += plain_csv(path)
            else:
                page = frontmatter.load(str(path))
                rows.append(
                    {name: str(value) for name, value in page.metadata.items()}
                    | {"tekst": page.content}
                )
    return rows


@pytest.mark.parametrize(("source", "name"), TABLES)
def test_every_kept_row_keeps_its_contract(source, name):
    table = load(source).table(name)
    rows = rows_of(source, name)
    assert rows
    for number, row in enumerate(rows, start=2):
        where = f"{source}/{name}, row {number}"
        assert list(row) == [column.name for column in table.delivered_columns] or (
            name == "status" and set(row) == {column.name for column in table.delivered_columns}
        ), where
        for column in table.columns:
            text = row[column.name].strip()
            assert text or not column.required, f"{where}: {column.name} is empty"
            assert not text or not column.pattern or re.fullmatch(column.pattern, text), (
                f"{where}: {column.name}"
            )
            assert len(text) <= column.max_length or not column.is_text, f"{where}: {column.name}"
            if text and column.logical_type == "date":
                date.fromisoformat(text)
    keys = [tuple(row[name_] for name_ in table.key) for row in rows]
    assert len(set(keys)) == len(keys)


def test_every_file_belongs_to_a_table():
    for source in ("register", "reference"):
        folder = DATA / source
        patterns = load(source).delivery.members.values()
        for path in folder.rglob("*"):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name != "README.md":
                assert sum(bool(re.fullmatch(p, name)) for p in patterns) == 1, name


def test_pilots_named_anywhere_are_in_the_list_of_themes():
    known = {row["pilot_id"] for row in rows_of("register", "thema")} | {"VIA"}
    assert len(known) == 9
    for table in ("locatie", "partner", "doel", "status", "maatregel", "overname"):
        assert {row["pilot_id"] for row in rows_of("register", table)} <= known
    sites = {(row["pilot_id"], row["locatie"]) for row in rows_of("register", "locatie")}
    assert {(pilot, "alle") for pilot in known - {"VIA"}} <= sites
    assert {(row["pilot_id"], row["locatie"]) for row in rows_of("register", "doel")} <= sites


def test_the_figures_of_the_pilots_are_the_verified_ones():
    """The block of verified facts in the domain notes, section 1.3, line by line."""
    block = """
P3;tussenrapportage;deelnemende_organisaties;9;organisaties;realised;V
P3;eindrapport;deelnemende_organisaties;19;organisaties;realised;V
P3;werving;geplande_werkgevers;20;werkgevers;planned;V
P3;alle;aantal_nudges;3;interventies;design;V-2nd
P5;alle;deelnemende_werkgevers;5;werkgevers;realised;V
P6;alle;onderzochte_aanpakken;4;aanpakken;realised;V
P6;spoor;leerwerkplekken;30;plekken;target;V
P6;spoor;vaste_baan_2021;30;personen;target_minimum;V
P6;spoor;instroom_per_jaar_na_2021;10;personen;target_minimum;V
P8;enschede;meetmomenten;3;metingen;design;V
P1;nro;subsidie;413300;EUR;budget;V
P2;nro;subsidie;846000;EUR;budget;V
P2;seo_eind;onderzochte_interventies;8;interventies;realised;V
P4;alle;minimum_werknemers;250;werknemers;eligibility;V"""
    columns = ("pilot_id", "onderdeel", "maat", "waarde", "eenheid", "soort", "merk")
    kept = {";".join(row[name] for name in columns) for row in rows_of("register", "doel")}
    assert kept == set(block.split("\n")[1:])


def test_the_four_progress_letters():
    letters = {
        row["editie"]: (row["datum"], row["kamerstuk_dossier"], row["kamerstuk_nr"])
        for row in rows_of("register", "brief")
        if row["editie"]
    }
    assert letters == {
        "eerste": ("2018-11-16", "", ""),
        "tweede": ("2019-11-12", "29 544", "960"),
        "derde": ("2020-11-09", "29 544", "1029"),
        "slot": ("2021-11-17", "29 544", "1081"),
    }
    for row in rows_of("register", "brief"):
        assert bool(row["kamerstuk_nr"]) != bool(row["kamerstuk_toelichting"]), row["brief_id"]


def test_a_status_text_leans_on_nothing_from_after_its_letter():
    days = {row["editie"]: row["datum"] for row in rows_of("register", "brief") if row["editie"]}
    found = rows_of("register", "status")
    assert {row["pilot_id"] for row in found if row["brief"] == "derde"} == {
        f"P{number}" for number in range(1, 9)
    }
    for row in found:
        assert row["bekend_op"] == days[row["brief"]]
        if row["brief"] == "derde":
            # Plans for later years may be named; what came out of them may not.
            assert not re.search(
                r"\b19 werkgevers|negentien|geen eenduidig|juli 2021", row["tekst"]
            )


def test_the_municipalities_of_2019_to_2021():
    gemeente = codelists.load("gemeente", DATA / "reference")

    def valid(day):
        return {code.code for code in gemeente.codes if code.is_valid_on(day)}

    assert len(valid(date(2019, 1, 1))) == len(valid(date(2020, 12, 31))) == 355
    assert len(valid(date(2021, 1, 1))) == 352
    assert valid(date(2021, 1, 1)) - valid(date(2020, 12, 31)) == {"1979"}
    gone = valid(date(2020, 12, 31)) - valid(date(2021, 1, 1))
    assert {gemeente.labels[code] for code in gone} == {
        "Appingedam",
        "Delfzijl",
        "Loppersum",
        "Haaren",
    }
    provinces = Counter(
        row["provincienaam"]
        for row in rows_of("reference", "gemeente")
        if row["geldig_van"] <= "2020-01-01"
    )
    assert provinces == {
        "Noord-Brabant": 62,
        "Zuid-Holland": 52,
        "Gelderland": 51,
        "Noord-Holland": 47,
        "Limburg": 31,
        "Utrecht": 26,
        "Overijssel": 25,
        "Fryslân": 18,
        "Zeeland": 13,
        "Drenthe": 12,
        "Groningen": 12,
        "Flevoland": 6,
    }


def test_the_sections_of_sbi_2008_lie_side_by_side():
    sections = rows_of("reference", "sbi_sectie")
    assert [row["code"] for row in sections] == list("ABCDEFGHIJKLMNOPQRSTU")
    bounds = [(int(row["afdeling_van"]), int(row["afdeling_tot"])) for row in sections]
    assert all(low <= high for low, high in bounds)
    assert all(end < start for (_, end), (start, _) in pairwise(bounds))


def test_the_unemployment_figures_are_the_verified_ones():
    kept = {
        (row["periode"], row["achtergrond"]): (
            row["werkloosheid_pct"],
            row["verschil_jaar_pp"],
            row["merk"],
        )
        for row in rows_of("reference", "werkloosheid")
    }
    dutch, western, other = (
        f"{word} {'achtergrond' if word == 'Nederlandse' else 'migratieachtergrond'}"
        for word in ("Nederlandse", "Westerse", "Niet-westerse")
    )
    expected = {
        ("2020KW03", dutch): ("3,3", "0,7", "V"),
        ("2020KW03", western): ("5,3", "1,6", "V"),
        ("2020KW03", other): ("9,6", "2,7", "V"),
        ("2014JJ00", dutch): ("6,1", "", "V"),
        ("2014JJ00", other): ("16,5", "", "V"),
        ("2019JJ00", dutch): ("2,6", "", "V"),
        ("2019JJ00", other): ("7,3", "", "V"),
        ("2019KW03", dutch): ("2,6", "", "derived"),
        ("2019KW03", western): ("3,7", "", "derived"),
        ("2019KW03", other): ("6,9", "", "derived"),
        ("2016JJ00", "Totaal"): ("6", "", "V"),
        ("2016JJ00", "Autochtoon"): ("4,9", "", "V"),
        ("2016JJ00", "Westers"): ("7,2", "", "V"),
        ("2016JJ00", "Niet-westers"): ("13,2", "", "V"),
        ("2016JJ00", "Marokko"): ("13,3", "", "V"),
        ("2016JJ00", "Turkije"): ("12,1", "", "V"),
        ("2016JJ00", "Suriname"): ("13,3", "", "V"),
        ("2016JJ00", "(voormalige) Nederlandse Antillen en Aruba"): ("15,1", "", "V"),
        ("2016JJ00", "Overig niet-westers"): ("13,3", "", "V"),
    }
    assert kept == expected
