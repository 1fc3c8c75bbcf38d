"""From text to types: nothing is cast that does not look right, and kinds of missing stay apart."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from via_pipeline.contracts.model import load
from via_pipeline.intake import conform, masking
from via_pipeline.intake.drift import of_header, shown_header
from via_pipeline.intake.readers.header import NoHeader, locate
from via_pipeline.intake.readers.raw import BATCH_ROWS
from via_pipeline_tests.faults import files
from via_pipeline_tests.intake.contracts import small_contract
from via_pipeline_tests.intake.house import House, p5_row, p5_text

P5 = load("p5_behoud").table("medewerker")
NAMES = [column.name for column in P5.delivered_columns]


def _number(text: str) -> Decimal | None:
    sql = conform._typed(P5.column("deeltijdfactor"), "$1::VARCHAR")
    return duckdb.execute(f"SELECT {sql}", [text]).fetchall()[0][0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,5", Decimal("1.50")),
        ("-0,25", Decimal("-0.25")),
        ("1", Decimal("1.00")),
        ("1.5", None),
        ("1.000,5", None),
        ("1 000", None),
        ("1e3", None),
        ("1,", None),
        (",5", None),
        ("", None),
        ("0,123", None),
    ],
)
def test_a_decimal_comma_is_never_taken_for_something_else(text, value):
    assert _number(text) == value


@given(st.text(alphabet="0123456789.,- e+", max_size=12))
def test_a_number_is_what_it_says_or_nothing(text):
    value = _number(text)
    if value is not None:
        assert value == Decimal(text.replace(",", ".")) and "." not in text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 9999))
@example(1, 1, 0)
@example(29, 2, 0)
@example(1, 1, 1)
def test_a_date_is_on_the_calendar_or_nothing(day, month, year):
    sql = conform._typed(P5.column("datum_in_dienst"), "$1::VARCHAR")
    found = duckdb.execute(f"SELECT {sql}", [f"{day:02}-{month:02}-{year:04}"]).fetchall()[0][0]
    try:
        expected = date(year, month, day)
    except ValueError:
        expected = None
    assert found == expected


@given(st.text(alphabet=" \t\n\r\xa0\ufeff\u2003ab\x0b", max_size=8))
def test_outer_blanks_go_and_inner_ones_stay(text):
    sql = f"SELECT {conform._trimmed('$1::VARCHAR')}"
    assert duckdb.execute(sql, [text]).fetchall() == [(text.strip(" \t\n\r\xa0\ufeff"),)]


def test_the_year_0_fails_the_rule_that_the_date_exists(tmp_path):
    house = House.build(tmp_path, small_contract(tmp_path / "sources"))
    house.land("klein", "klein_2020_v1.csv", files.small(at=2, datum="01-01-0000"))
    house.take_in("klein")
    path = house.parquet(house.staged("klein", "klein_2020_v1.csv"), "rij")
    rows = duckdb.execute(
        f"SELECT datum, datum__tekst, regel__datum__bestaat FROM '{path}' ORDER BY _row"
    ).fetchall()
    assert rows[0] == (None, "01-01-0000", 0)
    assert [row[2] for row in rows] == [0, 1, 1]


def _free_text(text: str | None) -> str | None:
    column = P5.column("functienaam")
    assert column.is_text and column.codelist is None and column.pattern is None
    sql = f'SELECT {masking.kept(column, {})} FROM (SELECT $1::VARCHAR AS "functienaam")'
    return duckdb.execute(sql, [text]).fetchall()[0][0]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("123456782", "*"),
        ("BSN 123456782 van X", "BSN * van X"),
        ("123.456.782", "*"),
        ("12345678 2", "*"),
        ("bsn123456782é", "bsn*é"),
        ("1234-56-782, zie 2019", "*, zie 2019"),
        ("123 - 456 - 782", "*"),
        ("123\u00a0456\u00a0782", "*"),
        ("12345672 (nul weg)", "* (nul weg)"),
        ("nr 12 123 456 782", "nr 12 *"),
        ("2020 123456782 2020", "2020 * 2020"),
        ("123456782 en 319072356", "* en *"),
        ("123456782 319072356", "* *"),
        ("123456782;123456782", "*;*"),
    ],
)
def test_a_bsn_within_free_text_is_masked_and_the_rest_kept(text, left):
    assert _free_text(text) == left.replace("*", masking.MASKED)


@pytest.mark.parametrize(
    "text",
    [
        *("Team 2019/2020", "afdeling 12", "", None, "Beleid 2019-2020", "29544-1081"),
        *(
            "123456783",
            "1234567820",
            "0123456782",
            "12345 67820",
            "012.34.56.78-2",
            "9 medewerkers",
        ),
        # The digits of these pass the eleven test.
        *("Team 2016-2017", "sinds 07-01-2020", "2020-01-09 gestart"),
    ],
)
def test_ordinary_free_text_stays_as_it_is(text):
    assert _free_text(text) == text


@settings(deadline=None)
@given(
    st.sampled_from(["123456782", "012345672", "319072356", "111222333"]),
    st.lists(st.sampled_from(["", "", ".", " ", "-", " - "]), min_size=8, max_size=8),
    st.text(alphabet="ab é(:/;|_", max_size=5),
    st.text(alphabet="ab é(:/;|_", max_size=5),
)
def test_a_bsn_is_masked_however_it_is_grouped(number, gaps, before, after):
    grouped = "".join(a + b for a, b in zip(number, [*gaps, ""], strict=True))
    assert _free_text(f"{before}{grouped}{after}") == f"{before}{masking.MASKED}{after}"


def test_a_bsn_within_free_text_is_not_staged(tmp_path):
    house = House.build(tmp_path)
    name = "p5_behoud_A_2018_v1.csv"
    text = "BSN 123.456.782 van X"
    house.land("p5_behoud", name, p5_text([p5_row(i, functienaam=text) for i in range(12)]))
    house.take_in("p5_behoud")
    path = house.parquet(house.staged("p5_behoud", name), "medewerker")
    rows = duckdb.execute(f"SELECT functienaam FROM '{path}' ORDER BY _row LIMIT 1").fetchall()
    assert rows == [(f"BSN {masking.MASKED} van X",)]


def test_kinds_of_missing_are_kept_apart(tmp_path):
    house = House.build(tmp_path, small_contract(tmp_path / "sources"))
    house.land("klein", "klein_2020_v1.csv", files.small(at=2, aantal=""))
    house.take_in("klein")
    path = house.parquet(house.staged("klein", "klein_2020_v1.csv"), "rij")
    rows = duckdb.execute(
        "SELECT aantal, aantal__tekst, aantal__ontbreekt FROM read_parquet($1)", [str(path)]
    ).fetchall()
    assert rows == [(None, None, "leeg"), (None, None, "geweigerd"), (7, "7", None)]


def test_the_careful_way_keeps_the_senders_order_over_many_batches(tmp_path):
    house = House.build(tmp_path, small_contract(tmp_path / "sources"))
    head, first, *_ = files.small().decode().splitlines()
    rows = 3 * BATCH_ROWS
    house.land("klein", "klein_2020_v1.csv", "\n".join([head, "", *[first] * rows]))
    house.take_in("klein")
    path = house.parquet(house.staged("klein", "klein_2020_v1.csv"), "rij")
    numbers = [row[0] for row in duckdb.execute(f"SELECT _row FROM '{path}'").fetchall()]
    assert numbers == list(range(3, rows + 3))


def test_ages_are_completed_years_on_the_peildatum():
    cases = {
        "2002-01-02": "15-24",
        "1995-01-01": "25-34",
        "1995-01-02": "15-24",
        "1950-06-01": "65+",
    }
    codes = {"25-34", "15-24", "65+"}
    from via_pipeline.contracts import codelists
    from via_pipeline_tests.intake.house import REFERENCE

    listed = codelists.load("leeftijdsklasse", REFERENCE)
    context = conform.Context(
        load("p5_behoud"), "x", {}, date(2020, 1, 1), {"leeftijdsklasse": listed}
    )
    column = P5.column("leeftijdsklasse")
    for born, expected in cases.items():
        sql = conform._age_class(context, column, f"DATE '{born}'", "x")
        assert duckdb.execute(f"SELECT {sql}").fetchall()[0][0] == expected
        assert expected in codes


def _words(header: list[str]) -> str:
    return " ".join(of_header(locate([header], P5, 1, 0), P5))


def test_drift_is_said_in_words():
    assert _words(NAMES) == ""
    assert _words([name.upper().replace("_", " ") for name in NAMES]) == ""
    assert "andere volgorde" in _words(NAMES[::-1])
    assert "Ontbrekende kolommen: 'promotie'" in _words([n for n in NAMES if n != "promotie"])
    assert "Niet-afgesproken kolommen: 'salaris'" in _words([*NAMES, "salaris"])
    renamed = ["promotie_jn" if name == "promotie" else name for name in NAMES]
    assert "'promotie' heet in het bestand waarschijnlijk 'promotie_jn'" in _words(renamed)
    assert "meer dan één keer" in _words([*NAMES, "jaar"])


def test_a_renamed_column_is_known_under_a_merged_cell():
    alias = P5.column("herkomst_oud").aliases[0]
    lower = [alias if name == "herkomst_oud" else name for name in NAMES]
    upper = ["wie", *[""] * (len(NAMES) - 1)]
    header = locate([["Titel"], upper, lower], P5, 2, 3)
    assert header.first_data_index == 3
    words = " ".join(of_header(header, P5))
    assert f"'herkomst_oud' heet in het bestand waarschijnlijk '{alias}'" in words


def test_a_header_cell_that_is_no_name_is_not_repeated():
    header = locate([[*NAMES, "218304760", "Jansen 218304760", ""]], P5, 1, 0)
    shown = " ".join(shown_header(header)) + " ".join(of_header(header, P5))
    assert "218304760" not in shown and "Jansen" not in shown
    with pytest.raises(NoHeader):
        locate([["218304760", "2018", "25-34"]], P5, 1, 0)


def test_a_column_of_another_type_and_new_codes_are_told(tmp_path):
    house = House.build(tmp_path, small_contract(tmp_path / "sources"))
    text = files.small(soort="q").decode()
    for old, new in (
        ("01-03-2020", "2020-03-01"),
        ("31-12-2019", "2019-12-31"),
        ("29-02-2020", "2020-02-29"),
    ):
        text = text.replace(old, new)
    house.land("klein", "klein_2020_v1.csv", text)
    house.take_in("klein")
    words = house.staged("klein", "klein_2020_v1.csv").tables[0].drift
    assert "Kolom 'datum' bevat datum (jjjj-mm-dd); afgesproken is datum (dd-mm-jjjj)." in words
    assert "Kolom 'soort' bevat codes die niet in de codelijst 'klein_soort' staan: 'q'." in words


@pytest.mark.parametrize(
    ("tail", "many"),
    [
        ("", "\r\n"),
        ("100099;te;weinig\r\n", "\r\n"),
        # Torn behind the column that is counted: of nine and this one there are not ten.
        ("100099;2018;25-34;westers;2;zaalwacht;01-02-2010\r\n", "\r\n"),
        ("", "\r"),
    ],
    ids=["read fast", "read fast until a row is torn", "torn behind it", "read with care"],
)
def test_a_text_that_few_rows_share_is_not_kept_however_the_file_is_read(tmp_path, tail, many):
    house = House.build(tmp_path)
    rows = [p5_row(number, functienaam="adviseur") for number in range(10)]
    rows += [p5_row(number, functienaam="zaalwacht") for number in range(10, 19)]
    rows += [p5_row(19, functienaam="neef van de directeur"), p5_row(20, functienaam="")]
    text = (p5_text(rows) + tail).replace("\r\n", many)
    house.land("p5_behoud", "p5_behoud_A_2018_v1.csv", text)
    house.take_in("p5_behoud")
    staged = house.staged("p5_behoud", "p5_behoud_A_2018_v1.csv")
    path = house.parquet(staged, "medewerker")
    found = duckdb.execute(
        "SELECT functienaam, count(*), min(_row) FROM read_parquet($1) GROUP BY ALL ORDER BY 3",
        [str(path)],
    ).fetchall()
    assert found == [("adviseur", 10, 2), ("(zeldzaam)", 10, 12), (None, 1, 22)]
    numbers = duckdb.execute("SELECT _row FROM read_parquet($1)", [str(path)]).fetchall()
    assert numbers == [(number,) for number in range(2, 23)]
