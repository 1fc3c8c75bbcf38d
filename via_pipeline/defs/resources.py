"""The one resource: where the installation lies. Everything else the rooms open themselves."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from via_pipeline.storage.home import Home


class Installation(dg.ConfigurableResource):
    """``VIA_HOME`` and ``VIA_DATA``, read when a step runs; set both to override (tests)."""

    root: str | None = None
    data: str | None = None

    def home(self) -> Home:
        """The installation's paths, with its folders made."""
        here = Home.from_env()
        found = Home(
            url=None if self.root else here.url,
            root=Path(self.root) if self.root else here.root,
            data=Path(self.data) if self.data else here.data,
            kept=None if self.data else here.kept,
        ).ensure()
        if found.url is not None:
            from via_pipeline.storage import kept

            kept.fetch_once(found)
        return found
