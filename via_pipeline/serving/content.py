"""What stands in the published file: which tables, from what, with which words.

Belongs here: the allow-list and the dictionary tables (``woordenboek``, ``codelijst``, ``symbool``,
``publicatie``). Does not belong here: writing files (``publish``), the words of published datasets
(``disclosure/columns.yaml``).
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from via_pipeline import __version__
from via_pipeline.contracts import codelists
from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.model import PREFIX, Dataset, load_datasets, load_ruleset
from via_pipeline.disclosure.protect import RULE, STATUS, SYNTHETIC, order_by
from via_pipeline.storage.duck import literal, quoted

PLAIN_TYPES = ("VARCHAR", "BIGINT", "BOOLEAN", "DATE", "DECIMAL")
"""Types that every BI driver reads; a DECIMAL has any precision."""

_SHIPPED_LISTS = Path(codelists.__file__).parent / "codelists"

DICTIONARIES: dict[str, tuple[str, dict[str, str]]] = {
    "woordenboek": (
        "Elke tabel en kolom in dit bestand, met omschrijving.",
        {
            "tabel": "Naam van de tabel.",
            "kolom": "Naam van de kolom; leeg op de rij over de tabel zelf.",
            "volgorde": "Plaats van de kolom in de tabel; 0 voor de tabel zelf.",
            "soort": "Type van de kolom.",
            "omschrijving": "Wat de tabel of kolom inhoudt.",
        },
    ),
    "codelijst": (
        "Codes die in de tabellen voorkomen, met hun betekenis.",
        {
            "lijst": "Naam van de codelijst; vaak gelijk aan groep_soort in de resultaten.",
            "code": "De code.",
            "label": "Betekenis van de code.",
        },
    ),
    "symbool": (
        "Betekenis van waarde_status: waarom een cijfer ontbreekt.",
        {"waarde_status": "De code.", "betekenis": "Waarom het cijfer ontbreekt."},
    ),
    "publicatie": (
        "Waaruit deze uitgave bestaat, met een controlegetal per tabel.",
        {
            "uitgave": "Kenmerk van de uitgave, gemaakt van de controlegetallen van alle tabellen.",
            "tabel": "Naam van de tabel.",
            "rijen": "Aantal rijen.",
            "sha256": "Controlegetal van de inhoud van de tabel.",
            "peildatum_tot": "Laatste peildatum in de uitgave; leeg als er geen is.",
            "regelset": "Regels waarmee de tabel op onthulling is gecontroleerd.",
            "bevat_synthetisch": "Waar (true) als de tabel synthetische rijen bevat.",
            "code_versie": "Versie van de programmatuur.",
        },
    ),
}
"""Tables about the tables, with their words."""


class ContentError(ValueError):
    """Something that may not be published, or not as it is; the message names table and column."""


def allowed() -> dict[str, list[str]]:
    """Every table that may stand in the file, with its columns in order; nothing else may."""
    datasets = {name: list(dictionary.columns(name)) for name in dictionary.tables()}
    return datasets | {name: list(columns) for name, (_, columns) in DICTIONARIES.items()}


def words(table: str) -> tuple[str, dict[str, str]]:
    """Description of a table and of its columns.

    Raises:
        KeyError: it is not one that may be published.
    """
    if table in DICTIONARIES:
        return DICTIONARIES[table]
    return f"{dictionary.title(table)}. {dictionary.description(table)}", dictionary.columns(table)


def load(connection: duckdb.DuckDBPyConnection, catalog: str, reference: Path) -> None:
    """Fill ``catalog`` from the views ``disclosure__*`` on ``connection``, then comment it.

    Raises:
        ContentError: a table lacks ``waarde_status`` or differs from its description.
    """
    datasets = load_datasets()
    for dataset in datasets:
        _disclosed(connection, catalog, dataset)
    _codes(connection, catalog, reference)
    _symbols(connection, catalog)
    _dictionary(connection, catalog)
    _release(connection, catalog, datasets)
    for table in allowed():
        _comment(connection, catalog, table)


def checksum(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[int, str]:
    """Number of rows of ``table`` (SQL name) and the SHA-256 of its cells in their stored order.

    Plain SQL, so that any reader can work it out: cells as texts, NULL as ``\\N``, joined by
    U+001F, rows by line feeds.
    """
    columns = [name for name, *_ in connection.sql(f"FROM {table}").description]
    cells = ", ".join(f"coalesce(CAST({quoted(name)} AS VARCHAR), '\\N')" for name in columns)
    found = connection.execute(
        f"SELECT count(*), sha256(coalesce(string_agg(concat_ws(chr(31), {cells}), chr(10) "
        f"ORDER BY rowid), '')) FROM {table}"
    ).fetchone()
    assert found is not None
    return found[0], found[1]


def _disclosed(connection: duckdb.DuckDBPyConnection, catalog: str, dataset: Dataset) -> None:
    source = PREFIX + dataset.name
    there = [name for name, *_ in connection.sql(f"FROM {quoted(source)}").description]
    if STATUS not in there or RULE not in there:
        raise ContentError(f"{source} has no {STATUS}: it did not pass disclosure control")
    expected = list(dictionary.columns(dataset.name))
    if there != expected:
        raise ContentError(
            f"{source} and disclosure/columns.yaml differ: "
            f"{sorted(set(there) ^ set(expected)) or 'the order of columns'}"
        )
    figure = dataset.value or dataset.count
    if figure and connection.execute(
        f"SELECT count(*) FROM {quoted(source)} WHERE ({quoted(figure)} IS NULL) <> "
        f"({STATUS} IS NOT NULL)"
    ).fetchone() != (0,):
        raise ContentError(f"{source}: {figure} and {STATUS} contradict each other")
    connection.execute(
        f"CREATE TABLE {catalog}.{quoted(dataset.name)} AS "
        f"SELECT * FROM {quoted(source)} ORDER BY {order_by(dataset)}"
    )


def _codes(connection: duckdb.DuckDBPyConnection, catalog: str, reference: Path) -> None:
    rows = [
        (path.stem, code, label)
        for path in sorted(_SHIPPED_LISTS.glob("*.csv"))
        for code, label in sorted(codelists.load(path.stem, reference).labels.items())
    ]
    connection.execute(
        f"CREATE TABLE {catalog}.codelijst (lijst VARCHAR, code VARCHAR, label VARCHAR)"
    )
    connection.executemany(f"INSERT INTO {catalog}.codelijst VALUES (?, ?, ?)", rows)


def _symbols(connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
    connection.execute(f"CREATE TABLE {catalog}.symbool (waarde_status VARCHAR, betekenis VARCHAR)")
    connection.executemany(
        f"INSERT INTO {catalog}.symbool VALUES (?, ?)", sorted(dictionary.symbols().items())
    )


def _dictionary(connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
    connection.execute(
        f"CREATE TABLE {catalog}.woordenboek "
        "(tabel VARCHAR, kolom VARCHAR, volgorde BIGINT, soort VARCHAR, omschrijving VARCHAR)"
    )
    # The last two tables describe themselves too; their types are told where they are made.
    connection.execute(_release_table(catalog))
    rows: list[tuple[str, str | None, int, str | None, str]] = []
    for table in allowed():
        description, columns = words(table)
        rows.append((table, None, 0, None, description))
        types = {
            name: str(kind)
            for name, kind, *_ in connection.execute(
                f"DESCRIBE SELECT * FROM {catalog}.{quoted(table)}"
            ).fetchall()
        }
        rows += [
            (table, name, place, types[name], text)
            for place, (name, text) in enumerate(columns.items(), start=1)
        ]
    connection.executemany(f"INSERT INTO {catalog}.woordenboek VALUES (?, ?, ?, ?, ?)", rows)


def _release_table(catalog: str) -> str:
    return (
        f"CREATE TABLE {catalog}.publicatie (uitgave VARCHAR, tabel VARCHAR, rijen BIGINT, "
        "sha256 VARCHAR, peildatum_tot DATE, regelset VARCHAR, bevat_synthetisch BOOLEAN, "
        "code_versie VARCHAR)"
    )


def _release(connection: duckdb.DuckDBPyConnection, catalog: str, datasets: list[Dataset]) -> None:
    rules = {dataset.name: load_ruleset(dataset.ruleset).title for dataset in datasets}
    content = {
        table: checksum(connection, f"{catalog}.{quoted(table)}")
        for table in allowed()
        if table != "publicatie"
    }
    dates = [
        f"SELECT max(peildatum) AS dag FROM {catalog}.{quoted(dataset.name)}"
        for dataset in datasets
        if "peildatum" in dictionary.columns(dataset.name)
    ]
    latest = connection.execute(f"SELECT max(dag) FROM ({' UNION ALL '.join(dates)})").fetchone()
    assert latest is not None
    joined = "\n".join(f"{table} {digest}" for table, (_, digest) in content.items())
    release = connection.execute(f"SELECT sha256({literal(joined)})").fetchone()
    assert release is not None
    connection.executemany(
        f"INSERT INTO {catalog}.publicatie VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                release[0][:16],
                table,
                rows,
                digest,
                latest[0],
                rules.get(table),
                _is_synthetic(connection, catalog, table),
                __version__,
            )
            for table, (rows, digest) in content.items()
        ],
    )


def _is_synthetic(connection: duckdb.DuckDBPyConnection, catalog: str, table: str) -> bool:
    if SYNTHETIC not in allowed()[table]:
        return False
    found = connection.execute(
        f"SELECT coalesce(bool_or({SYNTHETIC}), false) FROM {catalog}.{quoted(table)}"
    ).fetchone()
    return found == (True,)


def _comment(connection: duckdb.DuckDBPyConnection, catalog: str, table: str) -> None:
    description, columns = words(table)
    if _is_synthetic(connection, catalog, table):
        description = f"{description} {dictionary.synthetic_notice()}"
    name = f"{catalog}.{quoted(table)}"
    connection.execute(f"COMMENT ON TABLE {name} IS {literal(description)}")
    for column, text in columns.items():
        connection.execute(f"COMMENT ON COLUMN {name}.{quoted(column)} IS {literal(text)}")
