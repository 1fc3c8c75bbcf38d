"""The engine for a while, and whether two of them made the same.

Belongs here: what every proof and measurement needs of two engines. Does not belong here: what is
made (``cube``, ``verdicts``), printing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from via_pipeline.storage import settings

SHOWN = 5


class NotEqual(RuntimeError):
    """The two engines made something else: the message says what."""


@contextmanager
def engine(name: str) -> Iterator[None]:
    """``name`` is the engine of this process until the context ends."""
    before = os.environ.get(settings.ENGINE)
    os.environ[settings.ENGINE] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ[settings.ENGINE]
        else:
            os.environ[settings.ENGINE] = before


def same_files(made: dict[str, dict[str, str]]) -> int:
    """How many files both engines left, every one with the same bytes.

    Raises:
        NotEqual: a file differs, or is there once only, or there is none.
    """
    one, two = made["duckdb"], made["spark"]
    every = one.keys() | two.keys()
    if differing := sorted(name for name in every if one.get(name) != two.get(name)):
        raise NotEqual(f"{len(differing)} files differ: {', '.join(differing[:SHOWN])}")
    if not one:
        raise NotEqual("neither engine left a file")
    return len(one)


def same_sums(known: dict[str, str], found: dict[str, str], what: str) -> None:
    """Nothing, where the sums of ``cube.counted`` are equal.

    Raises:
        NotEqual: they are not, or a table has no rows.
    """
    if "0" in (one.split()[1] for one in known["sums"].split("; ")):
        raise NotEqual(f"{what}: nothing to compare in {known['sums']}")
    if known["sums"] != found["sums"]:
        raise NotEqual(f"{what}: {known['sums']} and {found['sums']}")
