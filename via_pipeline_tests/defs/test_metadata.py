"""Values reach Dagster as Python's own types, and tables without a partner's data."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from via_pipeline.contracts import model
from via_pipeline.defs import metadata
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.float64("nan"), None),
        (float("inf"), None),
        (Decimal("1.50"), 1.5),
        (Decimal("NaN"), None),
        (date(2020, 11, 9), "2020-11-09"),
        ({"a": [np.int8(1), (np.float32(0.5),)]}, {"a": [1, [0.5]]}),
        ("tekst", "tekst"),
    ],
)
def test_plain(value: object, expected: object) -> None:
    found = metadata.plain(value)
    assert found == expected
    assert json.loads(json.dumps(found)) == expected
    if expected is not None and not isinstance(expected, (dict, list)):
        assert type(found) is type(expected)


def test_a_cell_cannot_break_out_of_its_table() -> None:
    text = metadata.markdown_table(["a", "b"], [["x|y\nz", None]]).value
    assert text.splitlines()[-1] == "| x\\|y z |  |"


def test_long_tables_say_what_is_left_out() -> None:
    text = metadata.markdown_table(["n"], ([n] for n in range(metadata.MAX_TABLE_ROWS + 7))).value
    assert "en nog 7" in text


def test_the_schema_is_the_conformed_table_without_identifying_columns() -> None:
    contract = model.load("p5_behoud")
    table = contract.table("medewerker")
    schema = metadata.column_schema(table)
    assert [column.name for column in schema.columns] == list(table.conformed_types)
    assert "personeelsnummer" not in [column.name for column in schema.columns]
    assert all(column.description for column in schema.columns)
    by_name = {column.name: column for column in schema.columns}
    assert by_name["herkomst_oud"].tags == {"persoonsgegeven": "special-category"}
    assert by_name["persoon_id"].tags == {"persoonsgegeven": "pseudonym"}


def test_no_path_of_this_machine_shows(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", tmp_path / "data")
    assert metadata.relative(home, home.reports / "a.html") == "VIA_HOME/reports/a.html"
    assert metadata.relative(home, home.landing / "x") == "VIA_DATA/landing/x"
    assert str(tmp_path) not in metadata.relative(home, tmp_path / "elsewhere" / "f.csv")


def test_of_every_protected_table_how_much_is_hidden_and_why(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", tmp_path / "data").ensure()
    with work(home.scratch) as connection:
        for table, statuses in (
            ("disclosure__een", "('geheim'), ('geheim'), ('te_klein'), (NULL)"),
            ("disclosure__twee", "(NULL)"),
        ):
            lake.replace_table(
                home.lake,
                table,
                connection,
                f"SELECT status::VARCHAR AS waarde_status FROM (VALUES {statuses}) AS v(status)",
            )
    assert metadata.hidden_figures(home, ["disclosure__een", "disclosure__twee"]) == {
        "disclosure__een": {"hidden": 3, "hidden_geheim": 2, "hidden_te_klein": 1},
        "disclosure__twee": {"hidden": 0},
    }
