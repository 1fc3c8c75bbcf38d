"""A published edition in a ministry's own look: made again byte for byte, and what if that changed.

The edition is the first letter, of before any delivery: its figures cost nothing here.
"""

from __future__ import annotations

import docx
import odfdo
import pytest

from via_pipeline.letters.documents import theme
from via_pipeline.letters.release import concept, freeze, night
from via_pipeline.letters.release.verify import Severity, verify
from via_pipeline_tests.journeys.house import PROJECT, informed
from via_pipeline_tests.letters_release import house

EDITION = "eerste"
BLUE = "kleuren: {koppen: '#154273'}\n"
SHIPPED = PROJECT / "via_pipeline" / "letters" / "documents" / "templates"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """An installation with a theme, fonts and templates of its own, and an edition published."""
    found = informed(tmp_path_factory.mktemp("eigen-huisstijl"))
    dress(found)
    concept.make(found, EDITION)
    house.published(found, EDITION)
    return found


def dress(home, line="Ministerie van Sociale Zaken en Werkgelegenheid, {{ datum }}"):
    """The ministry's own folder: a colour, and a line of its own in both templates."""
    home.house_style.mkdir(exist_ok=True)
    (home.house_style / "thema.yaml").write_text(BLUE, encoding="utf-8")
    word = docx.Document(SHIPPED / "brief.docx")
    word.paragraphs[0].insert_paragraph_before(line)
    word.save(home.house_style / "brief.docx")
    writer = odfdo.Document(SHIPPED / "brief.odt")
    writer.body.insert(odfdo.Paragraph(line), position=0)
    writer.save(home.house_style / "brief.odt")


def test_the_own_template_and_theme_are_in_what_was_published(home):
    folder = freeze.folder_of(home, EDITION, 1)
    assert b"#154273" in (folder / "bijlage.html").read_bytes()
    said = "Ministerie van Sociale Zaken en Werkgelegenheid, 16 november 2018"
    assert said in [line.text for line in docx.Document(folder / "brief.docx").paragraphs]
    text = odfdo.Document(folder / "brief.odt").body.get_paragraphs()
    assert said in [line.text_recursive for line in text]


def test_it_is_made_again_byte_for_byte_and_a_change_since_is_told(home):
    assert theme.load(home.house_style) != theme.load(None)
    assert night.backtest(home).is_equal, "not the bytes that were published"

    (home.house_style / "thema.yaml").write_text(BLUE.replace("154273", "a90061"), "utf-8")
    (home.house_style / "brief.odt").unlink()
    found = night.backtest(home)
    assert not found.is_remembered, "the night did not see that the house style changed"
    assert found.is_made and not found.is_equal and found.is_same_code
    assert list(found.reasons) == [
        "huisstijl veranderd: brief.odt, thema.yaml",
        "alle cijfers zijn gelijk; alleen documenten zien er anders uit",
    ]
    assert {"bijlage.html", "bijlage.pdf", "brief.odt", "herkomst.json"} <= set(found.different)
    assert "brief.docx" not in found.different, "its template is the one of then"
    assert not [name for name in found.different if name.endswith((".csv", ".parquet", ".xlsx"))]

    # What was published stands, and is no fault: the look is input, kept by people.
    assert not [f for f in verify(home).findings if f.severity is Severity.WRONG]
