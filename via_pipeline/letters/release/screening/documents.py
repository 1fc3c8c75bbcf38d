"""Checks of everything that is not a plain CSV: its twins, workbooks, PDF, page, texts, pictures.

Belongs here: reading those files with other code than that which wrote them, holding twins to their
CSV cell by cell, and documents to the figures that the CSVs show. Does not belong here: whether a
figure of the CSV may be shown (``figures``), which words are suspect (``words``).

What this cannot see: a whole number in a running text can always be one of another row. So whole
numbers are held to their own row in the page only, where every row carries its address; numbers
with decimals everywhere.
"""

from __future__ import annotations

import csv
import hashlib
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cached_property
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb

from via_pipeline.letters.address import CELL
from via_pipeline.letters.documents.programme import READ_AGAIN
from via_pipeline.letters.release.screening.outcome import Outcome, some, told
from via_pipeline.letters.release.screening.package import Package, Table
from via_pipeline.storage.duck import literal, quoted
from via_pipeline.storage.hashing import sha256_of

Rows = list[tuple[Any, ...]]
"""A header and the rows below it."""

_OFFICE = (".docx", ".odt", ".xlsx", ".ods")
_SAYS = (".pdf", ".html", ".docx", ".odt", ".svg")
# A Dutch number: no-break spaces between thousands, a decimal comma, a minus sign.
_NUMBER = re.compile(r"[−-]?\d{1,3}(?:\u00a0\d{3})+(?:,\d+)?|[−-]?\d+(?:,\d+)?")
_PLAIN = re.compile(r"-?\d{1,15}(?:\.\d{1,10})?")
_UNSEEN = re.compile("[\u200b\u2060\u00ad]")
# The numbers on the axes of our charts are of the picture, not of the data.
_AXIS = re.compile(r'role-axis-label"[^>]*>(.*?)</g>', re.DOTALL)
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_PLACES = range(5)
_SHEET = 31


def checks(package: Package, read: Reading) -> Iterator[Outcome]:
    """Every check of these families; ``read`` is of this package."""
    yield from told(
        "document__leesbaar",
        ((name, "het bestand is niet te lezen, dus ook niet na te gaan") for name in read.broken),
        "Maak het pakket opnieuw; blijft het zo, meld het aan de beheerder.",
    )
    yield from told(
        "tweeling__gelijk",
        _twins(package),
        "Ernstig: in dit bestand staat iets anders dan in de CSV. Maak het pakket opnieuw; dien "
        "dit niet in.",
    )
    yield from told(
        "document__cijfers",
        [*_unknown(package, read), *_other_rows(package)],
        "Ernstig: het getal kan een verborgen cijfer zijn. Zoek op waar het vandaan komt; dien dit "
        "pakket niet in.",
    )
    yield from told(
        "document__bijlagen",
        (
            (name, f"een bestand in de PDF is niet dat van het pakket: {some(wrong)}")
            for name, found in read.attached.items()
            if (wrong := _strangers(package, found))
        ),
        "Maak het pakket opnieuw.",
    )


@dataclass
class Reading:
    """Texts of the files that are no plain text, what is attached to PDFs, and what cannot be
    read."""

    package: Package
    broken: list[str] = field(default_factory=list)
    attached: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.texts  # noqa: B018 - reading fills the other two

    @cached_property
    def texts(self) -> dict[str, str]:
        """Text of every office file and PDF, page and picture by name."""
        found = {}
        for name in self.package.files:
            path, kind = self.package.folder / name, Path(name).suffix.lower()
            try:
                if kind in _OFFICE:
                    found[name] = _office(path)
                elif kind == ".pdf":
                    found[name], self.attached[name] = _pdf(path)
                elif kind in (".html", ".svg"):
                    found[name] = _plain(_STYLE.sub(" ", path.read_text(encoding="utf-8")))
            except (OSError, ValueError, RuntimeError, zipfile.BadZipFile):
                self.broken.append(name)
        return found


def _office(path: Path) -> str:
    """All that is written in an office file, notes and properties included."""
    with zipfile.ZipFile(path) as book:
        parts = [
            book.read(name).decode("utf-8", "replace")
            for name in book.namelist()
            # ODF's settings are of a window: sizes and places on a screen.
            if name.endswith((".xml", ".rels")) and name != "settings.xml"
        ]
    return "\n".join(map(_plain, parts))


def _plain(markup: str) -> str:
    """The text between tags, and the words that stand for pictures."""
    said = re.findall(r'\b(?:alt|title|descr|content)="([^"]*)"', markup)
    return unescape("\n".join([re.sub(r"<[^>]*>", "\n", markup), *said]))


def _pdf(path: Path) -> tuple[str, dict[str, str]]:
    """Text and properties of a PDF, and the hash of each file in it by name."""
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        pages = [page.get_textpage().get_text_bounded() for page in document]
        properties = document.get_metadata_dict().values()
        inside = {}
        for place in range(document.count_attachments()):
            item = document.get_attachment(place)
            inside[item.get_name()] = hashlib.sha256(bytes(item.get_data())).hexdigest()
    return "\n".join([*pages, *properties]), inside


def _strangers(package: Package, inside: Mapping[str, str]) -> list[str]:
    def digest(name: str) -> str:
        path = package.folder / name
        return sha256_of(path) if path.is_file() else ""

    return [name for name, found in sorted(inside.items()) if found != digest(name)]


# Twins -----------------------------------------------------------------------------------------


def _twins(package: Package) -> Iterator[tuple[str, str]]:
    """Every other form of a table that is not, cell by cell, its CSV."""
    for table in package.tables:
        for item in table.resource.get("ook_als", []):
            name = str(item.get("path")) if isinstance(item, Mapping) else ""
            path = package.folder / name
            if path.is_file() and (found := _differs(table, _rows(path))):
                yield name, found
    for name in package.files:
        path = package.folder / name
        if path.suffix in (".xlsx", ".ods", ".duckdb"):
            found = _safely(_database if path.suffix == ".duckdb" else _workbook, path, package)
            for table in package.tables:
                if told := _differs(table, (found or {}).get(table.name)):
                    yield name, f"{table.name}: {told}"


def _rows(path: Path) -> Rows | None:
    """Header and rows of a table in another form; None where it cannot be read."""
    return _safely(_flat if path.suffix == ".csv" else _columnar, path)


def _safely(read: Callable[..., Any], *arguments: Any) -> Any:
    """What ``read`` finds; None where it stumbles."""
    try:
        return read(*arguments)
    except Exception:  # whatever a broken file does to its reader: it is not the CSV
        return None


def _flat(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return [tuple(row) for row in csv.reader(handle, delimiter=";")]


def _columnar(path: Path) -> Rows:
    with duckdb.connect() as link:
        found = link.sql(f"FROM read_parquet({literal(path)})")
        return [tuple(found.columns), *found.fetchall()]


def _database(path: Path, package: Package) -> dict[str, Rows]:
    with duckdb.connect(str(path), read_only=True) as link:
        there = {
            name for (name,) in link.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        }
        found = {}
        for table in package.tables:
            if table.name in there:
                relation = link.sql(f"FROM {quoted(table.name)}")
                found[table.name] = [tuple(relation.columns), *relation.fetchall()]
        return found


def _workbook(path: Path, package: Package) -> dict[str, Rows]:
    from python_calamine import CalamineWorkbook

    found = {}
    with CalamineWorkbook.from_path(str(path)) as book:
        for table in package.tables:
            if table.name[:_SHEET] in book.sheet_names:
                sheet = book.get_sheet_by_name(table.name[:_SHEET])
                rows = [tuple(row) for row in sheet.to_python()]
                # Title and explanation stand above the header.
                width = len(table.header)
                top = next(place for place, row in enumerate(rows) if row[:width] == table.header)
                found[table.name] = [row[:width] for row in rows[top:]]
    return found


def _differs(table: Table, rows: Rows | None) -> str:
    if rows is None:
        return "niet te lezen, of de tabel zit er niet in"
    header, body = (
        rows[0],
        [row for row in rows[1:] if any(value not in ("", None) for value in row)],
    )
    if header != table.header:
        return "andere kolommen"
    if len(body) != len(table.rows):
        return f"{len(body)} rijen, de CSV heeft er {len(table.rows)}"
    kinds = [str(item.get("type")) for item in table.fields]
    for mine, theirs in zip(body, table.rows, strict=True):
        for name, kind, value, text in zip(table.header, kinds, mine, theirs, strict=False):
            if not _is_same(value, text, kind):
                return f"kolom {name}: een andere waarde dan in de CSV"
    return ""


def _is_same(value: Any, text: str, kind: str) -> bool:
    """Whether a cell of another form holds what the CSV's ``text`` says."""
    if value is None or value == "":
        return text == ""
    match kind:
        case "boolean":
            said = {"WAAR": True, "ONWAAR": False}.get(value, value)
            return (text == "true") if said is True else text == "false" and said is False
        case "integer" | "number":
            said = value.replace(".", "").replace(",", ".") if isinstance(value, str) else value
            try:
                return abs(Decimal(str(said)) - Decimal(text)) <= abs(Decimal(text)) * Decimal(
                    "1e-12"
                )
            except InvalidOperation:
                return False
        case "date":
            if isinstance(value, datetime):
                value = value.date()
            said = (
                value.isoformat() if isinstance(value, date) else "-".join(value.split("-")[::-1])
            )
            return said == text
        case _:
            said = str(value)
            return " ".join(said.split()) in (" ".join(text.split()), f"'{' '.join(text.split())}")


# Figures in documents --------------------------------------------------------------------------


def _unknown(package: Package, read: Reading) -> Iterator[tuple[str, str]]:
    """Numbers with decimals that no table shows, in whatever a reader may open."""
    known = _shown(record for table in package.tables for record in _typed(table))
    for name in read.texts:
        if name.endswith(".svg"):
            known |= _axis(package.folder / name)
    known |= {
        number
        for table in package.tables
        for record in table.records
        for text in record.values()
        if "," in text
        for number in _decimals(text)
    }
    for name, text in read.texts.items():
        if name.endswith(_SAYS) and (strange := _decimals(text) - known):
            yield name, f"{len(strange)} getallen met decimalen die in geen tabel staan"


def _typed(table: Table) -> Iterator[list[str]]:
    """Per row its cells with a number."""
    names = [
        str(item.get("name")) for item in table.fields if item.get("type") in ("integer", "number")
    ]
    for record in table.records:
        yield [record[name] for name in names if record.get(name)]


def _shown(rows: Iterable[Iterable[str]]) -> set[str]:
    """Every way in which a document may write a number of these rows: rounded, in Dutch."""
    found = set()
    for text in {cell for row in rows for cell in row}:
        if not _PLAIN.fullmatch(text):
            continue
        value = Decimal(text)
        found |= {_dutch(value, places) for places in _PLACES}
        # A sentence says "3 lower" where the table says -3.
        found |= {_dutch(abs(value), places) for places in _PLACES}
    return found


def _dutch(value: Decimal, places: int) -> str:
    text = f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"
    return text.replace(".", ",")


def _plainly(number: str) -> str:
    return number.replace("\u00a0", "").replace("−", "-")


def _decimals(text: str) -> set[str]:
    found = (_plainly(number) for number in _NUMBER.findall(_UNSEEN.sub("", text)))
    return {number for number in found if "," in number}


def _axis(path: Path) -> set[str]:
    svg = path.read_text(encoding="utf-8")
    return {number for part in _AXIS.findall(svg) for number in _decimals(_plain(part))}


def _other_rows(package: Package) -> Iterator[tuple[str, str]]:
    """Rows of the page with a number that their row of the dataset does not show."""
    for name in package.files:
        if not name.endswith(".html"):
            continue
        try:
            page = _Rows((package.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        known = {
            (table.name, record[CELL]): record
            for table in package.tables
            if CELL in table.header
            for record in table.records
        }
        wrong = 0
        for dataset, cell, numbers in page.found:
            record = known.get((dataset, cell))
            allowed = _shown([[text for text in (record or {}).values() if text]])
            wrong += record is None or any(_plainly(number) not in allowed for number in numbers)
        if wrong:
            yield name, f"{wrong} rijen met een getal dat niet bij hun adres hoort"


class _Rows(HTMLParser):
    """Of every table row with an address: dataset, cell, numbers in its columns of figures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, list[str]]] = []
        self._dataset, self._caption, self._kind = "", None, ""
        self._cell, self._numbers = "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "table":
            self._dataset, self._caption = said.get("data-dataset") or "", ""
        elif tag == "caption":
            self._kind = "caption"
        elif tag == "tr":
            self._cell, self._numbers = "", []
        elif tag in ("td", "th"):
            self._kind = said.get("class") or ""

    def handle_data(self, data: str) -> None:
        if self._kind == "caption":
            self._caption = (self._caption or "") + data
        elif self._kind == "adres":
            self._cell += data.strip()
        elif self._kind == "getal":
            self._numbers += _NUMBER.findall(_UNSEEN.sub("", data))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "caption"):
            self._kind = ""
        # What was read before stands in a row of its own in the dataset.
        is_again = (self._caption or "").strip().startswith(READ_AGAIN)
        if tag == "tr" and self._dataset and self._cell and not is_again:
            self.found.append((self._dataset, self._cell, self._numbers))
