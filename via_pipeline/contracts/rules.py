"""From contract to rules: every promise a column or table makes, as one named rule.

A rule's id says what is promised, never its bound (``leeftijd__bereik``), so that its history
survives a change of the bound. ``quality/`` makes a Great Expectations expectation of each rule and
``defs/`` an asset check; a test proves that none is lost.

The staged table that rules are run on (made by ``intake/conform.py``) has, beside the columns of
``Table.conformed_types``:

- ``<column>__tekst``   trimmed text of a column that is not text itself (date, number, boolean);
- ``<column>__fout``    for an identifying column: NULL, ``ontbreekt``, ``vorm`` or ``elfproef``;
- ``regel__<rule id>``  1 or 0 for a rule that is a predicate (``Rule.predicate``; NULL is 1).

Text that stands for a kind of missing (``Column.missing``) is NULL in all of these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from via_pipeline.contracts.codelists import CodeList
from via_pipeline.contracts.model import (
    BLANK,
    Column,
    Contract,
    ContractError,
    Severity,
    Table,
)
from via_pipeline.storage.duck import among, quoted

SHAPE, RAW, TYPED = "shape", "raw", "typed"


@dataclass(frozen=True)
class Rule:
    """One promise.

    ``suite`` is ``shape`` (the file's header), ``raw`` (text) or ``typed``. ``expectation`` and
    ``kwargs`` are Great Expectations' own. ``explanation`` is Dutch and tells the partner what to
    change. ``predicate`` is SQL over the staged row that intake computes into ``regel__<id>``; in
    it ``{peildatum}`` and ``{<key field>}`` stand for the delivery's own and ``{<table>}`` for
    another table of the same delivery (braces around digits, as in a regex, are left alone).
    """

    id: str
    table: str
    column: str | None
    suite: str
    severity: Severity
    expectation: str
    kwargs: dict[str, Any] = field(hash=False)
    explanation: str
    predicate: str | None = None

    @property
    def flag(self) -> str:
        """The staged column that holds a predicate's outcome."""
        return f"regel__{self.id}"


def rules_of(contract: Contract, table: Table, codelists: dict[str, CodeList]) -> list[Rule]:
    """Every rule of ``table``, in a fixed order; ids are unique within the table.

    ``codelists`` holds the lists that the table's columns name.

    Raises:
        ContractError: two rules share an id, or a quality entry is of a kind not run here.
    """
    rules = _shape_rules(table)
    for column in table.columns:
        rules += (
            _identifying_rules(table, column)
            if column.is_identifying
            else (_column_rules(table, column, codelists))
        )
        for quality in column.quality:
            rules.append(_declared(contract, table, quality, column.name))
    if table.key:
        rules.append(
            _rule(
                table,
                None,
                "sleutel__uniek",
                TYPED,
                _severity(table, "uniek"),
                "expect_compound_columns_to_be_unique"
                if len(table.key) > 1
                else "expect_column_values_to_be_unique",
                {"column_list": list(table.key)}
                if len(table.key) > 1
                else {"column": table.key[0]},
                f"Deze rij staat er dubbel in: {_key_words(table)} moet uniek zijn binnen het "
                "bestand. Lever per sleutel één rij.",
            )
        )
    rules += [_declared(contract, table, quality, None) for quality in table.quality]
    doubles = {rule.id for rule in rules if sum(other.id == rule.id for other in rules) > 1}
    if doubles:
        raise ContractError(
            f"{contract.source}.{table.name}: rules {sorted(doubles)} are named twice"
        )
    return rules


def _rule(
    table: Table,
    column: Column | None,
    id_: str,
    suite: str,
    severity: Severity,
    expectation: str,
    kwargs: dict[str, Any],
    explanation: str,
    predicate: str | None = None,
) -> Rule:
    return Rule(
        id_,
        table.name,
        column.name if column else None,
        suite,
        severity,
        expectation,
        kwargs,
        explanation,
        predicate,
    )


def _severity(holder: Table | Column, kind: str) -> Severity:
    own: dict[str, Severity] = getattr(holder, "severities", {})
    return own.get(kind, Severity.REJECT_ROW)


def _shape_rules(table: Table) -> list[Rule]:
    names = [column.name for column in table.delivered_columns]
    return [
        _rule(
            table,
            None,
            "tabel__kolommen",
            SHAPE,
            Severity.REJECT_FILE,
            "expect_table_columns_to_match_set",
            {"column_set": names, "exact_match": True},
            f"De kolommen wijken af van de afspraak. Afgesproken zijn: {', '.join(names)}.",
        ),
        _rule(
            table,
            None,
            "tabel__gevuld",
            RAW,
            Severity.REJECT_FILE,
            "expect_table_row_count_to_be_between",
            {"min_value": 1},
            "Het bestand bevat geen rijen met gegevens.",
        ),
    ]


def _identifying_rules(table: Table, column: Column) -> list[Rule]:
    """Identifying values are gone before a rule can see them; intake leaves the kind of fault."""
    faults = [("vorm", f"De waarde in '{column.name}' heeft niet de afgesproken vorm.")]
    if column.required:
        faults.insert(0, ("ontbreekt", f"'{column.name}' is verplicht maar leeg."))
    if column.eleven_test:
        faults.append(
            (
                "elfproef",
                f"Het nummer in '{column.name}' voldoet niet aan de elfproef; controleer het.",
            )
        )
    names = {"ontbreekt": "verplicht", "vorm": "vorm", "elfproef": "elfproef"}
    return [
        _rule(
            table,
            column,
            f"{column.name}__{names[fault]}",
            RAW,
            _severity(column, names[fault]),
            "expect_column_values_to_not_be_in_set",
            {"column": f"{column.name}__fout", "value_set": [fault]},
            explanation,
        )
        for fault, explanation in faults
    ]


def _column_rules(table: Table, column: Column, codelists: dict[str, CodeList]) -> list[Rule]:
    rules: list[Rule] = []
    text = column.name if column.is_text else f"{column.name}__tekst"

    def add(
        kind: str,
        suite: str,
        expectation: str,
        kwargs: dict[str, Any],
        explanation: str,
        predicate: str | None = None,
    ) -> None:
        rules.append(
            _rule(
                table,
                column,
                f"{column.name}__{kind}",
                suite,
                _severity(column, kind),
                expectation,
                kwargs,
                explanation,
                predicate,
            )
        )

    if column.required and column.has_missing_kinds:
        add(
            "verplicht",
            RAW,
            "expect_column_values_to_not_be_in_set",
            {"column": f"{column.name}__ontbreekt", "value_set": [BLANK[""]]},
            f"'{column.name}' is verplicht maar leeg.",
        )
    elif column.required:
        add(
            "verplicht",
            RAW,
            "expect_column_values_to_not_be_null",
            {"column": text},
            f"'{column.name}' is verplicht maar leeg."
            if column.is_delivered
            else f"Uit '{column.derived_from}' is geen {column.name} af te leiden; controleer die "
            "kolom.",
        )
    if not column.is_delivered:
        return rules
    if column.is_text:
        add(
            "lengte",
            RAW,
            "expect_column_value_lengths_to_be_between",
            {"column": text, "max_value": column.max_length},
            f"'{column.name}' is langer dan {column.max_length} tekens.",
        )
    if column.pattern:
        add(
            "vorm",
            RAW,
            "expect_column_values_to_match_regex",
            {"column": text, "regex": f"^(?:{column.pattern})$"},
            f"'{column.name}' heeft niet de afgesproken vorm{_form_words(column)}.",
        )
    if column.logical_type == "date":
        add(
            "bestaat",
            RAW,
            "expect_column_values_to_be_in_set",
            {"column": f"regel__{column.name}__bestaat", "value_set": [1]},
            f"De datum in '{column.name}' bestaat niet op de kalender.",
            f"{quoted(column.name)} IS NOT NULL OR {quoted(text)} IS NULL "
            f"OR NOT regexp_full_match({quoted(text)}, '{column.pattern}')",
        )
    if column.codelist:
        codes = codelists[column.codelist.name]
        add(
            "codelijst",
            RAW,
            "expect_column_values_to_be_in_set",
            {"column": text, "value_set": list(codes.values)},
            f"De code in '{column.name}' staat niet in de codelijst '{codes.name}'.",
        )
        if column.codelist.at_peildatum:
            add(
                "geldig_op_peildatum",
                TYPED,
                "expect_column_values_to_be_in_set",
                {"column": f"regel__{column.name}__geldig_op_peildatum", "value_set": [1]},
                f"De code in '{column.name}' is niet geldig op de peildatum van deze levering.",
                _validity(column, codes),
            )
    if column.minimum is not None or column.maximum is not None:
        low = "" if column.minimum is None else f" niet lager dan {column.minimum}"
        high = "" if column.maximum is None else f" niet hoger dan {column.maximum}"
        bounds = {"min_value": column.minimum, "max_value": column.maximum}
        add(
            "bereik",
            TYPED,
            "expect_column_values_to_be_between",
            {"column": column.name} | {k: v for k, v in bounds.items() if v is not None},
            f"'{column.name}' mag{low}{' en' if low and high else ''}{high} zijn.",
        )
    return rules


def _validity(column: Column, codes: CodeList) -> str:
    """Known codes must be valid on the day; unknown ones are the code list rule's business."""
    name = quoted(column.name)
    periods: dict[str, list[str]] = {}
    for code in codes.codes:
        day = "DATE '{peildatum}'"
        low = f" AND {day} >= DATE '{code.valid_from}'" if code.valid_from else ""
        high = f" AND {day} <= DATE '{code.valid_to}'" if code.valid_to else ""
        if low or high:
            periods.setdefault(low + high, []).append(code.code)
    if not periods:
        return "true"
    # One list a period, and no IN: DuckDB compares with its elements one by one.
    bounded = sorted({code for valid in periods.values() for code in valid})
    return f"{name} IS NULL OR NOT {among(name, bounded)} OR " + " OR ".join(
        f"({among(name, valid)}{bounds})" for bounds, valid in periods.items()
    )


def _declared(contract: Contract, table: Table, quality: Any, column: str | None) -> Rule:
    """A quality entry of the contract: a row predicate (``sql``) or an expectation (``custom``)."""
    where = f"{contract.source}.{table.name}: quality {quality.name}"
    if not quality.name or not quality.description or not quality.severity:
        raise ContractError(f"{where} needs name, description (Dutch) and severity")
    severity = Severity(quality.severity)
    if quality.type == "sql":
        return Rule(
            quality.name,
            table.name,
            column,
            TYPED,
            severity,
            "expect_column_values_to_be_in_set",
            {"column": f"regel__{quality.name}", "value_set": [1]},
            quality.description,
            str(quality.query),
        )
    if quality.type == "custom" and quality.engine == "greatExpectations":
        body = dict(quality.implementation)
        return Rule(
            quality.name,
            table.name,
            column,
            TYPED,
            severity,
            body["type"],
            dict(body.get("kwargs", {})),
            quality.description,
        )
    raise ContractError(f"{where}: type {quality.type} / engine {quality.engine} is not run here")


def _form_words(column: Column) -> str:
    if column.logical_type == "date":
        return (
            f" ({(column.date_format or 'yyyy-MM-dd').replace('yyyy', 'jjjj').replace('MM', 'mm')})"
        )
    if column.logical_type == "number":
        mark = {",": "komma", ".": "punt"}[column.decimal_mark]
        return f" (getal met een {mark} voor decimalen, zonder scheidingsteken voor duizendtallen)"
    if column.logical_type == "integer":
        return " (geheel getal, zonder scheidingsteken voor duizendtallen)"
    if column.logical_type == "boolean":
        return " (J of N)"
    return ""


def _key_words(table: Table) -> str:
    names = [column.name for column in table.columns if column.primary_key]
    return " + ".join(names)


def needs_codelists(table: Table) -> list[str]:
    """Names of the code lists that ``table`` uses, sorted."""
    return sorted({column.codelist.name for column in table.columns if column.codelist})
