"""An edition of the shared run, with all that came of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from via_pipeline_tests.journeys import house


@pytest.fixture(scope="session")
def edition(sample_run: house.Ran) -> Path:
    """The folder of the last edition of the sample run."""
    assert sample_run.code == 0, sample_run.output
    return sample_run.home.letters / "slot"


@pytest.fixture(scope="session", params=["eerste", "tweede", "derde", "slot"])
def any_edition(request: pytest.FixtureRequest, sample_run: house.Ran) -> Path:
    """The folder of each edition of the sample run."""
    return sample_run.home.letters / request.param
