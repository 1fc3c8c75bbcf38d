"""``datapackage.json``: the package described as a Frictionless Data Package, version 2.

Belongs here: the descriptor. Does not belong here: the words of columns (``disclosure``, and
``content`` for what the letter adds), the bytes (``files``). Specification:
https://datapackage.org/standard/data-package/
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from via_pipeline import __version__
from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.model import load_ruleset
from via_pipeline.letters.address import CELL
from via_pipeline.letters.content import codes
from via_pipeline.letters.dcat import FORMATS
from via_pipeline.letters.editions import Edition
from via_pipeline.letters.files import File, Written

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
MISSING = "Ontbreekt; waarde_status zegt waarom"

_TYPES = {
    "VARCHAR": "string",
    "BIGINT": "integer",
    "DECIMAL": "number",
    "DATE": "date",
    "BOOLEAN": "boolean",
}

_LICENCE = {
    "name": "CC0-1.0",
    "title": "Creative Commons Zero 1.0",
    "path": "https://creativecommons.org/publicdomain/zero/1.0/deed.nl",
}

_SOURCES = [
    {"title": "Leveringen van de partners van het programma VIA (herkomst.json)"},
    {"title": "Programmaregister VIA; de openbare bron staat per rij"},
    {
        "title": "CBS, StatLine 82809NED, arbeidsdeelname naar migratieachtergrond",
        "path": "https://www.cbs.nl/nl-nl/cijfers/detail/82809NED",
    },
]


def descriptor(
    edition: Edition, written: Sequence[Written], books: Sequence[File]
) -> dict[str, Any]:
    """The descriptor of a package; ``books`` are the files that hold every table."""
    notice = dictionary.synthetic_notice()
    is_synthetic = any(item.is_synthetic for item in written)
    return {
        "$schema": PROFILE,
        "name": f"via-voortgangsbrief-{edition.release.replace('_', '-')}",
        "title": f"Datasets bij de voortgangsbrief: {edition.title}",
        "description": " ".join(
            [
                f"Wat op {edition.reading_date.isoformat()} was ontvangen en bekend, "
                "gecontroleerd op onthulling.",
                *([notice] if is_synthetic else []),
            ]
        ),
        "version": __version__,
        "licenses": [_LICENCE],
        "sources": _SOURCES,
        "editie": edition.name,
        "uitgave": edition.release,
        "leesdatum": edition.reading_date.isoformat(),
        "kamerstuk": edition.parliament,
        "synthetisch": is_synthetic,
        "resources": [_resource(item) for item in written],
        # Not resources: each holds all tables, and readers of packages would open it as one.
        "werkboeken": [_file(file, file.name.rsplit(".", 1)[-1]) for file in books],
    }


def _resource(item: Written) -> dict[str, Any]:
    content = item.table.content
    dataset = content.dataset
    description = content.description
    found: dict[str, Any] = {
        "name": item.name,
        "type": "table",
        "title": item.title,
        "description": f"{description} {dictionary.synthetic_notice()}"
        if item.is_synthetic
        else description,
        "path": item.csv.name,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": item.csv.bytes,
        "hash": f"sha256:{item.csv.sha256}",
        "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "quoteChar": '"', "header": True},
        "rijen": item.rows,
        "synthetisch": item.is_synthetic,
        "ook_als": [_file(item.parquet, "parquet"), _file(item.excel, "csv-excel")],
        "schema": {
            "fields": _fields(item),
            "primaryKey": list(content.key),
            **({"uniqueKeys": [[CELL]]} if dataset else {}),
            "missingValues": [{"value": "", "label": MISSING}],
        },
    }
    if dataset is not None:
        found["regelset"] = load_ruleset(dataset.ruleset).title
        # The first is the one that an address without a column means.
        found["cijfers"] = list(content.figures)
        found["n"] = [
            name for name in (dataset.count, *(arm.count for arm in dataset.arms)) if name
        ]
    return found


def _fields(item: Written) -> list[dict[str, Any]]:
    lists = codes(item.table)
    fields = []
    for name, kind in item.table.types:
        field: dict[str, Any] = {
            "name": name,
            "type": _TYPES[kind.split("(")[0]],
            "description": item.table.content.words[name],
        }
        constraints: dict[str, Any] = {}
        if name in lists:
            field["categories"] = [
                {"value": code, "label": label} for code, label in lists[name].items()
            ]
            constraints["enum"] = list(lists[name])
        if name in item.table.content.key:
            constraints["required"] = True
        if constraints:
            field["constraints"] = constraints
        fields.append(field)
    return fields


def _file(file: File, kind: str) -> dict[str, Any]:
    return {
        "path": file.name,
        "format": kind,
        "mediatype": FORMATS[kind].media_type,
        "bytes": file.bytes,
        "hash": f"sha256:{file.sha256}",
    }
