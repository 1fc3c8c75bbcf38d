"""Texts for the letter: through our template or the ministry's, whole in Word and LibreOffice."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile

import docx
import odfdo
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odf import opendocument

from via_pipeline.letters.documents import office, theme
from via_pipeline.letters.documents.blocks import Cell, Column, Table
from via_pipeline_tests.journeys.house import PROJECT
from via_pipeline_tests.letters_documents import made, reading

INLINE = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}inline"


def test_word_has_headings_tables_and_pictures_with_words(edition):
    page = reading.page(edition)
    found = docx.Document(str(edition / "brief.docx"))
    heads = [text for level, text in page.headings if level in (2, 3)]
    said = [item.text for item in found.paragraphs if item.style.name.startswith("Heading")]
    assert said == heads[1:]
    assert len(found.tables) == len(page.tables)
    for ours, theirs in zip(page.tables, found.tables, strict=True):
        assert [cell.text for cell in theirs.rows[0].cells] == ours.heads
        assert len(theirs.rows) == len(ours.rows) + 1
        assert theirs.rows[0]._tr.trPr.find(docx.oxml.ns.qn("w:tblHeader")) is not None
    pictures = [inline.docPr.get("descr") for inline in found.element.body.iter(INLINE)]
    assert pictures == [image["alt"] for image in page.images]
    assert found.core_properties.language == "nl-NL"
    assert "Bevat synthetische gegevens" in "\n".join(item.text for item in found.paragraphs)


def test_open_document_has_the_same(edition):
    page = reading.page(edition)
    found = odfdo.Document(edition / "brief.odt")
    heads = [text for level, text in page.headings if level in (2, 3)]
    assert [header.text_recursive for header in found.body.get_headers()] == heads[1:]
    tables = found.body.get_elements("//table:table")
    assert len(tables) == len(page.tables)
    assert all(table.get_elements("table:table-header-rows") for table in tables)
    words = [item.text_recursive for item in found.body.get_elements("//svg:desc")]
    assert words == [image["alt"] for image in page.images]
    # Another library reads it too, and every picture is there and listed.
    assert opendocument.load(edition / "brief.odt").mimetype.endswith("opendocument.text")
    with zipfile.ZipFile(edition / "brief.odt") as parts:
        listed = parts.read("META-INF/manifest.xml").decode()
        pictures = [name for name in parts.namelist() if name.startswith("Pictures/")]
        assert parts.infolist()[0].filename == "mimetype"
        assert parts.infolist()[0].compress_type == zipfile.ZIP_STORED
    assert len(pictures) == len(page.images)
    assert all(name in listed for name in pictures)


@pytest.mark.parametrize("name", ["brief.docx", "brief.odt"])
def test_libre_office_opens_it(edition, tmp_path, name):
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("LibreOffice is not installed (apt install libreoffice-writer-nogui)")
    done = subprocess.run(
        [
            program,
            f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
            "--headless",
            "--convert-to",
            "pdf",
            "--outdir",
            str(tmp_path),
            str(edition / name),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    made_file = tmp_path / "brief.pdf"
    assert made_file.exists(), done.stderr
    assert made_file.stat().st_size > 50_000


@given(
    st.lists(
        st.tuples(st.text("ab -", max_size=25), st.floats(0.5, 6), st.text("0a -", max_size=30)),
        min_size=1,
        max_size=9,
    ),
    st.integers(100, 250),
)
def test_columns_share_the_page_and_break_no_word_where_there_is_room(columns, room):
    table = Table(
        "tabel",
        "Tabel",
        tuple(Column(head, width) for head, width, _ in columns),
        (tuple(Cell(text) for _, _, text in columns),),
    )
    widths = office.widths_mm(table, room)
    assert sum(widths) == pytest.approx(room) and min(widths) > 0
    # 8 points of Arial: a digit takes 0.556 of them, a cell of ours has 1.25 mm on each side.
    longest = [max(map(len, re.split("[ -]", f"{head} {text}"))) for head, _, text in columns]
    needed = [0.556 * 8 * 0.3528 * letters + 2.5 for letters in longest]
    if sum(needed) < 0.9 * room:
        assert all(width >= need for width, need in zip(widths, needed, strict=True))


def test_no_address_is_broken_over_two_lines(edition):
    found = docx.Document(str(edition / "brief.docx"))
    tables = [table for table in found.tables if table.rows[0].cells[-1].text == "Adres"]
    assert len(tables) > 20
    for table in tables:
        widths = [cell.width.mm for cell in table.rows[1].cells]
        assert widths[-1] >= 12 * 0.556 * 8 * 0.3528 + 2.5, table.rows[0].cells[0].text
        assert sum(widths) <= 166.5


@pytest.fixture
def own(tmp_path):
    """A ministry's folder, its theme ours and its templates its own."""
    folder = tmp_path / "huisstijl"
    folder.mkdir()
    return folder


def word_template(folder, *lines):
    template = docx.Document()
    for line in lines:
        template.add_paragraph(line)
    template.save(str(folder / "brief.docx"))


def open_template(folder, *lines):
    template = odfdo.Document("text")
    template.body.clear()
    for line in lines:
        template.body.append(odfdo.Paragraph(line))
    template.save(folder / "brief.odt")


def test_a_ministry_chooses_what_stands_in_its_letter(own, tmp_path):
    word_template(
        own,
        "Aan de Voorzitter, {{ datum }}, {{ titel }}",
        "{%p for deel in hoofdstuk.P1.delen %}",
        "{%p for blok in deel.blokken if blok.soort == 'alinea' %}",
        "{{ blok.tekst }}",
        "{%p endfor %}",
        "{%p endfor %}",
    )
    open_template(own, "Aan de Voorzitter, {{ datum }}", "{{ hoofdstuk P1 }}", "Hoogachtend")
    look = theme.load(own)
    word = docx.Document(str(office.write_docx(made.document(look), look, tmp_path)))
    assert [item.text for item in word.paragraphs] == [
        "Aan de Voorzitter, 9 november 2020, Bijlage: R&D",
        "Onderzoek & #uitkomst <b> $x$ *ster* (synthetische gegevens)",
    ]
    opened = odfdo.Document(office.write_odt(made.document(look), look, tmp_path))
    texts = [item.text_recursive for item in opened.body.get_paragraphs()]
    assert texts[0] == "Aan de Voorzitter, 9 november 2020"
    assert texts[-1] == "Hoogachtend"
    assert "P2 Leeg" not in [item.text_recursive for item in opened.body.get_headers()]
    assert any("Onderzoek & #uitkomst <b>" in text for text in texts)


@pytest.mark.parametrize("write", [office.write_docx, office.write_odt])
def test_a_name_that_does_not_exist_is_told_with_its_template(own, tmp_path, write):
    word_template(own, "{{ minister }}")
    open_template(own, "{{ minister }}")
    look = theme.load(own)
    with pytest.raises(office.TemplateError, match=r"brief\.(docx|odt).*minister"):
        write(made.document(look), look, tmp_path)


def test_an_own_template_is_only_used_where_there_is_one(own):
    open_template(own, "{{ titel }}")
    look = theme.load(own)
    assert look.odt == own / "brief.odt"
    assert look.docx == theme.load().docx


def test_the_templates_that_ship_are_those_that_the_script_makes():
    sys.path.insert(0, str(PROJECT / "docs"))
    try:
        import make_templates
    finally:
        sys.path.pop(0)
    assert theme.load().docx.read_bytes() == make_templates.docx_bytes()
    assert theme.load().odt.read_bytes() == make_templates.odt_bytes()
