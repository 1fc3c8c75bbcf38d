"""A hook of MkDocs: pages that the menu does not name yet get a place, so that none is lost.

Belongs here: decisions in their order, and other pages under Reference. Does not belong here: the
menu itself (``mkdocs.yml``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Fill the menu: called by MkDocs before it builds."""
    folder = Path(config["docs_dir"])
    named = set(_pages(config["nav"]))
    pages = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")} - named
    decisions = sorted(page for page in pages if page.startswith("decisions/"))
    for section in config["nav"]:
        if "Decisions" in section:
            section["Decisions"] = section["Decisions"] + decisions
        if "Reference" in section:
            section["Reference"] = section["Reference"] + sorted(pages - set(decisions))
    return config


def _pages(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _pages(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _pages(inner)
