"""Small counts of people, as they may be told to outsiders.

Belongs here: the one way to write a count of persons or of their rows outside the house: a status
page, a mail, a sentence. Does not belong here: published tables (``protect``), which hide more than
the small.
"""

from __future__ import annotations

from functools import cache

from via_pipeline.disclosure.model import RuleKind, load_ruleset

RULESET = "minimumfrequentie"


def told_count(count: int, minimum: int | None = None) -> str:
    """``count`` of people for a reader outside: ``0``, ``<10``, or the number with Dutch points.

    ``minimum`` is that of the rule set ``minimumfrequentie`` unless given. Nobody is told apart by
    a zero here: it says that a check found nothing.

    Raises:
        ValueError: the count is negative.
    """
    if count < 0:
        raise ValueError("a count of people is not negative")
    least = minimum or _least()
    if 0 < count < least:
        return f"<{least}"
    return f"{count:,}".replace(",", ".")


@cache
def _least() -> int:
    """Read once: a page tells hundreds of counts."""
    return load_ruleset(RULESET).minimum(RuleKind.COUNT)
