"""Code lists with validity dates.

A list is a ``;`` CSV with the columns ``code``, ``label``, ``geldig_van`` and ``geldig_tot`` (both
dates inclusive, ISO, blank for open) and any others. Small lists ship beside the contracts; the
large ones that are also reference tables (municipalities, countries) lie in ``data/reference``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

_SHIPPED = Path(__file__).parent / "codelists"


@dataclass(frozen=True)
class Code:
    """One code, with the period in which it may be used (both ends inclusive)."""

    code: str
    label: str
    valid_from: date | None
    valid_to: date | None

    def is_valid_on(self, day: date) -> bool:
        """Whether the code may be used on ``day``."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


@dataclass(frozen=True)
class CodeList:
    """A named list; one code may stand in it more than once, with other periods."""

    name: str
    path: Path
    codes: tuple[Code, ...]

    @property
    def values(self) -> tuple[str, ...]:
        """Every code that was ever valid, once, sorted."""
        return tuple(sorted({code.code for code in self.codes}))

    @property
    def labels(self) -> dict[str, str]:
        """Code to label; of a code with several periods, the last."""
        return {code.code: code.label for code in self.codes}


class UnknownCodeList(LookupError):
    """A contract names a code list that is neither shipped nor in ``data/reference``."""


def load(name: str, reference: Path) -> CodeList:
    """The code list ``name``: shipped beside the contracts, else from the folder ``reference``.

    Raises:
        UnknownCodeList: there is no such file.
        ValueError: a date in the list is not ISO.
    """
    for folder in (_SHIPPED, reference):
        path = folder / f"{name}.csv"
        if path.exists():
            return _read(name, path, path.stat().st_mtime_ns)
    raise UnknownCodeList(f"no code list '{name}' in {_SHIPPED.name}/ or {reference}")


@cache
def _read(name: str, path: Path, _modified: int) -> CodeList:
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter=";"))
    return CodeList(
        name,
        path,
        tuple(
            Code(row["code"], row["label"], _date(row["geldig_van"]), _date(row["geldig_tot"]))
            for row in rows
        ),
    )


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
