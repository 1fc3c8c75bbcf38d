"""Who looked up what a figure rests on: ``VIA_HOME/audit/inzage.jsonl``, a chained log.

Belongs here: what is recorded of a look-up. Does not belong here: the form of the log
(``storage.chain``), and who did what with an edition (``release.log``). A look-up is recorded also
when nothing was found: somebody asked.
"""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from via_pipeline.storage import chain
from via_pipeline.storage.home import Home

USER = "VIA_USER"


def path_of(home: Home) -> Path:
    """The log of an installation."""
    return home.audit / "inzage.jsonl"


def record(home: Home, address: str, outcome: str, at: str) -> None:
    """Record that the address of a figure was looked up; ``at`` is UTC to the second.

    ``outcome`` is ``gevonden`` or ``niet_gevonden``. Both names are kept: that of ``VIA_USER``,
    which anybody can set, and that of the account.

    Raises:
        BusyError, OSError: see ``storage.chain``.
    """
    account = _account()
    facts = {
        "at": at,
        "wie": os.environ.get(USER) or account,
        "account": account,
        "adres": address,
        "uitkomst": outcome,
    }
    chain.add(path_of(home), home.locks, facts)


def read(home: Home) -> chain.Content:
    """All look-ups, and what is wrong with the log."""
    return chain.read(path_of(home))


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such account here, as in some containers
        return f"uid {os.getuid()}"
