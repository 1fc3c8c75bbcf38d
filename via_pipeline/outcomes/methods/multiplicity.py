"""More than one question, one chance of a false alarm: adjustment within a family.

Belongs here: Holm's step-down on p-values. Romano and Wolf's, which needs the data, is
``wild.romano_wolf``. Does not belong here: which outcomes form a family (the plan).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p-values, in the order given."""
    from statsmodels.stats.multitest import multipletests

    if not p_values:
        return []
    return [float(value) for value in multipletests(list(p_values), method="holm")[1]]


def holm_by_family(
    p_values: Mapping[Hashable, float], family: Mapping[Hashable, str]
) -> dict[Hashable, float]:
    """Holm within each family; a key without a family (or with an empty one) is left out."""
    families: dict[str, list[Hashable]] = {}
    for key in p_values:
        if name := family.get(key, ""):
            families.setdefault(name, []).append(key)
    adjusted: dict[Hashable, float] = {}
    for keys in families.values():
        adjusted |= dict(zip(keys, holm([p_values[key] for key in keys]), strict=True))
    return adjusted
