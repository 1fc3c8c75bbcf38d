"""A log of JSON lines that is only ever added to, each line chained to the one before by its hash.

Belongs here: the form of the file, adding a line, and what is wrong with it. Does not belong here:
what a line is about.

A line that was changed, removed or put in between breaks the chain. Lines that were cut off at the
end leave it whole, so the number and hash of the last line are kept beside it. A line without an
end is what a killed process leaves: it never took effect, and the next one says that it was there.
The hash is the SHA-256 of the line's canonical JSON (sorted keys, no blanks, UTF-8) without it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from via_pipeline.storage.atomic import write_json, writer_lock

FIRST = "0" * 64
"""What the first line names as the one before it."""

TORN = "_afgebroken_bytes"
"""So many bytes of an unfinished line stood where this line stands."""

_PRIVATE = 0o600


@dataclass(frozen=True)
class Content:
    """The lines up to the first that is wrong, and in Dutch what is wrong, with its line."""

    lines: tuple[Mapping[str, Any], ...]
    problems: tuple[str, ...]


def add(path: Path, locks: Path, facts: Mapping[str, Any]) -> None:
    """Write ``facts`` as the next line of ``path`` (0600); on disk when this returns.

    Raises:
        BusyError: another process was adding for longer than the wait.
        ValueError: ``facts`` has a name of the chain's own.
        OSError: it cannot be written.
    """
    if taken := {"nr", "vorige", "sha256"} & set(facts):
        raise ValueError(f"names of the chain itself: {sorted(taken)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with writer_lock(locks, path.stem):
        raw = path.read_bytes() if path.exists() else b""
        whole = raw.rfind(b"\n") + 1
        last = _last(raw[:whole])
        line = {**facts, "nr": last["nr"] + 1, "vorige": last["sha256"]}
        if torn := len(raw) - whole:
            line[TORN] = torn
        line["sha256"] = _digest(line)
        with open(path, "ab", opener=lambda name, flags: os.open(name, flags, _PRIVATE)) as handle:
            if torn:
                handle.truncate(whole)
            handle.write(_canonical(line) + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
        write_json(_head(path), {"nr": line["nr"], "sha256": line["sha256"]})


def read(path: Path) -> Content:
    """Every line of ``path`` that can be trusted; an absent file is empty."""
    raw = path.read_bytes() if path.exists() else b""
    whole = raw.rfind(b"\n") + 1
    lines: list[Mapping[str, Any]] = []
    before: dict[str, Any] = {"nr": 0, "sha256": FIRST}
    for number, text in enumerate(raw[:whole].split(b"\n")[:-1], start=1):
        line = _parsed(text)
        if line is None or line.get("sha256") != _digest(line) or _canonical(line) != text:
            return Content(tuple(lines), (f"regel {number} is veranderd",))
        if line["nr"] != before["nr"] + 1 or line["vorige"] != before["sha256"]:
            return Content(tuple(lines), (f"voor regel {number} is er een weg of bij",))
        lines.append(line)
        before = {"nr": line["nr"], "sha256": line["sha256"]}
    return Content(tuple(lines), _against_head(path, lines))


def _against_head(path: Path, lines: list[Mapping[str, Any]]) -> tuple[str, ...]:
    try:
        head = json.loads(_head(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ("het geheugen van de laatste regel ontbreekt",) if lines else ()
    if len(lines) < head["nr"]:
        return (f"de laatste {head['nr'] - len(lines)} regels zijn eraf gehaald",)
    if lines[head["nr"] - 1]["sha256"] != head["sha256"]:
        return (f"regel {head['nr']} is een andere dan hier geschreven werd",)
    return ()


def _last(raw: bytes) -> Mapping[str, Any]:
    if not raw:
        return {"nr": 0, "sha256": FIRST}
    line = _parsed(raw.rstrip(b"\n").rpartition(b"\n")[2])
    # A line that cannot be read is not repaired: what follows starts from its bytes.
    return line or {
        "nr": raw.count(b"\n"),
        "sha256": hashlib.sha256(raw).hexdigest(),
    }


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    is_line = isinstance(found, dict) and {"nr", "vorige", "sha256"} <= found.keys()
    return found if is_line and isinstance(found["nr"], int) else None


def _digest(line: Mapping[str, Any]) -> str:
    content = {name: value for name, value in line.items() if name != "sha256"}
    return hashlib.sha256(_canonical(content)).hexdigest()


def _canonical(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def _head(path: Path) -> Path:
    return path.with_suffix(".laatste.json")
