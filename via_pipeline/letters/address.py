"""The address of a figure: ``<release>/<dataset>/<cell>[/<column>]``.

    derde/voorlopige_resultaten/0f3c5a9d21be          the figure of that row
    derde.1/voorlopige_resultaten/0f3c5a9d21be/n      what it rests on, in the first revision

A release is an edition's name, with ``.<revision>`` from its first correction on. The cell is the
first twelve hexadecimal digits of the SHA-256 over the key of the row: the key's cells as they
stand in the CSV, in the order of ``primaryKey``, joined by U+001F, as UTF-8. So it is the same in
every edition, and anyone can work it out with ``sha256sum``. It is made of published columns only.

Belongs here: making, reading and explaining addresses. Does not belong here: looking one up
(``lookup``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from via_pipeline.storage.duck import quoted

CELL = "cel"
"""The column of every table of a package that carries the cell."""

CELL_WORDS = (
    "Kenmerk van de rij in het adres van een cijfer: editie/dataset/cel. Gemaakt van de sleutel "
    "van de rij, in elke editie hetzelfde."
)
_DIGITS = 12
_SEPARATOR = "\x1f"
_ADDRESS = re.compile(
    rf"(?P<edition>[a-z0-9_]+)(?:\.(?P<revision>[1-9][0-9]*))?/(?P<dataset>[a-z0-9_]+)"
    rf"/(?P<cell>[0-9a-f]{{{_DIGITS}}})(?:/(?P<column>[a-z0-9_]+))?"
)


class AddressError(ValueError):
    """A text that is no address; the message says in Dutch and English what one looks like."""


@dataclass(frozen=True)
class Address:
    """One address; ``column`` None is the figure of the row."""

    edition: str
    revision: int
    dataset: str
    cell: str
    column: str | None = None

    @property
    def release(self) -> str:
        """The first part: edition, with its revision where there is one."""
        return release(self.edition, self.revision)

    def __str__(self) -> str:
        parts = [self.release, self.dataset, self.cell, *([self.column] if self.column else [])]
        return "/".join(parts)


def parse(text: str) -> Address:
    """Read an address; capitals and spaces around it do not matter.

    Raises:
        AddressError: it is none.
    """
    found = _ADDRESS.fullmatch(text.strip().lower())
    if found is None:
        raise AddressError(
            f"'{text}' is geen adres: een adres is editie/dataset/cel of editie/dataset/cel/kolom, "
            f"en een cel is {_DIGITS} tekens 0-9 en a-f "
            f"(not an address: expected edition/dataset/cell[/column])"
        )
    return Address(
        edition=found["edition"],
        revision=int(found["revision"] or 0),
        dataset=found["dataset"],
        cell=found["cell"],
        column=found["column"],
    )


def release(edition: str, revision: int) -> str:
    """Name of a release: ``derde``, and ``derde.1`` for its first correction."""
    return f"{edition}.{revision}" if revision else edition


def cell(key: Sequence[str]) -> str:
    """The cell of a row, from the key's cells as they stand in the CSV."""
    return hashlib.sha256(_SEPARATOR.join(key).encode()).hexdigest()[:_DIGITS]


def cell_sql(key: Sequence[str]) -> str:
    """The same as SQL over the columns of ``key``."""
    texts = ", ".join(f"coalesce(CAST({quoted(name)} AS VARCHAR), '')" for name in key)
    return f"sha256(concat_ws(chr({ord(_SEPARATOR)}), {texts}))[1:{_DIGITS}]"
