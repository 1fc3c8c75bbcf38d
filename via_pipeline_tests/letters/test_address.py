"""Addresses: anyone can work one out, and what is none is refused in words."""

import hashlib
import subprocess

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from via_pipeline.letters import address
from via_pipeline.letters.address import Address, AddressError

# What UTF-8 can write: a key comes out of DuckDB.
WRITTEN = st.characters(codec="utf-8", exclude_characters="\x00")
TEXTS = st.lists(st.text(WRITTEN), min_size=1, max_size=5)


@given(TEXTS)
def test_sql_and_python_give_the_same_cell(key):
    with duckdb.connect() as connection:
        names = [f"k{number}" for number in range(len(key))]
        columns = ", ".join(f"?::VARCHAR AS {name}" for name in names)
        (found,) = connection.execute(
            f"SELECT {address.cell_sql(names)} FROM (SELECT {columns})", key
        ).fetchone()
    assert found == address.cell(key)


def test_a_cell_can_be_worked_out_with_sha256sum():
    told = subprocess.run(
        r"printf 'P5\037A\0372019' | sha256sum | cut -c1-12",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert address.cell(["P5", "A", "2019"]) == told


def test_where_a_key_is_cut_makes_another_cell():
    assert address.cell(["P5", "A2019"]) != address.cell(["P5A", "2019"])
    assert address.cell(["", "a"]) != address.cell(["a", ""])


@given(
    st.from_regex(r"[a-z0-9_]+", fullmatch=True),
    st.integers(0, 99),
    st.from_regex(r"[a-z0-9_]+", fullmatch=True),
    st.from_regex(r"[0-9a-f]{12}", fullmatch=True),
    st.none() | st.from_regex(r"[a-z0-9_]+", fullmatch=True),
)
def test_an_address_survives_being_written_and_typed(edition, revision, dataset, cell, column):
    one = Address(edition, revision, dataset, cell, column)
    assert address.parse(str(one)) == one
    assert address.parse(f"  {str(one).upper()} ") == one


@pytest.mark.parametrize(
    "text",
    [
        "",
        "derde",
        "derde/resultaat",
        "derde/resultaat/123",
        "derde.0/resultaat/0123456789ab",
        "derde.x/resultaat/0123456789ab",
        "derde/resultaat/0123456789ag",
        "derde/resultaat/0123456789ab/",
        "../derde/resultaat/0123456789ab",
        "derde/resultaat/0123456789ab/n/n",
    ],
)
def test_what_is_no_address_is_refused_in_both_languages(text):
    with pytest.raises(AddressError, match=r"is geen adres.*not an address"):
        address.parse(text)


def test_the_cells_of_a_package_follow_from_its_csv_alone(tmp_path):
    from via_pipeline_tests.letters import packages

    made = packages.make(packages.home_in(tmp_path / "huis"), tmp_path / "derde")
    seen = 0
    for resource in made.descriptor["resources"]:
        if "cijfers" not in resource:
            continue
        with (made.folder / resource["path"]).open(encoding="utf-8", newline="") as handle:
            import csv

            for row in csv.DictReader(handle):
                key = [row[name] for name in resource["schema"]["primaryKey"]]
                digest = hashlib.sha256("\x1f".join(key).encode()).hexdigest()
                assert row["cel"] == digest[:12]
                seen += 1
    assert seen > 100
