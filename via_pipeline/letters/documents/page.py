"""``bijlage.html``: the same as the annex, as one file that asks nothing of any other.

Belongs here: filling in ``page.html.j2``. Does not belong here: what it says. Pictures are within
the file, and a policy in its head forbids a browser to load anything.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from via_pipeline.disclosure import dictionary
from via_pipeline.letters.documents.blocks import Block, Chart, Document, Facts, Paragraph
from via_pipeline.letters.documents.theme import Theme

NAME = "bijlage.html"
_TEMPLATE = Path(__file__).parent / "page.html.j2"


def write(document: Document, theme: Theme, folder: Path) -> Path:
    """Write the page into ``folder``."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    text = environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        doc=document,
        theme=theme,
        family=", ".join((f'"{theme.family}"', *theme.fallback)),
        symbols=dictionary.symbols(),
        shown=_shown,
    )
    path = folder / NAME
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _shown(block: Block) -> dict[str, Any]:
    """A block with its kind, as the template tells blocks apart."""
    kind = type(block).__name__
    match block:
        case Paragraph():
            return {
                "kind": kind,
                "text": block.text,
                "is_synthetic": block.is_synthetic,
                "address": block.address,
            }
        case Facts():
            return {"kind": kind, "pairs": block.pairs}
        case Chart():
            # The PNG, not the SVG: its words look the same without the theme's font.
            picture = base64.b64encode(block.png).decode()
            return {"kind": kind, "block": block, "picture": f"data:image/png;base64,{picture}"}
        case _:
            return {"kind": kind, "block": block}
