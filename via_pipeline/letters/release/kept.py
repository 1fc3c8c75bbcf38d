"""The deliveries that an edition stands on: are they still there, with the very bytes?

Belongs here: finding them by hash. Does not belong here: reading what is in them (``intake``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from via_pipeline.contracts.model import load_all
from via_pipeline.intake import discover
from via_pipeline.intake.discover import Found
from via_pipeline.intake.ledger import Ledger, Sighting
from via_pipeline.storage.home import Home


class Fate(StrEnum):
    """What became of a delivery. ``MOVED_ON``: kept by people, and changed since, as it may be.

    ``REWRITTEN``: by the house itself, without a person who asked for it; ``REMOVED``: its term is
    over. Both stand in the ledger.
    """

    KEPT = "bewaard"
    CHANGED = "veranderd"
    MISSING = "ontbreekt"
    MOVED_ON = "bijgewerkt"
    REWRITTEN = "herschreven"
    REMOVED = "verwijderd"


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
        # By hash alone: the ledger may keep another name for a place than the place has.
        self._there = {digest: path for (_, path), digest in sorted(self.hashes.items())}
        self._seen: dict[tuple[str, str], Sighting] = {}
        self._first: dict[str, str] = {}
        self._removed: set[str] = set()
        self.sightings: list[Sighting] = []
        if home.ledger.exists():
            ledger = Ledger(home.ledger)
            self.sightings = ledger.sightings()
            self._removed = {removal.delivery_id for removal in ledger.removals()}
            for seen in self.sightings:
                self._seen.setdefault((seen.source, seen.sha256), seen)
            known = {digest for _, digest in self._seen}
            for (source, path), digest in self.hashes.items():
                if digest not in known:
                    for first, _ in ledger.first_hashes(source, digest):
                        self._first[first] = path

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
        """The fate of every file that the ledger ever saw arrive, place by place.

        The same bytes can have come twice: that one copy is whole says nothing of the other.
        """
        last: dict[tuple[str, str], Sighting] = {}
        for seen in self.sightings:
            if seen.received is not None:
                last[seen.source, seen.path] = seen
        found = []
        for place, seen in last.items():
            told = self._fate(seen.delivery_id, seen.source, seen.received, seen.sha256)
            lies_there = self.hashes.get(place, seen.sha256)
            is_ours = self._first.get(seen.sha256) == seen.path
            is_told = told.fate in (Fate.REWRITTEN, Fate.REMOVED)
            if lies_there != seen.sha256 and not is_ours and not is_told:
                told = replace(told, path=seen.path, fate=Fate.CHANGED)
            found.append(told)
        return found

    def _fate(self, name: str, source: str, received: date | None, digest: str) -> Delivery:
        path = self._there.get(digest)
        if path is not None:
            return Delivery(name, source, received, path, digest, Fate.KEPT)
        if received is None:
            return Delivery(name, source, None, None, digest, Fate.MOVED_ON)
        if digest in self._first:
            return Delivery(name, source, received, self._first[digest], digest, Fate.REWRITTEN)
        seen = self._seen.get((source, digest))
        old = seen.path if seen else None
        if name in self._removed:
            return Delivery(name, source, received, old, digest, Fate.REMOVED)
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
