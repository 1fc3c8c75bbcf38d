"""The one document that annex, page and letter texts are laid out from.

Belongs here: which sections there are, in which order. Does not belong here: what is in a section.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from via_pipeline.disclosure import dictionary
from via_pipeline.letters.documents import covid, diversity, pilots, programme, summary
from via_pipeline.letters.documents.blocks import Document
from via_pipeline.letters.documents.rows import Source
from via_pipeline.letters.documents.theme import Theme
from via_pipeline.letters.editions import Edition
from via_pipeline.letters.files import Written
from via_pipeline.outcomes import wording

_INTRODUCTION = (
    "Deze bijlage is gemaakt uit de datasets die erbij horen, na controle op onthulling. Zij zegt "
    "wat op de dag van de brief was ontvangen en bekend, en niets van later. De datasets zitten "
    "als CSV-bestand in bijlage.pdf en liggen ernaast. Wat de letters betekenen die in plaats van "
    "een cijfer staan, staat in het laatste hoofdstuk."
)


def compose(
    connection: duckdb.DuckDBPyConnection,
    edition: Edition,
    written: Sequence[Written],
    theme: Theme,
    changes: Sequence[str] = (),
) -> Document:
    """Everything that the documents of ``edition`` say, from ``disclosure__*``."""
    source = Source(connection, edition.release)
    is_synthetic = any(item.is_synthetic for item in written)
    return Document(
        title=f"Bijlage bij de voortgangsbrief: {edition.title}",
        subtitle=f"Stand van {wording.day(edition.reading_date)}",
        edition=edition.name,
        reading_date=edition.reading_date,
        parliament=edition.parliament,
        introduction=_INTRODUCTION,
        notice=dictionary.synthetic_notice() if is_synthetic else None,
        sections=(
            summary.section(source),
            *pilots.sections(source, theme),
            covid.section(source, theme, edition.reading_date),
            diversity.section(source, theme),
            programme.next_steps(source),
            programme.adopted(source),
            programme.quality(source, written),
            programme.changed(source, changes),
            programme.reading_guide(edition.name, written),
        ),
    )
