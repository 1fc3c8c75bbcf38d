"""The edition before, as a snapshot to compare with.

Belongs here: which edition comes before, and getting at its tables. Does not belong here: comparing
(``changes``).

A package that stands in ``letters/`` is read when it is whole and made of the very deliveries,
rules and code of now; else its tables are made anew. So the answer does not depend on what happens
to lie there: the same deliveries give the same changes. Only where the rows of then were deleted
for good, the package is what it was.
"""

from __future__ import annotations

from pathlib import Path

from via_pipeline.letters import editions, snapshot
from via_pipeline.letters.content import contents, read
from via_pipeline.letters.editions import Edition
from via_pipeline.letters.provenance import LOOK, provenance
from via_pipeline.letters.snapshot import PackageError, Snapshot
from via_pipeline.pilots.conform import RetentionEnded
from via_pipeline.storage import sums
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home


def previous(home: Home, edition: Edition) -> Edition | None:
    """The last edition with an earlier reading date; None for the first."""
    earlier = [one for one in editions.editions(home) if one.reading_date < edition.reading_date]
    return max(earlier, default=None)


def before(home: Home, edition: Edition) -> Snapshot | None:
    """What the edition before holds; None where there is none.

    Raises:
        RetentionEnded: its rows were deleted for good, and it has no package that is whole.
        PartMissing, TableError: see ``editions.see``.
    """
    earlier = previous(home, edition)
    if earlier is None:
        return None
    origin = provenance(home, earlier.reading_date)
    written = _written(home.letters / earlier.name)
    if written is not None and all(
        written.origin.get(name) == value for name, value in origin.items() if name != LOOK
    ):
        return written
    try:
        return _made(home, earlier, origin)
    except RetentionEnded:
        if written is None:
            raise
        return written


def _written(folder: Path) -> Snapshot | None:
    """The package in ``folder``, if there is one and it is whole."""
    try:
        found = snapshot.of_package(folder)
    except PackageError:
        return None
    return None if any(sums.problems(folder)) else found


def _made(home: Home, edition: Edition, origin: dict[str, object]) -> Snapshot:
    with work(home.scratch) as connection:
        editions.see(connection, home, edition.reading_date, is_alone=True)
        tables = [read(connection, content) for content in contents()]
    return snapshot.of_tables(edition.release, tables, origin)
