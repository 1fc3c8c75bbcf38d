"""The candidate: a copy of the concept package at the moment of submission, with its notes.

Belongs here: making that copy. Nightly runs make concepts anew; the checkers and what is published
afterwards must be about the very same bytes. Does not belong here: whether to submit.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from via_pipeline.letters import address
from via_pipeline.letters.release.dossier import Dossier, Published
from via_pipeline.storage import sums
from via_pipeline.storage.atomic import replacing_folder
from via_pipeline.storage.home import Home

NOTE = "WIJZIGINGEN.md"
"""What a reader opens to know what is new: what changed (``letters.changelog``), and which revision
this is, why, and which there were before."""


class NoPackage(LookupError):
    """There is no whole package to submit; the message says in Dutch what is missing."""


def folder_of(home: Home, edition: str, revision: int) -> Path:
    """Where the candidate of a revision lies."""
    return home.candidates / edition / f"r{revision}"


def make(home: Home, found: Dossier) -> tuple[Path, str]:
    """Copy ``letters/<edition>/`` to its place as candidate; the folder and the package's hash.

    Raises:
        NoPackage: there is no concept, or it is not as its ``SHA256SUMS`` says.
    """
    concept = home.letters / found.edition
    if not concept.is_dir():
        raise NoPackage(f"er is geen concept van editie '{found.edition}'; draai eerst: via run")
    broken = [f"{item.file} {item.text}" for item in sums.problems(concept)]
    if broken:
        raise NoPackage(f"het concept is niet heel: {'; '.join(broken)}. Draai: via run")
    if is_stale(concept, found.edition, found.revision):
        raise NoPackage(
            f"het concept van editie '{found.edition}' is nog niet dat van revisie "
            f"{found.revision}; draai: via run --force"
        )
    folder = folder_of(home, found.edition, found.revision)
    with replacing_folder(folder) as temporary:
        shutil.copytree(concept, temporary, dirs_exist_ok=True)
        dress(temporary, found.edition, found.revision, found.note, found.published)
    return folder, sums.folder_hash(folder)


def is_stale(concept: Path, edition: str, revision: int) -> bool:
    """Whether the package says of itself that it is another revision than the one to come."""
    try:
        said = json.loads((concept / "herkomst.json").read_text(encoding="utf-8"))["uitgave"]
    except (OSError, ValueError, KeyError):
        return False
    return said != address.release(edition, revision - 1)


def dress(
    folder: Path, edition: str, revision: int, note: str, published: Sequence[Published]
) -> None:
    """Add the public notes of a revision to what changed, and renew ``SHA256SUMS``."""
    path = folder / NOTE
    before = path.read_text(encoding="utf-8") if path.is_file() else "# Wijzigingen\n"
    told = f"{before.rstrip()}\n\n{text(edition, revision, note, published)}"
    path.write_text(told, encoding="utf-8", newline="\n")
    sums.write(folder)


def text(edition: str, revision: int, note: str, published: Sequence[Published]) -> str:
    """The public notes: why there is this revision, and which there were before."""
    lines = [f"## Deze uitgave: editie {edition}, revisie {revision}", ""]
    if revision == 1:
        lines += ["Eerste uitgave."]
    else:
        lines += ["Deze revisie vervangt een eerdere uitgave. Reden:", "", note]
    if published:
        lines += ["", "## Eerdere uitgaven", ""]
        lines += [_line(item) for item in reversed(published)]
        lines += ["", "Een eerdere uitgave blijft ongewijzigd bewaard, ook als zij is ingetrokken."]
    return "\n".join(lines) + "\n"


def _line(item: Published) -> str:
    said = f"- Revisie {item.revision}, gepubliceerd op {item.at[:10]}."
    if item.note:
        said += f" Reden: {item.note}"
    if item.retracted:
        said += f" Ingetrokken: {item.retracted}"
    return said
