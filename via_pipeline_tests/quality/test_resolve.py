"""Quarantine resolved by a person: sheet out, sheet in, a revision, and the file never touched."""

from __future__ import annotations

import csv
import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from via_pipeline.cli import app
from via_pipeline.contracts.model import load
from via_pipeline.intake import corrections
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.intake.status import Status
from via_pipeline.pilots import conform
from via_pipeline.privacy.erase import erase
from via_pipeline.quality import resolve
from via_pipeline.quality.run import judge
from via_pipeline.storage.duck import literal, work
from via_pipeline_tests.intake import house as intake
from via_pipeline_tests.journeys import house

NAME = "p5_behoud_A_2018_v1.csv"
LATER = datetime(2021, 6, 2, 12, 0, tzinfo=UTC)
AT = "2021-06-02T11:00:00Z"
P5 = load("p5_behoud")
# What is wrong, by row as the sender counts (the header is row 1).
FAULTS = {
    3: {"deeltijdfactor": "9,00"},
    5: {"herkomst_oud": "weet niet"},
    7: {"datum_in_dienst": "31-02-2010"},
    9: {"personeelsnummer": "geen"},
}


def rows(count: int = 40) -> list[dict[str, str]]:
    made = [intake.p5_row(n) for n in range(count)]
    for number, fault in FAULTS.items():
        made[number - 2] |= fault
    return made


def run(small: intake.House, now: datetime = intake.NOW) -> None:
    """Intake, judging and the conformed table, as a night does them."""
    small.take_in("p5_behoud", now=now)
    judge(small.home, P5, run_id="run")
    conform.refresh(small.home, P5)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> intake.House:
    made = intake.House.build(tmp_path_factory.mktemp("huis"))
    path = made.land("p5_behoud", NAME, intake.p5_text(rows()))
    os.utime(path, (0, 0))
    run(made)
    return made


@pytest.fixture
def small(built: intake.House, tmp_path: Path) -> intake.House:
    return built.copied(tmp_path)


def ledger(small: intake.House) -> list[LedgerRow]:
    return Ledger(small.home.ledger).rows("p5_behoud")


def in_force(small: intake.House, as_of: date | None = None) -> LedgerRow:
    (one,) = Ledger(small.home.ledger).current("p5_behoud", as_of)
    return one


def fill(sheet: Path, texts: dict[tuple[int, str], object]) -> None:
    """What a person does in a spreadsheet program."""
    book = openpyxl.load_workbook(sheet)
    page = book.active
    head = {cell.value: cell.column for cell in page[2]}
    for row in page.iter_rows(min_row=3):
        key = (row[head["rij"] - 1].value, row[head["kolom"] - 1].value)
        if key in texts:
            page.cell(row[0].row, head["nieuwe waarde"]).value = texts[key]
    book.save(sheet)


def replay(small: intake.House, texts: dict[tuple[int, str], object], at: str = AT) -> resolve.Plan:
    sheet = small.home.root / "herstel.xlsx"
    resolve.write(sheet, resolve.lines(small.home, P5))
    fill(sheet, texts)
    plan = resolve.plan(small.home, [P5], resolve.read(sheet), who="An Ander", at=at)
    for one in plan.lists:
        path = corrections.write(small.home, one, date.fromisoformat(at[:10]))
        os.utime(path, (0, 0))
    return plan


def cell(small: intake.House, row: int, column: str) -> object:
    path = conform.accepted_path(small.home, P5.tables[0], in_force(small).delivery_id)
    with work() as connection:
        found = connection.execute(
            f"SELECT {column} FROM read_parquet({literal(path)}) WHERE _row = {row}"
        ).fetchall()
    return found[0][0] if found else "in quarantine"


def test_the_sheet_says_what_is_wrong_and_hides_who_it_is_about(small) -> None:
    found = {(one.row, one.column): one for one in resolve.lines(small.home, P5)}
    assert {row for row, _ in found} == set(FAULTS)
    assert found[3, "deeltijdfactor"].old == "9,00"
    assert found[5, "herkomst_oud"].rule == "herkomst_oud__codelijst"
    assert found[7, "datum_in_dienst"].old == "31-02-2010"
    assert found[9, "personeelsnummer"].old == resolve.HIDDEN
    sheet = small.home.root / "blad.csv"
    resolve.write(sheet, list(found.values()))
    assert "geen" not in sheet.read_text("utf-8-sig").split("\n")[-2].split(";")[-2]
    assert sheet.stat().st_mode & 0o777 == 0o600


def test_what_a_person_resolved_passes_and_the_rest_stays_with_the_reason(small) -> None:
    file = small.home.landing / "p5_behoud" / "2019-02-01" / NAME
    before, base = file.read_bytes(), in_force(small)
    assert base.rows_accepted == 36
    plan = replay(
        small,
        {
            (3, "deeltijdfactor"): 0.9,  # a number, as a spreadsheet keeps it
            (5, "herkomst_oud"): "nog steeds niet",
            (7, "datum_in_dienst"): datetime(2010, 2, 28),
        },
    )
    assert plan.refused == () and [len(one.cells) for one in plan.lists] == [3]
    run(small, LATER)

    assert file.read_bytes() == before, "the file of the partner is never touched"
    now = in_force(small)
    assert (now.corrects, now.corrects_sha256) == (base.delivery_id, base.sha256)
    assert now.supersedes == base.delivery_id and now.file_name == NAME
    assert (now.rows_in, now.rows_accepted, now.rows_quarantined) == (40, 38, 2)
    assert str(cell(small, 3, "deeltijdfactor")) == "0.90"
    assert cell(small, 7, "datum_in_dienst") == date(2010, 1, 1), "kept by year, as agreed"
    assert cell(small, 5, "herkomst_oud") == "in quarantine"
    left = {(one.row, one.column): one for one in resolve.lines(small.home, P5)}
    assert left[5, "herkomst_oud"].old == "~xxx xxxxxx xxxx", "masked as any text that is no code"
    assert left[5, "herkomst_oud"].rule == "herkomst_oud__codelijst"


def test_the_record_says_who_when_and_which_bytes_and_no_value(small) -> None:
    base = in_force(small)
    replay(small, {(3, "deeltijdfactor"): "0,90"})
    run(small, LATER)
    (one,) = Ledger(small.home.ledger).corrections()
    (path,) = (small.home.data / "correcties" / "p5_behoud" / "2021-06-02").iterdir()
    assert (one.who, one.made_at, one.cells) == ("An Ander", AT, 1)
    assert (one.base, one.base_sha256) == (base.delivery_id, base.sha256)
    assert one.sha256 == house.bytes_of(path.parent)[path.name]
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"0,90" not in small.home.ledger.read_bytes()


def test_a_letter_of_before_does_not_see_it(small) -> None:
    base = in_force(small)
    replay(small, {(3, "deeltijdfactor"): "0,90"})
    run(small, LATER)
    assert in_force(small, date(2021, 6, 1)).delivery_id == base.delivery_id
    assert in_force(small, date(2021, 6, 2)).corrects == base.delivery_id


def test_a_second_sheet_keeps_what_the_first_resolved(small) -> None:
    replay(small, {(3, "deeltijdfactor"): "0,90"})
    run(small, LATER)
    plan = replay(small, {(5, "herkomst_oud"): "westers"}, at="2021-06-02T12:30:00Z")
    assert [cell.row for cell in plan.lists[0].cells] == [3, 5]
    run(small, LATER)
    assert in_force(small).rows_accepted == 38
    assert str(cell(small, 3, "deeltijdfactor")) == "0.90"
    assert cell(small, 5, "herkomst_oud") == "westers"


def test_what_the_partner_sends_afterwards_replaces_both(small) -> None:
    replay(small, {(3, "deeltijdfactor"): "0,90"})
    run(small, LATER)
    fresh = small.land("p5_behoud", NAME, intake.p5_text(rows(41)), "2021-05-01")
    os.utime(fresh, (0, 0))
    run(small, LATER)
    # Received before the correction was made, and still the newer file of the partner.
    assert (in_force(small).corrects, in_force(small).rows_in) == (None, 41)
    assert [row.status for row in ledger(small)].count(Status.SUPERSEDED) == 2


def test_the_same_inputs_give_the_same_bytes_in_another_house(small, tmp_path: Path) -> None:
    replay(small, {(3, "deeltijdfactor"): "0,90", (5, "herkomst_oud"): "westers"})
    run(small, LATER)
    other = intake.House.build(tmp_path / "other")
    shutil.copytree(small.home.data, other.home.data, dirs_exist_ok=True)
    run(other, LATER)
    assert house.bytes_of(other.home.lake) == house.bytes_of(small.home.lake)
    assert house.bytes_of(other.home.quarantine) == house.bytes_of(small.home.quarantine)


def test_a_second_run_finds_nothing_new(small) -> None:
    replay(small, {(3, "deeltijdfactor"): "0,90"})
    run(small, LATER)
    before = house.bytes_of(small.home.lake)
    assert small.take_in("p5_behoud", now=LATER).new == ()
    assert judge(small.home, P5, run_id="run") == []
    assert house.bytes_of(small.home.lake) == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"column": "personeelsnummer"}, "wijst een persoon aan"),
        ({"column": "bestaat_niet"}, "heeft geen kolom 'bestaat_niet'"),
        ({"column": ""}, "heeft geen kolom ''"),
        ({"table": "andere"}, "kent geen tabel 'andere'"),
        ({"row": 4}, "rij 4 van 'medewerker' staat niet in quarantaine"),
        ({"row": 999}, "staat niet in quarantaine"),
        ({"delivery": "p5_behoud-0000000000000000"}, "is hier niet bekend"),
        ({"new": "een\ntwee"}, "tekens die niet mogen"),
    ],
)
def test_what_may_not_be_corrected_is_refused_and_the_rest_goes_on(small, change, told) -> None:
    good, *_ = [one for one in resolve.lines(small.home, P5) if one.column == "deeltijdfactor"]
    good = replace(good, new="0,90")
    plan = resolve.plan(
        small.home, [P5], [(3, good), (4, replace(good, **change))], who="An", at=AT
    )
    (refusal,) = plan.refused
    assert refusal.line == 4 and told in refusal.told
    assert [len(one.cells) for one in plan.lists] == [1]


def test_two_answers_to_one_question_are_both_refused(small) -> None:
    good, *_ = [one for one in resolve.lines(small.home, P5) if one.column == "deeltijdfactor"]
    asked = [(3, replace(good, new="0,90")), (4, replace(good, new="0,80"))]
    plan = resolve.plan(small.home, [P5], asked, who="An", at=AT)
    assert plan.lists == () and [one.line for one in plan.refused] == [3, 4]


def test_a_list_that_was_tampered_with_is_not_applied(small) -> None:
    base = in_force(small)
    listed = corrections.CorrectionList(
        "p5_behoud",
        base.delivery_id,
        base.sha256,
        "An",
        AT,
        (corrections.Cell("medewerker", 3, "personeelsnummer", "100099"),),
    )
    bad = corrections.write(small.home, listed, date(2021, 6, 2))
    torn = bad.with_name(bad.name.replace("T110000Z", "T120000Z"))
    torn.write_text('{"cells": 3}')
    for path in (bad, torn):
        os.utime(path, (0, 0))
    run(small, LATER)
    assert in_force(small).delivery_id == base.delivery_id, "yesterday's rows stand"
    refused = [row for row in ledger(small) if row.status is Status.REJECTED]
    assert len(refused) == 2
    records = "".join(
        (small.home.lake / "staging" / row.delivery_id / "record.json").read_text()
        for row in refused
    )
    assert "wijst een persoon aan" in records and "geen leesbare lijst" in records
    assert "100099" not in records


def test_a_partner_cannot_send_a_list(small) -> None:
    plan = replay(small, {(3, "deeltijdfactor"): "0,90"})
    folder = small.home.data / "correcties"
    (path,) = folder.rglob("*.json")
    sent = small.land("p5_behoud", path.name, path.read_bytes(), "2021-06-01")
    os.utime(sent, (0, 0))
    shutil.rmtree(folder)
    run(small, LATER)
    assert in_force(small).corrects is None and plan.lists
    assert [row.status for row in ledger(small)] == [in_force(small).status, Status.REJECTED]


def test_who_is_erased_is_gone_from_the_list_and_later_rows_move_up(small) -> None:
    """The person of row 3 goes; the correction of row 5 must then be that of row 4."""
    replay(small, {(3, "deeltijdfactor"): "0,90", (5, "herkomst_oud"): "westers"})
    run(small, LATER)
    erase(
        small.home,
        [P5],
        intake.KEY,
        "personeelsnummer",
        ["100001"],
        {"werkgever": "A"},
        now=LATER,
        run_id="wis",
    )
    (path,) = (small.home.data / "correcties").rglob("*.json")
    (left,) = corrections.read(path).cells
    assert (left.row, left.column, left.text) == (4, "herkomst_oud", "westers")
    file = small.home.landing / "p5_behoud" / "2019-02-01" / NAME
    assert file.read_text("cp1252").splitlines()[3].startswith("100003;")
    one = in_force(small)
    assert one.corrects and (one.rows_accepted, one.rows_in) == (37, 39)
    # Read again from what is kept, in an empty house: the same rows are accepted.
    small.home.ledger.unlink()
    shutil.rmtree(small.home.lake)
    run(small, LATER)
    assert (in_force(small).rows_accepted, in_force(small).rows_in) == (37, 39)
    assert cell(small, 4, "herkomst_oud") == "westers"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.text(
        st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufeff"),
        min_size=1,
        max_size=30,
    ).filter(lambda text: text == text.strip() and not text.startswith("'"))
)
@example("=1+1")
@example("-3,5")
@example("0012")
@example('een; "twee"')
def test_any_text_comes_back_from_a_sheet_and_no_formula_goes_out(tmp_path, text: str) -> None:
    line = resolve.Line("p5_behoud-" + "a" * 16, NAME, "medewerker", 3, "x", "r", "u", text)
    for sheet in (tmp_path / "blad.csv", tmp_path / "blad.xlsx"):
        resolve.write(sheet, [line])
        if sheet.suffix == ".csv":
            with sheet.open(encoding="utf-8-sig", newline="") as handle:
                head, cells = csv.reader(handle, delimiter=";")
            assert not cells[7].startswith(("=", "+", "-", "@"))
            with sheet.open("w", encoding="utf-8-sig", newline="") as handle:
                csv.writer(handle, delimiter=";").writerows([head, [*cells[:-1], text]])
        else:
            book = openpyxl.load_workbook(sheet)
            assert book.active["H3"].data_type == "s", "text, never a formula"
            book.active["I3"].value = text
            book.active["I3"].data_type = "s"
            book.save(sheet)
        ((_, back),) = resolve.read(sheet)
        assert (back.delivery, back.row, back.column, back.new) == (line.delivery, 3, "x", text)


def test_the_commands_over_a_house(small, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIA_HOME", str(small.home.root))
    monkeypatch.setenv("VIA_DATA", str(small.home.data))
    sheet = tmp_path / "blad.xlsx"

    def via(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["quarantine", *arguments])
        return done.exit_code, done.output

    code, text = via("export", "p5_behoud", "--out", str(sheet), "--json")
    assert code == 0 and json.loads(text)["lines"] == 4
    fill(sheet, {(3, "deeltijdfactor"): "0,90", (9, "personeelsnummer"): "100099"})
    code, text = via("replay", str(sheet), "--as", "An Ander", "--dry-run", "--json")
    assert code == 3 and json.loads(text)["cells"] == 1 and "100099" not in text
    assert not (small.home.data / "correcties").exists(), "a dry run writes nothing"
    code, text = via("replay", str(sheet), "--as", "An Ander")
    assert code == 3 and "1 cellen" in text and "wijst een persoon aan" in text
    (path,) = (small.home.data / "correcties").rglob("*.json")
    os.utime(path, (0, 0))
    run(small, datetime.now(tz=UTC))
    code, text = via("list", "--json")
    assert code == 0 and json.loads(text)[0]["who"] == "An Ander"
    assert via("replay", str(sheet), "--as", "An Ander")[0] == 3, "it was replaced meanwhile"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.xlsx", b"PK\x03\x04 no workbook"),
        ("a.xlsx", b""),
        ("a.csv", b""),
        ("a.csv", b"een;twee\r\n1;2\r\n"),
        ("a.csv", bytes(range(256))),
        ("a.csv", (";".join(resolve.HEADER) + "\r\nx;y;z;drie;k;r;u;o;n\r\n").encode()),
    ],
)
def test_a_file_that_is_no_sheet_is_told_and_nothing_of_it_repeated(tmp_path, name, data) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(resolve.SheetError) as told:
        resolve.read(tmp_path / name)
    assert "drie" not in str(told.value) and len(str(told.value)) < 200
