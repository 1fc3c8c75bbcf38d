"""``brief.docx`` and ``brief.odt``: paragraphs and tables for whoever writes the letter.

Belongs here: filling in a template of ours or of the ministry. Does not belong here: what is said
(``compose``), the look (the template). The DOCX template may use all of Jinja, through docxtpl; the
ODT template has placeholders that are replaced. ``docs/letters-documents.md`` lists the names.
"""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from via_pipeline.letters.documents import archive, words
from via_pipeline.letters.documents.blocks import (
    Block,
    Chart,
    Document,
    Facts,
    Paragraph,
    Section,
    Table,
)
from via_pipeline.letters.documents.theme import Theme

DOCX = "brief.docx"
ODT = "brief.odt"
SYNTHETIC = " (synthetische gegevens)"
_PICTURE_MM = 150
# Of tables in 8 points: a digit of a common sans serif (0.56 em), and the margins within a cell.
_DIGIT_MM = 8 * 0.3528 * 0.56
_PADDING_MM = 3
_BOLD = 1.12
# What our ODT template leaves between its margins; widths there are shares of it.
_ODT_ROOM_MM = 170
_PLACEHOLDER = re.compile(r"\{\{\s*([a-z]+)(?:\s+([\w-]+))?\s*\}\}")


class TemplateError(ValueError):
    """A template of the house style asks for something that these documents do not have."""


def write_docx(document: Document, theme: Theme, folder: Path) -> Path:
    """Fill in the DOCX template.

    Raises:
        TemplateError: the template is no DOCX file, or asks for a name that does not exist.
    """
    from docx.opc.exceptions import PackageNotFoundError
    from docx.shared import Mm
    from docxtpl import DocxTemplate, InlineImage
    from jinja2 import Environment, StrictUndefined
    from jinja2 import TemplateError as JinjaError

    template = DocxTemplate(theme.docx)
    with tempfile.TemporaryDirectory() as name:
        pictures = {}
        for chart in document.charts():
            path = Path(name) / f"{chart.name}.png"
            path.write_bytes(chart.png)
            pictures[chart.name] = InlineImage(template, str(path), width=Mm(_PICTURE_MM))
        try:
            # The text of registers may hold & or <: autoescape keeps the XML whole.
            template.render(
                _context(document, pictures),
                Environment(autoescape=True, undefined=StrictUndefined),
                autoescape=True,
            )
        except (JinjaError, PackageNotFoundError) as error:
            raise TemplateError(f"{theme.docx.name}: {error}") from error
        _lay_out_tables(template, _tables(document))
        _describe_pictures(template, {f"{item.name}.png": item for item in document.charts()})
        moment = datetime.combine(document.reading_date, time())
        properties = template.docx.core_properties
        properties.title, properties.language = document.title, theme.language
        properties.created = properties.modified = moment
        properties.last_modified_by, properties.revision = "", 1
        made = io.BytesIO()
        template.save(made)
    path = folder / DOCX
    path.write_bytes(archive.stable(made.getvalue(), document.reading_date))
    return path


def _describe_pictures(template: Any, charts: dict[str, Chart]) -> None:
    """Give every picture in the text the words of its chart."""
    inline = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}inline"
    for drawing in template.docx.element.body.iter(inline):
        name = drawing.graphic.graphicData.pic.nvPicPr.cNvPr.get("name")
        if name in charts:
            drawing.docPr.set("descr", charts[name].alt)
            drawing.docPr.set("title", charts[name].title)


def _tables(document: Document) -> dict[tuple[str, ...], Table]:
    """Tables by their heads; those with the same heads are one, to have the same widths."""
    found: dict[tuple[str, ...], Table] = {}
    for block in document.walk():
        table = block.table if isinstance(block, Chart) else block
        if isinstance(table, Table):
            heads = tuple(column.head for column in table.columns)
            before = found[heads].rows if heads in found else ()
            found[heads] = replace(table, rows=(*before, *table.rows))
    return found


def widths_mm(table: Table, room_mm: float) -> list[float]:
    """Widths of the columns, together ``room_mm``: as asked for, but no word is broken for one.

    A word processor breaks a word that does not fit wherever the line ends, an address too. Where
    not every word can be whole, texts and heads give way: a number or address in two is useless.
    """
    needed = [
        max(_needed_mm(_words(table, place)), _BOLD * _needed_mm(_words(table, place)[:1]))
        for place in range(len(table.columns))
    ]
    if sum(needed) >= room_mm:
        firm = [
            _needed_mm(_words(table, place)[1:]) if column.is_number or column.is_address else 0.0
            for place, column in enumerate(table.columns)
        ]
        if sum(firm) >= room_mm:
            firm = [0.0] * len(firm)
        more = [need - base for need, base in zip(needed, firm, strict=True)]
        left = (room_mm - sum(firm)) / sum(more)
        return [base + left * rest for base, rest in zip(firm, more, strict=True)]
    asked = [column.width for column in table.columns]
    fixed: set[int] = set()
    while True:
        rest = room_mm - sum(needed[place] for place in fixed)
        share = rest / sum(width for place, width in enumerate(asked) if place not in fixed)
        tight = {
            place
            for place, width in enumerate(asked)
            if place not in fixed and width * share < needed[place]
        }
        if not tight:
            return [
                needed[place] if place in fixed else width * share
                for place, width in enumerate(asked)
            ]
        fixed |= tight


def _needed_mm(longest: Sequence[str]) -> float:
    return _DIGIT_MM * max(map(len, longest), default=0) + _PADDING_MM


def _words(table: Table, place: int) -> list[str]:
    """The longest word of each text in a column, its head first; a line may end after a hyphen."""
    texts = [table.columns[place].head, *(row[place].text for row in table.rows)]
    return [max(re.split(r"[ -]", text), key=len) for text in texts]


def _lay_out_tables(template: Any, tables: dict[tuple[str, ...], Table]) -> None:
    """Give columns their widths, and numbers the right side; a template cannot know either.

    Only tables with the heads of one of ours: a ministry's own tables are left alone.
    """
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn
    from docx.shared import Mm

    page = template.docx.sections[-1]
    room_mm = (page.page_width - page.left_margin - page.right_margin) / Mm(1)
    for found in template.docx.element.body.iter(qn("w:tbl")):
        rows = found.tr_lst
        heads = tuple(
            "".join(run.text or "" for run in cell.iter(qn("w:t"))).strip()
            for cell in rows[0].tc_lst
        )
        table = tables.get(heads)
        if table is None:
            continue
        widths = [Mm(width) for width in widths_mm(table, room_mm)]
        for grid, width in zip(found.tblGrid.gridCol_lst, widths, strict=False):
            grid.w = width
        for row in rows:
            for cell, column, width in zip(row.tc_lst, table.columns, widths, strict=False):
                cell.width = width
                if column.is_number:
                    for paragraph in cell.p_lst:
                        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _context(document: Document, pictures: dict[str, Any]) -> dict[str, Any]:
    """What a DOCX template may name."""
    chapters = [_chapter(section, pictures) for section in document.sections]
    return {
        **_texts(document),
        "hoofdstukken": chapters,
        "hoofdstuk": {chapter["naam"]: chapter for chapter in chapters},
    }


def _texts(document: Document) -> dict[str, str]:
    return {
        "titel": document.title,
        "ondertitel": document.subtitle,
        "datum": words.day(document.reading_date),
        "kamerstuk": document.parliament or "",
        "editie": document.edition,
        "melding": document.notice or "",
        "inleiding": document.introduction,
    }


def _chapter(section: Section, pictures: dict[str, Any]) -> dict[str, Any]:
    parts = [
        {"titel": title, "blokken": [item for block in blocks for item in _block(block, pictures)]}
        for title, blocks in _parts(section)
    ]
    return {"naam": section.name, "titel": section.title, "delen": parts}


def _parts(section: Section) -> Iterator[tuple[str, tuple[Block, ...]]]:
    """What stands under the chapter's own heading, then its parts."""
    if section.blocks:
        yield "", section.blocks
    for inner in section.sections:
        yield inner.title, inner.blocks


def _block(block: Block, pictures: dict[str, Any]) -> Iterator[dict[str, Any]]:
    match block:
        case Paragraph():
            yield {"soort": "alinea", "tekst": _said(block.text, block), "adres": block.address}
        case Facts():
            facts = [{"term": term, "tekst": text} for term, text in block.pairs]
            yield {"soort": "feiten", "feiten": facts}
        case Chart():
            yield {
                "soort": "grafiek",
                "titel": _said(block.title, block),
                "afbeelding": pictures[block.name],
                "alt": block.alt,
            }
            yield from _block(block.table, pictures)
        case Table():
            yield {
                "soort": "tabel",
                "titel": _said(block.caption, block),
                "dataset": block.dataset,
                "kolommen": [column.head for column in block.columns],
                "rijen": [[cell.text for cell in row] for row in block.rows],
                "legenda": block.legend,
            }


def _said(text: str, block: Paragraph | Chart | Table) -> str:
    return text + SYNTHETIC if block.is_synthetic else text


def write_odt(document: Document, theme: Theme, folder: Path) -> Path:
    """Fill in the ODT template.

    Raises:
        TemplateError: the template asks for a name that does not exist.
    """
    from odfdo import Document as OpenDocument
    from odfdo import Element

    template = OpenDocument(theme.odt)
    chapters = {section.name: section for section in document.sections}
    texts = _texts(document)
    used: dict[str, Chart] = {}
    for paragraph in template.body.get_paragraphs() + template.body.get_headers():
        found = _PLACEHOLDER.search(paragraph.text_recursive)
        if found is None:
            continue
        if found[1] == "hoofdstukken":
            _replace(paragraph, document.sections, used)
        elif found[1] == "hoofdstuk" and found[2] in chapters:
            _replace(paragraph, (chapters[found[2]],), used)
        else:
            _fill(paragraph, texts, theme.odt.name)
    for style in _odt_styles(document):
        template.get_part("content").get_element("//office:automatic-styles").append(
            Element.from_tag(style)
        )
    for name, chart in used.items():
        part = f"Pictures/{name}.png"
        template.container.set_part(part, chart.png)
        template.manifest.add_full_path(part, "image/png")
    moment = datetime.combine(document.reading_date, time())
    template.meta.title, template.meta.language = document.title, theme.language
    template.meta.creation_date = template.meta.date = moment
    template.meta.generator, template.meta.editing_cycles = "via_pipeline", 1
    made = io.BytesIO()
    template.save(made, pretty=False)
    path = folder / ODT
    path.write_bytes(archive.stable(made.getvalue(), document.reading_date))
    return path


def _fill(paragraph: Any, texts: dict[str, str], template: str) -> None:
    text = paragraph.text_recursive
    names = []
    for found in _PLACEHOLDER.finditer(text):
        if found[1] not in texts:
            raise TemplateError(f"{template}: '{found[0]}' is not a placeholder")
        names.append(found[1])
    filled = _PLACEHOLDER.sub(lambda found: texts[found[1]], text)
    if any(texts[name] for name in names):
        for child in paragraph.children:
            child.delete()
        paragraph.text = filled
    else:
        paragraph.delete()


def _replace(paragraph: Any, sections: tuple[Section, ...], used: dict[str, Chart]) -> None:
    from odfdo import Element

    parent = paragraph.parent
    place = parent.index(paragraph)
    parts = [part for section in sections for part in _odt_section(section, used)]
    for offset, part in enumerate(parts):
        parent.insert(Element.from_tag(part), position=place + offset)
    paragraph.delete()


def _odt_section(section: Section, used: dict[str, Chart]) -> Iterator[str]:
    yield _heading(1, section.title)
    for title, blocks in _parts(section):
        if title:
            yield _heading(2, title)
        for block in blocks:
            yield from _odt_block(block, used)


def _odt_block(block: Block, used: dict[str, Chart]) -> Iterator[str]:
    match block:
        case Paragraph():
            text = _said(block.text, block)
            yield _line(f"{text} [{block.address}]" if block.address else text)
        case Facts():
            for term, text in block.pairs:
                yield (
                    '<text:p text:style-name="Text_20_body"><text:span text:style-name="via_term">'
                    f"{escape(term)}:</text:span> {escape(text)}</text:p>"
                )
        case Chart():
            used[block.name] = block
            yield _line(_said(block.title, block), "Caption")
            yield _picture(block)
            yield from _odt_block(block.table, used)
        case Table():
            yield _line(_said(block.caption, block), "Caption")
            yield _odt_table(block)
            if block.legend:
                yield _line(block.legend)


def _heading(level: int, text: str) -> str:
    return (
        f'<text:h text:style-name="Heading_20_{level}" text:outline-level="{level}">'
        f"{escape(text)}</text:h>"
    )


def _line(text: str, style: str = "Text_20_body") -> str:
    return f'<text:p text:style-name="{style}">{escape(text)}</text:p>'


def _picture(chart: Chart) -> str:
    width, height = _size(chart.png)
    tall = _PICTURE_MM * height / width
    return (
        '<text:p text:style-name="Text_20_body">'
        f'<draw:frame draw:name={quoteattr(chart.name)} text:anchor-type="as-char" '
        f'svg:width="{_PICTURE_MM}mm" svg:height="{tall:.1f}mm">'
        f'<draw:image xlink:href="Pictures/{chart.name}.png" xlink:type="simple" '
        'xlink:show="embed" xlink:actuate="onLoad"/>'
        f"<svg:title>{escape(chart.title)}</svg:title><svg:desc>{escape(chart.alt)}</svg:desc>"
        "</draw:frame></text:p>"
    )


def _size(png: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header that every PNG begins with (RFC 2083, 11.2.1)."""
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def _odt_table(table: Table) -> str:
    columns = "".join(
        f'<table:table-column table:style-name="{_width_style(table, place)}"/>'
        for place in range(len(table.columns))
    )
    heads = "".join(
        _cell(column.head, "Table_20_Heading", column.is_number) for column in table.columns
    )
    rows = "".join(
        '<table:table-row table:style-name="via_rij">'
        + "".join(
            _cell(cell.text, "Table_20_Contents", column.is_number)
            for cell, column in zip(row, table.columns, strict=True)
        )
        + "</table:table-row>"
        for row in table.rows
    )
    return (
        f'<table:table table:name={quoteattr(table.name)} table:style-name="via_tabel">{columns}'
        f"<table:table-header-rows><table:table-row>{heads}</table:table-row>"
        f"</table:table-header-rows>{rows}</table:table>"
    )


def _cell(text: str, style: str, is_number: bool) -> str:
    own = f"{style}_getal" if is_number else style
    return (
        '<table:table-cell table:style-name="via_cel" office:value-type="string">'
        f"{_line(text, own)}</table:table-cell>"
    )


def _width_style(table: Table, place: int) -> str:
    heads = "|".join(column.head for column in table.columns)
    return f"via_kolom_{hashlib.sha256(heads.encode()).hexdigest()[:8]}_{place}"


def _odt_styles(document: Document) -> Iterator[str]:
    """What tables need and no template has: widths, lines, numbers at the right side."""
    yield (
        '<style:style style:name="via_tabel" style:family="table"><style:table-properties '
        'table:align="margins" fo:margin-bottom="0.4cm"/></style:style>'
    )
    yield (
        '<style:style style:name="via_rij" style:family="table-row"><style:table-row-properties '
        'fo:keep-together="always"/></style:style>'
    )
    yield (
        '<style:style style:name="via_cel" style:family="table-cell"><style:table-cell-properties '
        'fo:border-bottom="0.5pt solid #8c8c8c" fo:padding-top="0.08cm" '
        'fo:padding-bottom="0.08cm" fo:padding-left="0.12cm" fo:padding-right="0.12cm"/>'
        "</style:style>"
    )
    for style in ("Table_20_Contents", "Table_20_Heading"):
        yield (
            f'<style:style style:name="{style}_getal" style:family="paragraph" '
            f'style:parent-style-name="{style}"><style:paragraph-properties fo:text-align="end"/>'
            "</style:style>"
        )
    yield (
        '<style:style style:name="via_term" style:family="text"><style:text-properties '
        'fo:font-weight="bold"/></style:style>'
    )
    for table in _tables(document).values():
        for place, width in enumerate(widths_mm(table, _ODT_ROOM_MM)):
            yield (
                f'<style:style style:name="{_width_style(table, place)}" '
                'style:family="table-column"><style:table-column-properties '
                f'style:rel-column-width="{round(width * 100)}*"/></style:style>'
            )
