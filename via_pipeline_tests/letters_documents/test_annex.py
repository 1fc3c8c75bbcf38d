"""The annex keeps what PDF/UA-1 and PDF/A-3a promise, and carries the datasets."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

A4 = (595.28, 841.89)


@pytest.fixture(scope="module")
def annex(edition):
    with pikepdf.open(edition / "bijlage.pdf") as document:
        yield document


def kids(element):
    """The structure elements right below one."""
    found = element.get("/K", pikepdf.Array())
    listed = found if isinstance(found, pikepdf.Array) else [found]
    return [kid for kid in listed if isinstance(kid, pikepdf.Dictionary) and "/S" in kid]


def below(element, depth):
    """A structure element and all below it with their depth, in order."""
    yield depth, element
    for kid in kids(element):
        yield from below(kid, depth + 1)


def structure(document):
    """Every structure element with its depth, in order."""
    for element in kids(document.Root.StructTreeRoot):
        yield from below(element, 0)


def attributes(element, owner):
    """The attributes that ``owner`` has on a structure element."""
    found = element.get("/A", pikepdf.Array())
    listed = found if isinstance(found, pikepdf.Array) else [found]
    return [item for item in listed if item.get("/O") == owner]


def test_it_claims_both_standards_and_says_what_it_is(annex):
    with annex.open_metadata() as claims:
        assert claims["pdfuaid:part"] == "1"
        assert (claims["pdfaid:part"], claims["pdfaid:conformance"]) == ("3", "A")
        assert claims["dc:title"].startswith("Bijlage bij de voortgangsbrief: ")
        assert claims["xmp:CreateDate"].startswith("2021-11-17T00:00:00")
    assert str(annex.Root.Lang) == "nl-NL"
    assert annex.Root.MarkInfo.Marked
    assert annex.Root.ViewerPreferences.DisplayDocTitle


def test_every_picture_has_words_and_every_table_has_heads(annex):
    kinds = [(element.S, element) for _, element in structure(annex)]
    figures = [element for kind, element in kinds if kind == "/Figure"]
    assert len(figures) > 10
    for figure in figures:
        assert len(str(figure.Alt)) > 30
    tables = [element for kind, element in kinds if kind == "/Table"]
    assert len(tables) > 30
    for table in tables:
        heads = [element for _, element in below(table, 0) if element.S == "/TH"]
        assert heads
        for head in heads:
            assert attributes(head, "/Table")[0].Scope == "/Column"
        # The caption is part of the table, or stands beside it in the division that is the figure.
        around = [table, table.P, table.P.P]
        assert any(kid.S == "/Caption" for element in around for kid in kids(element))


def test_headings_skip_no_level(annex):
    levels = [
        int(str(element.S)[2])
        for _, element in structure(annex)
        if re.fullmatch(r"/H\d", str(element.S))
    ]
    assert levels[0] == 1 and len(levels) > 40
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_all_content_is_tagged_or_an_artifact(annex):
    for page in annex.pages:
        depth, kinds = 0, []
        for operands, operator in pikepdf.parse_content_stream(page):
            name = str(operator)
            if name == "BDC" and operands[0] == "/Artifact":
                kinds.append(operands[1].get("/Subtype"))
            if name in ("BDC", "BMC"):
                depth += 1
            elif name == "EMC":
                depth -= 1
            elif name in ("Tj", "TJ", "Do", "f", "S", "B"):
                assert depth > 0, (page.label, operands)
        assert "/Header" in kinds and "/Footer" in kinds, "the page's number is read as content"


def test_the_datasets_are_inside_byte_for_byte(edition, annex):
    inside = {name: spec.get_file().read_bytes() for name, spec in annex.attachments.items()}
    assert inside == {path.name: path.read_bytes() for path in sorted(edition.glob("*.csv"))}
    assert len(annex.Root.AF) == len(inside)
    for spec in annex.Root.AF:
        assert spec.AFRelationship == "/Data"
        assert spec.EF.F.Subtype == "/text/csv"


def test_every_font_is_inside_and_none_is_the_machines(annex):
    names = set()
    for page in annex.pages:
        for font in page.Resources.get("/Font", {}).values():
            for below in font.get("/DescendantFonts", [font]):
                descriptor = below.FontDescriptor
                assert any(f"/FontFile{end}" in descriptor for end in ("", "2", "3"))
                names.add(str(descriptor.FontName).split("+")[1].split("-")[0])
    assert names == {"SourceSansPro"}


@pytest.fixture(scope="module")
def pages(edition):
    with pypdfium2.PdfDocument(edition / "bijlage.pdf") as document:
        yield [document[place] for place in range(len(document))]


def test_pages_are_a4_and_numbered(pages):
    assert len(pages) > 20
    for place, page in enumerate(pages, start=1):
        assert page.get_size() == pytest.approx(A4, abs=1)
        assert f"Pagina {place} van {len(pages)}" in page.get_textpage().get_text_bounded()


def test_nothing_is_set_outside_the_page_and_no_two_columns_touch(pages):
    for page in pages:
        text = page.get_textpage()
        for place in range(text.count_rects()):
            left, bottom, right, top = text.get_rect(place)
            assert 40 < left < right < A4[0] - 40, text.get_text_bounded(left, bottom, right, top)
            assert 20 < bottom < top < A4[1] - 20


def test_a_table_over_several_pages_repeats_its_heads(pages):
    heads = re.compile(r"Maat\s+Eenheid\s+Periode\s+Groep\s+n\s+Cijfer\s+Adres")
    texts = [page.get_textpage().get_text_bounded() for page in pages]
    # The heads stand at the top of the page, above them no caption.
    continued = [text for text in texts if (top := heads.search(text)) and top.start() < 200]
    assert any("Tabel" not in text[: heads.search(text).start()] for text in continued)


def test_every_page_says_that_the_data_are_synthetic(pages):
    for page in pages:
        assert "synthetische gegevens" in page.get_textpage().get_text_bounded()


CHECKER = Path(sys.prefix) / "pdf"
# It takes a year that stands alone in the last line of a table for the number of the page. Ours are
# artifacts, as test_all_content_is_tagged_or_an_artifact holds: no page number is in the tags.
MISTAKEN = {"PAG-001"}


def checked(path):
    """The rules that another's checker of PDF/UA-1 sees broken, warnings too, and what it says."""
    if not CHECKER.is_dir():
        pytest.skip(f"no checker of PDF/UA in {CHECKER} (make .venv/.pdf)")
    command = "from outloud.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", command, "--layer", "conformance", "--json", "-", str(path)],
        capture_output=True,
        text=True,
        timeout=300,
        env={"PYTHONPATH": str(CHECKER), "PATH": os.environ["PATH"]},
        check=False,
    )
    assert done.stdout.startswith("{"), done.stderr
    (found,) = json.loads(done.stdout)["results"]
    assert found["error"] is None, found
    broken = {
        item["rule"] for item in found["findings"] if item["severity"] in ("error", "warning")
    }
    return broken - MISTAKEN, done.stdout


def test_another_checker_of_accessible_pdf_finds_nothing(any_edition):
    """PDF/UA-1 by the Matterhorn protocol, read by code that is neither Typst's nor ours."""
    faults, told = checked(any_edition / "bijlage.pdf")
    assert faults == set(), told


@pytest.mark.parametrize("broken", ["language", "tags", "words for a picture", "claim"])
def test_that_checker_sees_what_is_missing(sample_run, tmp_path, broken):
    path = tmp_path / "bijlage.pdf"
    with pikepdf.open(sample_run.home.letters / "eerste" / "bijlage.pdf") as document:
        if broken == "language":
            del document.Root.Lang
        elif broken == "tags":
            del document.Root.StructTreeRoot
        elif broken == "claim":
            with document.open_metadata() as claims:
                del claims["pdfuaid:part"]
        else:
            figures = [item for _, item in structure(document) if item.S == "/Figure"]
            del figures[0].Alt
        document.save(path)
    assert checked(path)[0]


def test_vera_pdf_finds_nothing(edition):
    program = shutil.which("verapdf")
    if program is None:
        pytest.skip("veraPDF is not installed (no Debian, PyPI or npm package has it)")
    for flavour in ("ua1", "3a"):
        done = subprocess.run(
            [program, "--flavour", flavour, "--format", "text", str(edition / "bijlage.pdf")],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.stdout.startswith("PASS"), done.stdout
