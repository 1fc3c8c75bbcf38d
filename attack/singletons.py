"""Somebody who supplied figures and knows their own: what do the others' become?

Belongs here: one site (employer, school, municipality) as the attacker. Its own hidden figures
stop being unknown, though this program does not know them: a figure of another site is found when
it is the only one left in a sum. Does not belong here: several sums put together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from attack.cells import WHOLE_SITE
from attack.findings import Finding, Severity
from attack.sums import Knowledge, Sum, is_primary


def attack(known: Knowledge) -> list[Finding]:
    """Hidden figures of one site that another site can work out."""
    found: dict[tuple[int, str], Finding] = {}
    for one in known.sums:
        if one.label[0] == "same":
            continue
        for index, site in _exposed(known, one):
            quantity = known.quantities[index]
            found.setdefault(
                (index, site),
                Finding(
                    Severity.LOW,
                    "singleton",
                    min(quantity.hidden_in),
                    quantity.address,
                    f"{quantity.what} is known to site {site}, the only other one hidden",
                ),
            )
    return list(found.values())


def _exposed(known: Knowledge, one: Sum) -> Iterator[tuple[int, str]]:
    """Pairs (primary figure, site that finds it): all but one hidden figure are the site's own."""
    hidden = [i for i in (one.total, *one.parts) if known.quantities[i].known is None]
    sites: dict[str, list[int]] = defaultdict(list)
    for index in hidden:
        sites[known.quantities[index].site].append(index)
    for site, own in sites.items():
        rest = [index for index in hidden if index not in own]
        if site and site != WHOLE_SITE and len(rest) == 1 and rest[0] != one.total:
            quantity = known.quantities[rest[0]]
            if quantity.hidden_in and quantity.site != site and is_primary(quantity):
                yield rest[0], site
