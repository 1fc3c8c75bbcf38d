"""The places of an installation: what people keep (``data``), what a run makes (``home``), and what
was released: published editions with the log of who signed them off (``releases``).

``VIA_HOME`` is a local folder or object storage (``s3://bucket/prefix``). With object storage the
person-level tables (``lake``, ``quarantine``) lie in the bucket only; what must be a local file
lies in ``VIA_STATE``, and what of that must outlive the machine is kept in the bucket as well
(``kept``).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from via_pipeline.storage import bucket as buckets
from via_pipeline.storage.bucket import SCHEME, Bucket

if TYPE_CHECKING:
    from via_pipeline.storage.place import Place

_STATE = ".via-state"
_PRIVATE = 0o700
_PUBLIC = 0o755


@dataclass(frozen=True)
class Home:
    """Paths of one installation. Deleting ``root`` and running again gives the same bytes.

    ``root`` is ``VIA_HOME`` (default ``.via``); ``data`` is ``VIA_DATA`` (default ``data``) and
    holds ``landing``, ``register`` and ``reference``. ``kept`` is ``VIA_RELEASES``, the place of
    ``releases``; None is a folder in ``data``. ``url`` is ``VIA_HOME`` where that is object
    storage, and ``root`` then is ``VIA_STATE`` (default ``.via-state``).
    """

    root: Path
    data: Path
    kept: Path | None = None
    url: str | None = None

    @classmethod
    def from_env(cls) -> Home:
        """The installation that ``VIA_HOME`` and ``VIA_DATA`` point at, as absolute paths."""
        kept = os.environ.get("VIA_RELEASES")
        where = os.environ.get("VIA_HOME", ".via")
        url = where.rstrip("/") if where.startswith(SCHEME) else None
        root = os.environ.get("VIA_STATE", _STATE) if url else where
        return cls(
            url=url,
            root=Path(root).absolute(),
            data=Path(os.environ.get("VIA_DATA", "data")).absolute(),
            kept=Path(kept).absolute() if kept else None,
        )

    @property
    def landing(self) -> Path:
        """Deliveries as partners send them: ``landing/<source>/<received date>/<file>``."""
        return self.data / "landing"

    @property
    def house_style(self) -> Path:
        """A ministry's own theme and templates for the documents of a letter; need not exist."""
        return self.data / "huisstijl"

    @property
    def bucket(self) -> Bucket | None:
        """The object storage that ``url`` names; None where all is local."""
        return None if self.url is None else buckets.opened(self.url, self.scratch)

    @property
    def _tables(self) -> Place:
        return self.root if self.bucket is None else self.bucket.root

    @property
    def lake(self) -> Place:
        """Working tables (Parquet), restricted."""
        return self._tables / "lake"

    @property
    def quarantine(self) -> Place:
        """Rows set aside, restricted."""
        return self._tables / "quarantine"

    @property
    def ledger(self) -> Path:
        """The SQLite file that knows every file ever seen."""
        return self.root / "ledger" / "ledger.sqlite"

    @property
    def exclusions(self) -> Path:
        """The list of persons who object or were erased, as pseudonyms; restricted."""
        return self.root / "exclusions" / "list.json"

    @property
    def reports(self) -> Path:
        """Reports to partners and validation pages, restricted."""
        return self.root / "reports"

    @property
    def letters(self) -> Path:
        """Letter packages as the last run made them (concepts), one folder an edition."""
        return self.root / "letters"

    @property
    def candidates(self) -> Path:
        """Packages that were submitted and are being checked, restricted."""
        return self.root / "candidates"

    @property
    def releases(self) -> Path:
        """Published editions and their logs: kept by people, never made again by a run."""
        return self.kept or self.data / "uitgaven"

    @property
    def serve(self) -> Path:
        """What BI tools read."""
        return self.root / "serve"

    @property
    def latest(self) -> Path:
        """The link to the release that BI tools should read."""
        return self.serve / "latest"

    @property
    def dagster(self) -> Path:
        """Dagster's instance storage."""
        return self.root / "dagster"

    @property
    def run(self) -> Path:
        """What ``via run`` remembers between runs; names partners' files, so restricted."""
        return self.root / "run"

    @property
    def locks(self) -> Path:
        """Lock files, one a writer."""
        return self.root / "locks"

    @property
    def audit(self) -> Path:
        """Who looked up what; added to, never made again, so back it up."""
        return self.root / "audit"

    @property
    def scratch(self) -> Path:
        """DuckDB's spill folder, restricted."""
        return self.root / "scratch"

    def ensure(self) -> Home:
        """Create the folders; those that hold personal data are for the owner only (0700).

        The way to what is published is open to all when it is made, whatever the account's umask;
        who closes it later finds it closed.
        """
        for public in (self.root, self.letters, self.serve):
            if not public.exists():
                public.mkdir(parents=True)
                public.chmod(_PUBLIC)
        for private in (
            self.lake,
            self.quarantine,
            self.ledger.parent,
            self.exclusions.parent,
            self.reports,
            self.candidates,
            self.dagster,
            self.run,
            self.locks,
            self.audit,
            self.scratch,
        ):
            private.mkdir(parents=True, exist_ok=True)
            private.chmod(_PRIVATE)
        return self
