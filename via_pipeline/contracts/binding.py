"""What a delivery is held to: its contract together with the code lists that the contract names.

Belongs here: that both count as one. A municipality added to a code list must lead to the same as a
rule changed in the contract: what was read and judged under the old one is read and judged again.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from via_pipeline.contracts import codelists
from via_pipeline.contracts.model import Contract
from via_pipeline.contracts.rules import needs_codelists


def bound(contract: Contract, reference: Path) -> Contract:
    """``contract`` with a ``sha256`` over itself and its code lists; ``reference`` is their folder.

    Bound once: a contract without code lists is returned as it is.

    Raises:
        UnknownCodeList: the contract names a list that is nowhere.
    """
    names = sorted({name for table in contract.tables for name in needs_codelists(table)})
    if not names:
        return contract
    own = hashlib.sha256(contract.path.read_bytes()).hexdigest()
    digest = hashlib.sha256(own.encode())
    for name in names:
        digest.update(name.encode() + b"\0")
        digest.update(codelists.load(name, reference).path.read_bytes() + b"\0")
    return replace(contract, sha256=digest.hexdigest())
