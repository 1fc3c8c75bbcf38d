"""Judge a file before it is sent: the very intake and quality of a delivery, in a place of its own.

Belongs here: a private temporary installation for one file, and what the walk says of it. Does not
belong here: how a file is read or judged; nothing here may differ from a real delivery. The lake,
the ledger and the reports of an installation are not touched, and the temporary place is gone
afterwards, whatever happens. Persons get pseudonyms by a key that exists for that moment only.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from via_pipeline.contracts.model import Contract
from via_pipeline.intake.pseudonym import MIN_BYTES, Key
from via_pipeline.intake.records import StagedDelivery, read_record, staging
from via_pipeline.intake.run import take_in
from via_pipeline.quality import report
from via_pipeline.quality.results import ValidationResult
from via_pipeline.quality.run import JUDGED, judge
from via_pipeline.storage.home import Home

_RUN = "rehearsal"


class Unjudged(RuntimeError):
    """The file got no verdict, and the fault is not the file's; the message says what to do."""


@dataclass(frozen=True)
class Rehearsal:
    """What would become of the file: its record as read, and the judgement."""

    staged: StagedDelivery
    result: ValidationResult


def sources_of(name: str, contracts: Iterable[Contract]) -> list[str]:
    """Sources whose agreed file names ``name`` fits, sorted."""
    return sorted(
        contract.source
        for contract in contracts
        if contract.kept_in is None and contract.delivery.match(name) is not None
    )


def rehearse(
    path: Path,
    contract: Contract,
    reference: Path,
    now: datetime,
    report_to: Path | None = None,
) -> Rehearsal:
    """Judge the file or folder at ``path`` as a delivery of ``contract`` received at ``now``.

    ``reference`` is the folder of code lists. ``report_to`` gets the workbook that a partner would
    get; nothing else is written.

    Raises:
        FileNotFoundError: there is nothing at ``path``.
        Unjudged: the file is not taken for a delivery (a hidden or temporary name), or the
            platform could not judge it.
        ContractError, UnknownCodeList: the contract or its lists are wrong.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    with tempfile.TemporaryDirectory(prefix="via-") as private:
        home = Home(Path(private) / "home", Path(private) / "data").ensure()
        (home.data / "reference").parent.mkdir(parents=True, exist_ok=True)
        (home.data / "reference").symlink_to(reference.resolve(), target_is_directory=True)
        landed = home.landing / contract.source / now.date().isoformat() / path.name
        landed.parent.mkdir(parents=True)
        _copy(path, landed)
        key = Key(secrets.token_bytes(MIN_BYTES))
        summary = take_in(home, contract, run_id=_RUN, now=now, settle_seconds=0, key=key)
        judged = judge(home, contract, run_id=_RUN)
        known = [*summary.new, *summary.rejected]
        failed = [one for result in judged for one in result.rules if one.rule == JUDGED]
        if not known or not judged or failed:
            raise Unjudged(
                f"'{path.name}' is geen levering: verborgen en tijdelijke namen worden "
                "overgeslagen. / is no delivery: hidden and temporary names are skipped."
                if not known
                else "Het platform kon dit bestand niet beoordelen. / The platform could not "
                f"judge this file. {' '.join(str(one.error) for one in failed)}".rstrip()
            )
        (result,) = judged
        staged = read_record(staging(home.lake, result.delivery_id))
        if report_to is not None:
            shutil.copyfile(report.path_of(home.reports, staged), report_to)
        return Rehearsal(staged, result)


def _copy(path: Path, target: Path) -> None:
    """As it is: a link stays a link, for a delivery that is one is refused."""
    if path.is_dir() and not path.is_symlink():
        shutil.copytree(path, target, symlinks=True)
    else:
        shutil.copy2(path, target, follow_symlinks=False)
