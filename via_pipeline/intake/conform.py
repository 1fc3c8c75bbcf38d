"""From text to the staged table: pseudonyms, types, kinds of missing, outcomes of predicates.

One streaming pass per table: text comes in, Parquet goes out in the order of the sender's rows, and
no identifying value is in it (``contracts/rules.py`` describes its columns). A cell's text must
match the column's pattern in full before it is cast, so that ``1.5`` is never 15. Predicates see
the row in full; what is written is made coarse after them (``coarse.py``). Belongs here: the SQL of
that pass. Does not belong here: reading formats, judging rows.

The connection never spills to disk (``temp_directory`` is empty): what it holds may identify.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

from via_pipeline.contracts.codelists import CodeList
from via_pipeline.contracts.model import Column, Contract, ContractError, Table
from via_pipeline.contracts.rules import Rule, rules_of
from via_pipeline.intake import bsn, coarse, exclusions, masking
from via_pipeline.intake.corrections import Overlay
from via_pipeline.intake.exclusions import Exclusions
from via_pipeline.intake.pseudonym import Key, expression
from via_pipeline.intake.readers.raw import RawTable
from via_pipeline.storage.duck import among, in_order, literal, quoted
from via_pipeline.storage.lake import PARQUET
from via_pipeline.storage.place import Place

_RAW = "via_raw"
_BLANKS = "chr(32) || chr(9) || chr(10) || chr(13) || chr(160) || chr(65279)"
_BLANK = r"[ \t\n\r\x{A0}\x{FEFF}]"
_BLANK_END = rf"\A{_BLANK}|{_BLANK}\z"
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
_SET_BASED = re.compile(r"\b(select|over)\b", re.IGNORECASE)
_SAFE_VALUE = re.compile(r"[\w .:+-]*")
_TRUE = ("J", "JA", "1", "TRUE", "WAAR", "Y", "YES")
_FALSE = ("N", "NEE", "0", "FALSE", "ONWAAR", "NO")
_AGE_CLASS = re.compile(r"(\d+)-(\d+)|(\d+)\+")


@dataclass(frozen=True)
class Context:
    """What of the delivery the rows need: its id, key fields, peildatum, and the code lists."""

    contract: Contract
    delivery_id: str
    fields: Mapping[str, str]
    peildatum: date | None
    codelists: Mapping[str, CodeList]
    exclusions: Exclusions = field(default_factory=lambda: Exclusions(None))
    overlay: Overlay = field(default_factory=dict)
    """Texts that take the place of cells of the file, by table, column and row."""
    resolved: dict[str, str] = field(default_factory=dict)
    """Mark to pseudonym of persons on the list whose pseudonym was not known; filled in here."""


@contextmanager
def connection(
    key: Key, own: Key | None = None, at_once: int = 1
) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory connection that holds the key and never writes to disk of its own accord.

    Of ``at_once`` of them side by side each has its share of the memory.
    """
    with in_order(at_once=at_once) as opened:
        opened.execute("SET temp_directory = ''")
        key.lend(opened)
        if own is not None:
            own.lend(opened, exclusions.PREFIX)
        yield opened


def to_parquet(
    opened: duckdb.DuckDBPyConnection,
    context: Context,
    raws: Mapping[str, RawTable],
    folder: Path,
) -> dict[str, int]:
    """Write ``<table>.parquet`` for every table of ``raws`` into ``folder``; rows by table.

    A table that other tables' predicates look at, or whose own predicates look across rows, is
    held in memory, pseudonymised, until all are written; every other table is streamed. Where it is
    only to be known how often a text occurs, a file that is read fast is read twice and not held.
    ``RawTable.tally`` holds afterwards what could not be read; the caller must look at its
    ``refused``.

    Raises:
        ContractError: a predicate is not SQL over the staged row, or names what is not there.
    """
    rules = {
        name: [
            rule
            for rule in rules_of(
                context.contract, context.contract.table(name), dict(context.codelists)
            )
            if rule.predicate is not None
        ]
        for name in raws
    }
    held = _held(context, rules, raws)
    for name, raw in raws.items():
        if name in held:
            query = _conformed(context, context.contract.table(name), raw)
            _with_attempts(
                opened, raw, f"CREATE OR REPLACE TEMP TABLE {_held_name(name)} AS {query}"
            )
            _resolve(opened, context, context.contract.table(name))
    if any(raw.tally.refused for raw in raws.values()):
        return {}
    rows: dict[str, int] = {}
    for name, raw in raws.items():
        table = context.contract.table(name)
        if name in held:
            for statement in coarse.counting(table, _held_name(name)):
                opened.execute(statement)
        else:
            # The readers look at every cell of a row, whichever are asked for: both readings see
            # the same rows, or the first fails as the second would.
            for statement in coarse.counting(table, f"({_conformed(context, table, raw)})"):
                _with_attempts(opened, raw, statement)
        flags = "".join(
            f", CASE WHEN coalesce(({_filled(context, rule, raws)}), true) THEN 1 ELSE 0 END "
            f"AS {quoted(rule.flag)}"
            for rule in rules[name]
        )
        path = folder / f"{name}.parquet"
        target = f"TO {literal(path)} ({PARQUET})"
        try:
            if name in held:
                # No join: the rows stay in the order in which they were held, that of the file.
                rows_of = f"SELECT *{flags} FROM {_held_name(name)} AS rij"
                final = coarse.applied(table, rows_of)
                final = _written(context, table, final)
                opened.execute(f"COPY ({final}) {target}")
            else:
                base = f"SELECT *{flags} FROM ({_conformed(context, table, raw)}) AS rij"
                final = _written(context, table, coarse.applied(table, base))
                _with_attempts(opened, raw, f"COPY ({final}) {target}")
        except (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException) as error:
            raise ContractError(
                f"{context.contract.source}.{name}: a rule's predicate is not SQL over the staged "
                f"row ({type(error).__name__})"
            ) from None
        counted = opened.execute(f"SELECT count(*) FROM read_parquet({literal(path)})").fetchall()
        rows[name] = counted[0][0]
    return rows


def content_sha256(
    opened: duckdb.DuckDBPyConnection, contract: Contract, parquet: Mapping[str, Place]
) -> str:
    """A hash of the delivered rows: blind to encoding, format, row order and spelling of numbers.

    Each row's canonical text is hashed, and the hashes are summed per table (a multiset hash), so
    nothing need be sorted. Computed on pseudonymised rows, so it gives no identity away.
    """
    digest = hashlib.sha256()
    for name, path in sorted(parquet.items()):
        table = contract.table(name)
        cells = [f"coalesce({quoted(person.name + '_id')}, '')" for person in table.persons]
        for column in table.delivered_columns:
            cells.append(_canonical(column))
        row = f"sha256(concat_ws(chr(31), {', '.join(cells)}))"
        sums = ", ".join(
            f"coalesce(sum(('0x' || substr(h, {start}, 15))::BIGINT::HUGEINT), 0)::VARCHAR"
            for start in (1, 16, 31, 46)
        )
        found = opened.execute(
            f"SELECT count(*)::VARCHAR, {sums} FROM "
            f"(SELECT {row} AS h FROM read_parquet({literal(path)}))"
        ).fetchall()[0]
        digest.update(f"{name}\0{' '.join(found)}\n".encode())
    return digest.hexdigest()


def _canonical(column: Column) -> str:
    if column.is_identifying:
        return f"coalesce({quoted(column.name + '__fout')}, '')"
    choices = [f"{quoted(column.name)}::VARCHAR"]
    if not column.is_text:
        choices.append(quoted(column.name + "__tekst"))
    if column.has_missing_kinds:
        choices.append(f"chr(30) || {quoted(column.name + '__ontbreekt')}")
    return f"coalesce({', '.join(choices)}, chr(30))"


def _with_attempts(opened: duckdb.DuckDBPyConnection, raw: RawTable, statement: str) -> None:
    """Run ``statement`` over the raw table, by its ways of reading in turn.

    The engine's message about a row it cannot read holds that row: it is dropped, never chained.
    """
    for attempt in raw.attempts[:-1]:
        try:
            with attempt(opened, _RAW):
                opened.execute(statement)
                return
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            continue
    with raw.attempts[-1](opened, _RAW):
        opened.execute(statement)


def _conformed(context: Context, table: Table, raw: RawTable) -> str:
    """SQL from the raw view to the staged columns without the predicates' outcomes."""
    present = raw.header.places
    trimmed, known = [], []
    for column in table.delivered_columns:
        name = quoted(column.name)
        text = name if column.name in present else "''"
        if cells := context.overlay.get(table.name, {}).get(column.name):
            text = _corrected(text, cells)
        is_trimmed = raw.is_trimmed and not cells
        trimmed.append(f"{text if is_trimmed else _trimmed(text)} AS {name}")
        codes = ", ".join(literal(text) for text in column.missing)
        known.append(
            f"CASE WHEN {name} IS NULL OR {name} IN ({codes}) THEN NULL ELSE {name} END AS {name}"
        )
        if column.has_missing_kinds:
            kinds = " ".join(
                f"WHEN {literal(text)} THEN {literal(kind)}"
                for text, kind in column.missing.items()
            )
            known.append(
                f"CASE coalesce({name}, '') {kinds} END AS {quoted(column.name + '__ontbreekt')}"
            )
    texts = f"SELECT _row, {', '.join(trimmed)} FROM {_RAW}"
    texts = f"SELECT _row, {', '.join(known)} FROM ({texts})"
    if once := list(_once(table)):
        texts = f"SELECT *, {', '.join(once)} FROM ({texts})"
    named = {name for person in table.persons for name in person.columns}
    masked = [
        f"{masking.kept(column, context.codelists, _form_of(column))} AS {quoted(column.name)}"
        for column in table.delivered_columns
        if not column.is_identifying and column.name not in named
    ]
    if masked:
        texts = f"SELECT * REPLACE ({', '.join(masked)}) FROM ({texts})"
    return f"SELECT {', '.join(_staged_columns(context, table))} FROM ({texts})"


def _once(table: Table) -> Iterator[str]:
    """What several columns of the staged row are made of, worked out once.

    Whether the text of a typed column has the agreed form: masking and the value ask it. The value
    of a column that others are derived from.
    """
    derived = {column.derived_from for column in table.columns}
    for column in table.delivered_columns:
        text = quoted(column.name)
        if form := _form_of(column):
            yield f"regexp_full_match({text}, {literal(column.pattern or '')}) AS {form}"
        if column.name in derived and column.logical_type == "date":
            yield f"{_typed(column, text)} AS {_value_of(column)}"


def _form_of(column: Column) -> str | None:
    """The helper column that says whether a text has the agreed form; None where there is none."""
    if column.pattern is None or column.is_text or column.is_identifying:
        return None
    return quoted(f"via_vorm_{column.name}")


def _value_of(column: Column) -> str:
    """The helper column with the value that others are derived from."""
    return quoted(f"via_waarde_{column.name}")


def _trimmed(text: str) -> str:
    """SQL of ``text`` without outer blanks; a look whether there are any is half the work."""
    has_blanks = f"regexp_matches({text}, {literal(_BLANK_END)})"
    return f"CASE WHEN {has_blanks} THEN trim({text}, {_BLANKS}) ELSE {text} END"


def _corrected(text: str, cells: Mapping[int, str]) -> str:
    """SQL of a cell: what a person resolved in its rows, the file's own text in all others."""
    rows = " ".join(f"WHEN {int(row)} THEN {literal(new)}" for row, new in sorted(cells.items()))
    return f"CASE _row {rows} ELSE {text} END"


def _staged_columns(context: Context, table: Table) -> Iterator[str]:
    yield f"{literal(context.delivery_id)} AS _delivery"
    yield "_row"
    texts = {column.name: quoted(column.name) for column in table.delivered_columns}
    for person in table.persons:
        identity = expression(table, person, context.fields, texts)
        yield f"{identity} AS {quoted(person.name + '_id')}"
        yield f"{literal(person.id_type)} AS {quoted(person.name + '_id_soort')}"
        if context.exclusions.entries:
            mark = expression(table, person, context.fields, texts, exclusions.PREFIX)
            yield f"{mark} AS {quoted('via_merk_' + person.name)}"
    helpers = []
    derived = {column.derived_from for column in table.columns}
    for column in table.columns:
        name = column.name
        if column.is_identifying:
            if column.is_delivered:
                fault = _fault(column, column.name in derived and column.logical_type == "date")
                helpers.append(f"{fault} AS {quoted(name + '__fout')}")
            continue
        if column.is_delivered:
            text = quoted(name)
            value = text if column.is_text else _typed(column, text, _form_of(column))
        else:
            value = _derived(context, table, column)
            text = f"CAST({value} AS VARCHAR)"
        yield f"{value} AS {quoted(name)}"
        if column.has_missing_kinds:
            yield quoted(name + "__ontbreekt")
        if not column.is_text:
            helpers.append(f"{text} AS {quoted(name + '__tekst')}")
    yield from helpers


def _typed(column: Column, text: str, has_form: str | None = None) -> str:
    """SQL of the typed value; NULL where the text has not the agreed form.

    ``has_form`` is SQL of whether it has, where that is known.
    """
    value = {
        "string": lambda: text,
        "integer": lambda: f"TRY_CAST({text} AS BIGINT)",
        "number": lambda: f"TRY_CAST({_with_point(column, text)} AS {column.duckdb_type})",
        "date": lambda: _date(column, text),
        "boolean": lambda: (
            f"CASE WHEN upper({text}) IN ({_list(_TRUE)}) THEN true "
            f"WHEN upper({text}) IN ({_list(_FALSE)}) THEN false END"
        ),
    }[column.logical_type]()
    if column.pattern is None or column.is_text:
        return value
    has_form = has_form or f"regexp_full_match({text}, {literal(column.pattern)})"
    return f"CASE WHEN {has_form} THEN {value} END"


def _date(column: Column, text: str) -> str:
    """SQL of the date; NULL for the year 0, which DuckDB takes for 1 BC and no calendar has."""
    value = f"TRY_CAST(try_strptime({text}, {literal(column.strptime)}) AS DATE)"
    return f"CASE WHEN {value} >= DATE '0001-01-01' THEN {value} END"


def _with_point(column: Column, text: str) -> str:
    return (
        text
        if column.decimal_mark == "."
        else f"replace({text}, {literal(column.decimal_mark)}, '.')"
    )


def _fault(column: Column, has_value: bool) -> str:
    """SQL of the kind of fault of an identifying value: all that is left of it.

    ``has_value`` says that its value was worked out before (``_once``).
    """
    name = quoted(column.name)
    cases = []
    if column.required:
        cases.append(f"WHEN {name} IS NULL THEN 'ontbreekt'")
    else:
        cases.append(f"WHEN {name} IS NULL THEN NULL")
    if column.pattern:
        cases.append(f"WHEN NOT regexp_full_match({name}, {literal(column.pattern)}) THEN 'vorm'")
    if column.is_text:
        cases.append(f"WHEN length({name}) > {column.max_length} THEN 'vorm'")
    if column.logical_type == "date":
        value = _value_of(column) if has_value else _typed(column, name)
        cases.append(f"WHEN {value} IS NULL THEN 'vorm'")
    if column.eleven_test:
        cases.append(f"WHEN NOT {bsn.is_valid(name)} THEN 'elfproef'")
    return f"CASE {' '.join(cases)} END"


def _derived(context: Context, table: Table, column: Column) -> str:
    """SQL of a column that intake makes of another one.

    Raises:
        ContractError: the derivation is not one of ``year``, ``prefix:N`` and ``age_class``.
    """
    where = f"{context.contract.source}.{table.name}.{column.name}"
    try:
        source = table.column(column.derived_from or "")
    except KeyError as error:
        raise ContractError(f"{where} is derived from an unknown column") from error
    text = quoted(source.name)
    logic = (column.derivation or "").strip()
    if logic == "year" and source.logical_type == "date":
        value = f"year({_value_of(source)})"
    elif found := re.fullmatch(r"prefix:\s*(\d+)", logic):
        value = f"left({text}, {found.group(1)})"
    elif logic == "age_class" and source.logical_type == "date":
        value = _age_class(context, column, _value_of(source), where)
    else:
        raise ContractError(
            f"{where}: derivation {logic!r} of a {source.logical_type} is not known"
        )
    return value if column.is_text else f"TRY_CAST({value} AS {column.duckdb_type})"


def _age_class(context: Context, column: Column, birth: str, where: str) -> str:
    """Completed years on the peildatum, as a code of the column's list (``15-24``, ``65+``)."""
    if context.peildatum is None or column.codelist is None:
        raise ContractError(f"{where}: age_class needs a peildatum and a code list")
    age = f"date_sub('year', {birth}, DATE '{context.peildatum.isoformat()}')"
    cases = []
    for code in context.codelists[column.codelist.name].values:
        if found := _AGE_CLASS.fullmatch(code):
            low, high, open_low = found.groups()
            test = f">= {open_low}" if open_low else f"BETWEEN {low} AND {high}"
            cases.append(f"WHEN {age} {test} THEN {literal(code)}")
    return f"CASE {' '.join(cases)} END"


def _marks(context: Context, table: Table) -> list[str]:
    """Helper columns with a person's mark; none where nobody is on the list."""
    if not context.exclusions.entries:
        return []
    return [f"via_merk_{person.name}" for person in table.persons]


def _written(context: Context, table: Table, query: str) -> str:
    """``query`` without the marks, and without the rows of persons who were erased."""
    marks = _marks(context, table)
    if not marks:
        return query
    # No IN: a long one is a join in a WHERE, and rows lose their order in a join.
    erased = sorted(context.exclusions.erased)
    kept = " AND ".join(f"coalesce(NOT {among(quoted(mark), erased)}, true)" for mark in marks)
    helpers = ", ".join(quoted(mark) for mark in marks)
    return f"SELECT * EXCLUDE ({helpers}) FROM ({query}) WHERE {kept}"


def _resolve(opened: duckdb.DuckDBPyConnection, context: Context, table: Table) -> None:
    """Pseudonyms of persons on the list that this table shows for the first time."""
    if context.exclusions.unknown:
        for person in table.persons:
            mark = quoted(f"via_merk_{person.name}")
            found = opened.execute(
                f"SELECT DISTINCT {mark}, {quoted(person.name + '_id')} FROM "
                f"{_held_name(table.name)} WHERE list_contains(?, {mark})",
                [sorted(context.exclusions.unknown)],
            ).fetchall()
            context.resolved.update(found)


def _held(
    context: Context, rules: Mapping[str, Iterable[Rule]], raws: Mapping[str, RawTable]
) -> set[str]:
    """Tables that must be complete before a predicate, or a rare text, can be worked out."""
    held = set()
    for name, predicates in rules.items():
        is_slow = len(raws[name].attempts) == 1
        if context.exclusions.unknown or (
            is_slow and coarse.looks_across_rows(context.contract.table(name))
        ):
            held.add(name)
        for rule in predicates:
            named = {found for found in _PLACEHOLDER.findall(rule.predicate or "")}
            siblings = named & set(rules) - set(context.fields)
            held |= siblings
            if siblings or _SET_BASED.search(rule.predicate or ""):
                held.add(name)
    return held


def _held_name(table: str) -> str:
    return quoted(f"via_held_{table}")


def _filled(context: Context, rule: Rule, raws: Mapping[str, RawTable]) -> str:
    """The predicate with peildatum, key fields and sibling tables filled in.

    Raises:
        ContractError: a placeholder is none of these.
    """

    def fill(found: re.Match[str]) -> str:
        name = found.group(1)
        if name == "peildatum" and context.peildatum is not None:
            return context.peildatum.isoformat()
        if name in context.fields:
            value = context.fields[name]
            if not _SAFE_VALUE.fullmatch(value):
                raise ContractError(f"{rule.table}.{rule.id}: the field {name} is not plain text")
            return value
        if name in raws:
            return _held_name(name)
        raise ContractError(
            f"{context.contract.source}.{rule.table}: rule {rule.id} names {{{name}}}, which is "
            "no field of the delivery and no table of it"
        )

    return _PLACEHOLDER.sub(fill, rule.predicate or "true")


def _list(words: Iterable[str]) -> str:
    return ", ".join(literal(word) for word in words)
