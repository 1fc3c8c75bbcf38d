"""Read an SPSS file (``.sav``): codes as text, user-missing codes kept, value labels compared.

Belongs here: what is particular to SPSS. A row's number is the case number that SPSS shows (there
is no header row).
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pyarrow as pa

from via_pipeline.contracts.codelists import CodeList
from via_pipeline.contracts.model import Column, Table
from via_pipeline.intake.content import Content
from via_pipeline.intake.masking import may_tell
from via_pipeline.intake.readers.cells import as_text
from via_pipeline.intake.readers.header import Header, NoHeader, of_names
from via_pipeline.intake.readers.raw import RawTable, Tally, from_rows
from via_pipeline.intake.trouble import Refused, listed
from via_pipeline.storage import child

MAGICS = (b"$FL2", b"$FL3")
LIMIT_SECONDS = 900
"""A file of a million cases takes a minute."""
_CHILD = "via_pipeline.intake.readers.sav_child"


def read(content: Content, table: Table, codelists: dict[str, CodeList]) -> RawTable:
    """The table in a ``.sav`` file.

    Raises:
        Refused: damaged, or the variables are not the contract's.
        NoMemoryFile: as ``Content.lent_path``.
    """
    with _asked(content, None) as answer:
        told = answer.read()
    meta = json.loads(told)
    try:
        header = of_names(meta["names"], table)
    except NoHeader:
        raise NoHeader.refused(table, 1, 0) from None
    tally = Tally(content.name, table.name)
    labels = {name: dict(pairs) for name, pairs in meta["labels"].items()}
    return RawTable(
        header,
        tally,
        (from_rows(header, tally, lambda: _rows(content, header, table)),),
        {"format": "sav", "encoding": meta["encoding"]},
        drift=tuple(label_drift(labels, header, table, codelists)),
    )


@contextmanager
def _asked(content: Content, columns: list[Column | None] | None) -> Iterator[IO[bytes]]:
    """What the process that opens the file (``sav_child``) answers.

    Raises:
        Refused: it did not come to its end, or not within ``LIMIT_SECONDS``.
    """
    with content.lent_path() as path:
        lent = [int(path.rpartition("/")[2])] if path.startswith("/proc/self/fd/") else []
        with subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", _CHILD, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=lent,
            env=child.environment(),
        ) as process:
            assert process.stdin is not None and process.stdout is not None
            limit = threading.Timer(LIMIT_SECONDS, process.kill)
            limit.daemon = True
            limit.start()
            try:
                with process.stdin:
                    pickle.dump(columns, process.stdin)
                yield process.stdout
                process.stdout.close()
                code = process.wait()
            except (OSError, pa.ArrowException):
                code = -1
            finally:
                limit.cancel()
                process.kill()
    if code != 0:
        raise _unreadable()


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
    columns = [table.column(name) if name in header.places else None for name in header.names]
    number = 0
    with _asked(content, columns) as answer, pa.ipc.open_stream(answer) as stream:
        for batch in stream:
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, list(cells)


def _unreadable() -> Refused:
    return Refused(
        "bestand__sav",
        "Het SPSS-bestand is beschadigd of niet te lezen. Sla het opnieuw op als .sav en lever "
        "het nog een keer.",
    )
