"""From source to letter: which tables a published dataset is made of, and which sources.

Belongs here: walking ``Facts.upstream``. Does not belong here: how the graph came about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PUBLISHED = "disclosure__"
LANDING = "landing__"
_MIDDLE = ("pilots", "register", "reference", "outcomes", "diversity", "context")


@dataclass(frozen=True)
class Origin:
    """What one published dataset comes from: tables from left to right, and sources."""

    dataset: str
    sources: tuple[str, ...]
    conformed: tuple[str, ...]
    computed: tuple[str, ...]


@dataclass(frozen=True)
class Destination:
    """Where one source goes: its conformed tables and the datasets that rest on them."""

    source: str
    tables: tuple[str, ...]
    datasets: tuple[str, ...]


def above(upstream: Mapping[str, tuple[str, ...]], name: str) -> set[str]:
    """Everything that ``name`` is made of, directly or not."""
    found: set[str] = set()
    waiting = list(upstream.get(name, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += upstream.get(one, ())
    return found


def origins(upstream: Mapping[str, tuple[str, ...]]) -> list[Origin]:
    """One a published dataset, by name."""
    found = []
    for name in sorted(one for one in upstream if one.startswith(PUBLISHED)):
        all_of_it = above(upstream, name)
        conformed = {
            one
            for one in all_of_it
            if any(up.startswith("quality__") for up in upstream.get(one, ()))
            and one.split("__")[0] in _MIDDLE
        }
        found.append(
            Origin(
                dataset=name.removeprefix(PUBLISHED),
                sources=_names(all_of_it, LANDING),
                conformed=tuple(sorted(conformed)),
                computed=tuple(
                    sorted(one for one in all_of_it - conformed if one.split("__")[0] in _MIDDLE)
                ),
            )
        )
    return found


def destinations(upstream: Mapping[str, tuple[str, ...]]) -> list[Destination]:
    """One a source, by name."""
    made = origins(upstream)
    sources = sorted({source for origin in made for source in origin.sources})
    return [
        Destination(
            source=source,
            tables=tuple(
                sorted(
                    name
                    for name in {table for origin in made for table in origin.conformed}
                    if f"quality__{source}" in upstream.get(name, ())
                )
            ),
            datasets=tuple(origin.dataset for origin in made if source in origin.sources),
        )
        for source in sources
    ]


def _names(names: set[str], prefix: str) -> tuple[str, ...]:
    return tuple(sorted(one.removeprefix(prefix) for one in names if one.startswith(prefix)))
