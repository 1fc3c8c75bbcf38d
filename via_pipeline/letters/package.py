"""The package of an edition: a folder, and a ZIP of it, that replace the former ones.

Belongs here: what makes up the folder, in which order it is made. Does not belong here: figures, or
anything of the moment of a run: the same deliveries and register give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, StrictUndefined

from via_pipeline.disclosure import dictionary, record
from via_pipeline.disclosure.model import load_ruleset
from via_pipeline.disclosure.proof import NotSafe
from via_pipeline.letters import (
    archive,
    changelog,
    changes,
    dcat,
    documents,
    duckdb_file,
    editions,
    formulas,
    lookup,
    ods,
    snapshot,
    xlsx,
)
from via_pipeline.letters.before import before as edition_before
from via_pipeline.letters.content import code_table, contents
from via_pipeline.letters.descriptor import descriptor
from via_pipeline.letters.editions import Edition
from via_pipeline.letters.files import File, Written, describe, write
from via_pipeline.letters.provenance import provenance
from via_pipeline.letters.sheets import sheets, title
from via_pipeline.letters.snapshot import DESCRIPTOR, ORIGIN, Snapshot
from via_pipeline.pilots.conform import RetentionEnded
from via_pipeline.storage import sums
from via_pipeline.storage.atomic import replacing, replacing_folder, sweep, writer_lock
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home

_TEMPLATE = Path(__file__).parent / "LEESMIJ.md.j2"


@dataclass(frozen=True)
class Package:
    """A package as it was written."""

    edition: Edition
    folder: Path
    archive: Path
    rows: dict[str, int]


def emit(
    home: Home,
    edition: str,
    *,
    revision: int = 0,
    previous: Path | None = None,
    correction: str | None = None,
    run: str | None = None,
    stays_inside: bool = False,
) -> Package:
    """Make ``letters/<edition>/`` from what was received and known on its reading date.

    ``revision`` counts corrections of a published edition. ``previous`` is the package to compare
    with, as it was published; default is the edition before, as these deliveries and this code make
    it. ``correction`` is the public note of a correction. ``run`` is remembered beside the package.
    ``stays_inside``: to be compared with what is out, never to go out itself.

    Raises:
        UnknownEdition: the register has no such edition.
        BusyError: another process is making a package.
        NoSuchTable: the register was never taken in.
        PackageError: ``previous`` is no package.
        PartMissing: a delivery of then is no longer in the lake; the old folder stays.
        TableError: a table cannot be protected; the old folder stays.
        NotSafe: something could be worked out from it; the old folder stays.
        ThemeError, TemplateError: the house style cannot be used; the old folder stays.
    """
    chosen = replace(editions.edition(home, edition), revision=revision)
    with writer_lock(home.locks, "letters"):
        sweep(home.letters)
        earlier, is_lost = None, False
        try:
            earlier = snapshot.of_package(previous) if previous else edition_before(home, chosen)
        except RetentionEnded:
            is_lost = True
        origin = provenance(home, chosen.reading_date)
        folder = home.letters / chosen.name
        with work(home.scratch) as connection:
            try:
                seen = editions.see(connection, home, chosen.reading_date, stays_inside)
            except NotSafe as error:
                record.refused(home, connection, chosen.name, error)
                raise
            with replacing_folder(folder) as temporary:
                written = write_package(
                    connection,
                    chosen,
                    origin,
                    temporary,
                    before=earlier,
                    correction=correction,
                    house_style=home.house_style,
                    is_lost=is_lost,
                )
            record.keep(home, connection, chosen.name, seen.proof)
        zipped = home.letters / f"{chosen.name}.zip"
        with replacing(zipped) as temporary:
            archive.of_folder(temporary, folder, chosen.reading_date)
        if run is not None:
            lookup.remember_run(home, chosen.name, sums.folder_hash(folder), run)
        return Package(chosen, folder, zipped, {item.name: item.rows for item in written})


def write_package(
    connection: duckdb.DuckDBPyConnection,
    edition: Edition,
    origin: Mapping[str, Any],
    folder: Path,
    *,
    before: Snapshot | None = None,
    correction: str | None = None,
    house_style: Path | None = None,
    is_lost: bool = False,
) -> list[Written]:
    """Write all files of a package into the empty ``folder``.

    ``connection`` holds the protected tables ``disclosure__*`` as the edition sees them; ``origin``
    becomes ``herkomst.json``. ``before`` is what to compare with, None for a first edition;
    ``correction`` the public note of a correction; ``house_style`` a ministry's own look and
    templates. ``is_lost``: there was an edition before, but what it was made of is deleted for
    good.

    Raises:
        CellClash: two rows of a table have one address.
        ThemeError, TemplateError: the house style cannot be used.
    """
    figures = [write(connection, content, folder) for content in contents()]
    tables = [item.table for item in figures]
    after = snapshot.of_tables(edition.release, tables, origin)
    found = changes.compare(before, after, correction) if before else []
    own = (
        changes.table(connection, found),
        formulas.table(connection, tables),
        code_table(connection),
    )
    written = [*figures, *(write(connection, content, folder) for content in own)]

    titles = {item.name: item.title for item in figures}
    compared = before.release if before else None
    told = changelog.sentences(compared, found, titles)
    documents.write(connection, edition, written, folder, house_style, told)

    pages = sheets(edition, written)
    stem = f"via-{edition.release.replace('_', '-')}"
    xlsx.write(folder / f"{stem}.xlsx", pages, title(edition), edition.reading_date)
    ods.write(folder / f"{stem}.ods", pages, title(edition), edition.reading_date)
    duckdb_file.write(connection, written, folder / f"{stem}.duckdb")
    books = [describe(folder / f"{stem}.{kind}") for kind in ("xlsx", "ods", "duckdb")]

    _json(folder / DESCRIPTOR, descriptor(edition, written, books))
    _json(folder / ORIGIN, {"editie": edition.name, "uitgave": edition.release, **origin})
    dcat.write(folder, edition, written, books)
    _text(folder / "WIJZIGINGEN.md", changelog.text(edition, compared, found, titles, is_lost))
    _text(folder / "LEESMIJ.md", _readme(edition, written, books))
    sums.write(folder)
    return written


def _readme(edition: Edition, written: Sequence[Written], books: Sequence[File]) -> str:
    # Markdown, not HTML: nothing to escape. What is filled in comes from the register.
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701
    datasets: dict[str, list[str]] = {}
    for item in written:
        if (dataset := item.table.content.dataset) is not None:
            datasets.setdefault(dataset.ruleset, []).append(item.name)
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
        books=books,
        notice=dictionary.synthetic_notice(),
        is_synthetic=any(item.is_synthetic for item in written),
        symbols=dictionary.symbols(),
        rulesets=rulesets,
    )


def _json(path: Path, value: Any) -> None:
    _text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
