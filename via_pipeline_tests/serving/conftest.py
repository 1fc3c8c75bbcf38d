"""Homes for this folder: protected and published once a process, copied where a test changes one.

Belongs here: how the tests of what BI reads come by a home. Does not belong here: what they find.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from via_pipeline.disclosure.run import protect
from via_pipeline.serving.publish import publish
from via_pipeline.storage.home import Home
from via_pipeline_tests.disclosure import tables


@pytest.fixture(scope="session")
def protected(tmp_path_factory) -> Home:
    """The example tables behind disclosure control; nobody changes it."""
    found = tables.home_in(tmp_path_factory.mktemp("protected"))
    tables.example(found)
    protect(found)
    return found


@pytest.fixture(scope="session")
def published(protected: Home, tmp_path_factory) -> Home:
    """The same with its first release; nobody changes it."""
    found = _copied(protected, tmp_path_factory.mktemp("published"))
    publish(found)
    return found


@pytest.fixture
def home(protected: Home, tmp_path: Path) -> Home:
    """The protected tables, for one test to publish from and to spoil."""
    return _copied(protected, tmp_path)


def _copied(source: Home, folder: Path) -> Home:
    made = tables.home_in(folder)
    shutil.copytree(source.root, made.root, symlinks=True, dirs_exist_ok=True)
    return made
