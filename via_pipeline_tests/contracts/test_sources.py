"""The contracts say everything that they must, and ODCS agrees."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import duckdb
import jsonschema
import open_data_contract_standard
import pytest
import yaml

from via_pipeline.contracts import codelists, model, rules
from via_pipeline.contracts.model import PersonalData, Severity, period_day

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "data" / "reference"
CODELISTS = Path(codelists.__file__).parent / "codelists"
CONTRACTS = model.load_all()
PILOTS = [contract for contract in CONTRACTS if contract.pilot]
TABLES = [(contract, table) for contract in CONTRACTS for table in contract.tables]


def _name(item: object) -> str:
    return getattr(item, "source", None) or getattr(item, "name", str(item))


def _rules(contract: model.Contract, table: model.Table) -> list[rules.Rule]:
    lists = {name: codelists.load(name, REFERENCE) for name in rules.needs_codelists(table)}
    return rules.rules_of(contract, table, lists)


def test_there_is_a_contract_for_each_pilot() -> None:
    assert [contract.pilot for contract in PILOTS] == [f"P{n}" for n in range(1, 9)]


@pytest.mark.parametrize("contract", CONTRACTS, ids=_name)
def test_contract_is_valid_odcs_3_1(contract: model.Contract) -> None:
    shipped = Path(open_data_contract_standard.__file__).parent / "schema.json"
    schema = json.loads(shipped.read_text(encoding="utf-8"))
    document = yaml.safe_load(contract.path.read_text(encoding="utf-8"))
    assert document["apiVersion"] == "v3.1.0"
    found = jsonschema.Draft201909Validator(schema).iter_errors(document)
    assert [f"{error.json_path}: {error.message[:120]}" for error in found] == []


@pytest.mark.parametrize("contract", PILOTS, ids=_name)
def test_contract_says_who_why_and_how_long(contract: model.Contract) -> None:
    assert contract.title and contract.owner and contract.purpose
    assert "AVG" in contract.legal_basis
    assert 1 <= contract.retention_years <= 20
    assert 0 < contract.delivery.max_quarantine_pct <= 20
    assert "synthetisch" in contract.path.read_text(encoding="utf-8")


@pytest.mark.parametrize("contract", PILOTS, ids=_name)
def test_file_pattern_names_the_key_and_the_version(contract: model.Contract) -> None:
    groups = set(re.compile(contract.delivery.file_pattern).groupindex)
    assert groups == {*contract.delivery.key, "versie"}


@pytest.mark.parametrize("contract", PILOTS, ids=_name)
def test_calendar_has_each_delivery_once_and_due_after_its_peildatum_begins(
    contract: model.Contract,
) -> None:
    assert contract.calendar
    keys = [expected.key for expected in contract.calendar]
    assert len(keys) == len(set(keys))
    for expected in contract.calendar:
        fields = dict(expected.key)
        assert set(fields) == set(contract.delivery.key)
        assert contract.delivery.peildatum_of(fields) < expected.due


@pytest.mark.parametrize(("contract", "table"), TABLES, ids=_name)
def test_identifying_columns_are_exactly_those_of_persons(
    contract: model.Contract, table: model.Table
) -> None:
    of_persons = {name for person in table.persons for name in person.columns}
    identifying = {column.name for column in table.columns if column.is_identifying}
    assert identifying == of_persons
    for person in table.persons:
        assert set(person.key_fields) <= set(contract.delivery.key)
    assert table.key, "a table without a key cannot show doubles"
    for column in table.columns:
        assert column.derived_from is None or table.column(column.derived_from).is_identifying


@pytest.mark.parametrize("contract", PILOTS, ids=_name)
def test_origin_and_health_are_special_category(contract: model.Contract) -> None:
    for table in contract.tables:
        for column in table.columns:
            if column.name.startswith(("herkomst", "geboorteland", "gezondheid")):
                assert column.personal_data is PersonalData.SPECIAL_CATEGORY


@pytest.mark.parametrize("contract", PILOTS, ids=_name)
def test_every_contract_declares_all_three_severities(contract: model.Contract) -> None:
    declared = {
        Severity(quality.severity) for table in contract.tables for quality in table.quality
    }
    assert declared == set(Severity)


@pytest.mark.parametrize(("contract", "table"), TABLES, ids=_name)
def test_every_delivered_column_has_a_rule(contract: model.Contract, table: model.Table) -> None:
    found = _rules(contract, table)
    free = {
        column.name
        for column in table.delivered_columns
        if not any(rule.column == column.name for rule in found)
    }
    assert free == set()


@pytest.mark.parametrize(("contract", "table"), TABLES, ids=_name)
def test_predicates_are_sql_over_the_tables_own_columns(
    contract: model.Contract, table: model.Table
) -> None:
    """Each predicate binds in DuckDB against empty tables of the promised types."""
    with duckdb.connect() as connection:
        for other in contract.tables:
            columns = {**other.conformed_types}
            columns |= {f"{c.name}__tekst": "VARCHAR" for c in other.columns if not c.is_text}
            described = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f'CREATE TABLE "{other.name}" ({described})')
        fields = dict(contract.calendar[0].key) if contract.calendar else {}
        fields |= {other.name: f'"{other.name}"' for other in contract.tables}
        fields["peildatum"] = "2020-01-01"
        for rule in _rules(contract, table):
            if rule.predicate is None:
                continue
            text = re.sub(r"\{([a-z_]\w*)\}", lambda found: fields[found.group(1)], rule.predicate)
            connection.execute(f'SELECT CAST(({text}) AS BOOLEAN) FROM "{table.name}"')


def test_every_shipped_code_list_is_used() -> None:
    used = {column.codelist.name for _, t in TABLES for column in t.columns if column.codelist}
    assert {path.stem for path in CODELISTS.glob("*.csv")} <= used


@pytest.mark.parametrize("name", sorted(path.stem for path in CODELISTS.glob("*.csv")))
def test_code_list_is_sound(name: str) -> None:
    codes = codelists.load(name, REFERENCE).codes
    assert codes
    assert len({code.code for code in codes}) == len(codes)
    for code in codes:
        assert code.code and code.label and code.code == code.code.strip()


def test_municipality_codes_know_their_time() -> None:
    codes = codelists.load("gemeente", REFERENCE).codes

    def is_valid(code: str, day: date) -> bool:
        return any(item.code == code and item.is_valid_on(day) for item in codes)

    assert is_valid("0003", date(2020, 12, 31)) and not is_valid("0003", date(2021, 1, 1))
    assert is_valid("1979", date(2021, 1, 1)) and not is_valid("1979", date(2020, 12, 31))


@pytest.mark.parametrize(
    ("period", "which", "day"),
    [
        ("2020", "begin", "2020-01-01"),
        ("2020", "einde", "2020-12-31"),
        ("2020H1", "einde", "2020-06-30"),
        ("2020H2", "begin", "2020-07-01"),
        ("2020KW1", "einde", "2020-03-31"),
        ("2020KW4", "einde", "2020-12-31"),
        ("2020-02", "einde", "2020-02-29"),
        ("2019-12-31", "einde", "2019-12-31"),
        ("2020-2021", "begin", "2020-08-01"),
        ("2020-2021", "einde", "2021-07-31"),
        ("2020-2021", "teldatum", "2020-10-01"),
        ("2019", "teldatum", "2019-10-01"),
    ],
)
def test_period_day(period: str, which: str, day: str) -> None:
    assert period_day(period, which).isoformat() == day


@pytest.mark.parametrize(
    ("period", "which"),
    [
        ("2020H3", "einde"),
        ("2020KW5", "begin"),
        ("2020-2022", "begin"),
        ("2020-13", "einde"),
        ("2019-02-29", "einde"),
        ("later", "einde"),
        ("2020", "midden"),
    ],
)
def test_period_day_refuses_what_is_no_period(period: str, which: str) -> None:
    with pytest.raises(ValueError):
        period_day(period, which)


def test_every_custom_property_is_documented() -> None:
    documented = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")

    def properties(node: object) -> set[str]:
        if isinstance(node, dict):
            own = {
                item["property"]
                for item in node.get("customProperties", [])
                if isinstance(item, dict)
            }
            return own.union(*(properties(value) for value in node.values()))
        if isinstance(node, list):
            return set().union(*(properties(value) for value in node))
        return set()

    used = set().union(
        *(properties(yaml.safe_load(c.path.read_text(encoding="utf-8"))) for c in CONTRACTS)
    )
    assert {name for name in used if f"`{name}`" not in documented} == set()
