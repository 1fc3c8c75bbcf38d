"""Every night over what was published: is it whole, can it be made again, what would change it?

Belongs here: doing the expensive two only when something they depend on changed, and remembering
the answers. Does not belong here: the questions themselves (``verify``, ``rebuild``, ``impact``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from via_pipeline import fingerprint
from via_pipeline.letters.provenance import LOOK
from via_pipeline.letters.release import freeze, impact, rebuild
from via_pipeline.letters.release.dossier import Published
from via_pipeline.letters.release.kept import Landing
from via_pipeline.storage.atomic import write_json
from via_pipeline.storage.hashing import sha256_of
from via_pipeline.storage.home import Home

_STATE = "narekening.json"


@dataclass(frozen=True)
class Backtest:
    """The newest published edition made again; ``is_remembered``: nothing changed since then."""

    edition: str
    revision: int
    is_equal: bool
    is_made: bool
    files: int
    different: tuple[str, ...]
    reasons: tuple[str, ...]
    is_same_code: bool
    is_remembered: bool


@dataclass(frozen=True)
class Change:
    """What would change in a published edition: numbers of cells only, the report holds them."""

    edition: str
    revision: int
    cells: int
    deliveries: int
    is_remembered: bool


def backtest(home: Home) -> Backtest | None:
    """Make the newest published edition that stands again and compare; None where there is none.

    It is made again only when a delivery, the register, the house style, the code or the settings
    changed.

    Raises:
        KeyProblem: there is no pseudonym key.
    """
    standing = [pair for pair in freeze.published(home) if _stands(home, *pair)]
    if not standing:
        return None
    edition, item = standing[-1]

    def work() -> dict[str, Any]:
        found = rebuild.rebuild(home, edition, item.revision)
        return {
            "is_equal": found.is_equal,
            "is_made": found.is_made,
            "files": found.files,
            "different": [difference.file for difference in found.differences],
            "reasons": list(found.reasons),
            "is_same_code": found.is_same_code,
        }

    answer, is_remembered = _remembered(home, "narekening", _key(home, item), work)
    return Backtest(
        edition,
        item.revision,
        answer["is_equal"],
        answer["is_made"],
        answer["files"],
        tuple(answer["different"]),
        tuple(answer["reasons"]),
        answer["is_same_code"],
        is_remembered,
    )


def changes(home: Home) -> list[Change]:
    """What late and corrected deliveries would change, per published edition; writes the reports.

    Raises:
        PartMissing: a delivery of then is no longer in the lake.
        TableError: tables as they would be cannot be protected.
    """
    found = []
    for edition in freeze.editions(home):
        item = freeze.newest(home, edition)
        if item is None:
            continue

        def work(edition: str = edition) -> dict[str, Any]:
            told = impact.impact(home, edition)
            impact.write(home, told)
            return {"cells": len(told.cells), "deliveries": len(told.added) + len(told.dropped)}

        key = impact.state_of(home, edition)
        answer, is_remembered = _remembered(home, f"gevolgen-{edition}", key, work)
        found.append(Change(edition, item.revision, **answer, is_remembered=is_remembered))
    return found


def _stands(home: Home, edition: str, item: Published) -> bool:
    return item.retracted is None and freeze.newest(home, edition) == item


def _key(home: Home, item: Published) -> str:
    there = sorted(
        [source, path, digest] for (source, path), digest in Landing(home).hashes.items()
    )
    there += [
        [LOOK, path.relative_to(home.house_style).as_posix(), sha256_of(path)]
        for path in fingerprint.files_in(home.house_style)
    ]
    return fingerprint.digest([[item.package, fingerprint.code(), fingerprint.settings()], *there])


def _remembered(
    home: Home, name: str, key: str, work: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], bool]:
    path = home.run / _STATE
    known = _read(path)
    entry = known.get(name)
    if isinstance(entry, dict) and entry.get("key") == key:
        return entry["answer"], True
    answer = work()
    write_json(path, _read(path) | {name: {"key": key, "answer": answer}})
    return answer, False


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
