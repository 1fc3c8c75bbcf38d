"""Which package an address is about: what was published, else the concept of the last run.

Belongs here: finding that folder, and saying which it is and whether there is a newer one. Does not
belong here: the figure itself (``letters.lookup``).

An address means one release: ``derde/…`` the first publication, ``derde.1/…`` its first correction.
So the figure of a letter that somebody holds is found as it stands there, and what a later revision
says of it is told beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from via_pipeline.letters.address import Address, release
from via_pipeline.letters.release import freeze
from via_pipeline.letters.release.dossier import Published
from via_pipeline.storage import sums
from via_pipeline.storage.home import Home


@dataclass(frozen=True)
class Found:
    """The folder to read, and what is known of it.

    ``published`` is None for a concept, ``newest`` the newest publication that stands, where it is
    another than this. ``is_touched``: the folder is not what was published any more.
    """

    folder: Path
    published: Published | None = None
    newest: Published | None = None
    is_touched: bool = False


def find(home: Home, address: Address) -> Found:
    """The package that ``address`` is about; a concept's folder may not exist.

    Where an edition was published its concept is no answer: it is made anew with every run.
    """
    standing = [item for _, item in freeze.published(home, address.edition)]
    chosen = next((item for item in standing if item.revision == address.revision + 1), None)
    if chosen is None:
        return Found(home.letters / address.edition)
    folder = freeze.folder_of(home, address.edition, chosen.revision)
    newest = freeze.newest(home, address.edition)
    is_touched = sums.folder_hash(folder) != chosen.package or any(sums.problems(folder))
    return Found(folder, chosen, newest if newest != chosen else None, is_touched)


def in_newest(address: Address, newest: Published) -> Address:
    """The address of the same figure in ``newest``."""
    return Address(
        address.edition, newest.revision - 1, address.dataset, address.cell, address.column
    )


def name(edition: str, item: Published) -> str:
    """What a publication is called: its release, its revision and its day."""
    told = f"{release(edition, item.revision - 1)} (revisie {item.revision}, gepubliceerd op "
    return f"{told}{item.at[:10]})"
