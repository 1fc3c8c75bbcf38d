"""The rows of a source's deliveries, before any format, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from via_pipeline.samples.generate import rows
from via_pipeline.samples.schedule import SHIPPED, Sample

Frames = Callable[..., dict[str, pd.DataFrame]]


def sample(part: str) -> Sample:
    """The accepted, newest sample whose file name holds ``part``."""
    found = [item for item in SHIPPED if part in item.file and item.expected == "accepted"]
    return max(found, key=lambda item: item.received)


@pytest.fixture
def clean() -> Frames:
    """Tables of a delivery as text, without its planted faults."""

    def frames(part: str, *, scale: float = 1, seed: int = 2020) -> dict[str, pd.DataFrame]:
        bare = replace(sample(part), faults=(), renamed=(), total_off_by=0)
        return {
            table: pd.concat(
                [
                    pd.DataFrame({name: v.to_pylist() for name, v in piece.items()})
                    for piece in pieces
                ],
                ignore_index=True,
            )
            for table, pieces in rows(bare, scale=scale, seed=seed).items()
        }

    return frames
