"""What is in the published file: the datasets, and the tables that explain them.

Belongs here: names, Dutch words and rows of every published table. Does not belong here: writing
the file (``publish``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from via_pipeline.contracts import codelists, model, rules
from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.model import PREFIX
from via_pipeline.disclosure.protect import RULE, STATUS, SYNTHETIC
from via_pipeline.storage import lake
from via_pipeline.storage.duck import quoted

PLAIN_TYPES = ("VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "DATE", "BOOLEAN")
"""Types that every BI driver reads; DECIMAL(18,s) comes with them."""

SUMMARY = "publicatie"


class NotPublishable(RuntimeError):
    """A table is not fit to be published; what was published before stands."""


@dataclass(frozen=True)
class Published:
    """One table of the published file: its Dutch words, and its columns with theirs, in order."""

    name: str
    comment: str
    columns: dict[str, str]


_DICTIONARIES = (
    Published(
        "woordenboek",
        "Elke tabel en kolom van dit bestand, met omschrijving.",
        {
            "tabel": "Naam van de tabel.",
            "kolom": "Naam van de kolom; leeg in de regel over de tabel zelf.",
            "soort": "Gegevenstype van de kolom.",
            "omschrijving": "Wat er in staat.",
        },
    ),
    Published(
        "codelijst",
        "De codes die in dit bestand voorkomen, met hun betekenis en geldigheid.",
        {
            "lijst": "Naam van de codelijst.",
            "code": "De code.",
            "label": "Betekenis van de code.",
            "geldig_van": "Eerste dag waarop de code geldt; leeg is zonder begin.",
            "geldig_tot": "Laatste dag waarop de code geldt; leeg is zonder einde.",
        },
    ),
    Published(
        "symbool",
        "Wat de tekens in de kolom waarde_status betekenen.",
        {"waarde_status": "Het teken.", "betekenis": "Wat het zegt over het ontbrekende cijfer."},
    ),
    Published(
        SUMMARY,
        "Per tabel het aantal rijen en de controlesom waarmee een lezer ziet dat ze heel is.",
        {
            "tabel": "Naam van de tabel.",
            "rijen": "Aantal rijen.",
            "controlesom": "SHA-256 over alle waarden; de formule staat in docs/bi.md.",
            "gegevens_tot": "Laatste peildatum in de tabel; leeg als ze geen peildatum heeft.",
            "heeft_synthetisch": "Waar (true) als de tabel synthetische rijen bevat.",
            "programmaversie": "Versie van via_pipeline die het bestand maakte.",
        },
    ),
)


def datasets() -> list[Published]:
    """The datasets, in the order of the dictionary."""
    return [
        Published(name, dictionary.description(name), dictionary.columns(name))
        for name in dictionary.tables()
    ]


def explaining() -> list[Published]:
    """The tables that explain the datasets, in order; ``publicatie`` is the last."""
    return list(_DICTIONARIES)


def fill_dataset(connection: duckdb.DuckDBPyConnection, home_lake: Path, table: Published) -> None:
    """Copy a protected table from the lake into the attached file ``uit``.

    Raises:
        NotPublishable: it has not passed disclosure control, or a column is not the dictionary's.
    """
    protected = f"{PREFIX}{table.name}"
    try:
        lake.view(connection, home_lake, protected)
    except lake.NoSuchTable as error:
        raise NotPublishable(f"{protected} was never made; run the refresh first") from error
    found = connection.execute(f"DESCRIBE {quoted(protected)}").fetchall()
    names = [name for name, *_ in found]
    if STATUS not in names or RULE not in names:
        raise NotPublishable(f"{protected} did not pass disclosure control: no {STATUS} or {RULE}")
    if names != list(table.columns):
        odd = sorted(set(names) ^ set(table.columns)) or ["their order"]
        raise NotPublishable(f"{protected} and the dictionary differ in: {', '.join(odd)}")
    for name, kind, *_ in found:
        if kind not in PLAIN_TYPES and not kind.startswith("DECIMAL(18,"):
            raise NotPublishable(f"{protected}.{name} is of type {kind}; BI drivers do not all")
    connection.execute(f"CREATE TABLE uit.{quoted(table.name)} AS FROM {quoted(protected)}")


def fill_explaining(
    connection: duckdb.DuckDBPyConnection, reference: Path, filled: list[Published]
) -> None:
    """Fill ``woordenboek``, ``codelijst`` and ``symbool`` in the attached file ``uit``."""
    connection.execute(
        "CREATE TABLE uit.woordenboek (tabel VARCHAR, kolom VARCHAR, soort VARCHAR, "
        "omschrijving VARCHAR)"
    )
    connection.execute(
        "CREATE TABLE uit.codelijst (lijst VARCHAR, code VARCHAR, label VARCHAR, "
        "geldig_van DATE, geldig_tot DATE)"
    )
    connection.execute("CREATE TABLE uit.symbool (waarde_status VARCHAR, betekenis VARCHAR)")
    _insert(connection, "symbool", sorted(dictionary.symbols().items()))
    _insert(connection, "codelijst", _codes(reference))
    kinds = {
        (table, column): kind
        for table, column, kind in connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE database_name = 'uit'"
        ).fetchall()
    }
    words = []
    for table in filled + explaining():
        words.append((table.name, None, None, table.comment))
        words += [
            (table.name, column, kinds.get((table.name, column)), text)
            for column, text in table.columns.items()
        ]
    _insert(connection, "woordenboek", words)


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]
) -> None:
    """Insert rows column by column: one by one costs a second for some thousand rows."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    if columns:
        values = ", ".join(f"unnest(${index + 1})" for index in range(len(columns)))
        connection.execute(f"INSERT INTO uit.{quoted(table)} SELECT {values}", columns)


def has_synthetic(connection: duckdb.DuckDBPyConnection, table: Published) -> bool:
    """Whether a table of the attached file ``uit`` has rows that rest on synthetic deliveries."""
    if SYNTHETIC not in table.columns:
        return False
    found = connection.execute(
        f"SELECT coalesce(bool_or({SYNTHETIC}), false) FROM uit.{quoted(table.name)}"
    ).fetchone()
    return bool(found and found[0])


def _codes(reference: Path) -> list[tuple[object, ...]]:
    """Rows of every code list that a contract uses."""
    names = {
        name
        for contract in model.load_all()
        for table in contract.tables
        for name in rules.needs_codelists(table)
    }
    return [
        (name, code.code, code.label, code.valid_from, code.valid_to)
        for name in sorted(names)
        for code in codelists.load(name, reference).codes
    ]
