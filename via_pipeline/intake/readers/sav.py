"""Read an SPSS file (``.sav``): codes as text, user-missing codes kept, value labels compared.

Belongs here: what is particular to SPSS. A row's number is the case number that SPSS shows (there
is no header row).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from typing import Any

from via_pipeline.contracts.codelists import CodeList
from via_pipeline.contracts.model import Table
from via_pipeline.intake.content import Content, NoMemoryFile
from via_pipeline.intake.masking import may_tell
from via_pipeline.intake.readers.cells import as_text
from via_pipeline.intake.readers.header import Header, NoHeader, of_names
from via_pipeline.intake.readers.raw import BATCH_ROWS, RawTable, Tally, from_rows
from via_pipeline.intake.trouble import Refused, listed

MAGICS = (b"$FL2", b"$FL3")


def read(content: Content, table: Table, codelists: dict[str, CodeList]) -> RawTable:
    """The table in a ``.sav`` file.

    Raises:
        Refused: damaged, or the variables are not the contract's.
    """
    import pyreadstat

    try:
        with _quiet(), content.lent_path() as path:
            _, meta = pyreadstat.read_sav(path, metadataonly=True, user_missing=True)
    except NoMemoryFile:
        raise
    except Exception:  # pyreadstat raises several kinds, also plain ValueError and its own
        raise _unreadable() from None
    try:
        header = of_names(meta.column_names, table)
    except NoHeader:
        raise NoHeader.refused(table, 1, 0) from None
    tally = Tally(content.name, table.name)
    return RawTable(
        header,
        tally,
        (from_rows(header, tally, lambda: _rows(content, header, table)),),
        {"format": "sav", "encoding": str(meta.file_encoding or "utf-8").lower()},
        drift=tuple(label_drift(meta.variable_value_labels, header, table, codelists)),
    )


def label_drift(
    labels: dict[str, dict[Any, str]], header: Header, table: Table, codelists: dict[str, CodeList]
) -> Iterator[str]:
    """Where the file's value labels say something else than the contract's code lists."""
    for name, place in sorted(header.places.items()):
        column = table.column(name)
        own = next(
            (
                item
                for key, item in labels.items()
                if header.names[place] == name and _same(key, name)
            ),
            None,
        )
        if own is None or column.codelist is None:
            continue
        known = codelists[column.codelist.name].labels
        said = {as_text(code, column).strip(): text for code, text in own.items()}
        new = sorted(code for code in said if code not in known and code not in column.missing)
        if new:
            yield (
                f"Kolom '{name}': waardelabels voor codes die niet in de codelijst "
                f"'{column.codelist.name}' staan: "
                f"{listed([may_tell(code, known) for code in new])}."
            )
        other = sorted(
            code
            for code, text in said.items()
            if code in known and text.strip().casefold() != known[code].strip().casefold()
        )
        if other:
            yield (
                f"Kolom '{name}': de waardelabels van {listed(other)} luiden anders dan in de "
                f"codelijst '{column.codelist.name}'. Controleer of de codes hetzelfde betekenen."
            )


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _rows(content: Content, header: Header, table: Table) -> Iterator[tuple[int, list[str]]]:
    import pyreadstat

    columns = [table.column(name) if name in header.places else None for name in header.names]
    with ExitStack() as stack:
        path = stack.enter_context(content.lent_path())
        offset = 0
        while True:
            with _quiet():
                frame, _ = pyreadstat.read_sav(
                    path,
                    user_missing=True,
                    row_offset=offset,
                    row_limit=BATCH_ROWS,
                    output_format="dict",
                )
            values = list(frame.values())
            length = len(values[0]) if values else 0
            for index in range(length):
                yield (
                    offset + index + 1,
                    [
                        as_text(_plain(series[index]), columns[place])
                        for place, series in enumerate(values)
                    ],
                )
            offset += length
            if length < BATCH_ROWS:
                return


def _plain(value: Any) -> Any:
    """A numpy scalar as Python's own; dates stay."""
    return value.item() if hasattr(value, "item") else value


class _quiet(ExitStack):
    """Keep the library from printing: its messages may hold what the file holds."""

    def __enter__(self) -> _quiet:
        super().__enter__()
        self.enter_context(redirect_stdout(io.StringIO()))
        self.enter_context(redirect_stderr(io.StringIO()))
        return self


def _unreadable() -> Refused:
    return Refused(
        "bestand__sav",
        "Het SPSS-bestand is beschadigd of niet te lezen. Sla het opnieuw op als .sav en lever "
        "het nog een keer.",
    )
