"""Chance, seeded by what is drawn and not by when: the same thing gets the same numbers always.

Belongs here: named streams of uniform numbers and the few ways in which we use them. Only
``Generator.random`` is used: NumPy promises its stream, not that of its other distributions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 200_000


def chunks(total: int) -> Iterator[tuple[int, int, int]]:
    """Number, first index and length of the pieces in which ``total`` rows are made."""
    for number, start in enumerate(range(0, total, CHUNK)):
        yield number, start, min(CHUNK, total - start)


def scaled(base: int, scale: float) -> int:
    """``base`` rows at ``scale``, at least one."""
    return max(1, round(base * scale))


class Draw:
    """A stream of chance for one named thing (``Draw(seed, 'p5_behoud', 'A', 0)``)."""

    def __init__(self, seed: int, *names: str | int) -> None:
        text = "\0".join([str(seed), *map(str, names)])
        key = hashlib.sha256(text.encode()).digest()[:16]
        self._generator = np.random.Generator(
            np.random.Philox(key=np.frombuffer(key, dtype="<u8").astype(np.uint64))
        )

    def uniform(self, n: int) -> Floats:
        """``n`` numbers in [0, 1)."""
        return self._generator.random(n)

    def happens(self, chance: float | Floats, n: int) -> NDArray[np.bool_]:
        """Whether it happens, with one chance or one a row."""
        return self.uniform(n) < chance

    def choice(self, shares: Sequence[float], n: int) -> Ints:
        """Index of the option drawn, with the shares given (they sum to 1)."""
        edges = np.cumsum(np.asarray(shares, dtype=float))
        if abs(edges[-1] - 1) > 1e-9:
            raise ValueError(f"shares sum to {edges[-1]}, not to 1")
        return np.minimum(np.searchsorted(edges, self.uniform(n), side="right"), len(edges) - 1)

    def integers(self, low: int, high: int, n: int) -> Ints:
        """Whole numbers from ``low`` to ``high``, both included."""
        return low + np.floor(self.uniform(n) * (high - low + 1)).astype(np.int64)

    def exponential(self, n: int) -> Floats:
        """Exponential numbers with mean 1."""
        return -np.log1p(-self.uniform(n))

    def normal(self, n: int) -> Floats:
        """Standard normal numbers (Box-Muller)."""
        radius = np.sqrt(2 * self.exponential(n))
        return radius * np.cos(2 * np.pi * self.uniform(n))


def by_code(values: Mapping[str, float], codes: Sequence[str], index: Ints) -> Floats:
    """For every row the value of its code: ``codes[index]`` looked up in ``values``."""
    return np.asarray([values[code] for code in codes], dtype=float)[index]
