"""The Dutch words of what is published: tables, columns, symbols; read from ``columns.yaml``.

Belongs here: looking them up. Does not belong here: any other place with such words; comments in
the BI file, the package's descriptor and the dictionary table all ask here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).parent / "columns.yaml"


@cache
def _content() -> dict[str, Any]:
    return yaml.safe_load(_FILE.read_text(encoding="utf-8"))


def tables() -> list[str]:
    """Names of the published datasets, in order."""
    return list(_content()["tables"])


def title(dataset: str) -> str:
    """The dataset's title.

    Raises:
        KeyError: it is not published.
    """
    return _content()["tables"][dataset]["title"]


def description(dataset: str) -> str:
    """What the dataset holds.

    Raises:
        KeyError: it is not published.
    """
    return _content()["tables"][dataset]["description"]


def columns(dataset: str) -> dict[str, str]:
    """Every column of the dataset with its description, in order.

    Raises:
        KeyError: the dataset is not published, or a column has no words.
    """
    content = _content()
    shared: Mapping[str, str] = content["shared"]
    own = content["tables"][dataset]["columns"]
    found = {name: _words(shared, name, text) for name, text in own.items()}
    return found | {name: shared[name] for name in content["closing"]}


def symbols() -> dict[str, str]:
    """What each ``waarde_status`` means."""
    return dict(_content()["symbols"])


def synthetic_notice() -> str:
    """The sentence that everything with synthetic rows carries."""
    return _content()["synthetic_notice"]


def _words(shared: Mapping[str, str], name: str, text: str | None) -> str:
    if text is None:
        return shared[name]
    return shared[text[1:]] if text.startswith("@") else text
