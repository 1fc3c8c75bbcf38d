"""Where an edition's figures come from: deliveries, contracts, rules, code; all by hash.

Belongs here: ``herkomst.json``. Does not belong here: any moment of a run. A delivery's file name
is told only where it fits its contract's pattern: such a name holds the delivery's key and nothing
else, any other one could hold anything.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from via_pipeline import __version__, fingerprint
from via_pipeline.contracts.binding import bound
from via_pipeline.contracts.model import Contract, load_all
from via_pipeline.disclosure.model import DATASETS, RULES
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.outcomes.model import MEASURES
from via_pipeline.outcomes.plan import PLANS
from via_pipeline.outcomes.plan import load as load_plan
from via_pipeline.pilots import objections
from via_pipeline.pilots.catalog import is_synthetic
from via_pipeline.storage.hashing import sha256_of
from via_pipeline.storage.home import Home

LOOK = "huisstijl"
"""The part of the provenance that no figure depends on."""


def provenance(home: Home, reading_date: date) -> dict[str, Any]:
    """Everything that an edition with this reading date was made of."""
    ledger = Ledger(home.ledger)
    contracts = [bound(contract, home.data / "reference") for contract in load_all()]
    # What an organisation objected to went into no figure.
    objected = objections.known(home, contracts, reading_date)
    deliveries = [
        _delivery(contract, row)
        for contract in contracts
        for row in sorted(
            objected.without(contract, ledger.current(contract.source, reading_date)),
            key=lambda row: row.delivery_id,
        )
    ]
    return {
        "leesdatum": reading_date.isoformat(),
        "code_versie": __version__,
        "code_sha256": fingerprint.code(),
        "leveringen": deliveries,
        "contracten": [
            {"bron": item.source, "versie": item.version, "sha256": item.sha256}
            for item in contracts
        ],
        "maten": _files(sorted(MEASURES.glob("*.yaml"))),
        "analyseplannen": _plans(),
        "onthullingsregels": _files([DATASETS, *sorted(RULES.glob("*.yaml"))]),
        LOOK: _look(home.house_style),
    }


def _delivery(contract: Contract, row: LedgerRow) -> dict[str, Any]:
    told = contract.delivery.match(row.file_name) is not None or contract.kept_in is not None
    return {
        "levering": row.delivery_id,
        "bron": row.source,
        "sleutel": dict(row.key or ()),
        "bestand": row.file_name if told else None,
        "ontvangen": row.received.isoformat() if row.received else None,
        "peildatum": row.peildatum,
        "sha256": row.sha256,
        "bytes": row.bytes,
        "contract_versie": row.contract_version,
        "contract_sha256": row.contract_sha256,
        "is_synthetisch": is_synthetic(row),
    } | (
        # Of who corrected it nothing is told here: the ledger knows.
        {"corrigeert": row.corrects, "corrigeert_sha256": row.corrects_sha256}
        if row.corrects
        else {}
    )


def _look(folder: Path) -> list[dict[str, str]]:
    """Every file of a ministry's own house style; none where it has none."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [
        item | {"bestand": path.relative_to(folder).as_posix()}
        for path, item in zip(found, _files(found), strict=True)
    ]


def _plans() -> list[dict[str, str]]:
    """Files of analysis plans by their bytes, each with the hash of what the plan says."""
    return [
        item | {"plan_hash": load_plan(PLANS / item["bestand"]).sha256}
        for item in _files(sorted(PLANS.glob("*.yaml")))
    ]


def _files(paths: list[Path]) -> list[dict[str, str]]:
    return [{"bestand": path.name, "sha256": sha256_of(path)} for path in paths]
