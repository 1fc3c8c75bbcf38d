"""What is in no plain CSV is screened as well: a figure or a number of a person in any file."""

from __future__ import annotations

import re
import shutil
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import openpyxl
import pikepdf
import pytest

from via_pipeline.letters.release.screening.outcome import Status
from via_pipeline.letters.release.screening.run import screen
from via_pipeline.storage import sums
from via_pipeline_tests.letters import packages

EDITION = replace(packages.EDITION, reading_date=date(2021, 11, 17))
ORIGIN = packages.ORIGIN | {"leesdatum": "2021-11-17", "onthullingsregels": []}
# Passes the eleven-test; of nobody (domain knowledge: a published example).
CITIZEN = "111222333"
RESULTS = "voorlopige_resultaten"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("pakket")
    return packages.make(packages.home_in(root), root / "derde", EDITION, ORIGIN).folder


@pytest.fixture
def package(made, tmp_path) -> Path:
    return shutil.copytree(made, tmp_path / "derde")


def failures(folder: Path) -> set[tuple[str, str]]:
    """Check and file of every FAIL, as if the sums had been made anew by who touched it."""
    sums.write(folder)
    return {
        (item.check, item.where) for item in screen(folder, "derde") if item.status is Status.FAIL
    }


def rezipped(path: Path, part: str, change) -> None:
    """Change one part of an office file."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    before = parts[part].decode("utf-8")
    parts[part] = change(before).encode("utf-8")
    assert parts[part] != before.encode("utf-8")
    with zipfile.ZipFile(path, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)


def hidden_cell(folder: Path) -> str:
    """The cell of a result that is hidden."""
    lines = (folder / f"{RESULTS}.csv").read_text("utf-8").splitlines()
    return next(line for line in lines if ",c,minimumfrequentie," in line).rsplit(",", 1)[1]


def test_a_package_as_it_is_made_passes(package):
    assert failures(package) == set()


def test_every_twin_is_held_to_its_csv(package):
    flat = package / "csv-excel" / f"{RESULTS}.csv"
    cell = hidden_cell(package)
    lines = flat.read_bytes().decode("utf-8-sig").split("\r\n")
    place = lines[0].split(";").index("n")
    for number, line in enumerate(lines):
        if line.endswith(cell):
            cells = line.split(";")
            assert cells[place] == ""
            cells[place] = "4"
            lines[number] = ";".join(cells)
    flat.write_text("\ufeff" + "\r\n".join(lines), "utf-8", newline="")

    columnar = package / f"{RESULTS}.parquet"
    with duckdb.connect() as link:
        link.execute(
            f"COPY (SELECT * REPLACE (CASE WHEN cel = '{cell}' THEN 4 ELSE n END AS n) "
            f"FROM read_parquet('{columnar}')) TO '{columnar}.new' (FORMAT parquet)"
        )
    shutil.move(f"{columnar}.new", columnar)

    with duckdb.connect(str(package / "via-derde.duckdb")) as link:
        link.execute(f"UPDATE {RESULTS} SET n = 4 WHERE cel = '{cell}'")

    book = openpyxl.load_workbook(package / "via-derde.xlsx")
    sheet = book[RESULTS]
    for row in sheet.iter_rows():
        if row[-1].value == cell:
            row[place].value = 4
    book.save(package / "via-derde.xlsx")

    rezipped(
        package / "via-derde.ods",
        "content.xml",
        lambda text: (
            text.replace(">Westers</", ">Westers 4</", 1)
            if ">Westers</" in text
            else re.sub(r"(<text:p>)totaal(</text:p>)", r"\g<1>totaal 4\2", text, count=1)
        ),
    )
    found = {where for check, where in failures(package) if check == "tweeling__gelijk"}
    assert found == {
        f"csv-excel/{RESULTS}.csv",
        f"{RESULTS}.parquet",
        "via-derde.duckdb",
        "via-derde.xlsx",
        "via-derde.ods",
    }


def test_a_figure_that_no_table_shows_is_found_in_every_document(package):
    page = package / "bijlage.html"
    page.write_text(
        page.read_text("utf-8").replace("</main>", "<p>Het was 7,77 procent.</p></main>")
    )
    rezipped(
        package / "brief.docx",
        "word/document.xml",
        lambda text: text.replace("</w:t>", " 7,77</w:t>", 1),
    )
    rezipped(
        package / "brief.odt",
        "content.xml",
        lambda text: text.replace("</text:h>", " 7,77</text:h>", 1),
    )
    picture = next(package.glob("grafiek_*.svg"))
    picture.write_text(picture.read_text("utf-8").replace("</svg>", "<text>7,77</text></svg>"))
    with pikepdf.open(package / "bijlage.pdf", allow_overwriting_input=True) as document:
        document.docinfo["/Subject"] = "eigenlijk 7,77 procent"
        document.save(package / "bijlage.pdf")
    found = {where for check, where in failures(package) if check == "document__cijfers"}
    assert found == {"bijlage.html", "brief.docx", "brief.odt", "bijlage.pdf", picture.name}


def test_a_number_at_the_address_of_a_hidden_figure_is_found(package):
    """A whole number that another row shows: only the row's own address tells."""
    page = package / "bijlage.html"
    text = page.read_text("utf-8")
    row = re.search(
        r"<tr>(?:(?!</tr>).)*class=\"getal\">(\d+)</td>(?:(?!</tr>).)*</tr>", text, re.S
    )
    changed = row[0].replace(f'class="getal">{row[1]}<', 'class="getal">31<', 1)
    page.write_text(text.replace(row[0], changed, 1), "utf-8")
    assert ("document__cijfers", "bijlage.html") in failures(package)


def test_another_file_inside_the_pdf_is_found(package):
    with pikepdf.open(package / "bijlage.pdf", allow_overwriting_input=True) as document:
        document.attachments["bereik.csv"] = b"pilot_id,n\r\nP3,4\r\n"
        document.save(package / "bijlage.pdf")
    assert ("document__bijlagen", "bijlage.pdf") in failures(package)


def test_a_number_of_a_person_is_found_wherever_it_hides(package):
    rezipped(
        package / "brief.docx",
        "docProps/core.xml",
        lambda text: text.replace("</cp:coreProperties>", f"<x>{CITIZEN}</x></cp:coreProperties>"),
    )
    rezipped(
        package / "brief.odt",
        "meta.xml",
        lambda text: text.replace("</office:meta>", f"<x>{CITIZEN}</x></office:meta>"),
    )
    book = openpyxl.load_workbook(package / "via-derde.xlsx")
    book["Toelichting"]["A1"].comment = openpyxl.comments.Comment(CITIZEN, "x")
    book.save(package / "via-derde.xlsx")
    with pikepdf.open(package / "bijlage.pdf", allow_overwriting_input=True) as document:
        document.docinfo["/Author"] = CITIZEN
        document.save(package / "bijlage.pdf")
    for name in ("herkomst.json", "dcat.ttl"):
        path = package / name
        path.write_text(path.read_text("utf-8") + f"\n# {CITIZEN}\n", "utf-8")
    found = {where for check, where in failures(package) if check == "woord__persoon"}
    assert found == {
        "brief.docx",
        "brief.odt",
        "via-derde.xlsx",
        "bijlage.pdf",
        "herkomst.json",
        "dcat.ttl",
    }


@pytest.mark.parametrize("name", ["bijlage.pdf", "brief.docx", "brief.odt", "via-derde.xlsx"])
def test_what_cannot_be_read_is_not_let_through(package, name):
    (package / name).write_bytes(b"niets dat te openen is")
    assert ("document__leesbaar", name) in failures(package)
