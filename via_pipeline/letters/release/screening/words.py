"""Checks of the words: what a package says of itself, and words that should not be in it.

Belongs here: metadata, the notice on synthetic data, sensitive words. Does not belong here:
figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from via_pipeline.contracts.declared import Name, read
from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.protect import SYNTHETIC
from via_pipeline.letters.release.screening.documents import Reading
from via_pipeline.letters.release.screening.outcome import Outcome, Status, some, told
from via_pipeline.letters.release.screening.package import DESCRIPTOR, ORIGIN, Package, Table

WORDS = Path(__file__).parent / "words.yaml"
_PACKAGE_FIELDS = (
    "name",
    "title",
    "description",
    "version",
    "licenses",
    "sources",
    "editie",
    "leesdatum",
    "resources",
)
_RESOURCE_FIELDS = ("name", "title", "description", "path", "schema")
_ORIGIN_FIELDS = ("leesdatum", "code_versie", "leveringen", "contracten", "onthullingsregels")
_DOCUMENTS = (".md", ".txt", ".json", ".jsonld", ".ttl")
# Documents that show figures or open the package; notes on what changed hold none.
_WITH_FIGURES = ("LEESMIJ.md", ".html")
# Columns of codes of our own, which can look like any number; no person wrote them.
_CODES = ("cel", "adres", "leveringen", "plan_hash")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
_NINE = re.compile(r"(?<![\w.])\d{9}(?![\w.])")
_PHONE = re.compile(r"(?<!\w)(?:\+31|0031|06)[ -]?\d(?:[ -]?\d){7,8}(?!\w)")
_IBAN = re.compile(r"\bNL\d{2}[A-Z]{4}\d{10}\b")


class WordsError(ValueError):
    """``words.yaml`` does not say what it must."""


def checks(package: Package, read: Reading) -> Iterator[Outcome]:
    """Every check of these families; ``read`` is of this package."""
    yield from _metadata(package)
    yield from _synthetic(package)
    yield from _sensitive(package, read)


def _metadata(package: Package) -> Iterator[Outcome]:
    yield from told(
        "beschrijving__pakket",
        (
            (DESCRIPTOR, f"{name} ontbreekt of is leeg")
            for name in _PACKAGE_FIELDS
            if not package.descriptor.get(name)
        ),
        "Zonder titel, bron, licentie en leesdatum kan niemand het pakket gebruiken.",
    )
    yield from told(
        "beschrijving__tabel",
        (
            (DESCRIPTOR, f"tabel {resource.get('name', '?')}: {name} ontbreekt of is leeg")
            for resource in package.resources
            for name in _RESOURCE_FIELDS
            if not resource.get(name)
        ),
        "Vul de woorden aan in disclosure/columns.yaml of letters/contents.yaml.",
    )
    yield from told(
        "beschrijving__kolom",
        (
            (table.file, f"kolom zonder soort of omschrijving: {some(bare)}")
            for table in package.tables
            if (
                bare := [
                    field.get("name")
                    for field in table.fields
                    if not field.get("description") or not field.get("type")
                ]
            )
        ),
        "Vul de woorden aan in disclosure/columns.yaml.",
    )
    yield from told(
        "beschrijving__editie",
        (
            (name, f"gaat over editie '{said.get('editie')}', niet '{package.edition}'")
            for name, said in ((DESCRIPTOR, package.descriptor), (ORIGIN, package.origin))
            if said and said.get("editie") != package.edition
        ),
        "Dien het pakket in van de editie die erin staat.",
    )
    yield from told(
        "herkomst__volledig",
        [
            *(
                (ORIGIN, f"{name} ontbreekt")
                for name in _ORIGIN_FIELDS
                if name not in package.origin
            ),
            *(
                (ORIGIN, f"levering {item.get('levering', '?')} heeft geen controlegetal")
                for item in package.origin.get("leveringen", [])
                if isinstance(item, Mapping) and not item.get("sha256")
            ),
        ],
        "Zonder herkomst is de uitgave niet na te maken.",
    )


def _synthetic(package: Package) -> Iterator[Outcome]:
    notice = dictionary.synthetic_notice()
    made_up = {
        table.file: table
        for table in package.tables
        if any(record.get(SYNTHETIC) == "true" for record in table.records)
    }
    broken = [
        (table.file, "synthetische rijen, maar de beschrijving van de tabel zegt het niet")
        for table in made_up.values()
        if not table.resource.get("synthetisch")
        or notice not in str(table.resource.get("description"))
    ]
    if made_up:
        if not package.descriptor.get("synthetisch") or notice not in str(
            package.descriptor.get("description")
        ):
            broken.append((DESCRIPTOR, "de beschrijving van het pakket noemt synthetisch niet"))
        broken += [
            (name, "de tekst zegt niet dat er synthetische cijfers in het pakket zitten")
            for name, text in package.texts(".md", ".html")
            if name.endswith(_WITH_FIGURES) and "synthetisch" not in text.lower()
        ]
    yield from told(
        "synthetisch__vermeld",
        broken,
        "Verzonnen cijfers heten overal verzonnen. Vul de melding aan waar het bestand wordt "
        "gemaakt.",
    )
    yield from told(
        "synthetisch__gemeten",
        (
            (table.file, f"kolom {SYNTHETIC} ontbreekt of is niet overal true of false")
            for table in package.tables
            if table.dataset is not None or SYNTHETIC in table.header
            if SYNTHETIC not in table.header
            or any(record[SYNTHETIC] not in ("true", "false") for record in table.records)
        ),
        "Elke rij zegt of zij synthetisch is.",
    )


def _sensitive(package: Package, read: Reading) -> Iterator[Outcome]:
    # The twins of a CSV are held to it (documents), so their words are those of the CSV.
    texts = (
        dict(package.texts(*_DOCUMENTS))
        | read.texts
        | {table.file: "\n".join(_said(table)) for table in package.tables}
    )
    # The value itself is not repeated: the report is read by more people than may know it.
    patterns: dict[str, Any] = {
        "een e-mailadres": _MAIL.search,
        "een getal dat een burgerservicenummer kan zijn": _has_citizen_number,
        "een telefoonnummer": _PHONE.search,
        "een rekeningnummer": _IBAN.search,
    }
    yield from told(
        "woord__persoon",
        (
            (name, what)
            for name, text in texts.items()
            for what, found in patterns.items()
            if found(_without_links(text))
        ),
        "Haal het weg bij de bron (register of levering), en meld het: er is iets doorgelaten.",
    )
    yield from told(
        "woord__gevoelig",
        (
            (name, f"{kind}: {some(found)}")
            for name, text in texts.items()
            for kind, words in sorted(_words().items())
            if (found := _present(words, text))
        ),
        "Lees de plek na: hoort dit woord in een openbaar bestand?",
        Status.WARN,
    )


@cache
def _words(path: Path = WORDS) -> dict[str, tuple[str, ...]]:
    return read(path, dict[Name, tuple[str, ...]], WordsError)


def _said(table: Table) -> Iterator[str]:
    """Every cell of a table but codes; its twins in other formats hold the same."""
    for record in table.records:
        yield from (text for name, text in record.items() if name not in _CODES and text)


def _present(words: Iterable[str], text: str) -> list[str]:
    """Those of ``words`` that are in the text."""
    plain = text.casefold()
    return [word for word in words if word.casefold() in plain and _has_word(word, text)]


def _has_word(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None


def _without_links(text: str) -> str:
    return re.sub(r"https?://\S+", "", text)


def _has_citizen_number(text: str) -> bool:
    """Whether nine digits pass the eleven-test (weights 9 to 2 and -1, modulo 11)."""
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return any(
        int(found) > 0 and sum(w * int(d) for w, d in zip(weights, found, strict=True)) % 11 == 0
        for found in _NINE.findall(text)
    )
