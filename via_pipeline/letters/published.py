"""What is published already, handed to disclosure control as what outsiders know.

Belongs here: where published tables lie, edition by edition and in the BI file, and which dataset
each holds. Does not belong here: what follows from them (``disclosure.history``).
"""

from __future__ import annotations

import json
import shutil

from via_pipeline.letters.content import contents
from via_pipeline.storage.duck import literal
from via_pipeline.storage.home import Home


def earlier(home: Home) -> list[dict[str, list[str]]]:
    """Per publication the SQL sources of each dataset: editions by reading date, BI last.

    An edition that is made again is among them: what it showed and hid stays as it was.
    """
    found = []
    for _, folder in sorted(_editions(home)):
        tables: dict[str, list[str]] = {}
        for content in contents():
            path = folder / f"{content.name}.parquet"
            if content.dataset is not None and path.exists():
                tables.setdefault(content.dataset.name, []).append(_source(path))
        found.append(tables)
    for folder in sorted(home.serve.glob("*/parquet")):
        if not folder.parent.is_symlink():
            found.append({path.stem: [_source(path)] for path in sorted(folder.glob("*.parquet"))})
    return found


def lay_out(home: Home, scratch: Home) -> None:
    """Copy into ``scratch`` all that ``earlier`` reads, for an edition that is made again there."""
    places = ((home.letters, scratch.letters), (home.releases, scratch.releases))
    for source, target in (*places, (home.serve, scratch.serve)):
        for path in source.rglob("*"):
            if path.name == "datapackage.json" or path.suffix == ".parquet":
                copy = target / path.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                if not copy.exists():
                    shutil.copyfile(path, copy)


def _editions(home: Home):
    frozen = home.releases.glob("*/r*/datapackage.json")
    for described in (*home.letters.glob("*/datapackage.json"), *frozen):
        told = json.loads(described.read_text(encoding="utf-8"))
        yield (str(told.get("leesdatum", "")), str(described)), described.parent


def _source(path) -> str:
    return f"read_parquet({literal(path)})"
