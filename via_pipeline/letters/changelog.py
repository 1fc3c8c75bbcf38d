"""``WIJZIGINGEN.md``: what changed since the edition before, in Dutch.

Belongs here: words around the table ``wijzigingen``. Does not belong here: finding what changed
(``changes``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from via_pipeline.letters.changes import LABELS, WHOLE_ROW, Change, Kind, Reason
from via_pipeline.letters.editions import Edition

_TEMPLATE = Path(__file__).parent / "WIJZIGINGEN.md.j2"


def text(
    edition: Edition,
    before: str | None,
    changes: Sequence[Change],
    titles: Mapping[str, str],
    is_lost: bool = False,
) -> str:
    """The document. ``before`` is the release compared with, None for a first edition or where
    the one before ``is_lost``; ``titles`` are the tables' titles, in order.
    """
    # Markdown, not HTML: nothing to escape. What is filled in is published already.
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        edition=edition,
        before=before,
        is_lost=is_lost,
        tables=[_table(name, title, changes) for name, title in titles.items()],
        reasons=[_reason(reason, changes) for reason in _reasons(changes)],
    )


def sentences(
    before: str | None, changes: Sequence[Change], titles: Mapping[str, str]
) -> list[str]:
    """The same in a sentence per table that changed, for a running text; none for a first edition.

    Counts of rows and cells of published tables only: what is hidden in both editions is no change.
    """
    if before is None:
        return []
    found = [f"Deze editie is vergeleken met de editie '{before}'."]
    for name, title in titles.items():
        counts = _table(name, title, changes)
        parts = [
            f"{counts[kind]} {words}"
            for kind, words in (
                ("new", "rijen zijn nieuw"),
                ("gone", "rijen zijn vervallen"),
                ("rows", f"rijen zijn veranderd (samen {counts['cells']} cellen)"),
            )
            if counts[kind]
        ]
        if parts:
            found.append(f"{title}: {'; '.join(parts)}.")
    if len(found) == 1:
        found.append("Er is niets veranderd.")
    return found


def _table(name: str, title: str, changes: Sequence[Change]) -> dict[str, object]:
    own = [change for change in changes if change.table == name]
    counted = Counter(change.kind for change in own)
    return {
        "title": title,
        "new": counted[Kind.NEW],
        "gone": counted[Kind.GONE],
        "rows": len({change.cell for change in own if change.kind is Kind.CHANGED}),
        "cells": counted[Kind.CHANGED],
    }


def _reasons(changes: Iterable[Change]) -> list[Reason]:
    found = {change.reason for change in changes}
    return [reason for reason in Reason if reason in found]


def _reason(reason: Reason, changes: Sequence[Change]) -> dict[str, object]:
    own = [change for change in changes if change.reason is reason]
    return {
        "label": LABELS[reason],
        "rows": sum(change.column == WHOLE_ROW for change in own),
        "cells": sum(change.column != WHOLE_ROW for change in own),
        "notes": _notes(reason, own),
    }


def _notes(reason: Reason, changes: Sequence[Change]) -> list[str]:
    """What the notes say, each thing once; of deliveries how many per source, since each stands
    with its key in ``herkomst.json``."""
    if reason in (Reason.DELIVERED, Reason.WITHDRAWN):
        named = {delivery for change in changes for delivery in change.deliveries}
        sources = Counter(name.rsplit("-", 1)[0] for name in named)
        return [
            f"{source}: {count} {'levering' if count == 1 else 'leveringen'}"
            for source, count in sorted(sources.items())
        ]
    return sorted({change.note for change in changes} - {f"{LABELS[reason]}."})
