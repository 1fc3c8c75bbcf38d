from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from via_pipeline.contracts import codelists, model
from via_pipeline.contracts.rules import needs_codelists
from via_pipeline.intake.readers.header import locate
from via_pipeline.quality import template
from via_pipeline_tests.quality.staged import REFERENCE


def _write(contract: model.Contract, path: Path) -> None:
    names = {name for table in contract.tables for name in needs_codelists(table)}
    template.write(path, contract, {name: codelists.load(name, REFERENCE) for name in names})


@pytest.mark.parametrize("source", model.source_names())
def test_the_template_is_what_the_contract_asks(source: str, tmp_path: Path) -> None:
    contract = model.load(source)
    path = tmp_path / "sjabloon.xlsx"
    _write(contract, path)
    book = openpyxl.load_workbook(path)
    for table in contract.tables:
        sheet = book[template.sheet_name(contract, table)]
        rows = [[str(cell or "") for cell in row] for row in sheet.iter_rows(values_only=True)]
        delivery = contract.delivery
        header = locate(rows, table, delivery.header_rows, delivery.title_rows)
        assert header.names == tuple(column.name for column in table.delivered_columns)
        assert header.first_data_index == delivery.header_rows
        letters = [cell.column_letter for cell in sheet[delivery.header_rows]]
        as_text = {
            place
            for style in sheet.column_dimensions.values()
            if style.number_format == "@"
            for place in range(style.min, style.max + 1)
        }
        assert as_text == set(range(1, len(letters) + 1))
        wanted = {
            letter
            for letter, column in zip(letters, table.delivered_columns, strict=True)
            if column.codelist or column.logical_type == "boolean"
        }
        found = {
            str(item.sqref).split(":")[0].rstrip("0123456789")
            for item in sheet.data_validations.dataValidation
        }
        assert found == wanted
    explained = {row[1] for row in book["Toelichting"].iter_rows(values_only=True)}
    assert {c.name for t in contract.tables for c in t.delivered_columns} <= explained
    assert book["Codes"].sheet_state == "hidden"


def test_the_codes_behind_a_drop_down(tmp_path: Path) -> None:
    contract = model.load("p5_behoud")
    path = tmp_path / "sjabloon.xlsx"
    _write(contract, path)
    book = openpyxl.load_workbook(path)
    sheet = book["medewerker"]
    rules = {
        str(item.sqref).split(":")[0]: item.formula1
        for item in sheet.data_validations.dataValidation
    }
    place = [cell.value for cell in sheet[1]].index("leeftijdsklasse")
    name, area = str(rules[f"{sheet[1][place].column_letter}2"]).split("!")
    assert name == "Codes"
    shown = [row[0].value for row in book["Codes"][area.replace("$", "")]]
    assert tuple(shown) == codelists.load("leeftijdsklasse", REFERENCE).values


def test_the_same_contract_gives_the_same_bytes(tmp_path: Path) -> None:
    contract = model.load("p3_nudging")
    for name in ("a.xlsx", "b.xlsx"):
        _write(contract, tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
