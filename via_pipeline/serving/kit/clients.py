"""Small files that make one program open the release: Power BI, Tableau, DBeaver.

Belongs here: their formats. Does not belong here: texts and scripts (``templates``), Superset's
archive (``superset``).

Sources: .pbids is Microsoft's "Power BI data source file" (a folder connection, version 0.1); .tds
is Tableau's data source over text files; data-sources.json is what a DBeaver project keeps its
connections in. None of these three programs runs here: the tests hold the files to the formats,
and nobody opened them in the programs themselves.
"""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import TYPE_CHECKING
from xml.etree import ElementTree as xml

if TYPE_CHECKING:
    from via_pipeline.serving.kit.write import Table

POWER_TYPES = {
    "VARCHAR": "type text",
    "BIGINT": "Int64.Type",
    "BOOLEAN": "type logical",
    "DATE": "type date",
    "DECIMAL": "type number",
}
"""Types of Power Query by the first word of DuckDB's; ``serving.content.PLAIN_TYPES`` has all."""

R_TYPES = {
    "VARCHAR": "character",
    "BIGINT": "numeric",
    "BOOLEAN": "logical",
    "DATE": "Date",
    "DECIMAL": "numeric",
}
"""Types of R, likewise."""

_TABLEAU_TYPES = {
    "VARCHAR": "string",
    "BIGINT": "integer",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DECIMAL": "real",
}


def plain(kind: str) -> str:
    """The first word of a type: ``DECIMAL(18,4)`` is ``DECIMAL``."""
    return kind.split("(")[0]


def pbids(folder: PurePath) -> str:
    """Power BI: a connection to the folder of Parquet files."""
    details = {"protocol": "folder", "address": {"path": str(folder)}}
    said = {
        "version": "0.1",
        "connections": [{"details": details, "options": {}, "mode": "Import"}],
    }
    return json.dumps(said, ensure_ascii=False, indent=2) + "\n"


def dbeaver(file: PurePath) -> str:
    """DBeaver: a read-only connection through its own DuckDB driver."""
    connection = {
        "provider": "generic",
        "driver": "duckdb_jdbc",
        "name": "VIA",
        "save-password": True,
        "read-only": True,
        "configuration": {
            "database": str(file),
            "url": f"jdbc:duckdb:{file}",
            "configurationType": "MANUAL",
            "type": "prod",
            "properties": {"duckdb.read_only": "true"},
            "auth-model": "native",
        },
    }
    said = {"folders": {}, "connections": {"duckdb_jdbc-via": connection}}
    return json.dumps(said, ensure_ascii=False, indent=2) + "\n"


def tds(folder: PurePath, table: Table) -> str:
    """Tableau: the table's CSV file, with types and words, so that nothing is guessed."""
    name, file = "textscan.via", f"{table.name}.csv"
    source = xml.Element("datasource", {"formatted-name": f"via.{table.name}", "version": "18.1"})
    connection = xml.SubElement(source, "connection", {"class": "federated"})
    named = xml.SubElement(connection, "named-connections")
    one = xml.SubElement(named, "named-connection", {"caption": "VIA", "name": name})
    xml.SubElement(
        one,
        "connection",
        {"class": "textscan", "directory": folder.as_posix(), "filename": file, "server": ""},
    )
    relation = xml.SubElement(
        connection,
        "relation",
        {"connection": name, "name": file, "table": f"[{table.name}#csv]", "type": "table"},
    )
    columns = xml.SubElement(
        relation,
        "columns",
        {"character-set": "UTF-8", "header": "yes", "locale": "en_US", "separator": ","},
    )
    for place, column in enumerate(table.columns):
        kind = _TABLEAU_TYPES[plain(column.kind)]
        xml.SubElement(
            columns, "column", {"datatype": kind, "name": column.name, "ordinal": str(place)}
        )
        is_figure = kind in ("integer", "real")
        described = xml.SubElement(
            source,
            "column",
            {
                "caption": column.name,
                "datatype": kind,
                "name": f"[{column.name}]",
                "role": "measure" if is_figure else "dimension",
                "type": "quantitative" if is_figure else "nominal",
            },
        )
        text = xml.SubElement(xml.SubElement(described, "desc"), "formatted-text")
        xml.SubElement(text, "run").text = column.words
    xml.indent(source)
    head = "<?xml version='1.0' encoding='utf-8' ?>\n"
    return head + xml.tostring(source, encoding="unicode") + "\n"
