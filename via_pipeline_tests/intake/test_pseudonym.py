"""Pseudonyms: the same as Python's hmac, and a key that is kept well."""

from __future__ import annotations

import hashlib
import hmac

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stdnum.nl import bsn as stdnum_bsn

from via_pipeline.contracts.model import load
from via_pipeline.intake import bsn
from via_pipeline.intake.pseudonym import (
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    Key,
    KeyProblem,
    expression,
    load_key,
    make_key,
)

SECRET = bytes(range(32))


def _in_duckdb(secret: bytes, source: str, values: dict[str, str | None], fields: dict[str, str]):
    table = load(source).tables[0]
    person = table.persons[0]
    with duckdb.connect() as connection:
        Key(secret).lend(connection)
        columns = ", ".join(f"${name}::VARCHAR AS {name}" for name in values)
        sql = expression(table, person, fields, {name: name for name in values})
        return connection.execute(f"SELECT {sql} FROM (SELECT {columns})", values).fetchone()[0]


def _expected(secret: bytes, *parts: str) -> str:
    return hmac.new(secret, "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=100), st.text(max_size=20).filter(lambda t: "\0" not in t))
def test_duckdb_and_python_agree(secret, number):
    found = _in_duckdb(secret, "p5_behoud", {"personeelsnummer": number}, {"werkgever": "A"})
    with duckdb.connect() as connection:
        upper = connection.execute("SELECT upper($1::VARCHAR)", [number]).fetchone()[0]
    assert found == _expected(secret, "personeelsnummer", "A", upper)


def test_a_bsn_without_its_leading_zero_is_the_same_person():
    short = _in_duckdb(SECRET, "p7_ww", {"bsn": "12345672"}, {})
    assert short == _in_duckdb(SECRET, "p7_ww", {"bsn": "012345672"}, {})
    assert short == _expected(SECRET, "bsn", "012345672")


def test_a_missing_required_part_gives_no_pseudonym_and_an_optional_one_does():
    whole = {
        "geboortedatum": "1980-01-02",
        "geslacht": "V",
        "postcode": "1234AB",
        "huisnummer": "1",
        "toevoeging": None,
    }
    assert _in_duckdb(SECRET, "p4_barometer", whole, {}) == _expected(
        SECRET, "gba_sleutel", "1980-01-02", "V", "1234AB", "1", ""
    )
    assert _in_duckdb(SECRET, "p4_barometer", whole | {"postcode": None}, {}) is None


def test_the_same_number_at_another_employer_is_another_person():
    values = {"personeelsnummer": "123456"}
    one = _in_duckdb(SECRET, "p5_behoud", values, {"werkgever": "A"})
    assert one != _in_duckdb(SECRET, "p5_behoud", values, {"werkgever": "B"})


def _is_valid(numbers: list[str]) -> list[bool]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (i INTEGER, n VARCHAR)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", list(enumerate(numbers)))
        rows = connection.execute(f"SELECT {bsn.is_valid('n')} FROM t ORDER BY i").fetchall()
    return [row[0] for row in rows]


def test_the_eleven_test_on_the_known_vectors():
    vectors = {
        "111222333": True,
        "319072356": True,
        "123456782": True,
        "012345672": True,
        "12345672": True,
        "123456789": False,
        "000000000": False,
        "00000000": False,
        "1234567": False,
        "1234567890": False,
        "12345678a": False,
        "": False,
    }
    assert dict(zip(vectors, _is_valid(list(vectors)), strict=True)) == vectors


@given(st.lists(st.from_regex(r"[0-9]{8,9}", fullmatch=True), min_size=1, max_size=40))
@example(["000000000", "00000000", "12345672"])
def test_the_eleven_test_agrees_with_stdnum(numbers):
    assert _is_valid(numbers) == [stdnum_bsn.is_valid(number) for number in numbers]


def test_the_key_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, SECRET.hex())
    key = load_key(tmp_path)
    assert key.fingerprint == Key(SECRET).fingerprint
    assert SECRET.hex() not in repr(key) + key.fingerprint


def test_a_key_file_is_made_once_and_for_its_owner(tmp_path, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    path = tmp_path / "keys" / "pseudonym.key"
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(path))
    assert make_key(path)
    first = load_key(tmp_path / "via").fingerprint
    assert not make_key(path)
    assert load_key(tmp_path / "via").fingerprint == first
    path.chmod(0o640)
    with pytest.raises(KeyProblem, match="chmod 600"):
        load_key(tmp_path / "via")


def test_a_key_where_it_would_be_copied_along_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    home = tmp_path / "via"
    with pytest.raises(KeyProblem, match="VIA_HOME"):
        make_key(home / "pseudonym.key", home)
    from via_pipeline.intake import pseudonym

    with pytest.raises(KeyProblem, match="repository"):
        make_key(pseudonym._PROJECT / "data" / "pseudonym.key")


@pytest.mark.parametrize("text", ["xyz", "ab" * 31, ""])
def test_a_key_that_is_no_key_is_refused_without_being_shown(tmp_path, monkeypatch, text):
    monkeypatch.setenv(KEY_VARIABLE, text)
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(KeyProblem) as refusal:
        load_key(tmp_path / "via")
    assert not text or text not in str(refusal.value)
