"""How each figure of a package is worked out, in words: the table ``rekenwijze``.

Belongs here: Dutch words for formulas, from the measures and from ``formulas.yaml``. Does not
belong here: working anything out (rooms to the left). It is written into the package, so that an
old edition explains its figures by the rules of its day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import yaml

from via_pipeline.letters.content import Content, Table, own_table
from via_pipeline.outcomes import model
from via_pipeline.outcomes.model import Kind, Measure, Plan

TABLE = "rekenwijze"
ANY = "*"
"""In ``bron`` or ``maat``: the words hold for every row that has no words of its own."""

_FILE = Path(__file__).parent / "formulas.yaml"
_RESULT = "resultaat"
_COLUMNS = {
    "tabel": ("VARCHAR", "Tabel waarin het cijfer staat."),
    "bron": ("VARCHAR", "Bron van de leveringen waarvoor de regel geldt; * is elke."),
    "maat": ("VARCHAR", "Maat of methode waarvoor de regel geldt; * is elke."),
    "kolom": ("VARCHAR", "Kolom waarin het cijfer staat."),
    "formule": ("VARCHAR", "Hoe het cijfer is berekend, in woorden."),
    "definitie": ("VARCHAR", "Wat meetelt, als voorwaarde of uitdrukking in SQL."),
}
Words = tuple[str, str, str, str, str, str | None]


def table(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> Content:
    """Make the table on ``connection`` for the figures of ``tables``."""
    rows = [row for item in tables for row in _rows(item)]
    return own_table(
        connection,
        name=TABLE,
        title="Rekenwijze",
        description="Hoe elk cijfer is berekend, in woorden, volgens de regels van deze editie.",
        columns=_COLUMNS,
        key=("tabel", "bron", "maat", "kolom"),
        rows=sorted(rows, key=lambda row: row[:4]),
    )


def find(
    rows: Iterable[Mapping[str, str]], table: str, row: Mapping[str, str], column: str
) -> Mapping[str, str] | None:
    """The row of ``rekenwijze`` for a figure: the one that says most about it."""
    fitting = [
        one
        for one in rows
        if (one["tabel"], one["kolom"]) == (table, column)
        and one["bron"] in (ANY, row.get("bron"))
        and one["maat"] in (ANY, row.get("maat"), row.get("methode"))
    ]
    return min(fitting, key=lambda one: (one["bron"] == ANY, one["maat"] == ANY), default=None)


def _rows(item: Table) -> Iterator[Words]:
    dataset = item.content.dataset
    if dataset is None:
        return
    name = item.content.name
    if dataset.name == _RESULT:
        for source in model.names():
            plan = model.load(source)
            for measure in plan.measures:
                for column, words, definition in _measure(plan, measure):
                    yield name, source, measure.id, column, words, definition
        return
    said: Mapping[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8")).get(
        dataset.name, {}
    )
    for column, words in said.get("columns", {}).items():
        yield name, ANY, ANY, column, words, None
    if "methods" in said:
        place = item.columns.index("methode")
        used = sorted({row[place] for row in item.rows} - {None, ""})
        for method in used:
            fitting = [start for start in said["methods"] if method.startswith(start)]
            words = said["methods"][max(fitting, key=len)] if fitting else said["otherwise"]
            yield name, ANY, method, said["value"], words, None
        yield name, ANY, ANY, said["value"], said["otherwise"], None


def _measure(plan: Plan, measure: Measure) -> Iterator[tuple[str, str, str | None]]:
    """Column, words and definition of a measure's figures."""
    label = measure.label
    about = "" if measure.of == "true" else " Alleen rijen waarvoor de voorwaarde 'of' geldt."
    of = None if measure.of == "true" else f"of: {measure.of}"
    match measure.kind:
        case Kind.SHARE:
            yield "waarde", f"100 × teller ÷ n ({measure.unit}).{about}", _joined(of, measure)
            yield "n", f"Aantal waarnemingen waarvan bekend is of dit geldt: {label}.{about}", of
            yield (
                "teller",
                f"Aantal waarnemingen waarvoor dit geldt: {label}.",
                _joined(of, measure),
            )
        case Kind.MEAN:
            yield "waarde", f"Som ÷ n van: {label} ({measure.unit}).{about}", _joined(of, measure)
            yield "n", f"Aantal waarnemingen met een bekende waarde van: {label}.{about}", of
        case Kind.COUNT:
            what = "verschillende eenheden" if measure.distinct else "rijen"
            words = f"Aantal {what}: {label} ({measure.unit}).{about}"
            yield "waarde", words, _joined(of, measure)
            yield "n", words, _joined(of, measure)


def _joined(of: str | None, measure: Measure) -> str | None:
    own = measure.predicate or measure.expression or measure.distinct
    return "; ".join(part for part in (own, of) if part) or None
