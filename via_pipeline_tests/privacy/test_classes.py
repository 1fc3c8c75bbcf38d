"""What the contracts say of personal data holds for every table of a whole run."""

from __future__ import annotations

import json
import re

import duckdb
import pyarrow.parquet as pq
import pytest

from via_pipeline.contracts import model
from via_pipeline.contracts.model import PersonalData
from via_pipeline.defs.instance import PROJECT
from via_pipeline.disclosure import small
from via_pipeline.disclosure.small import told_count
from via_pipeline.privacy import avg, traces
from via_pipeline_tests.intake.house import House, p5_row, p5_text

CONTRACTS = model.load_all()
TABLES = [(contract, table) for contract in CONTRACTS for table in contract.tables]
COLUMNS = [(contract, table, column) for contract, table in TABLES for column in table.columns]
IDENTIFYING = {c.name for _, t, c in COLUMNS if c.is_identifying}
SPECIAL = {c.name for _, _, c in COLUMNS if c.personal_data is PersonalData.SPECIAL_CATEGORY}
# What outsiders read of an origin is a group of a table, never a column of persons.
PUBLIC = ("letters", "serve")


def stored(home) -> dict[str, set[str]]:
    """Columns of every Parquet file below the home, by relative path."""
    return {
        path.relative_to(home.root).as_posix(): set(pq.read_schema(path).names)
        for path in sorted(home.root.rglob("*.parquet"))
    }


def is_of_persons(columns: set[str]) -> bool:
    return any(name.endswith("_id_soort") for name in columns)


def test_no_identifying_column_is_stored_anywhere(sample_run):
    delivered_only = IDENTIFYING - {c.name for _, _, c in COLUMNS if not c.is_identifying}
    found = {path: columns & delivered_only for path, columns in stored(sample_run.home).items()}
    assert delivered_only >= {"bsn", "geboortedatum", "postcode", "huisnummer", "personeelsnummer"}
    assert {path: names for path, names in found.items() if names} == {}


def test_special_columns_of_persons_stand_in_restricted_tables_only(sample_run):
    home = sample_run.home
    columns = stored(home)
    of_persons = {path for path, names in columns.items() if is_of_persons(names)}
    assert {path.split("/")[0] for path in of_persons} == {"lake", "quarantine"}
    places = {path.rsplit("/", 1)[0] for path in of_persons}
    assert not [
        place for place in places if re.match(r"lake/(outcomes|disclosure|diversity)", place)
    ]
    for name in ("lake", "quarantine"):
        assert (home.root / name).stat().st_mode & 0o077 == 0
    with_special = {path for path, names in columns.items() if names & SPECIAL}
    assert with_special and with_special <= of_persons | {
        path for path in with_special if path.startswith("lake/")
    }
    for path, names in columns.items():
        if path.split("/")[0] in PUBLIC:
            assert not is_of_persons(names) and "_row" not in names, path


def test_what_is_published_has_no_pseudonym(sample_run):
    home, pattern = sample_run.home, re.compile(r"\b[0-9a-f]{64}\b")
    people = traces.pseudonyms_in(home.lake)
    assert len(people) > 1000
    texts = [path.read_text("utf-8") for path in home.letters.rglob("*.csv")]
    with duckdb.connect(str(home.latest / "via.duckdb"), read_only=True) as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        texts += [str(connection.execute(f'SELECT * FROM "{n}"').fetchall()) for (n,) in tables]
    assert len(texts) > 20
    assert not people & {found for text in texts for found in pattern.findall(text)}


@pytest.mark.parametrize(
    ("contract", "table", "column"),
    [(contract, table, column) for contract, table, column in COLUMNS if column.coarsen],
    ids=lambda item: getattr(item, "name", getattr(item, "source", "")),
)
def test_coarse_columns_are_coarse_wherever_rows_are_kept(sample_run, contract, table, column):
    home, (kind, _, number) = sample_run.home, column.coarsen.partition(":")
    paths = [
        *home.lake.glob(f"staging/{contract.source}-*/{table.name}.parquet"),
        *home.lake.glob(f"accepted/{table.lake_table}/*.parquet"),
        *home.quarantine.glob(f"{table.lake_table}/*.parquet"),
    ]
    assert len({path.parts[-4:-2] for path in paths}) >= 1 and paths
    checked = 0
    for path in paths:
        names = set(pq.read_schema(path).names)
        if column.name not in names:
            continue
        fine = {
            "month": f"day({column.name}) <> 1",
            "year": f"dayofyear({column.name}) <> 1",
            "step": f"{column.name} % {number or 1} <> 0",
            "frequent": "false",
        }[kind]
        with duckdb.connect() as connection:
            wrong = connection.execute(f"SELECT count(*) FROM '{path}' WHERE {fine}").fetchone()[0]
            if kind == "frequent" and "staging" in path.parts:
                wrong = len(
                    connection.execute(
                        f"SELECT {column.name} FROM '{path}' WHERE {column.name} <> '(zeldzaam)' "
                        f"GROUP BY 1 HAVING count(*) < {number}"
                    ).fetchall()
                )
            text = f"{column.name}__tekst"
            if kind in ("month", "year") and text in names:
                day = "01-%" if (column.date_format or "").startswith("dd") else "%-01"
                wrong += connection.execute(
                    f"SELECT count(*) FROM '{path}' WHERE {text} NOT LIKE '{day}' "
                    f"AND {column.name} IS NOT NULL"
                ).fetchone()[0]
        assert not wrong, path
        checked += 1
    assert checked


def test_a_rule_sees_the_day_that_is_not_kept(tmp_path):
    """Both dates lie in one year, of which the first day is kept; the rule still sees the order."""
    house = House.build(tmp_path)
    rows = [p5_row(number) for number in range(30)]
    rows[0] |= {
        "datum_in_dienst": "14-03-2017",
        "datum_uit_dienst": "13-03-2017",
        "reden_uit_dienst": "eigen_verzoek",
    }
    house.land("p5_behoud", "p5_behoud_A_2018_v1.csv", p5_text(rows))
    house.take_in("p5_behoud")
    path = house.parquet(house.staged("p5_behoud", "p5_behoud_A_2018_v1.csv"), "medewerker")
    with duckdb.connect() as connection:
        first = connection.execute(
            "SELECT datum_in_dienst::VARCHAR, datum_in_dienst__tekst, datum_uit_dienst::VARCHAR, "
            f"regel__uit_dienst__na_in_dienst FROM '{path}' ORDER BY _row LIMIT 1"
        ).fetchone()
    assert first == ("2017-01-01", "01-01-2017", "2017-01-01", 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("coarsen, value: year", "coarsen, value: week"), "week"),
        (
            ("        customProperties: [{property: coarsen, value: 'frequent:10'}]\n", ""),
            "free text",
        ),
        (("columns: [personeelsnummer]", "columns: [jaar]"), "identifying"),
    ],
)
def test_a_contract_that_would_leak_is_refused(tmp_path, change, said):
    text = (model.SOURCES / "p5_behoud.odcs.yaml").read_text("utf-8")
    assert change[0] in text
    (tmp_path / "p5_behoud.odcs.yaml").write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(model.ContractError, match=said):
        model.load("p5_behoud", tmp_path)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("docs/verwerkingsregister.md", avg.register_of_processing(CONTRACTS)),
        ("docs/dpia.md", avg.dpia(CONTRACTS)),
    ],
)
def test_the_documents_are_those_of_the_contracts(path, text):
    """After a change of a contract: ``via avg register`` and ``via avg dpia`` write them again."""
    assert (PROJECT / path).read_text("utf-8") == text
    for contract in CONTRACTS:
        if contract.pilot and "register" in path:
            assert contract.legal_basis in text and contract.source in text


def test_small_counts_are_told_as_one_word(monkeypatch):
    assert [told_count(n) for n in (0, 1, 9, 10, 1234)] == ["0", "<10", "<10", "10", "1.234"]
    monkeypatch.setattr(small, "load_ruleset", lambda name: pytest.fail(f"read {name} again"))
    assert told_count(3) == "<10"
    with pytest.raises(ValueError, match="negative"):
        told_count(-1)


def test_metadata_of_runs_never_shows_a_row_s_value(sample_run):
    """The kept results hold row numbers and explanations; a cell's value has no field there."""
    fields = set()
    for path in (sample_run.home.reports / "validation").glob("*.json"):
        for rule in json.loads(path.read_text("utf-8"))["rules"]:
            fields |= set(rule)
    assert fields == {
        *("column", "error", "evaluated", "expectation", "explanation", "failed", "passed"),
        *("rows", "rule", "severity", "suite", "table"),
    }
