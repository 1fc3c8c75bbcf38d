"""A row is taken out of a file by a plain copy, read again by the house's own readers."""

from __future__ import annotations

import io
from datetime import date, datetime

import pandas as pd
import pyreadstat
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from via_pipeline.privacy.rewrite import CannotRewrite, holds, without

MEMBERS = {"traject": "Traject.*"}
ROWS = [
    ["Titel", "", "", "", ""],
    ["bsn", "naam", "datum", "uren", "klaar"],
    ["000000012", "A & <B>", date(2020, 2, 29), 12.5, True],
    ["246813581", "Ünïcode", datetime(2020, 3, 1, 13, 30), 40, False],
    ["", "", "", "", ""],
    ["111222333", "lang " * 20, date(1999, 12, 31), 0.1, True],
]


def workbook() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"default_date_format": "dd-mm-yyyy"}) as book:
        for name in ("Traject 2020", "Toelichting"):
            sheet = book.add_worksheet(name)
            for line, row in enumerate(ROWS):
                sheet.write_row(line, 0, row)
        sheet.write_comment(0, 0, "vraag 246813581 na")
    return out.getvalue()


def read(data: bytes) -> dict[str, list]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return {
        name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for name in book.sheet_names
    }


def as_ods(data: bytes) -> bytes:
    """The first sheet of a workbook as ODS, by the very copy that is tested below."""
    from via_pipeline.privacy.rewrite import _ods

    return _ods({"Traject 2020": read(data)["Traject 2020"], "Toelichting": [["246813581"]]})


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_a_workbook_keeps_every_value_of_everybody_else_and_nothing_besides(kind):
    data = workbook() if kind == "xlsx" else as_ods(workbook())
    assert holds(data, "246813581")
    copy = without(data, kind, {"traject": [4]}, MEMBERS)
    before, after = read(data)["Traject 2020"], read(copy)
    assert list(after) == ["Traject 2020"], "no other sheet is kept"
    assert after["Traject 2020"] == [row for at, row in enumerate(before, 1) if at != 4]
    assert not holds(copy, "246813581")
    assert holds(copy, "000000012"), "a text of digits stays a text"


def test_a_copy_is_the_same_bytes_each_time():
    one, other = (without(workbook(), "xlsx", {"traject": [4]}, MEMBERS) for _ in range(2))
    assert one == other


def test_an_spss_file_keeps_labels_and_missing_values(tmp_path):
    frame = pd.DataFrame(
        {"bsn": ["000000012", "246813581", "111222333"], "score": [1.0, 2.0, -9.0]}
    )
    path = tmp_path / "een.sav"
    pyreadstat.write_sav(
        frame,
        path,
        column_labels=["nummer", "oordeel"],
        variable_value_labels={"score": {1.0: "laag", -9.0: "geen antwoord"}},
        missing_ranges={"score": [-9.0]},
    )
    (tmp_path / "twee.sav").write_bytes(without(path.read_bytes(), "sav", {"t": [2]}, {"t": ".*"}))
    found, meta = pyreadstat.read_sav(tmp_path / "twee.sav", user_missing=True)
    assert found["bsn"].tolist() == ["000000012", "111222333"]
    assert found["score"].tolist() == [1.0, -9.0]
    assert meta.column_labels == ["nummer", "oordeel"]
    assert meta.variable_value_labels == {"score": {1.0: "laag", -9.0: "geen antwoord"}}
    assert meta.missing_ranges == {"score": [{"lo": -9.0, "hi": -9.0}]}


@pytest.mark.parametrize("kind", ["xlsx", "ods", "sav", "pdf"])
def test_what_cannot_be_read_is_not_guessed_at_and_not_quoted(kind):
    with pytest.raises(CannotRewrite) as told:
        without(b"246813581 is geen werkmap", kind, {"traject": [1]}, MEMBERS)
    assert "246813581" not in str(told.value)
