"""What an address means: the figure, how it was worked out and what it rests on.

Everything comes from the package itself, so that an old edition explains its figures by the rules
of its day; only what happened to a delivery, and in which run, is asked of the ledger.

Belongs here: finding one figure in a package. Does not belong here: addresses (``address``), how an
answer is shown (``commands/cijfer``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from via_pipeline.disclosure.protect import RULE, STATUS, SYNTHETIC
from via_pipeline.intake.ledger import Ledger
from via_pipeline.letters import formulas
from via_pipeline.letters.address import CELL, Address
from via_pipeline.letters.snapshot import DESCRIPTOR, ORIGIN, PackageError, load_csv, load_json
from via_pipeline.storage import sums
from via_pipeline.storage.home import Home

_DELIVERIES = "leveringen"
_RUNS = "letters"


class UnknownAddress(LookupError):
    """There is no such figure here; the message says in Dutch and English what is missing."""


@dataclass(frozen=True)
class Delivery:
    """A delivery behind a figure; ``status`` and ``run`` are the ledger's, if it knows them."""

    levering: str
    bron: str
    bestand: str | None
    ontvangen: str | None
    peildatum: str | None
    sha256: str
    contract_versie: str
    contract_sha256: str
    status: str | None
    run: str | None


@dataclass(frozen=True)
class Figure:
    """A figure and everything about it; ``waarde`` is as in the CSV, None where there is none.

    ``waarde_status`` and ``betekenis`` say why; ``eenheid`` is None for a count; ``n`` maps the
    columns that count what it rests on.
    ``run`` is the run that made the package, where this installation made it.
    """

    adres: str
    uitgave: str
    leesdatum: str
    tabel: str
    titel: str
    kolom: str | None
    omschrijving: str | None
    sleutel: dict[str, str]
    waarde: str | None
    waarde_status: str | None
    betekenis: str | None
    regel: str | None
    eenheid: str | None
    status: str | None
    claim: str | None
    formule: str | None
    definitie: str | None
    n: dict[str, str | None]
    synthetisch: bool
    maten: dict[str, str] | None
    analyseplan: dict[str, str] | None
    code_versie: str
    code_sha256: str
    run: str | None
    leveringen: list[Delivery]

    def plain(self) -> dict[str, Any]:
        """Everything as JSON types."""
        return asdict(self)


def remember_run(home: Home, edition: str, package: str, run: str) -> None:
    """Keep which run made the package with these ``SHA256SUMS`` (hash); not in the package itself,
    which would then differ from run to run.
    """
    from via_pipeline.storage.atomic import write_json

    write_json(home.run / _RUNS / f"{edition}.json", {"sha256": package, "run": run})


def find(home: Home, address: Address, folder: Path | None = None) -> Figure:
    """The figure at ``address``, in ``folder`` or else in the edition's package of the last run.

    ``release.resolve`` finds the folder of what was published.

    Raises:
        UnknownAddress: no such release, table, cell or column here.
        PackageError: a file of the package is missing or unreadable.
    """
    package = folder or home.letters / address.edition
    if not (package / DESCRIPTOR).exists():
        there = sorted(path.parent.name for path in home.letters.glob(f"*/{DESCRIPTOR}"))
        raise UnknownAddress(
            f"uitgave '{address.release}' is hier niet; wel: {', '.join(there) or 'geen enkele'} "
            f"(no such release here)"
        )
    described = load_json(package / DESCRIPTOR)
    if described.get("uitgave") != address.release:
        raise UnknownAddress(
            f"uitgave '{address.release}' is hier niet; deze map is '{described.get('uitgave')}' "
            f"(this folder holds another release)"
        )
    resource = _resource(described, address)
    row = _row(package, resource, address)
    return _figure(home, package, described, resource, row, address)


def _resource(described: Mapping[str, Any], address: Address) -> Mapping[str, Any]:
    known = {item["name"]: item for item in described["resources"] if "cijfers" in item}
    if address.dataset not in known:
        raise UnknownAddress(
            f"uitgave '{address.release}' heeft geen tabel '{address.dataset}' met cijfers; wel: "
            f"{', '.join(known)} (no such table)"
        )
    return known[address.dataset]


def _row(package: Path, resource: Mapping[str, Any], address: Address) -> dict[str, str]:
    columns, rows = load_csv(package / resource["path"])
    place = columns.index(CELL)
    found = next((row for row in rows if row[place] == address.cell), None)
    if found is None:
        raise UnknownAddress(
            f"tabel '{address.dataset}' van uitgave '{address.release}' heeft geen cel "
            f"'{address.cell}' (no such cell)"
        )
    if address.column is not None and address.column not in columns:
        raise UnknownAddress(
            f"tabel '{address.dataset}' heeft geen kolom '{address.column}'; wel: "
            f"{', '.join(columns)} (no such column)"
        )
    return dict(zip(columns, found, strict=True))


def _figure(
    home: Home,
    package: Path,
    described: Mapping[str, Any],
    resource: Mapping[str, Any],
    row: Mapping[str, str],
    address: Address,
) -> Figure:
    origin = load_json(package / ORIGIN)
    fields = {field["name"]: field for field in resource["schema"]["fields"]}
    column = address.column or next(iter(resource["cijfers"]), None)
    words = _formula(package, resource["name"], row, column)
    status = row.get(STATUS) or None if column in resource["cijfers"] else None
    meanings = {item["value"]: item["label"] for item in fields[STATUS]["categories"]}
    return Figure(
        adres=str(address),
        uitgave=address.release,
        leesdatum=described["leesdatum"],
        tabel=resource["name"],
        titel=resource["title"],
        kolom=column,
        omschrijving=fields[column]["description"] if column else None,
        sleutel={name: row[name] for name in resource["schema"]["primaryKey"]},
        waarde=(row[column] or None) if column else None,
        waarde_status=status,
        betekenis=meanings.get(status) if status else None,
        regel=row.get(RULE) or None,
        # The unit is that of the row's figure; what it rests on is counted.
        eenheid=row.get("eenheid") or None if column not in resource["n"] else None,
        status=row.get("status") or None,
        claim=row.get("claim") or None,
        formule=words["formule"] if words else (fields[column]["description"] if column else None),
        definitie=(words["definitie"] or None) if words else None,
        n={name: row[name] or None for name in resource["n"]},
        synthetisch=row.get(SYNTHETIC) == "true",
        maten=_by(origin.get("maten", []), "bestand", f"{row.get('bron')}.yaml"),
        analyseplan=_by(origin.get("analyseplannen", []), "plan_hash", row.get("plan_hash")),
        code_versie=origin["code_versie"],
        code_sha256=origin["code_sha256"],
        run=_run(home, package, address),
        leveringen=list(_deliveries(home, origin, row)),
    )


def _formula(
    package: Path, table: str, row: Mapping[str, str], column: str | None
) -> Mapping[str, str] | None:
    if column is None:
        return None
    columns, rows = load_csv(package / f"{formulas.TABLE}.csv")
    named = (dict(zip(columns, one, strict=True)) for one in rows)
    return formulas.find(named, table, row, column)


def _by(items: list[dict[str, str]], name: str, value: str | None) -> dict[str, str] | None:
    return next((item for item in items if item.get(name) == value), None)


def _deliveries(
    home: Home, origin: Mapping[str, Any], row: Mapping[str, str]
) -> Iterator[Delivery]:
    """Those that the row names; a fact that names none comes from what people keep."""
    named = set(row.get(_DELIVERIES, "").split())
    known = {}
    if home.ledger.exists():
        known = {found.delivery_id: found for found in reversed(Ledger(home.ledger).rows())}
    for item in origin["leveringen"]:
        if item["levering"] in named or (not named and item["ontvangen"] is None):
            seen = known.get(item["levering"])
            yield Delivery(
                **{
                    name: item[name]
                    for name in Delivery.__dataclass_fields__
                    if name not in ("status", "run")
                },
                status=seen.status.value if seen else None,
                run=seen.run_id if seen else None,
            )


def _run(home: Home, package: Path, address: Address) -> str | None:
    try:
        said = json.loads((home.run / _RUNS / f"{address.edition}.json").read_text("utf-8"))
        return said["run"] if said["sha256"] == sums.folder_hash(package) else None
    except (OSError, ValueError, KeyError):
        return None


__all__ = ["Delivery", "Figure", "PackageError", "UnknownAddress", "find", "remember_run"]
