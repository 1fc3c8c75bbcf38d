"""Recognise a delivery by its name: which contract, which version, for which period.

Belongs here: the file name against the contract. Does not belong here: opening the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from via_pipeline.contracts.model import Contract
from via_pipeline.intake.status import Key
from via_pipeline.intake.trouble import Refused, listed

_MACRO_SUFFIXES = {".xlsm", ".xltm", ".xlsb", ".xlam"}
_OLD_SUFFIXES = {".xls", ".xlt"}


@dataclass(frozen=True)
class Recognised:
    """What a file name says: the fields of its pattern, its key and its peildatum (ISO)."""

    fields: dict[str, str]
    key: Key
    peildatum: str | None


def recognise(contract: Contract, file_name: str) -> Recognised:
    """What ``file_name`` says under ``contract``.

    Raises:
        Refused: the name is not the contract's, names another major version, or makes no date.
    """
    fields = contract.delivery.match(file_name)
    if fields is None:
        if contract.kept_in is not None:
            fields = {}
        else:
            raise _no_match(contract, file_name)
    fields = {name: value for name, value in fields.items() if value is not None}
    version = fields.get("versie")
    if version is not None and version.lstrip("v") != contract.major_version:
        raise Refused(
            "bestand__contractversie",
            f"De bestandsnaam noemt versie {version} van de afspraak, maar afgesproken is versie "
            f"{contract.major_version} ({contract.source} {contract.version}). Lever volgens "
            f"versie {contract.major_version} en zet dat nummer in de bestandsnaam.",
        )
    try:
        peildatum = contract.delivery.peildatum_of(fields).isoformat()
    except (ValueError, KeyError, IndexError):
        if contract.kept_in is None:
            raise Refused(
                "bestand__peildatum",
                "Uit de bestandsnaam volgt geen bestaande peildatum "
                f"({contract.delivery.peildatum}). Controleer de periode in de bestandsnaam.",
            ) from None
        peildatum = None
    return Recognised(fields, key_of(contract, fields), peildatum)


def key_of(contract: Contract, fields: Mapping[str, str]) -> Key:
    """The delivery key: the contract's key fields with their values, in the contract's order."""
    return tuple((name, fields[name]) for name in contract.delivery.key if name in fields)


def delivery_id(source: str, sha256: str, fields: Mapping[str, str]) -> str:
    """``<source>-<16 hex>``, over the bytes and what the file name says of them.

    The same bytes under the same key are the same delivery wherever and whenever they are seen.
    The same bytes under another key are not: a partner who sent the right file under the wrong
    name must be able to send it again.
    """
    said = "\n".join(f"{name}={value}" for name, value in sorted(fields.items()))
    digest = hashlib.sha256(f"{sha256}\n{said}".encode()).hexdigest()
    folder = re.sub(r"[^a-z0-9_]+", "_", source.lower()).strip("_") or "onbekend"
    return f"{folder}-{digest[:16]}"


def _no_match(contract: Contract, file_name: str) -> Refused:
    suffix = PurePath(file_name).suffix.lower()
    if suffix in _MACRO_SUFFIXES:
        return Refused(
            "bestand__macro",
            f"Een werkmap met macro's ({suffix}) wordt niet geopend. Sla het bestand op als "
            "gewone werkmap (.xlsx) zonder macro's.",
        )
    if suffix in _OLD_SUFFIXES and "xlsx" in contract.delivery.formats:
        return Refused(
            "bestand__formaat",
            f"Het oude Excel-formaat ({suffix}) wordt niet gelezen. Sla het bestand op als .xlsx.",
        )
    wanted = _in_words(contract)
    return Refused(
        "bestand__naam",
        f"De bestandsnaam past niet bij de afspraak '{contract.source}'. Verwacht wordt {wanted}.",
    )


def _in_words(contract: Contract) -> str:
    """The file pattern as a person writes it: ``p5_behoud_<werkgever>_<periode>_v1.csv``."""
    text = contract.delivery.file_pattern
    text = _named_groups(text, contract.major_version)
    text = re.sub(r"\([^()]*\)[?*]", "", text)
    text = re.sub(r"\(\?:([^()]*)\)", r"\1", text)
    text = text.replace("\\.", ".").replace("\\", "")
    alternatives = re.search(r"\(([\w|]+)\)", text)
    if alternatives:
        choice = listed(alternatives.group(1).split("|"), "of")
        text = text.replace(alternatives.group(0), alternatives.group(1).split("|")[0])
        return f"'{text}' ({choice})"
    return f"'{text}'"


def _named_groups(pattern: str, version: str) -> str:
    """Replace ``(?P<name>...)`` by ``<name>``, minding brackets inside the group."""
    out, place = "", 0
    while (start := pattern.find("(?P<", place)) >= 0:
        out += pattern[place:start]
        name = pattern[start + 4 : pattern.index(">", start)]
        depth, end = 0, start
        while True:
            if pattern[end] == "\\":
                end += 2
                continue
            depth += {"(": 1, ")": -1}.get(pattern[end], 0)
            end += 1
            if depth == 0:
                break
        out += version if name == "versie" else f"<{name}>"
        place = end
    return out + pattern[place:]
