"""Protecting a release: the search, in a process of its own where it is long, within limits.

Belongs here: where the search runs, and what a release gets when it does not end. Does not belong
here: the search (``search``), the cheap pattern instead of it (``coarse``), the audit.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from via_pipeline.disclosure.engine.apart import MEMORY, NoAnswer, apart
from via_pipeline.disclosure.engine.coarse import coarse
from via_pipeline.disclosure.engine.problem import Name, Problem
from via_pipeline.disclosure.engine.rules import Rule
from via_pipeline.disclosure.engine.search import EFFORT, Pattern, quality, search

__all__ = ["Pattern", "cheapest", "protect"]

APART_FROM = 1_500
"""Cells from which a process of its own is worth its second of starting. Decided by size, and not
by time, so that the same release always goes the same way."""


def protect(
    problem: Problem,
    rules: Sequence[Rule] = (),
    first: Collection[Name] = (),
    seconds: float = 600.0,
    memory: int = MEMORY,
    effort: int = EFFORT,
) -> Pattern:
    """The pattern of ``problem``: the same for the same cells and relations in any order.

    ``rules`` are asked about unions of hidden cells; single cells carry their need already
    (``rules.with_needs``). ``first`` is a pattern to start from, by another method. ``effort``
    bounds the search in work. ``seconds`` and ``memory`` (bytes) guard its process, where it has
    one: a search that meets them is killed, and the release gets the coarser pattern of ``coarse``,
    which says so (``Pattern.is_coarser``). They should be far from what a search takes.
    """
    if len(problem.cells) < APART_FROM:
        return search(problem, rules, first, effort)
    try:
        return apart(
            search,
            problem,
            tuple(rules),
            tuple(sorted(first)),
            effort,
            seconds=seconds,
            memory=memory,
        )
    except NoAnswer as met:
        return replace(coarse(problem, rules), limit=str(met))


def cheapest(
    problem: Problem,
    rules: Sequence[Rule] = (),
    firsts: Sequence[Collection[Name]] = (),
    seconds: float = 600.0,
) -> Pattern:
    """The best of the patterns that start from nothing and from each of ``firsts``.

    What is better is said by ``search.quality``; on equal terms the earliest start wins.
    """
    return min((protect(problem, rules, first, seconds) for first in ((), *firsts)), key=quality)
