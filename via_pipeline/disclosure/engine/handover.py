"""What outsiders get of a pattern, in the words of the audit.

Belongs here: translating a problem and its pattern for ``disclosure.audit``. Does not belong here:
judging it. It says what is published, not how the pattern came about.
"""

from __future__ import annotations

from collections.abc import Collection

from via_pipeline.disclosure.audit.model import Figure, Name, Tie
from via_pipeline.disclosure.engine.problem import Need, Problem


def published(problem: Problem, hidden: Collection[Name]) -> tuple[list[Figure], list[Tie]]:
    """Figures and ties as an outsider sees them once ``hidden`` is not shown."""
    figures = []
    for cell in problem.cells:
        is_hidden = cell.name in hidden and not cell.is_given
        need = cell.need or Need(cell.width)
        asked = need if is_hidden else Need(0)
        figures.append(
            Figure(
                name=cell.name,
                truth=cell.value,
                seen=None if is_hidden else cell.shown or (cell.value, cell.value),
                least=cell.floor,
                lower=asked.lower,
                upper=asked.upper,
                sliding=asked.sliding,
                owner=cell.holder,
                is_primary=is_hidden and cell.need is not None,
            )
        )
    ties = []
    for relation in problem.relations:
        terms = relation.parts
        if relation.total is not None:
            terms = (*terms, (relation.total, -1))
        truth = sum(factor * problem.cells[problem.number[name]].value for name, factor in terms)
        low, high = relation.within or (truth, truth)
        ties.append(Tie(terms, low, high))
    return figures, ties
