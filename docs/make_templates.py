"""The neutral templates of the letter's texts: ``python docs/make_templates.py``.

Writes ``brief.docx`` and ``brief.odt`` into ``via_pipeline/letters/documents/templates``. A
ministry starts from these and gives them its own look; docs/letters-documents.md lists the names.
"""

from __future__ import annotations

import io
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import docx
import odfdo
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from via_pipeline.letters.documents import archive, theme  # noqa: E402 - after the path is set

FOLDER = PROJECT / "via_pipeline" / "letters" / "documents" / "templates"
_DAY = date(2020, 1, 1)
# Free, on every machine with LibreOffice; Word takes its own font of the same widths.
_FONT = "Liberation Sans"


def docx_bytes() -> bytes:
    """A DOCX template that shows everything, in the order of the annex."""
    look = theme.load()
    document = docx.Document()
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.2)
    for name, size in (("Normal", 10), ("Heading 1", 16), ("Heading 2", 12), ("Title", 20)):
        style = document.styles[name]
        style.font.name, style.font.size = _FONT, Pt(size)
        # A font of the theme would win over the one just named.
        for attribute in ("w:asciiTheme", "w:hAnsiTheme"):
            style.element.rPr.rFonts.attrib.pop(qn(attribute), None)
        if name != "Normal":
            style.font.color.rgb = RGBColor.from_string(look.colours["koppen"].lstrip("#"))
    caption = document.styles["Caption"]
    caption.font.name, caption.font.size = _FONT, Pt(9)
    caption.font.color.rgb = RGBColor.from_string(look.colours["tekst"].lstrip("#"))
    # A caption stays with its table or picture.
    caption.paragraph_format.keep_with_next = True
    caption.paragraph_format.space_before, caption.paragraph_format.space_after = Pt(8), Pt(3)
    _language(document, look.language)
    add = document.add_paragraph
    add("{{ titel }}", style="Title")
    add("{{ ondertitel }}{% if kamerstuk %} (Kamerstuk {{ kamerstuk }}){% endif %}")
    add("{%p if melding %}")
    notice = add("{{ melding }}")
    notice.runs[0].bold = True
    notice._p.get_or_add_pPr().append(_shade(look.colours["melding"]))
    add("{%p endif %}")
    add("{{ inleiding }}")
    add("{%p for hoofdstuk in hoofdstukken %}")
    add("{{ hoofdstuk.titel }}", style="Heading 1")
    add("{%p for deel in hoofdstuk.delen %}")
    add("{%p if deel.titel %}")
    add("{{ deel.titel }}", style="Heading 2")
    add("{%p endif %}")
    add("{%p for blok in deel.blokken %}")
    add("{%p if blok.soort == 'alinea' %}")
    # Room above: a table has no margin of its own.
    line = add("{{ blok.tekst }}{% if blok.adres %} [{{ blok.adres }}]{% endif %}")
    line.paragraph_format.space_before, line.paragraph_format.space_after = Pt(6), Pt(4)
    add("{%p endif %}")
    add("{%p if blok.soort == 'feiten' %}")
    add("{%p for feit in blok.feiten %}")
    line = add()
    line.paragraph_format.space_after = Pt(2)
    line.add_run("{{ feit.term }}: ").bold = True
    line.add_run("{{ feit.tekst }}")
    add("{%p endfor %}")
    add("{%p endif %}")
    add("{%p if blok.soort == 'grafiek' %}")
    add("{{ blok.titel }}", style="Caption")
    add("{{ blok.afbeelding }}")
    add("{%p endif %}")
    add("{%p if blok.soort == 'tabel' %}")
    add("{{ blok.titel }}", style="Caption")
    _table(document)
    add("{%p if blok.legenda %}")
    line = add("{{ blok.legenda }}")
    line.paragraph_format.space_before, line.paragraph_format.space_after = Pt(6), Pt(4)
    add("{%p endif %}")
    add("{%p endif %}")
    for _ in range(3):
        add("{%p endfor %}")
    document.core_properties.created = datetime(_DAY.year, _DAY.month, _DAY.day)
    document.core_properties.modified = document.core_properties.created
    document.core_properties.author = document.core_properties.comments = ""
    made = io.BytesIO()
    document.save(made)
    return archive.stable(made.getvalue(), _DAY)


def _language(document: Any, language: str) -> None:
    found = OxmlElement("w:lang")
    found.set(qn("w:val"), language)
    properties = document.styles["Normal"].element.get_or_add_rPr()
    properties.append(found)
    for old in document.styles.element.iter(qn("w:lang")):
        old.set(qn("w:val"), language)


def _table(document: Any) -> None:
    table = document.add_table(rows=4, cols=3, style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.LEFT
    look = theme.load()
    properties = table._tbl.tblPr
    # In the order of the schema: borders, layout, margins within a cell (in twentieths of a point).
    borders = OxmlElement("w:tblBorders")
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        line = OxmlElement(f"w:{side}")
        is_drawn = side in ("top", "bottom", "insideH")
        line.set(qn("w:val"), "single" if is_drawn else "nil")
        if is_drawn:
            line.set(qn("w:sz"), "4")
            line.set(qn("w:color"), look.colours["lijn"].lstrip("#"))
        borders.append(line)
    margins = OxmlElement("w:tblCellMar")
    for side, twips in (("top", 40), ("left", 70), ("bottom", 40), ("right", 70)):
        found = OxmlElement(f"w:{side}")
        found.set(qn("w:w"), str(twips))
        found.set(qn("w:type"), "dxa")
        margins.append(found)
    layout = properties.find(qn("w:tblLayout"))
    if layout is None:
        layout = OxmlElement("w:tblLayout")
    layout.set(qn("w:type"), "fixed")
    look_of_style = properties.find(qn("w:tblLook"))
    for part in (borders, layout, margins):
        look_of_style.addprevious(part)
    texts = (
        ("{%tc for kolom in blok.kolommen %}", "{{ kolom }}", "{%tc endfor %}"),
        ("{%tr for rij in blok.rijen %}", "", ""),
        ("{%tc for cel in rij %}", "{{ cel }}", "{%tc endfor %}"),
        ("{%tr endfor %}", "", ""),
    )
    for row, line in zip(table.rows, texts, strict=True):
        for cell, text in zip(row.cells, line, strict=True):
            run = cell.paragraphs[0].add_run(text)
            run.font.size = Pt(8)
    head = table.rows[0]
    for run in (run for cell in head.cells for run in cell.paragraphs[0].runs):
        run.bold = True
    for cell in head.cells:
        cell._tc.get_or_add_tcPr().append(_shade(look.colours["kopvlak"]))
    # Word repeats the head at the top of every page, and breaks no row over two.
    head._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    for row in (head, table.rows[2]):
        row._tr.get_or_add_trPr().insert(0, OxmlElement("w:cantSplit"))


def _shade(colour: str) -> Any:
    """A background for a paragraph or a cell."""
    found = OxmlElement("w:shd")
    found.set(qn("w:val"), "clear")
    found.set(qn("w:color"), "auto")
    found.set(qn("w:fill"), colour.lstrip("#"))
    return found


def odt_bytes() -> bytes:
    """An ODT template that shows everything, in the order of the annex."""
    look = theme.load()
    document = odfdo.Document("text")
    document.body.clear()
    document.body.append(odfdo.Paragraph("{{ titel }}", style="Title"))
    for text, style in (
        ("{{ ondertitel }}", "Text_20_body"),
        ("Kamerstuk {{ kamerstuk }}", "Text_20_body"),
        ("{{ melding }}", "Melding"),
        ("{{ inleiding }}", "Text_20_body"),
        ("{{ hoofdstukken }}", "Text_20_body"),
    ):
        document.body.append(odfdo.Paragraph(text, style=style))
    dark = look.colours["koppen"]
    styles = (
        _style("Standard", None, "", 10),
        _style("Text_20_body", "Standard", 'fo:margin-bottom="0.2cm"', 10),
        _style("Melding", "Standard", _NOTICE.format(look.colours["melding"]), 10, weight="bold"),
        _style("Title", "Standard", 'fo:margin-bottom="0.4cm"', 20, dark, "bold"),
        _style("Heading_20_1", "Standard", _KEPT.format("0.8cm"), 16, dark, "bold"),
        _style("Heading_20_2", "Standard", _KEPT.format("0.5cm"), 12, dark, "bold"),
        _style("Caption", "Standard", _KEPT.format("0.3cm"), 9, weight="bold"),
        _style("Table_20_Contents", "Standard", "", 8),
        _style("Table_20_Heading", "Standard", "", 8, weight="bold"),
    )
    for text in styles:
        document.insert_style(odfdo.Element.from_tag(text))
    # Without numbers before headings: the ministry's letter has none.
    outline = document.get_part("styles").get_element("//text:outline-style")
    if outline is not None:
        outline.delete()
    moment = datetime(_DAY.year, _DAY.month, _DAY.day)
    document.meta.creation_date = document.meta.date = moment
    document.meta.language = look.language
    made = io.BytesIO()
    document.save(made, pretty=False)
    return archive.stable(made.getvalue(), _DAY)


_NOTICE = (
    'fo:margin-top="0.2cm" fo:margin-bottom="0.3cm" fo:padding="0.2cm" fo:background-color="{}"'
)
_KEPT = 'fo:margin-top="{}" fo:margin-bottom="0.15cm" fo:keep-with-next="always"'


def _style(
    name: str, parent: str | None, paragraph: str, size: int, colour: str = "", weight: str = ""
) -> str:
    look = theme.load()
    language, _, country = look.language.partition("-")
    text = f'style:font-name="{_FONT}" fo:font-size="{size}pt" fo:color="'
    text += f'{colour or look.colours["tekst"]}" fo:font-weight="{weight or "normal"}" '
    text += f'fo:font-style="normal" fo:language="{language}" fo:country="{country}"'
    inherits = f' style:parent-style-name="{parent}"' if parent else ""
    return (
        f'<style:style style:name="{name}" style:display-name="{name.replace("_20_", " ")}" '
        f'style:family="paragraph"{inherits}><style:paragraph-properties {paragraph}/>'
        f"<style:text-properties {text}/></style:style>"
    )


def main() -> None:
    """Write both."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "brief.docx").write_bytes(docx_bytes())
    (FOLDER / "brief.odt").write_bytes(odt_bytes())


if __name__ == "__main__":
    main()
