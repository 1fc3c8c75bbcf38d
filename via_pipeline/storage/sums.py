"""``SHA256SUMS`` of a folder: writing it, reading it, holding the folder to it, and its own hash.

Belongs here: the one list that packages of a letter and releases of the BI file are sealed with, as
``sha256sum --check`` reads it. Does not belong here: what a wrong line means (screener, ``verify``,
``serving.releases``).

The list covers every file below the folder but itself, hidden ones too. A link is no content: it is
listed by a word that is no hash, so that it never passes for the file it points to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from via_pipeline.storage.hashing import sha256_of

NAME = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_LINK = "verwijzing"


@dataclass(frozen=True)
class Problem:
    """One file that is not as ``SHA256SUMS`` says; ``kind``: veranderd, ontbreekt, erbij, lijst."""

    file: str
    kind: str
    text: str


def read(folder: Path) -> dict[str, str]:
    """File -> SHA-256, as the folder's list says; {} where there is none.

    Raises:
        ValueError: a line is not of the form that ``sha256sum`` reads.
    """
    path = folder / NAME
    if not path.is_file():
        return {}
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in found:
            raise ValueError(f"{NAME}, regel {number}: geen regel van sha256sum")
        found[match[2]] = match[1]
    return found


def folder_hash(folder: Path) -> str:
    """The hash that stands for the whole folder: that of its ``SHA256SUMS``; '' where none is."""
    path = folder / NAME
    return sha256_of(path) if path.is_file() else ""


def actual(folder: Path) -> dict[str, str]:
    """File -> SHA-256 of every file below ``folder`` but the list; links are not followed."""
    return {
        path.relative_to(folder).as_posix(): _LINK if path.is_symlink() else sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if (path.is_symlink() or path.is_file()) and path != folder / NAME
    }


def problems(folder: Path) -> Iterator[Problem]:
    """Every file that was changed, is missing, or came in beside the list, by name."""
    try:
        said = read(folder)
    except (ValueError, OSError) as error:
        yield Problem(NAME, "lijst", str(error))
        return
    if not said:
        yield Problem(NAME, "lijst", f"{NAME} ontbreekt of is leeg")
        return
    found = actual(folder)
    for name in sorted(said.keys() | found.keys()):
        if name not in found:
            yield Problem(name, "ontbreekt", f"staat in {NAME}, maar is er niet")
        elif name not in said:
            yield Problem(name, "erbij", f"is er, maar staat niet in {NAME}")
        elif said[name] != found[name]:
            yield Problem(
                name, "veranderd", f"is veranderd: het controlegetal uit {NAME} klopt niet"
            )


def write(folder: Path) -> None:
    """Write the list anew over what is in ``folder``, by name."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(actual(folder).items()))
    (folder / NAME).write_text(lines, encoding="utf-8", newline="\n")
