"""The model over an ODCS 3.1 contract: what the rooms ask of it, typed.

ODCS itself is read and checked by ``open-data-contract-standard``. What ODCS has no field for
stands in ``customProperties``; docs/contracts.md lists them all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml
from open_data_contract_standard.model import (
    DataQuality,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
)

from via_pipeline.contracts.declared import LOADER

SOURCES = Path(__file__).parent / "sources"
BLANK = {"": "leeg"}


class Severity(StrEnum):
    """What a broken rule does: the three outcomes a rule may have."""

    REJECT_FILE = "reject_file"
    REJECT_ROW = "reject_row"
    WARN = "warn"


class PersonalData(StrEnum):
    """The personal-data class of a column (ODCS ``classification``)."""

    IDENTIFYING = "identifying"
    QUASI_IDENTIFYING = "quasi-identifying"
    SPECIAL_CATEGORY = "special-category"
    NONE = "none"


class ContractError(ValueError):
    """A contract that does not say what it must; the message names contract, table and column."""


@dataclass(frozen=True)
class CodeListUse:
    """A column's code list; ``at_peildatum`` also asks that the code is valid on that day."""

    name: str
    at_peildatum: bool


@dataclass(frozen=True)
class Column:
    """One column of a table as the partner sends it, or one derived in intake.

    ``pattern`` is what a cell's text must match in full (after trimming) before it is cast.
    ``missing`` maps a cell's text to the kind of missing it stands for.
    ``derived_from`` and ``derivation`` are set for a column that intake makes of an identifying
    one (``year``, ``prefix:2``, ``age_class``); the partner does not send it. ``coarsen`` says how
    coarse a value is kept (``month``, ``year``, ``step:5``, ``frequent:10``); None: as it is.
    """

    name: str
    logical_type: str
    description: str
    required: bool
    primary_key: bool
    personal_data: PersonalData
    pattern: str | None
    date_format: str | None
    decimal_mark: str
    scale: int
    minimum: float | None
    maximum: float | None
    max_length: int
    missing: Mapping[str, str]
    codelist: CodeListUse | None
    eleven_test: bool
    derived_from: str | None
    derivation: str | None
    coarsen: str | None
    aliases: tuple[str, ...]
    severities: Mapping[str, Severity]
    quality: tuple[DataQuality, ...] = field(repr=False, compare=False)

    @property
    def is_identifying(self) -> bool:
        """Whether the value may never be written outside landing."""
        return self.personal_data is PersonalData.IDENTIFYING

    @property
    def is_delivered(self) -> bool:
        """Whether the partner's file has this column."""
        return self.derived_from is None

    @property
    def has_missing_kinds(self) -> bool:
        """Whether the contract tells more kinds of missing apart than an empty cell."""
        return set(self.missing) != set(BLANK)

    @property
    def is_text(self) -> bool:
        """Whether the typed value is the (trimmed) text itself."""
        return self.logical_type == "string"

    @property
    def duckdb_type(self) -> str:
        """The type of the conformed column. Numbers are decimals: their sums are exact."""
        return {
            "string": "VARCHAR",
            "integer": "BIGINT",
            "number": f"DECIMAL(18,{self.scale})",
            "date": "DATE",
            "boolean": "BOOLEAN",
        }[self.logical_type]

    @property
    def strptime(self) -> str:
        """The contract's date format in strptime's words (``dd-MM-yyyy`` -> ``%d-%m-%Y``)."""
        text = self.date_format or "yyyy-MM-dd"
        return text.replace("dd", "%d").replace("MM", "%m").replace("yyyy", "%Y")


@dataclass(frozen=True)
class Person:
    """Who a row is about: identifying columns that together are replaced by one pseudonym.

    The row gets ``<name>_id`` (hex) and ``<name>_id_soort`` (``id_type``); the pair is the key.
    ``key_fields`` names fields of the delivery's key that belong to the identity (a personnel
    number is unique within its employer only).
    """

    name: str
    id_type: str
    columns: tuple[str, ...]
    key_fields: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """One table (ODCS schema object) of a contract. ``lake_table`` is its conformed name."""

    name: str
    lake_table: str
    description: str
    columns: tuple[Column, ...]
    persons: tuple[Person, ...]
    quality: tuple[DataQuality, ...] = field(repr=False, compare=False)
    conformed: bool = True

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            KeyError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    @property
    def delivered_columns(self) -> tuple[Column, ...]:
        """The columns that the partner's file must have, in order."""
        return tuple(column for column in self.columns if column.is_delivered)

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """The columns that may be written outside landing, in order."""
        return tuple(column for column in self.columns if not column.is_identifying)

    @property
    def key(self) -> tuple[str, ...]:
        """Stored columns that together are unique; identifying ones stand for their person."""
        names: list[str] = []
        for column in self.columns:
            if not column.primary_key:
                continue
            name = column.name
            if column.is_identifying:
                name = self.person_of(column.name).name + "_id"
            if name not in names:
                names.append(name)
        return tuple(names)

    def person_of(self, column: str) -> Person:
        """The person whose identity the identifying ``column`` belongs to.

        Raises:
            KeyError: no person of this table uses it.
        """
        for person in self.persons:
            if column in person.columns:
                return person
        raise KeyError(f"{self.name}.{column} belongs to no person")

    @property
    def conformed_types(self) -> dict[str, str]:
        """Columns of the conformed (accepted) table and their DuckDB types, in order.

        ``_delivery`` and ``_row`` come first, then pseudonyms, then the stored columns, each
        followed by ``<column>__ontbreekt`` where the contract tells kinds of missing apart.
        """
        types = {"_delivery": "VARCHAR", "_row": "BIGINT"}
        for person in self.persons:
            types[f"{person.name}_id"] = "VARCHAR"
            types[f"{person.name}_id_soort"] = "VARCHAR"
        for column in self.stored_columns:
            types[column.name] = column.duckdb_type
            if column.has_missing_kinds:
                types[f"{column.name}__ontbreekt"] = "VARCHAR"
        return types


@dataclass(frozen=True)
class CsvFormat:
    """How the partner writes CSV: what is allowed, from which the file must decide clearly."""

    delimiters: tuple[str, ...] = (";",)
    encodings: tuple[str, ...] = ("utf-8",)


@dataclass(frozen=True)
class Delivery:
    """How a delivery is recognised and laid out.

    ``file_pattern`` is a full-match regex on the file name; its named groups give the fields of
    the key, the contract's major version (``versie``) and nothing else. ``members`` maps a table
    to the regex of its file inside a ZIP or folder, or its sheet in a workbook; a delivery of one
    plain file has one table with ``.*``. ``header_rows`` lines make up the header; title lines
    above it (at most ``title_rows``) are skipped. ``organisation`` is the field of the key that
    holds an organisation's code in the register, where it may object (``pilots.objections``).
    """

    file_pattern: str
    key: tuple[str, ...]
    peildatum: str
    formats: tuple[str, ...]
    members: Mapping[str, str]
    csv: CsvFormat
    header_rows: int
    title_rows: int
    max_quarantine_pct: float
    organisation: str | None = None

    def match(self, file_name: str) -> dict[str, str] | None:
        """The named groups of ``file_name``, or None where it is not of this contract."""
        found = re.fullmatch(self.file_pattern, file_name)
        return None if found is None else dict(found.groupdict())

    def spans(self, file_name: str) -> list[tuple[int, int]]:
        """Where in ``file_name`` the named groups stand; none where it is not of this contract."""
        found = re.fullmatch(self.file_pattern, file_name)
        return [] if found is None else [found.span(name) for name in found.groupdict()]

    def peildatum_of(self, fields: Mapping[str, str]) -> date:
        """The delivery's reference date.

        The template names fields of the key: ``{periode}-12-31``, or a day of a period,
        ``{periode:begin}``, ``{periode:einde}``, ``{schooljaar:teldatum}`` (``period_day``).

        Raises:
            ValueError: the fields do not make a date.
        """
        periods = {name: _Period(value) for name, value in fields.items()}
        return date.fromisoformat(self.peildatum.format(**periods))


_PERIOD = re.compile(
    r"(?P<year>\d{4})(?:H(?P<half>[12])|KW(?P<quarter>[1-4])|-(?P<month>\d{2})(?:-(?P<day>\d{2}))?"
    r"|-(?P<next>\d{4}))?"
)


def period_day(period: str, which: str) -> date:
    """The ``begin`` or ``einde`` (last day) of a period, or its ``teldatum`` (1 October).

    A period is ``2020``, ``2020H2`` (half-year), ``2020KW3`` (quarter), ``2020-06``, one day
    ``2020-06-30``, or the school year ``2020-2021``, which runs from 1 August to 31 July.

    Raises:
        ValueError: ``period`` or ``which`` is none of these.
    """
    found = _PERIOD.fullmatch(period)
    if found is None:
        raise ValueError(f"'{period}' is not a period that is read here")
    year, part = int(found["year"]), {k: int(v) for k, v in found.groupdict().items() if v}
    if "day" in part:
        first, months = date(year, part["month"], part["day"]), 0
    elif "month" in part:
        first, months = date(year, part["month"], 1), 1
    elif "quarter" in part:
        first, months = date(year, part["quarter"] * 3 - 2, 1), 3
    elif "half" in part:
        first, months = date(year, part["half"] * 6 - 5, 1), 6
    elif "next" in part:
        if part["next"] != year + 1:
            raise ValueError(f"'{period}' is not a school year")
        first, months = date(year, 8, 1), 12
    else:
        first, months = date(year, 1, 1), 12
    if which == "begin":
        return first
    if which == "einde":
        after = first.month - 1 + months
        beyond = date(first.year + after // 12, after % 12 + 1, 1)
        return beyond - timedelta(days=1) if months else first
    if which == "teldatum":
        return date(year, 10, 1)
    raise ValueError(f"'{which}' is not a day of a period: begin, einde or teldatum")


class _Period(str):
    """A field of the key that a template may ask a day of."""

    __slots__ = ()

    def __format__(self, which: str) -> str:
        return period_day(self, which).isoformat() if which else str(self)


@dataclass(frozen=True)
class Expected:
    """One delivery that the calendar expects: its key and the day it is due."""

    key: tuple[tuple[str, str], ...]
    due: date


@dataclass(frozen=True)
class Contract:
    """One source: one ODCS file. ``source`` is its name and that of its landing folder."""

    source: str
    version: str
    title: str
    pilot: str | None
    owner: str
    purpose: str
    retention_years: int
    legal_basis: str
    tables: tuple[Table, ...]
    delivery: Delivery
    calendar: tuple[Expected, ...]
    kept_in: str | None
    sha256: str
    path: Path

    def table(self, name: str) -> Table:
        """The table of that name.

        Raises:
            KeyError: there is none.
        """
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(f"{self.source} has no table {name}")

    @cached_property
    def major_version(self) -> str:
        """The part of the version that a file name carries."""
        return self.version.split(".")[0]


def source_names(sources: Path = SOURCES) -> list[str]:
    """Names of all contracts, sorted."""
    return sorted(path.name.removesuffix(".odcs.yaml") for path in sources.glob("*.odcs.yaml"))


def load(source: str, sources: Path = SOURCES) -> Contract:
    """The contract of ``source``.

    Raises:
        ContractError: the file is not valid ODCS or lacks what this platform needs.
        FileNotFoundError: there is no such contract.
    """
    path = sources / f"{source}.odcs.yaml"
    return _load(path, path.stat().st_mtime_ns)


def load_all(sources: Path = SOURCES) -> list[Contract]:
    """Every contract, sorted by source."""
    return [load(source, sources) for source in source_names(sources)]


@cache
def _load(path: Path, _modified: int) -> Contract:
    text = path.read_text(encoding="utf-8")
    try:
        odcs = OpenDataContractStandard.model_validate(yaml.load(text, Loader=LOADER))  # noqa: S506 (a safe one)
    except (ValueError, yaml.YAMLError) as error:
        raise ContractError(f"{path.name} is not a valid ODCS contract: {error}") from error
    try:
        return _contract(odcs, hashlib.sha256(text.encode()).hexdigest(), path)
    except (KeyError, TypeError, AttributeError) as error:
        raise ContractError(f"{path.name} lacks or misspells {error}") from error


def _custom(holder: Any) -> dict[str, Any]:
    return {item.property: item.value for item in holder.customProperties or []}


def _contract(odcs: OpenDataContractStandard, sha256: str, path: Path) -> Contract:
    custom = _custom(odcs)
    levels = {item.property: item.value for item in odcs.slaProperties or []}
    delivery = _delivery(custom["delivery"])
    if missing := {"retention"} - set(levels):
        raise ContractError(f"{path.name} lacks slaProperties {sorted(missing)}")
    contract = Contract(
        source=str(odcs.name),
        version=str(odcs.version),
        title=str(custom["title"]),
        pilot=custom.get("pilot"),
        owner=str(custom["owner"]),
        purpose=str(odcs.description.purpose if odcs.description else ""),
        retention_years=int(str(levels["retention"])),
        legal_basis=str(custom["legal_basis"]),
        tables=tuple(_table(table, path) for table in odcs.schema_ or []),
        delivery=delivery,
        calendar=_calendar(custom.get("calendar") or {}),
        kept_in=custom.get("kept_in"),
        sha256=sha256,
        path=path,
    )
    if contract.source != path.name.removesuffix(".odcs.yaml"):
        raise ContractError(f"{path.name} is named {contract.source} inside")
    if delivery.organisation not in (None, *delivery.key):
        raise ContractError(f"{path.name}: organisation '{delivery.organisation}' is not in key")
    unknown = set(delivery.members) - {table.name for table in contract.tables}
    if unknown or len(delivery.members) != len(contract.tables):
        raise ContractError(f"{path.name}: members and tables differ")
    return contract


def _delivery(value: Mapping[str, Any]) -> Delivery:
    csv = value.get("csv") or {}
    return Delivery(
        file_pattern=value["file_pattern"],
        key=tuple(value["key"]),
        peildatum=value["peildatum"],
        formats=tuple(value["formats"]),
        members=dict(value["members"]),
        csv=CsvFormat(tuple(csv.get("delimiters", [";"])), tuple(csv.get("encodings", ["utf-8"]))),
        header_rows=int(value.get("header_rows", 1)),
        title_rows=int(value.get("title_rows", 0)),
        max_quarantine_pct=float(value.get("max_quarantine_pct", 10)),
        organisation=value.get("organisation"),
    )


def _calendar(value: Mapping[str, Any]) -> tuple[Expected, ...]:
    """``expected`` is a list of mappings: the key's fields plus ``due`` (an ISO date)."""
    expected = []
    for item in value.get("expected", []):
        fields = {name: str(field) for name, field in item.items() if name != "due"}
        expected.append(
            Expected(tuple(sorted(fields.items())), date.fromisoformat(str(item["due"])))
        )
    return tuple(expected)


def _table(schema: SchemaObject, path: Path) -> Table:
    custom = _custom(schema)
    table = Table(
        name=str(schema.name),
        lake_table=str(schema.physicalName),
        description=_described(schema, f"{path.name}: {schema.name}"),
        columns=tuple(
            _column(item, f"{path.name}: {schema.name}") for item in schema.properties or ()
        ),
        persons=tuple(
            Person(
                item.get("name", "persoon"),
                item["id_type"],
                tuple(item["columns"]),
                tuple(item.get("key_fields", ())),
            )
            for item in custom.get("persons", [])
        ),
        quality=tuple(schema.quality or ()),
        conformed=bool(custom.get("conformed", True)),
    )
    names = [column.name for column in table.columns]
    for person in table.persons:
        for name in person.columns:
            if name not in names:
                raise ContractError(f"{path.name}: {table.name}: person of unknown column {name}")
    _check_personal_data(table, f"{path.name}: {table.name}")
    return table


def _check_personal_data(table: Table, where: str) -> None:
    """What a class of personal data asks of the table as a whole.

    Raises:
        ContractError: an identifying column has no person that stands for it, or free text beside
            persons is kept in full.
    """
    named = {name for person in table.persons for name in person.columns}
    for column in table.columns:
        if column.is_identifying != (column.name in named):
            raise ContractError(
                f"{where}.{column.name}: identifying columns and those of persons must be the same"
            )
        is_free = column.is_text and column.codelist is None and column.pattern is None
        if table.persons and is_free and column.is_delivered and not column.coarsen:
            raise ContractError(
                f"{where}.{column.name}: free text beside persons may hold a name; say how much of "
                "it is kept (coarsen: frequent:10)"
            )


def _column(item: SchemaProperty, where: str) -> Column:
    where = f"{where}.{item.name}"
    custom = _custom(item)
    options = item.logicalTypeOptions or {}
    logical_type = str(item.logicalType)
    codelist = custom.get("codelist")
    scale = int(custom.get("scale", options.get("scale", 2 if logical_type == "number" else 0)))
    column = Column(
        name=str(item.name),
        logical_type=logical_type,
        description=_described(item, where),
        required=bool(item.required),
        primary_key=bool(item.primaryKey),
        personal_data=PersonalData(item.classification or ""),
        pattern=_pattern(logical_type, options, str(custom.get("decimal", ",")), scale),
        date_format=options.get("format") if logical_type == "date" else None,
        decimal_mark=str(custom.get("decimal", ",")),
        scale=scale,
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        max_length=int(options.get("maxLength", 200)),
        missing=BLANK | {str(k): str(v) for k, v in (custom.get("missing") or {}).items()},
        codelist=(
            CodeListUse(codelist["name"], bool(codelist.get("at_peildatum"))) if codelist else None
        ),
        eleven_test=bool(custom.get("eleven_test")),
        derived_from=next(iter(item.transformSourceObjects or ()), None),
        derivation=item.transformLogic,
        coarsen=_coarsen(custom.get("coarsen"), logical_type, where),
        aliases=tuple(custom.get("aliases", ())),
        severities={
            kind: Severity(severity) for kind, severity in (custom.get("severity") or {}).items()
        },
        quality=tuple(item.quality or ()),
    )
    if logical_type not in {"string", "integer", "number", "date", "boolean"}:
        raise ContractError(f"{where}: logicalType {logical_type} is not one that is read here")
    return column


def _coarsen(value: Any, logical_type: str, where: str) -> str | None:
    """How coarse a column is kept, checked against its type."""
    if value is None:
        return None
    forms = {
        "date": r"month|year",
        "integer": r"step:[1-9]\d*",
        "number": r"step:[1-9]\d*",
        "string": r"frequent:[1-9]\d*",
    }
    if not re.fullmatch(forms.get(logical_type, "(?!)"), str(value)):
        raise ContractError(f"{where}: coarsen {value!r} is not known for a {logical_type}")
    return str(value)


def _described(item: SchemaObject | SchemaProperty, where: str) -> str:
    if not item.description:
        raise ContractError(f"{where} has no description")
    return str(item.description).strip()


def _pattern(kind: str, options: Mapping[str, Any], decimal: str, scale: int) -> str | None:
    """The pattern that the contract gives, else the one its type needs before a cast is safe."""
    if options.get("pattern"):
        return str(options["pattern"])
    if kind == "integer":
        return r"-?[0-9]{1,18}"
    if kind == "number":
        return rf"-?[0-9]{{1,15}}({re.escape(decimal)}[0-9]{{1,{max(scale, 1)}}})?"
    if kind == "date":
        text = str(options.get("format", "yyyy-MM-dd"))
        for field_, digits in (("yyyy", 4), ("MM", 2), ("dd", 2)):
            text = text.replace(field_, f"[0-9]{{{digits}}}")
        return text
    if kind == "boolean":
        return "[JN]"
    return None
