"""``datapackage.json``: the package described as a Frictionless Data Package, version 2.

Belongs here: the descriptor. Does not belong here: the words of columns (``disclosure``), the bytes
(``package``). Specification: https://datapackage.org/standard/data-package/
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from via_pipeline import __version__
from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.model import Dataset, load_ruleset
from via_pipeline.disclosure.protect import STATUS
from via_pipeline.letters.editions import Edition
from via_pipeline.letters.files import Written

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"

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


def descriptor(edition: Edition, written: Sequence[Written]) -> dict[str, Any]:
    """The descriptor of a package."""
    notice = dictionary.synthetic_notice()
    is_synthetic = any(item.is_synthetic for item in written)
    return {
        "$schema": PROFILE,
        "name": f"via-voortgangsbrief-{edition.name.replace('_', '-')}",
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
        "leesdatum": edition.reading_date.isoformat(),
        "kamerstuk": edition.parliament,
        "synthetisch": is_synthetic,
        "resources": [_resource(item) for item in written],
    }


def _resource(item: Written) -> dict[str, Any]:
    dataset = item.dataset
    words = dictionary.columns(dataset.name)
    description = dictionary.description(dataset.name)
    return {
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
        "regelset": load_ruleset(dataset.ruleset).title,
        "ook_als": [
            {
                "path": item.parquet.name,
                "format": "parquet",
                "mediatype": "application/vnd.apache.parquet",
                "bytes": item.parquet.bytes,
                "hash": f"sha256:{item.parquet.sha256}",
            }
        ],
        "schema": {
            "fields": [_field(name, kind, words[name], dataset) for name, kind in item.types],
            "primaryKey": list(dataset.key),
            "missingValues": [""],
        },
    }


def _field(name: str, kind: str, text: str, dataset: Dataset) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": name,
        "type": _TYPES[kind.split("(")[0]],
        "description": text,
    }
    if name == STATUS:
        field["categories"] = [
            {"value": code, "label": meaning} for code, meaning in dictionary.symbols().items()
        ]
        field["constraints"] = {"enum": list(dictionary.symbols())}
    if name in dataset.key:
        field["constraints"] = {"required": True}
    return field
