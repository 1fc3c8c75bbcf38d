"""The same tables give the same bytes: in any time zone, locale, process and order of work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from via_pipeline.letters.documents import annex, office, page, theme
from via_pipeline_tests import locales
from via_pipeline_tests.journeys.house import PROJECT
from via_pipeline_tests.letters_documents import made

# Every category of the locale is put in force, numbers too, as a library may do on its own.
MAKE = """
import locale, sys
from pathlib import Path
print(locale.setlocale(locale.LC_ALL, ""), locale.localeconv()["decimal_point"])
from via_pipeline_tests.letters_documents import made
made.write_again(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def test_a_process_in_another_place_writes_what_the_run_wrote(edition, tmp_path):
    """The run's own process was in this place, in plain English."""
    place = {"TZ": "America/Los_Angeles", "PYTHONHASHSEED": "2"}
    folder = tmp_path / "elders"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", MAKE, str(edition), str(folder)],
        env=os.environ
        | {"PYTHONPATH": str(PROJECT)}
        | place
        | locales.made(tmp_path / "locales", "nl_NL"),
        cwd=tmp_path,
        timeout=300,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "nl_NL.UTF-8 ,", "not the locale that was asked for"
    written, published = content(folder), content(edition)
    assert len([name for name in written if name.startswith(("bijlage", "brief", "grafiek"))]) > 20
    assert {name: published[name] for name in written} == written


@pytest.mark.parametrize("write", [page.write, office.write_docx, office.write_odt])
def test_writing_twice_changes_nothing(tmp_path, write):
    look = theme.load()
    first = write(made.document(look), look, tmp_path).read_bytes()
    assert write(made.document(look), look, tmp_path).read_bytes() == first


def test_the_annex_takes_words_for_words_and_not_for_markup(tmp_path):
    look = theme.load()
    path = annex.write(made.document(look), look, [], tmp_path)
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        text = "".join(found.get_textpage().get_text_bounded() for found in document)
    assert "Onderzoek & #uitkomst <b> $x$ *ster*" in " ".join(text.split())


def test_nothing_names_the_machine_on_which_it_was_made(edition):
    for name in ("bijlage.pdf", "bijlage.html", "brief.docx", "brief.odt"):
        found = (edition / name).read_bytes()
        for place in {str(edition.parent), str(PROJECT), str(Path.home()), "/tmp/"}:
            assert place.encode() not in found
