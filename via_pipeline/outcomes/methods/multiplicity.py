"""More than one question, one chance of a false alarm: adjustment within a family.

Belongs here: Holm's step-down on p-values. Romano and Wolf's, which needs the data, is
``wild.romano_wolf``. Does not belong here: which outcomes form a family (the plan).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p-values, in the order given.

    Written out, because statsmodels' ``multipletests`` runs the garbage collector at every call
    (0.26 s); a test compares the two.
    """
    adjusted, floor = [0.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        floor = max(floor, min(1.0, (len(p_values) - place) * float(p_values[index])))
        adjusted[index] = floor
    return adjusted


def holm_by_family(p_values: Mapping[Key, float], family: Mapping[Key, str]) -> dict[Key, float]:
    """Holm within each family; a key without a family (or with an empty one) is left out."""
    families: dict[str, list[Key]] = {}
    for key in p_values:
        if name := family.get(key, ""):
            families.setdefault(name, []).append(key)
    adjusted: dict[Key, float] = {}
    for keys in families.values():
        adjusted |= dict(zip(keys, holm([p_values[key] for key in keys]), strict=True))
    return adjusted
