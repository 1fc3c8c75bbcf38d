"""The edition before, as a snapshot to compare with.

Belongs here: which edition comes before, and getting at its tables. Does not belong here: comparing
(``changes``).

A package that stands in ``letters/`` is read when it is whole and made of the very deliveries,
rules and code of now; else its tables are made anew. So the answer does not depend on what happens
to lie there: the same deliveries give the same changes.
"""

from __future__ import annotations

from pathlib import Path

from via_pipeline.letters import editions, snapshot
from via_pipeline.letters.content import contents, read
from via_pipeline.letters.editions import Edition
from via_pipeline.letters.files import SUMS, sums
from via_pipeline.letters.provenance import provenance
from via_pipeline.letters.snapshot import PackageError, Snapshot
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home


def previous(home: Home, edition: Edition) -> Edition | None:
    """The last edition with an earlier reading date; None for the first."""
    earlier = [one for one in editions.editions(home) if one.reading_date < edition.reading_date]
    return max(earlier, default=None)


def before(home: Home, edition: Edition) -> Snapshot | None:
    """What the edition before holds; None where there is none.

    Raises:
        PartMissing, TableError: see ``editions.see``.
    """
    earlier = previous(home, edition)
    if earlier is None:
        return None
    origin = provenance(home, earlier.reading_date)
    return _written(home.letters / earlier.name, origin) or _made(home, earlier, origin)


def _written(folder: Path, origin: dict[str, object]) -> Snapshot | None:
    try:
        found = snapshot.of_package(folder)
        is_whole = (folder / SUMS).read_text(encoding="utf-8") == sums(folder)
    except (PackageError, OSError):
        return None
    is_of_now = all(found.origin.get(name) == value for name, value in origin.items())
    return found if is_whole and is_of_now else None


def _made(home: Home, edition: Edition, origin: dict[str, object]) -> Snapshot:
    with work(home.scratch) as connection:
        editions.see(connection, home, edition.reading_date)
        tables = [read(connection, content) for content in contents()]
    return snapshot.of_tables(edition.release, tables, origin)
