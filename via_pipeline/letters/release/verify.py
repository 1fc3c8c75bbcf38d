"""Has anything been touched? Packages, records of the gate, and the deliveries behind them.

Belongs here: looking, and saying in Dutch what is wrong. Nothing is mended and nothing is written.
Does not belong here: making a package again and comparing (``rebuild``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from via_pipeline.letters.release import candidate, freeze, gate, log
from via_pipeline.letters.release.dossier import Dossier, Published, replay
from via_pipeline.letters.release.kept import Fate, Landing
from via_pipeline.letters.release.record import RecordError, edition_name
from via_pipeline.letters.release.states import State
from via_pipeline.storage import sums
from via_pipeline.storage.hashing import sha256_of
from via_pipeline.storage.home import Home


class Severity(StrEnum):
    """``WRONG``: something was touched or is gone. ``NOTE``: worth knowing, and allowed."""

    WRONG = "fout"
    NOTE = "let op"


@dataclass(frozen=True, order=True)
class Finding:
    """One thing found. ``kind``: pakket, logboek, uitgave, kandidaat, concept or levering."""

    severity: Severity
    edition: str
    kind: str
    where: str
    text: str


@dataclass(frozen=True)
class Verified:
    """What was looked at, and what was found: wrong things first."""

    findings: tuple[Finding, ...]
    files: int
    records: int
    deliveries: int

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        return all(item.severity is not Severity.WRONG for item in self.findings)


@dataclass
class _Count:
    files: int = 0
    records: int = 0
    deliveries: int = 0


def verify(home: Home, edition: str | None = None) -> Verified:
    """Look at one edition, or at everything: each log, published folder, candidate and concept, and
    every delivery that they or the ledger name.

    Raises:
        RecordError: the name cannot be an edition's.
        LookupError: nothing is known of that edition.
    """
    known = sorted({*freeze.editions(home), *_names(home.letters), *_heads(home)})
    if edition is not None and edition_name(edition) not in known:
        raise LookupError(f"van editie '{edition}' is niets bekend; wel van: {', '.join(known)}")
    count = _Count()
    findings: list[Finding] = []
    landing = Landing(home)
    for name in [edition] if edition else known:
        findings += _edition(home, name, landing, count)
    if edition is None:
        findings += _ledger(landing, count)
    return Verified(tuple(sorted(set(findings))), count.files, count.records, count.deliveries)


def _edition(home: Home, edition: str, landing: Landing, count: _Count) -> Iterator[Finding]:
    def wrong(kind: str, where: str, text: str) -> Finding:
        return Finding(Severity.WRONG, edition, kind, where, text)

    content = log.read(log.path_of(home, edition))
    count.records += len(content.records)
    found, refused = replay(edition, content.records)
    for text in filter(
        None, [*content.problems, refused, log.against_head(home, edition, content)]
    ):
        yield wrong("logboek", log.NAME, text)
    if content.torn:
        yield Finding(
            Severity.NOTE,
            edition,
            "logboek",
            log.NAME,
            f"de laatste regel is half geschreven ({content.torn} bytes): een afgebroken handeling "
            "die niet is doorgegaan; doe haar opnieuw",
        )
    is_damaged = bool(content.problems or refused)
    yield from _releases(home, found, count, is_damaged)
    for folder in [freeze.folder_of(home, edition, item.revision) for item in found.published]:
        yield from _deliveries(edition, folder, landing, count)
    if found.state in (State.SUBMITTED, State.IN_REVIEW, State.APPROVED):
        folder = candidate.folder_of(home, edition, found.revision)
        yield from _folder(edition, "kandidaat", folder, found.package, count)
    concept = home.letters / edition
    if concept.is_dir():
        yield from _folder(edition, "concept", concept, None, count)
        yield from _deliveries(edition, concept, landing, count)


def _releases(home: Home, found: Dossier, count: _Count, is_damaged: bool) -> Iterator[Finding]:
    edition, place = found.edition, home.releases / found.edition
    known = {}
    for item in found.published:
        folder = freeze.folder_of(home, edition, item.revision)
        known[folder.name] = item
        yield from _folder(edition, "uitgave", folder, item.package, count)
        yield from _zip(home, edition, item, count)
        if folder.is_dir() and folder.stat().st_mode & 0o222:
            yield Finding(
                Severity.NOTE, edition, "uitgave", folder.name, "de map is niet alleen-lezen"
            )
    for folder in sorted(place.glob("r*/")) if place.is_dir() else []:
        if folder.name in known or is_damaged:
            continue
        waits = found.state is State.APPROVED and folder.name == f"r{found.revision}"
        if waits and sums.folder_hash(folder) == found.package:
            text = "een publicatie is afgebroken; voer haar opnieuw uit (via release publish)"
            yield Finding(Severity.NOTE, edition, "uitgave", folder.name, text)
        else:
            text = "het logboek kent deze uitgave niet"
            yield Finding(Severity.WRONG, edition, "uitgave", folder.name, text)
    zips = {freeze.zip_of(home, edition, item.revision) for item in found.published if item.zip}
    if found.state is State.APPROVED:
        zips.add(freeze.zip_of(home, edition, found.revision))
    for path in sorted(place.glob("[!.]*.zip")) if place.is_dir() else []:
        if path not in zips and not is_damaged:
            text = "het logboek kent dit ZIP-bestand niet"
            yield Finding(Severity.WRONG, edition, "uitgave", path.name, text)
    page = place / freeze.NOTES
    if found.published and not is_damaged:
        said = page.read_text(encoding="utf-8") if page.is_file() else None
        if said != gate.notes(found):
            text = "is niet wat het logboek zegt"
            yield Finding(Severity.WRONG, edition, "uitgave", freeze.NOTES, text)


def _zip(home: Home, edition: str, item: Published, count: _Count) -> Iterator[Finding]:
    """The frozen ZIP against the log; an old record knows of none."""
    path = freeze.zip_of(home, edition, item.revision)
    if not item.zip:
        return
    count.files += path.is_file()
    if not path.is_file():
        text = "het ZIP-bestand is er niet meer"
        yield Finding(Severity.WRONG, edition, "uitgave", path.name, text)
    elif sha256_of(path) != item.zip:
        text = "is veranderd: het controlegetal uit het logboek klopt niet"
        yield Finding(Severity.WRONG, edition, "uitgave", path.name, text)


def _folder(
    edition: str, kind: str, folder: Path, package: str | None, count: _Count
) -> Iterator[Finding]:
    if not folder.is_dir():
        yield Finding(Severity.WRONG, edition, kind, folder.name, "de map is er niet meer")
        return
    where = "" if kind == "concept" else f"{folder.name}/"
    for item in sums.problems(folder):
        yield Finding(Severity.WRONG, edition, kind, f"{where}{item.file}", item.text)
    count.files += sum(path.is_file() for path in folder.rglob("*"))
    if package is not None and sums.folder_hash(folder) != package:
        text = f"{sums.NAME} is niet de lijst die in het logboek staat"
        yield Finding(Severity.WRONG, edition, kind, f"{where}{sums.NAME}", text)


def _deliveries(edition: str, folder: Path, landing: Landing, count: _Count) -> Iterator[Finding]:
    try:
        origin = json.loads((folder / "herkomst.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # the folder's own check says that the file is gone or broken
    for item in landing.of_origin(origin if isinstance(origin, dict) else {}):
        count.deliveries += 1
        where = item.path or item.name
        if item.fate in (Fate.CHANGED, Fate.MISSING):
            yield Finding(Severity.WRONG, edition, "levering", where, _told(item.fate))
        elif item.fate in (Fate.REWRITTEN, Fate.REMOVED):
            yield Finding(Severity.NOTE, edition, "levering", where, _told(item.fate))
        elif item.fate is Fate.MOVED_ON:
            yield Finding(
                Severity.NOTE,
                edition,
                "levering",
                item.source,
                "is sinds deze uitgave bijgewerkt; de staat van toen staat in het versiebeheer",
            )


def _ledger(landing: Landing, count: _Count) -> Iterator[Finding]:
    for item in landing.of_ledger():
        count.deliveries += 1
        if item.fate is not Fate.KEPT:
            is_ours = item.fate in (Fate.REWRITTEN, Fate.REMOVED)
            severity = Severity.NOTE if is_ours else Severity.WRONG
            yield Finding(severity, "", "levering", item.path or item.name, _told(item.fate))


def _told(fate: Fate) -> str:
    return {
        Fate.CHANGED: "het bestand is veranderd nadat het is ingelezen",
        Fate.MISSING: "het bestand is er niet meer, en het grootboek weet niet waarom",
        Fate.REWRITTEN: "herschreven zonder een persoon die daarom vroeg (zie het grootboek)",
        Fate.REMOVED: "verwijderd: de bewaartermijn is voorbij (zie het grootboek)",
    }[fate]


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [path.name for path in folder.iterdir() if path.is_dir() and _is_name(path.name)]


def _heads(home: Home) -> list[str]:
    return [path.stem for path in (home.run / log.HEADS).glob("*.json")]


def _is_name(name: str) -> bool:
    try:
        return edition_name(name) == name
    except RecordError:
        return False
