"""``bijlage.pdf``: the annex, set by Typst as PDF/UA-1 and PDF/A-3a in one file.

Belongs here: handing the document to ``annex.typ`` and compiling it. Does not belong here: what it
says (``compose``), how it looks (``annex.typ``, ``theme``).

The same document gives the same bytes: the date is the edition's, fonts are those of the theme and
those inside Typst, none of the machine's. The CSVs of the package are embedded as data.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

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
from via_pipeline.letters.files import Written

NAME = "bijlage.pdf"
STANDARDS = ["ua-1", "a-3a"]
_TEMPLATE = Path(__file__).parent / "annex.typ"


def write(document: Document, theme: Theme, written: Sequence[Written], folder: Path) -> Path:
    """Write the annex into ``folder``, where the CSVs of ``written`` already lie.

    Raises:
        TypstError: the document breaks a promise of the standards, such as an image without words.
    """
    import typst

    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "fonts").mkdir()
        for font in theme.fonts:
            shutil.copyfile(font, root / "fonts" / font.name)
        for item in written:
            shutil.copyfile(folder / item.csv.name, root / item.csv.name)
        for chart in document.charts():
            (root / f"{chart.name}.svg").write_text(chart.svg, encoding="utf-8")
        shutil.copyfile(_TEMPLATE, root / "annex.typ")
        (root / "document.json").write_text(
            json.dumps(_document(document, theme, written), ensure_ascii=False), encoding="utf-8"
        )
        fonts = typst.Fonts(include_system_fonts=False, font_paths=[root / "fonts"])
        made = typst.compile(
            root / "annex.typ",
            root=root,
            font_paths=fonts,
            format="pdf",
            pdf_standards=STANDARDS,
            timestamp=datetime.combine(document.reading_date, time(), UTC),
        )
    path = folder / NAME
    path.write_bytes(made)
    return path


def _document(document: Document, theme: Theme, written: Sequence[Written]) -> dict[str, Any]:
    language, _, region = theme.language.partition("-")
    parliament = f" (Kamerstuk {document.parliament})" if document.parliament else ""
    day = document.reading_date
    return {
        "title": document.title,
        "subtitle": f"{document.subtitle}{parliament}",
        "introduction": document.introduction,
        "footer": document.title,
        "notice": document.notice,
        "keywords": ["programma VIA", "voortgangsbrief", document.edition],
        "lang": language,
        "region": region or None,
        "date": [day.year, day.month, day.day],
        "theme": {
            "family": theme.family,
            "colours": {key: text for key, text in theme.colours.items() if key != "reeks"},
            "sizes": dict(theme.sizes),
        },
        "attachments": [
            {"path": item.csv.name, "description": f"{item.title} ({item.csv.name})"}
            for item in written
        ],
        "sections": [_section(section, document.edition) for section in document.sections],
    }


def _section(section: Section, edition: str) -> dict[str, Any]:
    return {
        "title": section.title,
        # A chapter of several parts begins on a page of its own, if it has more than some lines.
        "breaks": bool(section.sections)
        and any(isinstance(block, Table | Chart) for block in section.walk()),
        "blocks": [_block(block, edition) for block in section.blocks],
        "sections": [_section(inner, edition) for inner in section.sections],
    }


def _block(block: Block, edition: str) -> dict[str, Any]:
    match block:
        case Paragraph():
            return {
                "kind": "paragraph",
                "text": block.text,
                "synthetic": block.is_synthetic,
                "address": block.address,
            }
        case Facts():
            return {"kind": "facts", "pairs": [list(pair) for pair in block.pairs]}
        case Chart():
            return {
                "kind": "chart",
                "title": block.title,
                "alt": block.alt,
                "file": f"{block.name}.svg",
                "width": block.width_px,
                "synthetic": block.is_synthetic,
                "table": _block(block.table, edition),
            }
        case Table():
            return {
                "kind": "table",
                "caption": block.caption,
                "synthetic": block.is_synthetic,
                "legend": block.legend,
                "source": f"{edition}/{block.dataset}" if block.dataset else None,
                "columns": [
                    {
                        "head": column.head,
                        "width": column.width,
                        "number": column.is_number,
                        "address": column.is_address,
                    }
                    for column in block.columns
                ],
                "rows": [
                    [{"text": cell.text, "status": cell.status, "link": cell.link} for cell in row]
                    for row in block.rows
                ],
            }
