"""The documents of an edition, in Dutch: annex, page, texts for the letter, charts.

Belongs here: saying what the protected tables hold, once (``compose``), and laying it out as PDF,
HTML, DOCX, ODT, SVG and PNG. Does not belong here: a figure, a rule, a dataset's file (``files``),
the order in which a package is made (``package``).

Nothing is read but ``disclosure__*``: what is hidden there cannot be said here, and no scale,
order, alt text or sentence is made of anything else. ``docs/letters-documents.md`` explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from via_pipeline.letters.documents import annex, compose, office, page, theme
from via_pipeline.letters.documents.theme import ThemeError
from via_pipeline.letters.editions import Edition
from via_pipeline.letters.files import Written

__all__ = ["ThemeError", "write"]


def write(
    connection: duckdb.DuckDBPyConnection,
    edition: Edition,
    written: Sequence[Written],
    folder: Path,
    house_style: Path | None = None,
    changes: Sequence[str] = (),
) -> list[Path]:
    """Write every document of ``edition`` into ``folder``; return their paths, sorted.

    ``connection`` holds ``disclosure__*`` as the edition sees them; the CSVs of ``written`` lie in
    ``folder``. ``house_style`` is a ministry's folder (see ``theme``); ``changes`` are Dutch
    sentences about what is different from the edition before.

    Raises:
        ThemeError: the house style cannot be used.
        TemplateError: a template of the house style asks for something that there is not.
    """
    look = theme.load(house_style)
    figures = [item for item in written if item.table.content.dataset is not None]
    document = compose.compose(connection, edition, figures, look, changes)
    paths = [
        annex.write(document, look, written, folder),
        page.write(document, look, folder),
        office.write_docx(document, look, folder),
        office.write_odt(document, look, folder),
    ]
    for chart in document.charts():
        for suffix, content in (("svg", chart.svg.encode()), ("png", chart.png)):
            path = folder / f"grafiek_{chart.name.replace('-', '_').lower()}.{suffix}"
            path.write_bytes(content)
            paths.append(path)
    return sorted(paths)
