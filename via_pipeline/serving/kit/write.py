"""Write the kit for one place: where readers see ``serve/latest``.

Belongs here: which files there are, and writing them. Does not belong here: what stands in them.

The kit names no figure and no release, so that it stays right when a new release comes: it points
at ``latest``. The same place and the same file give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import jinja2

from via_pipeline.disclosure import dictionary
from via_pipeline.serving import content
from via_pipeline.serving.kit import clients, superset
from via_pipeline.serving.publish import FILE
from via_pipeline.storage.atomic import replacing
from via_pipeline.storage.duck import reader

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("via_pipeline.serving.kit"),
    autoescape=False,  # noqa: S701 - texts and code, no HTML
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Column:
    """A column of a published table: its name, DuckDB's type, its words."""

    name: str
    kind: str
    words: str


@dataclass(frozen=True)
class Table:
    """A published table with its words and its columns in order."""

    name: str
    words: str
    columns: tuple[Column, ...]


def place(text: str) -> PurePath:
    r"""``text`` as a path of its own system: ``\\server\map`` and ``C:\map`` are of Windows.

    Raises:
        ValueError: it is not a whole path.
    """
    windows = PureWindowsPath(text)
    kind = windows if windows.drive else PurePosixPath(text)
    if not kind.is_absolute():
        raise ValueError(f"{text} is not a whole path")
    return kind


def tables(file: Path) -> list[Table]:
    """The tables of the published file, in the order in which they are described."""
    found = []
    with reader(file) as connection:
        for name in content.allowed():
            words, described = content.words(name)
            kinds = connection.execute(
                "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? "
                "AND NOT internal ORDER BY column_index",
                [name],
            ).fetchall()
            columns = tuple(Column(column, kind, described[column]) for column, kind in kinds)
            found.append(Table(name, words, columns))
    return found


def write(file: Path, at: PurePath, folder: Path) -> list[Path]:
    """Write every file of the kit below ``folder``; their paths, sorted.

    ``file`` is a published file, ``at`` the folder in which readers see it and its twins.

    Raises:
        FileNotFoundError: nothing was published yet.
    """
    if not file.exists():
        raise FileNotFoundError(file)
    there = tables(file)
    texts: dict[str, str | bytes] = {
        "LEESMIJ.md": _text("LEESMIJ.md.j2", at, there),
        "lees.py": _text("lees.py.j2", at, there),
        "lees.R": _text("lees.R.j2", at, there),
        "powerbi/via.pbids": clients.pbids(at / "parquet"),
        "powerbi/via.pq": _text("powerquery.pq.j2", at, there, kind="parquet"),
        "excel/via.pq": _text("powerquery.pq.j2", at, there, kind="csv"),
        "dbeaver/data-sources.json": clients.dbeaver(at / FILE),
        "superset/via.zip": superset.export(at / FILE, there),
    }
    texts |= {f"tableau/{table.name}.tds": clients.tds(at / "csv", table) for table in there}
    written = []
    for name, text in sorted(texts.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
        written.append(path)
    return written


def _text(template: str, at: PurePath, there: list[Table], kind: str = "") -> str:
    return _TEMPLATES.get_template(template).render(
        at=at,
        file=at / FILE,
        folder_in_m=_in_m(at / kind),
        kind=kind,
        tables=there,
        notice=dictionary.synthetic_notice(),
        power_type=clients.POWER_TYPES,
        r_type=clients.R_TYPES,
        plain=clients.plain,
    )


def _in_m(folder: PurePath) -> str:
    """A folder with its last separator, as text of Power Query's M: quotes are doubled."""
    separator = "\\" if isinstance(folder, PureWindowsPath) else "/"
    return f"{folder}{separator}".replace('"', '""')
