"""Municipalities in which synthetic people live: large ones that exist throughout 2019-2021.

Belongs here: the list and its weights (roughly by population, not a statistic).
"""

from __future__ import annotations

from via_pipeline.samples.draw import Draw, Ints

_WEIGHTS = {
    "0363": 22,
    "0599": 17,
    "0518": 14,
    "0344": 9,
    "0772": 6,
    "0014": 6,
    "0855": 6,
    "0034": 5,
    "0268": 4,
    "0153": 4,
    "0392": 4,
    "0080": 3,
}
MUNICIPALITIES = tuple(_WEIGHTS)


def municipality(draw: Draw, n: int) -> Ints:
    """Index into ``MUNICIPALITIES`` for ``n`` persons."""
    total = sum(_WEIGHTS.values())
    return draw.choice([weight / total for weight in _WEIGHTS.values()], n)
