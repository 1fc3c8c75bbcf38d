"""The package of an edition: a folder that replaces the former one at once.

Belongs here: what makes up the folder, in which order it is made. Does not belong here: figures, or
anything of the moment of a run: the same deliveries and register give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, StrictUndefined

from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.model import load_ruleset
from via_pipeline.letters import documents, editions
from via_pipeline.letters.descriptor import descriptor
from via_pipeline.letters.editions import Edition
from via_pipeline.letters.files import Written, contents, describe, sums, write
from via_pipeline.letters.provenance import provenance
from via_pipeline.storage.atomic import replacing_folder, sweep, writer_lock
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home

_TEMPLATE = Path(__file__).parent / "LEESMIJ.md.j2"


@dataclass(frozen=True)
class Package:
    """A package as it was written."""

    edition: Edition
    folder: Path
    rows: dict[str, int]


def emit(home: Home, edition: str) -> Package:
    """Make ``letters/<edition>/`` from what was received and known on its reading date.

    Raises:
        UnknownEdition: the register has no such edition.
        BusyError: another process is making a package.
        NoSuchTable: the register was never taken in.
        PartMissing: a delivery of then is no longer in the lake; the old folder stays.
        TableError: a table cannot be protected; the old folder stays.
        ThemeError, TemplateError: the house style cannot be used; the old folder stays.
    """
    chosen = editions.edition(home, edition)
    with writer_lock(home.locks, "letters"), work(home.scratch) as connection:
        sweep(home.letters)
        editions.see(connection, home, chosen.reading_date)
        origin = provenance(home, chosen.reading_date)
        folder = home.letters / chosen.name
        with replacing_folder(folder) as temporary:
            written = write_package(connection, chosen, origin, temporary, home.house_style)
        return Package(chosen, folder, {item.name: item.rows for item in written})


def write_package(
    connection: duckdb.DuckDBPyConnection,
    edition: Edition,
    origin: Mapping[str, Any],
    folder: Path,
    house_style: Path | None = None,
) -> list[Written]:
    """Write all files of a package into the empty ``folder``.

    ``connection`` holds the protected tables ``disclosure__*`` as the edition sees them; ``origin``
    becomes ``herkomst.json``; ``house_style`` is a ministry's own look and templates.

    Raises:
        ThemeError, TemplateError: the house style cannot be used.
    """
    written = [write(connection, content, folder) for content in contents()]
    documents.write(connection, edition, written, folder, house_style)
    _json(folder / "datapackage.json", descriptor(edition, written))
    _json(folder / "herkomst.json", {"editie": edition.name, **origin})
    _text(folder / "LEESMIJ.md", _readme(edition, written))
    _text(folder / "SHA256SUMS", sums(describe(path) for path in folder.iterdir()))
    return written


def _readme(edition: Edition, written: Sequence[Written]) -> str:
    # Markdown, not HTML: nothing to escape. What is filled in comes from the register.
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701
    datasets: dict[str, list[str]] = {}
    for item in written:
        datasets.setdefault(item.dataset.ruleset, []).append(item.name)
    rulesets = [
        {
            "title": load_ruleset(name).title,
            "description": load_ruleset(name).description,
            "datasets": names,
        }
        for name, names in datasets.items()
    ]
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        edition=edition,
        written=written,
        notice=dictionary.synthetic_notice(),
        is_synthetic=any(item.is_synthetic for item in written),
        symbols=dictionary.symbols(),
        rulesets=rulesets,
    )


def _json(path: Path, value: Any) -> None:
    _text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
