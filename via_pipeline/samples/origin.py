"""Birth countries of a person and both parents, drawn from profiles with known origin.

Belongs here: the profiles. Does not belong here: deriving an origin from birth countries, which is
``diversity/`` and must not share code with this, or a test could not find its mistakes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from via_pipeline.samples.cells import Columns, codes
from via_pipeline.samples.draw import Draw, Ints

HERKOMST_OUD = ("nederlands", "westers", "niet_westers", "onbekend")

EUROPE = ("DE", "BE", "PL", "GB", "BG", "ES", "IT", "FR")
WESTERN_OUTSIDE_EUROPE = ("ID", "US", "JP", "AU", "CA")
NON_WESTERN = ("TR", "MA", "SR", "CW", "SY", "SO", "CN", "IR", "ER")
_ABROAD = {
    "nederlands_geboren_in_europa": EUROPE,
    "nederlands_geboren_buiten_europa": ("SR", "US", "ID", "ZA"),
    "europa": EUROPE,
    "westers_buiten_europa": WESTERN_OUTSIDE_EUROPE,
    "niet_westers": NON_WESTERN,
}
# Of those with a parent born abroad: born abroad too (both parents); born here with two such
# parents, with such a mother only, with such a father only.
GENERATIONS = (0.55, 0.23, 0.10, 0.12)


@dataclass(frozen=True)
class Origins:
    """Profile (index into the shares given) and the three birth countries."""

    profile: Ints
    countries: Columns


def origins(draw: Draw, shares: Mapping[str, float], n: int) -> Origins:
    """Draw ``n`` persons' profiles and birth countries."""
    names = list(shares)
    profile = draw.choice(list(shares.values()), n)
    generation = draw.choice(GENERATIONS, n)
    place = draw.uniform(n)
    options = ["NL"]
    country = np.zeros(n, dtype=np.int64)
    for number, name in enumerate(names):
        if abroad := _ABROAD.get(name):
            mine = profile == number
            country[mine] = len(options) + np.floor(place[mine] * len(abroad)).astype(np.int64)
            options += abroad
    dutch_parents = np.isin(
        profile, [i for i, name in enumerate(names) if name.startswith("nederland")]
    )
    none = np.zeros(n, dtype=np.int64)
    self_ = np.where(dutch_parents | (generation == 0), country, none)
    mother = np.where(~dutch_parents & (generation != 3), country, none)
    father = np.where(~dutch_parents & (generation != 2), country, none)
    return Origins(
        profile,
        {
            "geboorteland": codes(options, self_),
            "geboorteland_moeder": codes(options, mother),
            "geboorteland_vader": codes(options, father),
        },
    )
