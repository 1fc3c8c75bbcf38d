"""The main points: what a reader of one page should know, in front of everything else.

Belongs here: counting and choosing among what the other sections tell in full. Does not belong
here: a judgement; no result is called good or bad, and none is chosen for what it says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from via_pipeline.letters.documents import comparisons, pilots, programme, words
from via_pipeline.letters.documents.blocks import Block, Paragraph, Section
from via_pipeline.letters.documents.rows import Row, Source, is_synthetic
from via_pipeline.letters.documents.tables import shown

NOTHING_RECEIVED = (
    "Op de dag van deze brief was nog geen levering van een pilot ontvangen. Deze bijlage zegt "
    "daarom hoe het programma er toen openbaar voor stond, en heeft geen resultaten."
)


def section(source: Source) -> Section:
    """Phases, deliveries, what may be shown, comparisons of whole groups, next steps."""
    states, results = source.rows(pilots.STATE), source.rows(pilots.RESULTS)
    compared = [
        row
        for row in comparisons.newest(source.rows(comparisons.DATASET))
        if not comparisons.of_event(row)
    ]
    steps = source.rows(programme.STEPS)
    blocks: list[Block] = [Paragraph(_phases(states))]
    delivered = [row for row in states if row["leveringen_in_gebruik"]]
    if not delivered:
        blocks.append(Paragraph(NOTHING_RECEIVED))
    else:
        blocks.append(Paragraph(_delivered(states, delivered), is_synthetic(delivered)))
    if results:
        blocks.append(Paragraph(_results(results), is_synthetic(results)))
    if steps:
        verb = "staat 1 openbare vervolgstap" if len(steps) == 1 else "staan"
        count = "" if len(steps) == 1 else f" {len(steps)} openbare vervolgstappen"
        blocks.append(Paragraph(f"Verderop {verb}{count}: wie doet wat, en wanneer."))
    blocks += _compared(compared)
    return Section("kern", "Hoofdpunten", tuple(blocks))


def _phases(states: Sequence[Row]) -> str:
    phases = Counter(words.of("fase", row["fase"]) for row in states)
    told = [f"{phases[name]} {name[:1].lower()}{name[1:]}" for name in sorted(phases)]
    listed = ", ".join(told[:-1]) + (" en " if len(told) > 1 else "") + told[-1] if told else "–"
    return f"Het programma heeft {len(states)} pilots. Naar fase: {listed}."


def _delivered(states: Sequence[Row], delivered: Sequence[Row]) -> str:
    files = sum(row["leveringen_in_gebruik"] for row in delivered)
    missing = [row["pilot_id"] for row in states if not row["leveringen_in_gebruik"]]
    counted = "was 1 levering" if files == 1 else f"waren samen {files} leveringen"
    told = f"Van {len(delivered)} van deze pilots {counted} bruikbaar."
    return f"{told} Nog niets bruikbaars was er van {', '.join(missing)}." if missing else told


def _results(rows: Sequence[Row]) -> str:
    told = len(shown(rows))
    return (
        f"Er zijn {words.number(len(rows), 0)} cijfers uit de leveringen, uitgesplitst naar "
        f"locatie, periode en groep. Daarvan {'wordt' if told == 1 else 'worden'} er "
        f"{words.number(told, 0)} getoond; de andere zijn te klein om te tonen of zouden een te "
        "klein cijfer verraden."
    )


def _compared(rows: Sequence[Row]) -> list[Block]:
    table = comparisons.short(
        "kern-vergelijkingen", "Vergelijkingen volgens de analyseplannen, hele groepen", rows
    )
    if not table.rows:
        return []
    return [
        Paragraph(
            "De vergelijkingen hieronder zijn vooraf vastgelegd. Bij de pilot staat in een zin wat "
            "elk ervan betekent; een verschil is alleen een effect van de aanpak waar die zin dat "
            "zegt. Ligt nul in het interval, dan kan het verschil toeval zijn."
        ),
        table,
    ]
