"""Checks of a table as a table: header, rows, keys, types, symbols, periods.

Belongs here: form. Does not belong here: whether figures agree or are too small (``figures``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date

from via_pipeline.disclosure.protect import STATUS
from via_pipeline.letters.release.screening.outcome import Outcome, Status, some, told
from via_pipeline.letters.release.screening.package import Package, Table

_COLUMN = re.compile(r"[a-z][a-z0-9_]*")
_HIDDEN_COLUMN = re.compile(r"_.*|unnamed.*|index|column\d+|kolom\d+|.*_intern", re.IGNORECASE)
_TYPES = {
    "integer": re.compile(r"-?\d+"),
    "number": re.compile(r"-?\d+(\.\d+)?"),
    "boolean": re.compile(r"true|false"),
    "date": re.compile(r"\d{4}-\d{2}-\d{2}"),
}
# A year, half year, quarter, month, week or school year; CBS writes 2019JJ00 and 2020KW03.
_PERIOD = re.compile(
    r"(?P<year>(19|20)\d{2})(-(19|20)\d{2}|H[12]|KW0?[1-4]|JJ00|MM(0[1-9]|1[0-2])|Q[1-4]"
    r"|-(0[1-9]|1[0-2])(-\d{2})?|W[0-5]\d)?|alle"
)
_PERIODS = ("periode",)
_DATES = ("peildatum", "leesdatum", "bekend_op", "statustekst_bekend_op")


def checks(package: Package) -> Iterator[Outcome]:
    """Every check of these families."""
    tables = package.tables
    yield from told(
        "kop__gelijk",
        (
            (table.file, "de kolommen zijn andere dan datapackage.json zegt")
            for table in tables
            if list(table.header) != [field.get("name") for field in table.fields]
        ),
        "Laat kolomkop en beschrijving uit één bron komen; maak het pakket opnieuw.",
    )
    yield from told(
        "kop__uniek",
        (
            (table.file, f"kolomnaam komt vaker voor: {some(twice)}")
            for table in tables
            if (twice := [name for name, count in Counter(table.header).items() if count > 1])
        ),
        "Geef elke kolom een eigen naam.",
    )
    yield from told(
        "kop__vorm",
        (
            (table.file, f"kolomnaam niet in kleine letters met liggende streepjes: {some(odd)}")
            for table in tables
            if (odd := [name for name in table.header if not _COLUMN.fullmatch(name.lstrip("_"))])
        ),
        "Gebruik snake_case zonder spaties, hoofdletters of accenten.",
    )
    yield from told(
        "kop__verborgen",
        (
            (table.file, f"een kolom die binnen hoort te blijven: {some(odd)}")
            for table in tables
            if (odd := [name for name in table.header if _HIDDEN_COLUMN.fullmatch(name)])
        ),
        "Haal de kolom weg waar de tabel wordt gemaakt; niet in het bestand zelf.",
    )
    yield from _rows(tables)
    yield from _cells(tables)
    yield from _periods(package)


def _rows(tables: Iterable[Table]) -> Iterator[Outcome]:
    yield from told(
        "rijen__recht",
        (
            (table.file, f"rij {odd[0]} heeft niet zoveel cellen als de kop ({len(odd)} rijen)")
            for table in tables
            if (odd := [n for n, row in enumerate(table.rows, 2) if len(row) != len(table.header)])
        ),
        "Er is een scheidingsteken of aanhalingsteken mis; maak het pakket opnieuw.",
    )
    yield from told(
        "rijen__aantal",
        (
            (table.file, f"{len(table.rows)} rijen, maar beschreven zijn er {said}")
            for table in tables
            if (said := table.resource.get("rijen")) is not None and said != len(table.rows)
        ),
        "Maak het pakket opnieuw.",
    )
    yield from told(
        "rijen__gevuld",
        ((table.file, "de tabel heeft geen rijen") for table in tables if not table.rows),
        "Klopt het dat er niets over te melden is? Leg het dan uit in de brief of de bijlage.",
        Status.WARN,
    )
    yield from told(
        "rijen__dubbel",
        (
            (table.file, f"{len(table.rows) - len(set(table.rows))} rijen staan er vaker in")
            for table in tables
            if len(set(table.rows)) != len(table.rows)
        ),
        "Zoek uit waar de rij dubbel ontstaat.",
    )
    yield from told(
        "sleutel__uniek",
        (
            (table.file, f"twee rijen met dezelfde {', '.join(table.key)}")
            for table in tables
            if _is_known(table, table.key) and not _is_unique(table)
        ),
        "De sleutel wijst één rij aan. Zoek uit waar de tweede vandaan komt.",
    )
    yield from told(
        "sleutel__gevuld",
        (
            (
                table.file,
                f"lege sleutel in {some(empty)}" if empty else "de tabel heeft geen sleutel",
            )
            for table in tables
            if (empty := _empty_keys(table)) or not _is_known(table, table.key)
        ),
        "Elke rij heeft een volledige sleutel.",
    )


def _cells(tables: Iterable[Table]) -> Iterator[Outcome]:
    tables = list(tables)
    yield from told(
        "kolom__leeg",
        (
            (table.file, f"kolom zonder één waarde: {some(empty)}")
            for table in tables
            if table.records
            and (empty := [c for c in table.header if not any(r[c] for r in table.records)])
            and (empty := [name for name in empty if name not in (STATUS, "regel")])
        ),
        "Hoort de kolom in deze editie leeg te zijn? Zo niet, dan is er een bron niet gelezen.",
        Status.WARN,
    )
    yield from told(
        "cel__witruimte",
        (
            (table.file, f"spaties aan begin of eind in {some(odd)}")
            for table in tables
            if (
                odd := [
                    name
                    for name in table.header
                    if any(record[name] != record[name].strip() for record in table.records)
                ]
            )
        ),
        "Haal de spaties weg in de bron; filters zien twee verschillende waarden.",
        Status.WARN,
    )
    yield from told(
        "waarde__soort",
        (
            (table.file, f"{name}: een waarde die geen {kind} is ({count} rijen)")
            for table in tables
            for name, kind, count in _wrong_types(table)
        ),
        "De beschrijving zegt welke soort waarde de kolom heeft; zet de waarde goed in de bron.",
    )
    yield from told(
        "symbool__bekend",
        (
            (table.file, f"{field['name']}: onbekend symbool")
            for table in tables
            for field in table.fields
            if (known := _enum(field)) is not None
            and field["name"] in table.header
            and any(record[field["name"]] not in {*known, ""} for record in table.records)
        ),
        "Gebruik de codes uit de beschrijving (z, x, c, k, u).",
    )


def _periods(package: Package) -> Iterator[Outcome]:
    read_on = str(package.descriptor.get("leesdatum", ""))
    yield from told(
        "periode__vorm",
        (
            (table.file, f"{name}: een periode van onbekende vorm ({some(odd)})")
            for table in package.tables
            for name in _PERIODS
            if name in table.header
            and (odd := sorted({r[name] for r in table.records if not _is_period(r[name])}))
        ),
        "Schrijf een periode als jaar (2020), halfjaar (2020H1), kwartaal (2020KW03) of "
        "schooljaar.",
        Status.WARN,
    )
    yield from told(
        "periode__bekend",
        (
            (table.file, f"{name}: een datum na de leesdatum {read_on} ({count} rijen)")
            for table in package.tables
            for name in _DATES
            if name in table.header
            and read_on
            and (count := sum(record[name] > read_on for record in table.records))
        ),
        "Deze editie kan niets weten van na haar leesdatum. Zoek uit wat er te vroeg in zit.",
    )
    yield from told(
        "periode__levering",
        (
            ("herkomst.json", f"levering {item.get('levering')} is van na de leesdatum {read_on}")
            for item in package.origin.get("leveringen", [])
            if isinstance(item, dict) and read_on and str(item.get("ontvangen") or "") > read_on
        ),
        "Deze editie ziet alleen wat op haar leesdatum binnen was.",
    )


def _is_known(table: Table, names: list[str]) -> bool:
    return bool(names) and set(names) <= set(table.header)


def _is_unique(table: Table) -> bool:
    keys = [tuple(record[name] for name in table.key) for record in table.records]
    return len(set(keys)) == len(keys)


def _empty_keys(table: Table) -> list[str]:
    if not _is_known(table, table.key):
        return []
    return [name for name in table.key if any(not record[name] for record in table.records)]


def _wrong_types(table: Table) -> Iterator[tuple[str, str, int]]:
    for field in table.fields:
        name, kind = field.get("name"), str(field.get("type"))
        if name not in table.header or kind not in _TYPES:
            continue
        wrong = sum(bool(r[name]) and not _fits(r[name], kind) for r in table.records)
        if wrong:
            yield str(name), kind, wrong


def _fits(text: str, kind: str) -> bool:
    if not _TYPES[kind].fullmatch(text):
        return False
    if kind == "date":
        try:
            date.fromisoformat(text)
        except ValueError:
            return False
    return True


def _enum(field: object) -> list[str] | None:
    if not isinstance(field, dict) or not isinstance(field.get("constraints"), dict):
        return None
    found = field["constraints"].get("enum")
    return list(map(str, found)) if isinstance(found, list) else None


def _is_period(text: str) -> bool:
    return not text or _PERIOD.fullmatch(text) is not None
