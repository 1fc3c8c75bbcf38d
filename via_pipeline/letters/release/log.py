"""The log of an edition: one JSON record a line, only ever added to, each line chained to the last.

Belongs here: reading and adding to ``releases/<edition>/logboek.jsonl``, and what is wrong with the
file itself. Does not belong here: whether a record was allowed (``dossier``).

Three things can be seen of a log that was touched. A changed, removed or inserted record breaks the
chain. Records cut off at the end leave a chain that is whole; so the instance remembers the last
record it wrote (``VIA_HOME/run/uitgaven/``), and version control remembers it elsewhere. A line
without an end is what a killed process leaves: it never took effect. The next record is written in
its place and tells that it was there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from via_pipeline.letters.release.record import FIRST, TORN, Record, RecordError, parse
from via_pipeline.letters.release.states import Action
from via_pipeline.storage.atomic import write_json, writer_lock
from via_pipeline.storage.home import Home

NAME = "logboek.jsonl"
HEADS = "uitgaven"


class LogError(RuntimeError):
    """The log is damaged; nothing is added to it until somebody has looked."""


@dataclass(frozen=True)
class Content:
    """What a log holds. ``torn`` is the number of bytes of an unfinished last line, ``whole`` the
    number of bytes before it; ``problems`` say in Dutch what is wrong, each with its line.
    """

    records: tuple[Record, ...]
    problems: tuple[str, ...]
    whole: int
    torn: int


def path_of(home: Home, edition: str) -> Path:
    """The log of an edition."""
    return home.releases / edition / NAME


def read(path: Path) -> Content:
    """Every record of the file, and what is wrong with it; an absent file is empty.

    Records after the first broken line are left out: nothing that follows it can be trusted.
    """
    if not path.exists():
        return Content((), (), 0, 0)
    raw = path.read_bytes()
    whole = raw.rfind(b"\n") + 1
    records: list[Record] = []
    problems: list[str] = []
    for number, line in enumerate(raw[:whole].split(b"\n")[:-1], start=1):
        problem = _problem(line, records)
        if problem:
            problems.append(f"regel {number}: {problem}")
            break
        records.append(parse(line.decode()))
    return Content(tuple(records), tuple(problems), whole, len(raw) - whole)


def following(
    content: Content,
    edition: str,
    *,
    revision: int,
    at: str,
    who: str,
    action: Action,
    package: str,
    more: Mapping[str, Any],
) -> Record:
    """The record that would come next, sealed; nothing is written.

    Raises:
        LogError: the log is damaged.
    """
    if content.problems:
        raise LogError(
            f"het logboek van '{edition}' is beschadigd ({'; '.join(content.problems)}); er wordt "
            "niets bijgeschreven. Zie: via verify"
        )
    torn = {TORN: content.torn} if content.torn else {}
    return Record(
        nr=len(content.records) + 1,
        editie=edition,
        revisie=revision,
        at=at,
        wie=who,
        actie=action,
        pakket=package,
        gegevens={**more, **torn},
        vorige=content.records[-1].sha256 if content.records else FIRST,
    ).sealed()


def add(home: Home, content: Content, record: Record) -> Content:
    """Write ``record`` behind ``content``; on disk when this returns. Call it inside ``writing``.

    Raises:
        LogError: the file is not what ``content`` says.
    """
    path = path_of(home, record.editie)
    if read(path) != content:
        raise LogError(f"het logboek van '{record.editie}' is intussen veranderd")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as handle:
        if content.torn:
            handle.truncate(content.whole)
        handle.write(record.line().encode() + b"\n")
        handle.flush()
        os.fsync(handle.fileno())
    _remember(home, record)
    return read(path)


@contextmanager
def writing(home: Home, edition: str) -> Iterator[Path]:
    """Hold the log of ``edition``: one process reads, decides and adds at a time.

    Raises:
        BusyError: another process is at work on this edition.
    """
    with writer_lock(home.locks, f"uitgave-{edition}"):
        yield path_of(home, edition)


def head(home: Home, edition: str) -> dict[str, Any] | None:
    """``{nr, sha256}`` of the last record of ``edition`` that this instance wrote, if any."""
    try:
        found = json.loads(_head_file(home, edition).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def against_head(home: Home, edition: str, content: Content) -> str | None:
    """What is missing of a log that once was longer, or was another; None where nothing is."""
    last = head(home, edition)
    if last is None:
        return None
    nr = last["nr"]
    if len(content.records) < nr:
        return (
            f"het logboek eindigt bij aantekening {len(content.records)}, maar deze installatie "
            f"schreef er {nr}: er is een stuk afgehaald"
        )
    if content.records[nr - 1].sha256 != last["sha256"]:
        return f"aantekening {nr} is een andere dan deze installatie schreef"
    return None


def _remember(home: Home, record: Record) -> None:
    write_json(_head_file(home, record.editie), {"nr": record.nr, "sha256": record.sha256})


def _head_file(home: Home, edition: str) -> Path:
    return home.run / HEADS / f"{edition}.json"


def _problem(line: bytes, before: Sequence[Record]) -> str | None:
    try:
        record = parse(line.decode())
    except UnicodeDecodeError:
        return "geen UTF-8"
    except RecordError as error:
        return str(error)
    if record.digest() != record.sha256 or record.line().encode() != line:
        return f"aantekening {record.nr} is veranderd: het controlegetal klopt niet"
    if record.nr != len(before) + 1 or record.vorige != (before[-1].sha256 if before else FIRST):
        return f"aantekening {record.nr} sluit niet aan op de vorige: er is er een weg of bij"
    return None
