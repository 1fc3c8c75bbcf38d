"""A test per fault family: each faulty file gets a clear Dutch word, and harms no other.

All faulty files lie in landing together with good ones, and one run takes in and judges them all.
What is said of each is read where the partner reads it: in the workbook that goes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pytest

from via_pipeline.contracts.model import SOURCES
from via_pipeline.intake.ledger import Ledger
from via_pipeline.intake.records import read_record, staging
from via_pipeline.intake.run import take_in_unknown
from via_pipeline.intake.status import Status
from via_pipeline.quality import report
from via_pipeline.quality.results import Verdict, read_result
from via_pipeline.quality.run import judge
from via_pipeline_tests.faults import files
from via_pipeline_tests.intake.contracts import small_contract
from via_pipeline_tests.intake.house import NOW, House

ROW, FILE = "rij", "bestand"


@dataclass(frozen=True)
class Fault:
    """One faulty file and what its sender must be told."""

    family: str
    source: str
    name: str
    content: bytes | str
    rule: str
    outcome: str
    says: str
    row: int | None = None
    column: str | None = None


def _p5(letter: str) -> str:
    return f"p5_behoud_{letter}_2018_v1.csv"


UTF8 = files.p5(functienaam="coördinator").encode("utf-8")
UNDECODABLE = files.p5(functienaam="x").encode("cp1252").replace(b";x;", b";\x81\xe9;", 1)
TWICE = files.p5(at=4, personeelsnummer="100000")
UNCLOSED = files.p5(at=6, functienaam='"open')

FAULTS = [
    Fault("encoding", "p5_behoud", _p5("B"), UTF8, "bestand__codering", FILE, "UTF-8"),
    Fault(
        "encoding (byte)", "p5_behoud", _p5("C"), UNDECODABLE, "bestand__codering", FILE,
        "Regel 3", 3,
    ),
    Fault(
        "delimiter", "p5_behoud", _p5("D"), files.p5(deeltijdfactor="1").replace(";", "\t"),
        "bestand__scheidingsteken", FILE, "tab", 1,
    ),
    Fault(
        "header missing", "p5_behoud", _p5("E"), files.p5_without("functieniveau"),
        "tabel__kolommen", FILE, "functieniveau",
    ),
    Fault(
        "header renamed", "p5_behoud", _p5("F"), files.p5_header(functieniveau="functie_niveau_1"),
        "tabel__kolommen", FILE, "waarschijnlijk 'functie_niveau_1'",
    ),
    Fault(
        "header absent", "p5_behoud", _p5("G"), files.p5().split("\r\n", 1)[1], "bestand__kop",
        FILE, "kopregel is niet gevonden", 1,
    ),
    Fault(
        "header twice", "p5_behoud", _p5("H"), files.p5_header(functienaam="jaar"),
        "bestand__kop_dubbel", FILE, "meer dan één keer", 1, "jaar",
    ),
    Fault(
        "ragged rows", "p5_behoud", _p5("I"), files.p5_ragged(), "bestand__rij", ROW,
        "12 cellen", 3,
    ),
    Fault("empty file", "p5_behoud", _p5("J"), b"", "bestand__leeg", FILE, "leeg"),
    Fault(
        "header only", "p5_behoud", _p5("K"), files.p5().split("\r\n")[0] + "\r\n",
        "tabel__gevuld", FILE, "geen rijen",
    ),
    Fault(
        "huge cell", "p5_behoud", _p5("L"), files.p5(at=5, functienaam="x" * 5_000_000),
        "bestand__cel", ROW, "langer dan", 5, "functienaam",
    ),
    Fault(
        "quote never closed", "p5_behoud", _p5("M"), UNCLOSED, "bestand__aanhalingsteken", FILE,
        "rij 6", 6,
    ),
    Fault("duplicate key", "p5_behoud", _p5("N"), TWICE, "sleutel__uniek", ROW, "dubbel", 4),
    Fault(
        "unknown code", "p5_behoud", _p5("O"), files.p5(herkomst_oud="overig"),
        "herkomst_oud__codelijst", ROW, "codelijst", 3, "herkomst_oud",
    ),
    Fault(
        "date 31-02", "p5_behoud", _p5("P"), files.p5(datum_in_dienst="31-02-2010"),
        "datum_in_dienst__bestaat", ROW, "bestaat niet", 3, "datum_in_dienst",
    ),
    Fault(
        "decimal point", "p5_behoud", _p5("Q"), files.p5(deeltijdfactor="1.5"),
        "deeltijdfactor__vorm", ROW, "komma", 3, "deeltijdfactor",
    ),
    Fault(
        "wrong contract version", "p5_behoud", "p5_behoud_R_2018_v2.csv", files.p5(),
        "bestand__contractversie", FILE, "versie 2",
    ),
    Fault(
        "wrong name", "p5_behoud", "behoud S 2018.csv", files.p5(), "bestand__naam", FILE,
        "p5_behoud_<werkgever>_<periode>_v1.csv",
    ),
    Fault(
        "thousand separators", "klein", "klein_2020A_v1.csv", files.small(bedrag="1.234,50"),
        "bedrag__vorm", ROW, "duizendtallen", 3, "bedrag",
    ),
    Fault(
        "negative count", "klein", "klein_2020B_v1.csv", files.small(aantal="-1"),
        "aantal__bereik", ROW, "niet lager dan 0", 3, "aantal",
    ),
    Fault(
        "BSN 000000000", "klein", "klein_2020C_v1.csv", files.small(bsn="000000000"),
        "bsn__elfproef", ROW, "elfproef", 3, "bsn",
    ),
    Fault(
        "code not valid at the peildatum", "klein", "klein_2021_v1.csv",
        files.small(at=2, gemeente="0003"), "gemeente__geldig_op_peildatum", ROW,
        "niet geldig op de peildatum", 2, "gemeente",
    ),
    Fault(
        "truncated ZIP", "klein", "klein_2004_v1.zip",
        files.zipped({"klein.csv": files.small()})[:-40], "bestand__zip", FILE, "beschadigd",
    ),
    Fault(
        "zip bomb", "klein", "klein_2005_v1.zip", files.zipped({"klein.csv": b"a" * (64 << 20)}),
        "bestand__zip_bom", FILE, "keer zo groot",
    ),
    Fault(
        "zip bomb that lies", "klein", "klein_2006_v1.zip", files.zip_that_lies(),
        "bestand__zip", FILE, "beschadigd",
    ),
    Fault(
        "encrypted ZIP", "klein", "klein_2007_v1.zip", files.encrypted_zip(),
        "bestand__wachtwoord", FILE, "wachtwoord",
    ),
    *(
        Fault(
            f"path tricks in a ZIP ({trick!r})", "klein", f"klein_{2100 + number}_v1.zip",
            files.zipped({trick: files.small()}), "bestand__zip_pad", FILE, "pad",
        )
        for number, trick in enumerate(
            ["../klein.csv", "/etc/klein.csv", "a\\..\\klein.csv", "C:klein.csv", "a/../../k.csv"]
        )
    ),
    Fault(
        "link in a ZIP", "klein", "klein_2008_v1.zip", files.zip_with_link(),
        "bestand__zip_pad", FILE, "verwijzing",
    ),
    Fault(
        "same name twice in a ZIP", "klein", "klein_2009_v1.zip",
        files.zipped({"k.csv": files.small(), "K.csv": files.small()}), "bestand__zip_pad", FILE,
        "dezelfde naam",
    ),
    Fault(
        "ZIP in a ZIP", "klein", "klein_2010_v1.zip",
        files.zipped({"k.zip": files.zipped({"klein.csv": files.small()})}),
        "bestand__zip_genest", FILE, "in een ZIP",
    ),
    Fault(
        "password-protected workbook", "klein", "klein_2011_v1.xlsx", files.protected_workbook(),
        "bestand__wachtwoord", FILE, "wachtwoord",
    ),
    Fault(
        "macro workbook", "klein", "klein_2012_v1.xlsx", files.workbook(macro=True),
        "bestand__macro", FILE, "macro",
    ),
    Fault(
        "macro workbook by name", "p3_nudging", "p3_nudging_W01_2020H1_v1.xlsm",
        files.workbook(macro=True), "bestand__macro", FILE, "macro",
    ),
    Fault(
        "formulas in cells", "klein", "klein_2013_v1.xlsx", files.workbook(formula=True),
        "bestand__formule", FILE, "cel C3 van blad 'Gegevens'", 3,
    ),
    Fault(
        "error values in cells", "klein", "klein_2017_v1.xlsx",
        files.workbook_with_errors("C3", "D4"), "bestand__foutcel", FILE,
        "cel C3 van blad 'Gegevens' en cel D4 van blad 'Gegevens'", 3,
    ),
    Fault(
        "external link", "klein", "klein_2014_v1.xlsx", files.linked_workbook(),
        "bestand__koppeling", FILE, "gekoppeld",
    ),
    Fault(
        "workbook that is none", "klein", "klein_2015_v1.xlsx",
        files.zipped({"xl/workbook.xml": b"<workbook"}), "bestand__werkmap", FILE, "beschadigd",
    ),
    Fault(
        "format not agreed", "klein", "klein_2016_v1.pdf", b"%PDF-1.7 x", "bestand__formaat",
        FILE, "PDF",
    ),
    Fault(
        "control total that does not add up", "p2_mbo", "p2_mbo_2019_v1.zip",
        files.zipped(files.p2(totals=(21, 20, 20))), "controletotaal__klopt", FILE, "", 2,
    ),
    Fault(
        "file missing in a ZIP", "p2_mbo", "p2_mbo_2021_v1.zip",
        files.zipped({"studenten.csv": files.p2()["studenten.csv"]}), "bestand__lid_ontbreekt",
        FILE, "controletotaal",
    ),
]  # fmt: skip

GOOD = {
    "p5_behoud": (_p5("A"), files.p5()),
    "klein": ("klein_2020_v1.csv", files.small()),
    "p2_mbo": ("p2_mbo_2020_v1.zip", None),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> House:
    """One installation in which every faulty file and the good ones were judged together."""
    tmp_path = tmp_path_factory.mktemp("faults")
    sources = small_contract(tmp_path / "sources", formats=["csv", "xlsx"])
    for path in sorted(SOURCES.glob("*.odcs.yaml")):
        (sources / path.name).symlink_to(path)
    built = House.build(tmp_path, sources)
    for fault in FAULTS:
        built.land(fault.source, fault.name, fault.content)
    students = files.p2()
    students["studenten.csv"] = students["studenten.csv"].replace(b";2019;", b";2020;")
    for source, (name, content) in GOOD.items():
        built.land(source, name, files.zipped(students) if content is None else content)
    for source in sorted({fault.source for fault in FAULTS}):
        built.take_in(source)
        judge(built.home, built.contract(source), run_id="run-1")
    return built


def _told(house: House, source: str, name: str) -> list[tuple[str, ...]]:
    """Every row of every sheet of the workbook that goes back to the partner."""
    row = house.rows(source)[name]
    staged = read_record(staging(house.home.lake, row.delivery_id))
    book = openpyxl.load_workbook(report.path_of(house.home.reports, staged))
    return [
        tuple("" if cell is None else str(cell) for cell in line)
        for sheet in book
        for line in sheet.iter_rows(values_only=True)
    ]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.family)
def test_the_sender_is_told(house, fault):
    row = house.rows(fault.source)[fault.name]
    result = read_result(house.home.reports, row.delivery_id)
    failed = {item.rule: item for item in result.rules if not item.passed}
    assert fault.rule in failed, sorted(failed)
    found = failed[fault.rule]
    assert found.error is None
    if fault.row is not None:
        assert fault.row in found.rows
    assert found.column == fault.column
    lines = _told(house, fault.source, fault.name)
    everything = "\n".join(" | ".join(line) for line in lines)
    assert fault.name in everything and fault.says in everything
    about = [line for line in lines if fault.rule in line]
    assert about, everything
    for expected in (fault.row, fault.column):
        assert expected is None or any(str(expected) in line for line in about)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.family)
def test_only_what_is_wrong_is_set_aside(house, fault):
    row = house.rows(fault.source)[fault.name]
    result = read_result(house.home.reports, row.delivery_id)
    if fault.outcome == FILE:
        assert row.status is Status.REJECTED and result.verdict is Verdict.REJECTED
        assert not list((house.home.lake / "accepted").rglob(f"{row.delivery_id}.parquet"))
        return
    assert row.status is Status.ACCEPTED_WITH_WARNINGS
    (counts,) = result.counts
    assert counts.rows_in == counts.accepted + counts.quarantined
    assert counts.quarantined == len(
        {n for item in result.rules if item.severity == "reject_row" for n in item.rows}
    )
    assert 0 < counts.quarantined <= 2


@pytest.mark.parametrize("source", GOOD)
def test_another_good_delivery_is_unaffected(house, source):
    row = house.rows(source)[GOOD[source][0]]
    assert row.status in (Status.ACCEPTED, Status.ACCEPTED_WITH_WARNINGS), row
    assert row.rows_quarantined == 0


def test_a_file_for_an_unknown_pilot_is_recorded_and_refused(tmp_path):
    house = House.build(tmp_path)
    house.land("p9_nieuw", "p9_nieuw_2020_v1.csv", "naam;bsn\nJansen;123456782\n")
    house.land("p5_behoud", _p5("A"), files.p5())
    contracts = [house.contract("p5_behoud")]
    first = take_in_unknown(house.home, contracts, run_id="run-1", now=NOW, settle_seconds=0)
    assert len(first.rejected) == 1
    (row,) = Ledger(house.home.ledger).rows("p9_nieuw")
    assert row.status is Status.REJECTED and row.file_name == "p9_nieuw_2020_v1.csv"
    (finding,) = read_record(staging(house.home.lake, row.delivery_id)).findings
    assert finding.rule == "bestand__onbekende_bron" and finding.file == row.file_name
    assert "'p9_nieuw' bestaat geen afspraak" in finding.explanation
    again = take_in_unknown(house.home, contracts, run_id="run-2", now=NOW, settle_seconds=0)
    assert again.new == () and again.known == first.new
    assert house.take_in("p5_behoud").rejected == ()
    written = b"".join(p.read_bytes() for p in Path(house.home.root).rglob("*") if p.is_file())
    assert b"Jansen" not in written and b"123456782" not in written
