"""A correction changes little: what one edition hides is taken to be what another shows there.

Belongs here: one place in two publications over different deliveries, whose whole stayed the
same. Whoever sees that supposes that the parts did too, and fills one edition in from the other.
That is a guess, but a good one: most of what a corrected file holds is what it held. Does not
belong here: figures over the same deliveries, which are the same figure (``sums``), and those that
are shown in both (``differencing``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from attack.findings import Finding, Severity
from attack.sums import Knowledge, Sum

_TWICE = 2


def attack(known: Knowledge) -> list[Finding]:
    """Hidden figures that follow when nothing changed where the whole did not."""
    shown: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    wholes: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for quantity in known.quantities:
        if quantity.known is not None:
            place = (quantity.address, quantity.what, quantity.kind)
            shown[place].add(quantity.known)
            wholes[place].append(quantity.known)
    found = {}
    for one in known.sums:
        if one.label[0] != "same":
            for index, value in _filled(known, one, shown, wholes):
                quantity = known.quantities[index]
                found[index] = Finding(
                    Severity.HIGH,
                    "unchanged",
                    min(quantity.hidden_in),
                    quantity.address,
                    f"{quantity.what} = {value}, if nothing changed where the whole did not",
                )
    return list(found.values())


def _filled(
    known: Knowledge,
    one: Sum,
    shown: dict[tuple[str, str, str], set[int]],
    wholes: dict[tuple[str, str, str], list[int]],
) -> Iterator[tuple[int, int]]:
    """The one part of a sum that is left when the others are filled in from elsewhere."""
    total = known.quantities[one.total]
    twins = wholes[total.address, total.what, total.kind]
    if total.known is None or twins.count(total.known) < _TWICE:
        return
    left, value, is_guessed = [], total.known, False
    for index in one.parts:
        part = known.quantities[index]
        elsewhere = shown[part.address, part.what, part.kind]
        if part.known is not None:
            value -= part.known
        elif len(elsewhere) == 1:
            value -= min(elsewhere)
            is_guessed = True
        else:
            left.append(index)
    if is_guessed and len(left) == 1 and value >= 0 and known.quantities[left[0]].hidden_in:
        yield left[0], value
