"""Say in Dutch how a table differs from its contract: header, types, codes.

Belongs here: words about schema drift, for the partner and the engineer. Does not belong here: what
happens because of it (the contract's rules, run by ``quality/``).

A header cell is shown only when its words are known (``names.py``): where a file has no header, its
first row of data stands in that place, with whatever personal data it holds.
"""

from __future__ import annotations

import difflib

import duckdb

from via_pipeline.contracts.codelists import CodeList
from via_pipeline.contracts.model import Column, Table
from via_pipeline.intake import names
from via_pipeline.intake.masking import without_shape
from via_pipeline.intake.readers.header import Header, folded
from via_pipeline.intake.trouble import listed
from via_pipeline.storage.duck import among, literal, quoted

_LIKENESS = 0.6
_SHOWN = 5
_CODE = "[^\\s~(][^\\s]{0,19}"  # What is longer, has blanks or is a shape only is not shown.
_KINDS = (
    ("geheel getal", r"-?[0-9]+"),
    ("getal met decimale punt", r"-?[0-9]+[.][0-9]+"),
    ("getal met decimale komma", r"-?[0-9]+,[0-9]+"),
    ("datum (jjjj-mm-dd)", r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    ("datum (dd-mm-jjjj)", r"[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}"),
)
_TYPES = {
    "string": "tekst",
    "integer": "geheel getal",
    "number": "getal",
    "date": "datum",
    "boolean": "J of N",
}


def shown(name: str, place: int) -> str:
    """A header cell as it may be repeated; ``place`` counts from 0."""
    if not name:
        return f"kolom {place + 1} (zonder naam)"
    if names.may_show_column(name, names.vocabulary()):
        return name
    return f"kolom {place + 1} (naam niet weergegeven)"


def shown_header(header: Header) -> tuple[str, ...]:
    """The header as it may be kept: contract names, and others where all their words are known."""
    return tuple(
        name if name in header.places else shown(name, place)
        for place, name in enumerate(header.names)
    )


def of_header(header: Header, table: Table) -> list[str]:
    """Missing, extra, probably renamed, named twice, other order."""
    agreed = [column.name for column in table.delivered_columns]
    missing = [name for name in agreed if name not in header.places]
    extra = [(place, name) for place, name in enumerate(header.names) if name not in header.places]
    words = []
    for name in list(missing):
        twin = _renamed(table.column(name), extra)
        if twin is not None:
            words.append(
                f"Kolom '{name}' heet in het bestand waarschijnlijk '{shown(twin[1], twin[0])}'. "
                f"Geef de kolom de afgesproken naam '{name}'."
            )
            missing.remove(name)
            extra.remove(twin)
    if missing:
        words.append(f"Ontbrekende kolommen: {listed([repr(name) for name in missing])}.")
    if extra:
        names = [repr(shown(name, place)) for place, name in extra]
        words.append(f"Niet-afgesproken kolommen: {listed(names)}. Laat ze weg.")
    if header.doubles:
        names = [repr(name) for name in header.doubles]
        words.append(f"Kolommen die meer dan één keer voorkomen: {listed(names)}.")
    present = [name for name in header.names if name in header.places]
    if not words and present != agreed:
        words.append("De kolommen staan in een andere volgorde dan afgesproken; dat mag.")
    return words


def of_values(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    table: Table,
    header: Header,
    codelists: dict[str, CodeList],
) -> list[str]:
    """Columns whose values are mostly of another type than agreed, and codes not on their list.

    ``relation`` is SQL of the staged table: identifying values are not in it.
    """
    columns = [
        column
        for column in table.delivered_columns
        if not column.is_identifying and column.name in header.places
    ]
    typed = [column for column in columns if not column.is_text and column.pattern]
    coded = [column for column in columns if column.codelist]
    parts = [part for column in typed for part in (f"count({_text(column)})", _wrong(column))]
    parts += [_new_codes(column, codelists) for column in coded]
    if not parts:
        return []
    values = connection.execute(f"SELECT {', '.join(parts)} FROM {relation}").fetchall()[0]
    words = []
    for index, column in enumerate(typed):
        filled, wrong = values[2 * index : 2 * index + 2]
        if wrong and 2 * wrong > filled:
            # Rare, so worth a look of its own: five patterns more for every column are not.
            kinds = connection.execute(f"SELECT {_kinds(column)} FROM {relation}").fetchall()[0]
            best = max(range(len(_KINDS)), key=lambda kind: kinds[kind])
            now = _KINDS[best][0] if 2 * kinds[best] > wrong else "tekst"
            words.append(
                f"Kolom '{column.name}' bevat {now}; afgesproken is "
                f"{_TYPES[column.logical_type]}{_form(column)}."
            )
    for column, codes in zip(coded, values[2 * len(typed) :], strict=True):
        if codes:
            name = column.codelist.name if column.codelist else ""
            words.append(
                f"Kolom '{column.name}' bevat codes die niet in de codelijst '{name}' staan: "
                f"{_codes(codes)}."
            )
    return words


def _renamed(column: Column, extra: list[tuple[int, str]]) -> tuple[int, str] | None:
    """The extra cell that probably is ``column``: by a known alias, else by likeness."""
    aliases = {folded(alias) for alias in column.aliases}
    for place, name in extra:
        if folded(name) in aliases:
            return place, name
    likeness = [
        (difflib.SequenceMatcher(None, folded(name), folded(column.name)).ratio(), -place, name)
        for place, name in extra
    ]
    best = max(likeness, default=None)
    return (-best[1], best[2]) if best and best[0] >= _LIKENESS else None


def _text(column: Column) -> str:
    return quoted(column.name if column.is_text else f"{column.name}__tekst")


def _is_wrong(column: Column) -> str:
    return f"NOT regexp_full_match({_text(column)}, {literal(column.pattern or '')})"


def _wrong(column: Column) -> str:
    return f"count(*) FILTER (WHERE {_is_wrong(column)})"


def _kinds(column: Column) -> str:
    """Of the values of another form: how many have each of the forms that have a name."""
    return ", ".join(
        f"count(*) FILTER (WHERE {_is_wrong(column)} AND "
        f"regexp_full_match({without_shape(_text(column))}, {literal(pattern)}))"
        for _, pattern in _KINDS
    )


def _new_codes(column: Column, codelists: dict[str, CodeList]) -> str:
    text = _text(column)
    name = column.codelist.name if column.codelist else ""
    strange = f"NOT {among(text, codelists[name].values)}"
    # Intake keeps a code that is not on the list only where it is short, or like one of the list.
    may_show = f"regexp_full_match({text}, {literal(_CODE)})"
    return (
        f"list(DISTINCT CASE WHEN {may_show} THEN {text} ELSE '' END ORDER BY "
        f"CASE WHEN {may_show} THEN {text} ELSE '' END) FILTER (WHERE {strange})[:{_SHOWN + 1}]"
    )


def _codes(codes: list[str]) -> str:
    words = [repr(code) if code else "(niet weergegeven)" for code in codes[:_SHOWN]]
    return listed(words) + (" en meer" if len(codes) > _SHOWN else "")


def _form(column: Column) -> str:
    if column.logical_type == "date":
        form = (column.date_format or "yyyy-MM-dd").replace("yyyy", "jjjj").replace("MM", "mm")
        return f" ({form})"
    if column.logical_type == "number":
        return f" met een decimale {'komma' if column.decimal_mark == ',' else 'punt'}"
    return ""
