"""Checks of the files themselves: names, hashes, encodings, hidden things.

Belongs here: what can be seen without knowing what a table means. Does not belong here: cells.
"""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from via_pipeline.letters.release.screening.outcome import Outcome, Status, told
from via_pipeline.letters.release.screening.package import DESCRIPTOR, ORIGIN, Package
from via_pipeline.storage import sums

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*|[A-Z0-9]+(\.[a-z0-9]+)?")
_HIDDEN = re.compile(r"(\..*|~\$.*|.*~|.*\.(tmp|part|bak|lock)|thumbs\.db)", re.IGNORECASE)
_TEXT = {".csv", ".json", ".jsonld", ".md", ".txt", ".ttl", ".html", ".css", ".svg", ""}
_REQUIRED = (DESCRIPTOR, ORIGIN, sums.NAME, "LEESMIJ.md")
# UTF-8 that was read as cp1252 and written again, and the mark of what could not be read at all.
_BROKEN = re.compile("�|Ã[\u0080-¿]|â€[\u0080-¿™œžš]")


def checks(package: Package) -> Iterator[Outcome]:
    """Every check of this family."""
    yield from told(
        "bestand__aanwezig",
        (("", f"{name} ontbreekt") for name in _REQUIRED if name not in package.files),
        "Maak het pakket opnieuw (via run) en dien het opnieuw in.",
    )
    yield from told(
        "bestand__naam",
        (
            (name, "de naam heeft hoofdletters, spaties of bijzondere tekens")
            for name in package.files
            if not all(_NAME.fullmatch(part) for part in name.split("/"))
            and not _HIDDEN.fullmatch(Path(name).name)
        ),
        "Gebruik in namen alleen kleine letters, cijfers, punt, streepje en liggend streepje.",
    )
    yield from told(
        "bestand__verborgen",
        (
            (name, "een verborgen of tijdelijk bestand")
            for name in package.files
            if any(_HIDDEN.fullmatch(part) for part in name.split("/"))
            or (package.folder / name).is_symlink()
        ),
        "Haal het bestand weg, of maak het pakket opnieuw.",
    )
    yield from told(
        "bestand__gevuld",
        (
            (name, "het bestand is leeg")
            for name in package.files
            if (package.folder / name).is_file() and not (package.folder / name).stat().st_size
        ),
        "Maak het pakket opnieuw; blijft het leeg, meld het aan de beheerder.",
    )
    yield from told(
        "bestand__controlegetal",
        ((problem.file, problem.text) for problem in sums.problems(package.folder)),
        "Het pakket is veranderd nadat het gemaakt is. Maak het opnieuw (via run).",
    )
    described = set(_paths(package.descriptor))
    yield from told(
        "bestand__beschreven",
        (
            (name, f"de tabel staat niet in {DESCRIPTOR}")
            for name in package.files
            if name.endswith((".csv", ".parquet")) and name not in described
        ),
        "Neem de tabel op in de beschrijving, of laat haar weg.",
    )
    yield from told(
        "bestand__bestaat",
        (
            (str(resource.get("path")), f"{DESCRIPTOR} noemt een bestand dat er niet is")
            for resource in package.resources
            if resource.get("path") not in package.files
        ),
        "Maak het pakket opnieuw.",
    )
    yield from _encodings(package)
    yield from told(
        "werkmap__verborgen",
        (
            (name, found)
            for name in package.files
            for found in _hidden_in_workbook(package.folder / name)
        ),
        "Maak verborgen bladen, rijen en kolommen zichtbaar of haal ze weg: wie de werkmap heeft, "
        "kan ze lezen.",
    )


def _encodings(package: Package) -> Iterator[Outcome]:
    texts: dict[str, str] = {}
    broken = []
    for name in package.files:
        path = package.folder / name
        if Path(name).suffix.lower() not in _TEXT or not path.is_file():
            continue
        try:
            texts[name] = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            broken.append((name, f"geen UTF-8 (vanaf byte {error.start})"))
    yield from told("codering__utf8", broken, "Schrijf het bestand in UTF-8.")
    yield from told(
        "codering__tekens",
        (
            (name, f"kapotte tekens, bij regel {text[: found.start()].count(chr(10)) + 1}")
            for name, text in texts.items()
            if (found := _BROKEN.search(text))
        ),
        "Er is ergens een verkeerde codering gelezen. Zoek de bron (register of levering) en "
        "herstel "
        "die.",
    )
    yield from told(
        "codering__stuurtekens",
        (
            (name, "een onzichtbaar stuurteken")
            for name, text in texts.items()
            if any(_is_control(character) for character in set(text))
        ),
        "Haal het teken weg in de bron.",
    )
    tables = {table.file for table in package.tables}
    yield from told(
        "codering__bom",
        (
            (name, "begint met een BOM")
            for name, text in texts.items()
            if name in tables and text.startswith("\ufeff")
        ),
        "Laat de BOM weg in de gewone CSV; in een variant voor Excel mag zij.",
        Status.WARN,
    )


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc" and character not in "\t\n\r"


def _paths(node: Any) -> Iterator[str]:
    """Every value of a field ``path`` below ``node``."""
    if isinstance(node, dict):
        if isinstance(node.get("path"), str):
            yield node["path"]
        elif isinstance(node.get("path"), list):
            yield from (item for item in node["path"] if isinstance(item, str))
        for below in node.values():
            yield from _paths(below)
    elif isinstance(node, list):
        for below in node:
            yield from _paths(below)


def _hidden_in_workbook(path: Path) -> Iterator[str]:
    """What an XLSX or ODS hides from who looks at it but not from who opens it as a file."""
    marks = {
        ".xlsx": {
            r'<sheet [^>]*state="(?:hidden|veryHidden)"': "een verborgen blad",
            r'<col [^>]*hidden="(?:1|true)"': "een verborgen kolom",
            r'<row [^>]*hidden="(?:1|true)"': "een verborgen rij",
        },
        ".ods": {
            r'table:visibility="(?:collapse|filter)"': "een verborgen rij of kolom",
            r'table:display="false"': "een verborgen blad",
        },
    }.get(path.suffix.lower())
    if marks is None or not path.is_file():
        return
    try:
        with zipfile.ZipFile(path) as book:
            parts = [
                book.read(name).decode("utf-8", "replace")
                for name in book.namelist()
                if name.endswith(".xml")
            ]
    except zipfile.BadZipFile:
        yield "de werkmap is niet te openen"
        return
    yield from (
        what for mark, what in marks.items() if any(re.search(mark, part) for part in parts)
    )
