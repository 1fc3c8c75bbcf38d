"""The process that opens an SPSS file: ``python -m via_pipeline.intake.readers.sav_child PATH``.

The library that knows the format is written in C, and a spoiled file can end the process that calls
it. So that process is this one: it has no key, no ledger and no lake, it may use as much memory as
a connection may, and when it ends too early the file is damaged and the night goes on.

Belongs here: the call of the library, and what it says as text. Does not belong here: what of that
is a delivery (``sav``). On its standard input comes, pickled by ``sav``, the contract's column for
each variable, or None: only what the dictionary says is asked. It answers with JSON, or with an
Arrow stream of text, one column a variable. No message: it could hold what the file holds.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from typing import Any, BinaryIO

from via_pipeline.contracts.model import Column
from via_pipeline.intake.readers.cells import as_text
from via_pipeline.intake.readers.raw import BATCH_ROWS
from via_pipeline.storage import child, machine

FAILED = 3


def main(path: str) -> int:
    """The command; ``FAILED`` where the library could not read the file."""
    child.limit(int(machine.memory() * machine.SHARE))
    columns: list[Column | None] | None = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own
    # What the library prints goes nowhere; the answer has a way of its own.
    with os.fdopen(os.dup(1), "wb") as answer, open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        try:
            if columns is None:
                _dictionary(path, answer)
            else:
                _rows(path, columns, answer)
        except Exception:  # pyreadstat raises several kinds, also plain ValueError and its own
            return FAILED
    return 0


def _dictionary(path: str, answer: BinaryIO) -> None:
    import pyreadstat

    _, meta = pyreadstat.read_sav(path, metadataonly=True, user_missing=True)
    told = {
        # A damaged dictionary has variables and labels without a name.
        "names": [name or "" for name in meta.column_names],
        "labels": {
            name or "": [[_plain(code), label or ""] for code, label in labels.items()]
            for name, labels in meta.variable_value_labels.items()
        },
        "encoding": str(meta.file_encoding or "utf-8").lower(),
    }
    answer.write(json.dumps(told, default=str).encode("ascii"))


def _rows(path: str, columns: list[Column | None], answer: BinaryIO) -> None:
    import pyarrow as pa
    import pyreadstat

    schema = pa.schema([(str(place), pa.string()) for place in range(len(columns))])
    offset = 0
    with pa.ipc.new_stream(answer, schema) as stream:
        while True:
            frame, _ = pyreadstat.read_sav(
                path,
                user_missing=True,
                row_offset=offset,
                row_limit=BATCH_ROWS,
                output_format="dict",
            )
            texts = [
                [as_text(_plain(value), column) for value in values]
                for values, column in zip(frame.values(), columns, strict=True)
            ]
            length = len(texts[0]) if texts else 0
            arrays = [pa.array(text, pa.string()) for text in texts]
            stream.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
            offset += length
            if length < BATCH_ROWS:
                return


def _plain(value: Any) -> Any:
    """A numpy scalar as Python's own; dates stay."""
    return value.item() if hasattr(value, "item") else value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
