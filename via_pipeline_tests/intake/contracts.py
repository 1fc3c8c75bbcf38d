"""A small contract written for a test, beside the real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from via_pipeline.contracts import codelists


def small_contract(folder: Path, **delivery: Any) -> Path:
    """Write the contract ``klein`` (one table ``rij``) into ``folder``; return the folder.

    ``delivery`` replaces parts of its delivery description.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def column(name: str, kind: str, classification: str = "none", **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            "logicalType": kind,
            "description": name,
            "classification": classification,
            **more,
        }

    contract = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "klein",
        "name": "klein",
        "version": "1.0.0",
        "status": "active",
        "description": {"purpose": "test"},
        "schema": [
            {
                "name": "rij",
                "physicalName": "pilots__klein",
                "description": "test",
                "customProperties": [
                    {
                        "property": "persons",
                        "value": [{"name": "persoon", "id_type": "bsn", "columns": ["bsn"]}],
                    }
                ],
                "properties": [
                    column(
                        "bsn",
                        "string",
                        "identifying",
                        required=True,
                        primaryKey=True,
                        logicalTypeOptions={"pattern": "[0-9]{8,9}"},
                        customProperties=[{"property": "eleven_test", "value": True}],
                    ),
                    column(
                        "gemeente",
                        "string",
                        customProperties=[
                            {
                                "property": "codelist",
                                "value": {"name": "gemeente", "at_peildatum": True},
                            }
                        ],
                    ),
                    column(
                        "aantal",
                        "integer",
                        logicalTypeOptions={"minimum": 0, "maximum": 100},
                        customProperties=[{"property": "missing", "value": {"-9": "geweigerd"}}],
                    ),
                    column("bedrag", "number", logicalTypeOptions={"scale": 2}),
                    column("datum", "date", logicalTypeOptions={"format": "dd-MM-yyyy"}),
                    column("ja_nee", "boolean"),
                    column(
                        "soort",
                        "string",
                        customProperties=[
                            {"property": "codelist", "value": {"name": "klein_soort"}}
                        ],
                    ),
                ],
            }
        ],
        "slaProperties": [{"property": "retention", "value": 1, "unit": "y"}],
        "customProperties": [
            {"property": "title", "value": "Klein"},
            {"property": "owner", "value": "test"},
            {"property": "legal_basis", "value": "test"},
            {
                "property": "delivery",
                "value": {
                    "file_pattern": (
                        r"klein_(?P<periode>\d{4})(?P<deel>[A-Z])?(_\w+)?_v(?P<versie>\d+)\.\w+"
                    ),
                    "key": ["periode", "deel"],
                    "peildatum": "{periode}-01-01",
                    "formats": ["csv"],
                    "members": {"rij": ".*"},
                    "csv": {"delimiters": [";"], "encodings": ["utf-8"]},
                    "max_quarantine_pct": 50,
                }
                | delivery,
            },
        ],
    }
    (folder / "klein.odcs.yaml").write_text(yaml.safe_dump(contract), encoding="utf-8")
    return folder


def add_codelist(reference: Path) -> None:
    """The list ``klein_soort`` beside the reference lists of a test installation."""
    (reference / "klein_soort.csv").write_text(
        "code;label;geldig_van;geldig_tot\na;Soort A;;\nb;Soort B;;\n", encoding="utf-8"
    )
    assert codelists.load("klein_soort", reference).values == ("a", "b")
