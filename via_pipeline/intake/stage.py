"""Make of one delivery what ``records.py`` describes: find its tables, read, conform, write.

Belongs here: the walk through one delivery, with every problem of it in one pass. Does not belong
here: which deliveries there are, and the ledger (``run.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import duckdb

from via_pipeline.contracts import codelists as lists
from via_pipeline.contracts.codelists import CodeList
from via_pipeline.contracts.model import Contract, Severity, Table
from via_pipeline.contracts.rules import needs_codelists
from via_pipeline.intake import archive, conform, drift, exclusions, readers
from via_pipeline.intake.content import Content
from via_pipeline.intake.corrections import Overlay
from via_pipeline.intake.discover import Found
from via_pipeline.intake.names import shown
from via_pipeline.intake.pseudonym import Key
from via_pipeline.intake.readers.raw import RawTable
from via_pipeline.intake.recognise import Recognised
from via_pipeline.intake.records import (
    RECORD,
    Finding,
    StagedDelivery,
    StagedTable,
    staged_file,
    staging,
)
from via_pipeline.intake.trouble import Refused, listed
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home
from via_pipeline.storage.place import replacing_folder

_WORKBOOKS = ("xlsx", "ods")
_NOT_FROM_PEOPLE = re.compile(r"(^|/)(__MACOSX/|\.|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)


@dataclass(frozen=True)
class Measured:
    """A delivery's identity: its id, bytes and hash, and its name as it may be repeated."""

    delivery_id: str
    bytes: int
    sha256: str
    name: str


@dataclass(frozen=True)
class _Member:
    """The files of one table. ``sheet`` is the pattern of its sheet in a workbook."""

    table: Table
    contents: list[Content]
    sheet: str


def rejected(
    home: Home,
    source: str,
    measured: Measured,
    finding: Finding,
    *,
    contract: Contract | None = None,
    fields: Mapping[str, str] | None = None,
) -> StagedDelivery:
    """Stage a delivery that is refused before its content is looked at."""
    staged = StagedDelivery(
        delivery_id=measured.delivery_id,
        source=source,
        file_name=measured.name,
        fields=dict(fields or {}),
        peildatum=None,
        contract_version=contract.version if contract else "",
        contract_sha256=contract.sha256 if contract else "",
        bytes=measured.bytes,
        sha256=measured.sha256,
        content_sha256=None,
        sniffed={},
        findings=(finding,),
    )
    with replacing_folder(staging(home.lake, measured.delivery_id), RECORD) as folder:
        staged.write(folder)
    return staged


def stage(
    home: Home,
    contract: Contract,
    found: Found,
    measured: Measured,
    recognised: Recognised,
    key: Key,
    overlay: Overlay | None = None,
    at_once: int = 1,
) -> StagedDelivery:
    """Read a recognised delivery and write its staging folder.

    The hash of its content is not among what is found, see ``content_of``. ``overlay`` are cells
    that a person resolved; they take the place of the file's own before anything looks at them.
    What is wrong with the file stands in the result's findings; nothing of that is raised.
    Different deliveries can be staged side by side: each of ``at_once`` then has its share of the
    memory.

    Raises:
        ContractError: the contract itself is wrong.
        OutOfMemoryException: the tables that must be held do not fit in the memory there is.
        OSError: the disk or the file is not to be had; the delivery is as if never seen.
    """
    codes = {
        name: lists.load(name, home.data / "reference")
        for table in contract.tables
        for name in needs_codelists(table)
    }
    findings: list[Finding] = []
    raws: dict[str, RawTable] = {}
    try:
        members, remarks = _members(contract, found, measured.name)
        findings += remarks
    except Refused as refused:
        members = []
        findings.append(refused.finding(measured.name))
    for member in members:
        try:
            raws[member.table.name] = _read(contract, found, measured.name, member, codes)
        except Refused as refused:
            findings.append(
                refused.finding(
                    _shown_name(contract, found, measured.name, member), member.table.name
                )
            )
    for name, raw in raws.items():
        findings += _header_findings(raw, name)
    context = conform.Context(
        contract,
        measured.delivery_id,
        recognised.fields,
        date.fromisoformat(recognised.peildatum) if recognised.peildatum else None,
        codes,
        exclusions.opened(home, key),
        overlay=overlay or {},
    )
    staged = StagedDelivery(
        delivery_id=measured.delivery_id,
        source=contract.source,
        file_name=measured.name,
        fields=recognised.fields,
        peildatum=recognised.peildatum,
        contract_version=contract.version,
        contract_sha256=contract.sha256,
        bytes=measured.bytes,
        sha256=measured.sha256,
        content_sha256=None,
        sniffed={name: raw.sniffed for name, raw in raws.items()},
        findings=tuple(findings),
    )
    with replacing_folder(staging(home.lake, measured.delivery_id), RECORD) as folder:
        if staged.is_readable:
            staged = _conformed(home, context, raws, key, staged, folder, at_once)
        staged.write(folder)
    exclusions.resolve(home, key, context.resolved.items())
    return staged


def content_of(home: Home, contract: Contract, staged: StagedDelivery) -> str | None:
    """The hash of the rows of a delivery that is staged under ``contract``.

    None where it has none: it could not be read, or some of its rows could not (then equal rows do
    not mean equal files), or what was staged is no longer there or has not the contract's columns.
    """
    paths = {
        table.table: home.lake / table.parquet
        for table in staged.tables
        if table.parquet is not None and not table.malformed_rows
    }
    is_whole = paths and len(paths) == len(staged.tables)
    if not is_whole or not all(path.exists() for path in paths.values()):
        return None
    with work(home.scratch) as opened:
        try:
            return conform.content_sha256(opened, contract, paths)
        except (KeyError, duckdb.BinderException):
            return None


def _conformed(
    home: Home,
    context: conform.Context,
    raws: dict[str, RawTable],
    key: Key,
    staged: StagedDelivery,
    folder: Any,
    at_once: int,
) -> StagedDelivery:
    """Write the Parquet files into ``folder`` and complete the record."""
    with conform.connection(key, context.exclusions.key, at_once) as opened:
        rows = conform.to_parquet(opened, context, raws, folder)
        refusals = [
            raw.tally.refused.finding(raw.tally.file, raw.tally.table)
            for raw in raws.values()
            if raw.tally.refused is not None
        ]
        row_findings = [finding for raw in raws.values() for finding in raw.tally.findings]
        if refusals:
            for path in folder.glob("*.parquet"):
                path.unlink()
            return replace(staged, findings=(*staged.findings, *refusals))
        paths = {name: folder / f"{name}.parquet" for name in raws}
        tables = []
        for name, raw in raws.items():
            table = context.contract.table(name)
            relation = f"read_parquet('{str(paths[name]).replace(chr(39), chr(39) * 2)}')"
            words = [
                *drift.of_header(raw.header, table),
                *raw.drift,
                *drift.of_values(opened, relation, table, raw.header, dict(context.codelists)),
            ]
            malformed = tuple(sorted(raw.tally.malformed))
            tables.append(
                StagedTable(
                    table=name,
                    file=raw.tally.file,
                    header=drift.shown_header(raw.header),
                    drift=tuple(words),
                    rows_in=rows[name] + len(malformed),
                    malformed_rows=malformed,
                    parquet=staged_file(staged.delivery_id, name),
                )
            )
    return replace(
        staged,
        findings=(*staged.findings, *row_findings),
        tables=tuple(tables),
    )


def _header_findings(raw: RawTable, table: str) -> list[Finding]:
    """A column named twice: which of the two is meant is not ours to say."""
    if not raw.header.doubles:
        return []
    return [
        Finding(
            "bestand__kop_dubbel",
            Severity.REJECT_FILE,
            "De kopregel noemt "
            + listed([f"'{name}'" for name in raw.header.doubles])
            + " meer dan één keer. Elke kolom hoort er één keer te staan.",
            raw.tally.file,
            table,
            raw.header.first_data_index,
            raw.header.doubles[0],
        )
    ]


def _read(
    contract: Contract, found: Found, told: str, member: _Member, codes: dict[str, CodeList]
) -> RawTable:
    kinds = [readers.format_of(content) for content in member.contents]
    if len(member.contents) > 1 and set(kinds) != {"markdown"}:
        names = [shown(content.base_name, contract) for content in member.contents]
        raise Refused(
            "bestand__lid_dubbel",
            f"Meer dan één bestand past bij de tabel '{member.table.name}': {listed(names)}. "
            "Lever er één.",
        )
    contents = [replace(c, name=_full_name(contract, found, told, c)) for c in member.contents]
    return readers.read(contents, kinds[0], contract, member.table, codes, member.sheet)


def _members(contract: Contract, found: Found, told: str) -> tuple[list[_Member], list[Finding]]:
    """Which files make up which table, and remarks about files that make up none.

    Raises:
        Refused: the archive cannot be opened, or a table has no file.
    """
    if found.absolute.is_symlink():
        raise Refused(
            "bestand__verwijzing",
            "Dit is een verwijzing (symbolic link) en geen bestand. Lever het bestand zelf.",
        )
    contents = found.files()
    is_container = found.is_folder
    if not found.is_folder:
        only = contents[0]
        if readers.format_of(only) == "zip":
            contents, is_container = archive.members(only), True
            contents = [c for c in contents if not _NOT_FROM_PEOPLE.search(c.name)]
            if not contents:
                raise Refused("bestand__leeg", "Het ZIP-bestand bevat geen bestanden.")
    patterns = contract.delivery.members
    if not is_container or (len(contents) == 1 and len(contract.tables) > 1):
        return _of_one_file(contract, contents[0]), []
    members, missing = [], []
    used: set[str] = set()
    for table in contract.tables:
        fits = [c for c in contents if _fits(patterns[table.name], c)]
        used |= {content.name for content in fits}
        if fits:
            members.append(_Member(table, fits, ".*"))
        else:
            missing.append(table.name)
    if missing:
        raise Refused(
            "bestand__lid_ontbreekt",
            f"In de levering ontbreekt het bestand voor {listed(missing)}; aangetroffen: "
            f"{listed([shown(content.name, contract) for content in contents][:10]) or 'niets'}.",
        )
    if contract.kept_in is not None:
        return members, []
    remarks = [
        Finding(
            "bestand__lid_onbekend",
            Severity.WARN,
            f"'{shown(content.name, contract)}' hoort niet bij de afspraak en is niet gelezen.",
            _full_name(contract, found, told, content),
        )
        for content in contents
        if content.name not in used
    ]
    return members, remarks


def _of_one_file(contract: Contract, content: Content) -> list[_Member]:
    """The tables of one file: the sheets of a workbook, else the contract's only table."""
    patterns = contract.delivery.members
    if len(contract.tables) == 1 or readers.format_of(content) in _WORKBOOKS:
        return [_Member(table, [content], patterns[table.name]) for table in contract.tables]
    missing = [t.name for t in contract.tables if not _fits(patterns[t.name], content)]
    raise Refused(
        "bestand__lid_ontbreekt",
        f"De levering is één bestand, maar hoort {listed([t.name for t in contract.tables])} te "
        f"bevatten (als ZIP). Er ontbreekt: {listed(missing) or 'een bestand'}.",
    )


def _fits(pattern: str, content: Content) -> bool:
    return bool(re.fullmatch(pattern, content.name) or re.fullmatch(pattern, content.base_name))


def _full_name(contract: Contract, found: Found, told: str, content: Content) -> str:
    """The file as its sender knows it, as far as that may be told: ``levering.zip/rijen.csv``."""
    if content.name == found.file_name:
        return told
    return f"{told}/{shown(content.name, contract)}"


def _shown_name(contract: Contract, found: Found, told: str, member: _Member) -> str:
    if len(member.contents) == 1:
        return _full_name(contract, found, told, member.contents[0])
    return told
