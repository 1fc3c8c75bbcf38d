"""Each format opens in a library of its own, holds the same rows, and says what it is."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from odf import opendocument
from odf.table import Table as OdfTable
from odf.table import TableRow

from via_pipeline.contracts import model
from via_pipeline.samples import draw, writers
from via_pipeline.samples.generate import generate, rows
from via_pipeline.samples.schedule import SHIPPED

LANDING = Path(__file__).parents[2] / "data" / "landing"


def _path(part: str) -> Path:
    return LANDING / next(sample.path for sample in SHIPPED if part in sample.path)


def test_sav_has_codes_labels_and_user_missing_values() -> None:
    path = _path("p1_studiekeuze/2020-10-28")
    frame, meta = pyreadstat.read_sav(path, user_missing=True)
    assert meta.file_label.startswith("SYNTHETISCH")
    assert meta.missing_ranges["ouder_betrokken"] == [{"lo": -9, "hi": -9}, {"lo": 99, "hi": 99}]
    assert {-9, 99} <= set(frame.ouder_betrokken.dropna())
    assert meta.variable_value_labels["arm"]["interventie"] == "Interventiegroep"
    plain, _ = pyreadstat.read_sav(path)
    assert plain.ouder_betrokken.isna().sum() > frame.ouder_betrokken.isna().sum()


def test_xlsx_has_a_title_block_and_a_merged_header_of_two_rows() -> None:
    path = _path("2020-08-24/p3_nudging_W01")
    sheet = openpyxl.load_workbook(path)["Sollicitaties"]
    assert "SYNTHETISCH" in sheet["A2"].value
    assert [cell.value for cell in sheet[6]][1:4] == ["vacature", "fase", "nudge"]
    assert sheet["A5"].value == "sollicitant_nr"
    assert {"A5:A6", "B5:D5"} <= {str(area) for area in sheet.merged_cells.ranges}
    assert sheet["F7"].is_date
    assert sheet["A7"].data_type == "s"  # numbers with leading zeros would survive


def test_ods_opens_in_odfpy_with_the_same_number_of_rows() -> None:
    document = opendocument.load(_path("p6_leren_werken_spoor_2020H2"))
    (table,) = document.getElementsByType(OdfTable)
    assert table.getAttribute("name") == "Trajecten"
    sample = next(s for s in SHIPPED if "spoor_2020H2" in s.file)
    expected = sum(len(piece["bsn"]) for piece in rows(sample)["traject"])
    assert len(table.getElementsByType(TableRow)) == expected + 1
    assert "SYNTHETISCH" in zipfile.ZipFile(_path("spoor_2020H2")).read("meta.xml").decode()


def test_parquet_has_types_and_says_what_it_is() -> None:
    schema = pq.read_schema(_path("2020-09-04/p4_barometer"))
    assert schema.field("geboortedatum").type == pa.date32()
    assert schema.field("uurloon").type == pa.decimal128(18, 2)
    assert b"SYNTHETISCH" in schema.metadata[b"herkomst"]


def test_csv_encodings_are_the_partners_own() -> None:
    windows = _path("2019-02-18/p5_behoud_A").read_bytes()
    assert b"\x80" in windows and b"\xeb" in windows and b"\r\n" in windows  # the signs € and ë
    with pytest.raises(UnicodeDecodeError):
        windows.decode("utf-8")
    marked = _path("2020-08-31/p4_barometer_O04").read_bytes()
    unmarked = _path("2020-09-07/p4_barometer_O04").read_bytes()
    assert marked == b"\xef\xbb\xbf" + unmarked


def test_archives_hold_no_time_of_writing() -> None:
    for path in LANDING.rglob("*"):
        if path.suffix in (".zip", ".xlsx", ".ods"):
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None
                assert {info.date_time for info in archive.infolist()} == {writers.EPOCH}


def test_columns_are_those_of_the_contract_in_its_order() -> None:
    for sample in SHIPPED:
        if sample.renamed or not sample.source.startswith("p") or "p9" in sample.source:
            continue
        contract = model.load(sample.source)
        for table, pieces in rows(sample).items():
            for piece in pieces:
                promised = [c.name for c in contract.table(table).delivered_columns]
                assert list(piece) == promised


def test_pieces_do_not_change_a_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of several pieces has one header and every row, and nothing is left beside it."""
    monkeypatch.setattr(draw, "CHUNK", 500)
    (path, *_) = generate(tmp_path, sources=["p7_ww"])
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1401
    assert sum(line.startswith("bsn;") for line in lines) == 1
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name]


def test_unknown_source_and_scale_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="p99"):
        generate(tmp_path, sources=["p99"])
    for scale in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="scale"):
            generate(tmp_path, scale=scale)
    assert not any(tmp_path.iterdir())
