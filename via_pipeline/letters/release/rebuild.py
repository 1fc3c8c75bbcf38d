"""A published edition made again from the kept deliveries, and compared file by file.

Belongs here: the rooms one after another in a place of its own, the comparison, and why files
differ. Nothing in ``VIA_HOME`` is read but the ledger's dates, and nothing outside the scratch
place is written. Does not belong here: anything of how an edition is made (the rooms,
``letters.package``).
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from via_pipeline import fingerprint
from via_pipeline.contracts.model import load_all
from via_pipeline.letters import published as known
from via_pipeline.letters.provenance import LOOK
from via_pipeline.letters.release import candidate, concept, freeze
from via_pipeline.letters.release.dossier import Published
from via_pipeline.letters.release.kept import Fate, Landing
from via_pipeline.storage import sums
from via_pipeline.storage.home import Home

_RUN = "narekening"
_OTHER_CODE = "de code, regels of bibliotheken zijn sinds de publicatie veranderd"


class NotPublished(LookupError):
    """The edition has no such published revision."""


@dataclass(frozen=True)
class Difference:
    """One file that is not the same. ``kind``: anders, ontbreekt (in the rebuilt one), erbij."""

    file: str
    kind: str


@dataclass(frozen=True)
class Rebuilt:
    """What came of it; ``reasons`` say in Dutch why it differs, or why it cannot be made.

    ``is_same_code``: code, rules and libraries are those of the publication. Where they are not,
    other bytes are no surprise; the code of then is in version control.
    """

    edition: str
    revision: int
    is_made: bool
    files: int
    differences: tuple[Difference, ...]
    reasons: tuple[str, ...]
    is_same_code: bool

    @property
    def is_equal(self) -> bool:
        """Whether every file came out with the same hash."""
        return self.is_made and not self.differences


def published(home: Home, edition: str, revision: int | None = None) -> Published:
    """The revision asked for, or the newest that stands.

    Raises:
        NotPublished: there is none.
    """
    found = {item.revision: item for name, item in freeze.published(home, edition)}
    newest = freeze.newest(home, edition)
    chosen = found.get(revision) if revision is not None else newest
    if chosen is None:
        told = ", ".join(f"r{number}" for number in found) or "geen"
        raise NotPublished(f"editie '{edition}': deze uitgave is er niet; wel: {told}")
    return chosen


def rebuild(home: Home, edition: str, revision: int | None = None) -> Rebuilt:
    """Make a published revision again and compare it with what was frozen.

    Raises:
        NotPublished: there is no such revision.
        KeyProblem: there is no pseudonym key.
    """
    chosen = published(home, edition, revision)
    frozen = freeze.folder_of(home, edition, chosen.revision)
    origin = _origin(frozen)
    landing = Landing(home)
    is_same_code = chosen.code == fingerprint.code()
    reasons = [] if is_same_code else [_OTHER_CODE]
    reasons += _before(origin, landing)
    if any(item.fate in (Fate.MISSING, Fate.REMOVED) for item in landing.of_origin(origin)):
        return Rebuilt(edition, chosen.revision, False, 0, (), tuple(reasons), is_same_code)
    read_on = date.fromisoformat(str(origin["leesdatum"]))
    with _place(home) as scratch:
        lay_out(home, scratch, landing, read_on)
        if home.exclusions.exists():
            _copy(home.exclusions, scratch.exclusions)
        if home.house_style.is_dir():
            _copy(home.house_style, scratch.house_style)
        known.lay_out(home, scratch)
        run(scratch, read_on)
        concept.again(home, scratch, edition, chosen)
        folder = scratch.letters / edition
        before = [
            item for _, item in freeze.published(home, edition) if item.revision < chosen.revision
        ]
        candidate.dress(folder, edition, chosen.revision, chosen.note, _as_then(before, chosen))
        mine, theirs = sums.actual(folder), sums.read(frozen)
        differences = tuple(_compare(mine, theirs))
        if differences:
            reasons += _after(_origin(folder), origin)
            reasons += _only_look(_origin(folder), origin, differences)
            if not reasons:
                reasons.append("de oorzaak is niet bekend: zelfde leveringen, regels en code")
    return Rebuilt(
        edition,
        chosen.revision,
        True,
        len(theirs),
        differences,
        tuple(reasons if differences else ()),
        is_same_code,
    )


def lay_out(home: Home, scratch: Home, landing: Landing, read_on: date) -> None:
    """Put into ``scratch.data`` what was received by ``read_on``, and what people keep.

    Copies, not links: a link would change the file's status time, by which ``fingerprint`` sees
    that something moved.
    """
    first_seen = {(seen.source, seen.path): seen.received for seen in reversed(landing.sightings)}
    for found in landing.found:
        if found.received is None:
            target = scratch.data / found.path
        elif found.is_correction:
            if found.received > read_on:
                continue
            target = scratch.data / found.path
        else:
            # What lay outside a dated folder counts from the day on which it was first seen.
            received = first_seen.get((found.source, found.path), found.received)
            if received is None or received > read_on:
                continue
            target = scratch.landing / found.source / received.isoformat() / found.file_name
        _copy(found.absolute, target)


def run(scratch: Home, read_on: date) -> None:
    """Take in, judge and conform what lies in ``scratch``.

    Raises:
        KeyProblem: there is no pseudonym key.
    """
    from via_pipeline.intake.run import take_in
    from via_pipeline.pilots import conform
    from via_pipeline.quality.run import judge

    now = datetime.combine(read_on + timedelta(days=1), time(12), tzinfo=UTC)
    contracts = load_all()
    # What people keep goes first: pilots' rules ask the register and the code lists.
    for contract in sorted(contracts, key=lambda item: item.kept_in is None):
        take_in(scratch, contract, run_id=_RUN, now=now, settle_seconds=0)
        judge(scratch, contract, run_id=_RUN)
        conform.refresh(scratch, contract)


@contextmanager
def _place(home: Home) -> Iterator[Home]:
    """A VIA_HOME and VIA_DATA of its own in the restricted scratch folder; gone afterwards."""
    home.ensure()
    folder = Path(tempfile.mkdtemp(prefix="narekening-", dir=home.scratch))
    try:
        yield Home(folder / "home", folder / "data", home.releases).ensure()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _before(origin: Mapping[str, Any], landing: Landing) -> Iterator[str]:
    for item in landing.of_origin(origin):
        where = item.path or item.name
        if item.fate is Fate.CHANGED:
            yield f"levering {where} is veranderd sinds zij is ingelezen"
        elif item.fate is Fate.MISSING:
            yield f"levering {where} is er niet meer"
        elif item.fate is Fate.REMOVED:
            yield f"levering {where} is verwijderd: de bewaartermijn is voorbij"
        elif item.fate is Fate.REWRITTEN:
            yield f"levering {where} is herschreven zonder een persoon die daarom vroeg"
        elif item.fate is Fate.MOVED_ON:
            yield f"{item.source} is sinds de publicatie bijgewerkt (zie het versiebeheer)"


def _after(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    for name, what in (
        ("contracten", "contract"),
        ("maten", "maat"),
        ("analyseplannen", "analyseplan"),
        ("onthullingsregels", "onthullingsregel"),
        ("huisstijl", "huisstijl"),
    ):
        old, new = _by_name(theirs.get(name)), _by_name(mine.get(name))
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        if changed:
            yield f"{what} veranderd: {', '.join(changed)}"
    old, new = _ids(theirs), _ids(mine)
    if lost := sorted(old - new):
        yield f"niet meer geaccepteerd of aanwezig: {', '.join(lost)}"
    if added := sorted(new - old):
        yield f"er kwam bij wat toen niet meetelde: {', '.join(added)}"


def _only_look(
    mine: Mapping[str, Any], theirs: Mapping[str, Any], differences: Iterable[Difference]
) -> Iterator[str]:
    """That no figure is another, where the look alone is: what a reader wants to know first."""
    same = all(
        mine.get(name) == theirs.get(name) for name in (theirs.keys() | mine.keys()) - {LOOK}
    )
    is_figure = any(item.file.endswith((".csv", ".parquet")) for item in differences)
    if mine.get(LOOK) != theirs.get(LOOK) and same and not is_figure:
        yield "alle cijfers zijn gelijk; alleen documenten zien er anders uit"


def _by_name(items: Any) -> dict[str, str]:
    found = items if isinstance(items, list) else []
    return {str(i.get("bron") or i.get("bestand")): str(i.get("sha256")) for i in found}


def _ids(origin: Mapping[str, Any]) -> set[str]:
    return {str(item.get("levering")) for item in origin.get("leveringen", [])}


def _compare(mine: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted(mine.keys() | theirs.keys()):
        if name not in mine:
            yield Difference(name, "ontbreekt")
        elif name not in theirs:
            yield Difference(name, "erbij")
        elif mine[name] != theirs[name]:
            yield Difference(name, "anders")


def _as_then(before: Iterable[Published], chosen: Published) -> list[Published]:
    """Earlier revisions as the log had them when ``chosen`` was submitted."""
    return [item for item in before if item.at <= chosen.at]


def _origin(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "herkomst.json").read_text(encoding="utf-8"))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)
