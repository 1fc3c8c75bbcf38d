"""The deliveries that an edition stands on: are they still there, with the very bytes?

Belongs here: finding them by hash. Does not belong here: reading what is in them (``intake``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from via_pipeline.contracts.model import load_all
from via_pipeline.intake import discover
from via_pipeline.intake.discover import Found
from via_pipeline.intake.ledger import Ledger, Sighting
from via_pipeline.storage.home import Home


class Fate(StrEnum):
    """What became of a delivery. ``MOVED_ON``: kept by people, and changed since, as it may be."""

    KEPT = "bewaard"
    CHANGED = "veranderd"
    MISSING = "ontbreekt"
    MOVED_ON = "bijgewerkt"


@dataclass(frozen=True)
class Delivery:
    """One delivery that a package or the ledger names, and its fate. ``path`` is below ``data``."""

    name: str
    source: str
    received: date | None
    path: str | None
    sha256: str
    fate: Fate


class Landing:
    """Everything that lies in landing and the kept folders now, by source and hash."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.found = list(_all(home))
        self.hashes = {(item.source, item.path): item.measure()[1] for item in self.found}
        self._there = {
            (source, digest): path for (source, path), digest in sorted(self.hashes.items())
        }
        self._seen: dict[tuple[str, str], Sighting] = {}
        self.sightings: list[Sighting] = []
        if home.ledger.exists():
            self.sightings = Ledger(home.ledger).sightings()
            for seen in self.sightings:
                self._seen.setdefault((seen.source, seen.sha256), seen)

    def of_origin(self, origin: Mapping[str, Any]) -> list[Delivery]:
        """The fate of every delivery that a package's ``herkomst.json`` names."""
        return [
            self._fate(
                str(item.get("levering")),
                str(item.get("bron")),
                date.fromisoformat(item["ontvangen"]) if item.get("ontvangen") else None,
                str(item.get("sha256")),
            )
            for item in origin.get("leveringen", [])
            if isinstance(item, Mapping)
        ]

    def of_ledger(self) -> list[Delivery]:
        """The fate of every file that the ledger ever saw arrive."""
        return [
            self._fate(seen.delivery_id, seen.source, seen.received, seen.sha256)
            for seen in self._seen.values()
            if seen.received is not None
        ]

    def _fate(self, name: str, source: str, received: date | None, digest: str) -> Delivery:
        path = self._there.get((source, digest))
        if path is not None:
            return Delivery(name, source, received, path, digest, Fate.KEPT)
        seen = self._seen.get((source, digest))
        if received is None:
            return Delivery(name, source, None, None, digest, Fate.MOVED_ON)
        old = seen.path if seen else None
        changed = old is not None and (source, old) in self.hashes
        return Delivery(
            name, source, received, old, digest, Fate.CHANGED if changed else Fate.MISSING
        )


def _all(home: Home) -> Iterator[Found]:
    known = []
    for contract in load_all():
        if contract.kept_in is not None:
            yield from discover.kept(home, contract.source, contract.kept_in)
        else:
            known.append(contract.source)
            yield from discover.deliveries(home, contract.source, date.max)
    yield from discover.of_unknown(home, known, date.max)
