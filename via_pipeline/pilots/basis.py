"""Figures that are kept as long as all that they rest on is what it was.

Belongs here: naming a part after a query and what its answer depends on, and taking up the part of
that name. Does not belong here: any query.

What is looked at changes while it is looked at: deliveries come in, somebody objects. So ``Basis``
is made before the catalog is registered. What changes from then on makes its digest an older one,
and the next refresh counts anew; the other way about, older figures would be kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import duckdb

from via_pipeline import fingerprint
from via_pipeline.contracts.model import Contract
from via_pipeline.pilots.catalog import DELIVERIES
from via_pipeline.storage import lake
from via_pipeline.storage.hashing import sha256_of
from via_pipeline.storage.home import Home


class Basis:
    """What figures about ``contracts`` rest on: code, objections of persons, accepted rows.

    ``whole`` are contracts of which every row counts for every figure (the register).
    """

    def __init__(
        self, home: Home, contracts: Iterable[Contract], whole: Iterable[Contract] = ()
    ) -> None:
        self._around = {
            "code": fingerprint.code(),
            "left out": sha256_of(home.exclusions) if home.exclusions.exists() else "",
            "whole": [
                part.sha256
                for contract in whole
                for table in contract.tables
                for part in lake.listed(home.lake, table.lake_table).values()
            ],
        }
        self._files = {contract.source: _files(home, contract) for contract in contracts}

    def name(
        self,
        connection: duckdb.DuckDBPyConnection,
        contract: Contract,
        query: str,
        deliveries: Collection[str] | None = None,
    ) -> str:
        """The name of the answer to ``query`` about the deliveries of ``contract`` (or some).

        Another one as soon as anything is other. The catalog must be registered. ``query`` is what
        is asked, not who counts: the figures are the same on every engine.
        """
        facts = {
            row[0]: row[1:]
            for row in connection.execute(
                f"SELECT delivery_id, columns(*)::VARCHAR FROM {DELIVERIES} WHERE bron = ?",
                [contract.source],
            ).fetchall()
            if deliveries is None or row[0] in deliveries
        }
        known = self._files[contract.source]
        files = {one: known.get(one) for one in facts}
        text = json.dumps([query, {**self._around, "files": files}, facts], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def taken_up(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    folder: str,
    asked: Mapping[str, Callable[[], str]],
) -> list[lake.Part]:
    """The parts with the answers to ``asked`` (name to what gives SQL), in its order.

    Those that lie in ``folder`` of the lake under their names are taken as they are, the others are
    written (their SQL is asked for then); what else lies there goes.
    """
    known = lake.listed(home.lake, folder)
    parts = []
    for name, query in asked.items():
        part = lake.remembered(home.lake, folder, name, known)
        parts.append(part or lake.write_part(home.lake, folder, name, connection, query()))
    lake.settle(home.lake, folder, parts)
    return parts


def _files(home: Home, contract: Contract) -> dict[str, Any]:
    """By delivery the hashes of its accepted parts."""
    files: dict[str, list[str]] = {}
    for table in contract.tables:
        if table.conformed:
            for name, part in sorted(lake.listed(home.lake, table.lake_table).items()):
                files.setdefault(name, []).append(part.sha256)
    return files
